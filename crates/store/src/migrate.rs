//! Migrations: numbered SQL files, each run once in its own transaction, in order. There is no way down: restore instead.

use crate::error::OpenError;
use rusqlite::Connection;

/// A numbered list of migrations; the n-th brings `user_version` to n.
pub(crate) type Migrations = &'static [&'static str];

/// Of a site's database.
pub(crate) const SITE: Migrations = &[
    include_str!("../../../migrations/site/0001_create_people.sql"),
    include_str!("../../../migrations/site/0002_create_cases.sql"),
    include_str!("../../../migrations/site/0003_create_documents.sql"),
    include_str!("../../../migrations/site/0004_create_trail.sql"),
    include_str!("../../../migrations/site/0005_put_status_beside_sight.sql"),
    include_str!("../../../migrations/site/0006_keep_reasons.sql"),
    include_str!("../../../migrations/site/0007_open_the_door.sql"),
    include_str!("../../../migrations/site/0008_return_all_data.sql"),
    include_str!("../../../migrations/site/0009_name_the_accounts_of_exports.sql"),
    include_str!("../../../migrations/site/0010_grant_to_teams.sql"),
    include_str!("../../../migrations/site/0011_know_contacts.sql"),
    include_str!("../../../migrations/site/0012_keep_versions.sql"),
];

/// Of the registry of sites.
pub(crate) const APPLIANCE: Migrations = &[
    include_str!("../../../migrations/appliance/0001_create_registry.sql"),
    include_str!("../../../migrations/appliance/0002_keep_destinations.sql"),
];

/// Brings the database up to date. A newer one is refused with a sentence.
pub(crate) fn migrate(sql: &mut Connection, steps: Migrations) -> Result<(), OpenError> {
    let done: usize = sql.query_row("pragma user_version", [], |row| row.get(0))?;
    if done > steps.len() {
        return Err(OpenError::config(format!(
            "The database was written by a newer Strongroom (format {done}, this one knows {}). Install that version or a later one; nothing was changed.",
            steps.len()
        )));
    }
    // A table that others refer to is made anew under another name and then takes its old one: until then the references lead nowhere,
    // and they are checked before the commit (SQLite, "Making Other Kinds Of Table Schema Changes").
    sql.pragma_update(None, "foreign_keys", "OFF")?;
    sql.pragma_update(None, "legacy_alter_table", "ON")?;
    for (n, step) in steps.iter().enumerate().skip(done) {
        let tx = sql.transaction()?;
        tx.execute_batch(step)?;
        if tx.prepare("pragma foreign_key_check")?.exists([])? {
            return Err(OpenError::config(format!("Format {} of the database cannot be reached: rows would lose what they refer to. Nothing was changed; tell the makers.", n + 1)));
        }
        tx.pragma_update(None, "user_version", n + 1)?;
        tx.commit()?;
    }
    sql.pragma_update(None, "legacy_alter_table", "OFF")?;
    sql.pragma_update(None, "foreign_keys", "ON")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_once_in_order_and_refuses_a_newer_database() {
        let mut sql = Connection::open_in_memory().unwrap();
        migrate(&mut sql, SITE).unwrap();
        migrate(&mut sql, SITE).unwrap();
        sql.pragma_update(None, "user_version", SITE.len() + 1).unwrap();
        let error = migrate(&mut sql, SITE).unwrap_err();
        assert_eq!(error.exit, 78);
        assert!(error.text.contains("newer Strongroom"));
    }

    #[test]
    fn a_failing_step_leaves_the_one_before() {
        let mut sql = Connection::open_in_memory().unwrap();
        assert!(migrate(&mut sql, &["create table a (x)", "create table b (x); nonsense"]).is_err());
        let version: i64 = sql.query_row("pragma user_version", [], |row| row.get(0)).unwrap();
        let tables: i64 = sql.query_row("select count(*) from sqlite_master", [], |row| row.get(0)).unwrap();
        assert_eq!((version, tables), (1, 1));
    }

    #[test]
    fn each_migration_is_listed_in_order_as_it_was_locked() {
        for (folder, steps) in [("appliance/", APPLIANCE), ("site/", SITE)] {
            let lines = include_str!("../../../migrations/LOCK").lines().filter_map(|line| line.split_once("  "));
            let locked: Vec<&str> = lines.filter(|(_, path)| path.starts_with(folder)).map(|(hash, _)| hash).collect();
            let listed: Vec<String> = steps.iter().map(|step| keys::nonce::hex(&keys::nonce::sha256(step.as_bytes()))).collect();
            assert_eq!(listed, locked, "{folder}: a file is missing here, or stands in another order");
        }
    }

    /// User, case, level and status of each decision.
    fn sight(sql: &Connection) -> String {
        const SQL: &str = "select group_concat(format('%d/%d/%d/%s', user_id, case_id, level, status), ' ') from (select * from sight order by user_id, case_id)";
        sql.query_row(SQL, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_was_decided_before_gets_its_status_and_what_was_said_its_place() {
        let mut sql = Connection::open_in_memory().unwrap();
        migrate(&mut sql, &SITE[..4]).unwrap();
        let old = "
            insert into user (id, kind, state, name, words, email, email_index, password, created)
                values (1, 'staff', 'active', 'Owner', '', x'01', x'01', '', 0), (2, 'staff', 'active', 'Colleague', '', x'02', x'02', '', 0);
            insert into case_type (id, name) values (1, 'Visit');
            insert into cases (id, reference, title, type_id, status, owner_id, opened, changed, changed_by)
                values (1, 'F-1', 'One', 1, 'enquiry', 1, 0, 0, 1), (2, 'F-2', 'Two', 1, 'on_hold', 1, 0, 0, 1), (3, 'F-3', 'Three', 1, 'closed', 1, 0, 0, 1);
            insert into grants (case_id, user_id, level, reason, by_id, at) values (2, 2, 1, 'Covers', 1, 5), (3, 2, 2, null, 1, 6);";
        sql.execute_batch(old).unwrap();
        migrate(&mut sql, &SITE[..5]).unwrap();
        assert_eq!(sight(&sql), "1/1/4/enquiry 1/2/4/on_hold 1/3/4/closed 2/2/1/open 2/3/2/closed");
        sql.execute_batch("update cases set status = 'closed' where id = 2; update cases set status = 'open' where id = 3").unwrap();
        assert_eq!(sight(&sql), "1/1/4/enquiry 1/2/4/closed 1/3/4/open 2/2/1/open 2/3/2/open");
        sql.execute_batch("update grants set level = 2 where case_id = 2").unwrap();
        assert_eq!(sight(&sql), "1/1/4/enquiry 1/2/4/closed 1/3/4/open 2/2/2/closed 2/3/2/open");
        migrate(&mut sql, &SITE[..6]).unwrap();
        let reasons: String = sql.query_row("select group_concat(case_id || '/' || user_id || '/' || at || '/' || text) from reason", [], |row| row.get(0)).unwrap();
        assert_eq!(reasons, "2/2/5/Covers");
    }
}
