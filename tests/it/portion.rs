//! One case or one document out of a backup, and what comes back when documents are lost at the destination.

use crate::{
    backups::Ground,
    world::Server,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every file below a folder, by its path there.
fn below(folder: &Path) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().display().to_string()),
            }
        }
    }
    found.sort();
    found
}

/// The reference that the page of a case shows.
fn reference(page: &str) -> String {
    let at = page.find("PH-").unwrap();
    page[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

#[test]
fn a_case_that_lost_its_papers_comes_out_of_the_backup_as_files() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "3"]);
    ground.add();
    let priya = server.signed_in("Priya");
    let (case, other) = (priya.open_case("Portion: wanted"), priya.open_case("Portion: another"));
    assert_eq!(priya.upload(&format!("{case}/documents"), vec![("Letter.txt", b"the first letter".to_vec()), ("Plan.txt", b"the plan".to_vec())]).status, 303);
    assert_eq!(priya.upload(&format!("{other}/documents"), vec![("Secret of another.txt", b"nothing to do with it".to_vec())]).status, 303);
    let reference = reference(&priya.get(&case).body);
    ground.print_kit();
    ground.now();
    let json = |more: &[&str]| -> Value {
        let (code, out, error) = ground.restore(&[&["--json", "--case", &reference.to_lowercase()], more].concat());
        assert_eq!(code, 0, "{error}");
        serde_json::from_str(&out).unwrap()
    };
    // First what there would be.
    let list = json(&["--dry-run"]);
    let names: Vec<&str> = list["documents"].as_array().unwrap().iter().map(|document| document["name"].as_str().unwrap()).collect();
    assert_eq!((names, ground.back.exists()), (vec!["Letter.txt", "Plan.txt"], false));
    // Then one document, and nothing else.
    json(&["--document", "letter.txt"]);
    assert_eq!((below(&ground.back), fs::read(ground.back.join("Letter.txt")).unwrap()), (vec!["Letter.txt".to_owned()], b"the first letter".to_vec()));
    // What was there is not touched.
    let (code, _, error) = ground.restore(&["--case", &reference]);
    assert!(code == 73 && error.contains("never overwrites"), "{code} {error}");
    fs::remove_dir_all(&ground.back).unwrap();
    // Then the case with everything about it, and nothing about another.
    let answer = json(&[]);
    assert_eq!(answer["problems"].as_array().map(Vec::len), Some(0));
    let files = below(&ground.back);
    assert!(["index.html", "README.txt", "SHA256SUMS", "data/cases.csv"].iter().all(|name| files.iter().any(|file| file == name)), "{files:?}");
    let plan = files.iter().find(|file| file.ends_with("/Plan.txt")).unwrap();
    assert_eq!(fs::read(ground.back.join(plan)).unwrap(), b"the plan");
    for file in &files {
        let bytes = fs::read(ground.back.join(file)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("another"), "{file} tells of another case");
    }
    fs::remove_dir_all(&ground.back).unwrap();
    // What is not there is said so.
    for (more, says) in [(&["--case", "PH-1999-0001"][..], "no case with the reference"), (&["--case", &reference, "--document", "Missing.txt"], "no document “Missing.txt”"), (&["--document", "Plan.txt"], "--case")] {
        let (code, _, error) = ground.restore(more);
        assert!(code == 2 && error.contains(says) && !ground.back.exists(), "{code} {error}");
    }
    assert_eq!(fs::read_dir(ground.back.parent().unwrap()).unwrap().filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "restoring")).count(), 0);
}

/// The largest object of documents at the destination.
fn largest_blob(there: &Path) -> PathBuf {
    let all = below(there).into_iter().filter(|path| path.contains("blob/")).map(|path| there.join(path));
    all.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
}

#[test]
fn documents_that_are_lost_at_the_destination_are_named_and_keep_nothing_else_back() {
    let ground = Ground::new();
    let server = Server::at(&ground.data, &["--cases", "2"]);
    ground.add();
    let priya = server.signed_in("Priya");
    let case = priya.open_case("Portion: spoiled");
    let large = vec![b'x'; 3 << 20];
    assert_eq!(priya.upload(&format!("{case}/documents"), vec![("Whole.txt", b"whole".to_vec()), ("Spoiled.bin", large)]).status, 303);
    let reference = reference(&priya.get(&case).body);
    ground.print_kit();
    ground.now();
    assert!(server.stop().success());
    let spoiled = largest_blob(&ground.there);
    let mut bytes = fs::read(&spoiled).unwrap();
    bytes[2 << 20] ^= 1;
    fs::write(&spoiled, &bytes).unwrap();
    for gone in [false, true] {
        if gone {
            fs::remove_file(&spoiled).unwrap();
        }
        let (code, _, error) = ground.restore(&[]);
        assert!(code == 1 && error.contains("Spoiled.bin") && error.contains("--incomplete") && !ground.back.exists(), "{code} {error}");
        let (code, out, error) = ground.restore(&["--incomplete"]);
        assert!(code == 0 && out.contains("LOST-DOCUMENTS.txt"), "{code} {out} {error}");
        let lost = fs::read_to_string(ground.back.join("LOST-DOCUMENTS.txt")).unwrap();
        assert!(lost.contains(&format!("{reference}: Spoiled.bin (version 1)")) && !lost.contains("Whole.txt"), "{lost}");
        fs::remove_dir_all(&ground.back).unwrap();
        let (code, out, error) = ground.restore(&["--case", &reference]);
        assert!(code == 1 && out.contains("Spoiled.bin") && error.contains("not whole"), "{code} {out} {error}");
        let files = below(&ground.back);
        assert!(files.iter().any(|file| file.ends_with("/Whole.txt")) && files.iter().any(|file| file == "PROBLEMS.txt"), "{files:?}");
        fs::remove_dir_all(&ground.back).unwrap();
    }
}
