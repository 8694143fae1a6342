-- The registry of sites: one row a site, its wrapped key and its host names. And what the appliance itself must keep secret.
create table site (
    id      blob primary key,             -- 16 random bytes, public
    name    text not null,
    wrapped blob not null,                -- site key, wrapped by the root key
    created integer not null
) strict, without rowid;

create table host (
    name    text primary key,
    site_id blob not null references site (id)
) strict, without rowid;

create table held (
    name  text primary key,               -- such as the key of the local certificate authority
    value blob not null
) strict, without rowid;
