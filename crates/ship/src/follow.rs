//! Follows the write-ahead log of one database: takes what was committed, in ciphertext, and puts it into the spool.
//!
//! Positions are `(generation, change, log, frame, checksum)`. What is taken is durable first, and always ends with a commit. When the log is not what it should
//! be, the line of changes is broken: nothing more is taken until a base begins a new generation, and why is said. Never silently.

use crate::{
    ShipError,
    base::after,
    files::Files,
    head::{Chain, Head, Hex, Kind, Signed, Why},
    payload::{FileRecord, PAGE, page_head},
    root::{Hash, Root, Tree, leaf},
    spool::Spool,
    wal::{At, Frames, Header},
};
use keys::{digest::Sha256, sign::Signer};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// After so many bytes of pages an object ends with the next commit.
const LARGE: u64 = 8 << 20;
/// Bytes of the database read at once.
pub(crate) const GULP: usize = 1 << 20;

/// What came of a look at the log.
#[derive(Debug)]
pub enum Taken {
    /// Nothing was committed.
    Nothing,
    /// This was put into the spool. There may be more.
    Some(Box<Signed>),
    /// The line of changes is broken, and a base is needed.
    Broken(Why),
}

/// Where a database lies, and who signs for it.
pub struct Source {
    /// Which database.
    pub of: Chain,
    /// Grows when another machine takes over.
    pub fence: u32,
    /// Its file, from [`main_file`].
    pub main: &'static File,
    /// Its write-ahead log.
    pub wal: PathBuf,
    /// Bytes of its pages.
    pub page_size: u32,
    /// Signs what is taken.
    pub signer: Signer,
    /// Where that waits.
    pub spool: Spool,
    /// The documents that its rows name.
    pub files: Option<Files>,
}

/// Opens the file of a database to read it beside SQLite. It is never closed: closing any descriptor of the file would drop the locks that
/// SQLite holds on it in this process (POSIX `fcntl`).
pub fn main_file(path: &Path) -> io::Result<&'static File> {
    File::open(path).map(|file| &*Box::leak(Box::new(file)))
}

/// What is known of the line of changes.
pub(crate) enum Line {
    /// Not looked at since the start.
    Unknown,
    /// A base is needed first.
    Waits(Why),
    /// Changes are taken.
    On(Box<On>),
}

/// A line of changes that goes on.
pub(crate) struct On {
    /// The last object in the spool.
    pub(crate) last: Signed,
    /// The pages after it.
    pub(crate) tree: Tree,
    /// How far the log was read; nothing when the next one is read from its beginning.
    pub(crate) at: Option<At>,
    /// Everything in the log had been taken when it was last emptied, and nothing since.
    pub(crate) sealed: bool,
}

/// Follows one database.
pub struct Follower {
    source: Arc<Source>,
    pub(crate) line: Line,
    /// The newest object of all, whatever became of its generation.
    pub(crate) past: Option<Signed>,
}

/// What one look found in the log.
struct Found {
    header: Header,
    start: At,
    at: At,
    /// Leaves of the pages, by commit: with the pages of the database after it.
    commits: Vec<(u32, Vec<(u32, Hash)>)>,
    frames: u32,
    hash: Sha256,
}

impl Follower {
    /// Follows this database once [`Follower::resume`] has looked where it stopped.
    pub const fn new(source: Arc<Source>) -> Follower {
        Follower { source, line: Line::Unknown, past: None }
    }

