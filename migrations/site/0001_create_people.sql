-- People of a site, how they prove who they are, and their sessions.
create table setting (
    key   text primary key,
    value text not null
) strict, without rowid;

create table user (
    id          integer primary key,
    kind        text not null check (kind in ('administrator', 'staff', 'client')),
    state       text not null check (state in ('invited', 'enrolling', 'active', 'suspended', 'left')),
    name        text not null,
    words       text not null,               -- what they are called in the firm: Adviser, Reception
    email       blob not null,               -- encrypted (user, email, id)
    email_index blob not null unique,        -- blind index
    password    text not null,               -- Argon2id over the peppered password
    theme       text not null default '' check (theme in ('', 'light', 'dark')),
    created     integer not null
) strict;

create table factor (
    id        integer primary key,
    user_id   integer not null references user (id),
    kind      text not null check (kind in ('totp')),
    secret    blob not null,                 -- encrypted (factor, secret, id)
    last_step integer not null default 0,    -- a step of time is used once
    created   integer not null
) strict;
create index factor_of_user on factor (user_id);

-- Password given, code not yet: at most five tries, ten minutes.
create table visit (
    digest  blob primary key,                -- SHA-256 of the token in the cookie
    user_id integer not null references user (id),
    started integer not null,
    tries   integer not null default 0
) strict, without rowid;

create table session (
    id      integer primary key,
    digest  blob not null unique,            -- SHA-256 of the token in the cookie
    user_id integer not null references user (id),
    started integer not null,
    seen    integer not null,
    ended   integer,
    origin  text not null                    -- address it was started from
) strict;
create index session_of_user on session (user_id, ended);
