//! Accounts, from an empty directory on: set-up, invitations by letter, sign-in, and what is refused.

use crate::{
    database,
    founding::{self, FIRM, Person, between, come, confirm_kit, enrol, found, led, token_of},
    sink::Sink,
    world::{BINARY, Browser, Got, Server, code_of},
};
use std::{process::Command, time::Duration};

/// Lets a system administrator set the mail server.
pub(crate) fn with_mail(ann: &Browser, sink: &Sink) {
    let port = sink.port().to_string();
    let fields = [("host", "127.0.0.1"), ("port", port.as_str()), ("security", "none"), ("user", ""), ("password", ""), ("from", "strongroom@bellode.example")];
    let kept = ann.submit("/settings/mail", "/settings/mail", &fields);
    assert_eq!(kept.status, 303, "{}", kept.body);
}

/// Invites somebody, and gives the page that shows the link.
pub(crate) fn invite(by: &Browser, role: &str, name: &str, email: &str) -> Got {
    let belongs = [("contact_name", name), ("contact_kind", "person")];
    let fields: Vec<(&str, &str)> = [("role", role), ("name", name), ("words", ""), ("email", email)].into_iter().chain(belongs.into_iter().filter(|_| role == "client")).collect();
    by.submit("/people/new", "/people", &fields)
}

pub(crate) fn link_on(page: &Got) -> String {
    assert_eq!(page.status, 200, "{}", page.body);
    format!("https://x/link#k={}", between(&page.body, "/link#k=", "<").replace("&#x2F;", "/"))
}

/// The link in the letter to this address.
pub(crate) fn link_to(sink: &Sink, email: &str) -> String {
    let letters = sink.wait_for(email, 1, Duration::from_secs(20));
    let letter = letters.last().unwrap_or_else(|| panic!("no letter to {email}"));
    letter.link("/link#k=").unwrap_or_else(|| panic!("no link in {}", letter.text()))
}

#[test]
fn from_an_empty_directory_to_a_firm_with_letters() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let sink = Sink::start();
    with_mail(&ann.browser, &sink);
    let people = [
        ("administrator", "Ben Ode", "/system"),
        ("manager", "Cyd Marsh", "/today"),
        ("staff", "Dee Field", "/today"),
        ("auditor", "Eve Stone", "/today"),
        ("client", "Fay Rivers", "/home"),
        ("client", "Gus Lake", "/home"),
    ];
    let mut come_in = Vec::new();
    for (role, name, first) in people {
        let email = format!("{}@bellode.example", name.split(' ').next().unwrap().to_lowercase());
        let page = invite(&ann.browser, role, name, &email);
        let (shown, sent) = (link_on(&page), link_to(&sink, &email));
        assert_eq!(token_of(&shown), token_of(&sent), "the letter holds the same link");
        come_in.push(come(&server, &sent, &email, first));
    }
    let list = ann.browser.get("/people").body;
    for (_, name, _) in people {
        assert!(list.contains(name), "{name}");
    }
    assert_eq!(list.matches("st ok").count(), 7, "seven are active");
    for letter in sink.wait_for("ben@bellode.example", 1, Duration::from_secs(5)) {
        assert!(!letter.text().contains("Fay") && letter.subject().contains("Bell & Ode"));
    }
    let opened = {
        let dee = &come_in[2].browser;
        let types = dee.get("/cases/new");
        dee.submit("/cases/new", "/cases", &[("title", "The first case"), ("summary", ""), ("type", &types.option("Property")), ("owner", &types.option("Dee Field")), ("status", "open")])
    };
    assert_eq!(opened.status, 303, "a firm of solicitors has types of case to begin with: {}", opened.body);
    let again = come_in[2].sign_in(&server);
    assert_eq!(again.get("/today").status, 200);
    assert!(sink.wait_for("dee@bellode.example", 2, Duration::from_secs(20)).iter().any(|letter| letter.subject().contains("browser")), "a new browser is told");
    assert_eq!(again.get("/people").status, 404);
}

#[test]
fn letters_go_out_under_the_name_that_the_site_has_now() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let (server, ann) = found(&dir);
    let sink = Sink::start();
    with_mail(&ann.browser, &sink);
    for arguments in [&["site", "host", "add", "", "cases.bellode.example"][..], &["user", "invite", "--role", "staff", "--name", "Dee Field", "--email", "dee@bellode.example"]] {
        let out = Command::new(BINARY).args(arguments).arg("--data").arg(&dir).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    let letters = sink.wait_for("dee@bellode.example", 1, Duration::from_secs(20));
    let id = letters[0].field("Message-ID").unwrap();
    assert!(id.ends_with("@cases.bellode.example>"), "{id}");
    assert!(server.stop().success());
}

