//! Commands that talk to the running server, or work on a stopped installation.

use crate::world::{BINARY, Server};
use keys::{
    ring::NewSlot,
    slot::{SlotKind, Unlock},
};
use rules::Secret;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

const TOM: &str = "tom.ashworth@pellharrow.example";
const SERVER: &str = "through the running server";
const STOPPED: &str = "on the stopped installation in ";

/// Exit code, standard output and standard error of a command, with this on its standard input.
fn given(dir: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new(BINARY);
    command.args(arguments).arg("--data").arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let out = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

fn ran(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    given(dir, arguments, "")
}

/// The one line of JSON of a command that did what it was told, by whom it says.
fn told(dir: &Path, arguments: &[&str], by: &str) -> Value {
    let (code, out, error) = ran(dir, &[arguments, &["--json"]].concat());
    assert!(code == 0 && error.contains(by) && out.lines().count() == 1, "{arguments:?}: {code} {out} {error}");
    serde_json::from_str(&out).unwrap()
}

fn names(users: &Value) -> Vec<String> {
    users["users"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn accounts_are_looked_after_with_and_without_a_server() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let server = Server::at(&dir, &["--cases", "1"]);
    assert!(names(&told(&dir, &["user", "list"], SERVER)).contains(&"Tom Ashworth".to_owned()));
    let invite = ["user", "invite", "--role", "staff", "--name", "Ada Crane", "--email", "ada.crane@pellharrow.example", "--words", "Paralegal"];
    let invited = told(&dir, &invite, SERVER);
    assert!(invited["link"].as_str().unwrap().starts_with(&format!("{}/link#k=", server.url)), "{invited}");
    let (code, _, error) = ran(&dir, &invite);
    assert!(code == 2 && error.contains("address already"), "{code} {error}");
    let service = told(&dir, &["user", "invite", "--role", "service", "--name", "Scanner"], SERVER);
    assert!(service["link"].is_null(), "{service}");
    let priya = server.email("Priya");
    let (code, _, error) = ran(&dir, &["user", "reset-mfa", &priya, "--check", "short"]);
    assert!(code == 2 && error.contains("made sure"), "{code} {error}");
    let ruth = server.email("Ruth").to_uppercase();
    assert!(server.stop().success());
    let users = told(&dir, &["user", "list"], STOPPED);
    let ada = users["users"].as_array().unwrap().iter().find(|user| user["name"] == "Ada Crane").unwrap();
    assert_eq!((ada["state"].as_str(), ada["words"].as_str()), (Some("invited"), Some("Paralegal")));
    assert!(names(&users).contains(&"Scanner".to_owned()));
    let reset = told(&dir, &["user", "reset-mfa", &priya, "--check", "saw her passport at the office"], STOPPED);
    assert!(reset["link"].as_str().unwrap().contains("/link#k="));
    told(&dir, &["user", "suspend", &ruth], STOPPED);
    let (code, out, _) = ran(&dir, &["user", "list"]);
    let row = |name: &str| out.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(code == 0 && row("Ruth").contains("Suspended") && row("Priya").contains("Setting up") && row("Name").contains("Last use"), "{out}");
}

#[test]
fn every_mistake_has_its_exit_code_and_its_sentence() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let (code, _, error) = ran(&dir, &["user", "list"]);
    assert!(code == 78 && error.contains("holds no installation"), "{code} {error}");
    let server = Server::at(&dir, &["--cases", "1"]);
    for (command, expected, words) in [
        (&["user", "suspend", TOM][..], 1, "only system administrator"),
        (&["user", "reset-mfa", TOM, "--check", "saw his passport at the office"], 1, "strongroom rescue"),
        (&["user", "suspend", "nobody@pellharrow.example"], 2, "no account with the address"),
        (&["user", "list", "--site", "Other"], 2, "no site"),
        (&["user", "invite", "--role", "root", "--name", "X"], 2, "possible values"),
        (&["user", "invite", "--role", "staff", "--name", "X"], 2, "Type the e-mail address"),
        (&["site", "add", "Other & Co"], 2, "--host"),
        (&["site", "host", "add", "", "https://x"], 78, "no host name"),
        (&["setup-link"], 1, "set up already"),
        (&["rescue", "nobody@pellharrow.example"], 2, "no account with the address"),
        (&["key", "rotate", "--passphrase-stdin"], 2, "No passphrase opens"),
    ] {
        let (code, out, error) = ran(&dir, command);
        assert!(code == expected && error.contains(words) && out.is_empty(), "{command:?}: {code} {out} {error}");
    }
    let (code, out, _) = given(&dir, &["unlock"], "any words\n");
    assert_eq!((code, out.as_str()), (0, "It is unlocked already.\n"));
    assert!(server.stop().success());
    for command in ["unlock", "setup-link"] {
        let (code, _, error) = ran(&dir, &[command]);
        assert!(code == 69 && error.contains("No server runs"), "{command}: {code} {error}");
    }
}

#[test]
fn the_socket_is_private_goes_with_the_server_and_a_long_path_is_no_hindrance() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("d".repeat(100)).join("e".repeat(60)).join("data");
    let socket = dir.join("control.sock");
    let mut server = Server::at(&dir, &["--cases", "1"]);
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    told(&dir, &["site", "list"], SERVER);
    server.kill();
    assert!(socket.exists());
    told(&dir, &["site", "list"], STOPPED);
    let again = Server::at(&dir, &[]);
    told(&dir, &["site", "list"], SERVER);
    assert!(again.stop().success() && !socket.exists());
}

