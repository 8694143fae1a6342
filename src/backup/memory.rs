//! What is remembered of a destination between visits and starts, in small files that may be lost.

use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path};

/// How far apart what is marked for the calendar is, and for how long it is shown, in milliseconds.
const MARKED: i64 = 6 * 3600 * 1000;
const SHOWN: i64 = 100 * 24 * 3600 * 1000;

/// How it went.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct State {
    /// When everything that there was had been brought there: milliseconds since 1970.
    pub(crate) good: Option<i64>,
    /// Since when it fails, and why.
    pub(crate) failing: Option<(i64, String)>,
    /// It is a disk that is carried, and is not here.
    pub(crate) away: bool,
    /// What the last visit was to bring is not all there.
    pub(crate) owed: bool,
    /// Moments of the last weeks, some hours apart, at which everything had been brought there: milliseconds since 1970.
    pub(crate) brought: Vec<i64>,
    /// Objects and bytes brought since it was added.
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
}

impl State {
    /// Marks that everything is there now, at most every few hours.
    pub(super) fn mark(&mut self, now: i64) {
        if self.brought.last().is_none_or(|last| !(0..MARKED).contains(&(now - last))) {
            self.brought.retain(|at| now - at < SHOWN);
            self.brought.push(now);
        }
    }
}

/// A small file; `None` when it is not there or cannot be read.
pub(super) fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes a small file whole, then renames it. If it is lost, everything is compared once more.
pub(super) fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut half = path.as_os_str().to_owned();
    half.push(".new");
    fs::write(&half, serde_json::to_vec(value)?)?;
    fs::rename(half, path)
}
