//! Places of every kind, with real servers behind them: what lies there, what need not be kept, and what is said when one goes wrong.

use crate::{
    backups::{Ground, command},
    s3s::{S3s, SECRET},
    sshd::Sshd,
    world::Server,
};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    time::Duration,
};

fn data(ground: &Ground) -> &str {
    ground.data.to_str().unwrap()
}

/// An SSH server that knows the key of the installation, added as `nas`; gives the words after `restore`.
fn add_nas(ground: &Ground, sshd: &Sshd) -> Vec<String> {
    let config = sshd.config();
    sshd.let_in(ground.run(&["dest", "key"])["public"].as_str().unwrap());
    // The second slash: the path is not below the home of the user.
    let address = format!("{}@127.0.0.1:{}/{}", config.user, config.port, config.path);
    let (code, _, error) = command(&["dest", "add", "nas", "--sftp", &address, "--data", data(ground)], "");
    assert!(code == 2 && error.contains(&config.fingerprint) && error.contains("--host-key"), "{code} {error}");
    ground.run(&["dest", "add", "nas", "--sftp", &address, "--host-key", &config.fingerprint]);
    let identity = ground.data.join("identity");
    fs::write(&identity, config.key.as_bytes()).unwrap();
    ["--sftp", &address, "--host-key", &config.fingerprint, "--identity", identity.to_str().unwrap()].map(String::from).into()
}

fn add_cloud(ground: &Ground, s3s: &S3s, secret: &str) -> (i32, String, Vec<String>) {
    let endpoint = format!("http://127.0.0.1:{}", s3s.port);
    let place = ["--s3", &endpoint, "--bucket", "drop", "--access-key", "AKEXAMPLE"];
    let (code, _, error) = command(&[&["dest", "add", "cloud", "--schedule", "two-hourly", "--data", data(ground)][..], &place].concat(), &format!("{secret}\n"));
    (code, error, place.map(String::from).into())
}

fn state<'v>(status: &'v Value, name: &str) -> (&'v str, &'v str) {
    let row = status["destinations"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    (row["state"].as_str().unwrap(), row["error"].as_str().unwrap_or_default())
}

/// Waits until a place is as it should be, or is not.
fn until(ground: &Ground, name: &str, word: &str) -> String {
    for _ in 0..60 {
        let _ = command(&["backup", "now", "--data", data(ground)], "");
        let status = ground.run(&["dest", "list"]);
        if state(&status, name).0 == word {
            return state(&status, name).1.to_owned();
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("{name} is never {word}: {}", ground.run(&["dest", "list"]));
}

#[test]
fn every_kind_of_place_gets_everything_and_gives_it_back() {
    let (ground, sshd, s3s) = (Ground::new(), Sshd::start(), S3s::start());
    let server = Server::at(&ground.data, &["--cases", "3"]);
    ground.add();
    let nas = add_nas(&ground, &sshd);
    let (code, error, cloud) = add_cloud(&ground, &s3s, "wrong");
    assert!(code == 77 && error.contains("secret key is not the one"), "{code} {error}");
    assert_eq!(add_cloud(&ground, &s3s, SECRET).0, 0);
    let priya = server.signed_in("Priya");
    let case = priya.open_case("Places: everywhere");
    assert_eq!(priya.upload(&format!("{case}/documents"), vec![("one.txt", vec![7; 5_000_000])]).status, 303);
    ground.print_kit();
    let status = ground.run(&["backup", "now"]);
    for name in ["office", "nas", "cloud"] {
        assert_eq!(state(&status, name).0, "good", "{status}");
    }
    let drills = ground.run(&["backup", "drill"]);
    assert!(drills["drills"].as_array().unwrap().len() == 3 && drills["drills"].as_array().unwrap().iter().all(|drill| drill["outcome"] == "passed"), "{drills}");
    let held = ground.run(&["backup", "list"]);
    assert!(held["held"].as_array().unwrap().iter().filter(|row| row["site"].is_string()).count() >= 3, "{held}");
    for (deep, name) in [(false, "nas"), (true, "cloud")] {
        let looked = ground.run(&[&["backup", "verify", name][..], if deep { &["--deep"] } else { &[] }].concat());
        let rows = looked["verified"].as_array().unwrap();
        assert!(rows.len() == 2 && rows.iter().all(|row| row["wrong"] == serde_json::json!([]) && row["objects"].as_u64() > Some(0)), "{looked}");
    }
    let (name, kit) = ("office".to_owned(), ground.kit.to_str().unwrap());
    let by_name = ["--from".to_owned(), name, "--data".into(), data(&ground).into()];
    let by_path = ["--from".to_owned(), ground.there.to_str().unwrap().into()];
    for (n, place) in [&nas[..], &cloud, &by_name, &by_path].into_iter().enumerate() {
        let back = ground.back.with_extension(n.to_string());
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        let (code, out, error) = command(&[&["restore"][..], &place, &["--kit", kit, "--json", "--to", back.to_str().unwrap()]].concat(), &format!("{SECRET}\n"));
        assert!(code == 0 && out.contains("\"cases\":4") && out.contains("\"missing\":0"), "{place:?}: {code} {out} {error}");
    }
    assert!(server.stop().success());
}

#[test]
fn a_place_that_goes_wrong_is_named_and_goes_on_when_it_is_well() {
    let (ground, mut sshd, mut s3s) = (Ground::new(), Sshd::start(), S3s::start());
    let server = Server::at(&ground.data, &["--cases", "2"]);
    add_nas(&ground, &sshd);
    assert_eq!(add_cloud(&ground, &s3s, SECRET).0, 0);
    let (nas, cloud) = (until(&ground, "nas", "good"), until(&ground, "cloud", "good"));
    assert!(nas.is_empty() && cloud.is_empty());
    let priya = server.signed_in("Priya");
    // Gone, then back, under another key; then the key that it had.
    sshd.kill();
    s3s.kill();
    priya.open_case("Places: while nobody listens");
    assert!(!until(&ground, "nas", "failing").is_empty() && !until(&ground, "cloud", "failing").is_empty());
    // Credentials that are good no more.
    s3s.resume_with("another secret");
    let why = until(&ground, "cloud", "failing");
    for _ in 0..20 {
        if state(&ground.run(&["dest", "list"]), "cloud").1.contains("secret key") {
            break;
        }
        let _ = command(&["backup", "now", "--data", data(&ground)], "");
    }
    let said = ground.run(&["dest", "list"]);
    assert!(state(&said, "cloud").1.contains("secret key is not the one"), "{why} {said}");
    s3s.kill();
    s3s.resume();
    sshd.resume();
    until(&ground, "nas", "good");
    until(&ground, "cloud", "good");
    let before = sshd.config().fingerprint;
    sshd.kill();
    sshd.new_host_key();
    sshd.resume();
    priya.open_case("Places: another server at the address");
    let mut why = String::new();
    for _ in 0..20 {
        why = until(&ground, "nas", "failing");
        if why.contains("SHA256:") {
            break;
        }
    }
    assert!(why.contains(&before) && why.contains(&sshd.config().fingerprint), "both keys are named: {why}");
    // A monitor on this machine sees it.
    let gauges = server.browser().get("/metrics").body;
    let proxied = server.browser().raw("/metrics").header("X-Forwarded-For", "203.0.113.9").send().unwrap();
    assert_eq!(proxied.status().as_u16(), 404, "who comes through a proxy is somewhere else");
    assert!(gauges.contains("strongroom_backup_well{place=\"nas\"} 0") && gauges.contains("strongroom_backup_well{place=\"cloud\"} 1"), "{gauges}");
    assert!(server.stop().success());
}

/// Everything below a folder, as if it had come so many days earlier.
fn age(folder: &Path, days: u64) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => age(&entry.path(), days),
            false => {
                let came = entry.metadata().unwrap().modified().unwrap() - Duration::from_secs(days * 86_400);
                fs::File::options().write(true).open(entry.path()).unwrap().set_modified(came).unwrap();
            }
        }
    }
}

