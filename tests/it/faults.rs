//! Damage, full disks and wrong starts: the right status or exit code, a sentence, and the server lives.

use crate::world::{self, BINARY, Server};
use std::{
    fs,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn site(dir: &Path) -> PathBuf {
    fs::read_dir(dir.join("sites")).unwrap().next().unwrap().unwrap().path()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

/// Exit code and the one line that was said.
fn said(out: &Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(text.lines().filter(|line| !line.starts_with('{')).count(), 1, "one line: {text}");
    (out.status.code().unwrap(), text)
}

#[test]
fn a_damaged_file_is_an_error_page_and_a_cut_download_never_false_bytes() {
    let server = Server::new(&[]);
    let priya = server.signed_in("Priya");
    let case = priya.open_case("Faults: a blob");
    let page = format!("{case}/documents");
    let before: Vec<PathBuf> = blobs(&server.dir);
    let plain: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    priya.upload(&page, vec![("damaged.bin", plain.clone())]);
    let blob = blobs(&server.dir).into_iter().find(|path| !before.contains(path)).unwrap();
    let listed = priya.get(&page);
    let id = listed.body.split("/documents/").nth(1).unwrap().split(['"', '/', '?']).next().unwrap().to_owned();
    let flip = |at: u64| {
        let file = fs::OpenOptions::new().read(true).write(true).open(&blob).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    };
    flip(600_000);
    let got = priya.raw(&format!("/documents/{id}/content")).send().unwrap();
    assert_eq!(got.status().as_u16(), 200);
    assert!(got.bytes().is_err(), "the download is cut");
    let part = priya.raw(&format!("/documents/{id}/content")).header("Range", "bytes=0-99999").send().unwrap();
    assert_eq!(part.bytes().unwrap(), plain[..100_000], "the good part is still good");
    flip(600_000);
    flip(100);
    let got = priya.get(&format!("/documents/{id}/content"));
    assert_eq!(got.status, 500);
    assert!(got.body.contains("Incident"), "an incident number");
    assert_eq!(priya.get("/today").status, 200);
}

fn blobs(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for folder in fs::read_dir(site(dir).join("blobs")).unwrap() {
        let folder = folder.unwrap();
        if folder.file_name() != "tmp" {
            out.extend(fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    out
}

#[test]
fn a_damaged_page_stops_writes_and_says_so() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let server = Server::at(&dir, &["--cases", "9000"]);
    let port = server.port().to_string();
    let priya = server.signed_in("Priya");
    let form = priya.get("/cases/new");
    let (token, owner, kind) = (form.token(), form.option("Priya Nair"), form.option("Visit"));
    assert!(server.stop().success());
    // Everything but the first pages, which hold the schema and what every start needs.
    for name in ["site.db", "site.db-wal"] {
        let file = fs::OpenOptions::new().write(true).open(site(&dir).join(name)).unwrap();
        let length = file.metadata().unwrap().len();
        let from = if name == "site.db" { 140 * 4096 } else { length };
        for at in (from..length).step_by(4096) {
            file.write_all_at(&[0xAA; 64], at + 1000).unwrap();
        }
    }
    let server = Server::at(&dir, &["--port", &port]);
    let mut codes: Vec<u16> = Vec::new();
    for path in ["/cases", "/cases?view=every", "/cases?q=adeyemi", "/cases?view=closed", "/today"] {
        codes.push(priya.get(path).status);
    }
    assert!(codes.contains(&500) || codes.contains(&503), "damage is found: {codes:?}");
    let ready = server.browser().get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("damaged"), "{}", ready.body);
    let refused = priya.post("/cases", &[("csrf", &token), ("title", "Damage: refused"), ("type", &kind), ("owner", &owner), ("status", "open")]);
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.body.contains("Nothing can be changed just now"), "{}", refused.body);
    assert_eq!(priya.get("/account").status, 200, "what needs no damaged page is read on");
    assert_eq!(server.browser().get("/healthz").status, 200, "the server lives");
}

#[test]
fn a_full_disk_stops_writing_and_nothing_else_and_heals_by_itself() {
    let mount = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=96m,mode=0700", "tmpfs"]).arg(mount.path()).status().unwrap();
    assert!(mounted.success(), "this test mounts a small file system and must run as root");
    let _unmount = Unmount(mount.path().into());
    let dir = mount.path().join("data");
    let server = Server::at(&dir, &[]);
    let priya = server.signed_in("Priya");
    let case = priya.open_case("Faults: full");
    let page = format!("{case}/documents");
    let form = priya.get("/cases/new");
    let (owner, kind) = (form.option("Priya Nair"), form.option("Visit"));
    let stuffing = mount.path().join("stuffing");
    let fill = |leave: u64| {
        let stat = rustix::fs::statvfs(mount.path()).unwrap();
        let free = stat.f_bavail * stat.f_frsize;
        fs::write(&stuffing, vec![0; usize::try_from(free.saturating_sub(leave)).unwrap()]).unwrap();
    };
    fill(6 << 20);
    let open = || priya.submit("/cases/new", "/cases", &[("title", "Full: refused"), ("type", &kind), ("owner", &owner), ("status", "open")]);
    let refused = open();
    assert_eq!(refused.status, 507, "{}", refused.body);
    assert!(refused.body.contains("Reading goes on") || refused.body.contains("reading goes on"));
    let upload = priya.upload(&page, vec![("big.bin", vec![7; 12 << 20])]);
    assert_eq!(upload.status, 507, "{}", upload.body);
    for path in ["/today", "/cases", case.as_str()] {
        assert_eq!(priya.get(path).status, 200, "reading goes on");
    }
    assert_eq!(server.signed_in("Daniel").get("/today").status, 200, "signing in goes on");
    assert_eq!(server.browser().get("/readyz").status, 503);
    fs::remove_file(&stuffing).unwrap();
    assert_eq!(open().status, 303, "it heals without a restart");
    assert_eq!(priya.upload(&page, vec![("small.bin", vec![7; 1000])]).status, 303);
    assert!(server.stop().success());
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn wrong_starts_end_with_one_line_and_the_fix() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("data");
    let mut server = Server::at(&dir, &["--cases", "1"]);
    let data = dir.display().to_string();
    let taken = run(&["demo", "--data", temporary.path().join("other").to_str().unwrap(), "--cases", "1", "--json", "--port", &server.port().to_string()]);
    let (code, line) = said(&taken);
    assert!(code == 75 && line.contains("is taken") && line.contains("--port"), "{code} {line}");
    let (code, line) = said(&run(&["serve", "--data", &data, "--port", "0"]));
    assert!(code == 75 && line.contains("in use"), "{code} {line}");
    server.kill();
    let foreign = temporary.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::set_permissions(&foreign, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(foreign.join("letter.txt"), "mine").unwrap();
    let (code, line) = said(&run(&["serve", "--data", foreign.to_str().unwrap(), "--port", "0"]));
    assert!(code == 78 && line.contains("not empty"), "{code} {line}");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    let (code, line) = said(&run(&["serve", "--data", &data, "--port", "0"]));
    assert!(code == 78 && line.contains("chmod 700"), "{code} {line}");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    fs::rename(dir.join("root.key"), dir.join("kept.key")).unwrap();
    let (code, line) = said(&run(&["serve", "--data", &data, "--port", "0"]));
    assert!(code == 78 && line.contains("--key-file"), "{code} {line}");
    let wrong = temporary.path().join("wrong.key");
    fs::write(&wrong, "11".repeat(32)).unwrap();
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o600)).unwrap();
    let (code, line) = said(&run(&["serve", "--data", &data, "--port", "0", "--key-file", wrong.to_str().unwrap()]));
    assert!(code == 78 && line.contains("does not open"), "{code} {line}");
    let (code, line) = said(&run(&["serve", "--data", &data, "--port", "0", "--key-file", dir.join("kept.key").to_str().unwrap(), "--tls-cert", "/dev/null", "--tls-key", "/dev/null"]));
    assert!(code == 78 && line.contains("certificate"), "{code} {line}");
}

#[test]
fn the_data_is_out_of_reach_of_other_users() {
    let world = world::shared();
    let mut open = Vec::new();
    let mut folders = vec![world.server.dir.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                folders.push(entry.path());
            }
            if meta.permissions().mode() & 0o077 != 0 {
                open.push(entry.path());
            }
        }
    }
    assert!(open.is_empty(), "others can reach {open:?}");
}
