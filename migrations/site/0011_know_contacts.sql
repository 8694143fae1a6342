-- Contacts with their other names, identity documents and links; who plays which part in a case; and the check for conflicts that opening
-- a case needs. Names are kept a second time in parts, folded and by their sound, so that a name is found however it is spelled.
alter table contact add column born text;                    -- YYYY-MM-DD, of a person
alter table contact add column number text;                  -- of an organisation, in its register
alter table contact add column email blob;                   -- encrypted (contact, email, id)
alter table contact add column phone blob;                   -- encrypted (contact, phone, id)
alter table contact add column address blob;                 -- encrypted (contact, address, id)
alter table contact add column note text;                    -- stays inside the firm
alter table contact add column changed integer not null default 0;
alter table contact add column version integer not null default 1;   -- counts changes, as for cases
alter table contact add column merged_into integer references contact (id);  -- a duplicate that was joined to another: it leads on to it
alter table contact add column removed integer;               -- made by mistake: nothing is left of it but its number
alter table contact add column import_id integer references contact_import (id);
update contact set changed = created;

create table contact_name (                                  -- other names: before marriage, trading as, in another script
    contact_id integer not null references contact (id),
    name       text not null,
    kind       text not null check (kind in ('before', 'trading', 'script', 'other')),
    primary key (contact_id, name)
) strict, without rowid;

create table identity_document (
    id         integer primary key autoincrement,
    contact_id integer not null references contact (id),
    kind       text not null check (kind in ('passport', 'permit', 'card', 'licence', 'register', 'other')),
    number     blob not null,                                -- encrypted (identity_document, number, id)
    country    text not null,
    expires    text,                                         -- YYYY-MM-DD
    by_id      integer not null references user (id),
    at         integer not null
) strict;
create index identity_of_contact on identity_document (contact_id);

create table contact_link (                                  -- one row for both directions: left is … of right
    left_id  integer not null references contact (id),
    right_id integer not null references contact (id),
    kind     text not null check (kind in ('spouse', 'parent', 'sibling', 'employer', 'director', 'owner', 'adviser', 'other')),
    by_id    integer not null references user (id),
    at       integer not null,
    primary key (left_id, right_id, kind),
    check (left_id != right_id)
) strict, without rowid;
create index link_to_contact on contact_link (right_id);

-- Who plays which part in a case. A part that is over stays as a row: it still decides who sees the contact, and conflicts look at it.
create table party (
    case_id    integer not null references cases (id),
    contact_id integer not null references contact (id),
    role       text not null check (role in ('client', 'sponsor', 'family', 'employer', 'other_side', 'their_adviser', 'counsel', 'witness', 'guarantor', 'other')),
    is_client  integer not null check (is_client in (0, 1)), -- the firm acts for them
    by_id      integer not null references user (id),
    at         integer not null,
    ended      integer,
    primary key (case_id, contact_id, role)
) strict, without rowid;
create index party_of_contact on party (contact_id);

create table name_part (
    contact_id integer not null references contact (id),
    fold       text not null,
    sound      text not null,
    primary key (fold, contact_id)
) strict, without rowid;
create index part_by_sound on name_part (sound, contact_id) where sound != '';
create index part_of_contact on name_part (contact_id);

-- What was looked for, what was found, and what was decided. Nothing of it is changed later.
create table conflict_check (
    id       integer primary key,
    case_id  integer not null references cases (id),
    terms    text not null,                                  -- JSON: the names that were looked for
    parties  text not null,                                  -- JSON: row ids of the contacts that were parties then
    found    text not null,                                  -- JSON: what was found, as row ids
    decision text not null check (decision in ('clear', 'accepted', 'conflict')),
    reason   text,
    by_id    integer not null references user (id),
    at       integer not null
) strict;
create index check_of_case on conflict_check (case_id);
create trigger check_stays before update on conflict_check begin select raise(abort, 'a decision stays as it was made'); end;
create trigger check_remains before delete on conflict_check begin select raise(abort, 'a decision stays as it was made'); end;

create table contact_import (                                -- contacts that come from a file: looked at, then accepted, and taken back at once
    id       integer primary key autoincrement,              -- a page of a file that was dropped accepts no other one
    name     text not null,                                  -- of the file
    rows     integer not null,                               -- how many can be taken
    file     blob,                                           -- encrypted (contact_import, file, id), until it is accepted or dropped
    by_id    integer not null references user (id),
    at       integer not null,
    accepted integer,
    undone   integer
) strict;
create index contact_of_import on contact (import_id) where import_id is not null;

-- What happened to a contact, for its history.
create index event_of_contact on event (object, seq) where kind = 7;