#[test]
fn a_second_site_is_reached_at_once_by_its_host_name() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let server = Server::at(&dir, &["--cases", "1"]);
    let (code, out, _) = ran(&dir, &["site", "add", "Other & Co", "--host", "Other.example"]);
    assert!(code == 0 && out.contains("setup-link --site"), "{code} {out}");
    let (code, _, error) = ran(&dir, &["user", "list"]);
    assert!(code == 2 && error.contains("several sites") && error.contains("“Other & Co”"), "{code} {error}");
    let link = told(&dir, &["setup-link", "--site", "other & co"], SERVER);
    assert!(link["link"].as_str().unwrap().starts_with(&format!("https://other.example:{}/setup#k=", server.port())), "{link}");
    let (code, _, error) = ran(&dir, &["user", "invite", "--role", "staff", "--name", "X", "--email", "x@other.example", "--site", "other.example"]);
    assert!(code == 1 && error.contains("not set up yet"), "{code} {error}");
    told(&dir, &["site", "rename", "other.example", "Another & Co"], SERVER);
    assert!(server.stop().success());
    told(&dir, &["site", "host", "add", "Another & Co", "files.other.example"], STOPPED);
    let sites = told(&dir, &["site", "list"], STOPPED);
    let other = sites["sites"].as_array().unwrap().iter().find(|site| site["name"] == "Another & Co").unwrap();
    assert_eq!((other["set_up"].as_bool(), other["hosts"].as_array().unwrap().len()), (Some(false), 2));
}

#[test]
fn the_only_system_administrator_is_rescued() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let server = Server::at(&dir, &["--cases", "1"]);
    let rescued = told(&dir, &["rescue"], SERVER);
    assert!(rescued["link"].as_str().unwrap().contains("/link#k=") && rescued["who"] == "t…@pellharrow.example", "{rescued}");
    let browser = server.browser();
    assert!(!browser.sign_in(TOM, &server.password("Tom"), &server.code("Tom")), "the ways in before are gone");
    let (code, out, _) = ran(&dir, &["rescue", TOM]);
    assert!(code == 0 && out.contains("works once"), "{code} {out}");
    let (code, _, error) = ran(&dir, &["rescue", &server.email("Priya")]);
    assert!(code == 1 && error.contains("Only a system administrator"), "{code} {error}");
}

#[test]
fn kit_and_root_key_change_and_the_data_stay_open() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let server = Server::at(&dir, &["--cases", "1"]);
    assert_eq!(told(&dir, &["key", "status"], SERVER)["start"], "beside");
    let first = told(&dir, &["key", "kit"], SERVER);
    assert_eq!((first["number"].as_u64(), first["groups"].as_array().unwrap().len()), (Some(1), 14));
    let (code, sheet, error) = ran(&dir, &["key", "kit"]);
    assert!(code == 0 && error.contains("print this"), "{code} {error}");
    assert!(sheet.starts_with("RECOVERY KIT 1 OF PELL & HARROW") && sheet.contains(first["groups"][13].as_str().unwrap()), "the same until it is on paper: {sheet}");
    assert_eq!(told(&dir, &["key", "status"], SERVER)["kit_waits"], true);
    let before = fs::read(dir.join("root.key")).unwrap();
    assert!(told(&dir, &["key", "rotate"], SERVER)["kit_made"].is_null());
    let between = fs::read(dir.join("root.key")).unwrap();
    assert!(server.stop().success());
    told(&dir, &["key", "rotate"], STOPPED);
    let after = fs::read(dir.join("root.key")).unwrap();
    assert!(before != between && between != after && !dir.join("root.key.next").exists());
    assert_eq!(told(&dir, &["key", "kit"], STOPPED)["number"], 2);
    let again = Server::at(&dir, &[]);
    assert_eq!(again.signed_in("Priya").get("/today").status, 200);
}

