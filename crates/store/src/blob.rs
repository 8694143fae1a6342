//! The folder of encrypted files: written under a temporary name, made durable, then renamed. A row never names a file that is not there.

use keys::{
    KeyError,
    blob::{FileKey, Opener, Sealer, Written},
    nonce,
    site::KEY_ID,
    wrap::Wrap,
};
use rules::Refusal;
use std::{
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{disk::Disk, error::Refuse, follow::Followed};

/// Bytes of a file after which the room on the disk is looked at again.
const CHECK_EVERY: usize = 4 << 20;

/// A folder of one site: that of its documents, or that of prepared exports.
#[derive(Clone)]
pub struct Blobs {
    folder: PathBuf,
    /// Whether its files stand in 256 folders by the first two digits of their names.
    spread: bool,
    disk: Disk,
    followed: Arc<Followed>,
}

impl Blobs {
    /// Makes the folder with all that files are ever put into, and makes that durable.
    pub(crate) fn create(site: &Path) -> io::Result<()> {
        let folder = site.join("blobs");
        let make = |path: PathBuf| fs::DirBuilder::new().mode(0o700).recursive(true).create(path);
        make(folder.join("tmp"))?;
        (0..=u8::MAX).try_for_each(|n| make(folder.join(nonce::hex(&[n]))))?;
        [folder.as_path(), site].into_iter().try_for_each(|dir| File::open(dir)?.sync_all())
    }

    /// Opens the folder; what an upload left half done when the process was killed is thrown away.
    pub(crate) fn open(site: &Path, followed: Arc<Followed>) -> io::Result<Blobs> {
        Blobs::create(site)?;
        let folder = site.join("blobs");
        for left in fs::read_dir(folder.join("tmp"))? {
            fs::remove_file(left?.path())?;
        }
        Ok(Blobs { folder, spread: true, disk: Disk::new(site), followed })
    }

    /// The documents of a site that nobody serves, to be read.
    pub(crate) fn lying(site: &Path) -> Blobs {
        Blobs { folder: site.join("blobs"), spread: true, disk: Disk::new(site), followed: Arc::default() }
    }

    /// Opens the folder of prepared exports, which are in no backup. What is half done goes, and so does what `known` does not know.
    pub(crate) fn apart(site: &Path, known: &[String]) -> io::Result<Blobs> {
        let folder = site.join("exports");
        fs::DirBuilder::new().mode(0o700).recursive(true).create(folder.join("tmp"))?;
        for left in fs::read_dir(folder.join("tmp"))?.chain(fs::read_dir(&folder)?) {
            let left = left?;
            if left.file_type()?.is_file() && !left.file_name().to_str().is_some_and(|name| known.iter().any(|known| known == name)) {
                fs::remove_file(left.path())?;
            }
        }
        Ok(Blobs { folder, spread: false, disk: Disk::new(site), followed: Arc::default() })
    }

    /// Whether the file is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.place(name).exists()
    }

    /// Removes a file; one that is not there is no error.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Refusal> {
        match fs::remove_file(self.place(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Refusal::fault(format!("blob {name}: {error}"))),
            _ => Ok(()),
        }
    }

    /// Bytes that files may still take here.
    pub fn room(&self) -> u64 {
        self.disk.room_for_files()
    }

    /// `<first two digits>/<name>`, or the name alone.
    fn place(&self, name: &str) -> PathBuf {
        match self.spread {
            true => self.folder.join(name.get(..2).unwrap_or("00")).join(name),
            false => self.folder.join(name),
        }
    }

    /// Starts a new file. [`Refusal::Full`] when it, or what is added to it later, would take the room that rows and the trail need.
    pub fn start(&self, wrap: &Wrap) -> Result<Incoming, Refusal> {
        self.disk.check_for_files()?;
        let name = nonce::hex(&nonce::random::<16>().refuse()?);
        let key = FileKey::new().refuse()?;
        let wrapped = key.wrap(wrap, &name).refuse()?;
        let temporary = Temporary(self.folder.join("tmp").join(&name));
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary.0).refuse()?;
        let sealer = Sealer::new(file, &key, KEY_ID).refuse()?;
        Ok(Incoming { sealer, temporary, blobs: self.clone(), unchecked: 0, name, wrapped })
    }

    /// Opens a kept file for reading from plaintext offset `start`.
    pub fn read(&self, wrap: &Wrap, blob: &Blob, start: u64) -> Result<Opener<File>, Refusal> {
        let key = FileKey::unwrap(wrap, &blob.wrapped, &blob.name).refuse()?;
        let path = self.place(&blob.name);
        let file = File::open(&path).map_err(|error| Refusal::fault(format!("blob {}: {error}", blob.name)))?;
        Opener::new(file, &key, blob.size, start).map_err(|error: KeyError| Refusal::fault(format!("blob {}: {error}", blob.name)))
    }
}

/// A path that is removed when dropped.
struct Temporary(PathBuf);

impl Temporary {
    /// The file stays.
    fn stay(mut self) {
        self.0.clear();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// A file that is being written. Dropped before [`Incoming::finish`], it leaves nothing.
pub struct Incoming {
    sealer: Sealer<File>,
    temporary: Temporary,
    blobs: Blobs,
    /// Bytes since the room on the disk was looked at.
    unchecked: usize,
    name: String,
    wrapped: Vec<u8>,
}

impl Incoming {
    /// Takes plaintext.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.unchecked += bytes.len();
        if self.unchecked > CHECK_EVERY {
            self.blobs.disk.check_for_files()?;
            self.unchecked = 0;
        }
        self.sealer.push(bytes).refuse()
    }

    /// Makes the file durable and gives it its name.
    pub fn finish(self) -> Result<Kept, Refusal> {
        let (file, Written { size, sha256 }) = self.sealer.finish().refuse()?;
        file.sync_all().refuse()?;
        let path = self.blobs.place(&self.name);
        fs::rename(&self.temporary.0, &path).refuse()?;
        File::open(path.parent().unwrap_or(&self.blobs.folder)).and_then(|dir| dir.sync_all()).refuse()?;
        self.blobs.followed.kept(&self.name);
        Ok(Kept { blob: Blob { name: self.name, wrapped: self.wrapped, size, sha256 }, path: Temporary(path) })
    }
}

/// For what is written by others: a full disk is told as one.
impl io::Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let full = |refusal: Refusal| match refusal {
            Refusal::Full => io::ErrorKind::StorageFull.into(),
            other => io::Error::other(other.to_string()),
        };
        self.push(bytes).map_err(full).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the database keeps of a file.
#[derive(Clone, Debug)]
pub struct Blob {
    /// File name.
    pub name: String,
    /// Its wrapped key.
    pub wrapped: Vec<u8>,
    /// Plaintext bytes.
    pub size: u64,
    /// SHA-256 of the plaintext.
    pub sha256: [u8; 32],
}

/// A durable file that no row names yet: dropped without [`Kept::settle`], it is removed.
pub struct Kept {
    blob: Blob,
    path: Temporary,
}

impl Kept {
    /// What the row is to say.
    pub fn blob(&self) -> &Blob {
        &self.blob
    }

    /// What became of the row decides: after a definite no the file is removed. After [`Refusal::Stopped`] nobody knows whether the row
    /// is on disk, and a file too many costs less than a document too few.
    pub fn settle<T>(self, row: &Result<T, Refusal>) {
        if matches!(row, Ok(_) | Err(Refusal::Stopped)) {
            self.path.stay();
        }
    }

    /// The file stays: for filling, where files come before the rows of many cases at once.
    pub fn keep(self) -> Blob {
        self.path.stay();
        self.blob
    }
}
