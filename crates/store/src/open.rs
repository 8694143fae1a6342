//! Opening a database: raw key first, then the pragmas that durability and shipping need, then the authorizer.

use rules::Secret;
use rusqlite::{
    Connection, DEFAULT_NAME, FileControl, OpenFlags,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
};
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The least and the most page cache of a connection, in KiB. Pages are allocated as they are read, so an unused cache costs nothing.
const CACHE_KIB: std::ops::RangeInclusive<u64> = 16 * 1024..=1024 * 1024;

/// What a connection may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Make and change the schema; used only while migrating, before anyone is served.
    Builder,
    /// Read and write rows.
    Writer,
    /// Read rows.
    Reader,
}

/// Opens the database at `path`, making it if `role` is [`Role::Builder`].
pub(crate) fn open(path: &Path, key: &Secret<String>, role: Role) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, role == Role::Builder);
    let mut sql = Connection::open_with_flags(path, flags)?;
    give_key(&sql, key)?;
    sql.busy_timeout(Duration::from_secs(5))?;
    sql.pragma_update(None, "temp_store", "MEMORY")?;
    sql.query_row("pragma journal_mode = wal", [], |_| Ok(()))?;
    sql.pragma_update(None, "synchronous", "FULL")?;
    sql.query_row("pragma wal_autocheckpoint = 0", [], |_| Ok(()))?;
    sql.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    sql.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, role != Role::Builder)?;
    // Without this, a statement is compiled anew whenever a bound value might ask for another plan: an eighth of a page's cost.
    sql.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    sql.file_control(DEFAULT_NAME, FileControl::PersistWal(&mut 1))?;
    sql.pragma_update(None, "foreign_keys", "ON")?;
    sql.pragma_update(None, "trusted_schema", "OFF")?;
    let size = std::fs::metadata(path).map_or(0, |meta| meta.len() / 1024);
    sql.pragma_update(None, "cache_size", -(size.saturating_mul(5) / 4).clamp(*CACHE_KIB.start(), *CACHE_KIB.end()).cast_signed())?;
    sql.set_prepared_statement_cache_capacity(128);
    if role != Role::Builder {
        sql.pragma_update(None, "query_only", role == Role::Reader)?;
        sql.authorizer(Some(allow))?;
    }
    Ok(sql)
}

/// Gives a connection its key. SQLCipher sets itself up at the first key of a process, and several threads at once disturb one another there.
fn give_key(sql: &Connection, key: &Secret<String>) -> rusqlite::Result<()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Errors come back as values; SQLCipher is not to write to standard error besides.
    sql.pragma_update(None, "cipher_log_level", "NONE")?;
    sql.pragma_update(None, "key", key.expose())
}

/// Rows only: no schema change, no other file, no pragma that changes anything. Asked when a statement is prepared.
fn allow(asked: AuthContext<'_>) -> Authorization {
    use AuthAction::*;
    match asked.action {
        Select | Read { .. } | Insert { .. } | Update { .. } | Delete { .. } | Transaction { .. } | Savepoint { .. } | Function { .. } | Recursive => Authorization::Allow,
        // Asked by full-text search of itself.
        Pragma { pragma_name: "data_version", pragma_value: None } => Authorization::Allow,
        Pragma { pragma_name: "quick_check" | "integrity_check" | "cipher_integrity_check" | "page_count" | "page_size", pragma_value: None } => Authorization::Allow,
        _ => Authorization::Deny,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Secret<String> {
        Secret::new(format!("x'{}'", "07".repeat(32)))
    }

    #[test]
    fn the_file_is_ciphertext_and_opens_only_with_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let sql = open(&path, &key(), Role::Builder).unwrap();
        sql.execute_batch("create table t (x); insert into t values ('canary-7f3a')").unwrap();
        drop(sql);
        for end in ["", "-wal"] {
            let bytes = std::fs::read(dir.path().join(format!("a.db{end}"))).unwrap();
            assert!(!bytes.windows(11).any(|w| w == b"canary-7f3a"), "plaintext in a.db{end}");
            assert!(!bytes.starts_with(b"SQLite format 3"));
        }
        let wrong = Secret::new(format!("x'{}'", "08".repeat(32)));
        assert!(open(&path, &wrong, Role::Reader).is_err());
        assert!(open(&path, &key(), Role::Reader).is_ok());
    }

    #[test]
    fn readers_and_the_writer_cannot_change_the_schema_or_reach_another_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        open(&path, &key(), Role::Builder).unwrap().execute_batch("create table t (x)").unwrap();
        for role in [Role::Reader, Role::Writer] {
            let sql = open(&path, &key(), role).unwrap();
            for forbidden in ["create table u (x)", "drop table t", "attach ':memory:' as m", "pragma journal_mode = delete", "pragma query_only = off", "pragma key = 'x'", "vacuum into 'x.db'"] {
                assert!(sql.execute_batch(forbidden).is_err(), "{forbidden}");
            }
        }
        let reader = open(&path, &key(), Role::Reader).unwrap();
        assert!(reader.execute("insert into t values (1)", []).is_err());
        assert!(open(&path, &key(), Role::Writer).unwrap().execute("insert into t values (1)", []).is_ok());
    }

    #[test]
    fn the_pragmas_that_shipping_needs_are_set() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let sql = open(&path, &key(), Role::Builder).unwrap();
        let number = |name: &str| sql.query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((number("synchronous"), number("wal_autocheckpoint"), number("temp_store"), number("foreign_keys")), (2, 0, 2, 1));
        sql.execute_batch("create table t (x)").unwrap();
        drop(sql);
        assert!(std::fs::metadata(dir.path().join("a.db-wal")).unwrap().len() > 0, "closing must not checkpoint");
    }

    #[test]
    fn a_statement_is_compiled_once_whatever_is_bound() {
        let dir = tempfile::tempdir().unwrap();
        let sql = open(&dir.path().join("a.db"), &key(), Role::Builder).unwrap();
        sql.execute_batch("create table t (a, b, primary key (a, b)) without rowid; insert into t values (1, 1), (1, 2)").unwrap();
        let mut statement = sql.prepare("select b from t where a = ?1 and b < ?2 order by b desc limit ?3").unwrap();
        for below in [1, 2, 3] {
            let found: Vec<i64> = statement.query_map((1, below, 9), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            assert_eq!(found.len(), below - 1);
        }
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }
}
