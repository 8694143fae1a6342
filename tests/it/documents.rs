//! Files in, files out.

use crate::world::{self, Server};
use std::io::Write;

/// Bytes that do not repeat.
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut out = Vec::with_capacity(size + 8);
    while out.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(size);
    out
}

/// Path of the content of the newest document called `name`.
fn content(browser: &world::Browser, case: &str, name: &str) -> String {
    let page = browser.get(&format!("{case}/documents"));
    let row = page.body.split("<tr").find(|row| row.contains(name)).unwrap_or_else(|| panic!("{name} is not listed"));
    let id = row.split("/documents/").nth(1).unwrap().split(['"', '/', '?']).next().unwrap().to_owned();
    format!("/documents/{id}/content")
}

fn demo_file(end: &str) -> Vec<u8> {
    let priya = world::shared().actor("Priya");
    let case = priya.get("/cases?q=adeyemi").links("/cases/").into_iter().find(|l| l.len() == 39).unwrap();
    let page = priya.get(&format!("{case}/documents"));
    let row = page.body.split("<tr").find(|row| row.contains(end)).unwrap();
    let id = row.split("/documents/").nth(1).unwrap().split(['"', '/', '?']).next().unwrap();
    priya.bytes(&format!("/documents/{id}/content")).1
}

#[test]
fn three_real_files_come_back_byte_for_byte() {
    let priya = world::shared().actor("Priya");
    let case = priya.open_case("Files: three real ones");
    let (pdf, docx, large) = (demo_file(".pdf"), demo_file(".docx"), noise(100 * 1024 * 1024, 7));
    assert!(pdf.starts_with(b"%PDF") && docx.starts_with(b"PK"));
    let kept = priya.upload(&format!("{case}/documents"), vec![("letter.pdf", pdf.clone()), ("note.docx", docx.clone()), ("large.bin", large.clone())]);
    assert_eq!(kept.status, 303, "{}", kept.body);
    for (name, bytes) in [("letter.pdf", pdf), ("note.docx", docx), ("large.bin", large)] {
        let (status, got) = priya.bytes(&content(&priya, &case, name));
        assert_eq!(status, 200);
        assert!(got == bytes, "{name} differs");
    }
}

#[test]
fn parts_heads_and_names() {
    let priya = world::shared().actor("Priya");
    let case = priya.open_case("Files: parts");
    let bytes = noise(200_000, 3);
    priya.upload(&format!("{case}/documents"), vec![("結婚証明書 شهادة.pdf", bytes.clone())]);
    let path = content(&priya, &case, "結婚証明書");
    let part = |range: &str| {
        let got = priya.raw(&path).header("Range", range).send().unwrap();
        let field = got.headers().get("content-range").map(|v| v.to_str().unwrap().to_owned());
        (got.status().as_u16(), field, got.bytes().unwrap().to_vec())
    };
    assert_eq!(part("bytes=65530-65545"), (206, Some("bytes 65530-65545/200000".into()), bytes[65530..=65545].to_vec()));
    assert_eq!(part("bytes=-10"), (206, Some("bytes 199990-199999/200000".into()), bytes[199_990..].to_vec()));
    assert_eq!(part("bytes=131072-").2, bytes[131_072..]);
    assert_eq!((part("bytes=200000-").0, part("bytes=200000-").1), (416, Some("bytes */200000".into())));
    let head = priya.request("HEAD", &path).send().unwrap();
    assert_eq!(head.status().as_u16(), 200);
    assert_eq!(head.headers()["content-length"], "200000");
    assert_eq!(head.headers()["content-type"], "application/pdf");
    let disposition = head.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(disposition.starts_with("attachment; ") && disposition.contains("filename*=UTF-8''%E7%B5%90%E5%A9%9A"), "{disposition}");
    assert_eq!(head.headers()["content-security-policy"], "sandbox; default-src 'none'");
    assert_eq!(head.headers()["x-content-type-options"], "nosniff");
    assert!(head.bytes().unwrap().is_empty());
}