    /// Looks where it stopped: the database as it lies on the disk, with what had been taken of the log, must have the state root of the
    /// newest object in the spool. Nothing may be checkpointed meanwhile.
    pub fn resume(&mut self) -> Result<(), ShipError> {
        let Source { of, spool, signer, files, .. } = self.source.as_ref();
        let newest = match spool.newest(of, &signer.public()) {
            Ok(newest) => newest,
            Err(ShipError::NotGenuine { .. } | ShipError::Name(_)) => {
                self.line = Line::Waits(Why::StateLost);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.past.clone_from(&newest);
        let Some(last) = newest else {
            self.line = Line::Waits(Why::First);
            return Ok(());
        };
        let (tree, at) = self.reread(&last.head)?;
        self.line = match tree {
            Some(tree) => Line::On(Box::new(On { last, tree, at, sealed: false })),
            None => Line::Waits(Why::Replaced),
        };
        if let Some(files) = files {
            files.rescan()?;
        }
        Ok(())
    }

    /// The state that this head tells of, read anew; no tree when that is not what lies on the disk.
    fn reread(&self, head: &Head) -> Result<(Option<Tree>, Option<At>), ShipError> {
        let (over, at) = self.overlay(head.wal)?;
        let mut tree = Tree::new(self.source.page_size);
        tree.resize(head.pages);
        let size = self.source.page_size as usize;
        read_pages(self.source.main, head.pages, size, |number, image| {
            tree.set(number, leaf(image));
            Ok(())
        })?;
        over.into_iter().for_each(|(page, hash)| tree.set(page, hash));
        let same = head.page_size == self.source.page_size && tree.root() == head.root();
        Ok((same.then_some(tree), at))
    }

    /// The pages that had been taken from the log that is there still; nothing when another one began.
    fn overlay(&self, taken: Option<At>) -> Result<(HashMap<u32, Hash>, Option<At>), ShipError> {
        let (Some(taken), Some(log)) = (taken, open(&self.source.wal)?) else { return Ok(Default::default()) };
        let Some(header) = Header::of(&log)?.filter(|header| header.salts == taken.salts) else { return Ok(Default::default()) };
        if !taken.still_stands(&log, &header)? {
            return Ok(Default::default());
        }
        let (mut over, mut frames) = (HashMap::new(), Frames::after(&log, header, header.start())?);
        while frames.at().frame < taken.frame
            && let Some(frame) = frames.read_next()?
        {
            over.insert(frame.page, leaf(frame.image));
        }
        Ok((over, Some(taken)))
    }

    /// Takes what was committed since the last look, up to some megabytes, and puts it into the spool.
    pub fn take(&mut self, now: i64) -> Result<Taken, ShipError> {
        let found = match self.look()? {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Taken::Nothing),
            Err(why) => {
                self.line = Line::Waits(why);
                return Ok(Taken::Broken(why));
            }
        };
        // What is not durable here may be gone after a power cut, and then must not be elsewhere.
        if let Some(log) = open(&self.source.wal)? {
            log.sync_data()?;
        }
        let files = self.source.files.as_ref().map_or(Ok(Vec::new()), Files::drain)?;
        let kept = self.keep(&found, &files, now);
        match &kept {
            Ok(signed) => self.past = Some(signed.clone()),
            // The tree is ahead of the spool now: it is computed anew.
            Err(_) => self.line = Line::Unknown,
        }
        let signed = kept?;
        if let Some(here) = &self.source.files {
            here.recorded(&files)?;
        }
        Ok(Taken::Some(Box::new(signed)))
    }

    /// What is new in the log, up to a commit; an error of the inner kind is a break.
    fn look(&mut self) -> Result<Result<Option<Found>, Why>, ShipError> {
        let Line::On(line) = &mut self.line else { return Ok(Ok(None)) };
        let log = open(&self.source.wal)?;
        let header = log.as_ref().map_or(Ok(None), Header::of)?;
        let (Some(log), Some(header)) = (log, header) else {
            return Ok(if line.at.is_none() || line.sealed { Ok(None) } else { Err(Why::ForeignCheckpoint) });
        };
        if header.page_size != self.source.page_size {
            return Ok(Err(Why::Replaced));
        }
        let start = match line.at {
            Some(at) if at.salts == header.salts => match at.still_stands(&log, &header)? {
                true => at,
                false => return Ok(Err(Why::Fork)),
            },
            Some(at) if !line.sealed || !at.is_followed_by(&header) => return Ok(Err(Why::ForeignCheckpoint)),
            _ => header.start(),
        };
        Ok(Ok(scan(&log, header, start)?))
    }

    /// Writes what was found into the spool.
    fn keep(&mut self, found: &Found, files: &[FileRecord], now: i64) -> Result<Signed, ShipError> {
        let Line::On(line) = &mut self.line else { return Err(io::Error::other("nothing is followed").into()) };
        for (pages, leaves) in &found.commits {
            line.tree.resize(*pages);
            leaves.iter().for_each(|(page, hash)| line.tree.set(*page, *hash));
        }
        let mut hash = found.hash.clone();
        files.iter().for_each(|file| hash.update(&file.bytes()));
        let last = &line.last.head;
        let size = u64::from(found.frames) * (PAGE as u64 + u64::from(found.header.page_size)) + size_of_files(files);
        let head = Head {
            kind: Kind::Log,
            first: last.last + 1,
            last: last.last + 1,
            before: after(&line.last),
            link: None,
            made: now.max(last.made),
            why: None,
            wal: Some(found.at),
            pages: line.tree.pages(),
            root: Hex(line.tree.root().0),
            ring: 0,
            files: count(files.len())?,
            items: found.frames,
            size,
            sha256: Hex(hash.finish()),
            ..last.clone()
        };
        let signed = self.source.spool.put_signed(&head, &self.source.signer, |out| {
            let log = open(&self.source.wal)?.ok_or_else(|| ShipError::Missing("the write-ahead log".into()))?;
            let mut frames = Frames::after(&log, found.header, found.start)?;
            for _ in 0..found.frames {
                let frame = frames.read_next()?.ok_or_else(|| io::Error::other("the write-ahead log changed while it was read"))?;
                out.write_all(&page_head(&frame))?;
                out.write_all(frame.image)?;
            }
            match frames.at() == found.at {
                true => Ok(files.iter().try_for_each(|file| out.write_all(&file.bytes()))?),
                false => Err(io::Error::other("the write-ahead log changed while it was read").into()),
            }
        })?;
        (line.last, line.at, line.sealed) = (signed.clone(), Some(found.at), false);
        Ok(signed)
    }

    /// Everything in the log was taken, and it may be emptied.
    pub(crate) const fn seal(&mut self) {
        if let Line::On(line) = &mut self.line {
            line.sealed = true;
        }
    }

    /// State root and number of the last change, while the line goes on.
    pub fn state(&self) -> Option<(Root, u64)> {
        match &self.line {
            Line::On(line) => Some((line.last.head.root(), line.last.head.last)),
            _ => None,
        }
    }

    /// The newest object in the spool.
    pub fn newest(&self) -> Option<Signed> {
        self.past.clone()
    }

    /// The base that is needed before anything can be taken.
    pub const fn needs(&self) -> Option<Why> {
        match &self.line {
            Line::Waits(why) => Some(*why),
            _ => None,
        }
    }

    /// Whether [`Follower::resume`] is needed.
    pub const fn is_unknown(&self) -> bool {
        matches!(self.line, Line::Unknown)
    }
}

/// Frames up to the last commit, or to the first after [`LARGE`] bytes.
fn scan(log: &File, header: Header, start: At) -> Result<Option<Found>, ShipError> {
    let mut frames = Frames::after(log, header, start)?;
    let (mut commits, mut open, mut running, mut bytes) = (Vec::new(), Vec::new(), Sha256::default(), 0);
    let mut ended = None;
    while let Some(frame) = frames.read_next()? {
        running.update(&page_head(&frame));
        running.update(frame.image);
        open.push((frame.page, leaf(frame.image)));
        bytes += (PAGE + frame.image.len()) as u64;
        let pages = frame.pages;
        if pages > 0 {
            commits.push((pages, std::mem::take(&mut open)));
            ended = Some((frames.at(), running.clone()));
            if bytes > LARGE {
                break;
            }
        }
    }
    Ok(ended.map(|(at, hash)| Found { header, start, at, commits, frames: at.frame - start.frame, hash }))
}

pub(crate) fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn count(length: usize) -> Result<u32, ShipError> {
    u32::try_from(length).map_err(|_| io::Error::other("too many at once").into())
}

pub(crate) fn size_of_files(files: &[FileRecord]) -> u64 {
    (files.len() * crate::payload::FILE) as u64
}

/// Gives every page of a database to `take`, by its number from 1. The descriptor is not closed, and its place in the file does not matter.
pub(crate) fn read_pages(main: &File, pages: u32, size: usize, mut take: impl FnMut(u32, &[u8]) -> Result<(), ShipError>) -> Result<(), ShipError> {
    let mut reader = Place { file: main, at: 0 };
    let mut gulp = vec![0; GULP.max(size)];
    let mut number = 0;
    while number < pages {
        let got = fill(&mut reader, &mut gulp)?;
        for image in gulp.get(..got - got % size).unwrap_or_default().chunks_exact(size) {
            number += 1;
            if number <= pages {
                take(number, image)?;
            }
        }
        if got < gulp.len() {
            break;
        }
    }
    Ok(())
}

/// Reads from a place of its own.
struct Place<'f> {
    file: &'f File,
    at: u64,
}

impl Read for Place<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(into, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

fn fill(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while let Some(rest) = into.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
