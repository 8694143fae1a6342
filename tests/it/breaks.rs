//! What happens to a database behind the back of the server: another one in its place is noticed, and an ordinary start is not taken for that.

use crate::{
    backups::{Ground, command},
    world::Server,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// The database of the one site.
fn database(data: &Path) -> PathBuf {
    fs::read_dir(data.join("sites")).unwrap().map(|entry| entry.unwrap().path().join("site.db")).find(|path| path.exists()).unwrap()
}

fn troubles(ground: &Ground) -> Vec<String> {
    let status = ground.run(&["backup", "status"]);
    status["troubles"].as_array().unwrap().iter().map(|trouble| trouble.as_str().unwrap().to_owned()).collect()
}

/// Lines of changes at the destination, of this site.
fn generations(ground: &Ground) -> usize {
    let held = ground.run(&["backup", "list"]);
    held["held"].as_array().unwrap().iter().filter(|row| row["site"].is_string()).count()
}

fn cases(ground: &Ground, at: &str) -> u64 {
    let (code, out, error) = ground.restore(&["--dry-run", "--json", "--at", at]);
    assert_eq!(code, 0, "{error}");
    serde_json::from_str::<Value>(&out).unwrap()["sites"][0]["cases"].as_u64().unwrap()
}

/// What is said of a break of the line, once it is: the server takes a moment to see it.
fn told_of_a_break(ground: &Ground) -> Vec<String> {
    for _ in 0..50 {
        let _ = command(&["backup", "now", "--data", ground.data.to_str().unwrap()], "");
        let said = troubles(ground);
        if !said.is_empty() {
            return said;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Vec::new()
}

/// Waits until so many lines of changes are at the destination, and the newest state there holds so many cases.
fn until_there(ground: &Ground, lines: usize, held: u64) {
    let mut there = (0, 0);
    for _ in 0..50 {
        let _ = command(&["backup", "now", "--data", ground.data.to_str().unwrap()], "");
        there = (generations(ground), cases(ground, "latest"));
        if there == (lines, held) {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(there, (lines, held));
}

#[test]
fn starting_again_and_again_breaks_no_line() {
    let ground = Ground::new();
    let mut server = Server::at(&ground.data, &["--cases", "2"]);
    ground.add();
    ground.print_kit();
    ground.now();
    let (before, mut opened) = (generations(&ground), 2);
    for (start, name) in ["Priya", "Daniel"].into_iter().enumerate() {
        let somebody = server.signed_in(name);
        // The log is emptied when it is long: only then does a new one begin.
        let size = || fs::metadata(database(&ground.data).with_extension("db-wal")).map_or(0, |log| log.len());
        let mut longest = 0;
        let emptied = (0..300).any(|n| {
            somebody.open_case(&format!("Breaks: start {start}, {n}"));
            opened += 1;
            longest = longest.max(size());
            size() < longest
        });
        assert!(emptied, "the log was not emptied in start {start}: {longest}");
        somebody.open_case(&format!("Breaks: after start {start}"));
        opened += 1;
        ground.now();
        assert_eq!((troubles(&ground), generations(&ground)), (Vec::new(), before), "start {start}");
        assert!(server.stop().success());
        server = Server::at(&ground.data, &["--cases", "2"]);
    }
    assert_eq!(cases(&ground, "latest"), opened);
    assert!(server.stop().success());
}

#[test]
fn an_older_database_in_its_place_is_noticed_and_takes_nothing_from_the_backups() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "2"]);
    ground.add();
    ground.print_kit();
    ground.now();
    assert!(server.stop().success());
    let file = database(&ground.data);
    let old: Vec<(PathBuf, Vec<u8>)> = ["db", "db-wal"].iter().map(|end| file.with_extension(end)).filter(|path| path.exists()).map(|path| (path.clone(), fs::read(&path).unwrap())).collect();
    let server = Server::at(&ground.data, &["--cases", "2"]);
    server.signed_in("Priya").open_case("Breaks: only in the backup");
    std::thread::sleep(Duration::from_millis(1100));
    ground.now();
    let time = ground.run(&["dest", "list"])["destinations"][0]["good"].as_str().unwrap().to_owned();
    assert_eq!(cases(&ground, "latest"), 3);
    assert!(server.stop().success());
    // Somebody brings a copy of yesterday back by hand.
    for end in ["db", "db-wal", "db-shm"] {
        let _ = fs::remove_file(file.with_extension(end));
    }
    old.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    std::thread::sleep(Duration::from_millis(1500));
    let server = Server::at(&ground.data, &["--cases", "2"]);
    let said = told_of_a_break(&ground);
    assert!(said.iter().any(|trouble| trouble.contains("replaced")), "{said:?}");
    server.signed_in("Daniel").open_case("Breaks: after it");
    server.signed_in("Priya").open_case("Breaks: and another");
    until_there(&ground, 2, 4);
    let (code, _, error) = ground.restore(&["--dry-run", "--at", "2001-01-01T00:00:00Z"]);
    assert!(code == 1 && error.contains("the oldest state is from 20"), "{code} {error}");
    // A new line holds what is there now, and the one before all that was there then.
    assert_eq!(cases(&ground, &time), 3);
    assert_eq!(ground.run(&["backup", "drill"])["drills"][0]["outcome"], "passed");
    assert!(server.stop().success());
}

#[test]
fn of_two_that_send_to_one_place_the_later_is_believed_and_the_other_is_told() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "2"]);
    ground.add();
    ground.print_kit();
    ground.now();
    assert!(server.stop().success());
    let (earlier, first) = (ground.data.with_file_name("earlier"), ground.data.with_file_name("first"));
    assert!(Command::new("cp").arg("-a").args([&ground.data, &earlier]).status().unwrap().success());
    let server = Server::at(&ground.data, &["--cases", "2"]);
    server.signed_in("Priya").open_case("Breaks: after the copy");
    ground.now();
    assert_eq!(cases(&ground, "latest"), 3);
    assert!(server.stop().success());
    // The machine is put back to the copy with everything that was known of the backups: the line at the place goes further than that.
    fs::rename(&ground.data, &first).unwrap();
    fs::rename(&earlier, &ground.data).unwrap();
    let server = Server::at(&ground.data, &["--cases", "2"]);
    let said = told_of_a_break(&ground);
    assert!(said.iter().any(|trouble| trouble.contains("replaced")), "{said:?}");
    let somebody = server.signed_in("Daniel");
    somebody.open_case("Breaks: after it was put back");
    somebody.open_case("Breaks: and another after that");
    until_there(&ground, 2, 4);
    assert!(server.stop().success());
    // The other one comes back. It is not believed until somebody says so.
    fs::rename(&ground.data, &earlier).unwrap();
    fs::rename(&first, &ground.data).unwrap();
    let server = Server::at(&ground.data, &["--cases", "2"]);
    let (code, out, _) = command(&["backup", "now", "--data", ground.data.to_str().unwrap()], "");
    assert!(code == 1 && out.contains("Another server of this installation has sent its backups there since"), "{code} {out}");
    assert_eq!(cases(&ground, "latest"), 4);
    ground.run(&["dest", "remove", "office"]);
    ground.add();
    ground.now();
    assert_eq!((generations(&ground), cases(&ground, "latest")), (3, 3));
    assert_eq!(ground.run(&["backup", "drill"])["drills"][0]["outcome"], "passed");
    assert!(server.stop().success());
}

