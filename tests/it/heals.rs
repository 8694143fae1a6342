//! What lies at a destination is not what was brought there: it is found, told until it is well, and brought again.

use crate::{
    backups::{Ground, command},
    world::Server,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files at a destination whose path has this folder.
pub(crate) fn objects(there: &Path, folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![there.join(folder)];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_drill_finds_what_was_spoiled_and_the_next_run_heals_it() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "3"]);
    ground.add();
    let priya = server.signed_in("Priya");
    priya.open_case("Backups: spoiled");
    ground.now();
    let data = ground.data.to_str().unwrap();
    let drill = || command(&["backup", "drill", "--data", data], "");
    let (code, out, error) = drill();
    assert!(code == 0 && out.contains("passed in") && !out.contains("FAILED"), "{out} {error}");
    for (folder, word) in [("part", "not genuine"), ("blob", "FAILED documents open with their keys"), ("log", "not genuine"), ("base", "not genuine")] {
        // Something that came after the newest base, and all of a kind, so that whatever is looked at is among what is spoiled.
        priya.open_case("Backups: before it is spoiled");
        ground.now();
        objects(&ground.there, folder).iter().for_each(|path| flip(path));
        let (code, out, _) = drill();
        assert!(code == 1 && out.contains("failed in") && out.contains(word), "{folder}: {code} {out}");
        // The failed drill read everything there and brought again what was spoiled.
        let (code, healed, _) = drill();
        assert_eq!(code, 0, "{folder}: {healed}");
    }
    // Whatever was taken away is noticed too.
    let before = objects(&ground.there, "log");
    priya.open_case("Backups: taken away");
    ground.now();
    let new: Vec<_> = objects(&ground.there, "log").into_iter().filter(|path| !before.contains(path)).collect();
    assert!(!new.is_empty());
    new.iter().for_each(|path| fs::remove_file(path).unwrap());
    let (code, out, _) = drill();
    assert!(code == 1 && out.contains("FAILED everything brought of"), "{code} {out}");
    let (code, out, _) = drill();
    assert_eq!(code, 0, "{out}");
    assert!(server.stop().success());
}

#[test]
fn what_a_look_finds_is_told_until_it_is_healed() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "3"]);
    ground.add();
    ground.now();
    let data = ground.data.to_str().unwrap();
    let state = || {
        let (code, out, _) = command(&["backup", "status", "--json", "--data", data], "");
        let status: serde_json::Value = serde_json::from_str(&out).unwrap();
        let row = &status["destinations"][0];
        (code, status["well"].as_bool().unwrap(), row["state"].as_str().unwrap().to_owned(), row["damage"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(state(), (0, true, "good".into(), String::new()));
    let spoiled = objects(&ground.there, "blob").swap_remove(0);
    flip(&spoiled);
    // Nobody but a look at every byte can see it.
    assert_eq!(command(&["backup", "verify", "--data", data], "").0, 0);
    let (code, out, error) = command(&["backup", "verify", "--deep", "--data", data], "");
    assert!(code == 1 && out.contains("WRONG blob/") && error.contains("strongroom backup drill"), "{code} {out} {error}");
    let (code, well, word, damage) = state();
    assert!((code, well, word.as_str()) == (1, false, "damaged") && damage.starts_with("One file of the backup at office is damaged, found on"), "{code} {well} {word} {damage}");
    let gauges = server.browser().raw("/metrics").send().unwrap().text().unwrap();
    assert!(gauges.contains("strongroom_backup_well{place=\"office\"} 0"), "{gauges}");
    let (code, out, _) = command(&["backup", "drill", "--data", data], "");
    assert_eq!(code, 0, "{out}");
    assert_eq!(state(), (0, true, "good".into(), String::new()));
    assert_eq!(command(&["backup", "verify", "--deep", "--data", data], "").0, 0);
    assert!(server.stop().success());
}

#[test]
fn a_place_that_is_removed_while_it_is_at_work_holds_up_nobody() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "3"]);
    ground.add();
    ground.now();
    let data = ground.data.to_str().unwrap();
    objects(&ground.there, "part").iter().chain(&objects(&ground.there, "blob")).for_each(|path| flip(path));
    let drill = std::thread::spawn({
        let data = data.to_owned();
        move || command(&["backup", "drill", "--data", &data], "")
    });
    std::thread::sleep(std::time::Duration::from_millis(400));
    ground.run(&["dest", "remove", "office"]);
    drill.join().unwrap();
    // Whatever it was at then, another place is drilled after it.
    let other = ground.there.with_file_name("other");
    fs::create_dir(&other).unwrap();
    ground.run(&["dest", "add", "other", "--dir", other.to_str().unwrap()]);
    ground.now();
    assert_eq!(ground.run(&["backup", "drill"])["drills"][0]["outcome"], "passed");
    assert!(server.stop().success());
}

#[test]
fn what_says_whose_a_place_is_is_never_taken_away() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "2"]);
    ground.add();
    ground.now();
    let marker = ground.there.join("instance.json");
    let content = fs::read(&marker).unwrap();
    flip(&marker);
    let (code, _, _) = command(&["backup", "drill", "--data", ground.data.to_str().unwrap()], "");
    assert!(code == 1 && marker.exists());
    fs::write(&marker, content).unwrap();
    ground.now();
    assert_eq!(ground.run(&["backup", "drill"])["drills"][0]["outcome"], "passed");
    assert!(server.stop().success());
}
