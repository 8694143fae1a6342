//! The drill: a backup counts once it was restored. From the destination, as if this machine were lost: the newest state and one at random,
//! the roots that were signed, the keys, every check that the database has, some documents opened, a portion of all of them read, and the
//! sign-in page of the copy. What came of it is signed.

use super::{
    documents::fetch,
    line::Line,
    marker, others,
    restore::{names, remove_shared},
    runner::Runner,
    status::{missing_since, overdue},
    watched::Watched,
};
use keys::sign::Purpose;
use rules::Moment;
use serde_json::{Value, json};
use ship::{
    ShipError, Target,
    deliver::Cursor,
    head::{Hex, Kind},
    name::Named,
    payload::FileRecord,
    restore::{Restored, Trust, database},
    route::{When, route},
    verify::is_whole,
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64},
};
use store::{Clock, Site, blob::Blob, destination::DrillRow, error::OpenError, restored};

/// Documents that are opened with their keys in each drill.
const OPENED: usize = 20;
/// All documents are read once in so many days.
const DAYS: u64 = 30;
/// A drill that finds the destination further behind than this, and than its schedule lets it be, has failed, in milliseconds.
const BEHIND: i64 = 3 * 3600 * 1000;

/// Whether the copy in this directory shows its sign-in page.
pub(crate) type Rehearse = std::sync::Arc<dyn Fn(&Path) -> Result<(), String> + Send + Sync>;

/// What is tried, and with what.
pub(super) struct Drill<'d> {
    pub(super) runner: &'d Runner,
    pub(super) registry: &'d Line,
    pub(super) line: &'d Line,
    pub(super) site: &'d Site,
    pub(super) scratch: PathBuf,
    pub(super) rehearse: Option<&'d Rehearse>,
    pub(super) stop: &'d AtomicBool,
    /// Hears what is being done.
    pub(super) tell: &'d dyn Fn(&str),
    pub(super) clock: Clock,
}

/// What a drill does, one after the other, in words for people who wait for it.
const STEPS: [&str; 7] = [
    "looking whether everything that was brought is there",
    "restoring the newest state",
    "checking what came back",
    "opening documents with their keys",
    "reading the documents whose turn it is today",
    "showing the sign-in page of the copy",
    "restoring a state at random",
];

/// What was checked, and what was found.
struct Checks {
    found: Vec<(String, Result<(), String>)>,
    /// Something that was brought there is missing or is not what it was.
    lost: bool,
}

/// What came of a drill.
pub(super) struct Tried {
    pub(super) row: DrillRow,
    /// Something that was brought there is missing or is not what it was: it is to be brought again.
    pub(super) lost: bool,
}

impl Checks {
    fn put(&mut self, name: impl Into<String>, found: Result<(), impl ToString>) {
        self.found.push((name.into(), found.map_err(|why| why.to_string())));
    }

    /// The same for what lies at the destination.
    fn put_there(&mut self, name: &str, found: Result<(), impl ToString>) {
        self.lost |= found.is_err();
        self.put(name, found);
    }

    fn all_are_well(&self) -> bool {
        self.found.iter().all(|(_, found)| found.is_ok())
    }
}

