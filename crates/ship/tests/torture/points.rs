//! Every commit of a run can be restored, while a reader reads, the shipper ships and bases are made.

use crate::house::{House, KEYS, Rng, checked, content, open, request, schema, truncate};
use strongroom_ship::{ShipError, head::Why, route::When};

#[test]
fn every_marked_commit_comes_back_with_equal_content() {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let reader = open(&house.db(), KEYS[0]);
    let watch = house.watch();
    let generation = house.base(&watch, &sql, Why::First).head.generation;
    let (mut rng, mut marks, mut change, mut commit) = (Rng(5), Vec::new(), 0, 0);
    for n in 0..400 {
        request(&mut sql, &mut rng, n);
        commit += 1;
        if rng.below(6) == 0 {
            marks.push((When::Commit { generation, change: change + 1, commit }, content(&sql)));
        }
        if rng.below(4) == 0 {
            let now = house.tick();
            change += watch.take(now).unwrap().len() as u64;
            commit = 0;
            marks.push((When::At(now), content(&sql)));
        }
        if n % 50 == 49 {
            // A reader in the way makes the checkpoint partial; what is in the log stays.
            if n % 100 == 49 {
                reader.execute_batch("begin; select count(*) from cases").unwrap();
            }
            let now = house.tick();
            watch.checkpoint(now, || truncate(&sql)).unwrap();
            (change, commit) = (watch.state().unwrap().1, 0);
            let based = watch.base(now, Why::Due, b"", &mut |_, _| {}).unwrap();
            assert_eq!(based.is_some(), n % 100 != 49, "a base needs a log that was emptied to the end");
            let _ = reader.execute_batch("rollback");
        }
    }
    watch.take(house.now).unwrap();
    assert!(marks.len() > 120);
    for (when, expected) in &marks {
        let (path, _) = house.restore(*when, "r.db").unwrap_or_else(|error| panic!("{when:?}: {error}"));
        assert_eq!(checked(&path, KEYS[0]), *expected, "{when:?}");
    }
    assert!(matches!(house.restore(When::At(1), "r.db"), Err(ShipError::Nothing)));
}

#[test]
fn an_idle_database_gives_nothing_to_ship() {
    let mut house = House::new();
    let sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let watch = house.watch();
    house.base(&watch, &sql, Why::First);
    let before = house.spool().list("").unwrap();
    for _ in 0..100 {
        let now = house.tick();
        assert!(watch.take(now).unwrap().is_empty());
        watch.checkpoint(now, || truncate(&sql)).unwrap();
    }
    assert_eq!(house.spool().list("").unwrap(), before);
}

#[test]
fn a_clock_that_jumps_back_does_not_turn_the_order_round() {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let watch = house.watch();
    let base = house.base(&watch, &sql, Why::First);
    let mut rng = Rng(3);
    request(&mut sql, &mut rng, 0);
    let ahead = watch.take(house.now + 1_000_000).unwrap()[0].head.made;
    request(&mut sql, &mut rng, 1);
    let back = watch.take(house.now - 1_000_000).unwrap()[0].head.made;
    assert_eq!(back, ahead);
    // A new generation after a jump back still comes after the one before.
    request(&mut sql, &mut rng, 2);
    assert!(truncate(&sql));
    request(&mut sql, &mut rng, 3);
    assert!(watch.take(1000).unwrap().is_empty() && watch.needs().is_some());
    watch.checkpoint(1000, || truncate(&sql)).unwrap();
    let next = watch.base(1000, Why::ForeignCheckpoint, b"", &mut |_, _| {}).unwrap().unwrap();
    assert!(next.head.generation > base.head.generation && next.head.made >= ahead);
    let (path, _) = house.restore(When::Latest, "r.db").unwrap();
    assert_eq!(checked(&path, KEYS[0]), content(&sql));
}

/// Whichever connection was the first after a start, the writer or a reader of pages, and however often the log was emptied before.
#[test]
fn a_start_is_no_break_whoever_recovers_the_log() {
    for reader_first in [false, true] {
        let mut house = House::new();
        let mut rng = Rng(11);
        {
            let sql = open(&house.db(), KEYS[0]);
            schema(&sql);
            house.base(&house.watch(), &sql, Why::First);
        }
        for start in 0..4 {
            let door = reader_first.then(|| open(&house.db(), KEYS[0]));
            let _ = door.as_ref().map(content);
            let mut sql = open(&house.db(), KEYS[0]);
            let watch = house.watch();
            for n in 0..6 {
                request(&mut sql, &mut rng, n);
                let now = house.tick();
                watch.take(now).unwrap();
                assert_eq!(watch.needs(), None, "a false break after start {start}, reader first: {reader_first}");
                if n % 2 == 0 {
                    watch.checkpoint(now, || truncate(&sql)).unwrap();
                }
            }
            let (path, _) = house.restore(When::Latest, "r.db").unwrap();
            assert_eq!(checked(&path, KEYS[0]), content(&sql));
        }
    }
}
