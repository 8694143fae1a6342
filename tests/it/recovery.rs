//! The ways back in, as people walk them: a letter and two answers where the firm opened that, and a reset by a colleague.

use crate::{
    accounts::{invite, link_on, link_to, with_mail},
    founding::{Person, come, enrol, found, led, token_of},
    sink::Sink,
    world::{Got, Server, code_of},
};
use std::time::Duration;

const ANSWERS: [(&str, &str); 2] = [("answer1", "The blue kite shop"), ("answer2", "Seventeen herons")];

/// Dee, in a firm that opened the way back in with this delay, and has set her questions.
fn dee(dir: &std::path::Path, sink: &Sink, delay: &str) -> (Server, Person, Person) {
    let (server, ann) = found(dir);
    with_mail(&ann.browser, sink);
    assert_eq!(ann.browser.submit("/settings/recovery", "/settings/recovery", &[("on", "on"), ("delay", delay)]).status, 303);
    invite(&ann.browser, "staff", "Dee Field", "dee@bellode.example");
    let dee = come(&server, &link_to(sink, "dee@bellode.example"), "dee@bellode.example", "/today");
    let questions = [("question1", "Where did you buy it?"), ("question2", "How many were there?")];
    let kept = dee.browser.submit("/account/questions", "/account/questions", &[&questions[..], &ANSWERS[..]].concat());
    assert_eq!(kept.status, 303, "{}", kept.body);
    (server, ann, dee)
}

fn bare(got: &Got) -> String {
    got.body.replace(&got.token(), "TOKEN")
}

/// The link in the newest letter whose subject has these words.
fn link_in(sink: &Sink, email: &str, subject: &str) -> String {
    for _ in 0..100 {
        let letters = sink.wait_for(email, 1, Duration::from_secs(20));
        if let Some(link) = letters.iter().rev().find(|letter| letter.subject().contains(subject)).and_then(|letter| letter.link("/link#k=")) {
            return link;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("no letter about {subject:?}");
}

#[test]
fn a_letter_and_two_answers_lead_to_setting_everything_up_anew() {
    let temporary = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    let (server, _ann, dee) = dee(&temporary.path().join("data"), &sink, "0");
    let browser = server.browser();
    let asked = ["dee@bellode.example", "nobody@bellode.example"].map(|email| browser.submit("/recover", "/recover", &[("email", email)]));
    assert_eq!((asked[0].status, bare(&asked[0])), (asked[1].status, bare(&asked[1])), "whether there is such an account is not told");
    led(&browser.submit("/link", "/link", &[("token", token_of(&link_in(&sink, "dee@bellode.example", "way back")))]), "/answers");
    let wrong = browser.submit("/answers", "/answers", &[("answer1", "The blue kite shop"), ("answer2", "Eighteen herons")]);
    assert!(wrong.status == 422 && wrong.body.contains("One or both answers are not right."), "{}", wrong.body);
    led(&browser.submit("/answers", "/answers", &[("answer1", "the BLUE kite-shop"), ("answer2", "seventeen herons")]), "/enrol");
    led(&dee.browser.get("/today"), "/sign-in");
    assert!(!server.browser().sign_in(&dee.email, &dee.password, &code_of(&dee.secret)), "nothing of before counts");
    led(&browser.get("/today"), "/sign-in");
    let again = enrol(browser, "dee@bellode.example", "/today");
    assert_ne!(again.secret, dee.secret);
}

#[test]
fn right_answers_wait_for_the_delay_and_the_letter_stops_them() {
    let temporary = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    let (server, _ann, dee) = dee(&temporary.path().join("data"), &sink, "24");
    let browser = server.browser();
    browser.submit("/recover", "/recover", &[("email", "DEE@bellode.example")]);
    led(&browser.submit("/link", "/link", &[("token", token_of(&link_in(&sink, "dee@bellode.example", "way back")))]), "/answers");
    let later = browser.submit("/answers", "/answers", &ANSWERS);
    assert_eq!(later.status, 200, "{}", later.body);
    assert_eq!(dee.browser.get("/today").status, 200, "until then everything goes on");
    let stop = link_in(&sink, "dee@bellode.example", "opens soon");
    let stopped = server.browser().submit("/link", "/link", &[("token", token_of(&stop))]);
    assert_eq!(stopped.status, 200, "{}", stopped.body);
    led(&dee.browser.get("/today"), "/sign-in");
    let back = dee.sign_in(&server);
    assert!(back.get("/account").body.contains("Not set: this way back in is shut for you."));
}

#[test]
fn a_colleague_resets_and_nothing_of_before_counts() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let dee = come(&server, &link_on(&invite(&ann.browser, "staff", "Dee Field", "dee@bellode.example")), "dee@bellode.example", "/today");
    let account = ann.browser.get("/people?q=Dee").links("/people/").into_iter().find(|link| link.len() == 40).unwrap();
    let reset = format!("{account}/reset");
    assert_eq!(ann.browser.submit(&reset, &reset, &[("check", "short")]).status, 422);
    let link = link_on(&ann.browser.submit(&reset, &reset, &[("check", "saw her passport at the office")]));
    led(&dee.browser.get("/today"), "/sign-in");
    assert!(!server.browser().sign_in(&dee.email, &dee.password, &code_of(&dee.secret)));
    let again = come(&server, &link, "dee@bellode.example", "/today");
    assert!(again.secret != dee.secret && again.codes != dee.codes);
    assert!(ann.browser.get(&account).body.contains("saw her passport at the office"));
}
