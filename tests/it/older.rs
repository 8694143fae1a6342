//! What earlier releases shipped: every fixture below `tests/fixtures` is restored by this binary, served, and signed in to.

use crate::{
    backups::{command, kit_key},
    world::{Server, code_of},
};
use serde_json::Value;
use std::{fs, path::Path, time::Duration};

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn whatever_an_earlier_release_shipped_is_restored() {
    let all: Vec<_> = fs::read_dir("tests/fixtures").unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.join("holds.json").exists()).collect();
    assert!(!all.is_empty(), "there is a fixture of the first format");
    for fixture in all {
        let temporary = tempfile::tempdir().unwrap();
        let (back, kit) = (temporary.path().join("back"), fixture.join("kit.txt"));
        let words = ["restore", "--dir", fixture.join("there").to_str().unwrap(), "--kit", kit.to_str().unwrap(), "--to", back.to_str().unwrap(), "--json"].map(String::from);
        let (code, out, error) = command(&words.each_ref().map(String::as_str), "");
        assert_eq!(code, 0, "{}: {error}", fixture.display());
        let (restored, held) = (serde_json::from_str::<Value>(&out).unwrap(), read(&fixture.join("holds.json")));
        for name in ["site", "state", "people", "cases", "documents", "files", "missing", "events", "newest_case", "bytes"] {
            assert_eq!(restored["sites"][0][name], held["sites"][0][name], "{name} of {}", fixture.display());
        }
        // Served: its database comes to the version of this binary, and people sign in with what they had.
        let mut server = Server::serve(&back, &["--wait"]);
        let (code, _, error) = command(&["unlock", "--data", back.to_str().unwrap()], &kit_key(&kit));
        assert_eq!(code, 0, "{error}");
        server.ca_file = back.join("ca.pem");
        let users = read(&fixture.join("users.json"));
        let priya = users["users"].as_array().unwrap().iter().find(|user| user["name"].as_str().unwrap().starts_with("Priya")).unwrap();
        let text = |name: &str| priya[name].as_str().unwrap();
        (0..100).take_while(|_| !(server.ca_file.exists() && server.browser().raw("/readyz").send().is_ok_and(|answer| answer.status().as_u16() == 200))).for_each(|_| std::thread::sleep(Duration::from_millis(200)));
        let browser = server.browser();
        assert!(browser.sign_in(text("email"), text("password"), &code_of(text("totp_secret"))), "{}", fixture.display());
        assert_eq!(browser.get("/cases").links("/cases/").iter().filter(|link| link.len() == 39).count() as u64, held["sites"][0]["cases"].as_u64().unwrap());
        assert!(server.stop().success());
    }
}