#[test]
fn what_cannot_be_kept_is_refused_with_the_reason_and_the_rest_is_kept() {
    let server = Server::new(&["--upload-limit-mb", "1"]);
    let priya = server.signed_in("Priya");
    let case = priya.open_case("Files: refused");
    let page = format!("{case}/documents");
    let got = priya.upload(&page, vec![("empty.txt", Vec::new()), ("../../etc/passwd", b"x".to_vec()), ("large.bin", noise(1_000_001, 1)), ("fits.bin", noise(1_000_000, 2))]);
    assert_eq!(got.status, 422);
    for sentence in ["it has 0 bytes", "It is larger than 1\u{a0}MB", "passwd", "fits.bin"] {
        assert!(got.body.contains(sentence), "{sentence}");
    }
    let listed = priya.get(&page);
    assert!(listed.body.contains("passwd") && listed.body.contains("fits.bin") && !listed.body.contains("etc/passwd"));
    assert!(!listed.body.contains("large.bin") && !listed.body.contains("empty.txt"));
    assert_eq!(priya.upload(&page, Vec::new()).status, 422, "no file at all");
    let left = std::fs::read_dir(server.dir.join("sites")).unwrap().next().unwrap().unwrap().path().join("blobs/tmp");
    assert_eq!(std::fs::read_dir(left).unwrap().count(), 0, "nothing half done is left");
}

#[test]
fn a_broken_form_stores_nothing_by_halves() {
    let world = world::shared();
    let priya = world.actor("Priya");
    let case = priya.open_case("Files: broken");
    let page = format!("{case}/documents");
    let token = priya.get(&page).token();
    let head = format!("--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cut.bin\"\r\n\r\n");
    let send = |kind: &str, body: Vec<u8>| priya.request("POST", &page).header("Content-Type", kind.to_owned()).body(body).send().unwrap();
    let cut = send("multipart/form-data; boundary=b", [head.as_bytes(), &noise(300_000, 5)].concat());
    assert_eq!(cut.status().as_u16(), 422);
    assert!(cut.text().unwrap().contains("broke off"));
    assert_eq!(send("multipart/form-data", Vec::new()).status().as_u16(), 422, "no boundary");
    assert_eq!(send("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n".to_vec()).status().as_u16(), 403, "no token");
    assert!(!priya.get(&page).body.contains("cut.bin"));
}

#[test]
fn trash_and_undo() {
    let priya = world::shared().actor("Priya");
    let case = priya.open_case("Files: trash");
    let page = format!("{case}/documents");
    priya.upload(&page, vec![("gone.txt", b"here".to_vec())]);
    let path = content(&priya, &case, "gone.txt");
    let document = path.strip_suffix("/content").unwrap();
    let trashed = priya.submit(&page, &format!("{document}/trash"), &[]);
    assert_eq!(trashed.status, 303);
    let after = priya.get(trashed.location.as_deref().unwrap());
    assert!(after.body.contains("in the trash") && after.body.contains(&format!("{document}/restore")));
    assert_eq!(priya.get(&path).status, 404, "the content is not handed out from the trash");
    let again = priya.submit(&page, &format!("{document}/trash"), &[]);
    assert!(priya.get(again.location.as_deref().unwrap()).body.contains("It is in the trash already"));
    let history = priya.get(&format!("{case}/history")).body;
    assert_eq!(history.matches("moved a document to the trash").count(), 1, "what changed nothing is no event");
    assert_eq!(priya.submit(&page, &format!("{document}/restore"), &[]).status, 303);
    assert_eq!(priya.bytes(&path), (200, b"here".to_vec()));
}

