-- Access and walls for teams. What decides stays one trigger; who is in a team is one of the things that fire it.
create table team_grant (
    case_id integer not null references cases (id),
    team_id integer not null references team (id),
    level   integer not null check (level between 1 and 4),
    reason  text,
    by_id   integer not null references user (id),
    at      integer not null,
    primary key (case_id, team_id)
) strict, without rowid;
create index team_grant_of_team on team_grant (team_id);

create table team_wall (
    case_id integer not null references cases (id),
    team_id integer not null references team (id),
    reason  text not null,
    by_id   integer not null references user (id),
    at      integer not null,
    primary key (case_id, team_id)
) strict, without rowid;
create index team_wall_of_team on team_wall (team_id);

-- Who is kept out of what, by a wall of their own or of a team.
create view kept_out as
    select case_id, user_id from walls
    union all select w.case_id, m.user_id from team_wall w join team_member m on m.team_id = w.team_id;

-- Reasons are about a person or a team: they are kept by the kind and the number of what the event is about.
drop trigger reason_stays;
drop trigger reason_remains;
alter table reason rename to reason_before;
create table reason (
    case_id integer not null references cases (id),
    kind    integer not null,                -- kind of the object, as in the trail: 3 a person, 6 a team
    object  integer not null,
    at      integer not null,
    text    text not null,
    primary key (case_id, kind, object, at)
) strict, without rowid;
insert into reason select case_id, 3, user_id, at, text from reason_before;
drop table reason_before;
create trigger reason_stays before update on reason begin select raise(abort, 'a reason stays as it was given'); end;
create trigger reason_remains before delete on reason begin select raise(abort, 'a reason stays as it was given'); end;

-- The decision, with teams: wall against the person or a team of theirs ? none : max(own grant, grants of teams, owner or supervisor), capped by
-- role; nothing for those who are suspended or have left.
drop trigger decide_now;
create trigger decide_now instead of insert on decide begin
    delete from sight where user_id = new.user_id and case_id = new.case_id;
    insert into sight (user_id, case_id, level, status)
    select new.user_id, new.case_id, level, iif(level >= 2, (select status from cases where id = new.case_id), 'open') from (
        select min(
            max(
                coalesce((select level from grants where case_id = new.case_id and user_id = new.user_id), 0),
                coalesce((select max(g.level) from team_member m join team_grant g on g.case_id = new.case_id and g.team_id = m.team_id where m.user_id = new.user_id), 0),
                coalesce((select 4 from cases where id = new.case_id and (owner_id = new.user_id or supervisor_id = new.user_id)), 0)
            ),
            (select case when state in ('suspended', 'left') then 0 else
                case role when 'manager' then 4 when 'staff' then 4 when 'client' then 3 when 'service' then 3 when 'auditor' then 2 else 0 end
            end from user where id = new.user_id)
        ) as level
    )
    where level > 0 and not exists (select 1 from kept_out where case_id = new.case_id and user_id = new.user_id);
end;

create trigger team_grants_made after insert on team_grant begin insert into decide select user_id, new.case_id from team_member where team_id = new.team_id; end;
create trigger team_grants_changed after update on team_grant begin insert into decide select user_id, new.case_id from team_member where team_id = new.team_id; end;
create trigger team_grants_revoked after delete on team_grant begin insert into decide select user_id, old.case_id from team_member where team_id = old.team_id; end;
create trigger team_walls_up after insert on team_wall begin
    insert into decide select user_id, new.case_id from team_member where team_id = new.team_id;
    update cases set walls = walls + 1 where id = new.case_id;
end;
create trigger team_walls_down after delete on team_wall begin
    insert into decide select user_id, old.case_id from team_member where team_id = old.team_id;
    update cases set walls = walls - 1 where id = old.case_id;
end;
create trigger team_joined after insert on team_member begin
    insert into decide select new.user_id, case_id from team_grant where team_id = new.team_id;
    insert into decide select new.user_id, case_id from team_wall where team_id = new.team_id;
end;
-- Whoever leaves a team takes its walls along as their own: leaving a team opens nothing.
create trigger team_left after delete on team_member begin
    insert or ignore into walls (case_id, user_id, reason, by_id, at)
        select case_id, old.user_id, reason, by_id, at from team_wall where team_id = old.team_id;
    insert into decide select old.user_id, case_id from team_grant where team_id = old.team_id;
end;

-- The cases that somebody manages, for the access matrix.
create index sight_managed on sight (user_id, status, case_id) where level = 4;

drop trigger user_moved;
create trigger user_moved after update of role, state on user when old.role != new.role or old.state != new.state begin
    insert into decide select new.id, case_id from grants where user_id = new.id;
    insert into decide select new.id, g.case_id from team_member m join team_grant g on g.team_id = m.team_id where m.user_id = new.id;
    insert into decide select new.id, id from cases where owner_id = new.id;
    insert into decide select new.id, id from cases where supervisor_id = new.id;
end;
