-- Accounts have a role within their kind, can be invited before they have a password, and leave. What leads to a session (links,
-- factors, recovery codes, answers) and what guards it (counters, known devices) stands here; so do letters that wait to be sent.
drop view decide;
drop trigger cases_made;
drop trigger cases_handed;
drop trigger grants_made;
drop trigger grants_changed;
drop trigger grants_revoked;
drop trigger walls_up;
drop trigger walls_down;
drop trigger user_kind;

create table person (
    id          integer primary key autoincrement,  -- never used twice: the trail names accounts that are gone
    kind        text not null check (kind in ('staff', 'client', 'service')),
    role        text not null check (role in ('administrator', 'manager', 'staff', 'auditor', 'client', 'service')),
    -- invited → enrolling → active ⇄ suspended → left; a reset leads from active back to enrolling.
    state       text not null check (state in ('invited', 'enrolling', 'active', 'suspended', 'left')),
    name        text not null,
    words       text not null,               -- what they are called in the firm: Adviser, Reception
    email       blob not null,               -- encrypted (user, email, id); empty for services
    email_index blob unique,                 -- blind index of the address as it is compared; null for services
    password    text not null,               -- Argon2id over the peppered password; empty until one is chosen
    theme       text not null default '' check (theme in ('', 'light', 'dark')),
    language    text not null default 'en-GB',
    terms       integer,                     -- when the terms of use were accepted
    created     integer not null,
    check ((kind = 'client') = (role = 'client') and (kind = 'service') = (role = 'service'))
) strict;
insert into person (id, kind, role, state, name, words, email, email_index, password, theme, terms, created)
    select id, iif(kind = 'client', 'client', 'staff'), kind, state, name, words, email, email_index, password, theme, created, created from user;
drop table user;
alter table person rename to user;
create index user_by_name on user (kind, state, name);

-- The decision, with roles and states: wall ? none : max(grant, owner or supervisor), capped by role; nothing for those who are
-- suspended or have left.
create view decide as select 0 as user_id, 0 as case_id;
create trigger decide_now instead of insert on decide begin
    delete from sight where user_id = new.user_id and case_id = new.case_id;
    insert into sight (user_id, case_id, level, status)
    select new.user_id, new.case_id, level, iif(level >= 2, (select status from cases where id = new.case_id), 'open') from (
        select min(
            max(
                coalesce((select level from grants where case_id = new.case_id and user_id = new.user_id), 0),
                coalesce((select 4 from cases where id = new.case_id and (owner_id = new.user_id or supervisor_id = new.user_id)), 0)
            ),
            (select case when state in ('suspended', 'left') then 0 else
                case role when 'manager' then 4 when 'staff' then 4 when 'client' then 3 when 'service' then 3 when 'auditor' then 2 else 0 end
            end from user where id = new.user_id)
        ) as level
    )
    where level > 0 and not exists (select 1 from walls where case_id = new.case_id and user_id = new.user_id);
end;
create trigger cases_made after insert on cases begin
    insert into decide values (new.owner_id, new.id);
    insert into decide select new.supervisor_id, new.id where new.supervisor_id is not null;
end;
create trigger cases_handed after update of owner_id, supervisor_id on cases begin
    insert into decide values (old.owner_id, new.id);
    insert into decide select old.supervisor_id, new.id where old.supervisor_id is not null;
    insert into decide values (new.owner_id, new.id);
    insert into decide select new.supervisor_id, new.id where new.supervisor_id is not null;
end;
create trigger grants_made after insert on grants begin insert into decide values (new.user_id, new.case_id); end;
create trigger grants_changed after update on grants begin insert into decide values (new.user_id, new.case_id); end;
create trigger grants_revoked after delete on grants begin insert into decide values (old.user_id, old.case_id); end;
create trigger walls_up after insert on walls begin
    insert into decide values (new.user_id, new.case_id);
    update cases set walls = walls + 1 where id = new.case_id;
end;
create trigger walls_down after delete on walls begin
    insert into decide values (old.user_id, old.case_id);
    update cases set walls = walls - 1 where id = old.case_id;
end;
create trigger user_moved after update of role, state on user when old.role != new.role or old.state != new.state begin
    insert into decide select new.id, case_id from grants where user_id = new.id;
    insert into decide select new.id, id from cases where owner_id = new.id;
    insert into decide select new.id, id from cases where supervisor_id = new.id;
end;

-- What somebody proves themselves with, besides the password.
alter table factor rename to factor_before;
drop index factor_of_user;
create table factor (
    id        integer primary key,
    user_id   integer not null references user (id),
    kind      text not null check (kind in ('totp', 'passkey')),
    name      text not null,                 -- what its owner calls it
    secret    blob not null,                 -- encrypted (factor, secret, id): TOTP secret, or the passkey's public part
    handle    blob unique,                   -- blind index of a passkey's credential id
    confirmed integer,                       -- when it was first shown to work; null counts for nothing
    last_step integer not null default 0,    -- a step of time is used once
    used      integer,                       -- when it last let somebody in
    created   integer not null
) strict;
insert into factor (id, user_id, kind, name, secret, confirmed, last_step, created)
    select id, user_id, 'totp', 'Authenticator app', secret, created, last_step, created from factor_before;
drop table factor_before;
create index factor_of_user on factor (user_id);

create table recovery_code (
    digest  blob primary key,                -- blind index (recovery_code)
    user_id integer not null references user (id),
    made    integer not null,
    used    integer
) strict, without rowid;
create index recovery_code_of_user on recovery_code (user_id);