#[test]
fn before_the_claim_nothing_answers_and_the_wizard_goes_on_after_a_kill_at_every_step() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let mut server = Server::serve(&dir, &[]);
    let stranger = server.browser();
    led(&stranger.get("/"), "/setup");
    for path in ["/sign-in", "/today", "/people", "/recover", "/help", "/setup-again"] {
        assert_eq!(stranger.get(path).status, 404, "{path}");
    }
    led(&stranger.get("/setup/firm"), "/setup");
    assert_eq!(stranger.submit("/setup", "/setup", &[("token", "wrong")]).status, 422);
    let browser = claim(&mut server, &dir);
    let wrong = browser.submit("/setup/firm", "/setup/firm", &[("name", ""), ("kind", "circus"), ("prefix", "much too long"), ("zone", "Mars/Base")]);
    assert_eq!((wrong.status, wrong.body.matches("class=\"err\"").count()), (422, 4), "{}", wrong.body);
    led(&browser.submit("/setup/firm", "/setup/firm", &FIRM), "/setup/key");
    let browser = killed(&mut server, &dir, browser);
    led(&browser.get("/setup"), "/setup/key");
    let usb = temporary.path().join("usb");
    std::fs::create_dir(&usb).unwrap();
    let file = usb.join("strongroom.key");
    led(&browser.submit("/setup/key", "/setup/key", &[("start", "file"), ("path", file.to_str().unwrap())]), "/setup/kit");
    assert!(file.exists() && !dir.join("root.key").exists());
    let browser = killed(&mut server, &dir, browser);
    led(&browser.get("/setup"), "/setup/kit");
    let before = browser.get("/setup/kit").body;
    let browser = killed(&mut server, &dir, browser);
    assert_eq!(between(&before, "kitkey", "</ol>"), between(&browser.get("/setup/kit").body, "kitkey", "</ol>"), "the kit is the same");
    led(&confirm_kit(&browser, "/setup/kit", "/setup/kit"), "/setup/you");
    let browser = killed(&mut server, &dir, browser);
    led(&browser.submit("/setup/you", "/setup/you", &[("name", "Ann Bell"), ("email", "ann@bellode.example")]), "/enrol");
    let browser = killed(&mut server, &dir, browser);
    led(&browser.get("/enrol"), "/enrol/password");
    let ann = enrol(browser, "ann@bellode.example", "/system");
    let browser = killed(&mut server, &dir, ann.browser);
    assert_eq!(browser.get("/system").status, 200);
    assert_eq!(server.token, None, "no link is printed any more");
    assert_eq!(server.browser().get("/setup").status, 404);
}

fn claim(server: &mut Server, dir: &std::path::Path) -> Browser {
    let browser = founding::claim(server);
    killed(server, dir, browser)
}

/// Kills the server and starts it again; the browser keeps its cookies.
fn killed(server: &mut Server, dir: &std::path::Path, browser: Browser) -> Browser {
    server.kill();
    *server = Server::serve(dir, &[]);
    browser.moved_to(server)
}

#[test]
fn of_two_claims_at_once_one_wins_over_https() {
    let temporary = tempfile::tempdir().unwrap();
    let server = Server::serve(&temporary.path().join("data"), &[]);
    let token = server.token.clone().unwrap();
    let browsers: Vec<Browser> = (0..2).map(|_| server.browser()).collect();
    let forms: Vec<String> = browsers.iter().map(|browser| browser.get("/setup").token()).collect();
    let claims: Vec<u16> = std::thread::scope(|scope| {
        let claim = |(browser, form): (&Browser, &String)| {
            let (browser, form, token) = (browser.clone(), form.clone(), token.clone());
            scope.spawn(move || browser.post("/setup", &[("csrf", &form), ("token", &token)]).status)
        };
        let running: Vec<_> = browsers.iter().zip(&forms).map(claim).collect();
        running.into_iter().map(|claim| claim.join().unwrap()).collect()
    });
    assert_eq!(claims.iter().filter(|status| **status == 303).count(), 1, "{claims:?}");
}

#[test]
fn nobody_makes_an_account_by_themselves() {
    let routes = String::from_utf8(Command::new(BINARY).arg("routes").output().unwrap().stdout).unwrap();
    let words = ["sign-up", "signup", "register", "join", "create-account"];
    for line in routes.lines() {
        assert!(!words.iter().any(|word| line.contains(word)), "{line}");
    }
    let strangers: Vec<&str> = routes.lines().filter(|line| line.starts_with("public POST") || line.starts_with("enrol POST") || line.starts_with("setup POST")).collect();
    for line in &strangers {
        let known = ["/sign-in", "/recover", "/answers", "/link", "/enrol", "/setup"];
        assert!(known.iter().any(|head| line.split(' ').nth(2).unwrap().starts_with(head)), "a stranger can send {line}");
    }
    assert!(strangers.len() > 8);
}

