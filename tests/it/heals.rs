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
fn objects(there: &Path, folder: &str) -> Vec<PathBuf> {
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
    for (folder, word) in [("part", "not genuine"), ("blob", "not are there"), ("log", "not genuine"), ("base", "not genuine")] {
        // Something that came after the newest base, and all of a kind, so that whatever is looked at is among what is spoiled.
        priya.open_case("Backups: before it is spoiled");
        ground.now();
        objects(&ground.there, folder).iter().for_each(|path| flip(path));
        let (code, out, _) = drill();
        assert!(code == 1 && out.contains("failed in") && (word == "not are there" || out.contains(word)), "{folder}: {code} {out}");
        if folder == "blob" {
            assert!(out.contains("FAILED documents open with their keys"), "{out}");
        }
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
    assert!(code == 1 && out.contains("FAILED what was delivered of"), "{code} {out}");
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
    assert!((code, well, word.as_str()) == (1, false, "damaged") && damage.starts_with("one object found damaged on"), "{code} {well} {word} {damage}");
    let gauges = server.browser().raw("/metrics").send().unwrap().text().unwrap();
    assert!(gauges.contains("strongroom_backup_well{place=\"office\"} 0"), "{gauges}");
    let (code, out, _) = command(&["backup", "drill", "--data", data], "");
    assert_eq!(code, 0, "{out}");
    assert_eq!(state(), (0, true, "good".into(), String::new()));
    assert_eq!(command(&["backup", "verify", "--deep", "--data", data], "").0, 0);
    assert!(server.stop().success());
}
