//! A writer that is killed at any moment while its log is shipped: no acknowledged commit is lost, and no break is seen where none is.

use crate::house::{House, KEYS, Rng, checked, content, open, request, schema, times, truncate};
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, atomic::{AtomicI64, Ordering::SeqCst}},
    time::{Duration, Instant},
};
use strongroom_ship::{head::Why, route::When};

/// Writes without end, follows its own log as the server does, and says after each commit how many there are.
#[test]
#[ignore = "the child of the test below: it writes until it is killed"]
fn child() {
    let Some(dir) = std::env::var_os("STRONGROOM_TORTURE_DIR") else { return };
    let house = House { dir: tempfile::TempDir::new().unwrap(), now: 0 };
    let here = |name: &str| PathBuf::from(&dir).join(name);
    let mut rng = Rng(u64::from(std::process::id()) * 7919);
    // Whoever reads the log first recovers it, and counts its checkpoints on: a reader of pages as often as the writer.
    let reader = (rng.below(2) == 0).then(|| open(&here("a.db"), KEYS[0]));
    let _ = reader.as_ref().map(content);
    let mut sql = open(&here("a.db"), KEYS[0]);
    drop(house);
    let watch = crate::kills::watch_in(&here(""));
    let start: i64 = sql.query_row("select count(*) from event", [], |row| row.get(0)).unwrap();
    for n in start.. {
        let now = 1_764_000_000_000 + n;
        if rng.below(3) == 0 {
            watch.take(now).unwrap();
            assert_eq!(watch.needs(), None, "a false break");
        }
        if rng.below(15) == 0 {
            watch.checkpoint(now, || truncate(&sql)).unwrap();
        }
        request(&mut sql, &mut rng, n as u64);
        println!("{}", n + 1);
    }
}

fn watch_in(dir: &std::path::Path) -> strongroom_ship::base::Watch {
    use crate::house::{CHAIN, SEED};
    use strongroom_ship::{base::Watch, follow::Source, spool::Spool};
    Watch::new(Source {
        of: CHAIN,
        fence: 1,
        main: strongroom_ship::follow::main_file(&dir.join("a.db")).unwrap(),
        wal: dir.join("a.db-wal"),
        page_size: 4096,
        signer: keys::sign::Signer::of(&SEED).unwrap(),
        spool: Spool::open(&dir.join("spool")).unwrap(),
        files: None,
    })
}

#[test]
fn a_hundred_kills_lose_nothing_and_break_nothing() {
    let mut house = House::new();
    {
        let sql = open(&house.db(), KEYS[0]);
        schema(&sql);
        house.base(&house.watch(), &sql, Why::First);
    }
    let (mut rng, mut most) = (Rng(99), 0);
    for round in 0..100 * times() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::child", "--ignored", "--nocapture"])
            .env("STRONGROOM_TORTURE_DIR", house.dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let acknowledged = Arc::new(AtomicI64::new(0));
        let (heard, out) = (Arc::clone(&acknowledged), child.stdout.take().unwrap());
        let listener = std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Ok(count) = line.parse() {
                    heard.store(count, SeqCst);
                }
            }
        });
        let end = Instant::now() + Duration::from_millis(60 + rng.below(160));
        while Instant::now() < end {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself in round {round}: a false break or an error");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        listener.join().unwrap();
        // The server starts again: it goes on in the same generation, and what was acknowledged is shipped.
        let watch = house.watch();
        watch.take(house.now).unwrap();
        assert_eq!(watch.needs(), None, "a false break in round {round}");
        let (path, _) = house.restore(When::Latest, "r.db").unwrap();
        let (events, _) = checked(&path, KEYS[0]);
        assert!(events >= acknowledged.load(SeqCst), "round {round}: {events} of {}", acknowledged.load(SeqCst));
        most = most.max(events);
    }
    let (path, _) = house.restore(When::Latest, "r.db").unwrap();
    assert_eq!(checked(&path, KEYS[0]), content(&open(&house.db(), KEYS[0])));
    assert!(most > 100, "the children hardly wrote: {most}");
}
