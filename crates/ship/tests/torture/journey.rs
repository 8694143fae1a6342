//! From the spool to a destination that fails at any object, with changes put together on the way: what is there restores at any moment.

use crate::house::{CHAIN, House, KEYS, Rng, checked, content, open, request, schema, truncate};
use std::{cell::Cell, fs, io::Read};
use strongroom_ship::{
    Listed, Put, ShipError, Target,
    compact::compact,
    deliver::{Cursor, Delivery, Steps, clear},
    dir::Directory,
    head::Why,
    name::Named,
    restore,
    route::{When, route},
};

/// Works so many times, then not at all.
struct Failing<'t> {
    inner: &'t Directory,
    left: Cell<u64>,
}

impl Target for Failing<'_> {
    fn put_new(&self, name: &str, size: u64, bytes: &mut dyn Read) -> Result<Put, ShipError> {
        match self.left.get() {
            0 => Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()),
            left => {
                self.left.set(left - 1);
                self.inner.put_new(name, size, bytes)
            }
        }
    }

    fn get(&self, name: &str, start: u64, length: u64) -> Result<Vec<u8>, ShipError> {
        self.inner.get(name, start, length)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, ShipError> {
        self.inner.list(prefix)
    }

    fn free_space(&self) -> Result<Option<u64>, ShipError> {
        self.inner.free_space()
    }
}

pub(crate) fn names(target: &dyn Target) -> Vec<Named> {
    let list = |prefix: &str| target.list(&format!("{prefix}/{}/", CHAIN.chain)).unwrap().into_iter().map(|object| object.name).collect::<Vec<_>>();
    Named::all(&[list("base"), list("log")].concat(), &CHAIN).unwrap()
}

pub(crate) fn restored(house: &House, target: &dyn Target, when: When) -> Result<(i64, [u8; 32]), ShipError> {
    let out = house.path("r.db");
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(house.path(&format!("r.db{end}")));
    }
    restore::database(target, &route(&names(target), when)?, when, &House::trust(), &out, &mut |_, _, _| {})?;
    Ok(checked(&out, KEYS[0]))
}

#[test]
fn a_destination_that_fails_anywhere_restores_to_what_it_was_told_last() {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let watch = house.watch();
    house.base(&watch, &sql, Why::First);
    let (mut rng, mut states) = (Rng(41), Vec::new());
    fs::create_dir(house.path("there")).unwrap();
    let there = Directory::open(&house.path("there")).unwrap();
    let (mut cursor, mut reached) = (Cursor::default(), (0, 0));
    states.push((0, 0, content(&sql)));
    for n in 0..120 {
        request(&mut sql, &mut rng, n);
        let now = house.tick();
        watch.take(now).unwrap();
        states.push((watch.newest().unwrap().head.generation, watch.state().unwrap().1, content(&sql)));
        if rng.below(15) == 0 {
            house.base(&watch, &sql, Why::Due);
        }
        if n == 60 {
            // A break: a new generation.
            request(&mut sql, &mut rng, 1);
            assert!(truncate(&sql));
            request(&mut sql, &mut rng, 2);
            watch.take(now).unwrap();
            house.base(&watch, &sql, Why::ForeignCheckpoint);
            states.push((watch.newest().unwrap().head.generation, 0, content(&sql)));
        }
        let failing = Failing { inner: &there, left: Cell::new(rng.below(6)) };
        let spool = house.spool();
        let delivery = Delivery { target: &failing, spool: &spool, files: None, of: CHAIN, key: House::trust().key, steps: Steps::Each };
        // A kill between an object and its cursor: the cursor of before counts.
        let mut kept = cursor.clone();
        let forgets = rng.below(3) == 0;
        let _ = delivery.run(&mut cursor, &mut |cursor, _| {
            if !forgets {
                kept = cursor.clone();
            }
            true
        });
        reached = reached.max((cursor.generation, cursor.last.max(cursor.base)));
        cursor = kept;
        clear(&spool, &CHAIN, std::slice::from_ref(&cursor), if rng.below(2) == 0 { i64::MAX } else { 0 }).unwrap();
        if reached.0 > 0 {
            let expected = states.iter().rev().find(|(generation, change, _)| (*generation, *change) == reached || (*change == 0 && reached.1 == 0));
            assert_eq!(restored(&house, &there, When::Latest).unwrap(), expected.unwrap().2, "after request {n}");
        }
    }
    let spool = house.spool();
    let delivery = Delivery { target: &there, spool: &spool, files: None, of: CHAIN, key: House::trust().key, steps: Steps::Each };
    delivery.run(&mut cursor, &mut |_, _| true).unwrap();
    assert_eq!(restored(&house, &there, When::Latest).unwrap(), content(&sql));
    let again = delivery.run(&mut cursor, &mut |_, _| true).unwrap();
    assert_eq!((again.objects, again.bytes, again.needs_base), (0, 0, false), "an idle database ships nothing");
    // A cursor that was lost: everything is compared, nothing is sent twice.
    let mut lost = Cursor::default();
    house.base(&watch, &sql, Why::Due);
    delivery.run(&mut lost, &mut |_, _| true).unwrap();
    assert_eq!(restored(&house, &there, When::Latest).unwrap(), content(&sql));
}

