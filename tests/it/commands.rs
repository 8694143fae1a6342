//! The command line: what is printed and how it ends.

use crate::world::{self, BINARY, Server};
use std::process::{Command, Output};

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
    let man = out(&["man"]);
    for word in ["serve", "demo", "healthcheck", "audit", "Exit codes"] {
        assert!(man.contains(word), "{word}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&["completions", shell]).contains("strongroom"));
    }
    let settings = out(&["config", "show", "--origin", "--port", "4433"]);
    assert!(settings.lines().any(|line| line.starts_with("port") && line.contains("4433") && line.ends_with("flag")), "{settings}");
    assert!(settings.lines().any(|line| line.starts_with("upload_limit_mb") && line.ends_with("default")), "{settings}");
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
