//! One database under watch: takes what is committed into the spool, and makes a base when one is needed.

use super::bell::Bell;
use keys::{nonce::sha256, sign::Signer};
use ship::{
    ShipError,
    base::Watch,
    files::Files,
    follow::{Source, main_file},
    head::{Chain, Hex, Why},
    spool::Spool,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use store::{Appliance, Clock, Site, error::OpenError, follow::{Follow, Ground}};

/// Fence of an installation that nobody has taken over.
const FENCE: u32 = 1;
/// Under what the registry holds the SHA-256 of the keyring that was last backed up with it.
const RING: &str = "backup.keyring";

/// A database with its shipper.
pub(crate) struct Line {
    pub(crate) watch: Watch,
    /// Whose it is; the registry has none.
    pub(crate) site: Option<Site>,
    /// Something was committed since the last look.
    dirty: AtomicBool,
    /// A base was asked for.
    wanted: Mutex<Option<Why>>,
    /// Why nothing can be taken, if it cannot.
    trouble: Mutex<Option<String>>,
    /// What broke the line since the start, and when: milliseconds since 1970.
    breaks: Mutex<Vec<(i64, Why)>>,
    bell: Arc<Bell>,
    clock: Clock,
}

fn set<T>(slot: &Mutex<T>, value: T) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = value;
}

fn source(ground: Ground, instance: [u8; 16], folder: &Path) -> Result<Source, OpenError> {
    let of = Chain { instance: Hex(instance), chain: Hex(ground.id) };
    let file = |error: io::Error| OpenError::file(folder, &error);
    let spool = Spool::open(&folder.join(of.chain.to_string())).map_err(file)?;
    let files = ground.files.map(|files| Files::new(&files, &spool.place("files")));
    Ok(Source { of, fence: FENCE, main: main_file(&ground.main).map_err(file)?, wal: ground.wal, page_size: ground.page_size, signer: Signer::of(ground.signing.expose())?, spool, files })
}

impl Line {
    /// Follows a site; its spool lies below `folder`.
    pub(crate) fn of_site(site: &Site, instance: [u8; 16], folder: &Path, bell: &Arc<Bell>, clock: Clock) -> Result<Arc<Line>, OpenError> {
        let line = Arc::new(Line::new(source(site.ground()?, instance, folder)?, Some(site.clone()), bell, clock));
        site.follow(Some(Arc::clone(&line) as Arc<dyn Follow>));
        Ok(line)
    }

    /// Follows the registry. Under another root key it is another database, and begins anew.
    pub(crate) fn of_registry(appliance: &Appliance, folder: &Path, bell: &Arc<Bell>, clock: Clock) -> Result<Arc<Line>, OpenError> {
        let line = Line::new(source(appliance.ground()?, appliance.instance(), folder)?, None, bell, clock);
        let Source { of, spool, signer, .. } = line.watch.source();
        let ring_is_new = line.read_ring(appliance).and_then(|ring| line.ring_is_new(&ring)).map_err(|error| OpenError::file(folder, &error))?;
        if ring_is_new && spool.newest(of, &signer.public()).is_err() {
            line.watch.anew(Why::Keyring).map_err(|error| OpenError::config(error.to_string()))?;
        }
        Ok(Arc::new(line))
    }

    fn new(source: Source, site: Option<Site>, bell: &Arc<Bell>, clock: Clock) -> Line {
        Line { watch: Watch::new(source), site, dirty: AtomicBool::new(true), wanted: Mutex::default(), trouble: Mutex::default(), breaks: Mutex::default(), bell: Arc::clone(bell), clock }
    }

    /// Asks for a base, whatever else there is.
    pub(crate) fn want_base(&self, why: Why) {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.bell.ring();
    }

    /// Begins anew after a generation that somebody else has used.
    pub(crate) fn anew_after(&self, generation: u32, why: Why) -> Result<(), ShipError> {
        self.watch.anew_after(generation, why)?;
        self.committed();
        Ok(())
    }

    /// Takes what was committed, and makes the base that is needed. True when something is new in the spool.
    pub(crate) fn look(&self, appliance: &Appliance) -> bool {
        let looked = self.take(appliance);
        set(&self.trouble, looked.as_ref().err().map(ToString::to_string));
        match looked {
            Ok(new) => new,
            Err(error) => {
                tracing::error!(chain = %self.watch.source().of.chain, "backups cannot follow a database: {error}");
                self.dirty.store(true, Ordering::SeqCst);
                false
            }
        }
    }

