//! From objects to a database: applies a base and what changed since, page by page, without a key. What comes out has the state root that
//! was signed, or nothing comes out.

mod parts;

use crate::{
    ShipError, Target,
    base::after,
    head::{Chain, Hex, LONGEST, Signed},
    payload::{FileRecord, PART, Payload},
    root::{Tree, leaf},
    route::{Route, When},
};
use keys::sign::PublicKey;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

/// Bytes asked for at once.
const GULP: u64 = PART as u64;

/// Reads an object of a target in order.
pub struct Fetch<'t> {
    target: &'t dyn Target,
    name: String,
    bytes: io::Cursor<Vec<u8>>,
    next: u64,
    ended: bool,
}

impl<'t> Fetch<'t> {
    /// The object from its beginning.
    pub fn new(target: &'t dyn Target, name: &str) -> Fetch<'t> {
        Fetch::from(target, name, 0)
    }

    /// The object from this byte on.
    pub fn from(target: &'t dyn Target, name: &str, start: u64) -> Fetch<'t> {
        Fetch { target, name: name.into(), bytes: io::Cursor::default(), next: start, ended: false }
    }
}

impl Read for Fetch<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.bytes.read(into)?;
        if got > 0 || into.is_empty() || self.ended {
            return Ok(got);
        }
        let bytes = self.target.get(&self.name, self.next, GULP).map_err(io::Error::other)?;
        self.ended = (bytes.len() as u64) < GULP;
        self.next += bytes.len() as u64;
        self.bytes = io::Cursor::new(bytes);
        self.bytes.read(into)
    }
}

/// Whom a database is to come from.
#[derive(Clone, Copy, Debug)]
pub struct Trust {
    /// Which database.
    pub of: Chain,
    /// The key that signs for it.
    pub key: PublicKey,
}

/// What was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The last object that was applied.
    pub last: Signed,
    /// The keyring that came with the base.
    pub ring: Option<Vec<u8>>,
    /// The documents that the database may name.
    pub files: BTreeMap<Hex<16>, FileRecord>,
    /// Bytes of the database.
    pub size: u64,
}

/// How far it has come: bytes of the database or objects applied.
pub type Tell<'t> = &'t mut dyn FnMut(&str, u64, u64);

/// The head of an object at a target, checked.
pub fn head(target: &dyn Target, name: &str, trust: &Trust) -> Result<Signed, ShipError> {
    Signed::read(&target.get(name, 0, LONGEST as u64)?, name, &trust.of, &trust.key)
}

/// Opens an object: its head, checked, and a reader that stands at its payload.
fn open<'t>(target: &'t dyn Target, name: &str, trust: &Trust) -> Result<(Signed, impl Read + use<'t>), ShipError> {
    let first = target.get(name, 0, GULP)?;
    let signed = Signed::read(&first, name, &trust.of, &trust.key)?;
    let ended = (first.len() as u64) < GULP;
    let (next, mut bytes) = (first.len() as u64, io::Cursor::new(first));
    bytes.set_position(signed.payload);
    Ok((signed, Fetch { target, name: name.into(), bytes, next, ended }))
}

/// Restores a database to a new file at `out`, which must not be there. When it fails, the file is removed. Whoever wants to keep what came
/// makes it durable.
pub fn database(target: &dyn Target, route: &Route, when: When, trust: &Trust, out: &Path, tell: Tell<'_>) -> Result<Restored, ShipError> {
    let file = fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(out)?;
    let done = apply(target, route, when, trust, &file, tell);
    if done.is_err() {
        let _ = fs::remove_file(out);
    }
    done
}

/// What has been applied so far.
struct Applied<'f> {
    out: &'f File,
    tree: Tree,
    last: Signed,
    files: BTreeMap<Hex<16>, FileRecord>,
}

fn apply(target: &dyn Target, route: &Route, when: When, trust: &Trust, out: &File, tell: Tell<'_>) -> Result<Restored, ShipError> {
    let (base, payload) = open(target, &route.base.text, trust)?;
    let mut payload = Payload::new(&base.head, payload);
    let ring = payload.ring()?;
    let parts = payload.parts()?;
    let mut files = BTreeMap::new();
    payload.files(|file| {
        files.insert(file.name, file);
    })?;
    payload.finish()?;
    let tree = parts::write(target, &base.head, &parts, out, tell)?;
    let mut applied = Applied { out, tree, last: base, files };
    applied.check()?;
    let steps = route.log.len() as u64;
    for (done, named) in (1..).zip(&route.log) {
        let (signed, payload) = open(target, &named.text, trust)?;
        let whole = match when {
            When::Commit { commit, .. } if done == steps => commit,
            _ => u32::MAX,
        };
        applied.step(signed, payload, whole)?;
        tell("changes", done, steps);
    }
    let size = u64::from(applied.tree.pages()) * u64::from(applied.tree.page_size());
    out.set_len(size)?;
    Ok(Restored { ring, size, last: applied.last, files: applied.files })
}

impl Applied<'_> {
    /// The state must have the root that was signed.
    fn check(&mut self) -> Result<(), ShipError> {
        match self.tree.root() == self.last.head.root() && self.tree.pages() == self.last.head.pages {
            true => Ok(()),
            false => Err(ShipError::not_genuine(&self.last.head.name(), "applied, it does not give the state that was signed")),
        }
    }

    /// Applies what changed, up to and with this commit of it.
    fn step(&mut self, signed: Signed, payload: impl Read, commits: u32) -> Result<(), ShipError> {
        let head = signed.head.clone();
        let bad = |why: &str| Err(ShipError::not_genuine(&head.name(), why));
        let last = &self.last.head;
        match () {
            () if head.fence < last.fence => return bad("it comes from a server that was fenced off"),
            () if (head.fence, head.generation, head.page_size) != (last.fence, last.generation, last.page_size) => return bad("it belongs to another generation"),
            () if head.first != last.last + 1 || head.before != after(&self.last) => return bad("it does not follow the change before it"),
            () if head.made < last.made => return bad("it is older than the change before it"),
            () => {}
        }
        let mut payload = Payload::new(&head, payload);
        payload.ring()?;
        let (mut pending, mut left) = (Vec::new(), commits);
        let size = u64::from(head.page_size);
        payload.pages(|frame| {
            if left == 0 {
                return Ok(());
            }
            self.out.write_all_at(frame.image, u64::from(frame.page - 1) * size)?;
            pending.push((frame.page, leaf(frame.image)));
            if frame.pages > 0 {
                self.tree.resize(frame.pages);
                pending.drain(..).for_each(|(page, hash)| self.tree.set(page, hash));
                left -= 1;
            }
            Ok(())
        })?;
        payload.files(|file| {
            self.files.insert(file.name, file);
        })?;
        payload.finish()?;
        let (cut, whole) = (left == 0 && commits < u32::MAX, pending.is_empty());
        self.last = signed;
        match () {
            () if !whole => bad("it ends in the middle of a transaction"),
            () if cut => Ok(()),
            () => self.check(),
        }
    }
}
