//! The second person of an export: who it may be, what they approve, and what nobody can change about it afterwards. And the recovery key,
//! which is never shown unseen.

use crate::{
    backups::command,
    database,
    export::{House, PAGE, button, has, press, rows, text, unpacked, until, whole},
    founding::led,
    world::Browser,
};
use rusqlite::params;
use std::fs;

const DAYS_4: i64 = 4 * 24 * 3_600_000;

/// An export of this client, asked for by Ann, approved by Ben after `between`, and fetched.
fn of_client(house: &House, client: &str, between: impl FnOnce(&Browser)) -> std::collections::HashMap<String, Vec<u8>> {
    let (ann, ben) = (&house.ann.browser, &house.ben.browser);
    led(&ann.submit(PAGE, PAGE, &[("what", "client"), ("client", client), ("reason", "They asked for it")]), PAGE);
    between(ben);
    press(ben, "/approve");
    until(ann, "Your export can be fetched");
    let file = ann.get(PAGE).links("/system/export/").into_iter().find(|link| link.ends_with("/file")).unwrap();
    let (status, zip) = ann.bytes(&file);
    assert_eq!(status, 200);
    press(ann, "/remove");
    unpacked(&zip)
}

#[test]
fn nobody_makes_their_own_second_person() {
    let house = House::fresh();
    let (ann, ben) = (&house.ann.browser, &house.ben.browser);
    let sql = database::of_site(&house.server.dir);
    let everything = [("what", "all"), ("reason", "A test")];
    assert!(ann.get(PAGE).body.contains("Nobody else could approve an export now"), "Ann invited Ben just now");
    let refused = ann.submit(PAGE, PAGE, &everything);
    assert!(refused.status == 422 && refused.body.contains("Nobody else could approve it"), "{}", refused.body);
    sql.execute("update ticket set made = made - ?", [DAYS_4]).unwrap();
    led(&ann.submit(PAGE, PAGE, &everything), PAGE);
    // Health says it to whoever else runs the server, with letters or without.
    assert!(ben.get("/system").body.contains("An export waits for an answer") && !ann.get("/system").body.contains("An export waits for an answer"));
    // Whom she gives the role, resets or invites anew after that is as good as made by her.
    for (made, undone) in [
        ("update user set role_by = 1, role_at = (select asked from export) where id = 2", "update user set role_by = null, role_at = null"),
        ("insert into ticket (digest, user_id, purpose, by_id, made, starts, ends) select x'01', 2, 'reset', 1, asked, asked, asked from export", "delete from ticket where digest = x'01'"),
    ] {
        let approve = button(ben, "/approve");
        sql.execute(made, []).unwrap();
        let late = ben.submit(PAGE, &approve, &[]);
        assert!(late.status == 403 && late.body.contains("less than three days ago"), "{made}: {} {}", late.status, late.body);
        sql.execute(undone, []).unwrap();
    }
    press(ben, "/approve");
    until(ann, "Your export can be fetched");
    assert!(ben.get("/system").body.contains("An export was made"));
}

#[test]
fn an_approval_is_of_what_was_seen_and_ends() {
    let house = House::new();
    house.case("Cleo and her house", "Cleo Marsh", vec![("Deed.txt", b"of cleo".to_vec())]);
    house.case("Zebra canary title", "Zed Quill", vec![("Zebra.txt", b"zebra canary content".to_vec())]);
    let sql = database::of_site(&house.server.dir);
    const LINK: &str = "insert into user_contact (user_id, contact_id) select u.id, c.id from user u, contact c where u.name = ?1 and c.name = ?2";
    let files = of_client(&house, "Cleo Marsh", |ben| {
        assert!(ben.get(PAGE).body.contains("Accounts: <bdi>Cleo Marsh</bdi>"), "{}", ben.get(PAGE).body);
        sql.execute(LINK, ["Zed Quill", "Cleo Marsh"]).unwrap();
    });
    let all = whole(&files);
    assert!(has(&all, "of cleo") && has(&all, "cleo@bellode.example"));
    for canary in ["ebra canary", "zed@bellode", "Zed Quill"] {
        assert!(!has(&all, canary), "{canary}");
    }
    // Asked for again, the second person sees whose accounts they are.
    let both = of_client(&house, "Cleo Marsh", |ben| assert!(ben.get(PAGE).body.contains("Accounts: <bdi>Cleo Marsh, Zed Quill</bdi>")));
    assert!(has(&whole(&both), "zebra canary content"));
    // What failed is not begun anew by an old approval, nor made when whoever approved it is gone.
    let (ann, ben) = (&house.ann.browser, &house.ben.browser);
    led(&ann.submit(PAGE, PAGE, &[("what", "all"), ("reason", "A test")]), PAGE);
    press(ben, "/approve");
    until(ann, "Your export can be fetched");
    sql.execute("update export set stage = 'failed', why = 'A test', blob = null, answered = answered - ?1 where contact_id is null", params![2 * DAYS_4]).unwrap();
    let stale = ann.submit(PAGE, &button(ann, "/again"), &[]);
    assert!(stale.status == 403 && stale.body.contains("approved more than seven days ago"), "{}", stale.body);
    sql.execute("update export set answered = answered + ?1 where contact_id is null", params![2 * DAYS_4]).unwrap();
    sql.execute("update user set state = 'suspended' where name = 'Ben Ode'", []).unwrap();
    press(ann, "/again");
    until(ann, "Whoever asked for it, or approved it, may not do so any more.");
}

