//! The parts of a base: one thread reads them, others hold them against their hashes and write them.

use super::Tell;
use crate::{
    ShipError, Target,
    head::{Head, Hex},
    payload::{PART, part_object},
    root::{Hash, Tree, leaf},
};
use keys::nonce::sha256;
use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// Parts that wait to be checked while the next ones are read.
const WAITING: usize = 4;
const CHECKERS: usize = 2;

/// A part as it came, and where it belongs.
struct Came {
    at: u64,
    bytes: Vec<u8>,
    hash: Hex<32>,
}

/// Leaves of the pages from this byte on.
type Leaves = (u64, Vec<Hash>);

/// Writes the parts of a base where they belong, and gives the tree over their pages.
pub(super) fn write(target: &dyn Target, base: &Head, parts: &[Hex<32>], out: &File, tell: Tell<'_>) -> Result<Tree, ShipError> {
    let (give, take) = sync_channel(WAITING);
    let (take, wrong, page) = (Mutex::new(take), AtomicBool::new(false), base.page_size as usize);
    let (read, checked) = thread::scope(|scope| {
        let checkers: Vec<_> = (0..CHECKERS).map(|_| scope.spawn(|| check(&take, &wrong, page, out))).collect();
        let read = read(target, base, parts, &give, &wrong, tell);
        drop(give);
        let ended = checkers.into_iter().map(|checker| checker.join().unwrap_or_else(|_| Err(io::Error::other("what came could not be checked").into())));
        (read, ended.collect::<Result<Vec<_>, _>>())
    });
    let mut tree = Tree::new(base.page_size);
    tree.resize(base.pages);
    for (at, leaves) in checked?.into_iter().flatten() {
        let first = u32::try_from(at / u64::from(base.page_size)).map_err(io::Error::other)? + 1;
        (first..).zip(leaves).for_each(|(number, leaf)| tree.set(number, leaf));
    }
    read.map(|()| tree)
}

fn read(target: &dyn Target, base: &Head, parts: &[Hex<32>], give: &SyncSender<Came>, wrong: &AtomicBool, tell: Tell<'_>) -> Result<(), ShipError> {
    let (mut at, whole) = (0, u64::from(base.pages) * u64::from(base.page_size));
    for hash in parts {
        let wanted = (whole - at).min(PART as u64);
        let bytes = target.get(&part_object(hash), 0, wanted + 1)?;
        if bytes.len() as u64 != wanted {
            return Err(not_genuine(hash));
        }
        if wrong.load(Ordering::Relaxed) || give.send(Came { at, bytes, hash: *hash }).is_err() {
            break;
        }
        at += wanted;
        tell("database", at, whole);
    }
    Ok(())
}

/// Checks and writes what comes until nothing more does. After a mistake it takes the rest and does nothing with it, so that the reader never waits.
fn check(take: &Mutex<Receiver<Came>>, wrong: &AtomicBool, page: usize, out: &File) -> Result<Vec<Leaves>, ShipError> {
    let mut checked = Ok(Vec::new());
    loop {
        let next = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Came { at, bytes, hash }) = next else { return checked };
        let Ok(leaves) = &mut checked else { continue };
        let written = match sha256(&bytes) == hash.0 {
            true => out.write_all_at(&bytes, at).map_err(ShipError::from),
            false => Err(not_genuine(&hash)),
        };
        match written {
            Ok(()) => leaves.push((at, bytes.chunks_exact(page).map(leaf).collect())),
            Err(error) => {
                wrong.store(true, Ordering::Relaxed);
                checked = Err(error);
            }
        }
    }
}

fn not_genuine(hash: &Hex<32>) -> ShipError {
    ShipError::not_genuine(&part_object(hash), "its content is not what its name says")
}
