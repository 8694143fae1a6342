//! Looks at what lies at a destination, without a key of the database: whether everything that belongs to a state is there, has its
//! signature, its length and its hash.

use crate::{
    ShipError, Target,
    head::{Chain, Head, Hex, Kind, LONGEST, Signed},
    name::Named,
    payload::{FILE, FileRecord, Payload, part_object},
    restore::{Fetch, Trust},
    route::{When, route},
};
use keys::digest::Sha256;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The newest state: heads, and whether everything is there with its length.
    Newest,
    /// Every state: every byte is read and compared with its hash.
    Everything,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    /// The object.
    pub object: String,
    /// What is wrong with it.
    pub why: String,
    /// It is there, and is not what was put there.
    pub spoiled: bool,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Objects looked at.
    pub objects: u64,
    /// Their bytes, as far as they were read.
    pub bytes: u64,
    /// What is wrong.
    pub wrong: Vec<Wrong>,
}

/// The objects that hold a database at a destination, with their lengths. What cannot be ours by its name is none.
pub fn objects(target: &dyn Target, of: &Chain) -> Result<Vec<(Named, u64)>, ShipError> {
    let mut all = Vec::new();
    for folder in ["base", "log"] {
        for object in target.list(&format!("{folder}/{}/", of.chain))? {
            all.extend(Named::parse(&object.name, of).map(|named| (named, object.size)));
        }
    }
    all.sort_by_key(|(named, _)| (named.fence, named.generation, named.last, named.first));
    Ok(all)
}

/// Whether an object has this length and hash.
pub fn is_whole(target: &dyn Target, name: &str, size: u64, sha256: &Hex<32>) -> Result<bool, ShipError> {
    let (mut from, mut hash, mut gulp, mut read) = (Fetch::new(target, name), Sha256::default(), vec![0; 1 << 20], 0u64);
    loop {
        let got = from.read(&mut gulp).map_err(ShipError::of_reading)?;
        if got == 0 {
            return Ok(read == size && hash.finish() == sha256.0);
        }
        hash.update(gulp.get(..got).unwrap_or_default());
        read += got as u64;
    }
}

/// Looks at a database. What is wrong is found, not an error; an error is a destination that cannot be read. `tell` hears of objects done and
/// objects in all.
pub fn verify(target: &dyn Target, trust: &Trust, depth: Depth, tell: &mut dyn FnMut(u64, u64)) -> Result<Findings, ShipError> {
    let all = objects(target, &trust.of)?;
    let names: Vec<Named> = all.iter().map(|(named, _)| named.clone()).collect();
    let newest = names.iter().map(|named| (named.fence, named.generation)).max().unwrap_or_default();
    let mut look = Look { target, trust, depth, newest, findings: Findings::default(), parts: BTreeMap::new(), files: BTreeSet::new(), links: BTreeMap::new() };
    let way = match route(&names, When::Latest) {
        Ok(route) => std::iter::once(route.base).chain(route.log).map(|named| named.text).collect(),
        Err(ShipError::Nothing) if names.is_empty() => return Ok(look.findings),
        Err(error) => {
            look.wrong(names.last().map_or("base", |named| named.text.as_str()), error.to_string(), false);
            BTreeSet::new()
        }
    };
    let chosen: Vec<&(Named, u64)> = all.iter().filter(|(named, _)| depth == Depth::Everything || way.contains(&named.text)).collect();
    for (done, (named, size)) in (1..).zip(&chosen) {
        look.object(named, *size)?;
        tell(done, chosen.len() as u64);
    }
    look.links();
    look.content(tell)?;
    Ok(look.findings)
}

/// Said of an object that the list of a destination names and that cannot be read.
const GONE: &str = "it is in the list, and is not there";

struct Look<'l> {
    target: &'l dyn Target,
    trust: &'l Trust,
    depth: Depth,
    /// Fence and generation of the newest object.
    newest: (u32, u32),
    findings: Findings,
    /// Parts that bases name, with their lengths.
    parts: BTreeMap<Hex<32>, u64>,
    files: BTreeSet<FileRecord>,
    /// The heads, by where they end.
    links: BTreeMap<(u32, u32, u64), Vec<Signed>>,
}

