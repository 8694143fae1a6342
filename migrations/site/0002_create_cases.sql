-- Cases, who may see them, and the answer to that question kept ready.
create table case_type (
    id   integer primary key,
    name text not null unique
) strict;

create table counter (
    name text primary key,
    last integer not null
) strict, without rowid;

create table cases (
    id            integer primary key,
    reference     text not null unique,
    title         text not null,
    summary       text,
    type_id       integer not null references case_type (id),
    status        text not null check (status in ('enquiry', 'open', 'on_hold', 'closed', 'declined')),
    outcome       text,
    reopened      text,                           -- why it was opened again
    owner_id      integer not null references user (id),
    supervisor_id integer references user (id),
    opened        integer not null,
    closed        integer,
    changed       integer not null,
    changed_by    integer not null references user (id),
    version       integer not null default 1,     -- counts changes, so that two people editing do not overwrite each other
    documents     integer not null default 0,     -- kept by triggers: documents not in the trash
    walls         integer not null default 0      -- kept by triggers
) strict;
create index cases_of_owner on cases (owner_id, id);
create index cases_of_supervisor on cases (supervisor_id) where supervisor_id is not null;

create table grants (
    case_id integer not null references cases (id),
    user_id integer not null references user (id),
    level   integer not null check (level between 1 and 4),
    reason  text,
    by_id   integer not null references user (id),
    at      integer not null,
    primary key (case_id, user_id)
) strict, without rowid;
create index grants_of_user on grants (user_id);

create table walls (
    case_id integer not null references cases (id),
    user_id integer not null references user (id),
    reason  text not null,
    by_id   integer not null references user (id),
    at      integer not null,
    primary key (case_id, user_id)
) strict, without rowid;

-- The decision, ready for use: a row where a person has a level, no row where they have none. Lists, searches, counts and proofs
-- read only this. Nothing writes it but the trigger below.
create table sight (
    user_id integer not null,
    case_id integer not null,
    level   integer not null,
    primary key (user_id, case_id)
) strict, without rowid;
create index sight_of_case on sight (case_id, level);

-- insert into decide values (user, case) makes the decision again: wall ? none : max(grant, owner or supervisor), capped by kind.
create view decide as select 0 as user_id, 0 as case_id;
create trigger decide_now instead of insert on decide begin
    delete from sight where user_id = new.user_id and case_id = new.case_id;
    insert into sight (user_id, case_id, level)
    select new.user_id, new.case_id, level from (
        select min(
            max(
                coalesce((select level from grants where case_id = new.case_id and user_id = new.user_id), 0),
                coalesce((select 4 from cases where id = new.case_id and (owner_id = new.user_id or supervisor_id = new.user_id)), 0)
            ),
            (select case kind when 'staff' then 4 when 'client' then 3 else 0 end from user where id = new.user_id)
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
create trigger user_kind after update of kind on user begin
    insert into decide select new.id, case_id from grants where user_id = new.id;
    insert into decide select new.id, id from cases where owner_id = new.id;
    insert into decide select new.id, id from cases where supervisor_id = new.id;
end;

create virtual table case_text using fts5 (
    reference, title, content = 'cases', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
create trigger case_text_made after insert on cases begin
    insert into case_text (rowid, reference, title) values (new.id, new.reference, new.title);
end;
create trigger case_text_changed after update of reference, title on cases begin
    insert into case_text (case_text, rowid, reference, title) values ('delete', old.id, old.reference, old.title);
    insert into case_text (rowid, reference, title) values (new.id, new.reference, new.title);
end;
