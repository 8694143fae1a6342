//! Returning all data: two people for it on the page, one at the console, and what is in it.

use crate::{
    backups::command,
    database,
    founding::{Person, between, come, found, led},
    world::{Browser, Server},
};
use rusqlite::params;
use serde_json::Value;
use std::{
    collections::HashMap,
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

pub(crate) const PAGE: &str = "/system/export";
const DAYS_7: i64 = 7 * 24 * 3_600_000;

/// A firm with two system administrators, an adviser, and clients: Cleo, who has a case, and Zed, who has another.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) ann: Person,
    pub(crate) ben: Person,
    pub(crate) priya: Person,
    _temporary: tempfile::TempDir,
    work: PathBuf,
}

fn invite(by: &Browser, role: &str, name: &str) -> (String, String) {
    let email = format!("{}@bellode.example", name.split(' ').next().unwrap().to_lowercase());
    let fields = [("role", role), ("name", name), ("words", ""), ("email", email.as_str()), ("contact_name", name), ("contact_kind", "person")];
    let page = by.submit("/people/new", "/people", &fields);
    assert_eq!(page.status, 200, "{}", page.body);
    (email, format!("https://x/link#k={}", between(&page.body, "/link#k=", "<").replace("&#x2F;", "/")))
}

impl House {
    /// Everybody has been there for some days.
    pub(crate) fn new() -> House {
        let house = House::fresh();
        database::of_site(&house.server.dir).execute("update ticket set made = made - ?", params![DAYS_7]).unwrap();
        house
    }

    /// Everybody was invited just now, by Ann.
    pub(crate) fn fresh() -> House {
        let temporary = tempfile::tempdir().unwrap();
        let (server, ann) = found(&temporary.path().join("data"));
        let (email, link) = invite(&ann.browser, "administrator", "Ben Ode");
        let ben = come(&server, &link, &email, "/system");
        let (email, link) = invite(&ann.browser, "staff", "Priya Nair");
        let priya = come(&server, &link, &email, "/today");
        for client in ["Cleo Marsh", "Zed Quill"] {
            let (email, link) = invite(&ann.browser, "client", client);
            come(&server, &link, &email, "/home");
        }
        let work = temporary.path().to_path_buf();
        House { server, ann, ben, priya, _temporary: temporary, work }
    }

    /// Opens a case, to which a client is given access, with these files.
    pub(crate) fn case(&self, title: &str, client: &str, files: Vec<(&str, Vec<u8>)>) -> String {
        let priya = &self.priya.browser;
        let form = priya.get("/cases/new");
        let (owner, kind) = (form.option("Priya Nair"), form.option("Family"));
        let fields = [("title", title), ("summary", "A summary"), ("type", kind.as_str()), ("owner", owner.as_str()), ("status", "open")];
        let opened = priya.submit("/cases/new", "/cases", &fields);
        assert_eq!(opened.status, 303, "{}", opened.body);
        let case = opened.made_case();
        let access = format!("{case}/access");
        let to = priya.get(&access).option(client);
        assert_eq!(priya.submit(&access, &access, &[("user", &to), ("level", "read"), ("reason", "=inside-reason-canary")]).status, 303);
        for file in files {
            assert_eq!(priya.upload(&format!("{case}/documents"), vec![file]).status, 303);
        }
        case
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        command(&[&["export", "--data", self.server.dir.to_str().unwrap()], arguments].concat(), "")
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }
}

/// The path of a button on the page.
pub(crate) fn button(browser: &Browser, action: &str) -> String {
    let page = browser.get(PAGE).body;
    let found = page.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next()).find(|path| path.ends_with(action));
    found.unwrap_or_else(|| panic!("no {action} in {page}")).replace("&#x2F;", "/")
}

pub(crate) fn press(browser: &Browser, action: &str) {
    let path = button(browser, action);
    led(&browser.submit(PAGE, &path, &[]), PAGE);
}

