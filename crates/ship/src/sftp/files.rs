//! The files below one folder, over one connection. Requests are sent ahead of the answers, so that a long way costs its time once.

use super::{SILENCE, ssh::Host};
use crate::{Listed, ShipError, check_name};
use futures_util::stream::{self, StreamExt};
use russh::{ChannelStream, client};
use russh_sftp::{
    client::{Config, RawSftpSession, error::Error},
    extensions,
    protocol::{FileAttributes, OpenFlags, StatusCode},
};
use std::{future::Future, io};
use tokio::time::timeout;

/// What every server takes in one request.
pub(super) const CHUNK: u32 = 32 * 1024;
/// Requests on the way at once: 2 MiB, which fills 100 Mbit/s over 150 ms.
pub(super) const AHEAD: usize = 64;
/// Folders listed at once.
const FOLDERS: usize = 16;
/// A server that answers so often about one folder never comes to an end: servers tell of some hundred entries at a time.
const ANSWERS: usize = 100_000;

/// One connection to the files of one server.
pub(super) struct Session {
    pub(super) raw: RawSftpSession,
    base: String,
    /// The server can be asked to make a file durable.
    pub(super) syncs: bool,
    /// The server can be asked for its free space.
    tells_space: bool,
    /// Holds the connection open.
    _ssh: client::Handle<Host>,
}

/// Why something did not work.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server says no. The connection is sound.
    Status(StatusCode),
    /// The connection is gone, or nothing comes over it.
    Broken(io::Error),
    /// Nothing that the server said.
    Ours(ShipError),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Status(status) => Trouble::Status(status.status_code),
            error => Trouble::Broken(io::Error::new(io::ErrorKind::ConnectionAborted, format!("the connection broke off ({error})"))),
        }
    }
}

impl From<ShipError> for Trouble {
    fn from(error: ShipError) -> Self {
        Trouble::Ours(error)
    }
}

impl Trouble {
    pub(super) fn about(self, what: &str) -> ShipError {
        match self {
            Trouble::Status(StatusCode::NoSuchFile) => ShipError::Missing(what.into()),
            Trouble::Status(StatusCode::PermissionDenied) => ShipError::Refused(format!("the server does not let us do that with {what}")),
            Trouble::Status(code) => ShipError::Io(io::Error::other(format!("the server says {code} about {what}"))),
            Trouble::Broken(error) => ShipError::Io(error),
            Trouble::Ours(error) => error,
        }
    }
}

impl Session {
    pub(super) async fn start(ssh: client::Handle<Host>, stream: ChannelStream<client::Msg>, path: &str) -> Result<Session, ShipError> {
        // The time for an answer is ours to measure: with many requests on the way, each waits for those before it.
        let raw = RawSftpSession::new_with_config(stream, Config { request_timeout_secs: 86_400, ..Config::default() });
        let version = answer(raw.init()).await.map_err(|trouble| trouble.about(path))?;
        let offers = |name, number| version.extensions.get(name).is_some_and(|offered| offered == number);
        let (syncs, tells_space) = (offers(extensions::FSYNC, "1"), offers(extensions::STATVFS, "2"));
        let base = match path {
            "" => ".".into(),
            path => path.into(),
        };
        Ok(Session { raw, base, syncs, tells_space, _ssh: ssh })
    }

    pub(super) fn place(&self, name: &str) -> String {
        match name {
            "" => self.base.clone(),
            name => format!("{}/{name}", self.base.trim_end_matches('/')),
        }
    }

    pub(super) async fn look_at_base(&self) -> Result<(), Trouble> {
        match answer(self.raw.stat(&self.base)).await?.attrs.is_dir() {
            true => Ok(()),
            false => Err(Trouble::Status(StatusCode::NoSuchFile)),
        }
    }

