//! Uploads that mean no good: heads without an end, senders who take their time, more files than anybody has.

use crate::world::{Browser, Server};
use std::{
    io::Read,
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

const FORM: &str = "multipart/form-data; boundary=b";

fn head(priya: &Browser, page: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n", priya.get(page).token())
}

fn file(name: &str, content: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{content}\r\n")
}

/// Kilobytes, or a number, of a line of /proc/<pid>/status.
fn status(server: &Server, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_head_without_an_end_is_refused_and_not_gathered_in_memory() {
    let server = Server::new(&["--cases", "1"]);
    let priya = server.signed_in("Priya");
    let page = format!("{}/documents", priya.open_case("Uploads: no end"));
    let before = status(&server, "VmRSS");
    for start in [String::new(), head(&priya, &page), head(&priya, &page) + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\""] {
        let body = [start.into_bytes(), vec![b'a'; 64 << 20]].concat();
        // Without a token that is 403, with one 422. The server hangs up in the middle of it: the gate may say 503 first, or the connection ends.
        if let Ok(answer) = priya.request("POST", &page).header("Content-Type", FORM).body(body).send() {
            assert!([403, 422, 503].contains(&answer.status().as_u16()), "{}", answer.status());
        }
        let grown = status(&server, "VmRSS").saturating_sub(before);
        assert!(grown < 20 * 1024, "grew by {grown} KiB");
    }
    assert_eq!(priya.get("/today").status, 200);
}

/// Gives its head at once, and the rest when it is told to.
struct Slow {
    head: std::io::Cursor<Vec<u8>>,
    rest: std::io::Cursor<Vec<u8>>,
    go: Receiver<()>,
    told: bool,
}

impl Read for Slow {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        match self.head.read(out)? {
            0 => {
                self.told = self.told || self.go.recv().is_ok();
                self.rest.read(out)
            }
            n => Ok(n),
        }
    }
}

#[test]
fn slow_uploads_hold_up_nobody_and_are_counted() {
    let server = Server::new(&["--cases", "1"]);
    let priya = server.signed_in("Priya");
    let page = format!("{}/documents", priya.open_case("Uploads: slow"));
    let threads = status(&server, "Threads");
    let slow = |n: usize| {
        let (tell, go) = channel();
        let begun = head(&priya, &page) + &format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"slow {n}.txt\"\r\n\r\n") + &"slow ".repeat(4000);
        let body = Slow { head: std::io::Cursor::new(begun.into_bytes()), rest: std::io::Cursor::new(b"ly\r\n--b--\r\n".to_vec()), go, told: false };
        let request = priya.request("POST", &page).header("Content-Type", FORM).body(reqwest::blocking::Body::new(body));
        (tell, std::thread::spawn(move || request.send().unwrap().status().as_u16()))
    };
    let under_way: Vec<_> = (0..8).map(slow).collect();
    let site = std::fs::read_dir(server.dir.join("sites")).unwrap().next().unwrap().unwrap().path();
    let until = Instant::now() + Duration::from_secs(30);
    while std::fs::read_dir(site.join("blobs/tmp")).unwrap().count() < 8 {
        assert!(Instant::now() < until, "eight files are being written");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(priya.upload(&page, vec![("ninth.txt", b"ninth".to_vec())]).status, 503, "one person has eight uploads at once");
    let ruth = server.signed_in("Ruth");
    assert_eq!(ruth.get("/today").status, 200, "nobody else waits");
    assert!(status(&server, "Threads") < threads + 12, "no thread waits for a sender");
    for (tell, upload) in under_way {
        tell.send(()).unwrap();
        assert_eq!(upload.join().unwrap(), 303);
    }
    assert_eq!(priya.upload(&page, vec![("tenth.txt", b"tenth".to_vec())]).status, 303);
}

#[test]
fn one_form_takes_so_many_files_and_says_which_were_kept() {
    let server = Server::new(&["--cases", "1"]);
    let priya = server.signed_in("Priya");
    let case = priya.open_case("Uploads: many");
    let page = format!("{case}/documents");
    let files: String = (0..260).map(|n| file(&format!("file {n}.txt"), if n < 3 { "kept" } else { "" })).collect();
    let body = format!("{}{files}--b--\r\n", head(&priya, &page));
    let answer = priya.request("POST", &page).header("Content-Type", FORM).header("Accept", "application/json").body(body).send().unwrap();
    assert_eq!(answer.status().as_u16(), 422);
    let told: serde_json::Value = serde_json::from_str(&answer.text().unwrap()).unwrap();
    assert_eq!(told["kept"].as_array().unwrap().len(), 3);
    let refused = told["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 198, "each empty file of the first two hundred, and one row for the rest");
    assert!(refused.last().unwrap()["why"].as_str().unwrap().contains("200 files at most"));
}

#[test]
fn a_field_of_a_form_changes_no_method_and_a_link_makes_no_button_of_its_own() {
    let server = Server::new(&["--cases", "1"]);
    for method in ["HEAD", "GET", "DELETE"] {
        assert_eq!(server.browser().post("/help", &[("_method", method)]).status, 404, "{method}");
    }
    let priya = server.signed_in("Priya");
    for id in ["../sign-out?", "abc/trash?", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/", "%22%3E%3Cform"] {
        let page = priya.get(&format!("/today?said=trashed&document={id}"));
        assert!(!page.body.contains("/documents/") || !page.body.contains("/restore"), "{id}");
    }
}
