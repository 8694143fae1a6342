//! How much room is left, and a ballast that keeps the trail and sign-in going when there is none.
//!
//! Below [`LOW_FOR_FILES`] free bytes no more of a file is taken; below [`LOW`] ordinary writes are refused with "full", while reading, sign-in and the trail go on. If even those hit
//! the end of the disk, the ballast file is given up for them. When room comes back everything resumes by itself.

use rules::Refusal;
use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Free bytes below which ordinary writes are refused.
const LOW: u64 = 16 << 20;
/// Bytes kept aside.
const BALLAST: u64 = 8 << 20;

/// Free bytes below which no more of a file is taken: what is left is for rows, the trail and its log.
const LOW_FOR_FILES: u64 = 2 * LOW;

/// Watches the file system that holds a site.
#[derive(Clone)]
pub(crate) struct Disk {
    folder: PathBuf,
    ballast: PathBuf,
}

impl Disk {
    pub(crate) fn new(folder: &Path) -> Disk {
        Disk { folder: folder.into(), ballast: folder.join("ballast") }
    }

    /// Whether ordinary writes are to be refused. An error in asking counts as room: the write itself will tell.
    pub(crate) fn is_low(&self) -> bool {
        self.free().is_ok_and(|free| free < LOW)
    }

    /// Whether there is room for more of a file.
    pub(crate) fn check_for_files(&self) -> Result<(), Refusal> {
        match self.free().is_ok_and(|free| free < LOW_FOR_FILES) {
            true => Err(Refusal::Full),
            false => Ok(()),
        }
    }

    /// Bytes that files may still take; none is known when the system does not say.
    pub(crate) fn room_for_files(&self) -> u64 {
        self.free().map_or(u64::MAX, |free| free.saturating_sub(LOW_FOR_FILES))
    }

    /// Gives the ballast up; true if there was one.
    pub(crate) fn drop_ballast(&self) -> bool {
        fs::remove_file(&self.ballast).is_ok()
    }

    /// Lays the ballast down again when there is ample room.
    pub(crate) fn refill(&self) {
        if self.ballast.exists() || self.free().map_or(true, |free| free < LOW + 2 * BALLAST) {
            return;
        }
        let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.ballast);
        if let Ok(file) = made
            && rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, BALLAST).is_err()
        {
            self.drop_ballast();
        }
    }

    fn free(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.folder)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}
