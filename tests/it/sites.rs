//! More firms than one on a server: each is found by its name, and is alone in its own.

use crate::{
    founding::{enrol, found, led},
    world::{BINARY, Browser, Server},
};
use serde_json::Value;
use std::{net::TcpListener, path::Path, process::Command};

/// What a command answers that must do what it was told.
fn told(dir: &Path, arguments: &[&str]) -> Value {
    let out = Command::new(BINARY).args(arguments).arg("--json").arg("--data").arg(dir).output().unwrap();
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// A second firm, and its system administrator, signed in.
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
