//! `backup`: one now, and how they stand.

use super::{
    Failure,
    console::{Where, columns, done, rows, text},
    dest, passphrase,
};
use crate::{
    backup::place::Place,
    config::Settings,
    control::order::{Confided, Order},
};
use clap::{Args, Subcommand};
use rules::Secret;
use serde_json::Value;
use std::fmt::Write;

#[derive(Subcommand)]
pub(super) enum Backup {
    /// Bring everything to every place now
    Now(Now),
    /// Print how the backups stand; exit code 1 when something is wrong
    Status(Status),
    /// Print which states can be restored from where
    List(OfPlace),
    /// Look whether everything is there and whole; exit code 1 when it is not
    Verify(Verify),
    /// Print what need not be kept, and remove it with --apply
    Prune(Prune),
    /// Restore from every place into nothing, and print what came of it; exit code 1 unless all passed
    Drill(Drill),
}

#[derive(Args)]
pub(super) struct Drill {
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct OfPlace {
    /// One place alone
    name: Option<String>,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct Verify {
    /// One place alone
    name: Option<String>,
    /// Read every byte of every state, not only the newest
    #[arg(long)]
    deep: bool,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct Prune {
    /// One place alone
    name: Option<String>,
    /// Remove it
    #[arg(long)]
    apply: bool,
    /// Another key for the S3 server of this place, which may remove there; its secret is asked for, and not kept
    #[arg(long, value_name = "KEY", requires = "name")]
    access_key: Option<String>,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct Now {
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct Status {
    #[command(flatten)]
    at: Where,
}

impl Backup {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (at, order) = match self {
            Backup::Now(Now { at }) => (at, Order::BackupNow),
            Backup::Status(Status { at }) => (at, Order::BackupStatus),
            Backup::Drill(Drill { at }) => return drill(&at),
            Backup::List(OfPlace { name, at }) => {
                let answer = done(&at.settings()?, Order::BackupList { name })?;
                at.say(&answer, held)?;
                return every_place(&answer);
            }
            Backup::Verify(Verify { name, deep, at }) => return verify(&at, name, deep),
            Backup::Prune(prune) => return prune.run(),
        };
        let answer = done(&at.settings()?, order)?;
        at.say(&answer, dest::table)?;
        match is_well(&answer) {
            true => Ok(()),
            false => Err(Failure::new(1, "Not everything is backed up as it should be.")),
        }
    }
}

fn drill(at: &Where) -> Result<(), Failure> {
    let answer = done(&at.settings()?, Order::BackupDrill)?;
    at.say(&answer, reports)?;
    let drills = rows(&answer, "drills");
    match !drills.is_empty() && drills.iter().all(|drill| text(drill, "outcome") == "passed") {
        true => Ok(()),
        false => Err(Failure::new(1, "Not every place could be restored from. What is damaged there was brought again, as far as that is possible: make another drill to see.")),
    }
}

fn verify(at: &Where, name: Option<String>, deep: bool) -> Result<(), Failure> {
    let answer = done(&at.settings()?, Order::BackupVerify { name, deep })?;
    at.say(&answer, looked)?;
    let reached = every_place(&answer);
    match rows(&answer, "verified").iter().all(|row| rows(row, "wrong").is_empty()) {
        true => reached,
        false => Err(Failure::new(1, reached.err().map_or_else(String::new, |failure| failure.text + " ") + "Not everything there is as it should be. What can be healed is brought again within minutes by a server that runs, or now by: strongroom backup drill")),
    }
}

/// Fails when nothing could be done at some place; the others were told of before.
fn every_place(answer: &Value) -> Result<(), Failure> {
    let failed = rows(answer, "failed");
    let Some(first) = failed.first() else { return Ok(()) };
    let why: Vec<String> = failed.iter().map(|row| format!("{}: {}", text(row, "destination"), text(row, "why"))).collect();
    Err(Failure::new(first.get("exit").and_then(Value::as_u64).and_then(|exit| u8::try_from(exit).ok()).unwrap_or(1), why.join(" ")))
}

impl Prune {
    fn run(self) -> Result<(), Failure> {
        let settings = self.at.settings()?;
        let with = match (&self.name, self.access_key) {
            (Some(name), Some(key)) => Some(Confided(other_way(&settings, name, key)?)),
            _ => None,
        };
        let answer = done(&settings, Order::BackupPrune { name: self.name, with, apply: self.apply })?;
        self.at.say(&answer, pruned)?;
        every_place(&answer)
    }
}

/// The same place with another key, whose secret is asked for.
fn other_way(settings: &Settings, name: &str, key: String) -> Result<Secret<String>, Failure> {
    let answer = done(settings, Order::DestPlace { name: name.into() })?;
    let place = Place::read(text(&answer, "place")).map_err(|why| Failure::new(2, why))?;
    let Place::S3 { endpoint, region, bucket, prefix, ca, virtual_host, .. } = place else {
        return Err(Failure::new(2, format!("{name} is no S3 server: there is no other key for it.")));
    };
    let secret_key = passphrase::ask("Secret key")?.expose().trim().to_owned();
    Place::S3 { endpoint, region, bucket, prefix, access_key: key, secret_key, ca, virtual_host }.text().map_err(|why| Failure::new(2, why))
}

/// Bytes in words.
fn size(row: &Value, name: &str) -> String {
    rules::document::size_words(number(row, name))
}

fn number(row: &Value, name: &str) -> u64 {
    row.get(name).and_then(Value::as_u64).unwrap_or(0)
}

/// The name of a site, or what is said for the registry.
fn of(row: &Value) -> String {
    match text(row, "site") {
        "" => "(registry)".into(),
        site => site.into(),
    }
}

/// Which states can be restored from where.
fn held(answer: &Value) -> String {
    let row = |row: &Value| [text(row, "destination").into(), of(row), text(row, "oldest").into(), text(row, "newest").into(), number(row, "points").to_string(), size(row, "bytes")];
    let rows: Vec<[String; 6]> = rows(answer, "held").iter().map(row).collect();
    match rows.is_empty() {
        true if every_place(answer).is_err() => String::new(),
        true => "Nothing lies at any place yet.\n".into(),
        false => columns(["Place", "Of", "Oldest state", "Newest state", "Changes", "Size"], &rows),
    }
}

/// What was looked at, and what is wrong.
fn looked(answer: &Value) -> String {
    let mut out = String::new();
    for row in rows(answer, "verified") {
        let wrong = rows(row, "wrong");
        let verdict = if wrong.is_empty() { "whole".into() } else { format!("{} wrong", wrong.len()) };
        let _ = writeln!(out, "{}, {}: {} objects looked at, {} read, {verdict}", text(row, "destination"), of(row), number(row, "objects"), size(row, "bytes_read"));
        out.extend(wrong.iter().map(|wrong| format!("    WRONG {}: {}\n", text(wrong, "object"), text(wrong, "why"))));
    }
    out
}

/// What need not be kept.
fn pruned(answer: &Value) -> String {
    let mut out = String::new();
    for row in rows(answer, "pruned") {
        let (go, applied) = (rows(row, "go"), row.get("applied").and_then(Value::as_bool) == Some(true));
        let verb = if applied { "removed" } else { "could be removed" };
        let _ = writeln!(out, "{}: {} states are kept; {} objects ({}) stay, {} ({}) {verb}.", text(row, "destination"), number(row, "points"), number(row, "stay"), size(row, "stay_bytes"), go.len(), size(row, "freed"));
        if !applied {
            out.extend(go.iter().map(|object| format!("    {}\n", text(object, "object"))));
        }
    }
    if rows(answer, "pruned").iter().any(|row| row.get("applied").and_then(Value::as_bool) == Some(false) && !rows(row, "go").is_empty()) {
        out += "Nothing was removed. To remove it: strongroom backup prune --apply\n";
    }
    out
}

/// The reports of drills, check by check.
fn reports(answer: &Value) -> String {
    let mut out = String::new();
    for drill in rows(answer, "drills") {
        let _ = writeln!(out, "{}, {}: {} in {} ms", text(drill, "destination"), text(drill, "name"), text(drill, "outcome"), drill.get("took_ms").and_then(Value::as_i64).unwrap_or(0));
        for check in rows(drill, "checks") {
            let sign = if check.get("ok").and_then(Value::as_bool) == Some(true) { "ok    " } else { "FAILED" };
            let _ = writeln!(out, "    {sign} {}{}", text(check, "check"), check.get("why").and_then(Value::as_str).map(|why| format!(": {why}")).unwrap_or_default());
        }
    }
    out
}

fn is_well(answer: &Value) -> bool {
    answer.get("well").and_then(Value::as_bool) == Some(true)
}
