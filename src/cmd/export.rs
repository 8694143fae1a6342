//! `export`: everything of a site, or all that is kept of one client, as a ZIP. Through the running server it is asked for, waited for and
//! fetched; on a stopped installation it is written at once.

use super::{
    Failure,
    console::{OfSite, Where, text},
    runtime,
};
use crate::{
    app,
    config::Settings,
    control::{order::Order, socket},
    export::{self, Failed, Report, ZipSink},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use rules::{Actor, Verb, document::size_words};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::{IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};
use store::{Site, export::Asked};

const LONG: &str = "The ZIP holds the documents in a folder for each case, pages that any browser opens, every table as CSV and JSON, and the sums to check it all with. Secrets are left out; its README.txt says which.

The console counts as one person. Where a system administrator or case manager could approve, the command asks, ends with 75 and says for whom it waits; run it again after the approval on the page /system/export. With --alone, on a stopped installation, and where nobody could approve, it goes ahead: whoever sits at the server holds the key to everything as it is. Each is written into the trail, and told to every system administrator by letter.

It ends with 1 when a document could not be read whole: PROBLEMS.txt in the ZIP names it.";

#[derive(Args)]
#[command(after_long_help = LONG)]
pub(super) struct Export {
    #[command(flatten)]
    site: OfSite,
    /// One client alone: by name, or as #12 by the number that exports and messages give
    #[arg(long, value_name = "CLIENT")]
    client: Option<String>,
    /// File to write; it must not be there
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Why: whoever approves it reads this, and it stays on record
    #[arg(long, value_name = "TEXT", default_value = "Asked for at the console of the server")]
    reason: String,
    /// Go ahead without a second person, for this reason
    #[arg(long, value_name = "REASON", conflicts_with = "reason")]
    alone: Option<String>,
    #[command(flatten)]
    at: Where,
}

/// A file that is being written beside its place, under a name that ends with `.part`; it goes unless it is kept.
struct Part {
    file: File,
    part: PathBuf,
    to: PathBuf,
}

impl Part {
    fn new(to: &Path) -> Result<Part, Failure> {
        let wrong = |path: &Path, error: std::io::Error| Failure::new(73, format!("{}: {error}.", path.display()));
        let taken = |path: &Path| Failure::new(73, format!("{} is there already, and nothing is ever overwritten. Give another --to, or remove it first.", path.display()));
        if to.try_exists().map_err(|error| wrong(to, error))? {
            return Err(taken(to));
        }
        let name = to.file_name().ok_or_else(|| Failure::new(2, format!("{} names no file. Give one, such as --to export.zip", to.display())))?;
        let part = to.with_file_name(format!("{}.part", name.to_string_lossy()));
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let file = file.map_err(|error| if error.kind() == std::io::ErrorKind::AlreadyExists { taken(&part) } else { wrong(&part, error) })?;
        Ok(Part { file, part, to: to.into() })
    }

    /// It is whole: made durable and given its name, if that is still free.
    fn keep(mut self) -> std::io::Result<()> {
        self.file.flush()?;
        self.file.sync_all()?;
        // A link, unlike a rename, never takes the place of another file.
        fs::hard_link(&self.part, &self.to).or_else(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Err(error),
            _ if self.to.exists() => Err(std::io::ErrorKind::AlreadyExists.into()),
            _ => fs::rename(&self.part, &self.to),
        })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.part);
    }
}

/// Says on a terminal how far it is.
fn tell(what: &str, done: u64, total: u64) {
    if std::io::stderr().is_terminal() {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(0).min(100);
        eprint!("\r\x1b[K{what}: {percent} %, {} of {}", size_words(done), size_words(total));
    }
}

fn quiet() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
}

impl Export {
    pub(super) fn run(self) -> Result<(), Failure> {
        let settings = self.at.settings()?;
        let part = Part::new(&self.to)?;
        let done = match socket::is_served(&settings.data)? {
            true => self.through(&settings, part),
            false => self.straight(&settings, part),
        };
        quiet();
        let answer = done?;
        self.at.say(&answer, |answer| words(answer, &self.to))?;
        match answer.get("problems").and_then(Value::as_u64) {
            None | Some(0) => Ok(()),
            Some(n) => Err(Failure::new(1, format!("{n} {} could not be read whole: PROBLEMS.txt in it says which.", if n == 1 { "thing" } else { "things" }))),
        }
    }

    fn asked(&self) -> Asked {
        Asked { client: self.client.clone(), reason: self.alone.clone().unwrap_or_else(|| self.reason.clone()) }
    }

