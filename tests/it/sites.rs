//! More firms than one on a server: each is found by its name, and is alone in its own.

use crate::{
    accounts::{invite, link_on},
    founding::{come, enrol, found, led, token_of},
    world::{BINARY, Browser, Got, Server},
};
use serde_json::Value;
use std::{net::TcpListener, path::Path, process::Command};

/// What a command answers that must do what it was told.
fn told(dir: &Path, arguments: &[&str]) -> Value {
    let out = Command::new(BINARY).args(arguments).arg("--json").arg("--data").arg(dir).output().unwrap();
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// A second firm, and its system administrator, signed in. Its set-up has no step for the key and the kit, which the first site looks after.
fn second(server: &Server, dir: &Path) -> Browser {
    told(dir, &["site", "add", "Beta", "--host", "beta.example"]);
    let setup = told(dir, &["setup-link", "--site", "beta"]);
    let browser = server.browser_at("beta.example");
    led(&browser.submit("/setup", "/setup", &[("token", setup["token"].as_str().unwrap())]), "/setup/firm");
    let firm = [("name", "Beta"), ("kind", "solicitor"), ("prefix", "be"), ("zone", "Europe/London"), ("phone", "")];
    led(&browser.submit("/setup/firm", "/setup/firm", &firm), "/setup/you");
    led(&browser.submit("/setup/you", "/setup/you", &[("name", "Bea Tan"), ("email", "bea@beta.example")]), "/enrol");
    enrol(browser, "bea@beta.example", "/system").browser
}

#[test]
fn a_second_firm_hears_nothing_of_the_first_and_reaches_nothing_beside_the_server() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let (server, ann) = found(&dir);
    let bea = second(&server, &dir);
    let first = told(&dir, &["user", "list", "--site", "bell & ode"]);
    assert_eq!(first["users"].as_array().unwrap().len(), 1, "the first site can be named");

    let (whole, own) = (ann.browser.get("/system").body, bea.get("/system").body);
    for said in ["<dt>Data directory</dt>", "<dt>Sites</dt>", "localhost, ", "beta.example"] {
        assert!(whole.contains(said), "{said}");
    }
    assert!(own.contains("<dd>beta.example</dd>"), "{own}");
    for said in ["<dt>Data directory</dt>", "<dt>Sites</dt>", "localhost", "127.0.0.1"] {
        assert!(!own.contains(said), "{said}");
    }

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for host in ["127.0.0.1", "localhost"] {
        let fields = [("host", host), ("port", port.as_str()), ("security", "none"), ("user", ""), ("password", ""), ("from", "strongroom@beta.example")];
        led(&bea.submit("/settings/mail", "/settings/mail", &fields), "/settings/mail");
        let tried = bea.submit("/settings/mail", "/settings/mail/test", &[]);
        assert!(tried.status == 200 && tried.body.contains("which only its first site may use"), "{}", tried.body);
    }
    assert!(listener.accept().is_err(), "nobody came");
    assert!(server.stop().success());
}

#[test]
fn a_session_an_id_and_a_file_of_one_firm_are_nothing_to_another() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let (server, ann) = found(&dir);
    let dee = come(&server, &link_on(&invite(&ann.browser, "staff", "Dee Field", "dee@bellode.example")), "dee@bellode.example", "/today");
    let types = dee.browser.get("/cases/new");
    let fields = [("title", "A case of the first firm"), ("summary", ""), ("type", &types.option("Property")), ("owner", &types.option("Dee Field")), ("status", "open")];
    let case = dee.browser.submit("/cases/new", "/cases", &fields).made_case();
    assert_eq!(dee.browser.upload(&format!("{case}/documents"), vec![("deed.txt", b"a deed".to_vec())]).status, 303);
    let document = dee.browser.get(&format!("{case}/documents")).links("/documents/")[0].split('/').take(3).collect::<Vec<_>>().join("/");
    let person = ann.browser.get("/people?q=Dee").links("/people/").into_iter().find(|link| link.len() == 40).unwrap();
    let bea = second(&server, &dir);
    let gus = come_to(&bea, &server, "staff", "Gus Lake", "gus@beta.example");

    let strange = ["/cases/", "/documents/", "/people/"].map(|head| format!("{head}{}", "A".repeat(32)));
    let own = [case.clone(), document.clone(), format!("{document}/content"), person.clone()];
    for path in &own {
        let by = if path.starts_with("/people") { &bea } else { &gus };
        let unknown = by.get(strange.iter().find(|known| known.split('/').nth(1) == path.split('/').nth(1)).unwrap());
        let got = by.get(path);
        assert_eq!((got.status, &got.body), (404, &unknown.body), "{path}");
    }
    assert_eq!(dee.browser.get(&case).status, 200);
    for cookie in ["__Host-session", "__Host-device"] {
        let stolen = dee.browser.cookie(cookie).unwrap();
        let stranger = server.browser_at("beta.example");
        led(&Got::of(stranger.raw("/today").header("Cookie", stolen).send().unwrap()), "/sign-in");
    }
    let known = server.browser_at("beta.example").submit("/sign-in", "/sign-in", &[("email", &dee.email), ("password", &dee.password)]);
    assert_eq!(known.status, 422, "the people of one are unknown to the other");
}

/// Invited by `by` to the site where they are, and signed in there.
fn come_to(by: &Browser, server: &Server, role: &str, name: &str, email: &str) -> Browser {
    let link = link_on(&invite(by, role, name, email));
    let browser = server.browser_at("beta.example");
    led(&browser.submit("/link", "/link", &[("token", token_of(&link))]), "/enrol");
    enrol(browser, email, "/today").browser
}