    fn take(&self, appliance: &Appliance) -> Result<bool, ShipError> {
        let now = (self.clock)().0;
        let ring = self.ring(appliance)?;
        let mut new = false;
        if self.dirty.swap(false, Ordering::SeqCst) || self.site.is_none() {
            new = !self.watch.take(now)?.is_empty();
        }
        if let Some(why) = self.watch.needs() {
            self.broke(now, why);
        }
        let asked = *self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(why) = self.watch.needs().or(asked) else { return Ok(new) };
        match &self.site {
            Some(site) => site.checkpoint().map_err(|refusal| io::Error::other(refusal.to_string()))?,
            None => {
                // Another keyring is a change of the registry, so that no two bases of one state differ in their keyring.
                if self.ring_is_new(&ring)? {
                    appliance.hold(RING, &sha256(&ring)).map_err(|error| io::Error::other(error.text))?;
                }
                appliance.checkpoint(self);
            }
        }
        match self.watch.base(now, why, &ring, &mut |_, _| {})? {
            Some(base) => {
                set(&self.wanted, None);
                if self.site.is_none() {
                    fs::write(self.ring_mark(), Hex(sha256(&ring)).to_string())?;
                }
                fs::write(self.base_mark(), format!("{now} {}", base.head.last))?;
                tracing::info!(chain = %base.head.of.chain, generation = base.head.generation, "a base was made: {}", why.words());
                Ok(true)
            }
            // A reader stood in the way of emptying the log: soon again.
            None => {
                self.dirty.store(true, Ordering::SeqCst);
                self.wanted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
                Ok(new)
            }
        }
    }

    /// The keyring, for bases of the registry. When it is not the one of the last base, another is wanted.
    fn ring(&self, appliance: &Appliance) -> Result<Vec<u8>, ShipError> {
        if self.site.is_some() {
            return Ok(Vec::new());
        }
        let ring = self.read_ring(appliance)?;
        if self.watch.state().is_some() && self.ring_is_new(&ring)? {
            self.wanted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(Why::Keyring);
        }
        Ok(ring)
    }

    fn read_ring(&self, appliance: &Appliance) -> io::Result<Vec<u8>> {
        fs::read(appliance.dir().join("keyring.json"))
    }

    /// Whether the keyring is not the one of the last base.
    fn ring_is_new(&self, ring: &[u8]) -> io::Result<bool> {
        match fs::read_to_string(self.ring_mark()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            marked => Ok(marked? != Hex(sha256(ring)).to_string()),
        }
    }

    /// Whether the registry has another root key now, so that another signs for it.
    pub(crate) fn is_outlived(&self, appliance: &Appliance) -> Result<bool, OpenError> {
        let signer = Signer::of(appliance.ground()?.signing.expose())?;
        Ok(self.site.is_none() && signer.public() != self.watch.source().signer.public())
    }

    fn ring_mark(&self) -> PathBuf {
        self.watch.source().spool.place("keyring.sha256")
    }

    /// When the last base was made (milliseconds since 1970), and its change.
    pub(crate) fn based(&self) -> Option<(i64, u64)> {
        let mark = fs::read_to_string(self.base_mark()).ok()?;
        let (at, last) = mark.split_once(' ')?;
        Some((at.parse().ok()?, last.parse().ok()?))
    }

    fn base_mark(&self) -> PathBuf {
        self.watch.source().spool.place("base.made")
    }

    /// Notes a break once, for people to hear of it.
    fn broke(&self, now: i64, why: Why) {
        let mut breaks = self.breaks.lock().unwrap_or_else(PoisonError::into_inner);
        if why.is_alarm() && breaks.last().is_none_or(|(_, last)| *last != why) {
            tracing::error!(chain = %self.watch.source().of.chain, "the line of backups was broken, and a new one begins: {}", why.words());
            breaks.push((now, why));
        }
    }

    /// Why nothing can be taken, if it cannot.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What broke the line since the start.
    pub(crate) fn breaks(&self) -> Vec<(i64, Why)> {
        self.breaks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The database.
    pub(crate) fn of(&self) -> Chain {
        self.watch.source().of
    }
}

impl Follow for Line {
    fn committed(&self) {
        self.dirty.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    fn kept(&self, file: &str) {
        self.watch.source().files.iter().for_each(|files| files.kept(file));
    }

    fn checkpoint(&self, empty: &mut dyn FnMut() -> bool) {
        if let Err(error) = self.watch.checkpoint((self.clock)().0, empty) {
            set(&self.trouble, Some(error.to_string()));
            self.committed();
        }
    }
}
