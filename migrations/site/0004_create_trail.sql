-- The trail: append-only, each event linked to the one before by HMAC under a key that the database does not hold. Ids and
-- codes only, never a name or a title.
create table event (
    seq     integer primary key,
    at      integer not null,
    actor   integer,                      -- user; null when unknown (a sign-in that failed)
    verb    text not null,
    case_id integer,
    kind    integer,                      -- kind of the object, as in sealed ids
    object  integer,
    detail  integer,                      -- version number, level or user concerned, by verb
    origin  text not null,                -- client address
    session integer,
    refused integer not null check (refused in (0, 1)),
    link    blob not null
) strict;
create index event_of_case on event (case_id, seq) where case_id is not null;

create trigger event_stays before update on event begin select raise(abort, 'the trail is append-only'); end;
create trigger event_remains before delete on event begin select raise(abort, 'the trail is append-only'); end;
