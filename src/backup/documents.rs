//! The documents of a restored site: each is fetched, held against the hash under which it was shipped, and written beside its database.

use super::restore::{Asked, Failed, record};
use ship::{ShipError, Target, payload::FileRecord, restore::{Fetch, Restored}};
use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Ways to the destination at once.
const WAYS: usize = 2;

/// What came back.
#[derive(Default)]
pub(super) struct Brought<'b> {
    pub(super) count: usize,
    pub(super) bytes: u64,
    /// The files that were never shipped, are not there any more, or are not what was shipped.
    pub(super) lost: BTreeSet<&'b str>,
}

/// Brings the encrypted files that the rows of a site name into its folder of documents.
pub(super) fn documents<'b>(asked: &Asked<'_>, restored: &Restored, blobs: &'b [String], folder: &Path) -> Result<Brought<'b>, Failed> {
    let list: Vec<&'b str> = blobs.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    let (next, failed, brought) = (AtomicUsize::new(0), Mutex::new(None), Mutex::new(Brought::default()));
    let keep = |name: &'b str, came: Option<u64>| {
        let mut brought = brought.lock().unwrap_or_else(PoisonError::into_inner);
        match came {
            Some(bytes) => (brought.count, brought.bytes) = (brought.count + 1, brought.bytes + bytes),
            None => drop(brought.lost.insert(name)),
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WAYS {
            scope.spawn(|| {
                let done = (asked.open)().map_err(Failed::from).and_then(|target| {
                    while let Some(name) = list.get(next.fetch_add(1, Ordering::Relaxed)) {
                        keep(name, bring(target.as_ref(), restored, name, folder)?);
                        (asked.tell)(&format!("documents {}%", next.load(Ordering::Relaxed).min(list.len()) * 100 / list.len().max(1)));
                    }
                    Ok(())
                });
                if let Err(error) = done {
                    next.store(list.len(), Ordering::Relaxed);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(brought.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// Brings one; gives its bytes, or nothing when it is lost.
fn bring(target: &dyn Target, restored: &Restored, name: &str, folder: &Path) -> Result<Option<u64>, Failed> {
    let Some(record) = record(restored, name) else { return Ok(None) };
    let below = folder.join(name.get(..2).unwrap_or("00"));
    match fetch(target, record, &below, name) {
        Ok(()) => Ok(Some(record.size)),
        Err(Failed::Ship(error)) if error.is_one_lost() => fs::remove_file(below.join(name)).map(|()| None).map_err(Failed::from),
        Err(error) => Err(error),
    }
}

/// Brings one into a folder, under this name. Whoever wants to keep it makes it durable.
pub(super) fn fetch(target: &dyn Target, record: &FileRecord, folder: &Path, name: &str) -> Result<(), Failed> {
    fs::DirBuilder::new().mode(0o700).recursive(true).create(folder)?;
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
    let (mut from, mut hash, mut gulp, mut size) = (Fetch::new(target, &record.object()), keys::digest::Sha256::default(), vec![0; 1 << 20], 0);
    loop {
        let got = from.read(&mut gulp).map_err(ShipError::of_reading)?;
        let bytes = gulp.get(..got).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hash.update(bytes);
        out.write_all(bytes)?;
        size += got as u64;
    }
    match (size, hash.finish()) == (record.size, record.sha256.0) {
        true => Ok(()),
        false => Err(ShipError::not_genuine(&record.object(), "its content is not what its name says").into()),
    }
}
