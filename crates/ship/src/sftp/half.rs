//! Writing an object: beside its place first, and hidden, so that what broke off half way is never taken for one.

use super::SILENCE;
use super::files::{AHEAD, Session, Trouble, answer, silent};
use crate::{Put, ShipError};
use futures_util::{
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt},
};
use russh_sftp::{
    client::error::Error,
    protocol::{FileAttributes, OpenFlags, Status, StatusCode},
};
use std::io;
use tokio::time::timeout;

/// A half file. It is fed from outside: where a body comes from may need a runtime of its own.
pub(super) struct Half<'a> {
    session: &'a Session,
    name: &'a str,
    path: String,
    handle: String,
    size: u64,
    at: u64,
    writes: FuturesUnordered<BoxFuture<'a, Result<Status, Error>>>,
}

impl<'a> Half<'a> {
    pub(super) async fn begin(session: &'a Session, name: &'a str, size: u64) -> Result<Half<'a>, Trouble> {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = format!("{}/.{}.part", session.place(folder).trim_end_matches('/'), name.replace('/', "_"));
        let handle = create(session, name, &path).await?;
        Ok(Half { session, name, path, handle, size, at: 0, writes: FuturesUnordered::new() })
    }

    /// Sends a chunk; waits only when enough are on the way.
    pub(super) async fn add(&mut self, chunk: Vec<u8>) -> Result<(), Trouble> {
        let end = self.at + chunk.len() as u64;
        if end > self.size {
            return Err(wrong_length());
        }
        self.writes.push(Box::pin(self.session.raw.write(self.handle.clone(), self.at, chunk)));
        self.at = end;
        if self.writes.len() >= AHEAD {
            self.next().await?;
        }
        Ok(())
    }

    /// The next answer, to whichever chunk: any shows that the transfer moves.
    async fn next(&mut self) -> Result<Option<Status>, Trouble> {
        match timeout(SILENCE, self.writes.next()).await {
            Ok(answered) => Ok(answered.transpose()?),
            Err(_) => Err(silent()),
        }
    }

    /// Makes an object of it, or removes it if the body did not come whole.
    pub(super) async fn end(mut self, fed: Result<(), Trouble>) -> Result<Put, Trouble> {
        let written = match fed {
            Ok(()) => self.settle().await,
            failed => failed,
        };
        if matches!(written, Err(Trouble::Broken(_))) {
            return written.map(|()| Put::Created);
        }
        let closed = answer(self.session.raw.close(self.handle.as_str())).await;
        let put = match written.and(closed.map(|_| ())) {
            Ok(()) => self.move_new().await,
            Err(trouble) => Err(self.why_not(trouble).await),
        };
        if !matches!(put, Ok(Put::Created) | Err(Trouble::Broken(_))) {
            let _ = answer(self.session.raw.remove(self.path.as_str())).await;
        }
        put
    }

    async fn settle(&mut self) -> Result<(), Trouble> {
        while self.next().await?.is_some() {}
        if self.at != self.size {
            return Err(wrong_length());
        }
        if self.session.syncs {
            answer(self.session.raw.fsync(self.handle.as_str())).await?;
        }
        Ok(())
    }

    /// Renaming refuses to replace in this version of the protocol. A server says only that it failed, so that a look is needed.
    async fn move_new(&self) -> Result<Put, Trouble> {
        match answer(self.session.raw.rename(self.path.as_str(), self.session.place(self.name))).await {
            Ok(_) => Ok(Put::Created),
            Err(Trouble::Status(code)) => match self.session.is_taken(self.name).await? {
                true => Ok(Put::Exists),
                false => Err(Trouble::Status(code)),
            },
            Err(trouble) => Err(trouble),
        }
    }

    /// A full disk is no more than a failure in this version of the protocol.
    async fn why_not(&self, trouble: Trouble) -> Trouble {
        match trouble {
            Trouble::Status(StatusCode::Failure) => match self.session.free_space().await {
                Ok(Some(free)) if free < self.size => ShipError::Full.into(),
                _ => trouble,
            },
            trouble => trouble,
        }
    }
}

/// Opens a half file that is nobody else's. One that broke off is removed first, not written over: the server may not have noticed yet that
/// its old connection is gone.
async fn create(session: &Session, name: &str, path: &str) -> Result<String, Trouble> {
    match open_new(session, path).await {
        Err(Trouble::Status(StatusCode::NoSuchFile)) => make_folders(session, name).await?,
        Err(Trouble::Status(_)) => {
            let _ = answer(session.raw.remove(path)).await;
        }
        done => return done,
    }
    open_new(session, path).await
}

async fn open_new(session: &Session, path: &str) -> Result<String, Trouble> {
    let flags = OpenFlags::CREATE | OpenFlags::EXCLUDE | OpenFlags::WRITE;
    Ok(answer(session.raw.open(path, flags, FileAttributes::empty())).await?.handle)
}

/// Makes the folders of an object, but never the one above them all. That one is there already is as good.
async fn make_folders(session: &Session, name: &str) -> Result<(), Trouble> {
    for (end, _) in name.match_indices('/') {
        let folder = name.get(..end).unwrap_or_default();
        match answer(session.raw.mkdir(session.place(folder), FileAttributes::empty())).await {
            Err(Trouble::Status(StatusCode::Failure)) | Ok(_) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(())
}

fn wrong_length() -> Trouble {
    ShipError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, "the object has another length than was said")).into()
}
