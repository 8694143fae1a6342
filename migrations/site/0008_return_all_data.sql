-- Exports: who asked for what and why, the second person who answered, and the encrypted file that was prepared, which lies below exports/
-- until it is removed. The rows stay.
create table export (
    id         integer primary key autoincrement,  -- never used twice: the trail names them
    contact_id integer references contact (id),    -- all that is kept of this client alone; null for everything
    reason     text not null,
    stage      text not null check (stage in ('asked', 'approved', 'making', 'ready', 'failed', 'refused', 'withdrawn', 'lapsed', 'removed')),
    by_id      integer references user (id),       -- null: the console
    asked      integer not null,
    alone      integer not null default 0 check (alone in (0, 1)),  -- at the console, without a second person
    second_id  integer references user (id),       -- who approved or refused it
    answered   integer,
    ended      integer,                            -- when it was ready, or came to nothing
    why        text,                               -- why it failed
    problems   integer not null default 0,         -- what could not be read whole
    fetched    integer,                            -- when it was last fetched
    blob       text unique,                        -- file name below exports/
    blob_key   blob,                               -- random key of the file, wrapped, bound to the name
    size       integer,                            -- plaintext bytes
    sha256     blob                                -- of the plaintext
) strict;
