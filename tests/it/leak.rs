//! Canaries: text that was typed or uploaded is nowhere in the data directory, in no usual disguise.

use crate::{backups::command, world::Server};
use base64::Engine;
use std::path::{Path, PathBuf};

/// The ways in which text is commonly written down.
fn disguises(canary: &str) -> Vec<Vec<u8>> {
    let bytes = canary.as_bytes();
    let wide = |order: fn(u16) -> [u8; 2]| canary.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let mut all = vec![bytes.to_vec(), wide(u16::to_le_bytes), wide(u16::to_be_bytes), keys::nonce::hex(bytes).into_bytes(), keys::nonce::hex(bytes).to_uppercase().into_bytes()];
    // Base64 of text in the middle of something else: three alignments, their uncertain ends cut off.
    for shift in 0..3 {
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode([&vec![0; shift], bytes].concat());
        let core = &encoded.as_bytes()[if shift == 0 { 0 } else { shift + 1 }..encoded.len() - 1];
        all.push(core.to_vec());
    }
    all
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() { files(&entry.path(), out) } else { out.push(entry.path()) }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn no_canary_is_found_in_the_data_directory_or_at_a_destination() {
    let server = Server::new(&[]);
    let there = tempfile::tempdir().unwrap();
    let backups = |arguments: &[&str]| {
        let (code, out, error) = command(&[arguments, &["--data", server.dir.to_str().unwrap()]].concat(), "");
        assert_eq!(code, 0, "{out} {error}");
    };
    backups(&["dest", "add", "office", "--dir", there.path().to_str().unwrap()]);
    let canary = |what: &str| format!("canary{what}{}", keys::nonce::hex(&keys::nonce::random::<8>().unwrap()));
    let (title, summary, file, content, reason, search) = (canary("title"), canary("summary"), canary("file"), canary("content"), canary("reason"), canary("search"));
    let priya = server.signed_in("Priya");
    let form = priya.get("/cases/new");
    let (owner, kind) = (form.option("Priya Nair"), form.option("Visit"));
    let opened = priya.submit("/cases/new", "/cases", &[("title", &title), ("summary", &summary), ("type", &kind), ("owner", &owner), ("status", "open")]);
    let case = opened.made_case();
    assert_eq!(priya.upload(&format!("{case}/documents"), vec![(&format!("{file}.txt"), content.repeat(20_000).into_bytes())]).status, 303);
    let access = format!("{case}/access");
    let user = priya.get(&access).option("Ruth Feldman");
    assert_eq!(priya.submit(&access, &access, &[("user", &user), ("level", "read"), ("reason", &reason)]).status, 303);
    priya.get(&format!("/cases?q={search}"));
    std::thread::sleep(std::time::Duration::from_millis(400));
    let known = ["Adeyemi: spouse extension", "folake.adeyemi@example.com", "priya.nair@pellharrow.example", "Pell & Harrow", "Home Office"];
    let secrets = [server.password("Priya"), server.email("Marta")];
    let canaries: Vec<String> = [title, summary, file, content, reason, search].into_iter().chain(known.map(str::to_owned)).chain(secrets).collect();
    backups(&["backup", "now"]);
    let (mut all, mut shipped) = (Vec::new(), Vec::new());
    files(&server.dir, &mut all);
    files(there.path(), &mut shipped);
    assert!(["part", "blob", "log", "base"].iter().all(|folder| shipped.iter().any(|path| path.starts_with(there.path().join(folder)))));
    // The root key lies in the data directory of this installation, and is never shipped.
    let key = std::fs::read_to_string(server.dir.join("root.key")).unwrap().trim().to_owned();
    let raw: Vec<u8> = key.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    for path in &shipped {
        let bytes = std::fs::read(path).unwrap();
        assert!(!find(&bytes, &raw) && !find(&bytes, key.as_bytes()), "the root key in {}", path.display());
    }
    all.extend(shipped);
    assert!(all.iter().any(|path| path.ends_with("site.db")) && all.iter().any(|path| path.ends_with("site.db-wal")) && all.len() > 20);
    let mut scanned = 0;
    for path in &all {
        let Ok(bytes) = std::fs::read(path) else { continue };
        scanned += bytes.len();
        for canary in &canaries {
            for disguise in disguises(canary) {
                assert!(!find(&bytes, &disguise), "{canary} in {}", path.display());
            }
        }
        let name = path.display().to_string();
        assert!(canaries.iter().all(|canary| !name.contains(canary.as_str())), "{name}");
    }
    assert!(all.len() > 5 && scanned > 100_000, "{} files, {scanned} bytes", all.len());
    let plain = format!("xx{}yy", canaries[0]);
    assert!(disguises(&canaries[0]).iter().any(|d| find(plain.as_bytes(), d)), "the scan finds what is there");
}