impl Look<'_> {
    fn wrong(&mut self, object: &str, why: impl Into<String>, spoiled: bool) {
        self.findings.wrong.push(Wrong { object: object.into(), why: why.into(), spoiled });
    }

    /// An object that holds a part of the database.
    fn object(&mut self, named: &Named, size: u64) -> Result<(), ShipError> {
        self.findings.objects += 1;
        match self.open(named, size) {
            Err(ShipError::NotGenuine { object, why }) => self.wrong(&object, why, true),
            Err(ShipError::Missing(object)) => self.wrong(&object, GONE, false),
            Err(error) if error.is_one_lost() => self.wrong(&named.text, error.to_string(), true),
            opened => return opened,
        }
        Ok(())
    }

    fn open(&mut self, named: &Named, size: u64) -> Result<(), ShipError> {
        let name = &named.text;
        let bytes = self.target.get(name, 0, LONGEST as u64)?;
        let signed = match Signed::read(&bytes, name, &self.trust.of, &self.trust.key) {
            Err(_) if self.is_earlier_registry(named) => return self.under_an_earlier_key(&bytes, name, size),
            signed => signed?,
        };
        let head = &signed.head;
        if signed.payload + head.size != size {
            return Err(ShipError::not_genuine(name, format!("it has {size} bytes, and should have {}", signed.payload + head.size)));
        }
        match (head.kind, self.depth) {
            (Kind::Base, _) | (_, Depth::Everything) => {
                let (parts, files) = self.whole(&signed)?;
                self.parts.extend(parts);
                self.files.extend(files);
            }
            _ => self.files_of(&signed)?,
        }
        self.links.entry((head.fence, head.generation, head.last)).or_default().push(signed);
        Ok(())
    }

    /// Another root key signs the registry from its next generation on; what came before stays, because the kit of then opens it.
    fn is_earlier_registry(&self, named: &Named) -> bool {
        self.trust.of.is_registry() && (named.fence, named.generation) < self.newest
    }

    /// Whether it is what its own head says. Nothing vouches for that head, so that what it names counts for nothing.
    fn under_an_earlier_key(&mut self, bytes: &[u8], name: &str, size: u64) -> Result<(), ShipError> {
        let signed = Signed::look(bytes, name, None)?;
        match signed.head.name() == name && signed.payload + signed.head.size == size {
            true => self.whole(&signed).map(drop),
            false => Err(ShipError::not_genuine(name, "it is not what its head says")),
        }
    }

    /// Reads a payload to its end: the parts and documents that it names. They count only when all of it is what was signed.
    fn whole(&mut self, signed: &Signed) -> Result<(BTreeMap<Hex<32>, u64>, Vec<FileRecord>), ShipError> {
        let (head, name) = (&signed.head, signed.head.name());
        let mut payload = Payload::new(head, Fetch::from(self.target, &name, signed.payload));
        let (mut parts, mut files) = (BTreeMap::new(), Vec::new());
        payload.ring()?;
        if head.kind == Kind::Base {
            let mut left = u64::from(head.pages) * u64::from(head.page_size);
            for part in payload.parts()? {
                parts.insert(part, left.min(crate::payload::PART as u64));
                left = left.saturating_sub(crate::payload::PART as u64);
            }
        } else {
            payload.pages(|_| Ok(()))?;
        }
        payload.files(|file| files.push(file))?;
        payload.finish()?;
        self.findings.bytes += head.size;
        Ok((parts, files))
    }

    /// The documents that a change names: they stand at the end of it.
    fn files_of(&mut self, signed: &Signed) -> Result<(), ShipError> {
        self.files.extend(named_files(self.target, signed)?);
        Ok(())
    }

    /// Every change follows the one before it.
    fn links(&mut self) {
        let mut broken = Vec::new();
        for signed in self.links.values().flatten() {
            let Head { kind, fence, generation, first, before, .. } = &signed.head;
            let earlier = if *kind == Kind::Log { self.links.get(&(*fence, *generation, first - 1)) } else { None };
            if earlier.is_some_and(|earlier| earlier.iter().any(|earlier| crate::base::after(earlier) != *before)) {
                broken.push(signed.head.name());
            }
        }
        broken.iter().for_each(|name| self.wrong(name, "it does not follow the change before it", false));
    }

    /// Parts and documents.
    fn content(&mut self, tell: &mut dyn FnMut(u64, u64)) -> Result<(), ShipError> {
        let mut wanted: Vec<(String, u64, Hex<32>)> = self.parts.iter().map(|(part, size)| (part_object(part), *size, *part)).collect();
        wanted.extend(self.files.iter().map(|file| (file.object(), file.size, file.sha256)));
        let mut there: BTreeMap<String, u64> = BTreeMap::new();
        for folder in ["part/", "blob/"] {
            there.extend(self.target.list(folder)?.into_iter().map(|object| (object.name, object.size)));
        }
        for (done, (name, size, sha256)) in (1..).zip(&wanted) {
            self.findings.objects += 1;
            match there.get(name) {
                None => self.wrong(name, "it is not there", false),
                Some(found) if found != size => self.wrong(name, format!("it has {found} bytes, and should have {size}"), true),
                Some(_) if self.depth == Depth::Everything => {
                    self.findings.bytes += size;
                    match is_whole(self.target, name, *size, sha256) {
                        Ok(true) => {}
                        Ok(false) => self.wrong(name, "its content is not what its name says", true),
                        Err(ShipError::Missing(_)) => self.wrong(name, GONE, false),
                        Err(error) if error.is_one_lost() => self.wrong(name, error.to_string(), true),
                        Err(error) => return Err(error),
                    }
                }
                Some(_) => {}
            }
            tell(done, wanted.len() as u64);
        }
        Ok(())
    }
}

/// The documents that an object names, read from its end. Their hash is not checked; that of the whole object is, where it is read whole.
pub(crate) fn named_files(target: &dyn Target, signed: &Signed) -> Result<Vec<FileRecord>, ShipError> {
    let (head, size) = (&signed.head, u64::from(signed.head.files) * FILE as u64);
    if size == 0 {
        return Ok(Vec::new());
    }
    let bytes = target.get(&head.name(), signed.payload + head.size.saturating_sub(size), size)?;
    let records: Option<Vec<FileRecord>> = bytes.as_chunks::<FILE>().0.iter().map(FileRecord::parse).collect();
    records.filter(|records| records.len() == head.files as usize).ok_or_else(|| ShipError::not_genuine(&head.name(), "it is cut off"))
}
