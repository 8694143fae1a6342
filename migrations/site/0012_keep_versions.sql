-- Versions of a document say why they came, and a document can be held by whoever works on it.
alter table version add column reason text;
alter table document add column held_by integer references user (id);
alter table document add column held_at integer;