/// The page, once it shows this.
pub(crate) fn until(browser: &Browser, words: &str) -> String {
    for _ in 0..150 {
        let page = browser.get(PAGE).body;
        if page.contains(words) {
            return page;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("the page never says {words:?}: {}", browser.get(PAGE).body)
}

/// Everything in a ZIP, by path.
pub(crate) fn unpacked(bytes: &[u8]) -> HashMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    let mut file = |name: &String| {
        let mut out = Vec::new();
        zip.by_name(name).unwrap().read_to_end(&mut out).unwrap();
        out
    };
    names.iter().map(|name| (name.clone(), file(name))).collect()
}

pub(crate) fn text<'f>(files: &'f HashMap<String, Vec<u8>>, name: &str) -> &'f str {
    std::str::from_utf8(files.get(name).unwrap_or_else(|| panic!("no {name}"))).unwrap()
}

pub(crate) fn rows(files: &HashMap<String, Vec<u8>>, table: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(text(files, &format!("data/{table}.json"))).unwrap().as_array().unwrap().clone()
}

pub(crate) fn whole(files: &HashMap<String, Vec<u8>>) -> Vec<u8> {
    files.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes.as_slice(), b"\n"].concat()).collect()
}

pub(crate) fn has(hay: &[u8], needle: &str) -> bool {
    hay.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// As whoever gets it does: unpack, and `sha256sum -c`.
fn checked(zip: &Path, folder: &Path) {
    fs::create_dir(folder).unwrap();
    let tested = Command::new("unzip").args(["-tq"]).arg(zip).output();
    if tested.is_ok_and(|out| !out.status.success()) {
        panic!("unzip -t finds it broken");
    }
    for (name, bytes) in unpacked(&fs::read(zip).unwrap()) {
        assert!(!name.starts_with('/') && !name.split('/').any(|part| part == ".."), "{name}");
        fs::create_dir_all(folder.join(&name).parent().unwrap()).unwrap();
        fs::write(folder.join(&name), bytes).unwrap();
    }
    let sums = Command::new("sha256sum").args(["-c", "--quiet", "--strict", "SHA256SUMS"]).current_dir(folder).output().unwrap();
    assert!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stdout));
    let listed = fs::read_to_string(folder.join("SHA256SUMS")).unwrap().lines().count();
    assert_eq!(listed + 1, unpacked(&fs::read(zip).unwrap()).len(), "every file but the sums is in the sums");
}

