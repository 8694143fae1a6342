//! The encrypted database of a site, opened by hand beside its server, which may run: for tests that look at what is kept, or that set
//! what only time would.

use keys::SiteKeys;
use rusqlite::Connection;
use std::{path::Path, time::Duration};

/// The database of the only site of the installation in `dir`. Its key must stand beside the data.
pub(crate) fn of_site(dir: &Path) -> Connection {
    let unlock = keys::ring::read_key_file(&dir.join("root.key")).unwrap();
    let ring = keys::Ring::open(&dir.join("keyring.json"), &unlock).unwrap();
    let registry = open(&dir.join("appliance.db"), &SiteKeys::new(ring.appliance(), ring.instance()).unwrap());
    let (id, wrapped): ([u8; 16], Vec<u8>) = registry.query_row("select id, wrapped from site", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let site = SiteKeys::new(&ring.open_site_key(&wrapped, &id).unwrap(), id).unwrap();
    open(&dir.join("sites").join(keys::nonce::hex(&id)).join("site.db"), &site)
}

/// Waits for the writer of the server, and leaves the write-ahead log to it.
fn open(path: &Path, keys: &SiteKeys) -> Connection {
    let sql = Connection::open(path).unwrap();
    sql.pragma_update(None, "key", keys.database_pragma().expose()).unwrap();
    sql.busy_timeout(Duration::from_secs(5)).unwrap();
    sql.query_row("pragma wal_autocheckpoint = 0", [], |_| Ok(())).unwrap();
    sql
}

/// The tables, without those that stand for an index of words.
pub(crate) fn tables(sql: &Connection) -> Vec<String> {
    let mut names = sql.prepare("select name from sqlite_master where type = 'table' and sql not like 'create virtual%'").unwrap();
    names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Every row there is, but for what each request leaves behind: the trail, the counters of tries, and when a session was last used.
pub(crate) fn kept(sql: &Connection) -> Vec<String> {
    tables(sql).iter().filter(|table| !["event", "throttle"].contains(&table.as_str())).flat_map(|table| rows(sql, table)).collect()
}

fn rows(sql: &Connection, table: &str) -> Vec<String> {
    let mut all = sql.prepare(&format!("select * from \"{table}\"")).unwrap();
    let columns: Vec<usize> = (0..).zip(all.column_names()).filter(|(_, name)| *name != "seen").map(|(column, _)| column).collect();
    let rows = all.query_map([], |row| {
        let values = columns.iter().map(|column| row.get_ref(*column).map(|value| format!("{value:?}"))).collect::<rusqlite::Result<Vec<String>>>()?;
        Ok(format!("{table}: {}", values.join(", ")))
    });
    rows.unwrap().map(Result::unwrap).collect()
}
