//! A folder on an SSH server as a destination. The server is known by the fingerprint of its host key, and we by a key of our own.

mod files;
mod half;
mod ssh;

use crate::{Listed, Pruner, Put, ShipError, Target, check_name};
use files::{CHUNK, Session, Trouble};
use half::Half;
use std::{
    fmt,
    io::{self, Read},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

pub use ssh::{check_key, host_key, new_key};

/// As long may it take to get in.
const CONNECT: Duration = Duration::from_secs(20);
/// As long may the server be silent while we wait for it. A transfer that moves, however slowly, is not cut.
const SILENCE: Duration = Duration::from_secs(60);

/// Where the folder is and how we get in.
#[derive(Clone)]
pub struct SftpConfig {
    /// The account there.
    pub user: String,
    /// A name or an address.
    pub host: String,
    /// Mostly 22.
    pub port: u16,
    /// The folder, which must be there. Without a slash before it, it is below the home of the account.
    pub path: String,
    /// The fingerprint of the server's key, as [`host_key`] and `ssh-keygen -lf` write it: `SHA256:` and 43 characters.
    pub fingerprint: String,
    /// Our private key, as [`new_key`] made it.
    pub key: Zeroizing<String>,
}

impl SftpConfig {
    /// The folder in words.
    fn folder(&self) -> String {
        match self.path.starts_with('/') {
            true => format!("the folder {} on {}", self.path, self.host),
            false => format!("the folder {} in the home of {} on {}", self.path, self.user, self.host),
        }
    }
}

impl fmt::Debug for SftpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}/{}", self.user, self.host, self.port, self.path)
    }
}

/// A folder on an SSH server. Its calls block, so they must not be made in an asynchronous task.
///
/// One house writes to it at a time. An object is durable when it was put if the server knows `fsync@openssh.com`; for its entry in the folder
/// the protocol has no such request.
pub struct Sftp {
    config: SftpConfig,
    line: Mutex<Line>,
}

/// The session goes before the runtime that it lives in.
struct Line {
    session: Option<Session>,
    runtime: Runtime,
}

impl Sftp {
    /// Connects, and looks that the folder is there: a missing one is more likely an unmounted disk than an empty one.
    pub fn connect(config: &SftpConfig) -> Result<Sftp, ShipError> {
        let sftp = Sftp { config: config.clone(), line: Mutex::new(Line { session: None, runtime: runtime()? }) };
        sftp.call(&config.folder(), async |session| session.look_at_base().await)?;
        Ok(sftp)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what may be done twice: over a new connection once more if the one from before has broken since.
    fn call<T>(&self, about: &str, work: impl AsyncFn(&Session) -> Result<T, Trouble>) -> Result<T, ShipError> {
        let mut line = self.line();
        let kept = line.session.is_some();
        let work = |session: &Session, runtime: &Runtime| runtime.block_on(work(session));
        let done = match line.once(&self.config, work) {
            Err(Trouble::Broken(_)) if kept => line.once(&self.config, work),
            done => done,
        };
        done.map_err(|trouble| trouble.about(about))
    }

    fn write(&self, name: &str, size: u64, bytes: &mut dyn Read) -> Result<Put, ShipError> {
        let put = self.line().once(&self.config, |session, runtime| {
            let mut half = runtime.block_on(Half::begin(session, name, size))?;
            let fed = feed(&mut half, runtime, bytes);
            runtime.block_on(half.end(fed))
        });
        match put {
            // The folders were made on the way, so what is missing is the one above them all.
            Err(Trouble::Status(code)) => Err(Trouble::Status(code).about(&self.config.folder())),
            put => put.map_err(|trouble| trouble.about(name)),
        }
    }
}

impl Line {
    /// Does something over the connection there is, or a new one. A broken one is not kept.
    fn once<T>(&mut self, config: &SftpConfig, work: impl FnOnce(&Session, &Runtime) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let session = match self.session.take() {
            Some(session) => session,
            None => self.runtime.block_on(ssh::open(config)).map_err(Trouble::Ours)?,
        };
        let done = work(&session, &self.runtime);
        if !matches!(done, Err(Trouble::Broken(_))) {
            self.session = Some(session);
        }
        done
    }
}

fn feed(half: &mut Half<'_>, runtime: &Runtime, bytes: &mut dyn Read) -> Result<(), Trouble> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK as usize);
        if bytes.take(u64::from(CHUNK)).read_to_end(&mut chunk).map_err(ShipError::from)? == 0 {
            return Ok(());
        }
        runtime.block_on(half.add(chunk))?;
    }
}

impl Target for Sftp {
    fn put_new(&self, name: &str, size: u64, bytes: &mut dyn Read) -> Result<Put, ShipError> {
        check_name(name)?;
        // This look is also what notices that the connection broke since the last call: of the body there is only one.
        if self.call(name, async |session| session.is_taken(name).await)? {
            return Ok(Put::Exists);
        }
        self.write(name, size, bytes)
    }

    fn get(&self, name: &str, start: u64, length: u64) -> Result<Vec<u8>, ShipError> {
        check_name(name)?;
        self.call(name, async |session| session.get(name, start, length).await)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, ShipError> {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !folder.is_empty() {
            check_name(folder)?;
        }
        let mut found = self.call(&self.config.folder(), async |session| session.list(folder).await)?;
        found.retain(|object| object.name.starts_with(prefix));
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    fn free_space(&self) -> Result<Option<u64>, ShipError> {
        self.call(&self.config.folder(), async |session| session.free_space().await)
    }
}

impl Pruner for Sftp {
    fn remove(&self, name: &str) -> Result<(), ShipError> {
        check_name(name)?;
        self.call(name, async |session| session.remove(name).await)
    }
}

/// One thread: the caller's, while it waits.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