-- How it was made sure who somebody is, before their ways in were reset.
create table vouch (
    id      integer primary key,
    user_id integer not null references user (id),
    by_id   integer references user (id),
    at      integer not null,
    text    text not null
) strict;
create index vouch_of_user on vouch (user_id);
create trigger vouch_stays before update on vouch begin select raise(abort, 'what was vouched for stays as it was said'); end;
create trigger vouch_remains before delete on vouch begin select raise(abort, 'what was vouched for stays as it was said'); end;

-- The optional way back in by two questions: what is asked is encrypted, what is answered is hashed like a password.
create table answer (
    user_id  integer not null references user (id),
    n        integer not null check (n in (1, 2)),
    question blob not null,                  -- encrypted (answer, question, user_id * 2 + n)
    hash     text not null,
    made     integer not null,
    primary key (user_id, n)
) strict, without rowid;

-- A link that was sent or handed over. It works once, for a time, for one purpose and one account.
create table ticket (
    id      integer primary key,
    digest  blob not null unique,            -- SHA-256 of the token in the link
    user_id integer not null references user (id),
    purpose text not null check (purpose in ('invite', 'reset', 'recover', 'recovered', 'cancel')),
    by_id   integer references user (id),    -- who made it; null for the appliance
    made    integer not null,
    starts  integer not null,                -- before this moment it does not work
    ends    integer not null,
    used    integer,
    void    integer,                         -- taken back, or replaced by a newer one
    tries   integer not null default 0
) strict;
create index ticket_of_user on ticket (user_id, purpose);
create index ticket_by_end on ticket (ends);

-- Between the door and a session: the password was right and a code is awaited, or somebody sets up their ways in.
drop table visit;
create table visit (
    digest  blob primary key,                -- SHA-256 of the token in the cookie
    user_id integer not null references user (id),
    purpose text not null check (purpose in ('code', 'enrol', 'answer')),
    ticket  integer references ticket (id),  -- the link that it began with
    started integer not null,
    tries   integer not null default 0
) strict, without rowid;
create index visit_by_start on visit (started);
create index visit_of_ticket on visit (ticket) where ticket is not null;

-- Browsers in which somebody has signed in before.
create table device (
    id      integer primary key,
    digest  blob not null,                   -- SHA-256 of the token in the cookie
    user_id integer not null references user (id),
    words   text not null,                   -- "Firefox on Linux"
    first   integer not null,
    last    integer not null,
    unique (user_id, digest)
) strict;
create index device_by_last on device (last);

create index session_by_start on session (started);
alter table session add column stepped integer not null default 0;  -- when a factor was last asked for
alter table session add column words text not null default '';      -- "Firefox on Linux"

-- Failures, counted down with time: of an address of e-mail, of a network address, of its network, of a device.
create table throttle (
    key   blob primary key,                  -- blind index (throttle)
    count real not null,
    at    integer not null,                  -- when it was last counted
    ends  integer not null                   -- when nothing is left of it
) strict, without rowid;
create index throttle_by_end on throttle (ends);

create table team (
    id      integer primary key,
    name    text not null unique collate nocase,
    created integer not null
) strict;
create table team_member (
    team_id integer not null references team (id),
    user_id integer not null references user (id),
    primary key (team_id, user_id)
) strict, without rowid;
create index team_of_member on team_member (user_id);

-- People and organisations of the outside world. A contact is not an account; accounts of clients belong to one or more.
create table contact (
    id      integer primary key,
    kind    text not null check (kind in ('person', 'organisation')),
    name    text not null,
    created integer not null
) strict;
create index contact_by_name on contact (name collate nocase, id);
create table user_contact (
    user_id    integer not null references user (id),
    contact_id integer not null references contact (id),
    primary key (user_id, contact_id)
) strict, without rowid;
create index user_of_contact on user_contact (contact_id);

-- Letters that wait to be sent, and what became of those that were. Whom they go to and what they say is encrypted, and what they say
-- is forgotten once they are sent. No id is used twice: the post may hold a letter that is taken back meanwhile.
create table letter (
    id        integer primary key autoincrement,
    user_id   integer references user (id),
    ticket_id integer references ticket (id) on delete set null,  -- the link in it
    kind      text not null,                 -- which template
    address   blob not null,                 -- encrypted (letter, address, id)
    fields    blob not null,                 -- encrypted (letter, fields, id): what the template is filled with; empty once sent
    made      integer not null,
    due       integer not null,              -- not before
    tries     integer not null default 0,    -- without those that the server was to blame for
    refused   integer,                       -- when it was refused for the first time
    sent      integer,
    given_up  integer,
    reply     text                           -- what the server answered last
) strict;
create index letter_due on letter (due) where sent is null and given_up is null;
create index letter_given_up on letter (given_up) where given_up is not null;
create index letter_of_ticket on letter (ticket_id) where ticket_id is not null;
create index letter_recent on letter (made);

-- Whoever makes a link void or uses it up, takes back the letter that would bring it.
create trigger ticket_gone after update of used, void on ticket when new.used is not null or new.void is not null begin
    delete from letter where ticket_id = new.id and sent is null and given_up is null;
end;

-- Setting the site up: one row. Until `done` nothing else answers.
create table setup (
    id      integer primary key check (id = 1),
    digest  blob,                            -- SHA-256 of the token in the link; null once claimed or void
    ends    integer not null default 0,
    tries   integer not null default 0,
    holder  blob,                            -- SHA-256 of the token in the cookie of the browser that claimed it
    step    text not null default 'firm' check (step in ('firm', 'key', 'kit', 'you', 'done')),
    user_id integer references user (id)     -- the first system administrator
) strict;
insert into setup (id, step) select 1, 'done' where exists (select 1 from user);
