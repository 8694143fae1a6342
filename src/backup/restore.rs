//! From a destination and what opens its keyring to a data directory that can be served. Nothing that was there is touched; what comes out
//! has the signed roots, and every document the hash under which it was shipped.
//!
//! The keyring comes with the registry's base. It is not signed by anything that could be known before; what opens it is the proof: from the
//! root key in it comes the key that must have signed the registry, and from the registry the keys that must have signed the sites.

use super::{documents::documents, marker};
use crate::export;
use keys::{sign::Signer, slot::Unlock};
use rules::Secret;
use serde_json::{Value, json};
use ship::{
    Reach, ShipError, Target,
    head::{Chain, Hex, Kind, Signed},
    name::Named,
    payload::{FileRecord, Payload},
    restore::{Restored, Trust, database, head},
    route::{Route, When, route},
};
use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};
use store::{
    error::OpenError,
    restored::{Holds, Opened, Told, holds, whose},
};

/// Under what the registry holds the files of the configuration; `restore` writes them into the directory that it makes, for people to put
/// where they belong.
pub(crate) const CONFIG: &str = "config";
/// Names what did not come back.
const LOST: &str = "LOST-DOCUMENTS.txt";

/// What is to be restored.
pub(crate) struct Asked<'a> {
    /// Goes to the destination; each thread has a way of its own.
    pub(crate) open: &'a (dyn Fn() -> Result<Box<dyn Reach>, ShipError> + Sync),
    /// What opens the keyring.
    pub(crate) unlock: &'a Unlock,
    /// Which state of the sites. The registry always comes in its newest.
    pub(crate) when: When,
    /// One site alone: its name or host name.
    pub(crate) site: Option<&'a str>,
    /// Documents that are lost at the destination keep nothing else back.
    pub(crate) incomplete: bool,
    /// Objects that nobody with our key has signed are passed over, and named.
    pub(crate) skip_unsigned: bool,
    /// Says how far it has come.
    pub(crate) tell: &'a (dyn Fn(&str) + Sync),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failed::Ship(error) => error.fmt(f),
            Failed::Open(error) => error.fmt(f),
        }
    }
}

/// Why it could not be.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The destination, or what lies there.
    Ship(ShipError),
    /// What was restored does not open, or cannot be written.
    Open(OpenError),
}

impl From<ShipError> for Failed {
    fn from(error: ShipError) -> Failed {
        Failed::Ship(error)
    }
}

impl From<OpenError> for Failed {
    fn from(error: OpenError) -> Failed {
        Failed::Open(error)
    }
}

