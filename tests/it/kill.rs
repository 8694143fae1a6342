//! SIGKILL at any moment: what was acknowledged is there afterwards, rows and documents alike.

use crate::world::{Browser, Got, Server};
use reqwest::blocking::multipart::{Form, Part};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

const KILLS: usize = 20;

/// What the server said it has.
#[derive(Default)]
struct Acknowledged {
    titles: Mutex<Vec<String>>,
    /// Name and content.
    files: Mutex<Vec<(String, String)>>,
}

/// What is sent until the server is gone.
struct Round<'a> {
    number: usize,
    browser: &'a Browser,
    /// The page of the documents of a case.
    page: &'a str,
    token: String,
    owner: String,
    kind: String,
    over: AtomicBool,
    acknowledged: &'a Acknowledged,
}

impl Round<'_> {
    fn numbers(&self) -> impl Iterator<Item = u32> {
        (0..).take_while(move |_| !self.over.load(Ordering::Relaxed))
    }

    fn open_cases(&self, writer: usize) {
        for n in self.numbers() {
            let title = format!("Kill {} {writer} {n}", self.number);
            let body = format!("csrf={}&title={}&type={}&owner={}&status=open", self.token, title.replace(' ', "+"), self.kind, self.owner);
            match self.browser.request("POST", "/cases").header("Content-Type", "application/x-www-form-urlencoded").body(body).send() {
                Ok(answer) if answer.status().as_u16() == 303 => self.acknowledged.titles.lock().unwrap().push(title),
                _ => return,
            }
        }
    }

    fn add_files(&self) {
        for n in self.numbers() {
            let (name, content) = (format!("kill-{}-{n}.txt", self.number), format!("content of {} {n} ", self.number).repeat(9000));
            let form = Form::new().text("csrf", self.token.clone()).part("file", Part::text(content.clone()).file_name(name.clone()));
            match self.browser.request("POST", self.page).multipart(form).send() {
                Ok(answer) if answer.status().as_u16() == 303 => self.acknowledged.files.lock().unwrap().push((name, content)),
                _ => return,
            }
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_over_twenty_kills() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let mut server = Server::at(&dir, &[]);
    let port = server.port().to_string();
    let mut browser = server.signed_in("Priya");
    let page = format!("{}/documents", browser.open_case("Kill: documents"));
    let acknowledged = Acknowledged::default();
    for number in 0..KILLS {
        let form = browser.get("/cases/new");
        assert_eq!(form.status, 200, "the session outlives a kill");
        let (token, owner, kind) = (form.token(), form.option("Priya Nair"), form.option("Visit"));
        let round = Round { number, browser: &browser, page: &page, token, owner, kind, over: AtomicBool::new(false), acknowledged: &acknowledged };
        thread::scope(|scope| {
            let round = &round;
            for writer in 0..3 {
                scope.spawn(move || round.open_cases(writer));
            }
            scope.spawn(move || round.add_files());
            thread::sleep(Duration::from_millis(150 + (number as u64 * 97) % 400));
            server.kill();
            round.over.store(true, Ordering::Relaxed);
        });
        server = Server::at(&dir, &["--port", &port]);
        browser.url.clone_from(&server.url);
    }
    let (titles, files) = (acknowledged.titles.into_inner().unwrap(), acknowledged.files.into_inner().unwrap());
    assert!(titles.len() > KILLS && files.len() >= KILLS / 2, "too little was written to prove anything: {} cases, {} documents", titles.len(), files.len());
    all_cases_are_listed(&browser, &titles);
    all_documents_are_whole(&browser, &page, &files);
    drop(server);
    let checked = std::process::Command::new(crate::world::BINARY).args(["audit", "verify", "--data"]).arg(&dir).output().unwrap();
    assert!(checked.status.success(), "the trail is unbroken: {}", String::from_utf8_lossy(&checked.stderr));
}

/// The text of a list over all its pages.
fn all_pages(browser: &Browser, first: &str, next: impl Fn(&Got) -> Option<String>) -> String {
    let (mut text, mut path) = (String::new(), Some(first.to_owned()));
    while let Some(at) = path {
        let page = browser.get(&at);
        text.push_str(&page.body);
        path = next(&page);
    }
    text
}

fn all_cases_are_listed(browser: &Browser, titles: &[String]) {
    let listed = all_pages(browser, "/cases?view=mine", |page| page.links("/cases?").into_iter().find(|link| link.contains("after=")));
    let lost: Vec<&String> = titles.iter().filter(|title| !listed.contains(&format!("{title}<"))).collect();
    assert!(lost.is_empty(), "lost cases: {lost:?}");
}

fn all_documents_are_whole(browser: &Browser, page: &str, files: &[(String, String)]) {
    let listed = all_pages(browser, page, |got| got.links(&format!("{page}?after=")).into_iter().next());
    for (name, content) in files {
        let row = listed.split("<tr").find(|row| row.contains(&format!("{name}<"))).unwrap_or_else(|| panic!("lost document {name}"));
        let id = row.split("/documents/").nth(1).unwrap().split(['"', '/', '?']).next().unwrap();
        assert_eq!(browser.bytes(&format!("/documents/{id}/content")), (200, content.clone().into_bytes()), "{name}");
    }
}
