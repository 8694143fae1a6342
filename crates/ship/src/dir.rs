//! A directory as a destination: an office drive or a removable disk.

use crate::{Put, ShipError, Target, check_name};
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// A directory that is there. Objects are written beside their place, made durable, then linked into it.
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// The directory must exist: a missing one is more likely an unmounted disk than an empty one.
    pub fn open(root: &Path) -> Result<Directory, ShipError> {
        match root.is_dir() {
            true => Ok(Directory { root: root.into() }),
            false => Err(ShipError::Missing(root.display().to_string())),
        }
    }

    fn place(&self, name: &str) -> Result<PathBuf, ShipError> {
        check_name(name)?;
        Ok(self.root.join(name))
    }
}

impl Target for Directory {
    fn put_new(&self, name: &str, bytes: &mut dyn Read) -> Result<Put, ShipError> {
        let place = self.place(name)?;
        let folder = place.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        if place.exists() {
            return Ok(Put::Exists);
        }
        let whole = folder.join(format!(".{}.part", name.replace('/', "_")));
        let written = write_whole(&whole, bytes);
        // A hard link fails if the name is taken, where a rename would replace.
        let linked = written.and_then(|size| fs::hard_link(&whole, &place).map(|()| size));
        let _ = fs::remove_file(&whole);
        match linked {
            Ok(size) => {
                File::open(folder)?.sync_all()?;
                Ok(Put::Created(size))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Put::Exists),
            Err(error) => Err(error.into()),
        }
    }

    fn get(&self, name: &str, start: u64, length: u64) -> Result<Vec<u8>, ShipError> {
        let place = self.place(name)?;
        let mut file = File::open(&place).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ShipError::Missing(name.into()),
            _ => ShipError::Io(error),
        })?;
        file.seek(SeekFrom::Start(start))?;
        let mut out = Vec::new();
        file.take(length).read_to_end(&mut out)?;
        Ok(out)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ShipError> {
        let mut found = Vec::new();
        collect(&self.root, "", &mut found)?;
        found.retain(|name| name.starts_with(prefix));
        found.sort();
        Ok(found)
    }

    fn free_space(&self) -> Result<Option<u64>, ShipError> {
        let stat = rustix::fs::statvfs(&self.root).map_err(io::Error::from)?;
        Ok(Some(stat.f_bavail.saturating_mul(stat.f_frsize)))
    }
}

fn write_whole(path: &Path, bytes: &mut dyn Read) -> io::Result<u64> {
    let mut file = File::create(path)?;
    let size = io::copy(bytes, &mut file)?;
    file.sync_all()?;
    Ok(size)
}

/// Every object below `folder`, as a relative name. What begins with a dot is not one.
fn collect(folder: &Path, head: &str, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = if head.is_empty() { name } else { format!("{head}/{name}") };
        match entry.file_type()?.is_dir() {
            true => collect(&entry.path(), &path, found)?,
            false => found.push(path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_comes_back_and_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let target = Directory::open(dir.path()).unwrap();
        assert_eq!(target.put_new("blob/ab/abcd", &mut &b"one"[..]).unwrap(), Put::Created(3));
        assert_eq!(target.put_new("blob/ab/abcd", &mut &b"two"[..]).unwrap(), Put::Exists);
        assert_eq!(target.get("blob/ab/abcd", 1, 10).unwrap(), b"ne");
        assert_eq!(target.list("blob/").unwrap(), ["blob/ab/abcd"]);
        assert!(target.list("m/").unwrap().is_empty());
        assert!(target.free_space().unwrap().unwrap() > 0);
    }

    #[test]
    fn names_cannot_leave_the_directory_and_a_missing_one_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let target = Directory::open(dir.path()).unwrap();
        for bad in ["../x", "/x", "a//b", "a/.hidden", "", "a\\b", "ä"] {
            assert!(matches!(target.put_new(bad, &mut &b""[..]), Err(ShipError::Name(_))), "{bad}");
        }
        assert!(matches!(target.get("none", 0, 1), Err(ShipError::Missing(_))));
        assert!(matches!(Directory::open(&dir.path().join("unmounted")), Err(ShipError::Missing(_))));
    }

    #[test]
    fn an_object_that_breaks_off_leaves_nothing() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let target = Directory::open(dir.path()).unwrap();
        assert!(target.put_new("a", &mut Broken).is_err());
        assert!(target.list("").unwrap().is_empty() && fs::read_dir(dir.path()).unwrap().count() == 0);
    }
}
