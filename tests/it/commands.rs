//! The command line: what is printed and how it ends.

use crate::world::{self, BINARY, Server};
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime},
};

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

fn out(arguments: &[&str]) -> String {
    let done = run(arguments);
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn version_manual_completions_and_settings() {
    let version: serde_json::Value = serde_json::from_str(&out(&["version", "--json"])).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    let commit = version["commit"].as_str().unwrap();
    assert!(commit == "unknown" || commit.len() >= 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{commit}");
    let man = out(&["man"]);
    for word in ["serve", "demo", "healthcheck", "audit", "Exit codes"] {
        assert!(man.contains(word), "{word}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&["completions", shell]).contains("strongroom"));
    }
    let settings = out(&["config", "show", "--origin", "--port", "4433"]);
    assert!(settings.lines().any(|line| line.starts_with("port") && line.contains("4433") && line.ends_with("flag")), "{settings}");
    let row = |name: &str| settings.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!([row("upload_limit_mb"), row("http_port")], ["upload_limit_mb 2000 default", "http_port - default"]);
    let mistyped = Command::new(BINARY).args(["config", "show"]).env("STRONGROOM_PROT", "1").output().unwrap();
    assert!(mistyped.status.success() && String::from_utf8_lossy(&mistyped.stderr).contains("Did you mean STRONGROOM_PORT?"));
    let set = Command::new(BINARY).args(["config", "show", "--origin"]).env("STRONGROOM_PORT", "4434").output().unwrap();
    assert!(String::from_utf8_lossy(&set.stdout).lines().any(|line| line.contains("4434") && line.ends_with("environment")));
    let wrong = Command::new(BINARY).args(["config", "show"]).env("STRONGROOM_PORT", "many").output().unwrap();
    assert_eq!(wrong.status.code(), Some(78));
    assert_eq!(run(&["serve", "--nonsense"]).status.code(), Some(2));
}

#[test]
fn health_is_told_by_exit_code() {
    let server = &world::shared().server;
    let port = server.port().to_string();
    assert_eq!(out(&["healthcheck", "--port", &port]), "ready\n");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    assert_eq!(run(&["healthcheck", "--port", &free]).status.code(), Some(69));
    let ready = world::shared().anonymous().get("/readyz");
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
}

#[test]
fn the_demo_is_the_same_for_the_same_seed_and_is_served_again() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let first = Server::at(&dir, &["--seed", "7", "--cases", "5"]);
    let (email, password) = (first.email("Marta"), first.password("Marta"));
    assert!(first.stop().success(), "SIGTERM ends it well");
    let again = Server::at(&dir, &["--seed", "8"]);
    assert_eq!((again.email("Marta"), again.password("Marta")), (email, password), "the firm that is there, whatever seed is typed");
    assert_eq!(again.signed_in("Marta").get("/today").status, 200);
    drop(again);
    let checked = run(&["audit", "verify", "--json", "--data", dir.to_str().unwrap()]);
    let told: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((told["ok"].as_bool(), told["site"].as_str()), (Some(true), Some("Pell & Harrow")));
    let copy = temporary.path().join("copy");
    assert!(Command::new("cp").arg("-a").args([&dir, &copy]).status().unwrap().success());
    assert_eq!(Server::at(&copy, &[]).signed_in("Ruth").get("/today").status, 200, "a copy is the same firm");
    let plain = Command::new(BINARY).args(["serve", "--json", "--port", "0", "--data"]).arg(&dir).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn();
    let mut plain = plain.unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(plain.stdout.take().unwrap()), &mut line).unwrap();
    assert!(line.contains("\"url\":\"https://localhost:"), "{line}");
    plain.kill().unwrap();
    plain.wait().unwrap();
}

/// Exit code and what was said on standard error.
fn said(arguments: &[&str], dir: &Path) -> (i32, String) {
    let out = Command::new(BINARY).args(arguments).arg("--data").arg(dir).output().unwrap();
    (out.status.code().unwrap(), String::from_utf8_lossy(&out.stderr).into_owned())
}

#[test]
fn codes_are_those_of_the_firm_that_is_there() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let server = Server::at(&dir, &["--seed", "2", "--cases", "1"]);
    let printed = || out(&["demo", "--codes", "--data", dir.to_str().unwrap()]);
    let line = |code: &str| format!("{:<18} {} {}", "Marta Kowalczyk", &code[..3], &code[3..]);
    let (before, text, after) = (server.code("Marta"), printed(), server.code("Marta"));
    assert!(text.contains(&line(&before)) || text.contains(&line(&after)), "{text}");
    let none = temporary.path().join("none");
    let (code, text) = said(&["demo", "--codes"], &none);
    assert!(code == 78 && text.contains("no sample firm") && !none.exists(), "{code} {text}");
}