#[test]
fn what_a_stranger_puts_there_keeps_nobody_from_restoring() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "2"]);
    ground.add();
    ground.print_kit();
    ground.now();
    assert!(server.stop().success());
    let held = cases(&ground, "latest");
    // Of each chain the folder and the newest base; that of the registry has the name of the installation.
    let chains: Vec<PathBuf> = fs::read_dir(ground.there.join("base")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let registry = serde_json::from_slice::<Value>(&fs::read(ground.there.join("instance.json")).unwrap()).unwrap()["instance"].as_str().unwrap().to_owned();
    assert_eq!(chains.len(), 2);
    for chain in &chains {
        let newest = fs::read_dir(chain).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
        // What no name of ours is keeps nothing back.
        fs::write(chain.join("Thumbs.db"), "a thumbnail").unwrap();
        assert_eq!(cases(&ground, "latest"), held);
        let log = ground.there.join("log").join(chain.file_name().unwrap());
        fs::create_dir_all(&log).unwrap();
        let generation = newest.file_name().unwrap().to_str().unwrap().split('-').nth(1).unwrap().to_owned();
        let strangers = [
            (chain.join("9999-4000000000-00000001-0000000000001"), b"nothing of ours".to_vec()),
            // Ours, under a name that makes it the newest.
            (chain.join("9998-4000000000-00000001-0000000000001"), fs::read(&newest).unwrap()),
            // As if changes were missing.
            (log.join(format!("0001-{generation}-99999998-99999999-0000000000001")), b"nothing of ours".to_vec()),
        ];
        for (place, content) in strangers {
            fs::write(&place, content).unwrap();
            let (code, _, error) = ground.restore(&["--dry-run"]);
            let is_gap = place.starts_with(&log);
            assert!(code == 1 && (is_gap || error.contains("--skip-unsigned")), "{}: {code} {error}", place.display());
            let (code, out, error) = ground.restore(&["--dry-run", "--json", "--skip-unsigned"]);
            assert_eq!(code, 0, "{} of {registry}: {error}", place.display());
            assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["sites"][0]["cases"].as_u64(), Some(held));
            fs::remove_file(place).unwrap();
        }
    }
    // One of ours that is really missing is not passed over.
    let chain = chains.iter().find(|chain| !chain.ends_with(&registry)).unwrap();
    for base in fs::read_dir(chain).unwrap() {
        fs::remove_file(base.unwrap().path()).unwrap();
    }
    assert_eq!(ground.restore(&["--dry-run", "--skip-unsigned"]).0, 1);
}