#[test]
fn everything_comes_back_after_two_people_agreed() {
    let house = House::new();
    let (ann, ben) = (&house.ann.browser, &house.ben.browser);
    let large: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    house.case("=HYPERLINK(\"x\") <script>alert(1)</script>", "Cleo Marsh", vec![("Letter.txt", b"one".to_vec()), ("letter.TXT", b"two".to_vec()), ("Large.bin", large.clone())]);
    house.case("////", "Zed Quill", vec![("con.txt", b"three".to_vec())]);
    let trashed = house.case(&"😀".repeat(100), "Zed Quill", vec![("Old.txt", b"four".to_vec())]);
    let document = house.priya.browser.get(&format!("{trashed}/documents")).links("/documents/")[0].split('/').nth(2).unwrap().to_owned();
    assert_eq!(house.priya.browser.submit(&format!("{trashed}/documents"), &format!("/documents/{document}/trash"), &[]).status, 303);

    let empty = ann.submit(PAGE, PAGE, &[("what", "all"), ("reason", "")]);
    assert!(empty.status == 422 && empty.body.contains("Say why"), "{}", empty.body);
    led(&ann.submit(PAGE, PAGE, &[("what", "all"), ("reason", "We move to another server")]), PAGE);
    let twice = ann.submit(PAGE, PAGE, &[("what", "all"), ("reason", "Again")]);
    assert!(twice.status == 422 && twice.body.contains("the same export already"));
    // Neither the one who asked nor anybody else but those who look after accounts.
    let approve = button(ben, "/approve");
    assert_eq!(ann.submit(PAGE, &approve, &[]).status, 403);
    assert_eq!(house.priya.browser.submit("/today", &approve, &[]).status, 404);
    assert!(!ann.get(PAGE).body.contains("/approve"));
    led(&ben.submit(PAGE, &approve, &[]), PAGE);
    assert_eq!(ben.submit(PAGE, &approve, &[]).status, 403, "once");
    until(ann, "Your export can be fetched");
    let file = ann.get(PAGE).links("/system/export/").into_iter().find(|link| link.ends_with("/file")).unwrap();
    assert_eq!(ben.get(&file).status, 404, "only the one who asked");
    let (status, zip) = ann.bytes(&file);
    assert_eq!(status, 200);
    let part = ann.raw(&file).header("Range", format!("bytes={}-", zip.len() - 1000)).send().unwrap();
    assert_eq!((part.status().as_u16(), part.bytes().unwrap().as_ref()), (206, &zip[zip.len() - 1000..]));

    let at = house.at("a.zip");
    fs::write(&at, &zip).unwrap();
    checked(&at, &house.at("a"));
    let files = unpacked(&zip);
    let mut contents: Vec<&[u8]> = files.iter().filter(|(name, _)| name.starts_with("documents/")).map(|(_, bytes)| bytes.as_slice()).collect();
    contents.sort();
    let mut expected = vec![b"one".as_slice(), b"two", b"three", b"four", &large];
    expected.sort();
    assert_eq!(contents, expected);
    assert!(files.keys().any(|name| name.contains("/Trash/Old.txt")) && files.keys().any(|name| name.ends_with("/_con.txt")) && files.keys().any(|name| name.ends_with("/letter (2).TXT")), "{:?}", files.keys());
    for version in rows(&files, "versions") {
        let bytes = &files[version["file"].as_str().unwrap()];
        assert_eq!(version["sha256"].as_str().unwrap(), keys::nonce::hex(&keys::nonce::sha256(bytes)));
    }
    let cases = text(&files, "data/cases.csv");
    assert!(cases.starts_with('\u{FEFF}') && cases.contains("\"'=HYPERLINK(\"\"x\"\")") && cases.contains("\r\n"), "{cases}");
    let pages = String::from_utf8(files.iter().filter(|(name, _)| name.ends_with(".html")).flat_map(|(_, bytes)| bytes.clone()).collect()).unwrap();
    assert!(pages.contains("&lt;script&gt;alert(1)") && !pages.contains("<script") && !pages.contains("src="));
    assert!(rows(&files, "people").iter().any(|row| row["email"] == "priya@bellode.example"));
    assert!(rows(&files, "history").iter().any(|row| row["code"] == "export.approve" && row["person"] == "Ben Ode"));
    let manifest: Value = serde_json::from_str(text(&files, "manifest.json")).unwrap();
    assert_eq!((manifest["by"].as_str(), manifest["approved_by"].as_str(), manifest["problems"].as_array().map(Vec::len)), (Some("Ann Bell"), Some("Ben Ode"), Some(0)));
    no_secrets(&house, &whole(&files));
    // Gone from the server, and from the page.
    press(ann, "/remove");
    assert_eq!(ann.get(&file).status, 404);
    assert_eq!(prepared(&house), 0);
}

/// Files in the folder of prepared exports.
fn prepared(house: &House) -> usize {
    let site = fs::read_dir(house.server.dir.join("sites")).unwrap().next().unwrap().unwrap().path();
    fs::read_dir(site.join("exports")).unwrap().filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_file()).count()
}

/// No hash, key or digest that the database holds is in it, in any form.
fn no_secrets(house: &House, export: &[u8]) {
    let sql = database::of_site(&house.server.dir);
    let mut found = 0;
    for query in [
        "select password from user where password != ''", "select lower(hex(secret)) from factor", "select lower(hex(digest)) from session", "select lower(hex(digest)) from recovery_code",
        "select lower(hex(digest)) from ticket", "select lower(hex(email_index)) from user where email_index is not null", "select lower(hex(blob_key)) from version", "select blob from version",
        "select lower(hex(digest)) from device", "select lower(hex(email)) from user",
    ] {
        for secret in sql.prepare(query).unwrap().query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap) {
            assert!(!has(export, &secret), "{query}");
            found += 1;
        }
    }
    assert!(found > 20, "{found}");
    assert!(!has(export, &house.ann.secret) && !has(export, &house.ann.codes[0]) && !has(export, "$argon2"));
}

