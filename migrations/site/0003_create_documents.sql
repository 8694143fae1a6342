-- Documents of a case. Their content stands in encrypted files beside the database.
create table document (
    id         integer primary key,
    case_id    integer not null references cases (id),
    name       text not null,
    added      integer not null,
    trashed    integer,
    trashed_by integer references user (id)
) strict;
create index document_of_case on document (case_id, id) where trashed is null;
create index document_in_trash on document (case_id, trashed) where trashed is not null;

create table version (
    document_id integer not null references document (id),
    n           integer not null,
    sha256      blob not null,            -- of the plaintext
    size        integer not null,         -- plaintext bytes
    blob        text not null unique,     -- file name below blobs/
    blob_key    blob not null,            -- random key of the file, wrapped, bound to the name
    by_id       integer not null references user (id),
    at          integer not null,
    primary key (document_id, n)
) strict, without rowid;

create trigger document_added after insert on document when new.trashed is null begin
    update cases set documents = documents + 1 where id = new.case_id;
end;
create trigger document_trashed after update of trashed on document begin
    update cases set documents = documents + (new.trashed is null) - (old.trashed is null) where id = new.case_id;
end;