impl Drill<'_> {
    /// Tries it; always gives a report, which says how it went.
    pub(super) fn run(&self) -> Result<Tried, OpenError> {
        let began = (self.clock)();
        let (mut checks, mut report) = (Checks { found: Vec::new(), lost: false }, json!({}));
        let done = self.try_all(&mut checks, &mut report, began);
        let _ = fs::remove_dir_all(&self.scratch);
        let outcome = match &done {
            Ok(()) if checks.all_are_well() => "passed",
            Ok(()) => "failed",
            Err(error) if is_of_the_way(error) => "inconclusive",
            Err(_) => "failed",
        };
        if let Err(error) = done {
            checks.lost |= error.is_one_lost() || matches!(error, ShipError::Gap(..) | ShipError::Nothing);
            checks.put("it was restored", Err::<(), _>(error));
        }
        let ended = (self.clock)();
        let found: Vec<Value> = checks.found.iter().map(|(name, found)| json!({ "check": name, "ok": found.is_ok(), "why": found.as_ref().err() })).collect();
        let head = json!({
            "strongroom": env!("CARGO_PKG_VERSION"), "destination": self.runner.name, "site": self.line.of().chain.to_string(), "outcome": outcome,
            "began": began.iso(), "ended": ended.iso(), "took_ms": ended.0 - began.0, "checks": found,
        });
        let whole: serde_json::Map<String, Value> = [head, report].into_iter().filter_map(|part| part.as_object().cloned()).flatten().collect();
        let text = Value::Object(whole).to_string();
        let signature = self.line.watch.source().signer.sign(Purpose::Report, text.as_bytes()).to_vec();
        let row = DrillRow { destination: self.runner.name.clone(), site: self.line.of().chain.0, ended, outcome: outcome.into(), report: text, signature };
        Ok(Tried { row, lost: checks.lost && outcome == "failed" })
    }

    fn step(&self, n: usize) {
        if let Some(words) = STEPS.get(n - 1) {
            (self.tell)(&format!("a drill from {}, step {n} of {}: {words}", self.runner.name, STEPS.len()));
        }
    }

    fn try_all(&self, checks: &mut Checks, report: &mut Value, now: Moment) -> Result<(), ShipError> {
        self.step(1);
        let (reach, sent) = (self.runner.place.open()?, AtomicU64::new(0));
        let target = &Watched { inner: reach.as_ref(), sent: &sent, stop: self.stop };
        marker::check(target, self.line.of().instance)?;
        for line in [self.registry, self.line] {
            others::check_ours(target, self.runner, line)?;
        }
        let missing_since = missing_since(self.runner, self.line);
        let behind = missing_since.map_or(0, |since| (now.0 - since).max(0));
        self.compare(target, checks)?;
        let folder = self.scratch.join("sites").join(self.line.of().chain.to_string());
        let _ = fs::remove_dir_all(&self.scratch);
        fs::DirBuilder::new().mode(0o700).recursive(true).create(&folder)?;
        self.step(2);
        let registry = restore_line(target, self.registry, When::Latest, &self.scratch.join("appliance.db"))?;
        // The one that came with it: a bare machine has no other.
        fs::write(self.scratch.join("keyring.json"), registry.ring.unwrap_or_default())?;
        let path = folder.join("site.db");
        let newest = restore_line(target, self.line, When::Latest, &path)?;
        checks.put("the newest state is what was signed, page by page", Ok::<(), String>(()));
        self.step(3);
        self.point(&path, &newest, checks, report, behind);
        let known = self.documents(&path, checks);
        self.step(4);
        self.open_some(target, &known, &newest, checks)?;
        self.step(5);
        self.read_portion(target, &newest, checks, now)?;
        put(report, "documents", json!({ "named": known.len(), "opened": OPENED.min(known.len()) }));
        if let Some(rehearse) = self.rehearse {
            self.step(6);
            checks.put("the copy shows its sign-in page", rehearse(&self.scratch));
        }
        self.step(7);
        self.at_random(target, checks, report)
    }

    /// What was delivered must still be there: nobody has taken the newest part away.
    fn compare(&self, target: &dyn Target, checks: &mut Checks) -> Result<(), ShipError> {
        for (line, what) in [(self.registry, "everything brought of the registry is there"), (self.line, "everything brought of the site is there")] {
            let cursor: Cursor = self.runner.cursor(&line.of());
            let there = names(target, &line.of())?;
            let of_now = || there.iter().filter(|named| named.generation == cursor.generation);
            let (last, based) = (of_now().map(|named| named.last).max(), of_now().any(|named| named.kind == Kind::Base));
            let found = match last {
                _ if cursor.generation == 0 => Ok(()),
                Some(last) if based && last >= cursor.last.max(cursor.base) => Ok(()),
                Some(last) if based => Err(format!("change {} was brought, and the newest there is {last}", cursor.last)),
                _ => Err("the base was brought, and is not there".into()),
            };
            checks.put_there(what, found);
        }
        Ok(())
    }

    /// The newest state, opened with its key.
    fn point(&self, path: &Path, newest: &Restored, checks: &mut Checks, report: &mut Value, behind: i64) {
        let keys = self.site.keys();
        match restored::check(path, keys) {
            Ok(found) => found.into_iter().for_each(|(name, found)| checks.put(name, found)),
            Err(error) => checks.put("it opens with its key", Err::<(), _>(error)),
        }
        let here = self.site.last_event();
        let there = restored::last_event(path, keys);
        if let (Ok(here), Ok(there)) = (&here, &there) {
            checks.put("it holds nothing that this server does not know", if there <= here { Ok(()) } else { Err(format!("{there} lines of the trail, and here {here}")) });
        }
        let head = &newest.last.head;
        let late = overdue(self.runner.schedule()).max(BEHIND);
        checks.put("it is as new as its schedule asks for", if behind <= late { Ok(()) } else { Err(format!("{} minutes behind", behind / 60_000)) });
        remove_shared(path);
        put(report, "point", json!({ "generation": head.generation, "change": head.last, "made": Moment(head.made).iso(), "behind_ms": behind, "bytes": newest.size, "root": head.root.to_string() }));
    }

    /// The documents that the newest state names.
    fn documents(&self, path: &Path, checks: &mut Checks) -> Vec<Blob> {
        restored::documents(path, self.site.keys()).unwrap_or_else(|error| {
            checks.put("its documents are known", Err::<(), _>(error));
            Vec::new()
        })
    }

    /// Every document is there with its length, and some open to the content that was uploaded.
    fn open_some(&self, target: &dyn Target, known: &[Blob], newest: &Restored, checks: &mut Checks) -> Result<(), ShipError> {
        let listed: BTreeMap<String, u64> = target.list("blob/")?.into_iter().map(|object| (object.name, object.size)).collect();
        let record = |name: &str| Hex::parse(name).and_then(|name| newest.files.get(&name));
        let whole = |record: &FileRecord| listed.get(&record.object()) == Some(&record.size);
        let gone = known.iter().filter(|blob| !record(&blob.name).is_some_and(whole)).count();
        checks.put_there("every document is there", if gone == 0 { Ok(()) } else { Err(format!("{gone} of {} are not, or have another length", known.len())) });
        let mut first = Ok(());
        for n in 0..OPENED.min(known.len()) {
            let Some((blob, record)) = known.get(pick(known.len()).unwrap_or(n)).and_then(|blob| Some((blob, record(&blob.name).filter(|record| whole(record))?))) else { continue };
            first = first.and(self.open(target, blob, record));
        }
        checks.put_there("documents open with their keys", first);
        Ok(())
    }

    fn open(&self, target: &dyn Target, blob: &Blob, record: &FileRecord) -> Result<(), String> {
        let folder = self.scratch.join("documents");
        fetch(target, record, &folder, &blob.name).map_err(|failed| failed.to_string())?;
        let file = fs::File::open(folder.join(&blob.name)).map_err(|error| error.to_string())?;
        let opened = restored::opens(self.site.keys(), blob, file).map_err(|error| error.to_string());
        let _ = fs::remove_dir_all(folder);
        match opened? {
            true => Ok(()),
            false => Err(format!("{} has another content than what was uploaded", record.object())),
        }
    }

    /// The documents whose turn it is today are read whole.
    fn read_portion(&self, target: &dyn Target, newest: &Restored, checks: &mut Checks, now: Moment) -> Result<(), ShipError> {
        let today = now.seconds() / 86_400 % DAYS;
        let (mut read, mut bad) = (0, 0);
        for record in newest.files.values().filter(|record| u64::from(record.sha256.0.first().copied().unwrap_or(0)) % DAYS == today) {
            match is_whole(target, &record.object(), record.size, &record.sha256) {
                Ok(true) => read += 1,
                Ok(false) => bad += 1,
                Err(error) if error.is_one_lost() => bad += 1,
                Err(error) => return Err(error),
            }
        }
        checks.put_there("the documents whose turn it was to be read are whole", if bad == 0 { Ok(()) } else { Err(format!("{bad} of {} are not", read + bad)) });
        Ok(())
    }

    /// A state at random: restored to its root, and opened.
    fn at_random(&self, target: &dyn Target, checks: &mut Checks, report: &mut Value) -> Result<(), ShipError> {
        let all = names(target, &self.line.of())?;
        let bases = all.iter().filter(|named| named.kind == Kind::Base).map(|named| named.made);
        // Where older states are known to be lost, only what came after is tried.
        let first = if self.runner.damage(&self.line.of()).is_some() { bases.max() } else { bases.min() };
        let (Some(oldest), Some(newest)) = (first, all.iter().map(|named| named.made).max()) else { return Ok(()) };
        let span = usize::try_from(newest - oldest).unwrap_or(0) + 1;
        let when = oldest + i64::try_from(pick(span).unwrap_or(0)).unwrap_or(0);
        let path = self.scratch.join("random.db");
        let restored = restore_line(target, self.line, When::At(when), &path)?;
        checks.put("a state at random is what was signed, page by page", Ok::<(), String>(()));
        checks.put("that state opens with its key", restored::last_event(&path, self.site.keys()).map(drop));
        put(report, "random", json!({ "asked": Moment(when).iso(), "change": restored.last.head.last, "made": Moment(restored.last.head.made).iso() }));
        Ok(())
    }
}

/// Whether it failed on the way there and says nothing of what is there.
fn is_of_the_way(error: &ShipError) -> bool {
    matches!(error, ShipError::Io(_) | ShipError::Refused(_) | ShipError::NoRoomHere(_) | ShipError::Full)
}

fn put(report: &mut Value, name: &str, value: Value) {
    if let Some(report) = report.as_object_mut() {
        report.insert(name.into(), value);
    }
}

/// A number below this, at random.
fn pick(below: usize) -> Option<usize> {
    let bytes = keys::nonce::random::<8>().ok()?;
    usize::try_from(u64::from_be_bytes(bytes) % u64::try_from(below).ok().filter(|below| *below > 0)?).ok()
}

fn restore_line(target: &dyn Target, line: &Line, when: When, out: &Path) -> Result<Restored, ShipError> {
    let source = line.watch.source();
    let all: Vec<Named> = names(target, &source.of)?;
    let trust = Trust { of: source.of, key: source.signer.public() };
    database(target, &route(&all, when)?, when, &trust, out, &mut |_, _, _| {})
}
