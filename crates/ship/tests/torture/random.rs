//! Random work of every kind; at each checkpoint what was shipped is applied and compared bit by bit with the file.

use crate::house::{House, KEYS, Rng, checked, content, open, request, schema, times, truncate};
use rusqlite::Connection;
use std::fs;
use strongroom_ship::{head::Why, root::{Tree, leaf}, route::When};

/// One operation of a kind that SQLite does in a way of its own.
fn operation(sql: &mut Connection, rng: &mut Rng, n: u64, key: &mut usize) {
    match rng.below(40) {
        0 => {
            sql.execute_batch(&format!("create table t{n} (a, b); create index it{n} on t{n} (b)")).unwrap();
            sql.execute(&format!("insert into t{n} select value, hex(randomblob(200)) from (with recursive c (value) as (select 1 union all select value + 1 from c where value < 200) select * from c)"), []).unwrap();
        }
        1 => {
            let table: Option<String> = sql.query_row("select name from sqlite_master where name like 't_%' and type = 'table' limit 1", [], |row| row.get(0)).ok();
            table.into_iter().for_each(|table| sql.execute_batch(&format!("drop table {table}")).unwrap());
        }
        2 => sql.execute_batch("pragma incremental_vacuum(20)").unwrap(),
        3 if rng.below(8) == 0 => sql.execute_batch("vacuum").unwrap(),
        4 => drop(sql.execute("delete from event where id % 7 = ?", [rng.below(7) as i64]).unwrap()),
        5 => drop(sql.execute("insert into event (obj) values (randomblob(?))", [rng.below(200_000) as i64]).unwrap()),
        6 if rng.below(6) == 0 => {
            *key ^= 1;
            sql.query_row(&format!("pragma rekey = \"{}\"", KEYS[*key]), [], |_| Ok(())).unwrap();
        }
        7 => {
            let tx = sql.transaction().unwrap();
            (0..400).for_each(|_| assert_eq!(tx.execute("insert into event (obj) values (?)", [rng.word(400)]).unwrap(), 1));
            if rng.below(2) == 0 { tx.rollback().unwrap() } else { tx.commit().unwrap() }
        }
        8 => sql.execute_batch("savepoint a; create table zz (x); insert into zz values (randomblob(90000)); drop table zz; release a").unwrap(),
        _ => request(sql, rng, n),
    }
}

/// The state root of a file, from nothing.
fn root_of(bytes: &[u8]) -> strongroom_ship::root::Root {
    let mut tree = Tree::new(4096);
    tree.resize((bytes.len() / 4096) as u32);
    (1..).zip(bytes.chunks(4096)).for_each(|(page, image)| tree.set(page, leaf(image)));
    tree.root()
}

/// Gives the number of checkpoints that were bit-identical.
fn run(seed: u64, checkpoints: u64) -> u64 {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    sql.execute_batch("pragma auto_vacuum = incremental").unwrap();
    schema(&sql);
    sql.execute_batch("vacuum").unwrap();
    let (mut rng, mut key, mut watch) = (Rng(seed), 0, house.watch());
    house.base(&watch, &sql, Why::First);
    let (mut same, mut n) = (0, 0);
    while same < checkpoints {
        n += 1;
        operation(&mut sql, &mut rng, n, &mut key);
        let now = house.tick();
        if rng.below(5) == 0 {
            watch.take(now).unwrap();
            assert_eq!(watch.needs(), None, "a false break at operation {n} of seed {seed}");
        }
        if rng.below(150) == 0 {
            watch = house.watch();
        }
        if rng.below(12) == 0 {
            watch.take(now).unwrap();
            let mut emptied = false;
            watch.checkpoint(now, || { emptied = truncate(&sql); emptied }).unwrap();
            assert_eq!(watch.needs(), None, "a false break at operation {n} of seed {seed}");
            assert!(emptied, "not emptied at operation {n} of seed {seed}");
            let live = fs::read(house.db()).unwrap();
            assert_eq!(watch.state().unwrap().0, root_of(&live), "root at operation {n} of seed {seed}");
            let (path, _) = house.restore(When::Latest, "r.db").unwrap();
            assert!(fs::read(&path).unwrap() == live, "bits at operation {n} of seed {seed}");
            same += 1;
            if same % 20 == 0 {
                house.base(&watch, &sql, Why::Due);
            }
        }
    }
    let (path, _) = house.restore(When::Latest, "r.db").unwrap();
    assert_eq!(checked(&path, KEYS[key]), content(&sql));
    same
}

#[test]
fn a_thousand_random_checkpoints_are_bit_identical() {
    let seeds: Vec<u64> = (1..=10 * times()).map(|n| n * 7919).collect();
    let done: u64 = seeds.chunks(2).map(|two| std::thread::scope(|scope| two.iter().map(|seed| scope.spawn(move || run(*seed, 101))).collect::<Vec<_>>().into_iter().map(|run| run.join().unwrap()).sum::<u64>())).sum();
    assert!(done >= 1_000 * times(), "{done}");
    println!("{done} checkpoints bit-identical");
}

/// SQLite keeps one page for locks, at 1 GiB, and never writes it.
#[test]
#[ignore = "writes 1.2 GB: part of the longer run"]
fn the_page_of_locks_is_blank() {
    let mut house = House::new();
    let sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let watch = house.watch();
    house.base(&watch, &sql, Why::First);
    for _ in 0..18 {
        sql.execute("insert into event (obj) values (randomblob(64000000))", []).unwrap();
        let now = house.tick();
        watch.take(now).unwrap();
        watch.checkpoint(now, || truncate(&sql)).unwrap();
    }
    assert!(fs::metadata(house.db()).unwrap().len() > (1 << 30) + (1 << 20));
    for why in [Why::Due, Why::Due] {
        let (path, _) = house.restore(When::Latest, "r.db").unwrap();
        assert!(fs::read(&path).unwrap() == fs::read(house.db()).unwrap());
        house.base(&watch, &sql, why);
    }
}
