//! Tells the program from which commit it is built, read where git keeps it, so that no git is needed.

use std::fs;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=SOURCE_COMMIT={}", commit().unwrap_or_else(|| "unknown".into()));
}

fn commit() -> Option<String> {
    let head = watched(".git/HEAD")?;
    let Some(branch) = head.strip_prefix("ref: ") else { return Some(head) };
    // Written at every commit: it tells that a packed branch has a file of its own now.
    watched(".git/logs/HEAD");
    watched(&format!(".git/{branch}")).or_else(|| watched(".git/packed-refs")?.lines().find_map(|line| Some(line.strip_suffix(branch)?.trim_end().to_owned())))
}

/// What the file holds; the program is built again when that changes.
fn watched(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    println!("cargo::rerun-if-changed={path}");
    Some(text.trim().to_owned())
}