#[test]
fn memory_stays_flat_over_a_gigabyte() {
    let server = Server::new(&[]);
    let priya = server.signed_in("Priya");
    let case = priya.open_case("Files: a gigabyte");
    let page = format!("{case}/documents");
    let token = priya.get(&page).token();
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    let piece = noise(1 << 20, 9);
    let there_and_back = |megabytes: u64, name: &str| {
        let mut file = tempfile::tempfile().unwrap();
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        file.write_all(head.as_bytes()).unwrap();
        (0..megabytes).for_each(|_| file.write_all(&piece).unwrap());
        file.write_all(b"\r\n--b--\r\n").unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let sent = priya.request("POST", &page).header("Content-Type", "multipart/form-data; boundary=b").timeout(std::time::Duration::from_secs(300)).body(file).send().unwrap();
        assert_eq!(sent.status().as_u16(), 303);
        let got = priya.raw(&content(&priya, &case, name)).timeout(std::time::Duration::from_secs(300)).send().unwrap();
        let mut sum = Count(0);
        std::io::copy(&mut { got }, &mut sum).unwrap();
        assert_eq!(sum.0, megabytes << 20);
        resident()
    };
    // What the first upload of all needs once is not what a larger one needs more.
    there_and_back(8, "small.bin");
    // The peak from here on: not that of the sign-in, whose hash takes far more than a file (proc(5), clear_refs).
    std::fs::write(format!("/proc/{}/clear_refs", server.pid()), "5").unwrap();
    let before = resident();
    let grown = there_and_back(1024, "gigabyte.bin") - before;
    assert!(grown < 32 * 1024, "grew by {grown} KiB over {before} KiB");
}

struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn versions_stay_as_they_came_and_whoever_holds_a_document_is_named() {
    let (priya, ruth) = (world::shared().actor("Priya"), world::shared().actor("Ruth"));
    let case = priya.open_case("Files: versions");
    let access = format!("{case}/access");
    let whom = priya.get(&access).option("Ruth Feldman");
    assert_eq!(priya.submit(&access, &access, &[("user", &whom), ("level", "contribute")]).status, 303);
    assert_eq!(priya.upload(&format!("{case}/documents"), vec![("Letter.txt", b"first".to_vec())]).status, 303);
    let page = content(&priya, &case, "Letter.txt").replace("/content", "");
    let add = |browser: &world::Browser, name: &str, bytes: &[u8], reason: &str| {
        let form = reqwest::blocking::multipart::Form::new().text("csrf", browser.get(&page).token()).text("reason", reason.to_owned());
        let form = form.part("file", reqwest::blocking::multipart::Part::bytes(bytes.to_vec()).file_name(name.to_owned()));
        let answer = browser.request("POST", &format!("{page}/versions")).multipart(form).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    };
    for (name, bytes, sentence) in [("Letter.txt", &b"first"[..], "the same file as version 1"), ("Letter.pdf", b"%PDF", "another sort of file"), ("Letter.txt", b"", "is empty")] {
        let (status, body) = add(&ruth, name, bytes, "");
        assert!(status == 422 && body.contains(sentence), "{status} {body}");
    }
    assert_eq!(add(&ruth, "Letter, by Ruth.TXT", b"second", "Her address was wrong").0, 303);
    let shown = priya.get(&page).body;
    assert!(shown.contains("Her address was wrong") && shown.contains("Ruth Feldman") && shown.contains("Version 2"), "{shown}");
    assert_eq!(priya.bytes(&format!("{page}/content")), (200, b"second".to_vec()));
    assert_eq!(priya.bytes(&format!("{page}/content?version=1")), (200, b"first".to_vec()));
    assert_eq!(priya.bytes(&format!("{page}/content?version=3")).0, 404);

    assert_eq!(ruth.submit(&page, &format!("{page}/check-out"), &[]).status, 303);
    let (status, body) = add(&priya, "Letter.txt", b"third", "");
    assert!(status == 422 && body.contains("Ruth Feldman has this document checked out"), "{status} {body}");
    assert_eq!(priya.submit(&page, &format!("{page}/trash"), &[]).status, 422);
    assert_eq!(add(&ruth, "Letter.txt", b"third", "").0, 303, "who holds it adds the next one");
    assert_eq!(priya.submit(&page, &format!("{page}/check-out"), &[]).status, 303, "and it is free again");
    assert_eq!(ruth.submit(&page, &format!("{page}/check-in"), &[]).status, 403, "only its holder and those who manage the case end it");
    assert_eq!(priya.submit(&page, &format!("{page}/check-in"), &[]).status, 303);
    assert_eq!(add(&ruth, "Letter.txt", b"fourth", &"x".repeat(300)).0, 422);
    assert!(!priya.get(&page).body.contains("Version 4"));
}