#[test]
fn a_destination_that_fell_behind_what_is_kept_asks_for_a_base() {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let watch = house.watch();
    house.base(&watch, &sql, Why::First);
    fs::create_dir(house.path("there")).unwrap();
    let there = Directory::open(&house.path("there")).unwrap();
    let spool = house.spool();
    let delivery = Delivery { target: &there, spool: &spool, files: None, of: CHAIN, key: House::trust().key, steps: Steps::Each };
    let (mut cursor, mut rng) = (Cursor::default(), Rng(1));
    delivery.run(&mut cursor, &mut |_, _| true).unwrap();
    for n in 0..6 {
        request(&mut sql, &mut rng, n);
        watch.take(house.tick()).unwrap();
    }
    let log = spool.log(&CHAIN).unwrap();
    spool.remove(&log[2].text).unwrap();
    delivery.run(&mut cursor, &mut |_, _| true).unwrap();
    assert_eq!(cursor.last, 2);
    assert!(delivery.run(&mut cursor, &mut |_, _| true).unwrap().needs_base);
    house.base(&watch, &sql, Why::Due);
    assert!(!delivery.run(&mut cursor, &mut |_, _| true).unwrap().needs_base);
    assert_eq!(restored(&house, &there, When::Latest).unwrap(), content(&sql));
}

#[test]
fn another_server_at_the_same_destination_is_noticed() {
    let (mut house, mut other) = (House::new(), House::new());
    fs::create_dir(house.path("there")).unwrap();
    let there = Directory::open(&house.path("there")).unwrap();
    let mut ran = Vec::new();
    for house in [&mut house, &mut other] {
        let mut sql = open(&house.db(), KEYS[0]);
        schema(&sql);
        let watch = house.watch();
        house.base(&watch, &sql, Why::First);
        request(&mut sql, &mut Rng(9), 1);
        watch.take(house.tick()).unwrap();
        let spool = house.spool();
        let delivery = Delivery { target: &there, spool: &spool, files: None, of: CHAIN, key: House::trust().key, steps: Steps::Each };
        ran.push(delivery.run(&mut Cursor::default(), &mut |_, _| true));
    }
    assert!(ran[0].is_ok());
    let error = ran[1].as_ref().unwrap_err().to_string();
    assert!(error.contains("another server"), "{error}");
}

