//! The shape of the house: who may import whom, how large a file may be, that migrations never change, that nothing is unescaped.

use std::{
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Lines of production code in a file; the few that are longer say why. This list only shrinks.
const LONGEST: usize = 400;

/// The files with this ending below a folder; a file is given as itself.
fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![Path::new(ROOT).join(folder)];
    if folders[0].is_file() {
        return folders;
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false if entry.path().extension().is_some_and(|e| e == end) => out.push(entry.path()),
                false => {}
            }
        }
    }
    assert!(!out.is_empty(), "{folder}");
    out
}

fn production(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned()
}

/// `a::{b, c::{d, e as f}}` as `a::b::`, `a::c::d::` and `a::c::e::`.
fn flat(path: &str) -> Vec<String> {
    let Some((head, tail)) = path.split_once('{') else { return vec![format!("{}::", path.split(" as ").next().unwrap().trim())] };
    let mut depth = 0;
    let parts = tail.rsplit_once('}').map_or(tail, |(inner, _)| inner).split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    parts.filter(|part| !part.trim().is_empty()).flat_map(flat).map(|part| format!("{}{part}", head.trim())).collect()
}

/// The code without its comments, followed by all its imports, each in full.
fn code(path: &Path) -> String {
    let text: String = production(path).lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let imports: Vec<String> = text.split("use ").skip(1).filter_map(|rest| rest.split_once(';')).flat_map(|(path, _)| flat(path)).collect();
    text + "\n" + &imports.join("\n")
}

#[test]
fn nested_imports_are_told_in_full() {
    let nested = "crate::{\n    gate::{Gate, tls::{self, Certificate}},\n    web as pages,\n}";
    assert_eq!(flat(nested), ["crate::gate::Gate::", "crate::gate::tls::self::", "crate::gate::tls::Certificate::", "crate::web::"]);
    assert_eq!(flat("crate::gate"), ["crate::gate::"]);
}

#[test]
fn siblings_do_not_import_each_other() {
    for (room, strangers) in [
        ("src/gate", &["crate::web", "crate::cmd", "crate::app", "crate::demo", "store::"][..]),
        ("src/web", &["crate::gate::", "crate::cmd", "crate::app", "crate::demo", "rusqlite"]),
        ("src/control", &["crate::web", "crate::gate", "crate::cmd", "crate::app", "crate::demo", "crate::jobs", "rusqlite"]),
        ("src/export", &["crate::web", "crate::gate", "crate::cmd", "crate::app", "crate::demo", "crate::jobs", "crate::control", "crate::backup", "rusqlite", "rocket"]),
        ("src/backup", &["crate::web", "crate::gate", "crate::cmd", "crate::app", "crate::demo", "crate::jobs", "crate::control", "rusqlite"]),
        ("src/jobs", &["crate::web", "crate::gate", "crate::cmd", "crate::app", "crate::demo", "rusqlite"]),
        ("src/cmd", &["crate::web::desk", "crate::gate", "rusqlite"]),
        // The demo firm takes the clock and the key from `app`, as the commands do, and nobody but the commands takes anything from it.
        ("src/demo", &["crate::web", "crate::gate", "crate::cmd", "rusqlite", "rocket::"]),
        ("src/app", &["crate::cmd", "crate::demo", "rusqlite"]),
        ("src/config.rs", &["crate::"]),
        ("src/gate_header.rs", &["crate::"]),
        ("crates/store/src", &["ship::", "rocket", "tera::"]),
        ("crates/ship/src", &["store::", "rusqlite", "rocket"]),
        ("crates/keys/src", &["store::", "rusqlite", "rocket", "tokio"]),
        ("crates/rules/src", &["keys::", "std::fs", "std::net", "SystemTime", "rocket", "rusqlite"]),
    ] {
        for path in files(room, "rs") {
            let text = code(&path);
            for stranger in strangers {
                // `restore::` is not `store::`.
                let named = text.match_indices(stranger).any(|(at, _)| !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_'));
                assert!(!named, "{} imports {stranger}", path.display());
            }
        }
    }
}

#[test]
fn files_are_short_and_begin_with_what_they_are_for() {
    for path in files("src", "rs").into_iter().chain(files("crates", "rs")) {
        let text = production(&path);
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
        assert!(text.lines().count() <= LONGEST, "{} has {} lines", path.display(), text.lines().count());
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!["utils", "util", "helpers", "helper", "common", "misc", "manager"].contains(&name.as_str()), "{name}");
    }
}

#[test]
fn every_file_of_these_tests_is_run() {
    let main = fs::read_to_string(Path::new(ROOT).join("tests/it/main.rs")).unwrap();
    for path in files("tests/it", "rs") {
        let line = format!("mod {};", path.file_stem().unwrap().display());
        assert!(path.ends_with("main.rs") || main.lines().any(|l| l == line), "tests/it/main.rs does not say: {line}");
    }
}

#[test]
fn migrations_are_locked() {
    let lock = fs::read_to_string(Path::new(ROOT).join("migrations/LOCK")).unwrap();
    let mut locked: Vec<(String, String)> = lock.lines().map(|line| line.split_once("  ").unwrap()).map(|(hash, path)| (path.into(), hash.into())).collect();
    let mut found: Vec<(String, String)> = files("migrations", "sql")
        .iter()
        .map(|path| {
            let name = path.strip_prefix(Path::new(ROOT).join("migrations")).unwrap().display().to_string();
            (name, keys::nonce::hex(&keys::nonce::sha256(&fs::read(path).unwrap())))
        })
        .collect();
    locked.sort();
    found.sort();
    assert_eq!(found, locked, "a migration that was released never changes; a new one is added with: cd migrations && sha256sum */*.sql > LOCK");
}

#[test]
fn nothing_is_unescaped_inline_or_from_elsewhere() {
    for path in files("assets/templates", "html") {
        let text = fs::read_to_string(&path).unwrap();
        for bad in ["| safe", "|safe", "style=\"", "onclick", "javascript:", "<script>", "http://", "https://"] {
            assert!(!text.contains(bad), "{} has {bad}", path.display());
        }
        for form in text.split("<form").skip(1).filter(|form| form.split('>').next().unwrap().contains("method=\"post\"")) {
            assert!(form.split("</form>").next().unwrap().contains("csrf"), "{} has a form without its token", path.display());
        }
    }
    for path in files("assets/js", "js") {
        let text = fs::read_to_string(&path).unwrap();
        for bad in ["innerHTML", "insertAdjacentHTML", "eval(", "document.write", "http://", "https://"] {
            assert!(!text.contains(bad), "{} has {bad}", path.display());
        }
    }
}
