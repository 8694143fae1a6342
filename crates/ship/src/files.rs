//! The documents of a site, as they lie encrypted in its folder: which of them were named in an object already, and which are new.
//!
//! A document is durable before its row is committed, and is told here before that too; whoever takes commits from the log first and asks
//! for new documents then has all that those commits name.

use crate::{
    ShipError,
    head::Hex,
    payload::{FILE, FileRecord},
};
use keys::digest::Sha256;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// New documents of so many bytes are not read while commits wait.
const HEAVY: u64 = 32 << 20;

/// The folder of documents of a site, with the list of those that were recorded.
pub struct Files {
    folder: PathBuf,
    index: PathBuf,
    fresh: Mutex<BTreeSet<Hex<16>>>,
}

impl Files {
    /// Documents below `folder`; the list of the recorded ones lies at `index`.
    pub fn new(folder: &Path, index: &Path) -> Files {
        Files { folder: folder.into(), index: index.into(), fresh: Mutex::default() }
    }

    fn fresh(&self) -> MutexGuard<'_, BTreeSet<Hex<16>>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A document was made durable under this name.
    pub fn kept(&self, name: &str) {
        if let Some(name) = Hex::parse(name) {
            self.fresh().insert(name);
        }
    }

    /// Where a document lies.
    pub fn place(&self, name: &Hex<16>) -> PathBuf {
        let name = name.to_string();
        self.folder.join(name.get(..2).unwrap_or("00")).join(name)
    }

    /// Whether reading the new documents takes long: whoever makes others wait leaves it to somebody else.
    pub fn are_heavy(&self) -> bool {
        let fresh = self.fresh().clone();
        let sizes = fresh.iter().map(|name| fs::metadata(self.place(name)).map_or(0, |file| file.len()));
        sizes.sum::<u64>() > HEAVY
    }

    /// The new documents, which count as new no more. One that is gone again was never named by a row.
    pub fn drain(&self) -> Result<Vec<FileRecord>, ShipError> {
        let names = std::mem::take(&mut *self.fresh());
        let mut records = Vec::with_capacity(names.len());
        for name in &names {
            match self.look(name) {
                Ok(found) => records.extend(found),
                Err(error) => {
                    self.fresh().extend(names);
                    return Err(error.into());
                }
            }
        }
        Ok(records)
    }

    /// These are named in an object that is durable.
    pub fn recorded(&self, records: &[FileRecord]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = records.iter().flat_map(FileRecord::bytes).collect();
        let mut index = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&self.index)?;
        // What a power cut left half written at the end is cut off, so that the next record begins where one may begin.
        let whole = index.metadata()?.len() / FILE as u64 * FILE as u64;
        index.set_len(whole)?;
        index.write_all(&bytes)
    }

    /// Finds the documents that no object names, after a start: those kept before a kill were told to nobody.
    pub fn rescan(&self) -> Result<(), ShipError> {
        let known = self.index()?;
        let there = self.there()?;
        self.fresh().extend(there.into_iter().filter(|name| !known.contains_key(name)));
        Ok(())
    }

    /// Every document that is there. Those that were not recorded before are read.
    pub fn all(&self) -> Result<Vec<FileRecord>, ShipError> {
        let known = self.index()?;
        let mut all = Vec::new();
        for name in self.there()? {
            match known.get(&name) {
                Some(record) => all.push(*record),
                None => all.extend(self.look(&name)?),
            }
        }
        Ok(all)
    }

    /// The list is of these, and no others.
    pub(crate) fn only(&self, records: &[FileRecord]) -> Result<(), ShipError> {
        let half = self.index.with_extension("new");
        // One that no change has named yet is found again after a kill only if it is not in the list.
        let fresh = self.fresh().clone();
        let bytes: Vec<u8> = records.iter().filter(|record| !fresh.contains(&record.name)).flat_map(FileRecord::bytes).collect();
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        Ok(fs::rename(&half, &self.index)?)
    }

    fn index(&self) -> Result<BTreeMap<Hex<16>, FileRecord>, ShipError> {
        let bytes = match fs::read(&self.index) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        Ok(bytes.as_chunks::<FILE>().0.iter().filter_map(FileRecord::parse).map(|record| (record.name, record)).collect())
    }

    fn there(&self) -> Result<Vec<Hex<16>>, ShipError> {
        let mut names = Vec::new();
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?;
            if folder.file_name() == "tmp" || !folder.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                names.extend(file?.file_name().to_str().and_then(Hex::parse));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// A document with its hash; `None` when it is not there.
    fn look(&self, name: &Hex<16>) -> io::Result<Option<FileRecord>> {
        let mut file = match File::open(self.place(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let (size, sha256) = digest(&mut file)?;
        Ok(Some(FileRecord { name: *name, sha256, size }))
    }
}

/// Length and SHA-256 of all that is left to read.
pub(crate) fn digest(from: &mut impl Read) -> io::Result<(u64, Hex<32>)> {
    let (mut hash, mut size, mut gulp) = (Sha256::default(), 0, vec![0; 1 << 18]);
    loop {
        match from.read(&mut gulp) {
            Ok(0) => return Ok((size, Hex(hash.finish()))),
            Ok(got) => {
                hash.update(gulp.get(..got).unwrap_or_default());
                size += got as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_new_until_an_object_names_it_whatever_is_killed() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Files::new(dir.path(), &dir.path().join("index"));
        let name = |n: u8| Hex([n; 16]);
        let write = |n: u8| {
            let place = open().place(&name(n));
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, [n; 100]).unwrap();
        };
        (1..=3).for_each(write);
        let files = open();
        [name(1), name(2), name(9)].iter().for_each(|name| files.kept(&name.to_string()));
        let drained = files.drain().unwrap();
        assert_eq!(drained.iter().map(|record| record.name).collect::<Vec<_>>(), [name(1), name(2)], "what is gone again is none");
        assert_eq!((drained[0].size, drained[0].sha256), (100, Hex(keys::nonce::sha256(&[1; 100]))));
        assert!(files.drain().unwrap().is_empty());
        files.recorded(&drained[..1]).unwrap();
        fs::OpenOptions::new().append(true).open(dir.path().join("index")).unwrap().write_all(b"torn").unwrap();
        let again = open();
        again.rescan().unwrap();
        let fresh = again.drain().unwrap();
        assert_eq!(fresh.iter().map(|record| record.name).collect::<Vec<_>>(), [name(2), name(3)]);
        again.recorded(&fresh).unwrap();
        assert_eq!(open().all().unwrap().len(), 3);
        open().rescan().unwrap();
        assert!(open().drain().unwrap().is_empty());
    }
}
