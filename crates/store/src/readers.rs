//! A few connections that read, each with a large page cache, lent one at a time.

use crate::{
    error,
    open::{Role, open},
};
use rules::{Refusal, Secret};
use rusqlite::Connection;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Longest wait for a connection before the request is told to come back.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Readers {
    path: PathBuf,
    key: Secret<String>,
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, key: Secret<String>, count: usize) -> Readers {
        Readers { path, key, free: Mutex::new(Vec::new()), permits: Arc::new(Semaphore::new(count)) }
    }

    /// Waits for a turn; to be held while the connection is used.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned()).await;
        turn.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Stopped)
    }

    /// Runs `work` on a connection inside a read transaction, so that all it reads is of one moment. A connection on which anything
    /// went wrong is not used again.
    pub(crate) fn run<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let lent = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let sql = match lent {
            Some(sql) => sql,
            None => open(&self.path, &self.key, Role::Reader).map_err(|e| error::from_sql(&e))?,
        };
        let begun = sql.prepare_cached("begin").and_then(|mut begin| begin.execute([]));
        begun.map_err(|e| error::from_sql(&e))?;
        let out = work(&sql);
        let ended = sql.prepare_cached("rollback").and_then(|mut end| end.execute([])).is_ok();
        if ended && !matches!(out, Err(Refusal::Fault(_) | Refusal::Damaged(_))) {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(sql);
        }
        out
    }
}
