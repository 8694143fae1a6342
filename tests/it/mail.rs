//! A mail server that refuses: what it said is shown word for word, and what waits is not lost.

use crate::{
    accounts::{invite, with_mail},
    founding::found,
    sink::Sink,
};
use std::time::Duration;

const REFUSAL: &str = "550 5.7.1 No relaying for you";

#[test]
fn what_the_server_said_is_shown_and_what_it_puts_off_goes_out_later() {
    let temporary = tempfile::tempdir().unwrap();
    let (_server, ann) = found(&temporary.path().join("data"));
    let sink = Sink::start();
    with_mail(&ann.browser, &sink);
    sink.refuse_with(REFUSAL);
    let tested = ann.browser.submit("/settings/mail", "/settings/mail/test", &[]).body;
    assert!(tested.contains("was not taken") && tested.contains(REFUSAL), "{tested}");
    invite(&ann.browser, "staff", "Dee Field", "dee@bellode.example");
    let soon = |path: &str, words: &str| {
        (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(200));
            ann.browser.get(path).body.contains(words)
        })
    };
    assert!(soon("/settings/mail", "Given up"), "a recipient that is refused for good");
    assert!(ann.browser.get("/settings/mail").body.contains(REFUSAL));
    assert!(ann.browser.get("/system").body.contains("Letters were not taken"));
    sink.refuse_with("451 4.3.0 Try again later");
    invite(&ann.browser, "staff", "Gil Moor", "gil@bellode.example");
    assert!(soon("/settings/mail", "4.3.0 Try again later"));
    sink.accept();
    assert!(sink.wait_for("gil@bellode.example", 1, Duration::from_secs(120)).iter().any(|letter| letter.link("/link#k=").is_some()), "it goes out when the server takes it");
}