#[test]
fn walls_and_levels_hold_in_what_is_returned_to_a_client() {
    let house = House::new();
    let walled = house.case("Walled canary", "Cleo Marsh", vec![("Wall.txt", b"walled canary content".to_vec())]);
    let known = house.case("Known canary", "Cleo Marsh", vec![("Known.txt", b"known canary content".to_vec())]);
    let shared = house.case("Their own", "Cleo Marsh", vec![("Own.txt", b"their own content".to_vec())]);
    let priya = &house.priya.browser;
    let set = |case: &str, what: &str, fields: &[(&str, &str)]| {
        let page = format!("{case}/access");
        let to = priya.get(&page).option("Zed Quill");
        let fields: Vec<(&str, &str)> = [("user", to.as_str()), ("wall_user", to.as_str())].into_iter().chain(fields.iter().copied()).collect();
        let got = priya.submit(&page, &format!("{page}{what}"), &fields);
        assert_eq!(got.status, 303, "{}", got.body);
    };
    set(&shared, "", &[("level", "read"), ("reason", "Their brother")]);
    set(&shared, "/wall", &[("wall_reason", "other side canary")]);
    set(&shared, "/unwall", &[("unwall_reason", "other side canary")]);
    let sql = database::of_site(&house.server.dir);
    let id = |case: &str| -> i64 { sql.query_row("select id from cases where title = ?", [case], |row| row.get(0)).unwrap() };
    let cleo: i64 = sql.query_row("select id from user where name = 'Cleo Marsh'", [], |row| row.get(0)).unwrap();
    sql.execute("insert into walls (case_id, user_id, reason, by_id, at) values (?, ?, 'x', 1, 1)", params![id("Walled canary"), cleo]).unwrap();
    sql.execute("update grants set level = 1 where case_id = ? and user_id = ?", params![id("Known canary"), cleo]).unwrap();
    assert!(walled != known);
    let files = of_client(&house, "Cleo Marsh", |_| {});
    let all = whole(&files);
    assert!(has(&all, "their own content"));
    for canary in ["canary", "put up a wall", "took a wall down", "wall.raise", "zed@bellode"] {
        assert!(!has(&all, canary), "{canary} in {:?}", files.iter().filter(|(_, bytes)| has(bytes, canary)).map(|(name, _)| name).collect::<Vec<_>>());
    }
    assert_eq!((rows(&files, "cases").len(), rows(&files, "access").len()), (1, 1), "who else has access is not told");
    assert!(!text(&files, "index.html").contains("Zed"));
    // To the firm itself everything is told.
    let (code, _, error) = house.run(&["--to", house.at("all.zip").to_str().unwrap(), "--alone", "A test"]);
    assert_eq!(code, 0, "{error}");
    let whole_firm = whole(&unpacked(&fs::read(house.at("all.zip")).unwrap()));
    assert!(["walled canary content", "known canary content", "other side canary", "wall.raise"].iter().all(|words| has(&whole_firm, words)));
}

#[test]
fn the_recovery_key_is_not_shown_unseen() {
    let house = House::new();
    let ann = &house.ann.browser;
    let sql = database::of_site(&house.server.dir);
    let mail = [("host", "127.0.0.1"), ("port", "9"), ("security", "none"), ("user", ""), ("from", "office@bellode.example"), ("helo", "")];
    led(&ann.submit("/settings/mail", "/settings/mail", &mail), "/settings/mail");
    let shown = || -> i64 { sql.query_row("select count(*) from event where verb = 'key.show' and actor = 1", [], |row| row.get(0)).unwrap() };
    let before = shown();
    assert_eq!(ann.submit("/system/kit", "/system/kit/new", &[]).status, 303);
    assert_eq!(ann.get("/system/kit/sheet").status, 200);
    assert!(shown() > before, "that the key was seen is written down");
    let told: i64 = sql.query_row("select count(*) from letter where kind = 'kit_made'", [], |row| row.get(0)).unwrap();
    assert_eq!(told, 2, "both system administrators hear of it");
}

#[test]
fn asking_for_a_drill_again_and_again_holds_nothing_up() {
    let house = House::new();
    let ann = &house.ann.browser;
    let place = house.at("office");
    fs::create_dir(&place).unwrap();
    let (code, _, error) = command(&["dest", "add", "office", "--dir", place.to_str().unwrap(), "--data", house.server.dir.to_str().unwrap()], "");
    assert_eq!(code, 0, "{error}");
    let threads = || fs::read_dir(format!("/proc/{}/task", house.server.pid())).unwrap().count();
    let token = ann.get("/system/backups").token();
    let before = threads();
    // That all are answered says, too, that a copy in a drill does not print the requests of this server: nobody reads its output here.
    for n in 0..200 {
        for what in ["drill", "now"] {
            let got = ann.post(&format!("/system/backups/{what}"), &[("csrf", token.as_str())]);
            assert_eq!(got.status, 303, "{n} {what}: {}", got.body);
        }
    }
    // The pool of those that read grows by itself; four hundred that wait would be seen.
    assert!(threads() < before + 100, "{before} threads, then {}", threads());
    // A place that would drive a terminal, or break a command in two, is none.
    for hostile in ["/tmp/\u{1b}]0;x", "/tmp/a\nb"] {
        let (code, _, error) = command(&["dest", "add", "bad", "--dir", hostile, "--data", house.server.dir.to_str().unwrap()], "");
        assert!(code == 2 && error.contains("control character") && !error.contains('\u{1b}'), "{code} {error}");
    }
}