impl From<export::Failed> for Failed {
    fn from(failed: export::Failed) -> Failed {
        let (exit, text) = failed.told();
        Failed::Open(OpenError { exit, text })
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Failed {
        Failed::Open(OpenError { exit: 73, text: format!("This machine cannot write what comes back: {error}.") })
    }
}

/// A site that came back.
pub(super) struct Back {
    pub(super) told: Told,
    pub(super) restored: Restored,
    holds: Holds,
}

/// Restores into `to`, which must not be there or be empty. Works in a directory beside it and renames that at the end.
pub(crate) fn restore(asked: &Asked<'_>, to: &Path) -> Result<Value, Failed> {
    refuse_used(to)?;
    let work = Work::new(&beside(to)?)?;
    let (opened, back) = databases(asked, &work.0)?;
    let (mut count, mut bytes, mut lost) = (0, 0, Vec::new());
    for site in &back {
        let brought = documents(asked, &site.restored, &site.holds.blobs, &site.told.folder(&work.0).join("blobs"))?;
        (count, bytes) = (count + brought.count, bytes + brought.bytes);
        lost.extend(whose(&site.told.folder(&work.0).join("site.db"), &site.told.keys, &brought.lost)?);
    }
    match (lost.first(), asked.incomplete) {
        (Some(first), false) => return Err(incomplete(lost.len(), first)),
        (Some(_), true) => fs::write(work.0.join(LOST), format!("Documents that are lost at the destination, and were not brought back. Another place or an earlier state may have them.\n\n{}\n", lost.join("\n")))?,
        (None, _) => {}
    }
    let places = opened.settle(&back.iter().map(|site| site.told.entry.id).collect::<Vec<_>>())?;
    if let Some(config) = opened.held(CONFIG)? {
        fs::write(work.0.join("strongroom.toml"), config.expose())?;
    }
    // All of it in one call: a hundred thousand documents, one by one, would take as many turns of the disk.
    (asked.tell)("making it durable");
    rustix::fs::syncfs(fs::File::open(&work.0)?).map_err(io::Error::from)?;
    let _ = fs::remove_dir(to);
    fs::rename(&work.0, to)?;
    fs::File::open(to.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(json!({ "to": to.display().to_string(), "documents": count, "bytes": bytes, "lost": lost, "places": places, "sites": back.iter().map(said).collect::<Vec<_>>() }))
}

fn incomplete(count: usize, first: &str) -> Failed {
    let which = match count {
        1 => format!("One document is lost at the destination: {first}."),
        _ => format!("{count} documents are lost at the destination, the first {first}."),
    };
    let text = format!("{which} Nothing was written. Try another place, or an earlier state with --at; or bring back everything else with --incomplete.");
    Failed::Open(OpenError { exit: 1, text })
}

/// What a restore would bring back: the databases are restored beside the temporary files, looked into, and thrown away.
pub(crate) fn preview(asked: &Asked<'_>, scratch: &Path) -> Result<Value, Failed> {
    let work = Work::new(scratch)?;
    let (_, back) = databases(asked, &work.0)?;
    Ok(json!({ "to": null, "sites": back.iter().map(said).collect::<Vec<_>>() }))
}

fn said(site: &Back) -> Value {
    let (head, holds) = (&site.restored.last.head, &site.holds);
    let missing = holds.blobs.iter().filter(|name| record(&site.restored, name).is_none()).count();
    json!({
        "site": site.told.entry.name, "state": rules::Moment(head.made).iso(), "made_ms": head.made, "database": site.restored.size,
        "people": holds.people, "cases": holds.cases, "documents": holds.documents, "files": holds.blobs.len(), "missing": missing, "events": holds.events,
        "newest_case": holds.newest_case.as_ref().map(|(reference, _)| reference), "newest_case_opened": holds.newest_case.as_ref().map(|(_, opened)| opened.iso()),
        "newest_event": holds.newest_event.map(rules::Moment::iso),
        "bytes": holds.blobs.iter().filter_map(|name| record(&site.restored, name)).map(|record| record.size).sum::<u64>(),
    })
}

pub(super) fn record<'s>(restored: &'s Restored, blob: &str) -> Option<&'s FileRecord> {
    restored.files.get(&Hex::parse(blob)?)
}

/// The databases: registry first, then the sites that it tells of.
pub(super) fn databases(asked: &Asked<'_>, work: &Path) -> Result<(Opened, Vec<Back>), Failed> {
    let target = (asked.open)()?;
    let instance = marker::look(target.as_ref())?.ok_or_else(|| ShipError::Refused("There are no backups of a Strongroom there. Compare the place with the page Backups, or with the recovery kit.".into()))?;
    let opened = registry(asked, target.as_ref(), instance, work)?;
    let mut back = Vec::new();
    for told in opened.sites()? {
        let named = |name: &str| told.entry.name.eq_ignore_ascii_case(name) || told.entry.hosts.iter().any(|host| host.eq_ignore_ascii_case(name));
        if asked.site.is_some_and(|name| !named(name)) {
            continue;
        }
        back.push(site(asked, target.as_ref(), instance, told, work)?);
    }
    match (back.is_empty(), asked.site) {
        (true, Some(name)) => Err(OpenError { exit: 2, text: format!("The backup holds no site “{name}”.") }.into()),
        _ => Ok((opened, back)),
    }
}

pub(super) fn names(target: &dyn Target, of: &Chain) -> Result<Vec<Named>, ShipError> {
    let mut names = target.list(&format!("base/{}/", of.chain))?;
    names.extend(target.list(&format!("log/{}/", of.chain))?);
    Ok(Named::ours(names.iter().map(|object| object.name.as_str()), of))
}