#[test]
fn what_need_not_be_kept_is_shown_and_removed_only_after_a_drill() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "2"]);
    ground.add();
    ground.print_kit();
    let priya = server.signed_in("Priya");
    for n in 0..4 {
        priya.open_case(&format!("Places: kept {n}"));
        ground.now();
    }
    let (code, _, error) = command(&["backup", "prune", "--data", data(&ground)], "");
    assert!(code == 1 && error.contains("No drill from office has passed yet"), "{code} {error}");
    age(&ground.there, 60);
    priya.open_case("Places: today");
    ground.now();
    assert_eq!(ground.run(&["backup", "drill"])["drills"][0]["outcome"], "passed");
    let kept = ground.run(&["dest", "keep", "office", "--days", "40", "--changes", "1", "--prune", "no"]);
    assert_eq!((kept["days"].as_u64(), kept["hours"].as_u64(), kept["prunes"].as_bool()), (Some(40), Some(14), Some(false)), "{kept}");
    let (code, _, error) = command(&["dest", "keep", "office", "--days", "0", "--data", data(&ground)], "");
    assert!(code == 2 && error.contains("at least 1 day"), "{code} {error}");
    // Everything old is on the way to what is new: nothing may go.
    let plan = &ground.run(&["backup", "prune"])["pruned"][0];
    assert_eq!((plan["applied"].as_bool(), plan["go"].as_array().map(Vec::len)), (Some(false), Some(0)), "{plan}");
    // A new kit is a new keyring, and that a new base of the registry: what was before it may go.
    ground.run(&["key", "rotate", "--yes"]);
    ground.print_kit();
    ground.now();
    age(&ground.there, 60);
    priya.open_case("Places: newest");
    ground.now();
    assert_eq!(ground.run(&["backup", "drill"])["drills"][0]["outcome"], "passed");
    let plan = ground.run(&["backup", "prune", "office"])["pruned"][0].clone();
    let go: Vec<&str> = plan["go"].as_array().unwrap().iter().map(|object| object["object"].as_str().unwrap()).collect();
    assert!(!go.is_empty() && go.iter().all(|name| ground.there.join(name).exists()), "{plan}");
    let done = ground.run(&["backup", "prune", "office", "--apply"])["pruned"][0].clone();
    assert_eq!((done["applied"].as_bool(), &done["go"], &done["freed"]), (Some(true), &plan["go"], &plan["freed"]));
    assert!(go.iter().all(|name| !ground.there.join(name).exists()));
    assert_eq!(ground.run(&["backup", "drill"])["drills"][0]["outcome"], "passed");
    let (code, out, error) = command(&["restore", "--dir", ground.there.to_str().unwrap(), "--kit", ground.kit.to_str().unwrap(), "--dry-run", "--json"], "");
    assert!(code == 0 && out.contains("\"cases\":8") && out.contains("\"missing\":0"), "{code} {out} {error}");
    assert!(server.stop().success());
}
