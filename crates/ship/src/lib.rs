//! Shipping: getting a database and its documents off the box while they are in use, and back. Nothing here has a key of what it ships.
//!
//! ```text
//!  write-ahead log ──follow──▶ spool ──deliver──▶ destination ──route, restore──▶ database
//!  main file       ──base────▶                      (Target)
//! ```
//! A destination is create-only: what was put there once is not changed through it. Removing is another trait with another credential, and
//! belongs to retention.
#![warn(missing_docs)]

pub mod alone;
pub mod base;
pub mod compact;
pub mod deliver;
pub mod dir;
pub mod files;
pub mod follow;
pub mod head;
pub mod name;
pub mod payload;
pub mod prune;
pub mod restore;
pub mod retain;
pub mod root;
pub mod route;
pub mod s3;
pub mod sftp;
pub mod spool;
pub mod verify;
pub mod wal;

use std::{fmt, io};

/// Where artefacts are shipped to. Names are relative paths of ASCII letters, digits, `.`, `-`, `_` and `/`.
pub trait Target {
    /// Puts an object of `size` bytes that must not be there yet. Durable when this returns.
    fn put_new(&self, name: &str, size: u64, bytes: &mut dyn io::Read) -> Result<Put, ShipError>;

    /// Reads `length` bytes of an object from `start`; fewer if it ends before.
    fn get(&self, name: &str, start: u64, length: u64) -> Result<Vec<u8>, ShipError>;

    /// All objects that begin with `prefix`, sorted by name.
    fn list(&self, prefix: &str) -> Result<Vec<Listed>, ShipError>;

    /// Free bytes, if the target can tell.
    fn free_space(&self) -> Result<Option<u64>, ShipError>;
}

/// Whoever may remove objects from a target.
pub trait Pruner {
    /// Removes an object; one that is not there is none.
    fn remove(&self, name: &str) -> Result<(), ShipError>;

    /// For how long the target keeps whatever is put there, even if it is removed, as in `GOVERNANCE 30 days`; `None` if it does not, or
    /// does not tell.
    fn locks(&self) -> Result<Option<String>, ShipError> {
        Ok(None)
    }
}

/// A target with all that may be done there, for a thread of its own.
pub trait Reach: Target + Pruner + Send {}

impl<T: Target + Pruner + Send> Reach for T {}

/// What came of putting an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is there now.
    Created,
    /// Something with that name was there already and was left as it is.
    Exists,
}

/// An object in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it arrived, by the clock of the target: seconds since 1970.
    pub arrived: Option<i64>,
}

/// Why shipping or restoring failed.
#[derive(Debug)]
pub enum ShipError {
    /// The name is not one that targets take.
    Name(String),
    /// There is no such object, directory or disk.
    Missing(String),
    /// The target has no room.
    Full,
    /// This machine has no room for so many bytes.
    NoRoomHere(u64),
    /// The target cannot be reached or read.
    Io(io::Error),
    /// The target does not let us in, or is not the one it was.
    Refused(String),
    /// An object is not what we put there.
    NotGenuine {
        /// Its name.
        object: String,
        /// What is wrong with it.
        why: String,
    },
    /// Objects are missing between these two changes; up to the first, everything is there.
    Gap(u64, u64),
    /// There is nothing to restore as old as that, or nothing at all.
    Nothing,
    /// The database on the disk is not what was shipped.
    Changed,
}

impl ShipError {
    /// An object is not what we put there.
    pub fn not_genuine(object: &str, why: impl Into<String>) -> ShipError {
        ShipError::NotGenuine { object: object.into(), why: why.into() }
    }

    /// What went wrong while an object was read as a stream of bytes.
    pub fn of_reading(error: io::Error) -> ShipError {
        error.downcast().unwrap_or_else(ShipError::Io)
    }

    /// The object that nobody with our key has signed under its name: a stranger's, or one of ours that was spoiled.
    pub fn unsigned(&self) -> Option<&str> {
        match self {
            ShipError::NotGenuine { object, why } if head::UNSIGNED.contains(&why.as_str()) => Some(object),
            _ => None,
        }
    }

    /// Whether it is this one object that is lost, and others may be well: it is not there, is not what was put there, or lies where the disk
    /// cannot be read (EIO).
    pub fn is_one_lost(&self) -> bool {
        match self {
            ShipError::Missing(_) | ShipError::NotGenuine { .. } => true,
            ShipError::Io(error) => error.raw_os_error() == Some(5),
            _ => false,
        }
    }
}

impl fmt::Display for ShipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShipError::Name(name) => write!(f, "{name:?} is no name for an object"),
            ShipError::Missing(what) => write!(f, "{what} is not there"),
            ShipError::Full => f.write_str("the destination is full; make room there"),
            ShipError::NoRoomHere(size) => write!(f, "this machine has no room for {} MB; make room in the data directory", size / 1_000_000 + 1),
            ShipError::Io(error) => write!(f, "the destination failed: {error}"),
            ShipError::Refused(why) => f.write_str(why),
            ShipError::NotGenuine { object, why } => write!(f, "{object} is not genuine: {why}"),
            ShipError::Gap(from, to) => write!(f, "changes {} to {} are missing", from + 1, to - 1),
            ShipError::Nothing => f.write_str("there is no backup as old as that"),
            ShipError::Changed => f.write_str("the database on this disk is not the one that was backed up"),
        }
    }
}

impl std::error::Error for ShipError {}

impl From<io::Error> for ShipError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ShipError::Full,
            _ => ShipError::Io(error),
        }
    }
}

/// A name that every kind of target takes: no empty part, no `.` or `..`, nothing but plain characters.
pub fn check_name(name: &str) -> Result<(), ShipError> {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    match name.len() <= 512 && name.split('/').all(plain) {
        true => Ok(()),
        false => Err(ShipError::Name(name.into())),
    }
}