/// The registry with its keyring, in the newest state that this kit or key opens.
fn registry(asked: &Asked<'_>, target: &dyn Target, instance: Hex<16>, work: &Path) -> Result<Opened, Failed> {
    let of = Chain { instance, chain: instance };
    let names = names(target, &of)?;
    let mut refused = None;
    let bases: Vec<&Named> = names.iter().filter(|named| named.kind == Kind::Base).collect();
    for base in bases.iter().rev() {
        let ring = match keyring(target, base) {
            Err(error) if asked.skip_unsigned && error.unsigned().is_some() => {
                (asked.tell)(&format!("{error}: it is passed over"));
                continue;
            }
            ring => ring?,
        };
        keys::ring::replace(&work.join("keyring.json"), &ring).map_err(OpenError::from)?;
        let opened = match Opened::keyring(work, asked.unlock) {
            Ok(opened) => opened,
            Err(error) => {
                refused.get_or_insert(error);
                continue;
            }
        };
        let keys = opened.registry_keys()?;
        let trust = Trust { of, key: Signer::of(keys.signing.expose()).map_err(OpenError::from)?.public() };
        // Under another keyring what follows this base may have another key.
        let signed = signed(asked, target, &names, When::Latest, &trust)?;
        let is_newest = signed.iter().rfind(|named| named.kind == Kind::Base) == Some(*base);
        let route = match is_newest {
            true => route(&signed, When::Latest)?,
            // Passed over: a stranger's, with a keyring of ours in it.
            false if !signed.contains(base) => continue,
            false => Route { base: (*base).clone(), log: Vec::new() },
        };
        database(target, &route, When::Latest, &trust, &work.join("appliance.db"), &mut |_, _, _| {})?;
        if !is_newest {
            (asked.tell)("The kit is not the newest: what the registry learned since is not there.");
        }
        return Ok(opened);
    }
    Err(refused.map_or(Failed::Ship(ShipError::Nothing), |error| Failed::Open(OpenError { text: format!("What was given does not open the keyring of this backup. {}", error.text), ..error })))
}

/// The names without those of objects on the way to a state that nobody with our key has signed, where somebody wants them passed over: a
/// stranger who can only add something there cannot keep anybody from restoring.
fn signed(asked: &Asked<'_>, target: &dyn Target, names: &[Named], when: When, trust: &Trust) -> Result<Vec<Named>, ShipError> {
    let (mut names, mut known) = (names.to_vec(), BTreeSet::new());
    if !asked.skip_unsigned {
        return Ok(names);
    }
    loop {
        let way: Vec<Named> = match route(&names, when) {
            Ok(way) => std::iter::once(way.base).chain(way.log).collect(),
            // What lies beyond the gap may be a stranger's. Where it is ours, something is missing.
            Err(ShipError::Gap(..)) => names.last().cloned().into_iter().collect(),
            Err(_) => return Ok(names),
        };
        let Some(passed) = first_unsigned(asked, target, way, &mut known, trust)? else { return Ok(names) };
        names.retain(|named| named.text != passed);
    }
}

/// The first of these that nobody with our key has signed. `known` are those that were looked at.
fn first_unsigned(asked: &Asked<'_>, target: &dyn Target, way: Vec<Named>, known: &mut BTreeSet<String>, trust: &Trust) -> Result<Option<String>, ShipError> {
    for named in way {
        if known.contains(&named.text) {
            continue;
        }
        match head(target, &named.text, trust) {
            Err(error) if error.unsigned().is_some() => {
                (asked.tell)(&format!("{error}: it is passed over"));
                return Ok(Some(named.text));
            }
            Err(error) => return Err(error),
            Ok(_) => known.insert(named.text),
        };
    }
    Ok(None)
}

/// The keyring in a base of the registry. Nothing vouches for it yet.
fn keyring(target: &dyn Target, base: &Named) -> Result<Vec<u8>, ShipError> {
    let bytes = target.get(&base.text, 0, 1 << 20)?;
    let signed = Signed::look(&bytes, &base.text, None)?;
    let from = usize::try_from(signed.payload).unwrap_or(usize::MAX);
    Payload::new(&signed.head, bytes.get(from..).unwrap_or_default()).ring()?.ok_or_else(|| ShipError::not_genuine(&base.text, "it holds no keyring"))
}

fn site(asked: &Asked<'_>, target: &dyn Target, instance: Hex<16>, told: Told, work: &Path) -> Result<Back, Failed> {
    let of = Chain { instance, chain: Hex(told.entry.id) };
    let trust = Trust { of, key: Signer::of(told.keys.signing.expose()).map_err(OpenError::from)?.public() };
    let folder = told.folder(work);
    fs::DirBuilder::new().mode(0o700).recursive(true).create(&folder)?;
    let (path, name) = (folder.join("site.db"), told.entry.name.clone());
    let all = signed(asked, target, &names(target, &of)?, asked.when, &trust)?;
    let way = route(&all, asked.when).map_err(|error| whole_until(error, &all, target, &trust))?;
    let restored = database(target, &way, asked.when, &trust, &path, &mut |what, done, whole| (asked.tell)(&format!("{name}: {what} {}%", done * 100 / whole.max(1))))?;
    let holds = holds(&path, &told.keys)?;
    remove_shared(&path);
    Ok(Back { told, restored, holds })
}

