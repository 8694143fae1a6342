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
];

/// Of the registry of sites.
pub(crate) const APPLIANCE: Migrations = &[include_str!("../../../migrations/appliance/0001_create_registry.sql")];

/// Brings the database up to date. A newer one is refused with a sentence.
pub(crate) fn migrate(sql: &mut Connection, steps: Migrations) -> Result<(), OpenError> {
    let done: usize = sql.query_row("pragma user_version", [], |row| row.get(0))?;
    if done > steps.len() {
        return Err(OpenError::config(format!(
            "The database was written by a newer Strongroom (format {done}, this one knows {}). Install that version or a later one; nothing was changed.",
            steps.len()
        )));
    }
    for (n, step) in steps.iter().enumerate().skip(done) {
        let tx = sql.transaction()?;
        tx.execute_batch(step)?;
        tx.pragma_update(None, "user_version", n + 1)?;
        tx.commit()?;
    }
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
}
