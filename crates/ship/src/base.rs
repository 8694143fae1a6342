//! One database under watch: when its log may be emptied, and how a base is made of the file that lies still between two checkpoints.

use crate::{
    ShipError,
    files::Files,
    follow::{Follower, Line, On, Source, Taken, count, read_pages, size_of_files},
    head::{Head, Hex, Kind, Signed, Why},
    payload::{PART, part_object},
    root::{Root, Tree, leaf},
};
use keys::{
    digest::Sha256,
    nonce::sha256,
};
use rustix::fs::fstatvfs;
use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicU32, Ordering},
    },
};

/// Free bytes that a base leaves for everything else.
const MARGIN: u64 = 64 << 20;
/// A log of so many bytes is emptied though it could not be taken: it would fill the disk. A new generation begins after that.
const TOO_LONG: u64 = 1 << 30;

/// Follows a database, and is the only one who empties its log.
pub struct Watch {
    source: Arc<Source>,
    /// Held while the main file must lie still: by a checkpoint, or by whoever reads it.
    still: Mutex<Emptied>,
    follower: Mutex<Follower>,
    /// No generation that begins now may have a lower number.
    least: AtomicU32,
}

/// The state in the main file, since the log was last emptied to the end.
enum Emptied {
    /// It was not, or somebody tried again and it could not be.
    No,
    /// One that nobody has taken: a base is to begin with it.
    ToUnknown,
    /// That of this object.
    To(Box<Signed>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl Watch {
    /// Watches this database.
    pub fn new(source: Source) -> Watch {
        let source = Arc::new(source);
        Watch { follower: Mutex::new(Follower::new(Arc::clone(&source))), still: Mutex::new(Emptied::No), least: AtomicU32::new(0), source }
    }

    /// Where the database lies.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Takes everything that is in the log, then lets `empty` empty it; `empty` tells whether nothing was left in it. Not now, when the main
    /// file is being read, the log could not be taken, or large documents would have to be read first: the next time goes on. Called where nothing else can be committed.
    pub fn checkpoint(&self, now: i64, empty: impl FnOnce() -> bool) -> Result<(), ShipError> {
        let (Some(mut emptied), Some(mut follower)) = (try_lock(&self.still), try_lock(&self.follower)) else { return Ok(()) };
        let too_long = || std::fs::metadata(&self.source.wal).is_ok_and(|log| log.len() > TOO_LONG);
        if self.source.files.as_ref().is_some_and(Files::are_heavy) && !too_long() {
            return Ok(());
        }
        let taken = take_all(&mut follower, now);
        if (taken.is_err() || follower.is_unknown()) && !too_long() {
            return taken;
        }
        if taken.is_ok() {
            follower.seal();
        }
        *emptied = match (empty(), follower.state().and(follower.newest())) {
            (true, Some(signed)) => Emptied::To(Box::new(signed)),
            (true, None) => Emptied::ToUnknown,
            (false, _) => Emptied::No,
        };
        taken
    }

    /// Takes what was committed, and gives the objects that hold it. The first time, it looks where it stopped.
    pub fn take(&self, now: i64) -> Result<Vec<Signed>, ShipError> {
        let unknown = lock(&self.follower).is_unknown();
        if unknown {
            let _still = lock(&self.still);
            lock(&self.follower).resume()?;
        }
        let mut taken = Vec::new();
        while let Taken::Some(signed) = lock(&self.follower).take(now)? {
            taken.push(*signed);
        }
        Ok(taken)
    }

    /// Begins anew with the next base, whatever was taken before. What waits in the spool is thrown away.
    pub fn anew(&self, why: Why) -> Result<(), ShipError> {
        let Source { of, spool, .. } = self.source();
        // A base that is being made would end in the generation that is given up.
        let _still = lock(&self.still);
        let mut follower = lock(&self.follower);
        for named in spool.log(of)?.iter().chain(&spool.bases(of)?) {
            self.least.fetch_max(named.generation.saturating_add(1), Ordering::Relaxed);
            spool.remove(&named.text)?;
        }
        (follower.line, follower.past) = (Line::Waits(why), None);
        Ok(())
    }

    /// The same, in a generation after this one, which somebody else has used.
    pub fn anew_after(&self, generation: u32, why: Why) -> Result<(), ShipError> {
        self.least.fetch_max(generation.saturating_add(1), Ordering::Relaxed);
        self.anew(why)
    }

    /// Why a base is needed before anything can be taken.
    pub fn needs(&self) -> Option<Why> {
        lock(&self.follower).needs()
    }

    /// State root and number of the last change, while the line goes on.
    pub fn state(&self) -> Option<(Root, u64)> {
        lock(&self.follower).state()
    }

    /// The newest object in the spool.
    pub fn newest(&self) -> Option<Signed> {
        lock(&self.follower).newest()
    }

    /// Makes a base of the main file, with the keyring if this is the registry. `None` when the log was not emptied to the end before: that
    /// comes first. `tell` hears of bytes done and bytes in all.
    pub fn base(&self, now: i64, why: Why, ring: &[u8], tell: &mut dyn FnMut(u64, u64)) -> Result<Option<Signed>, ShipError> {
        let mut still = lock(&self.still);
        let state = match (&*still, self.state().is_some()) {
            (Emptied::To(signed), true) => Some(signed.as_ref()),
            (Emptied::ToUnknown, false) => None,
            _ => return Ok(None),
        };
        let pages = match state {
            Some(signed) => signed.head.pages,
            None => u32::try_from(self.source.main.metadata()?.len() / u64::from(self.source.page_size)).map_err(io::Error::other)?,
        };
        let (parts, mut tree) = self.copy(pages, tell)?;
        let root = tree.root();
        if state.is_some_and(|signed| signed.head.root() != root) {
            lock(&self.follower).line = Line::Waits(Why::Replaced);
            return Err(ShipError::Changed);
        }
        let files = self.source.files.as_ref().map_or(Ok(Vec::new()), Files::all)?;
        let mut follower = lock(&self.follower);
        let past = follower.newest();
        let least = self.least.load(Ordering::Relaxed).max(past.as_ref().map_or(0, |past| past.head.generation + 1));
        let begun = || u32::try_from((now / 1000).max(0)).unwrap_or(u32::MAX).max(least);
        let payload: Vec<u8> = ring.iter().copied().chain(parts.iter().flat_map(|part| part.0)).chain(files.iter().flat_map(|file| file.bytes())).collect();
        let last = state.map_or(0, |signed| signed.head.last);
        let link = state.map(after).or(past.as_ref().map(|past| past.link));
        let head = Head {
            kind: Kind::Base,
            of: self.source.of,
            fence: self.source.fence,
            generation: state.map_or_else(begun, |signed| signed.head.generation),
            first: last,
            last,
            before: link.unwrap_or(Hex([0; 32])),
            link: None,
            made: state.map_or_else(|| now.max(past.as_ref().map_or(0, |past| past.head.made)), |signed| signed.head.made),
            why: Some(why),
            wal: None,
            page_size: self.source.page_size,
            pages,
            root: Hex(root.0),
            ring: count(ring.len())?,
            files: count(files.len())?,
            items: count(parts.len())?,
            size: ring.len() as u64 + parts.len() as u64 * 32 + size_of_files(&files),
            sha256: Hex(sha256(&payload)),
        };
        if let Ok(there) = self.source.spool.head(&head.name(), &head.of, &self.source.signer.public()) {
            // Nothing has changed since the last one.
            return Ok(Some(there));
        }
        let signed = self.source.spool.put_signed(&head, &self.source.signer, |out| Ok(out.write_all(&payload)?))?;
        self.source.files.as_ref().map_or(Ok(()), |here| here.only(&files))?;
        if state.is_none() {
            follower.past = Some(signed.clone());
            follower.line = Line::On(Box::new(On { last: signed.clone(), tree, at: None, sealed: true }));
            *still = Emptied::To(Box::new(signed.clone()));
        }
        Ok(Some(signed))
    }

    /// Puts the parts of the main file into the spool, and computes its tree.
    fn copy(&self, pages: u32, tell: &mut dyn FnMut(u64, u64)) -> Result<(Vec<Hex<32>>, Tree), ShipError> {
        let size = self.source.page_size as usize;
        let whole = u64::from(pages) * size as u64;
        let spool = &self.source.spool;
        let disk = fstatvfs(std::fs::File::open(spool.place(""))?).map_err(io::Error::from)?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < whole + MARGIN {
            return Err(ShipError::NoRoomHere(whole));
        }
        let (mut tree, mut parts, mut part) = (Tree::new(self.source.page_size), Vec::new(), Vec::with_capacity(PART));
        tree.resize(pages);
        let mut keep = |part: &mut Vec<u8>| -> Result<(), ShipError> {
            let mut hash = Sha256::default();
            hash.update(part);
            let hash = Hex(hash.finish());
            spool.put(&part_object(&hash), |out| Ok(out.write_all(part)?))?;
            parts.push(hash);
            part.clear();
            Ok(())
        };
        let mut done = 0;
        read_pages(self.source.main, pages, size, |number, image| {
            tree.set(number, leaf(image));
            part.extend_from_slice(image);
            done += size as u64;
            if part.len() >= PART {
                tell(done, whole);
                keep(&mut part)?;
            }
            Ok(())
        })?;
        if done < whole {
            return Err(ShipError::Changed);
        }
        if !part.is_empty() {
            keep(&mut part)?;
        }
        tell(whole, whole);
        Ok((parts, tree))
    }
}

/// The link that a change after this state holds as `before`.
pub(crate) fn after(signed: &Signed) -> Hex<32> {
    match signed.head.kind {
        Kind::Base if signed.head.last > 0 => signed.head.before,
        _ => signed.link,
    }
}

fn take_all(follower: &mut Follower, now: i64) -> Result<(), ShipError> {
    while let Taken::Some(_) = follower.take(now)? {}
    Ok(())
}
