//! What was taken of a database and waits here to be shipped: the same objects as at a destination, each written whole, made durable and
//! then given its name.

use crate::{
    ShipError,
    dir::{collect, make_folder},
    head::{Chain, Head, Kind, LONGEST, Signed},
    name::{Named, newest},
};
use keys::sign::{PublicKey, Signer};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The folder in which objects wait.
#[derive(Clone)]
pub struct Spool {
    root: PathBuf,
}

impl Spool {
    /// The spool in this folder, which is made if needed. What a kill left half written is thrown away.
    pub fn open(root: &Path) -> io::Result<Spool> {
        let make = |path: &Path| fs::DirBuilder::new().mode(0o700).recursive(true).create(path);
        make(&root.join("tmp"))?;
        for left in fs::read_dir(root.join("tmp"))? {
            fs::remove_file(left?.path())?;
        }
        Ok(Spool { root: root.into() })
    }

    /// Where an object lies.
    pub fn place(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes an object whole. Durable when this returns. One that is there already is left as it is.
    pub fn put(&self, name: &str, write: impl FnOnce(&mut BufWriter<File>) -> Result<(), ShipError>) -> Result<(), ShipError> {
        let place = self.place(name);
        if place.exists() {
            return Ok(());
        }
        let half = self.root.join("tmp").join(name.replace('/', "_"));
        let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
        let mut out = BufWriter::with_capacity(1 << 17, file);
        let written = write(&mut out).and_then(|()| Ok(out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?));
        if let Err(error) = written {
            let _ = fs::remove_file(&half);
            return Err(error);
        }
        let folder = place.parent().unwrap_or(&self.root);
        make_folder(folder, &self.root, 0o700)?;
        fs::rename(&half, &place)?;
        Ok(File::open(folder)?.sync_all()?)
    }

    /// Writes an object: its head, signed, then its payload.
    pub(crate) fn put_signed(&self, head: &Head, signer: &Signer, payload: impl FnOnce(&mut BufWriter<File>) -> Result<(), ShipError>) -> Result<Signed, ShipError> {
        let (bytes, signed) = head.write(signer)?;
        self.put(&head.name(), |out| {
            out.write_all(&bytes)?;
            payload(out)
        })?;
        Ok(signed)
    }

    /// An object, from its beginning.
    pub fn read(&self, name: &str) -> Result<File, ShipError> {
        File::open(self.place(name)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ShipError::Missing(name.into()),
            _ => error.into(),
        })
    }

    /// The head of an object.
    pub fn head(&self, name: &str, of: &Chain, key: &PublicKey) -> Result<Signed, ShipError> {
        let mut bytes = Vec::new();
        self.read(name)?.take(LONGEST as u64).read_to_end(&mut bytes)?;
        Signed::read(&bytes, name, of, key)
    }

    /// Names of all objects whose name begins so, in order.
    pub fn list(&self, prefix: &str) -> Result<Vec<String>, ShipError> {
        let mut found = Vec::new();
        match prefix.rsplit_once('/') {
            Some((folder, _)) => collect(&self.root.join(folder), folder, &mut found),
            None => collect(&self.root, "", &mut found),
        }
        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
        let mut names: Vec<String> = found.into_iter().map(|object| object.name).filter(|name| name.starts_with(prefix) && !name.starts_with("tmp/")).collect();
        names.sort();
        Ok(names)
    }

    /// What was taken of a database, in order.
    pub fn log(&self, of: &Chain) -> Result<Vec<Named>, ShipError> {
        Named::all(&self.list(&format!("log/{}/", of.chain))?, of)
    }

    /// Its bases, in order.
    pub fn bases(&self, of: &Chain) -> Result<Vec<Named>, ShipError> {
        Named::all(&self.list(&format!("base/{}/", of.chain))?, of)
    }

    /// The newest state that was taken of a database: its last change, or its base when nothing has changed since.
    pub fn newest(&self, of: &Chain, key: &PublicKey) -> Result<Option<Signed>, ShipError> {
        let (log, bases) = (self.log(of)?, self.bases(of)?);
        let last = newest(&log).into_iter().chain(newest(&bases)).max_by_key(|named| (named.fence, named.generation, named.last, named.kind == Kind::Log));
        last.map(|named| self.head(&named.text, of, key)).transpose()
    }

    /// Throws an object away; one that is not there is none.
    pub fn remove(&self, name: &str) -> Result<(), ShipError> {
        match fs::remove_file(self.place(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}
