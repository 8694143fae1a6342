//! Returning all data: what is read from a site for an export, and who asked for one.
//!
//! An export reads its rows in one read transaction, so that they are of one moment, and closes it before the documents pass through: an open
//! reader keeps the write-ahead log from being emptied, and documents may take hours. That is safe because a stored file is never changed:
//! what a row named then is what comes later. Rows take seconds; the writer goes on meanwhile, and the log is emptied after.
//!
//! Everything works on a [`Source`]: a database that can be read, the keys of its site, and its folder of documents. It may be the site that
//! is served, or a copy that came back from a backup.

mod contacts;
mod papers;
mod request;
mod rows;
mod scope;
mod tables;
mod turn;

pub use papers::{CaseRow, Happened, Paper, Seer};
pub use request::{Asked, KEPT, LAPSES, Listed, REASON_MAX, Stage, approve, ask, file, list, refuse, remove, second_persons, withdraw, again};
pub use rows::Value;
pub use scope::{Chosen, Scope, client};
pub use tables::{LEFT_OUT, LEFT_OUT_COLUMNS, Table, tables};
pub(crate) use turn::{Goes, files};
pub use turn::{Progress, Standing, Taken, at_console, delivered, piece, standing, straight};

use crate::{
    blob::{Blob, Blobs},
    error::{OpenError, Refuse},
    open::{Role, open},
    site::Core,
};
use jiff::tz::TimeZone;
use keys::{SiteKeys, blob::Opener};
use rules::Refusal;
use rusqlite::{Connection, OptionalExtension};
use std::{cell::RefCell, fs::File, path::Path, sync::Arc};

/// Whose keys are used.
enum Held {
    Served(Arc<Core>),
    Lying(Box<SiteKeys>),
}

/// A site that is read from: its database, its keys and its documents.
pub struct Source {
    sql: Connection,
    held: Held,
    files: Blobs,
}

impl Source {
    /// A site that nobody serves, such as one that came back from a backup: `folder` holds its `site.db` and its documents. Its database must
    /// have today's form, which opening it once as a site gives it.
    pub fn lying(folder: &Path, keys: SiteKeys) -> Result<Source, OpenError> {
        let sql = open(&folder.join("site.db"), &keys.database_pragma(), Role::Reader)?;
        Ok(Source { sql, held: Held::Lying(Box::new(keys)), files: Blobs::lying(folder) })
    }

    /// The site that is served, on a connection of its own: exports take long, and the readers of pages are few.
    fn served(core: &Arc<Core>, files: &Blobs) -> Result<Source, Refusal> {
        let sql = open(&core.folder.join("site.db"), &core.keys.database_pragma(), Role::Reader).refuse()?;
        Ok(Source { sql, held: Held::Served(Arc::clone(core)), files: files.clone() })
    }

    fn keys(&self) -> &SiteKeys {
        match &self.held {
            Held::Served(core) => &core.keys,
            Held::Lying(keys) => keys,
        }
    }

    /// Reads rows, all of one moment.
    pub fn at_one_moment<T, E: From<Refusal>>(&self, work: impl FnOnce(&Snapshot<'_>) -> Result<T, E>) -> Result<T, E> {
        self.sql.execute_batch("begin").refuse()?;
        let snapshot = Snapshot { source: self, unread: RefCell::default() };
        let done = work(&snapshot);
        let ended = self.sql.execute_batch("rollback").refuse();
        let done = done?;
        ended?;
        Ok(done)
    }

    /// Opens the content of a document, from its beginning.
    pub fn content(&self, blob: &Blob) -> Result<Opener<File>, Refusal> {
        self.files.read(&self.keys().blobs, blob, 0)
    }
}

/// A site at one moment.
pub struct Snapshot<'s> {
    source: &'s Source,
    /// What could not be read, in words.
    unread: RefCell<Vec<String>>,
}

impl Snapshot<'_> {
    fn sql(&self) -> &Connection {
        &self.source.sql
    }

    /// A setting; empty when it was never set.
    pub fn setting(&self, key: &str) -> Result<String, Refusal> {
        let found = self.sql().query_row("select value from setting where key = ?", [key], |row| row.get(0)).optional().refuse()?;
        Ok(found.unwrap_or_default())
    }

    /// The time zone of the firm.
    pub fn zone(&self) -> Result<TimeZone, Refusal> {
        Ok(TimeZone::get(&self.setting("firm.zone")?).unwrap_or(TimeZone::UTC))
    }

    /// The random public id of the site.
    pub fn site(&self) -> [u8; 16] {
        self.source.keys().id
    }

    /// What could not be read so far, in words; asked once.
    pub fn unread(&self) -> Vec<String> {
        self.unread.take()
    }
}