#[test]
fn what_is_kept_of_one_client_has_nothing_of_another() {
    let house = House::new();
    house.case("Cleo and her house", "Cleo Marsh", vec![("Deed.txt", b"of cleo".to_vec())]);
    house.case("Zebra canary title", "Zed Quill", vec![("Zebra canary name.txt", b"zebra canary content".to_vec())]);
    let (code, _, error) = house.run(&["--to", house.at("n.zip").to_str().unwrap(), "--client", "Nobody", "--alone", "A test"]);
    assert!(code == 2 && error.contains("no client with the name “Nobody”"), "{code} {error}");
    let at = house.at("c.zip");
    let (code, _, error) = house.run(&["--to", at.to_str().unwrap(), "--client", "cleo  MARSH", "--alone", "A test"]);
    assert_eq!(code, 0, "{error}");
    checked(&at, &house.at("c"));
    let files = unpacked(&fs::read(&at).unwrap());
    let all = whole(&files);
    for canary in ["ebra canary", "Zed", "zed@bellode", "inside-reason-canary", "ann@bellode.example", "priya@bellode.example", "Ben Ode"] {
        assert!(!has(&all, canary), "{canary} in {:?}", files.iter().filter(|(name, bytes)| has(bytes, canary) || name.contains(canary)).map(|(name, _)| name).collect::<Vec<_>>());
    }
    assert!(has(&all, "of cleo") && has(&all, "cleo@bellode.example") && has(&all, "Cleo and her house"));
    assert!(!files.contains_key("data/walls.csv") && !files.contains_key("data/site.csv"));
    assert_eq!((rows(&files, "cases").len(), rows(&files, "documents").len(), rows(&files, "contacts").len()), (1, 1, 1));
    assert!(rows(&files, "history").iter().any(|row| row["code"] == "document.add") && rows(&files, "history").iter().any(|row| row["person"] == "Cleo Marsh"));
    // Two of one name are told apart by their numbers, and one without a case has an export that says so.
    invite(&house.ann.browser, "client", "Cleo2 Marsh");
    let sql = database::of_site(&house.server.dir);
    sql.execute("update contact set name = 'Cleo Marsh' where name = 'Cleo2 Marsh'", []).unwrap();
    let (code, _, error) = house.run(&["--to", house.at("n.zip").to_str().unwrap(), "--client", "Cleo Marsh", "--alone", "A test"]);
    assert!(code == 2 && error.contains("two clients with the name") && error.contains("#3"), "{code} {error}");
    let at = house.at("none.zip");
    let (code, _, error) = house.run(&["--to", at.to_str().unwrap(), "--client", "#3", "--alone", "A test"]);
    assert_eq!(code, 0, "{error}");
    assert!(text(&unpacked(&fs::read(&at).unwrap()), "index.html").contains("No account of this client may read a case"));
}

#[test]
fn the_console_is_one_person_and_goes_ahead_alone_only_when_told() {
    let house = House::new();
    house.case("One", "Cleo Marsh", vec![("One.txt", b"one".to_vec())]);
    let (at, to) = (house.at("e.zip"), house.at("e.zip").to_str().unwrap().to_owned());
    let (code, out, error) = house.run(&["--to", &to, "--json"]);
    assert!(code == 75 && error.contains("/system/export") && error.contains("Ann Bell, Ben Ode") && out.contains("\"asked\""), "{code} {out} {error}");
    assert!(!at.exists() && !house.at("e.zip.part").exists());
    let (code, _, error) = house.run(&["--to", &to]);
    assert!(code == 75, "the same request: {error}");
    let sql = database::of_site(&house.server.dir);
    assert_eq!(sql.query_row("select count(*) from export", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    press(&house.ben.browser, "/approve");
    let (code, out, error) = house.run(&["--to", &to, "--json"]);
    assert_eq!(code, 0, "{error}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((told["problems"].as_i64(), told["size"].as_u64()), (Some(0), Some(fs::metadata(&at).unwrap().len())));
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&at).unwrap()) & 0o777, 0o600);
    checked(&at, &house.at("e"));
    assert_eq!(prepared(&house), 0, "what arrived is not kept");
    let (code, _, error) = house.run(&["--to", &to]);
    assert!(code == 73 && error.contains("nothing is ever overwritten"), "{code} {error}");
    // Stopped, it is written at once, and what is damaged is named.
    let House { server, work, _temporary, .. } = house;
    let dir = server.dir.clone();
    assert!(server.stop().success());
    let stopped = |name: &str| command(&["export", "--data", dir.to_str().unwrap(), "--to", work.join(name).to_str().unwrap()], "");
    let (code, out, error) = stopped("f.zip");
    assert!(code == 0 && error.contains("stopped installation") && out.contains("1 case and 1 document"), "{code} {out} {error}");
    checked(&work.join("f.zip"), &work.join("f"));
    let blob: String = sql.query_row("select blob from version", [], |row| row.get(0)).unwrap();
    let site = fs::read_dir(dir.join("sites")).unwrap().next().unwrap().unwrap().path();
    fs::write(site.join("blobs").join(&blob[..2]).join(&blob), b"broken").unwrap();
    let (code, _, error) = stopped("g.zip");
    assert!(code == 1 && error.contains("could not be read whole"), "{code} {error}");
    assert!(text(&unpacked(&fs::read(work.join("g.zip")).unwrap()), "PROBLEMS.txt").contains("One.txt"));
    let alone: i64 = sql.query_row("select count(*) from event where verb = 'export.alone'", [], |row| row.get(0)).unwrap();
    assert_eq!(alone, 2);
    assert_eq!(stopped("no/such/folder/h.zip").0, 73);
}

