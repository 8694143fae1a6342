//! `restore`: from a destination and the recovery kit to a data directory that can be served. It needs nothing else of this machine.

use super::{
    Failure,
    console::{done, settings_of, text},
    place::{Access, Typed, place},
    print,
};
use crate::{
    app,
    backup::{self, Asked, Failed, Portion, place::Place},
    control::order::Order,
};
use clap::Args;
use keys::slot::Unlock;
use rules::{Moment, Secret};
use serde_json::Value;
use ship::route::When;
use std::{
    fmt::Write,
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
};

#[derive(Args)]
pub(super) struct Restore {
    /// A directory with backups, or the name of a place that the installation on this machine knows
    #[arg(long, value_name = "NAME|PATH", conflicts_with_all = ["dir", "disk", "sftp", "s3"])]
    from: Option<String>,
    #[command(flatten)]
    typed: Typed,
    #[command(flatten)]
    access: Access,
    /// Data directory of the installation on this machine, for --from NAME
    #[arg(long, value_name = "DIR", requires = "from")]
    data: Option<PathBuf>,
    /// File with the recovery kit, or - to type its groups
    #[arg(long, value_name = "FILE")]
    kit: Option<PathBuf>,
    /// File with the root key, if there is one, instead of the kit
    #[arg(long, value_name = "FILE", conflicts_with = "kit")]
    key_file: Option<PathBuf>,
    /// State at this time (2026-11-24T09:30:00Z), or the latest
    #[arg(long, value_name = "TIME", default_value = "latest")]
    at: String,
    /// One site alone
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// One case alone, by its reference, as files that can be read: it changes nothing in the running installation
    #[arg(long, value_name = "REFERENCE")]
    case: Option<String>,
    /// Of that case, the documents with this name alone, with their earlier versions
    #[arg(long, value_name = "NAME", requires = "case")]
    document: Option<String>,
    /// Bring back everything else when documents are lost at the destination; LOST-DOCUMENTS.txt names them
    #[arg(long, conflicts_with = "case")]
    incomplete: bool,
    /// Pass over objects that nobody with the key of this installation has signed, and name them
    #[arg(long)]
    skip_unsigned: bool,
    /// Print what would come back, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// New directory for what comes back
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    to: Option<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (place, when, unlock) = (self.place()?, self.when()?, self.unlock()?);
        let terminal = std::io::stderr().is_terminal();
        let tell = |text: &str| {
            if terminal {
                eprint!("\r\x1b[K{text}");
            }
        };
        let asked = Asked { open: &|| place.open(), unlock: &unlock, when, site: self.site.as_deref(), incomplete: self.incomplete, skip_unsigned: self.skip_unsigned, tell: &tell };
        let scratch = std::env::temp_dir().join(format!("strongroom-preview-{}", std::process::id()));
        let portion = self.case.as_deref().map(|case| Portion { case, document: self.document.as_deref() });
        let done = match (&self.to, self.dry_run, &portion) {
            (Some(to), false, None) => backup::restore(&asked, to),
            (Some(to), false, Some(portion)) => backup::bring(&asked, portion, to),
            (_, _, None) => backup::preview(&asked, &scratch),
            (_, _, Some(portion)) => backup::list(&asked, portion, &scratch),
        };
        tell("");
        let answer = done.map_err(|failed| match failed {
            Failed::Open(error) => Failure::from(error),
            Failed::Ship(error) => {
                let way_on = match error.unsigned() {
                    Some(_) if !self.skip_unsigned => " If a stranger put it there, or if you can do without it, pass over it with --skip-unsigned: what comes back still has the state that was signed, and may be an older one.",
                    _ => "",
                };
                let failing = backup::Failing::from(error);
                Failure::new(failing.exit, failing.text + way_on)
            }
        })?;
        let said = match (self.json, portion) {
            (true, _) => format!("{answer}\n"),
            (false, None) => words(&answer),
            (false, Some(_)) => portion_words(&answer),
        };
        print(&said)?;
        match super::console::rows(&answer, "problems").len() {
            0 => Ok(()),
            n => Err(Failure::new(1, format!("{n} {} not whole at the destination: try another place, or another state with --at.", if n == 1 { "document is" } else { "documents are" }))),
        }
    }

    fn place(&self) -> Result<Place, Failure> {
        match &self.from {
            None => match place(&self.typed, &self.access)? {
                Place::Sftp { user, key, .. } if key.is_empty() => Err(Failure::new(
                    2,
                    format!("Give --identity FILE: a private key that the SSH server lets in. That of the lost installation is lost with it; make one with: ssh-keygen -t ed25519 -N '' -f FILE, and have FILE.pub added to the authorized_keys of {user}."),
                )),
                place => Ok(place),
            },
            Some(from) if from.contains('/') || Path::new(from).is_dir() => {
                let path = std::path::absolute(from).map_err(|error| Failure::new(2, format!("{from}: {error}.")))?;
                Ok(Place::Dir { path })
            }
            Some(name) => {
                let answer = done(&settings_of(self.data.clone())?, Order::DestPlace { name: name.clone() })?;
                Place::read(text(&answer, "place")).map_err(|why| Failure::new(2, why))
            }
        }
    }

    fn when(&self) -> Result<When, Failure> {
        match self.at.as_str() {
            "latest" => Ok(When::Latest),
            typed => Moment::typed(typed).map(|at| When::At(at.0)).ok_or_else(|| Failure::new(2, format!("“{typed}” is no time. Write it as 2026-11-24T09:30:00Z, or latest."))),
        }
    }

    fn unlock(&self) -> Result<Unlock, Failure> {
        if let Some(path) = &self.key_file {
            return Ok(keys::ring::read_key_file(path).map_err(store::error::OpenError::from)?);
        }
        let Some(path) = &self.kit else { return Err(Failure::new(2, "Say what opens the backup: --kit FILE (or - to type it), or --key-file FILE.")) };
        let mut typed = String::new();
        match path.as_os_str() == "-" {
            true => {
                if std::io::stdin().is_terminal() {
                    eprintln!("Type the 14 groups of the recovery kit, then Ctrl-D:");
                }
                std::io::stdin().read_to_string(&mut typed).map_err(|error| Failure::new(1, error.to_string()))?;
            }
            false => typed = std::fs::read_to_string(path).map_err(|error| Failure::new(2, format!("The recovery kit cannot be read from {}: {error}.", path.display())))?,
        }
        backup::kit(&Secret::new(typed)).map_err(|why| Failure::new(2, why))
    }
}

