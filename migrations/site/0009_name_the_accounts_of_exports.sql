-- The accounts of a client whose data an export returns, as they were when it was asked for: whoever approves it approves these, and what is
-- linked to the client afterwards is not in it.
create table export_account (
    export_id integer not null references export (id),
    user_id   integer not null references user (id),
    primary key (export_id, user_id)
) strict, without rowid;
insert into export_account select e.id, l.user_id from export e join user_contact l on l.contact_id = e.contact_id;

-- Who gave somebody the role they have, and when: whoever was made a second person just now, by the one who asks, cannot approve an export.
alter table user add column role_by integer references user (id);
alter table user add column role_at integer;