#[test]
fn the_demo_takes_over_nothing_that_it_did_not_make() {
    let temporary = tempfile::tempdir().unwrap();
    let mode = |dir: &Path| fs::metadata(dir).unwrap().permissions().mode() & 0o777;
    let names = |dir: &Path| fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    let full = temporary.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("mine.txt"), "mine").unwrap();
    for (given, word) in [(0o755, "not empty"), (0o700, "not empty")] {
        fs::set_permissions(&full, fs::Permissions::from_mode(given)).unwrap();
        let (code, text) = said(&["demo", "--port", "0"], &full);
        assert!(code == 78 && text.contains(word), "{code} {text}");
        assert_eq!((mode(&full), names(&full)), (given, vec!["mine.txt".into()]));
    }
    let loose = temporary.path().join("loose");
    fs::create_dir(&loose).unwrap();
    fs::set_permissions(&loose, fs::Permissions::from_mode(0o755)).unwrap();
    let (code, text) = said(&["demo", "--port", "0"], &loose);
    assert!(code == 78 && text.contains("chmod 700") && mode(&loose) == 0o755, "{code} {text}");
    for command in [&["demo", "--port", "0"][..], &["serve"], &["audit", "verify"]] {
        let (code, text) = said(command, &full.join("mine.txt"));
        assert!(code == 78 && text.contains("is a file, not a directory"), "{code} {text}");
    }
    let (code, text) = said(&["audit", "verify"], &full);
    assert!(code == 78 && text.contains("holds no installation"), "{code} {text}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let new = temporary.path().join("new");
    let (code, text) = said(&["demo", "--port", &taken.local_addr().unwrap().port().to_string()], &new);
    assert!(code == 75 && text.contains("is taken") && !new.exists(), "{code} {text}");
}

#[test]
fn what_this_user_cannot_read_is_not_called_empty() {
    let temporary = tempfile::tempdir().unwrap();
    fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let dir = temporary.path().join("data");
    drop(Server::at(&dir, &["--cases", "1"]));
    for command in [&["serve"][..], &["audit", "verify"], &["demo", "--port", "0"], &["demo", "--codes"]] {
        // As nobody; where this test is not root, or the binary is out of nobody's reach, there is nothing to see.
        let Ok(done) = Command::new(BINARY).args(command).arg("--data").arg(&dir).uid(65534).gid(65534).output() else { return };
        let text = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.code() == Some(77) && text.contains("cannot be read by this user"), "{command:?} {text}");
    }
}

/// Every file with its time and size, but for what readers of a database share.
fn files(dir: &Path) -> Vec<(PathBuf, SystemTime, u64)> {
    let mut out = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let meta = fs::metadata(&path).unwrap();
            match meta.is_dir() {
                true => folders.push(path),
                false if path.to_string_lossy().ends_with("-shm") => {}
                false => out.push((path, meta.modified().unwrap(), meta.len())),
            }
        }
    }
    out.sort();
    out
}

#[test]
fn looking_at_the_trail_changes_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    drop(Server::at(&dir, &["--cases", "3"]));
    let site = fs::read_dir(dir.join("sites")).unwrap().next().unwrap().unwrap().path();
    fs::write(site.join("blobs/tmp/left"), "an upload that was broken off").unwrap();
    let before = files(&dir);
    for _ in 0..2 {
        assert!(out(&["audit", "verify", "--data", dir.to_str().unwrap()]).contains("unbroken"));
    }
    assert_eq!(files(&dir), before);
}

#[test]
fn a_making_that_was_broken_off_goes_on() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    for wait in [0, 300, 900] {
        let mut command = Command::new(BINARY);
        command.args(["demo", "--port", "0", "--cases", "1200", "--seed", "5", "--data"]).arg(&dir).stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let begun = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok).any(|line| line.contains("sample firm"));
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(begun);
    }
    let server = Server::at(&dir, &[]);
    assert_eq!(server.signed_in("Marta").get("/today").status, 200);
    assert!(server.stop().success());
    let told: serde_json::Value = serde_json::from_str(&out(&["audit", "verify", "--json", "--data", dir.to_str().unwrap()])).unwrap();
    assert!(told["ok"] == true && (1200..1300).contains(&told["events"].as_i64().unwrap()), "each case was opened once: {told}");
    assert!(out(&["demo", "--codes", "--data", dir.to_str().unwrap()]).contains("Marta"));
}

#[test]
fn an_installation_that_was_not_finished_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let unlock = keys::ring::create_key_file(&temporary.path().join("root.key")).unwrap();
    keys::Ring::create(&temporary.path().join("keyring.json"), &[keys::ring::NewSlot { unlock: &unlock, place: None, made: 0 }]).map(drop).unwrap();
    for command in [&["audit", "verify"][..], &["serve", "--port", "0"], &["demo", "--port", "0"]] {
        let (code, text) = said(command, temporary.path());
        assert!(code == 78 && text.contains("was not finished"), "{code} {text}");
    }
}