/// Killed when dropped.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A passphrase opens a stopped installation from now on, and its key file no more.
fn lock(dir: &Path, passphrase: &str) -> Unlock {
    let key = keys::ring::read_key_file(&dir.join("root.key")).unwrap();
    let ring = keys::Ring::open(&dir.join("keyring.json"), &key).unwrap();
    let words = Unlock::Passphrase(Secret::new(passphrase.into()));
    ring.put(NewSlot { unlock: &words, place: None, made: 0 }).unwrap();
    ring.remove(SlotKind::KeyFile).unwrap();
    fs::remove_file(dir.join("root.key")).unwrap();
    words
}

#[test]
fn a_locked_start_leaves_the_set_up_link_as_it_was() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let mut server = Server::serve(&dir, &[]);
    let token = server.token.take().unwrap();
    assert!(server.stop().success());
    lock(&dir, "lantern orchid gravel tuba");
    let mut server = Server::serve(&dir, &[]);
    assert_eq!(server.token, None);
    let (code, _, error) = given(&dir, &["unlock"], "lantern orchid gravel tuba\n");
    assert_eq!(code, 0, "{error}");
    let soon = |done: &dyn Fn() -> bool| {
        (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            done()
        })
    };
    assert!(soon(&|| ran(&dir, &["site", "list"]).0 == 0));
    server.ca_file = dir.join("ca.pem");
    let browser = server.browser();
    assert!(soon(&|| browser.get("/setup").status == 200));
    let claimed = browser.submit("/setup", "/setup", &[("token", &token)]);
    assert_eq!((claimed.status, claimed.location.as_deref()), (303, Some("/setup/firm")), "{}", claimed.body);
}

#[test]
fn a_passphrase_opens_a_server_that_waits_for_it() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    assert!(Server::at(&dir, &["--cases", "1"]).stop().success());
    let words = lock(&dir, "lantern orchid gravel tuba");
    let (code, _, error) = ran(&dir, &["user", "list"]);
    assert!(code == 75 && error.contains("strongroom unlock"), "{code} {error}");

    let mut command = Command::new(BINARY);
    command.args(["serve", "--json", "--port", "0", "--data"]).arg(&dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut serving = Serving(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"locked\":true"), "{line}");
    let (code, _, error) = ran(&dir, &["user", "list"]);
    assert!(code == 75 && error.contains("waits for its passphrase"), "{code} {error}");
    let (code, _, error) = given(&dir, &["unlock"], "some other words\n");
    assert!(code != 0 && code != 69 && !error.contains("some other words"), "{code} {error}");
    assert_eq!(given(&dir, &["unlock"], "\n").0, 2);
    let (code, out, error) = given(&dir, &["unlock"], "lantern orchid gravel tuba\n");
    assert!(code == 0 && out == "Unlocked. The server is ready.\n", "{code} {out} {error}");
    assert_eq!(ran(&dir, &["user", "list"]).0, 0, "it serves once it says that it is ready");
    let (code, _, error) = ran(&dir, &["key", "rotate"]);
    assert!(code == 2 && error.contains("--passphrase-stdin"), "{code} {error}");
    let (code, _, error) = given(&dir, &["key", "rotate", "--passphrase-stdin"], "passphrase\n");
    assert!(code == 2 && error.contains("characters"), "{code} {error}");
    let (code, out, error) = given(&dir, &["key", "rotate", "--passphrase-stdin"], "velvet anchor puzzle monsoon\n");
    assert!(code == 0 && out.contains("a passphrase that somebody types"), "{code} {out} {error}");
    drop(serving);
    assert!(keys::Ring::open(&dir.join("keyring.json"), &words).is_err());
}
