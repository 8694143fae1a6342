//! The door: who gets in, who does not, and that the two are told apart by nothing else.

use crate::world::{self, Server};
use std::{thread, time::Duration};

#[test]
fn of_twenty_who_bring_one_code_at_once_exactly_one_gets_in() {
    let server = Server::new(&[]);
    let browsers: Vec<_> = (0..20)
        .map(|_| {
            let browser = server.browser();
            let asked = browser.submit("/sign-in", "/sign-in", &[("email", &server.email("Priya")), ("password", &server.password("Priya"))]);
            assert_eq!(asked.location.as_deref(), Some("/sign-in/code"));
            let token = browser.get("/sign-in/code").token();
            (browser, token)
        })
        .collect();
    let code = server.code("Priya");
    let entered: Vec<bool> = thread::scope(|scope| {
        let tries: Vec<_> = browsers.iter().map(|(browser, token)| scope.spawn(|| browser.post("/sign-in/code", &[("csrf", token), ("code", &code)]).status == 303)).collect();
        tries.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(entered.iter().filter(|in_| **in_).count(), 1);
    let inside = browsers.iter().filter(|(browser, _)| browser.get("/today").status == 200).count();
    assert_eq!(inside, 1);
}

#[test]
fn a_wrong_password_and_an_unknown_address_look_alike() {
    let world = world::shared();
    let known = world.server.email("Marta");
    let try_with = |email: &str| {
        let browser = world.anonymous();
        browser.submit("/sign-in", "/sign-in", &[("email", email), ("password", "not the password")])
    };
    let plain = |got: world::Got, email: &str| (got.status, got.body.replace(email, "E").replace(&got.token(), "T"));
    let (a, b) = (try_with(&known), try_with("nobody@pellharrow.example"));
    assert_eq!(plain(a, &known), plain(b, "nobody@pellharrow.example"));
}

#[test]
fn mistakes_come_back_with_a_sentence_and_what_was_typed() {
    let world = world::shared();
    let browser = world.anonymous();
    let got = browser.submit("/sign-in", "/sign-in", &[("email", "ann@firm.example"), ("password", "")]);
    assert_eq!(got.status, 422);
    assert!(got.body.contains("Type your password") && got.body.contains("ann@firm.example"));
    assert!(got.body.contains("<title>Error: "), "the title begins with Error");
    assert_eq!(browser.post("/sign-in", &[("email", "a@b.c"), ("password", "x")]).status, 403, "no token");
    assert_eq!(browser.post("/sign-in", &[("csrf", "wrong"), ("email", "a@b.c"), ("password", "x")]).status, 403, "wrong token");
    let token = browser.get("/sign-in").token();
    let from = |name: &'static str, value: &'static str| {
        let body = format!("csrf={token}&email=a%40b.c&password=x");
        browser.request("POST", "/sign-in").header(name, value).header("Content-Type", "application/x-www-form-urlencoded").body(body).send().unwrap().status().as_u16()
    };
    assert_eq!(from("Origin", "https://evil.example"), 403, "another origin");
    assert_eq!(from("Sec-Fetch-Site", "cross-site"), 403, "another site");
    assert_eq!(from("Sec-Fetch-Site", "same-origin"), 422, "our own");
    assert_eq!(browser.get("/sign-in/code").location.as_deref(), Some("/sign-in"), "no code without a password");
}

#[test]
fn five_wrong_codes_lead_back_to_the_password() {
    let world = world::shared();
    let browser = world.anonymous();
    let (email, password) = (world.server.email("Ruth"), world.server.password("Ruth"));
    assert_eq!(browser.submit("/sign-in", "/sign-in", &[("email", &email), ("password", &password)]).status, 303);
    for n in 1..=5 {
        let got = browser.submit("/sign-in/code", "/sign-in/code", &[("code", "000 000")]);
        assert_eq!(got.status, if n < 5 { 422 } else { 303 }, "try {n}");
    }
    assert_eq!(browser.get("/sign-in/code").location.as_deref(), Some("/sign-in"));
}

#[test]
fn a_session_ends_with_sign_out_and_its_cookie_is_worth_nothing_after() {
    let server = Server::new(&[]);
    let browser = server.signed_in("Daniel");
    let today = browser.get("/today");
    assert_eq!(today.status, 200);
    assert_eq!(today.fields.get("cache-control").map(String::as_str), Some("no-store"));
    let cookie = browser.cookie("__Host-session").unwrap();
    assert_eq!(server.get_with(&cookie, "/today").status, 200, "the cookie is all it takes");
    let out = browser.submit("/account", "/sign-out", &[]);
    assert_eq!(out.status, 303);
    assert_eq!(browser.cookie("__Host-session"), None, "the browser forgets it");
    let after = server.get_with(&cookie, "/today");
    assert_eq!((after.status, after.location.as_deref()), (303, Some("/sign-in?next=%2Ftoday")), "whoever kept a copy is nobody");
}

#[test]
fn cookies_are_bound_to_the_host_and_out_of_reach_of_scripts() {
    let world = world::shared();
    let got = world.anonymous().get("/sign-in");
    let cookie = got.fields.get("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-visit="), "{cookie}");
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Domain"));
}

#[test]
fn an_unknown_and_a_known_address_take_the_same_time() {
    let world = world::shared();
    let known = world.server.email("Marta");
    let time = |email: &str| {
        let browser = world.anonymous();
        let token = browser.get("/sign-in").token();
        let start = std::time::Instant::now();
        browser.post("/sign-in", &[("csrf", &token), ("email", email), ("password", "wrong password")]);
        start.elapsed()
    };
    time(&known);
    // In turn, so that whatever else the machine does falls on both.
    let (mut a, mut b): (Vec<Duration>, Vec<Duration>) = (0..11).map(|_| (time(&known), time("nobody@pellharrow.example"))).unzip();
    a.sort();
    b.sort();
    let ratio = a[5].as_secs_f64() / b[5].as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "one of them skips the hash: {:?} against {:?}", a[5], b[5]);
}

#[test]
fn each_empty_field_is_marked_and_the_end_of_a_visit_is_said() {
    let server = Server::new(&["--cases", "1"]);
    let browser = server.browser();
    let empty = browser.submit("/sign-in", "/sign-in", &[("email", ""), ("password", "")]);
    assert_eq!(empty.status, 422);
    assert!(empty.body.contains("id=\"email-e\"") && empty.body.contains("id=\"password-e\""), "both are marked");
    assert_eq!(browser.submit("/sign-in?next=/cases", "/sign-in", &[("email", &server.email("Ruth")), ("password", &server.password("Ruth"))]).status, 303);
    let last = (1..=5).map(|_| browser.submit("/sign-in/code", "/sign-in/code", &[("code", "000 000"), ("next", "/cases")])).fold(None, |_, page| Some(page)).unwrap();
    assert_eq!(last.location.as_deref(), Some("/sign-in?next=%2Fcases&said=codes"));
    assert!(browser.get("/sign-in?next=%2Fcases&said=codes").body.contains("Five codes were wrong"));
    let late = browser.submit("/sign-in", "/sign-in/code", &[("code", "000 000")]);
    assert_eq!(late.location.as_deref(), Some("/sign-in?said=late"));
}
