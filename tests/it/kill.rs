//! SIGKILL at any moment: what was acknowledged is there afterwards, rows and documents alike.

use crate::world::Server;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

const KILLS: usize = 20;

#[test]
fn nothing_acknowledged_is_lost_over_twenty_kills() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let mut server = Server::at(&dir, &[]);
    let port = server.port().to_string();
    let mut browser = server.signed_in("Priya");
    let case = browser.open_case("Kill: documents");
    let titles: Mutex<Vec<String>> = Mutex::default();
    let files: Mutex<Vec<(String, String)>> = Mutex::default();
    for round in 0..KILLS {
        let stop = AtomicBool::new(false);
        let (form, page) = (browser.get("/cases/new"), format!("{case}/documents"));
        assert_eq!(form.status, 200, "the session outlives a kill");
        let (token, owner, kind) = (form.token(), form.option("Priya Nair"), form.option("Visit"));
        thread::scope(|scope| {
            for writer in 0..3 {
                let (browser, stop, titles, token, owner, kind) = (&browser, &stop, &titles, &token, &owner, &kind);
                scope.spawn(move || {
                    for n in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let title = format!("Kill {round} {writer} {n}");
                        let body = format!("csrf={token}&title={}&type={kind}&owner={owner}&status=open", title.replace(' ', "+"));
                        let sent = browser.request("POST", "/cases").header("Content-Type", "application/x-www-form-urlencoded").body(body).send();
                        match sent {
                            Ok(answer) if answer.status().as_u16() == 303 => titles.lock().unwrap().push(title),
                            _ => return,
                        }
                    }
                });
            }
            let (browser, stop, files, token, page) = (&browser, &stop, &files, &token, &page);
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let (name, content) = (format!("kill-{round}-{n}.txt"), format!("content of {round} {n} ").repeat(9000));
                    let form = reqwest::blocking::multipart::Form::new().text("csrf", token.clone());
                    let form = form.part("file", reqwest::blocking::multipart::Part::text(content.clone()).file_name(name.clone()));
                    match browser.request("POST", page).multipart(form).send() {
                        Ok(answer) if answer.status().as_u16() == 303 => files.lock().unwrap().push((name, content)),
                        _ => return,
                    }
                }
            });
            thread::sleep(Duration::from_millis(150 + (round as u64 * 97) % 400));
            server.kill();
            stop.store(true, Ordering::Relaxed);
        });
        server = Server::at(&dir, &["--port", &port]);
        browser.url.clone_from(&server.url);
    }
    let (titles, files) = (titles.into_inner().unwrap(), files.into_inner().unwrap());
    println!("{KILLS} kills: {} cases and {} documents acknowledged", titles.len(), files.len());
    assert!(titles.len() > KILLS && files.len() >= KILLS / 2, "too little was written to prove anything");
    let mut listed = String::new();
    let mut next = Some("/cases?view=mine".to_owned());
    while let Some(path) = next {
        let page = browser.get(&path);
        listed.push_str(&page.body);
        next = page.links("/cases?").into_iter().find(|link| link.contains("after="));
    }
    let lost: Vec<&String> = titles.iter().filter(|title| !listed.contains(&format!("{title}<"))).collect();
    assert!(lost.is_empty(), "lost cases: {lost:?}");
    let mut documents = String::new();
    let mut next = Some(format!("{case}/documents"));
    while let Some(path) = next {
        let page = browser.get(&path);
        documents.push_str(&page.body);
        next = page.links(&format!("{case}/documents?after=")).into_iter().next();
    }
    for (name, content) in &files {
        let row = documents.split("<tr").find(|row| row.contains(&format!("{name}<"))).unwrap_or_else(|| panic!("lost document {name}"));
        let id = row.split("/documents/").nth(1).unwrap().split(['"', '/', '?']).next().unwrap();
        assert_eq!(browser.bytes(&format!("/documents/{id}/content")), (200, content.clone().into_bytes()), "{name}");
    }
    drop(server);
    let checked = std::process::Command::new(crate::world::BINARY).args(["audit", "verify", "--data"]).arg(&dir).output().unwrap();
    assert!(checked.status.success(), "the trail is unbroken: {}", String::from_utf8_lossy(&checked.stderr));
}