    /// By the server that runs: asked for, waited for, and brought here piece by piece.
    fn through(&self, settings: &Settings, part: Part) -> Result<Value, Failure> {
        let ask = |order: Order| -> Result<Value, Failure> {
            let answer = socket::ask(&settings.data, &order, &mut |_| {})?.ok_or_else(|| Failure::new(69, "The server was stopped. Run the command again; what was approved stays approved."))?;
            Ok(answer?)
        };
        let (site, Asked { client, reason }) = (self.site.name(), self.asked());
        let mut standing = ask(Order::Export { site: site.clone(), client, reason, alone: self.alone.is_some() })?;
        eprintln!("strongroom: through the running server");
        let number = standing.get("number").and_then(Value::as_i64).unwrap_or_default();
        loop {
            match text(&standing, "stage") {
                "ready" => break,
                "asked" => return Err(self.waits(&standing)?),
                "approved" | "making" => {}
                "failed" => return Err(Failure::new(1, format!("It could not be prepared: {} Run the command again to begin anew.", text(&standing, "why")))),
                stage => return Err(Failure::new(1, format!("It came to nothing: it is {stage}."))),
            }
            let count = |name| standing.get(name).and_then(Value::as_u64).unwrap_or(0);
            tell("Preparing", count("done"), count("total"));
            std::thread::sleep(Duration::from_millis(500));
            standing = ask(Order::ExportStanding { site: site.clone(), number })?;
        }
        let size = standing.get("size").and_then(Value::as_u64).unwrap_or(0);
        let mut part = part;
        let (mut hash, mut from) = (keys::digest::Sha256::default(), 0);
        while from < size {
            tell("Fetching", from, size);
            let piece = ask(Order::ExportPiece { site: site.clone(), number, from })?;
            let piece = STANDARD.decode(text(&piece, "piece")).ok().filter(|piece| !piece.is_empty()).ok_or_else(|| Failure::new(1, "The server gave no whole piece. Run the command again."))?;
            hash.update(&piece);
            from += piece.len() as u64;
            part.file.write_all(&piece).map_err(|error| cannot(&error))?;
        }
        if keys::nonce::hex(&hash.finish()) != text(&standing, "sha256") {
            return Err(Failure::new(1, "What came is not what was prepared. Run the command again."));
        }
        part.keep().map_err(|error| cannot(&error))?;
        ask(Order::ExportDelivered { site, number })?;
        Ok(json!({ "to": self.to, "size": size, "sha256": text(&standing, "sha256"), "problems": standing.get("problems") }))
    }

    /// It was asked for: printed for programs, and said how to go on.
    fn waits(&self, standing: &Value) -> Result<Failure, Failure> {
        let names: Vec<&str> = super::console::rows(standing, "waits_for").iter().filter_map(Value::as_str).collect();
        if self.at.is_json() {
            self.at.say(&json!({ "stage": "asked", "waits_for": names }), |_| String::new())?;
        }
        let text = format!("It is asked for, and waits until one of them approves it at {}: {}. Then run this command again. It lapses after seven days.", text(standing, "page"), names.join(", "));
        Ok(Failure::new(75, text))
    }

    /// On the stopped installation: written at once.
    fn straight(&self, settings: &Settings, part: Part) -> Result<Value, Failure> {
        runtime()?.block_on(async {
            let appliance = app::open(settings)?;
            eprintln!("strongroom: on the stopped installation in {}", settings.data.display());
            let done = match appliance.site(&self.site.name()) {
                Ok((_, site)) if site.is_set_up() => self.write(&site, part).await,
                Ok(_) => Err(Failure::new(1, "This site is not set up yet: there is nothing to export.")),
                Err(error) => Err(error.into()),
            };
            appliance.close();
            done
        })
    }

    async fn write(&self, site: &Site, part: Part) -> Result<Value, Failure> {
        let asked = self.asked();
        let taken = site.write(Actor::console(), move |tx| store::export::straight(&tx.administer(Verb::ExportAlone)?, &asked)).await.map_err(crate::control::order::Failure::from)?;
        let source = site.straight_source(&taken).map_err(crate::control::order::Failure::from)?;
        let order = export::Order { scope: taken.scope(), made: site.now(), by: &taken.by, second: None, reason: &taken.reason };
        let written = || -> Result<(Report, Part), Failed> {
            let mut sink = ZipSink::new(&part.file, site.firm().zone);
            let report = export::write(&source, &order, &mut sink, &mut |done, total| {
                tell("Writing", done, total);
                true
            })?;
            sink.finish()?;
            Ok((report, part))
        };
        let done = written().and_then(|(report, part)| part.keep().map(|()| report).map_err(Failed::Write)).map_err(|failed| failed.told());
        let (problems, why) = match &done {
            Ok(report) => (report.problems.len(), None),
            Err((_, why)) => (0, Some(why.clone())),
        };
        site.export_given(&taken, problems, why).await.map_err(crate::control::order::Failure::from)?;
        let report = done.map_err(|(code, text)| Failure::new(code, text))?;
        let size = fs::metadata(&self.to).map_or(0, |meta| meta.len());
        Ok(json!({ "to": self.to, "size": size, "cases": report.cases, "documents": report.documents, "files": report.files, "problems": report.problems.len(), "in": export::told(&report) }))
    }
}

/// The file cannot be written.
fn cannot(error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Failure::new(73, "The disk became full where the export was to go. Make room, or give another --to; what was written is removed."),
        std::io::ErrorKind::AlreadyExists => Failure::new(73, "Another file took the place of the export meanwhile. Give another --to."),
        _ => Failure::new(73, format!("The export cannot be written: {error}.")),
    }
}

fn words(answer: &Value, to: &Path) -> String {
    let size = size_words(answer.get("size").and_then(Value::as_u64).unwrap_or(0));
    let inside = match text(answer, "in") {
        "" => String::new(),
        inside => format!(" ({inside})"),
    };
    format!("Written to {}: {size}{inside}.\nWhoever has this file can read everything in it. Unpack it, and check it with: sha256sum -c SHA256SUMS\n", to.display())
}