/// What to ask for instead, when changes are missing or nothing is as old.
fn whole_until(error: ShipError, names: &[Named], target: &dyn Target, trust: &Trust) -> Failed {
    let whole = match (&error, names.iter().filter(|named| named.kind == Kind::Base).map(|base| base.made).min()) {
        (ShipError::Gap(whole, _), _) => *whole,
        (ShipError::Nothing, Some(oldest)) => {
            let text = format!("There is no backup as old as that: the oldest state is from {}.", rules::Moment(oldest).iso());
            return OpenError { exit: 1, text }.into();
        }
        _ => return error.into(),
    };
    let newest = names.iter().filter(|named| named.last == whole).max_by_key(|named| named.generation);
    let made = newest.and_then(|named| head(target, &named.text, trust).ok()).map(|signed| rules::Moment(signed.head.made).iso());
    match made {
        Some(made) => ShipError::not_genuine("the backup", format!("{error}. Everything is there up to {made}: restore that with --at {made}")).into(),
        None => error.into(),
    }
}

/// What looking into a database leaves beside it.
pub(super) fn remove_shared(path: &Path) {
    for end in ["db-wal", "db-shm"] {
        let _ = fs::remove_file(path.with_extension(end));
    }
}

/// A directory that is removed unless it was renamed.
pub(super) struct Work(pub(super) PathBuf);

impl Work {
    pub(super) fn new(path: &Path) -> Result<Work, Failed> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(OpenError { exit: 75, text: format!("{} is there already: another restore runs, or one was cut off. If none runs, remove it.", path.display()) }.into())
            }
            made => Ok(made.map(|()| Work(path.into()))?),
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn beside(to: &Path) -> Result<PathBuf, Failed> {
    let name = to.file_name().ok_or_else(|| OpenError { exit: 2, text: format!("{} is no place for a new directory. Give another with --to.", to.display()) })?;
    let mut name = name.to_owned();
    name.push(".restoring");
    Ok(to.with_file_name(name))
}

pub(super) fn refuse_used(to: &Path) -> Result<(), Failed> {
    match fs::read_dir(to).map(|entries| entries.count()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(0) => Ok(()),
        Ok(_) => Err(OpenError { exit: 73, text: format!("{} is not empty, and a restore never overwrites anything. Give a new directory with --to.", to.display()) }.into()),
        Err(error) => Err(OpenError::file(to, &error).into()),
    }
}

/// The key in the text of a recovery kit: the groups alone, or the whole sheet as it was printed.
pub(crate) fn kit(text: &Secret<String>) -> Result<Unlock, String> {
    match keys::kit::RecoveryKey::parse(text.expose()) {
        Ok(key) => Ok(key.unlock()),
        Err(why) => {
            // With the numbers before the groups, or the whole sheet.
            let (mut groups, mut words) = (Vec::new(), text.expose().split_whitespace().peekable());
            while let Some(word) = words.next() {
                let group = words.peek().filter(|group| group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                groups.extend(group.filter(|_| word.parse() == Ok(groups.len() + 1)).copied());
            }
            keys::kit::RecoveryKey::parse(&groups.join("-")).map(|key| key.unlock()).map_err(|_| why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kit_is_read_from_its_groups_or_from_the_printed_sheet() {
        let key = keys::kit::RecoveryKey::new().unwrap();
        let groups = key.groups();
        let sheet: String = groups.chunks(7).enumerate().map(|(line, seven)| seven.iter().enumerate().map(|(n, group)| format!("{:>2} {group}   ", line * 7 + n + 1)).collect::<String>() + "\n").collect();
        let text = format!("RECOVERY KIT 1 OF PELL\nMade on 24 Nov 2026\n\n{sheet}\nHolder 1, name\n");
        let opens = |text: String| matches!((kit(&Secret::new(text)), key.unlock()), (Ok(Unlock::Recovery(one)), Unlock::Recovery(other)) if one.expose() == other.expose());
        assert!(opens(groups.join(" ").to_lowercase()) && opens(text.clone()) && opens(sheet.replace('\n', " ").to_lowercase()));
        assert!(!opens(text.replace(&groups[3], "AAAA")));
        assert!(kit(&Secret::new("nothing here".into())).is_err());
    }

    #[test]
    fn nothing_is_restored_over_anything() {
        let dir = tempfile::tempdir().unwrap();
        assert!(refuse_used(&dir.path().join("new")).is_ok() && refuse_used(dir.path()).is_ok());
        fs::write(dir.path().join("x"), "").unwrap();
        assert!(matches!(refuse_used(dir.path()), Err(Failed::Open(error)) if error.exit == 73));
        assert_eq!(beside(Path::new("/a/b")).ok(), Some("/a/b.restoring".into()));
        assert!(beside(Path::new("/")).is_err());
    }
}
