//! A database with its shipper, and a spool that stands for a destination.

use keys::sign::Signer;
use rusqlite::{Connection, DEFAULT_NAME, FileControl, config::DbConfig, types::Value};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use strongroom_ship::{
    base::Watch,
    dir::Directory,
    follow::{Source, main_file},
    head::{Chain, Hex, Signed, Why},
    name::Named,
    restore::{self, Restored, Trust},
    route::{When, route},
    spool::Spool,
};

pub(crate) const KEYS: [&str; 2] = ["x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'", "x'ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'"];
pub(crate) const SEED: [u8; 32] = [42; 32];

pub(crate) const CHAIN: Chain = Chain { instance: Hex([1; 16]), chain: Hex([2; 16]) };

/// How much longer than usual: 1 in the usual run.
pub(crate) fn times() -> u64 {
    std::env::var("STRONGROOM_TORTURE").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn word(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b'a' + (self.next() % 26) as u8)).collect()
    }
}

/// SQLCipher sets itself up at the first key of a process, and several threads at once disturb one another there.
static FIRST: Mutex<()> = Mutex::new(());

/// Opens a database as the store does.
pub(crate) fn open(path: &Path, key: &str) -> Connection {
    let _alone = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    let sql = Connection::open(path).unwrap();
    sql.pragma_update(None, "cipher_log_level", "NONE").unwrap();
    sql.pragma_update(None, "key", key).unwrap();
    sql.query_row("pragma journal_mode = wal", [], |_| Ok(())).unwrap();
    sql.pragma_update(None, "synchronous", "FULL").unwrap();
    sql.query_row("pragma wal_autocheckpoint = 0", [], |_| Ok(())).unwrap();
    sql.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    sql.file_control(DEFAULT_NAME, FileControl::PersistWal(&mut 1)).unwrap();
    sql.busy_timeout(Duration::from_secs(5)).unwrap();
    sql
}

pub(crate) fn schema(sql: &Connection) {
    let made = "create table cases (id integer primary key, ref text, client integer, status text, notes text, updated integer); create index ci on cases (client, status);
                create table event (id integer primary key, at integer, who integer, act text, obj text); create index ei on event (obj, at);";
    sql.execute_batch(made).unwrap();
}

/// One request: an event, and sometimes a case.
pub(crate) fn request(sql: &mut Connection, rng: &mut Rng, n: u64) {
    let (word, note) = (rng.word(12), rng.word(200));
    let (client, case) = (rng.below(300) as i64, rng.below(500) as i64);
    let tx = sql.transaction().unwrap();
    match n % 3 {
        0 => drop(tx.execute("insert into cases (ref, client, status, notes, updated) values (?, ?, 'open', ?, ?)", (word, client, note, n as i64)).unwrap()),
        1 => drop(tx.execute("update cases set notes = ?, updated = ? where id = ?", (note, n as i64, case)).unwrap()),
        _ => {}
    }
    tx.execute("insert into event (at, who, act, obj) values (?, ?, 'view', ?)", (n as i64, client, rng.word(16))).unwrap();
    tx.commit().unwrap();
}

/// Empties the log to the end.
pub(crate) fn truncate(sql: &Connection) -> bool {
    sql.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get::<_, i64>(0)).is_ok_and(|busy| busy == 0)
}

/// Everything in the two tables, hashed, with the number of events.
pub(crate) fn content(sql: &Connection) -> (i64, [u8; 32]) {
    let mut all = Vec::new();
    for table in ["cases", "event"] {
        let mut select = sql.prepare(&format!("select * from {table} order by 1")).unwrap();
        let columns = select.column_count();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            (0..columns).for_each(|n| all.extend(format!("{:?}|", row.get::<_, Value>(n).unwrap()).into_bytes()));
        }
    }
    (sql.query_row("select count(*) from event", [], |row| row.get(0)).unwrap(), keys::nonce::sha256(&all))
}

/// The content of a database file after every check that SQLite and SQLCipher have.
pub(crate) fn checked(path: &Path, key: &str) -> (i64, [u8; 32]) {
    let sql = open(path, key);
    assert_eq!(sql.query_row("pragma integrity_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
    let bad = sql.prepare("pragma cipher_integrity_check").unwrap().query_map([], |row| row.get::<_, String>(0)).unwrap().count();
    assert_eq!(bad, 0);
    content(&sql)
}

pub(crate) struct House {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) now: i64,
}

impl House {
    pub(crate) fn new() -> House {
        House { dir: tempfile::tempdir().unwrap(), now: 1_764_000_000_000 }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.path("a.db")
    }

    pub(crate) fn spool(&self) -> Spool {
        Spool::open(&self.path("spool")).unwrap()
    }

    /// A shipper of the database, as after a start.
    pub(crate) fn watch(&self) -> Watch {
        let main = main_file(&self.db()).unwrap();
        Watch::new(Source { of: CHAIN, fence: 1, main, wal: self.path("a.db-wal"), page_size: 4096, signer: Signer::of(&SEED).unwrap(), spool: self.spool(), files: None })
    }

    pub(crate) fn tick(&mut self) -> i64 {
        self.now += 1000;
        self.now
    }

    /// Empties the log and makes a base, which begins a generation.
    pub(crate) fn base(&mut self, watch: &Watch, sql: &Connection, why: Why) -> Signed {
        let now = self.tick();
        watch.take(now).unwrap();
        watch.checkpoint(now, || truncate(sql)).unwrap();
        watch.base(now, why, b"", &mut |_, _| {}).unwrap().expect("the log was emptied")
    }

    pub(crate) fn names(&self) -> Vec<Named> {
        let spool = self.spool();
        [spool.bases(&CHAIN).unwrap(), spool.log(&CHAIN).unwrap()].concat()
    }

    pub(crate) fn trust() -> Trust {
        Trust { of: CHAIN, key: Signer::of(&SEED).unwrap().public() }
    }

    /// Restores from the spool to a new file of this name.
    pub(crate) fn restore(&self, when: When, name: &str) -> Result<(PathBuf, Restored), strongroom_ship::ShipError> {
        let out = self.path(name);
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(self.path(&format!("{name}{end}")));
        }
        let target = Directory::open(&self.path("spool")).unwrap();
        let restored = restore::database(&target, &route(&self.names(), when)?, when, &House::trust(), &out, &mut |_, _, _| {})?;
        Ok((out, restored))
    }
}