    pub(super) async fn is_taken(&self, name: &str) -> Result<bool, Trouble> {
        match answer(self.raw.lstat(self.place(name))).await {
            Ok(_) => Ok(true),
            Err(Trouble::Status(StatusCode::NoSuchFile)) => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    pub(super) async fn get(&self, name: &str, start: u64, length: u64) -> Result<Vec<u8>, Trouble> {
        let handle = answer(self.raw.open(self.place(name), OpenFlags::READ, FileAttributes::empty())).await?.handle;
        let read = self.read(&handle, start, start.saturating_add(length)).await;
        answer(self.raw.close(handle)).await?;
        read
    }

    async fn read(&self, handle: &str, start: u64, end: u64) -> Result<Vec<u8>, Trouble> {
        let pieces = (start..end).step_by(CHUNK as usize).map(|at| {
            let wanted = u32::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
            async move { (wanted, self.read_piece(handle, at, wanted).await) }
        });
        let mut pieces = stream::iter(pieces).buffered(AHEAD);
        let mut out = Vec::new();
        // The silence is measured from one piece to the next: on a slow line the last of those on the way waits long.
        while let Some((wanted, piece)) = timeout(SILENCE, pieces.next()).await.map_err(|_| silent())? {
            let piece = piece?;
            out.extend_from_slice(&piece);
            if piece.len() < wanted as usize {
                break;
            }
        }
        Ok(out)
    }

    /// Less than was asked for is the end of the file only if the server says so.
    async fn read_piece(&self, handle: &str, start: u64, wanted: u32) -> Result<Vec<u8>, Trouble> {
        let mut piece: Vec<u8> = Vec::new();
        loop {
            let had = u32::try_from(piece.len()).unwrap_or(wanted);
            let missing = wanted.saturating_sub(had);
            if missing == 0 {
                return Ok(piece);
            }
            match self.raw.read(handle, start + u64::from(had), missing).await.map_err(Trouble::from) {
                Ok(data) if data.data.is_empty() => return Ok(piece),
                Ok(data) => piece.extend(data.data.into_iter().take(missing as usize)),
                Err(Trouble::Status(StatusCode::Eof)) => return Ok(piece),
                Err(trouble) => return Err(trouble),
            }
        }
    }

    pub(super) async fn list(&self, folder: &str) -> Result<Vec<Listed>, Trouble> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_string()];
        while !folders.is_empty() {
            let mut below = Vec::new();
            let mut reading = stream::iter(folders).map(|folder| self.read_folder(folder)).buffer_unordered(FOLDERS);
            while let Some(entries) = reading.next().await {
                for (name, attributes) in entries? {
                    match attributes.file_type() {
                        kind if kind.is_dir() => below.push(name),
                        kind if kind.is_file() => {
                            found.push(Listed { name, size: attributes.size.unwrap_or(0), arrived: attributes.mtime.map(i64::from) });
                        }
                        _ => {}
                    }
                }
            }
            folders = below;
        }
        if found.is_empty() {
            self.look_at_base().await?;
        }
        Ok(found)
    }

    /// What is in a folder, without what cannot be an object: half files, and names that we never gave. One that is not there is empty.
    async fn read_folder(&self, folder: String) -> Result<Vec<(String, FileAttributes)>, Trouble> {
        let handle = match answer(self.raw.opendir(self.place(&folder))).await {
            Ok(opened) => opened.handle,
            Err(Trouble::Status(StatusCode::NoSuchFile)) => return Ok(Vec::new()),
            Err(trouble) => return Err(trouble),
        };
        let mut entries = Vec::new();
        for _ in 0..ANSWERS {
            match answer(self.raw.readdir(&handle)).await {
                Ok(more) => entries.extend(more.files.into_iter().filter_map(|file| Some((below(&folder, file.filename)?, file.attrs)))),
                Err(Trouble::Status(StatusCode::Eof)) => {
                    answer(self.raw.close(handle)).await?;
                    return Ok(entries);
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Err(Trouble::Ours(ShipError::Io(io::Error::other("the list of objects has no end"))))
    }

    pub(super) async fn free_space(&self) -> Result<Option<u64>, Trouble> {
        if !self.tells_space {
            return Ok(None);
        }
        let space = answer(self.raw.statvfs(&self.base)).await?;
        Ok(Some(space.blocks_avail.saturating_mul(space.fragment_size)))
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), Trouble> {
        match answer(self.raw.remove(self.place(name))).await {
            Ok(_) | Err(Trouble::Status(StatusCode::NoSuchFile)) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }
}

/// An entry with the folder before it, if that is a name that we give.
fn below(folder: &str, entry: String) -> Option<String> {
    let whole = match folder {
        _ if entry.contains('/') => return None,
        "" => entry,
        folder => format!("{folder}/{entry}"),
    };
    check_name(&whole).is_ok().then_some(whole)
}

pub(super) async fn answer<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
    match timeout(SILENCE, asked).await {
        Ok(answered) => Ok(answered?),
        Err(_) => Err(silent()),
    }
}

pub(super) fn silent() -> Trouble {
    Trouble::Broken(io::Error::new(io::ErrorKind::TimedOut, "no answer within 60 seconds"))
}
