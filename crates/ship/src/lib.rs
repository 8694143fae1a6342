//! Shipping: getting encrypted bytes off the box. For now the trait that every destination fulfils, and the first destination, a directory.
//!
//! A target is create-only: what was put there once is not changed through it. Removing is another trait with another credential, and
//! belongs to retention.
#![warn(missing_docs)]

pub mod dir;

use std::{fmt, io};

/// Where artefacts are shipped to. Names are relative paths of ASCII letters, digits, `.`, `-`, `_` and `/`.
pub trait Target {
    /// Puts an object that must not be there yet. Durable when this returns.
    fn put_new(&self, name: &str, bytes: &mut dyn io::Read) -> Result<Put, ShipError>;

    /// Reads `length` bytes of an object from `start`; fewer if it ends before.
    fn get(&self, name: &str, start: u64, length: u64) -> Result<Vec<u8>, ShipError>;

    /// Names of all objects that begin with `prefix`, sorted.
    fn list(&self, prefix: &str) -> Result<Vec<String>, ShipError>;

    /// Free bytes, if the target can tell.
    fn free_space(&self) -> Result<Option<u64>, ShipError>;
}

/// What came of putting an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is there now, with so many bytes.
    Created(u64),
    /// Something with that name was there already and was left as it is.
    Exists,
}

/// Why shipping failed.
#[derive(Debug)]
pub enum ShipError {
    /// The name is not one that targets take.
    Name(String),
    /// There is no such object.
    Missing(String),
    /// The target has no room.
    Full,
    /// The target cannot be reached or read.
    Io(io::Error),
}

impl fmt::Display for ShipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShipError::Name(name) => write!(f, "{name:?} is no name for an object"),
            ShipError::Missing(name) => write!(f, "there is no object {name:?}"),
            ShipError::Full => f.write_str("the destination is full; make room there"),
            ShipError::Io(error) => write!(f, "the destination failed: {error}"),
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
