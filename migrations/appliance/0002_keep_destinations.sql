-- Where backups go, and what came of trying whether they restore.
create table destination (
    name     text primary key,
    place    text not null,               -- JSON: what kind it is, how it is reached, and what it lets us in with
    schedule text not null,               -- 'continuous', 'two-hourly', 'nightly' or 'by-hand'
    added    integer not null,
    -- What is kept there, in days, and how many images; whether what is older is taken away every night.
    changes  integer not null default 2,
    hours    integer not null default 14,
    days     integer not null default 30,
    images   integer not null default 8,
    prunes   integer not null default 1 check (prunes in (0, 1)),
    check (schedule in ('continuous', 'two-hourly', 'nightly', 'by-hand'))
) strict, without rowid;

create table drill (
    id          integer primary key,
    destination text not null,
    site_id     blob not null,
    ended       integer not null,
    outcome     text not null,            -- 'passed', 'failed' or 'inconclusive'
    report      text not null,            -- JSON, as it was signed
    signature   blob not null,            -- Ed25519, by the key of the site
    check (outcome in ('passed', 'failed', 'inconclusive'))
) strict;

create index drill_by_end on drill (ended);
