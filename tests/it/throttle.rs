//! What holds off guesses, and whom it lets through: counters over HTTPS, after a kill, before the passphrase, and networks on trial.

use crate::{
    accounts::with_mail,
    founding::{FIRM, claim, found, led},
    sink::Sink,
    world::{BINARY, Browser, Got, Server, code_of},
};
use std::{
    io::Write,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

fn password(browser: &Browser, email: &str, password: &str) -> Got {
    browser.submit("/sign-in", "/sign-in", &[("email", email), ("password", password)])
}

/// A page without what differs from one answer to the next: tokens, and the moment until which to wait.
fn bare(got: &Got) -> String {
    let token = got.token();
    let body = got.body.replace(&token, "TOKEN");
    let words = body.split_whitespace().map(|word| if word.trim_end_matches(',').split(':').count() == 3 { "TIME" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn ten_wrong_passwords_hold_off_everybody_but_a_known_browser_and_a_kill_forgets_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let (mut server, ann) = found(&dir);
    let stranger = server.browser_from([127, 0, 0, 9]);
    for address in [ann.email.as_str(), "nobody@bellode.example"] {
        for n in 0..10 {
            assert_eq!(password(&stranger, address, "not the password").status, 422, "{address} {n}");
        }
    }
    server.kill();
    server = Server::serve(&dir, &[]);
    let [known, unknown] = [ann.email.as_str(), "nobody@bellode.example"].map(|address| password(&server.browser_from([127, 0, 0, 10]), address, &ann.password));
    assert_eq!((known.status, unknown.status), (429, 429));
    let same = |got: &Got, address: &str| bare(got).replace(address, "ADDRESS");
    assert_eq!(same(&known, &ann.email), same(&unknown, "nobody@bellode.example"), "held off alike");
    assert_eq!(password(&server.browser_from([127, 0, 0, 11]), "somebody@bellode.example", "x").status, 422, "nobody else is");
    let hers = ann.browser.moved_to(&server);
    assert_eq!(hers.submit("/account", "/sign-out", &[]).status, 303);
    assert_eq!(password(&hers, &ann.email, &ann.password).status, 303, "her own browser gets in");
}

#[test]
fn a_right_password_forgives_no_wrong_codes_and_its_owner_hears_of_them() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let sink = Sink::start();
    with_mail(&ann.browser, &sink);
    let thief = server.browser_from([127, 0, 0, 12]);
    let mut wrong = 0;
    let held = (0..5).any(|_| {
        if password(&thief, &ann.email, &ann.password).status == 429 {
            return true;
        }
        (0..5).any(|_| {
            let right = code_of(&ann.secret);
            let got = thief.submit("/sign-in/code", "/sign-in/code", &[("code", if right == "123456" { "654321" } else { "123456" })]);
            wrong += usize::from(got.status != 429);
            got.status == 429
        })
    });
    assert!(held && wrong <= 10, "{wrong} wrong codes were looked at");
    let letters = sink.wait_for(&ann.email, 1, Duration::from_secs(20));
    assert!(letters.iter().any(|letter| letter.subject().contains("typed your password") && letter.text().contains("127.0.0.12")));
}

#[test]
fn networks_that_nobody_keeps_end_after_a_minute() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let hers = server.browser_from([127, 0, 0, 1]);
    let elsewhere = server.browser_from([127, 0, 0, 9]);
    assert_eq!(elsewhere.get("/sign-in").status, 200);
    let tried = ann.browser.submit("/settings/networks", "/settings/networks", &[("administrator", ""), ("staff", ""), ("all", "127.0.0.1/32\n::1")]);
    assert_eq!(tried.status, 303, "{}", tried.body);
    assert_eq!((elsewhere.get("/sign-in").status, hers.get("/sign-in").status), (403, 200));
    std::thread::sleep(Duration::from_secs(62));
    assert_eq!(elsewhere.get("/sign-in").status, 200, "nobody said yes");
}

const PASSPHRASE: &str = "lantern orchid gravel tuba";

/// A server that waits for its passphrase: it was chosen in the set-up.
fn locked(dir: &std::path::Path) -> Server {
    let server = Server::serve(dir, &[]);
    let browser = claim(&server);
    led(&browser.submit("/setup/firm", "/setup/firm", &FIRM), "/setup/key");
    led(&browser.submit("/setup/key", "/setup/key", &[("start", "passphrase"), ("passphrase", PASSPHRASE), ("again", PASSPHRASE)]), "/setup/kit");
    assert!(server.stop().success());
    Server::serve(dir, &[])
}

#[test]
fn whoever_floods_a_locked_server_is_held_off_and_the_console_opens_it() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let server = locked(&dir);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for n in 0..6 {
            let (browser, over) = (server.browser_from([127, 0, 1, n]), &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    browser.submit("/unlock", "/unlock", &[("passphrase", "not the passphrase")]);
                }
            });
        }
        std::thread::sleep(Duration::from_secs(3));
        let mut unlock = Command::new(BINARY).arg("unlock").arg("--data").arg(&dir).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        unlock.stdin.take().unwrap().write_all(format!("{PASSPHRASE}\n").as_bytes()).unwrap();
        let out = unlock.wait_with_output().unwrap();
        over.store(true, Ordering::Relaxed);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    });
}

#[test]
fn wrong_passphrases_of_one_network_are_held_off() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let server = locked(&dir);
    let browser = server.browser_from([127, 0, 0, 13]);
    let mut tries = (0..7).map(|_| browser.submit("/unlock", "/unlock", &[("passphrase", "not the passphrase")]).body.contains("too many tries"));
    assert_eq!(tries.position(|held| held), Some(5), "five are tried");
}