#[test]
fn changes_put_together_lead_to_the_same_bits() {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    sql.execute_batch("pragma auto_vacuum = full").unwrap();
    schema(&sql);
    sql.execute_batch("vacuum").unwrap();
    let watch = house.watch();
    house.base(&watch, &sql, Why::First);
    let mut rng = Rng(77);
    for n in 0..90 {
        request(&mut sql, &mut rng, n);
        if n % 9 == 0 {
            sql.execute("insert into event (obj) values (randomblob(80000))", []).unwrap();
        }
        if n % 11 == 0 {
            sql.execute("delete from event where id % 5 = 1", []).unwrap();
        }
        watch.take(house.tick()).unwrap();
    }
    let spool = house.spool();
    let log = spool.log(&CHAIN).unwrap();
    let signer = keys::sign::Signer::of(&crate::house::SEED).unwrap();
    let size = |names: &[Named]| names.iter().map(|named| fs::metadata(spool.place(&named.text)).unwrap().len()).sum::<u64>();
    let raw = size(&log);
    // Of spans of changes, then of what came of that.
    let hours: Vec<Named> = log.chunks(10).map(|span| Named::parse(&compact(&spool, &spool, &CHAIN, &signer, span).unwrap().head.name(), &CHAIN).unwrap()).collect();
    let night = compact(&spool, &spool, &CHAIN, &signer, &hours).unwrap();
    assert!(fs::metadata(spool.place(&night.head.name())).unwrap().len() * 3 < raw, "it should be much smaller than {raw}");
    let now = house.now;
    watch.checkpoint(now, || truncate(&sql)).unwrap();
    let live = fs::read(house.db()).unwrap();
    let same = |what: &str| {
        let (path, restored) = house.restore(When::Latest, "r.db").unwrap();
        assert!(fs::read(path).unwrap() == live, "{what}");
        restored.last
    };
    assert_eq!(same("the night").head.first, 1);
    spool.remove(&night.head.name()).unwrap();
    assert_eq!(same("the hours").head.name(), hours.last().unwrap().text);
    hours[..4].iter().for_each(|hour| spool.remove(&hour.text).unwrap());
    same("some of both");
    assert!(compact(&spool, &spool, &CHAIN, &signer, &[log[0].clone(), log[2].clone()]).is_err(), "a gap");
    assert!(compact(&spool, &spool, &CHAIN, &signer, &log[..1]).is_err(), "one alone");
    // What follows goes on from either.
    request(&mut sql, &mut rng, 1);
    watch.take(house.now).unwrap();
    house.restore(When::Latest, "r.db").unwrap();
}

#[test]
fn a_clock_that_jumps_breaks_nothing() {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let watch = house.watch();
    house.base(&watch, &sql, Why::First);
    fs::create_dir(house.path("there")).unwrap();
    let there = Directory::open(&house.path("there")).unwrap();
    let spool = house.spool();
    let signer = keys::sign::Signer::of(&crate::house::SEED).unwrap();
    let delivery = Delivery { target: &there, spool: &spool, files: None, of: CHAIN, key: House::trust().key, steps: Steps::Each };
    let (mut cursor, mut rng) = (Cursor::default(), Rng(6));
    // A year ahead, ten years back, the day before the clocks began, and forward again; a base in between, and one after a break.
    for (n, jump) in [365 * 86_400_000i64, -3650 * 86_400_000, -1_448_640_000_000, 3_600_000, 4 * 365 * 86_400_000].into_iter().enumerate() {
        house.now += jump;
        for m in 0..4 {
            request(&mut sql, &mut rng, m);
            watch.take(house.tick()).unwrap();
        }
        match n {
            1 => drop(house.base(&watch, &sql, Why::Due)),
            3 => {
                request(&mut sql, &mut rng, 1);
                assert!(truncate(&sql));
                request(&mut sql, &mut rng, 2);
                let now = house.tick();
                watch.take(now).unwrap();
                house.base(&watch, &sql, Why::ForeignCheckpoint);
            }
            _ => {}
        }
        for group in strongroom_ship::compact::due(&spool.log(&CHAIN).unwrap(), house.now) {
            compact(&spool, &spool, &CHAIN, &signer, &group).unwrap();
        }
        delivery.run(&mut cursor, &mut |_, _| true).unwrap();
        assert_eq!(restored(&house, &there, When::Latest).unwrap(), content(&sql), "after jump {n}");
    }
    let all = names(&there);
    let times: Vec<i64> = all.iter().filter(|named| named.kind == strongroom_ship::head::Kind::Log).map(|named| named.made).collect();
    assert!(times.is_sorted(), "what is named later never tells an earlier time");
}
