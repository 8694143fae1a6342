-- The status of a case stands beside each decision about it, so that a list in one status walks only what it shows.
-- For those who may only know that the case exists it reads 'open' whatever it is, so that a list does not tell them.
alter table sight add column status text not null default '';
update sight set status = iif(level >= 2, (select status from cases where id = case_id), 'open');
create index sight_by_status on sight (user_id, status, case_id, level);

drop trigger decide_now;
create trigger decide_now instead of insert on decide begin
    delete from sight where user_id = new.user_id and case_id = new.case_id;
    insert into sight (user_id, case_id, level, status)
    select new.user_id, new.case_id, level, iif(level >= 2, (select status from cases where id = new.case_id), 'open') from (
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
create trigger cases_moved after update of status on cases begin
    update sight set status = new.status where case_id = new.id and level >= 2;
end;

drop index cases_of_owner;
create index cases_of_owner on cases (owner_id, status, id);
