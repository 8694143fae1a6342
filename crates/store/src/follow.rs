//! What backups ask of a database: to hear of commits and documents, and to be asked before the write-ahead log is emptied.

use crate::{
    Appliance, Site,
    error::{OpenError, Refuse},
    trail,
    writer::Job,
};
use keys::SiteKeys;
use rules::{Refusal, Secret};
use rusqlite::{Connection, DEFAULT_NAME, wal::CheckpointMode};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock, mpsc::sync_channel},
    time::Duration,
};

/// Whoever follows the write-ahead log of a database for backups.
pub trait Follow: Send + Sync {
    /// Something was committed.
    fn committed(&self);

    /// A document was made durable under this name. Said before any row that names it is committed.
    fn kept(&self, file: &str);

    /// The log is to be emptied: everything in it is to be taken first. `empty` empties it and tells whether nothing was left in it. Called
    /// where nothing else can be committed; it may be left undone, and is asked again.
    fn checkpoint(&self, empty: &mut dyn FnMut() -> bool);
}

/// Where a database lies, and who signs for it.
pub struct Ground {
    /// Random public id: of the site, or of the installation.
    pub id: [u8; 16],
    /// Its file.
    pub main: PathBuf,
    /// Its write-ahead log.
    pub wal: PathBuf,
    /// The folder of its documents.
    pub files: Option<PathBuf>,
    /// Bytes of a page.
    pub page_size: u32,
    /// Seed of the key that signs what is taken of it.
    pub signing: Secret<[u8; 32]>,
}

/// Who follows a database.
#[derive(Default)]
pub(crate) struct Followed(RwLock<State>);

#[derive(Default)]
enum State {
    /// Nobody has said yet, and nothing is emptied: it might be followed, and not taken yet.
    #[default]
    Undecided,
    Nobody,
    By(Arc<dyn Follow>),
}

impl Followed {
    /// From now on by this one, or by nobody.
    pub(crate) fn set(&self, by: Option<Arc<dyn Follow>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = by.map_or(State::Nobody, State::By);
    }

    fn by(&self) -> Option<Arc<dyn Follow>> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            State::By(follow) => Some(Arc::clone(follow)),
            State::Undecided | State::Nobody => None,
        }
    }

    pub(crate) fn committed(&self) {
        self.by().iter().for_each(|follow| follow.committed());
    }

    pub(crate) fn kept(&self, file: &str) {
        self.by().iter().for_each(|follow| follow.kept(file));
    }

    /// Empties the log, after it was taken if somebody follows it.
    pub(crate) fn checkpoint(&self, empty: &mut dyn FnMut() -> bool) {
        let nobody = matches!(&*self.0.read().unwrap_or_else(PoisonError::into_inner), State::Nobody);
        match self.by() {
            Some(follow) => follow.checkpoint(empty),
            None if nobody => drop(empty()),
            None => {}
        }
    }
}

/// Empties the log into the database; whether nothing was left in it. Readers in the way make it partial.
pub(crate) fn empty(sql: &Connection) -> rusqlite::Result<bool> {
    let _ = sql.busy_timeout(Duration::from_millis(100));
    let done = sql.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::TRUNCATE);
    let _ = sql.busy_timeout(Duration::from_secs(5));
    match done {
        Ok(_) => Ok(true),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => Ok(false),
        Err(error) => Err(error),
    }
}

fn ground(main: &Path, files: Option<PathBuf>, keys: &SiteKeys, sql: &Connection) -> Result<Ground, OpenError> {
    // SQLCipher answers for itself, and in letters.
    let page_size: String = sql.query_row("pragma page_size", [], |row| row.get(0))?;
    let page_size = page_size.parse().map_err(|_| OpenError::config(format!("{} has pages of “{page_size}” bytes.", main.display())))?;
    let wal = main.with_extension("db-wal");
    Ok(Ground { id: keys.id, main: main.into(), wal, files, page_size, signing: Secret::new(*keys.signing.expose()) })
}

impl Site {
    /// Where its database lies, for whoever is to follow it.
    pub fn ground(&self) -> Result<Ground, OpenError> {
        let folder = &self.core.folder;
        let door = self.core.door.lock().unwrap_or_else(PoisonError::into_inner);
        ground(&folder.join("site.db"), Some(folder.join("blobs")), &self.core.keys, &door)
    }

    /// From now on its log is followed by this one, or by nobody. Before either is said, nothing is emptied.
    pub fn follow(&self, by: Option<Arc<dyn Follow>>) {
        self.core.followed.set(by);
    }

    /// Has the log emptied now, as far as can be. Waits for the writer: not to be called where others wait.
    pub fn checkpoint(&self) -> Result<(), Refusal> {
        let (asked, done) = sync_channel(1);
        self.queue.send(Job::Checkpoint(asked)).map_err(|(refusal, _)| refusal)?;
        done.recv().map_err(|_| Refusal::Stopped)
    }
}

impl Site {
    /// The number of the newest line of its trail.
    pub fn last_event(&self) -> Result<i64, Refusal> {
        self.door(|sql| Ok(trail::head(sql).refuse()?.seq))
    }
}

impl Appliance {
    /// Where the registry lies, for whoever is to follow it.
    pub fn ground(&self) -> Result<Ground, OpenError> {
        let ring = self.ring();
        let keys = SiteKeys::new(ring.appliance(), ring.instance())?;
        ground(&self.dir().join("appliance.db"), None, &keys, &self.registry())
    }

    /// Has the log of the registry emptied now, by whoever follows it, who says whether it may be.
    pub fn checkpoint(&self, by: &dyn Follow) {
        let registry = self.registry();
        by.checkpoint(&mut || empty(&registry).unwrap_or(false));
    }

    /// The random public id of the installation.
    pub fn instance(&self) -> [u8; 16] {
        self.ring().instance()
    }
}
