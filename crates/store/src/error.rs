//! What a database or disk error means to the person who waits: one map, used everywhere by `?`.

use rules::Refusal;
use rusqlite::ErrorCode;

/// Turns errors of this layer into refusals.
pub(crate) trait Refuse<T> {
    /// A missing row becomes "not found", a full disk "full", anything else a fault.
    fn refuse(self) -> Result<T, Refusal>;
}

impl<T> Refuse<T> for rusqlite::Result<T> {
    fn refuse(self) -> Result<T, Refusal> {
        self.map_err(|error| from_sql(&error))
    }
}

impl<T> Refuse<T> for Result<T, keys::KeyError> {
    fn refuse(self) -> Result<T, Refusal> {
        self.map_err(Refusal::fault)
    }
}

impl<T> Refuse<T> for std::io::Result<T> {
    fn refuse(self) -> Result<T, Refusal> {
        self.map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Refusal::Full,
            _ => Refusal::fault(error),
        })
    }
}

pub(crate) fn from_sql(error: &rusqlite::Error) -> Refusal {
    match (error, error.sqlite_error_code()) {
        (rusqlite::Error::QueryReturnedNoRows, _) => Refusal::NotFound,
        (_, Some(ErrorCode::DiskFull)) => Refusal::Full,
        (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => Refusal::Busy,
        _ if is_damage(error) => Refusal::Damaged(error.to_string()),
        _ => Refusal::fault(error),
    }
}

/// Whether the error says that the database itself is damaged or the disk fails: the connection is then not to be trusted.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure))
}

/// Why an instance cannot be opened: one line with the fix, and the exit code that the command gives.
#[derive(Debug)]
pub struct OpenError {
    /// sysexits-like code: 73 cannot write, 75 locked, 77 no permission, 78 bad configuration.
    pub exit: u8,
    /// What is wrong and what to do.
    pub text: String,
}

impl OpenError {
    /// Bad configuration or state: 78.
    pub fn config(text: impl Into<String>) -> Self {
        OpenError { exit: 78, text: text.into() }
    }

    /// A file could not be read or written.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        let exit = match error.kind() {
            std::io::ErrorKind::PermissionDenied => 77,
            _ => 73,
        };
        OpenError { exit, text: format!("{}: {error}.", path.display()) }
    }
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for OpenError {}

impl From<keys::KeyError> for OpenError {
    fn from(error: keys::KeyError) -> Self {
        match &error {
            keys::KeyError::File(path, io) => OpenError::file(path, io),
            _ => OpenError::config(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::config("The database does not open with this key: wrong key, or the file is damaged. Give the right key file, or restore."),
            Some(ErrorCode::DiskFull) => OpenError { exit: 73, text: "The disk is full. Make room and start again.".into() },
            _ => OpenError::config(format!("The database cannot be opened: {error}.")),
        }
    }
}