#[test]
fn links_that_do_not_work_say_why_and_are_written_down() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let link = link_on(&invite(&ann.browser, "staff", "Dee Field", "dee@bellode.example"));
    let bring = |token: &str| {
        let browser = server.browser();
        browser.submit("/link", "/link", &[("token", token)])
    };
    for bad in ["x", "A".repeat(43).as_str(), token_of(&link).to_uppercase().as_str()] {
        let got = bring(bad);
        assert!(got.status == 422 && got.body.contains("not one of ours"), "{bad}: {}", got.status);
    }
    led(&bring(&format!("  {}  ", token_of(&link))), "/enrol");
    assert!(bring(token_of(&link)).body.contains("used already"));
    let account = ann.browser.get("/people").links("/people/").into_iter().find(|link| link.len() == 40 && ann.browser.get(link).body.contains("Dee Field")).unwrap();
    let page = ann.browser.get(&account).body;
    assert!(page.contains("have used their link") && !page.contains("has run out: send"), "{page}");
    let same = invite(&ann.browser, "staff", "Dee Again", "DEE@bellode.example");
    assert!(same.status == 422 && same.body.contains("already"), "{}", same.body);
    let alike = invite(&ann.browser, "staff", "Dee Again", "dee@bеllode.example");
    assert!(alike.status == 422 && alike.body.contains("plain letters"), "{}", alike.body);
}

#[test]
fn codes_that_are_replayed_or_wrong_are_refused_and_recovery_codes_let_in_once() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let used = code_of(&ann.secret);
    assert!(!server.browser().sign_in(&ann.email, &ann.password, &used), "the code of the set-up counts once");
    let browser = server.browser();
    led(&browser.submit("/sign-in", "/sign-in", &[("email", &ann.email.to_uppercase()), ("password", &ann.password)]), "/sign-in/code");
    let wrong = browser.submit("/sign-in/code", "/sign-in/code", &[("code", "000 000")]);
    assert!(wrong.status == 422 && wrong.body.contains("server’s time"), "{}", wrong.body);
    let typed = ann.codes[0].to_lowercase().replace('-', " ");
    assert_eq!(browser.submit("/sign-in/recovery", "/sign-in/recovery", &[("code", &typed)]).status, 303);
    assert_eq!(browser.get("/system").status, 200);
    let other = server.browser();
    led(&other.submit("/sign-in", "/sign-in", &[("email", &ann.email), ("password", &ann.password)]), "/sign-in/code");
    assert_eq!(other.submit("/sign-in/recovery", "/sign-in/recovery", &[("code", &ann.codes[0])]).status, 422);
    assert!(ann.browser.get("/account").body.contains("nine") || ann.browser.get("/account").body.contains('9'));
}

#[test]
fn a_new_password_ends_other_sessions_and_needs_the_old_one() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let other = ann.sign_in(&server);
    let change = |current: &str, new: &str| other.submit("/account/password", "/account/password", &[("current", current), ("password", new)]);
    assert_eq!(change("wrong password here", "velvet harbour nutmeg 41").status, 422);
    assert_eq!(change(&ann.password, "password1234").status, 422);
    assert_eq!(change(&ann.password, "velvet harbour nutmeg 41").status, 303);
    assert_eq!((other.get("/system").status, ann.browser.get("/system").status), (200, 303));
    let ann = Person { password: "velvet harbour nutmeg 41".into(), ..ann };
    assert_eq!(ann.sign_in(&server).get("/system").status, 200);
}

#[test]
fn who_is_suspended_or_has_left_is_out_at_once() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let dee = come(&server, &link_on(&invite(&ann.browser, "staff", "Dee Field", "dee@bellode.example")), "dee@bellode.example", "/today");
    let account = ann.browser.get("/people").links("/people/").into_iter().find(|link| link.len() == 40 && ann.browser.get(link).body.contains("Dee Field")).unwrap();
    assert_eq!(ann.browser.submit(&account, &format!("{account}/suspend"), &[]).status, 303);
    led(&dee.browser.get("/today"), "/sign-in");
    assert!(!server.browser().sign_in(&dee.email, &dee.password, &code_of(&dee.secret)));
    assert_eq!(ann.browser.submit(&account, &format!("{account}/restore"), &[]).status, 303);
    let back = dee.sign_in(&server);
    assert_eq!(ann.browser.submit(&format!("{account}/leave"), &format!("{account}/leave"), &[]).status, 303);
    led(&back.get("/today"), "/sign-in");
    let me = ann.browser.get("/people").links("/people/").into_iter().find(|link| link.len() == 40 && ann.browser.get(link).body.contains("Ann Bell")).unwrap();
    let refused = ann.browser.submit(&me, &format!("{me}/suspend"), &[]);
    assert!(refused.status == 403 && refused.body.contains("their own rights"), "{} {}", refused.status, refused.body);
}

