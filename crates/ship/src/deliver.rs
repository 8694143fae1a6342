//! Brings what waits in the spool to a destination, in an order that a destination can be cut off at any moment: documents before the
//! change that names them, parts before their base, changes one after the other.

use crate::{
    Put, ShipError, Target,
    compact::compact,
    files::Files,
    head::{Chain, Kind, LONGEST, Signed},
    name::Named,
    payload::{FileRecord, Payload, part_object},
    spool::Spool,
};
use keys::sign::{PublicKey, Signer};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Ordering,
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
};

/// How far a destination has a database. It is kept here; if it is lost, everything is compared once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The fence of what is there.
    pub fence: u32,
    /// The generation of what is there; zero when nothing is.
    pub generation: u32,
    /// The last change that is there.
    pub last: u64,
    /// The last change that the newest base there holds.
    pub base: u64,
    /// When the last change was taken, milliseconds since 1970.
    pub made: i64,
    /// What was put together and is there beside the changes themselves, while it waits here: first and last change. Nothing where that is
    /// not brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<BTreeSet<(u64, u64)>>,
}

/// What a delivery did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Objects that are new there.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Nothing more can be delivered before a base is made.
    pub needs_base: bool,
}

/// What is said of an object at a destination that is not what was put there, nor anything else of ours: it may be removed and put again.
pub const SPOILED: &str = "it was spoiled at the destination";

/// A destination, and what is to be brought there.
pub struct Delivery<'d> {
    /// The destination.
    pub target: &'d dyn Target,
    /// Where objects wait.
    pub spool: &'d Spool,
    /// The documents.
    pub files: Option<&'d Files>,
    /// Which database.
    pub of: Chain,
    /// Whose signature they bear.
    pub key: PublicKey,
    /// In which steps.
    pub steps: Steps<'d>,
}

/// In which steps a destination gets what is new.
#[derive(Clone, Copy)]
pub enum Steps<'d> {
    /// Every change as it was taken, and what was put together of them.
    Each,
    /// All of it as one change, which is put together in this folder.
    One(&'d Spool, &'d Signer),
}

