//! What must break the line of changes, and be named: somebody else's checkpoint, a fork, a replaced file, a lost spool.

use crate::house::{House, KEYS, Rng, checked, content, open, request, schema, truncate};
use rusqlite::Connection;
use std::fs;
use strongroom_ship::{base::Watch, head::Why, route::When};

/// A database with a generation that has some changes.
fn begun() -> (House, Connection, Watch, Rng) {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let watch = house.watch();
    house.base(&watch, &sql, Why::First);
    let mut rng = Rng(17);
    (0..20).for_each(|n| request(&mut sql, &mut rng, n));
    let now = house.tick();
    assert!(!watch.take(now).unwrap().is_empty());
    (house, sql, watch, rng)
}

/// The break is seen, and the next base heals it: what is restored then is what is there.
fn heals(mut house: House, sql: &Connection, watch: &Watch, why: Why) {
    let now = house.tick();
    watch.take(now).unwrap();
    assert_eq!(watch.needs(), Some(why));
    assert!(why.is_alarm());
    assert!(watch.base(now, why, b"", &mut |_, _| {}).unwrap().is_none(), "the log is to be emptied first");
    watch.checkpoint(now, || truncate(sql)).unwrap();
    watch.base(now, why, b"", &mut |_, _| {}).unwrap().expect("a new generation");
    sql.execute("insert into event (obj) values ('after')", []).unwrap();
    assert_eq!(watch.take(now).unwrap().len(), 1);
    let (path, restored) = house.restore(When::Latest, "r.db").unwrap();
    assert_eq!(checked(&path, KEYS[0]), content(sql));
    assert_eq!(restored.last.head.last, 1);
}

#[test]
fn a_checkpoint_by_another_program() {
    let (house, mut sql, watch, mut rng) = begun();
    request(&mut sql, &mut rng, 99);
    assert!(truncate(&open(&house.db(), KEYS[0])));
    request(&mut sql, &mut rng, 100);
    heals(house, &sql, &watch, Why::ForeignCheckpoint);
}

#[test]
fn a_checkpoint_by_another_program_with_nothing_written_since() {
    let (house, sql, watch, _) = begun();
    assert!(truncate(&open(&house.db(), KEYS[0])));
    heals(house, &sql, &watch, Why::ForeignCheckpoint);
}

/// Power is lost after shipping what the disk had only promised: the same salts, other frames.
#[test]
fn a_fork_of_the_log() {
    let (house, mut sql, watch, mut rng) = begun();
    let log = house.path("a.db-wal");
    request(&mut sql, &mut rng, 50);
    let before = fs::read(&log).unwrap();
    request(&mut sql, &mut rng, 51);
    assert_eq!(watch.take(house.now).unwrap().len(), 1);
    drop(sql);
    fs::write(&log, before).unwrap();
    let _ = fs::remove_file(house.path("a.db-shm"));
    let mut sql = open(&house.db(), KEYS[0]);
    (0..3).for_each(|n| request(&mut sql, &mut rng, 60 + n));
    heals(house, &sql, &watch, Why::Fork);
}

#[test]
fn a_file_that_was_replaced_while_nothing_ran() {
    let (mut house, mut sql, watch, mut rng) = begun();
    assert!(truncate(&sql));
    let old = fs::read(house.db()).unwrap();
    drop(watch);
    let watch = house.watch();
    watch.take(house.now).unwrap();
    assert_eq!(watch.needs(), None, "emptied after everything was taken: the state is the same");
    (0..5).for_each(|n| request(&mut sql, &mut rng, 70 + n));
    watch.take(house.tick()).unwrap();
    watch.checkpoint(house.now, || truncate(&sql)).unwrap();
    drop((sql, watch));
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(house.path(&format!("a.db{end}")));
    }
    fs::write(house.db(), old).unwrap();
    let (sql, watch) = (open(&house.db(), KEYS[0]), house.watch());
    heals(house, &sql, &watch, Why::Replaced);
}

#[test]
fn a_change_while_nothing_ran() {
    let (house, sql, watch, _) = begun();
    drop((sql, watch));
    let sql = Connection::open(house.db()).unwrap();
    sql.pragma_update(None, "key", KEYS[0]).unwrap();
    sql.execute("insert into event (obj) values ('by hand')", []).unwrap();
    sql.query_row("pragma journal_mode = delete", [], |_| Ok(())).unwrap();
    drop(sql);
    let (sql, watch) = (open(&house.db(), KEYS[0]), house.watch());
    heals(house, &sql, &watch, Why::Replaced);
}

#[test]
fn a_spool_that_was_lost_or_spoiled() {
    let (house, sql, watch, _) = begun();
    drop(watch);
    let newest = house.spool().log(&crate::house::CHAIN).unwrap().pop().unwrap();
    let place = house.spool().place(&newest.text);
    let mut bytes = fs::read(&place).unwrap();
    bytes[40] ^= 1;
    fs::write(place, bytes).unwrap();
    let watch = house.watch();
    heals(house, &sql, &watch, Why::StateLost);
}

#[test]
fn nothing_is_emptied_before_it_was_taken() {
    let (house, mut sql, watch, mut rng) = begun();
    request(&mut sql, &mut rng, 80);
    // The spool cannot be written: the log stays.
    let folder = house.path("spool/tmp");
    fs::remove_dir(&folder).unwrap();
    let mut called = false;
    assert!(watch.checkpoint(house.now, || { called = true; truncate(&sql) }).is_err());
    assert!(!called, "the log was emptied though it could not be taken");
    fs::create_dir(&folder).unwrap();
    watch.take(house.now).unwrap();
    assert_eq!(watch.needs(), None);
    let (path, _) = house.restore(When::Latest, "r.db").unwrap();
    assert_eq!(checked(&path, KEYS[0]), content(&sql));
}