#[test]
fn what_is_not_answered_lapses_and_what_was_cut_can_begin_anew() {
    let house = House::new();
    let (ann, ben) = (&house.ann.browser, &house.ben.browser);
    let sql = database::of_site(&house.server.dir);
    // A server that takes nothing: the letters wait, and can be counted.
    let mail = [("host", "127.0.0.1"), ("port", "9"), ("security", "none"), ("user", ""), ("from", "office@bellode.example"), ("helo", "")];
    led(&ann.submit("/settings/mail", "/settings/mail", &mail), "/settings/mail");
    let letters = || -> String { sql.query_row("select coalesce(group_concat(kind || '>' || user_id, ' '), '') from (select kind, user_id from letter where kind like 'export%' order by id)", [], |row| row.get(0)).unwrap() };
    let ask = || led(&ann.submit(PAGE, PAGE, &[("what", "all"), ("reason", "A test")]), PAGE);
    ask();
    assert_eq!(letters(), "export_asked>2", "the other one is told");
    let approve = button(ben, "/approve");
    sql.execute("update export set asked = asked - ?", params![DAYS_7]).unwrap();
    let late = ben.submit(PAGE, &approve, &[]);
    assert!(late.status == 403 && late.body.contains("Seven days have passed"), "{}", late.body);
    assert!(ann.get(PAGE).body.contains("Lapsed"));
    ask();
    press(ben, "/refuse");
    assert!(ann.get(PAGE).body.contains("Refused by Ben Ode"));
    ask();
    press(ann, "/withdraw");
    assert!(ann.get(PAGE).body.contains("Taken back"));
    ask();
    press(ben, "/approve");
    until(ann, "Your export can be fetched");
    assert!(letters().ends_with("export_approved>1 export_ready>1"), "{}", letters());
    let (code, _, error) = house.run(&["--to", house.at("l.zip").to_str().unwrap(), "--alone", "A test"]);
    assert!(code == 0 && letters().ends_with("export_alone>1 export_alone>2"), "{error} {}", letters());
    // As a kill in the middle leaves it.
    sql.execute("update export set stage = 'making', blob = null where stage = 'ready' and by_id = 1", []).unwrap();
    let House { mut server, ann, ben, _temporary, .. } = house;
    server.kill();
    let again = Server::serve(&server.dir, &[]);
    let (ann, ben) = (ann.browser.moved_to(&again), ben.browser.moved_to(&again));
    let page = until(&ann, "The server was stopped before it was done");
    assert!(page.contains("Begin anew") && !ben.get(PAGE).body.contains("/again"));
    press(&ann, "/again");
    until(&ann, "Your export can be fetched");
    // Older than a week: the file goes at the next start.
    sql.execute("update export set ended = ended - ? where stage = 'ready'", params![DAYS_7]).unwrap();
    assert!(again.stop().success());
    let again = Server::serve(&server.dir, &[]);
    until(&ann.moved_to(&again), "Removed on");
}