fn portion_words(answer: &Value) -> String {
    let mut out = format!("{}, as of {}\n", text(answer, "site"), text(answer, "state"));
    for document in super::console::rows(answer, "documents") {
        let size = rules::document::size_words(document.get("size").and_then(Value::as_u64).unwrap_or(0));
        let trashed = match text(document, "trashed") {
            "" => String::new(),
            at => format!(", in the trash since {at}"),
        };
        let lost = if document.get("there").and_then(Value::as_bool) == Some(true) { "" } else { ", LOST at the destination" };
        let _ = writeln!(out, "    {}, version {} of {}, {size}{trashed}{lost}", text(document, "name"), document.get("version").and_then(Value::as_u64).unwrap_or(0), text(document, "at"));
    }
    for problem in super::console::rows(answer, "problems") {
        let _ = writeln!(out, "    ! {}", problem.as_str().unwrap_or_default());
    }
    match text(answer, "to") {
        "" => out.push_str("Nothing was written. To bring it, give a new directory with --to, and leave out --dry-run; for one document, its name with --document.\n"),
        to => {
            let _ = writeln!(out, "Written to {to}, readable by whoever may read that directory. What is to be in the case again, upload there.");
        }
    }
    out
}

/// A span of milliseconds in words, as coarse as people think of it.
fn span(milliseconds: i64) -> String {
    let minutes = usize::try_from(milliseconds / 60_000).unwrap_or(0);
    match minutes {
        0 => "less than a minute".into(),
        1..120 => rules::text::count(minutes, "minute", "minutes"),
        120..2_880 => rules::text::count(minutes / 60, "hour", "hours"),
        _ => rules::text::count(minutes / 1_440, "day", "days"),
    }
}

fn words(answer: &Value) -> String {
    let number = |row: &Value, name: &str| row.get(name).and_then(Value::as_u64).unwrap_or(0);
    let mut out = String::new();
    for site in super::console::rows(answer, "sites") {
        let name = match text(site, "site") {
            "" => "The site, which has no name yet",
            name => name,
        };
        let made = site.get("made_ms").and_then(Value::as_i64).unwrap_or(0);
        let _ = writeln!(out, "{name}: as of {}, {} ago", text(site, "state"), span(app::now().0 - made));
        let size = rules::document::size_words(number(site, "database") + number(site, "bytes"));
        let _ = writeln!(out, "    {} cases, {} documents, {} people, {} lines of the trail; {size}", number(site, "cases"), number(site, "documents"), number(site, "people"), number(site, "events"));
        if !text(site, "newest_case").is_empty() {
            let _ = writeln!(out, "    newest case {} of {}; last thing done {}", text(site, "newest_case"), text(site, "newest_case_opened"), text(site, "newest_event"));
        }
        if number(site, "missing") > 0 {
            let _ = writeln!(out, "    ! {} documents are not in the backup", number(site, "missing"));
        }
    }
    match text(answer, "to") {
        "" => out.push_str("Nothing was written. To bring it back, give a new directory with --to, and leave out --dry-run.\n"),
        to => {
            let lost = super::console::rows(answer, "lost").len();
            let checked = if lost == 0 { "every document was checked".into() } else { format!("{lost} lost documents are named in LOST-DOCUMENTS.txt there, and all others were checked") };
            let _ = writeln!(out, "Restored to {to}; {checked}. Serve it with:\n    strongroom serve --wait --data {to}\nand type the kit on the page that it names, or with strongroom unlock. Then choose on the page System, “Key”,\nwhat opens it at a start: until then every start needs the kit.");
            let places = answer.get("places").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            if !places.is_empty() {
                out.push_str("It sends no backups until you say so, because the server that was lost may still run:\n");
            }
            for place in places.iter().filter_map(Value::as_str) {
                let _ = writeln!(out, "    strongroom dest schedule {place} continuous --data {to}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn how_old_a_state_is() {
        let rows = [(-5, "less than a minute"), (60_000, "one minute"), (119 * 60_000, "119 minutes"), (120 * 60_000, "two hours"), (47 * 3_600_000, "47 hours"), (48 * 3_600_000, "two days")];
        for (milliseconds, words) in rows {
            assert_eq!(span(milliseconds), words);
        }
    }
}