#[test]
fn networks_on_trial_count_for_a_minute_and_never_shut_out_who_sets_them() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let try_them = |staff: &str| ann.browser.submit("/settings/networks", "/settings/networks", &[("administrator", ""), ("staff", staff), ("all", "")]);
    let shut = try_them("203.0.113.0/24");
    assert!(shut.status == 422 && shut.body.contains("shut yourself out"), "{}", shut.body);
    assert_eq!(try_them("nonsense").status, 422);
    assert_eq!(try_them("127.0.0.0/8").status, 303);
    assert_eq!(ann.browser.get("/system").status, 200);
    assert_eq!(ann.browser.submit("/settings/networks", "/settings/networks/keep", &[]).status, 303);
    assert!(ann.browser.get("/settings/networks").body.contains("127.0.0.0/8"));
    drop(server);
}

#[test]
fn a_passphrase_is_waited_for_and_the_recovery_kit_opens_too() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let server = Server::serve(&dir, &[]);
    let browser = founding::claim(&server);
    led(&browser.submit("/setup/firm", "/setup/firm", &FIRM), "/setup/key");
    let words = "granite thistle umbrella canal";
    let easy = browser.submit("/setup/key", "/setup/key", &[("start", "passphrase"), ("passphrase", "passwordpassword"), ("again", "passwordpassword")]);
    assert!(easy.status == 422 && easy.body.contains("easy to guess"));
    led(&browser.submit("/setup/key", "/setup/key", &[("start", "passphrase"), ("passphrase", words), ("again", words)]), "/setup/kit");
    let kit = browser.get("/setup/kit").body;
    let groups: Vec<String> = between(&kit, "kitkey", "</ol>").split("<li>").skip(1).map(|rest| rest.split("</li>").next().unwrap().trim().to_owned()).collect();
    led(&confirm_kit(&browser, "/setup/kit", "/setup/kit"), "/setup/you");
    led(&browser.submit("/setup/you", "/setup/you", &[("name", "Ann Bell"), ("email", "ann@bellode.example")]), "/enrol");
    let ann = enrol(browser, "ann@bellode.example", "/system");
    assert!(server.stop().success());
    assert!(!dir.join("root.key").exists());
    for (words, arguments) in [(words.to_owned(), &[][..]), (groups.join(" "), &["--wait"])] {
        let server = Server::serve(&dir, arguments);
        let browser = server.browser();
        led(&browser.get("/"), "/unlock");
        led(&browser.get("/sign-in"), "/unlock");
        assert_eq!((browser.get("/healthz").status, browser.get("/readyz").status), (200, 503));
        assert_eq!(browser.post("/unlock", &[("passphrase", &words)]).status, 403, "without the token of the form");
        let wrong = browser.submit("/unlock", "/unlock", &[("passphrase", "granite thistle umbrella canoe")]);
        assert!(wrong.status == 422 && wrong.body.contains("does not open"), "{} {}", wrong.status, wrong.body);
        assert_eq!(browser.submit("/unlock", "/unlock", &[("passphrase", &words)]).status, 200);
        let opened = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            browser.get("/readyz").status == 200
        });
        assert!(opened, "it opens");
        assert_eq!(ann.browser.moved_to(&server).get("/system").status, 200, "sessions go on");
        assert!(server.stop().success());
    }
}

#[test]
fn the_open_database_and_every_file_show_no_token_code_or_address() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let (server, ann) = found(&dir);
    let sink = Sink::start();
    with_mail(&ann.browser, &sink);
    let link = link_on(&invite(&ann.browser, "staff", "Dee Field", "dee@bellode.example"));
    sink.wait_for("dee@bellode.example", 1, Duration::from_secs(20));
    let session = ann.browser.cookie("__Host-session").unwrap().split('=').nth(1).unwrap().to_owned();
    let device = ann.browser.cookie("__Host-device").unwrap().split('=').nth(1).unwrap().to_owned();
    assert!(server.stop().success());
    let sql = database::of_site(&dir);
    let mut plain = Vec::new();
    let tables = database::tables(&sql);
    for table in &tables {
        let mut rows = sql.prepare(&format!("select * from \"{table}\"")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                match row.get_ref(column).unwrap() {
                    rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => plain.extend_from_slice(bytes),
                    _ => {}
                }
                plain.push(b'\n');
            }
        }
    }
    assert!(tables.len() > 15 && plain.len() > 2_000, "{} tables, {} bytes", tables.len(), plain.len());
    let whole = |text: &str| plain.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()));
    assert!(whole("Dee Field") && whole("Bell & Ode"), "names are there, so that the search would find more");
    for secret in ["ann@bellode", "dee@bellode", ann.secret.as_str(), token_of(&link), &session, &device, &ann.codes[0], &ann.codes[0].replace('-', ""), &ann.password] {
        assert!(!whole(secret), "{secret}");
    }
}