impl Delivery<'_> {
    /// Delivers what the destination does not have yet. `saved` is called whenever the cursor has moved, and says whether to go on.
    pub fn run(&self, cursor: &mut Cursor, saved: &mut dyn FnMut(&Cursor, &Done) -> bool) -> Result<Done, ShipError> {
        let mut done = Done::default();
        let (bases, log) = (self.spool.bases(&self.of)?, self.spool.log(&self.of)?);
        let Some(newest) = bases.iter().chain(&log).max_by_key(|named| (named.fence, named.generation)) else { return Ok(Done { needs_base: true, ..done }) };
        let now = (newest.fence, newest.generation);
        let of_now = |named: &&Named| (named.fence, named.generation) == now;
        let next = log.iter().filter(of_now).any(|named| named.first == cursor.last + 1);
        let begins = (cursor.fence, cursor.generation) != now || (!next && log.iter().filter(of_now).any(|named| named.last > cursor.last));
        match bases.iter().rfind(of_now) {
            None if begins => return Ok(Done { needs_base: true, ..done }),
            Some(base) if begins && (cursor.fence, cursor.generation) == now && base.last <= cursor.last => return Ok(Done { needs_base: true, ..done }),
            Some(base) if begins || base.last > cursor.base => {
                self.base(base, begins, &mut done)?;
                cursor.base = base.last;
                if begins {
                    *cursor = Cursor { fence: base.fence, generation: base.generation, last: base.last, base: base.last, made: base.made, runs: None };
                }
                if !saved(cursor, &done) {
                    return Ok(done);
                }
            }
            _ => {}
        }
        let onward = self.onward(&log, cursor);
        match (self.steps, onward.as_slice()) {
            (Steps::One(folder, signer), [_, .., last]) => {
                let one = compact(self.spool, folder, &self.of, signer, &onward)?.head.name();
                self.change(folder, &one, &mut done)?;
                (cursor.last, cursor.made) = (last.last, last.made);
                folder.remove(&one)?;
                saved(cursor, &done);
            }
            _ => {
                for named in onward {
                    self.change(self.spool, &named.text, &mut done)?;
                    (cursor.last, cursor.made) = (named.last, named.made);
                    if !saved(cursor, &done) {
                        return Ok(done);
                    }
                }
                self.runs(&log, cursor, &mut done, saved)?;
            }
        }
        Ok(done)
    }

    /// What was put together of changes that are there already.
    fn runs(&self, log: &[Named], cursor: &mut Cursor, done: &mut Done, saved: &mut dyn FnMut(&Cursor, &Done) -> bool) -> Result<(), ShipError> {
        let Steps::Each = self.steps else { return Ok(()) };
        let there = |named: &&Named| (named.fence, named.generation) == (cursor.fence, cursor.generation) && named.first < named.last && named.last <= cursor.last;
        let here: Vec<&Named> = log.iter().filter(there).collect();
        let known = cursor.runs.take().unwrap_or_default();
        let mut runs: BTreeSet<(u64, u64)> = here.iter().map(|named| (named.first, named.last)).filter(|run| known.contains(run)).collect();
        for named in here {
            if runs.contains(&(named.first, named.last)) {
                continue;
            }
            let signed = self.spool.head(&named.text, &self.of, &self.key)?;
            self.signed(&signed, self.spool.read(&named.text)?, done)?;
            runs.insert((named.first, named.last));
            cursor.runs = Some(runs.clone());
            if !saved(cursor, done) {
                return Ok(());
            }
        }
        cursor.runs = Some(runs);
        Ok(())
    }

    /// The changes after the cursor, one after the other, each as it was taken.
    fn onward(&self, log: &[Named], cursor: &Cursor) -> Vec<Named> {
        let mut at = cursor.last;
        let mut onward = Vec::new();
        while let Some(next) = log.iter().filter(|named| (named.fence, named.generation, named.first) == (cursor.fence, cursor.generation, at + 1)).min_by_key(|named| named.last) {
            at = next.last;
            onward.push(next.clone());
        }
        onward
    }

    /// A base with its parts; if the destination begins with it, with all documents that it names.
    fn base(&self, named: &Named, begins: bool, done: &mut Done) -> Result<(), ShipError> {
        let signed = self.spool.head(&named.text, &self.of, &self.key)?;
        let mut file = self.spool.read(&named.text)?;
        file.seek(SeekFrom::Start(signed.payload))?;
        let mut payload = Payload::new(&signed.head, BufReader::new(&file));
        payload.ring()?;
        let parts = payload.parts()?;
        let mut documents = Vec::new();
        payload.files(|document| documents.push(document))?;
        payload.finish()?;
        if begins {
            let there: BTreeSet<String> = self.target.list("blob/")?.into_iter().map(|object| object.name).collect();
            documents.retain(|document| !there.contains(&document.object()));
            self.documents(&documents, done)?;
        }
        for part in BTreeSet::from_iter(parts) {
            let name = part_object(&part);
            // A part that was thrown away here is there already, with an earlier base.
            match self.spool.read(&name) {
                Ok(part) => self.put(&name, part, done)?,
                Err(ShipError::Missing(_)) if !self.target.get(&name, 0, 1)?.is_empty() => {}
                Err(error) => return Err(error),
            }
        }
        self.signed(&signed, file, done)
    }

    /// A change with the documents that it names.
    fn change(&self, from: &Spool, name: &str, done: &mut Done) -> Result<(), ShipError> {
        let signed = from.head(name, &self.of, &self.key)?;
        let mut file = from.read(name)?;
        if signed.head.files > 0 {
            let pages = u64::from(signed.head.items) * (crate::payload::PAGE as u64 + u64::from(signed.head.page_size));
            file.seek(SeekFrom::Start(signed.payload + u64::from(signed.head.ring) + pages))?;
            let mut documents = Vec::new();
            let mut bytes = [0; crate::payload::FILE];
            for _ in 0..signed.head.files {
                file.read_exact(&mut bytes)?;
                documents.extend(FileRecord::parse(&bytes));
            }
            self.documents(&documents, done)?;
        }
        self.signed(&signed, file, done)
    }

    /// Documents. One that is gone here was never named by a row that stayed.
    fn documents(&self, documents: &[FileRecord], done: &mut Done) -> Result<(), ShipError> {
        let Some(here) = self.files else { return Ok(()) };
        for document in documents {
            match File::open(here.place(&document.name)) {
                Ok(file) => self.put(&document.object(), file, done)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// A signed object. If one with its name is there, it must be the same.
    fn signed(&self, signed: &Signed, mut file: File, done: &mut Done) -> Result<(), ShipError> {
        file.seek(SeekFrom::Start(0))?;
        let before = done.objects;
        self.put(&signed.head.name(), &file, done)?;
        if done.objects > before {
            return Ok(());
        }
        let mut here = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.take(LONGEST as u64).read_to_end(&mut here)?;
        let (name, there) = (signed.head.name(), self.target.get(&signed.head.name(), 0, LONGEST as u64)?);
        match Signed::read(&there, &name, &self.of, &self.key) {
            _ if there == here => Ok(()),
            Ok(_) => Err(ShipError::not_genuine(&name, "another server ships to this destination under the same name")),
            Err(_) => Err(ShipError::not_genuine(&name, SPOILED)),
        }
    }

    fn put(&self, name: &str, file: impl std::borrow::Borrow<File>, done: &mut Done) -> Result<(), ShipError> {
        let mut file = file.borrow();
        let size = file.metadata()?.len();
        if self.target.put_new(name, size, &mut file)? == Put::Created {
            done.objects += 1;
            done.bytes += size;
        }
        Ok(())
    }
}

impl Cursor {
    /// Whether everything up to this object is at the destination.
    pub fn has(&self, named: &Named) -> bool {
        let run = || named.first == named.last || self.runs.as_ref().is_none_or(|runs| runs.contains(&(named.first, named.last)));
        match named.kind {
            Kind::Log => match (self.fence, self.generation).cmp(&(named.fence, named.generation)) {
                Ordering::Equal => self.last >= named.last && run(),
                other => other == Ordering::Greater,
            },
            Kind::Base => (self.fence, self.generation, self.base) >= (named.fence, named.generation, named.last),
        }
    }

    /// Whether this one stands before the run and can take it as one step.
    fn can_take(&self, run: &Named) -> bool {
        (self.fence, self.generation) == (run.fence, run.generation) && self.last < run.first
    }
}

/// Throws away what no destination needs any more: changes that every one has and that are older than `keep` (milliseconds since 1970) or
/// were put together, bases that every one has, and the parts of no base that stays. The newest change stays, because the next start goes on
/// from it.
pub fn clear(spool: &Spool, of: &Chain, cursors: &[Cursor], keep: i64) -> Result<(), ShipError> {
    let (log, bases) = (spool.log(of)?, spool.bases(of)?);
    let newest = log.iter().chain(&bases).map(|named| (named.fence, named.generation)).max();
    let runs: Vec<&Named> = log.iter().filter(|named| named.first < named.last && Some((named.fence, named.generation)) == newest).collect();
    let everywhere = |named: &Named| cursors.iter().all(|cursor| cursor.has(named));
    let within = |named: &Named, run: &Named| run.text != named.text && (run.fence, run.generation) == (named.fence, named.generation) && run.first <= named.first && named.last <= run.last;
    let replaced = |named: &Named| runs.iter().any(|run| within(named, run) && cursors.iter().all(|cursor| cursor.has(named) || cursor.can_take(run)));
    let last = log.last().map(|named| named.text.clone());
    for named in log.iter().filter(|named| Some(&named.text) != last.as_ref()) {
        let old = named.made < keep || Some((named.fence, named.generation)) != newest;
        if replaced(named) || (old && everywhere(named)) {
            spool.remove(&named.text)?;
        }
    }
    let after = |base: &Named| log.iter().any(|change| (change.fence, change.generation) >= (base.fence, base.generation) && change.last >= base.last && change.first > 0);
    bases.iter().filter(|base| everywhere(base) && after(base)).try_for_each(|base| spool.remove(&base.text))?;
    if spool.bases(of)?.is_empty() {
        spool.list("part/")?.iter().try_for_each(|part| spool.remove(part))?;
    }
    Ok(())
}
