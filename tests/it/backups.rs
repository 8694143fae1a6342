//! Backups as IT staff meet them: a destination is added, the server is lost, and everything comes back on a bare machine from the destination
//! and the recovery kit.

use crate::world::{BINARY, Browser, Server};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// Exit code, standard output and standard error of a command, with this on its standard input.
pub(crate) fn command(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(BINARY).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let out = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

/// The one line of JSON of a command that did what it was told.
fn told(arguments: &[&str]) -> Value {
    let (code, out, error) = command(&[arguments, &["--json"]].concat(), "");
    assert!(code == 0 && out.lines().count() == 1, "{arguments:?}: {code} {out} {error}");
    serde_json::from_str(&out).unwrap()
}

/// A temporary directory with places for data, a destination and what comes back.
pub(crate) struct Ground {
    _temporary: tempfile::TempDir,
    pub(crate) data: PathBuf,
    pub(crate) there: PathBuf,
    pub(crate) back: PathBuf,
    pub(crate) kit: PathBuf,
}

impl Ground {
    pub(crate) fn new() -> Ground {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        fs::create_dir(at("there")).unwrap();
        Ground { data: at("data"), there: at("there"), back: at("back"), kit: at("kit.txt"), _temporary: temporary }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Value {
        told(&[arguments, &["--data", self.data.to_str().unwrap()]].concat())
    }

    pub(crate) fn add(&self) {
        self.run(&["dest", "add", "office", "--dir", self.there.to_str().unwrap()]);
    }

    /// Everything at the destination, and no complaint.
    pub(crate) fn now(&self) {
        let after = self.run(&["backup", "now"]);
        assert_eq!((after["destinations"][0]["state"].as_str(), after["troubles"].as_array().map(Vec::len)), (Some("good"), Some(0)), "{after}");
    }

    /// A new kit, as it is printed.
    pub(crate) fn print_kit(&self) {
        let (code, out, error) = command(&["key", "kit", "--data", self.data.to_str().unwrap()], "");
        assert_eq!(code, 0, "{error}");
        fs::write(&self.kit, out).unwrap();
    }

    pub(crate) fn restore(&self, more: &[&str]) -> (i32, String, String) {
        let start = ["restore", "--dir", self.there.to_str().unwrap(), "--kit", self.kit.to_str().unwrap(), "--to", self.back.to_str().unwrap()];
        command(&[&start[..], more].concat(), "")
    }

    /// The restored directory, served after the kit was typed.
    fn served(&self) -> Server {
        let mut server = Server::serve(&self.back, &["--wait"]);
        let mistyped = "0000".to_owned() + &kit_key(&self.kit)[4..];
        let (code, _, error) = command(&["unlock", "--data", self.back.to_str().unwrap()], &mistyped);
        assert!(code == 78 && error.contains("Compare each group with the recovery kit"), "{code} {error}");
        let (code, _, error) = command(&["unlock", "--data", self.back.to_str().unwrap()], &kit_key(&self.kit));
        assert_eq!(code, 0, "{error}");
        // What it shows from here on is vouched for by the authority that came back.
        server.ca_file = self.back.join("ca.pem");
        for _ in 0..100 {
            if server.ca_file.exists() && server.browser().raw("/readyz").send().is_ok_and(|answer| answer.status().as_u16() == 200) {
                return server;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("the restored server is not ready");
    }
}

/// The groups on the printed sheet, as somebody types them.
pub(crate) fn kit_key(sheet: &Path) -> String {
    let text = fs::read_to_string(sheet).unwrap();
    let rows = text.lines().filter(|line| line.trim_start().starts_with("1 ") || line.trim_start().starts_with("8 "));
    rows.flat_map(|line| line.split_whitespace().filter(|word| word.len() == 4)).collect::<Vec<_>>().join("-") + "\n"
}

/// Signs in on another server as somebody of this one: a code works once, and the next one comes within half a minute.
fn sign_in(there: &Server, here: &Server, name: &str) -> Browser {
    for _ in 0..3 {
        let browser = there.browser();
        if browser.sign_in(&here.email(name), &here.password(name), &here.code(name)) {
            return browser;
        }
        // Tries are counted: only another code is worth one.
        std::thread::sleep(Duration::from_secs(31));
    }
    panic!("{name} cannot sign in on the restored server");
}

/// The content of every document on a page.
fn documents(browser: &Browser, case: &str) -> Vec<(String, [u8; 32])> {
    let page = browser.get(&format!("{case}/documents"));
    let mut all: Vec<(String, [u8; 32])> = page
        .links("/documents/")
        .into_iter()
        .filter(|link| !link.contains('?') && link.matches('/').count() == 2)
        .map(|link| {
            let (status, bytes) = browser.bytes(&format!("{link}/content"));
            assert_eq!(status, 200, "{link}");
            (link, keys::nonce::sha256(&bytes))
        })
        .collect();
    all.sort_by_key(|(_, hash)| *hash);
    all.dedup_by_key(|(_, hash)| *hash);
    all
}

#[test]
fn a_bare_machine_with_destination_and_kit_has_everything_again() {
    let ground = Ground::new();
    let mut server = Server::at(&ground.data, &[]);
    ground.add();
    let priya = server.signed_in("Priya");
    let case = priya.open_case("Backups: to be lost");
    let page = format!("{case}/documents");
    for n in 0..5u8 {
        let large = vec![n; 300_000 * usize::from(n) + 17];
        assert_eq!(priya.upload(&page, vec![(&format!("paper-{n}.txt"), large)]).status, 303);
    }
    let before: Vec<[u8; 32]> = documents(&priya, &case).into_iter().map(|(_, hash)| hash).collect();
    assert_eq!(before.len(), 5);
    ground.print_kit();
    ground.now();
    // The machine is lost, with everything on it.
    server.kill();
    fs::remove_dir_all(&ground.data).unwrap();
    let (code, out, error) = ground.restore(&["--json"]);
    assert_eq!(code, 0, "{out} {error}");
    let restored: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((restored["sites"][0]["cases"].as_u64(), restored["sites"][0]["missing"].as_u64()), (Some(13), Some(0)), "{restored}");
    let again = ground.served();
    let priya = sign_in(&again, &server, "Priya");
    assert!(priya.get(&case).body.contains("Backups: to be lost"));
    assert_eq!(documents(&priya, &case).into_iter().map(|(_, hash)| hash).collect::<Vec<_>>(), before);
    // The copy sends nothing anywhere until somebody says so.
    let count = || fs::read_dir(ground.there.join("base")).unwrap().count();
    let bases = count();
    priya.open_case("Backups: in the copy");
    let standing = told(&["dest", "list", "--data", ground.back.to_str().unwrap()]);
    assert_eq!((standing["destinations"][0]["schedule"].as_str(), count()), (Some("by-hand"), bases), "{standing}");
    // Not by a drill, a look or pruning either: what lies there is not its own.
    let objects = || crate::heals::objects(&ground.there, "");
    let (before, at) = (objects(), ground.back.to_str().unwrap());
    let (code, out, _) = command(&["backup", "drill", "--data", at], "");
    assert!(code == 1 && out.contains("inconclusive") && out.contains("This server has brought nothing there yet"), "{code} {out}");
    let _ = command(&["backup", "verify", "--deep", "--data", at], "");
    assert_ne!(command(&["backup", "prune", "--apply", "--data", at], "").0, 0);
    assert_eq!(objects(), before);
    // Its first start wrote down that it came back.
    let zip = ground.back.with_extension("zip");
    let (code, _, error) = command(&["export", "--data", at, "--to", zip.to_str().unwrap(), "--alone", "A test"], "");
    assert_eq!(code, 0, "{error}");
    let history = crate::export::rows(&crate::export::unpacked(&fs::read(&zip).unwrap()), "history");
    assert_eq!(history.iter().filter(|row| row["code"] == "backup.restore").count(), 1);
    // And once more: nothing is ever overwritten.
    let (code, _, error) = ground.restore(&[]);
    assert!(code == 73 && error.contains("never overwrites"), "{code} {error}");
    assert!(again.stop().success());
}

#[test]
fn what_was_acknowledged_is_off_the_machine_within_two_seconds_whatever_is_killed() {
    let ground = Ground::new();
    let mut server = Server::at(&ground.data, &[]);
    ground.add();
    ground.print_kit();
    let mut priya = server.signed_in("Priya");
    for round in 0..4 {
        let title = format!("Backups: killed in round {round}");
        let case = priya.open_case(&title);
        assert_eq!(priya.upload(&format!("{case}/documents"), vec![("one.txt", vec![round; 70_000])]).status, 303);
        std::thread::sleep(Duration::from_secs(2));
        server.kill();
        let _ = fs::remove_dir_all(&ground.back);
        let (code, out, error) = ground.restore(&["--json"]);
        assert_eq!(code, 0, "{error}");
        let restored: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(restored["sites"][0]["cases"].as_u64(), Some(13 + u64::from(round)), "{restored}");
        assert_eq!(restored["sites"][0]["missing"].as_u64(), Some(0), "{restored}");
        server = Server::at(&ground.data, &[]);
        priya = priya.moved_to(&server);
    }
    let status = ground.run(&["backup", "status"]);
    assert_eq!(status["troubles"].as_array().map(Vec::len), Some(0), "a kill is no break: {status}");
}

#[test]
fn a_new_root_key_and_a_new_kit_begin_anew_and_old_kits_say_so() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "2"]);
    ground.add();
    ground.print_kit();
    ground.now();
    let old = ground._temporary.path().join("old.txt");
    fs::copy(&ground.kit, &old).unwrap();
    ground.run(&["key", "rotate", "--yes"]);
    ground.print_kit();
    std::thread::sleep(Duration::from_secs(2));
    ground.now();
    // What the key before has signed is no damage: it stays, because the old kit opens it.
    let before = crate::heals::objects(&ground.there, "base");
    for words in [&["backup", "verify", "--deep"][..], &["backup", "drill"], &["backup", "prune"]] {
        let (code, out, error) = command(&[words, &["--data", ground.data.to_str().unwrap()]].concat(), "");
        assert_eq!(code, 0, "{words:?}: {out} {error}");
    }
    assert!(before.iter().all(|base| base.exists()));
    assert!(server.stop().success());
    let (code, out, error) = ground.restore(&["--dry-run", "--json"]);
    assert!(code == 0 && out.contains("\"cases\":2"), "{code} {out} {error}");
    // The old kit opens the keyring of its day, which knows the sites as well.
    let start = ["restore", "--dir", ground.there.to_str().unwrap(), "--dry-run", "--kit"];
    let (code, _, error) = command(&[&start[..], &[old.to_str().unwrap()]].concat(), "");
    assert_eq!(code, 0, "{error}");
    // One that was never of this installation opens nothing.
    let other = Ground::new();
    let stranger = Server::at(&other.data, &["--cases", "1"]);
    other.print_kit();
    drop(stranger);
    let (code, _, error) = command(&[&start[..], &[other.kit.to_str().unwrap()]].concat(), "");
    assert!(code == 78 && error.contains("does not open the keyring of this backup"), "{code} {error}");
    let (code, _, error) = command(&[&start[..], &["-"]].concat(), "ABCD EFGH\n");
    assert!(code == 2 && error.contains("14 groups"), "{code} {error}");
}

#[test]
fn a_destination_that_is_not_ours_not_there_or_spoiled_is_named() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "2"]);
    let data = ground.data.to_str().unwrap();
    let add = |name: &str, dir: &Path| command(&["dest", "add", name, "--dir", dir.to_str().unwrap(), "--data", data], "");
    let (code, _, error) = add("nowhere", Path::new("/nowhere/at/all"));
    assert!(code == 69 && error.contains("/nowhere/at/all"), "{code} {error}");
    let (code, _, error) = add("../up", &ground.there);
    assert!(code == 2 && error.contains("letters, digits and hyphens"), "{code} {error}");
    ground.add();
    let (code, _, error) = add("office", &ground.there);
    assert!(code == 2 && error.contains("already"), "{code} {error}");
    ground.now();
    // Another installation is refused there.
    let other = Ground::new();
    let stranger = Server::at(&other.data, &["--cases", "1"]);
    let (code, _, error) = command(&["dest", "add", "theirs", "--dir", ground.there.to_str().unwrap(), "--data", other.data.to_str().unwrap()], "");
    assert!(code == 77 && error.contains("another installation"), "{code} {error}");
    drop(stranger);
    // The disk is unmounted: nothing is written into the empty folder below it.
    let away = ground.there.with_extension("away");
    fs::rename(&ground.there, &away).unwrap();
    fs::create_dir(&ground.there).unwrap();
    let (code, out, _) = command(&["backup", "now", "--data", data], "");
    assert!(code == 1 && out.contains("not mounted"), "{code} {out}");
    assert_eq!(fs::read_dir(&ground.there).unwrap().count(), 0);
    fs::remove_dir(&ground.there).unwrap();
    fs::rename(&away, &ground.there).unwrap();
    ground.now();
    // It holds nothing of ours for restoring: said so.
    let (code, _, error) = command(&["restore", "--dir", "/tmp", "--kit", "-", "--dry-run"], &"A".repeat(56));
    assert!(code != 0 && !error.is_empty());
    ground.print_kit();
    ground.now();
    let (code, out, error) = ground.restore(&["--at", "2020-01-01T00:00:00Z"]);
    assert!(code == 1 && error.contains("no backup as old"), "{code} {out} {error}");
    let (code, _, error) = ground.restore(&["--at", "yesterday"]);
    assert!(code == 2 && error.contains("Write it as"), "{code} {error}");
    let (code, _, error) = ground.restore(&["--site", "Somebody else"]);
    assert!(code == 2 && error.contains("no site"), "{code} {error}");
    assert!(!ground.back.exists());
    // An SSH server lets nobody in by a key that was lost with the machine.
    let (code, _, error) = command(&["restore", "--sftp", "me@127.0.0.1:9/x", "--host-key", "SHA256:x", "--kit", ground.kit.to_str().unwrap(), "--dry-run"], "");
    assert!(code == 2 && error.contains("ssh-keygen"), "{code} {error}");
    // Removed: nothing is followed any more, and what is there stays.
    ground.run(&["dest", "remove", "office"]);
    let (code, _, error) = command(&["backup", "verify", "--data", data], "");
    assert!(code == 1 && error.contains("no destination yet"), "{code} {error}");
    assert!(ground.there.join("instance.json").exists());
    let (code, out, _) = command(&["backup", "status", "--data", data], "");
    assert!(code == 1 && out.contains("nothing is backed up"), "{code} {out}");
    assert!(server.stop().success());
}

#[test]
fn a_backup_can_be_made_of_a_stopped_installation() {
    let ground = Ground::new();
    assert!(Server::at(&ground.data, &["--cases", "3"]).stop().success());
    ground.print_kit();
    ground.add();
    ground.now();
    let (code, out, error) = ground.restore(&["--dry-run"]);
    assert!(code == 0 && out.contains("3 cases"), "{out} {error}");
    // The server goes on where the command stopped, without a break.
    let server = Server::at(&ground.data, &["--cases", "3"]);
    server.signed_in("Priya").open_case("Backups: after a stop");
    ground.now();
    let (code, out, error) = ground.restore(&["--dry-run"]);
    assert!(code == 0 && out.contains("4 cases"), "{out} {error}");
}
