-- Why access was given, a wall put up or taken down, kept for the history when the grant or wall itself is long gone.
-- It belongs to the event of the same case, person and moment: the trail itself carries no free text.
create table reason (
    case_id integer not null references cases (id),
    user_id integer not null references user (id),
    at      integer not null,
    text    text not null,
    primary key (case_id, user_id, at)
) strict, without rowid;
insert into reason select case_id, user_id, at, reason from grants where reason is not null;
insert or ignore into reason select case_id, user_id, at, reason from walls;
create trigger reason_stays before update on reason begin select raise(abort, 'a reason stays as it was given'); end;
create trigger reason_remains before delete on reason begin select raise(abort, 'a reason stays as it was given'); end;
