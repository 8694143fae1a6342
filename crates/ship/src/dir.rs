//! A directory as a destination: an office drive or a removable disk.

use crate::{Listed, Pruner, Put, ShipError, Target, check_name};
use rustix::{
    fs::{CWD, OFlags, RenameFlags, renameat_with},
    io::Errno,
};
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A directory that is there. Objects are written beside their place, made durable, then moved into it.
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// The directory must exist: a missing one is more likely an unmounted disk than an empty one.
    pub fn open(root: &Path) -> Result<Directory, ShipError> {
        match root.is_dir() {
            true => Ok(Directory { root: root.into() }),
            false => Err(ShipError::Missing(format!("the directory {}", root.display()))),
        }
    }

    fn place(&self, name: &str) -> Result<PathBuf, ShipError> {
        check_name(name)?;
        Ok(self.root.join(name))
    }
}

impl Target for Directory {
    fn put_new(&self, name: &str, size: u64, bytes: &mut dyn Read) -> Result<Put, ShipError> {
        let place = self.place(name)?;
        let folder = place.parent().unwrap_or(&self.root);
        if place.exists() {
            return Ok(Put::Exists);
        }
        make_folder(folder, &self.root, 0o777)?;
        let half = folder.join(format!(".{}.part", name.replace('/', "_")));
        let moved = write_whole(&half, size, bytes).and_then(|()| move_new(&half, &place));
        if !matches!(moved, Ok(Put::Created)) {
            let _ = fs::remove_file(&half);
        }
        let put = moved?;
        File::open(folder)?.sync_all()?;
        Ok(put)
    }

    fn get(&self, name: &str, start: u64, length: u64) -> Result<Vec<u8>, ShipError> {
        let place = self.place(name)?;
        // Whoever else writes there may have put a link or a pipe in place of the object: neither is followed or waited for.
        let opened = fs::OpenOptions::new().read(true).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()).open(&place);
        let mut file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ShipError::Missing(name.into()),
            _ if Errno::from_io_error(&error) == Some(Errno::LOOP) => ShipError::not_genuine(name, "it is a link"),
            _ => ShipError::Io(error),
        })?;
        if !file.metadata()?.is_file() {
            return Err(ShipError::not_genuine(name, "it is no file"));
        }
        file.seek(SeekFrom::Start(start))?;
        let mut out = Vec::with_capacity(usize::try_from(length.min(file.metadata()?.len().saturating_sub(start))).unwrap_or(0));
        file.take(length).read_to_end(&mut out)?;
        Ok(out)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, ShipError> {
        let mut found = Vec::new();
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        match collect(&self.root.join(folder), folder, &mut found) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.root.is_dir() => {}
            done => done?,
        }
        found.retain(|object| object.name.starts_with(prefix));
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    fn free_space(&self) -> Result<Option<u64>, ShipError> {
        let stat = rustix::fs::statvfs(&self.root).map_err(io::Error::from)?;
        Ok(Some(stat.f_bavail.saturating_mul(stat.f_frsize)))
    }
}

impl Pruner for Directory {
    fn remove(&self, name: &str) -> Result<(), ShipError> {
        match fs::remove_file(self.place(name)?) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Makes a folder and those above it up to `root`, which must be there; each is durable in the one above it.
pub(crate) fn make_folder(folder: &Path, root: &Path, mode: u32) -> io::Result<()> {
    if folder == root || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(root);
    make_folder(above, root, mode)?;
    match fs::DirBuilder::new().mode(mode).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(above)?.sync_all(),
    }
}

fn write_whole(path: &Path, size: u64, bytes: &mut dyn Read) -> io::Result<()> {
    // What is left of another try, or a link that somebody put there: it is removed, never written through.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    match io::copy(bytes, &mut file)? == size {
        true => file.sync_all(),
        false => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the object has another length than was said")),
    }
}

/// Moves a file to where none is: in one step where the file system can refuse to replace, else by a hard link, else after a look.
fn move_new(half: &Path, place: &Path) -> io::Result<Put> {
    match renameat_with(CWD, half, CWD, place, RenameFlags::NOREPLACE) {
        Ok(()) => return Ok(Put::Created),
        Err(Errno::EXIST) => return Ok(Put::Exists),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error.into()),
    }
    match fs::hard_link(half, place) {
        Ok(()) => return fs::remove_file(half).map(|()| Put::Created),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Put::Exists),
        Err(_) if place.exists() => return Ok(Put::Exists),
        Err(_) => {}
    }
    fs::rename(half, place).map(|()| Put::Created)
}

/// Every object below `folder`, with `head` before its name. What begins with a dot is not one.
pub(crate) fn collect(folder: &Path, head: &str, found: &mut Vec<Listed>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = if head.is_empty() { name } else { format!("{head}/{name}") };
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, found)?;
            continue;
        }
        match entry.metadata() {
            Ok(meta) => found.push(Listed { name: path, size: meta.len(), arrived: Some(meta.mtime()) }),
            // Removed since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
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
        assert_eq!(target.put_new("blob/ab/abcd", 3, &mut &b"one"[..]).unwrap(), Put::Created);
        assert_eq!(target.put_new("blob/ab/abcd", 3, &mut &b"two"[..]).unwrap(), Put::Exists);
        assert_eq!(target.get("blob/ab/abcd", 1, 10).unwrap(), b"ne");
        let listed = target.list("blob/").unwrap();
        assert!(listed.len() == 1 && listed[0].name == "blob/ab/abcd" && listed[0].size == 3 && listed[0].arrived.is_some());
        assert_eq!(target.list("blob/ab/ab").unwrap(), listed);
        assert!(target.list("m/").unwrap().is_empty() && target.list("blob/ab/x").unwrap().is_empty());
        assert!(target.free_space().unwrap().unwrap() > 0);
        target.remove("blob/ab/abcd").unwrap();
        target.remove("blob/ab/abcd").unwrap();
        assert!(target.list("").unwrap().is_empty());
    }

    #[test]
    fn a_file_system_without_the_means_still_never_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let (half, place) = (dir.path().join("half"), dir.path().join("place"));
        fs::write(&half, "new").unwrap();
        fs::write(&place, "old").unwrap();
        assert_eq!(move_new(&half, &place).unwrap(), Put::Exists);
        assert_eq!(fs::read(&place).unwrap(), b"old");
    }

    #[test]
    fn names_cannot_leave_the_directory_and_a_missing_one_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let target = Directory::open(dir.path()).unwrap();
        for bad in ["../x", "/x", "a//b", "a/.hidden", "", "a\\b", "ä"] {
            assert!(matches!(target.put_new(bad, 0, &mut &b""[..]), Err(ShipError::Name(_))), "{bad}");
        }
        assert!(matches!(target.get("none", 0, 1), Err(ShipError::Missing(_))));
        assert!(matches!(Directory::open(&dir.path().join("unmounted")), Err(ShipError::Missing(_))));
        let gone = Directory { root: dir.path().join("gone") };
        assert!(gone.list("log/").is_err(), "a directory that went away is not an empty one");
    }

    #[test]
    fn links_and_pipes_that_somebody_put_there_are_neither_followed_nor_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let target = Directory::open(dir.path()).unwrap();
        let victim = tempfile::NamedTempFile::new().unwrap();
        fs::write(victim.path(), "precious").unwrap();
        fs::create_dir(dir.path().join("log")).unwrap();
        std::os::unix::fs::symlink(victim.path(), dir.path().join("log/.log_x.part")).unwrap();
        assert_eq!(target.put_new("log/x", 3, &mut &b"new"[..]).unwrap(), Put::Created);
        assert_eq!((fs::read(victim.path()).unwrap(), target.get("log/x", 0, 9).unwrap()), (b"precious".to_vec(), b"new".to_vec()));
        std::os::unix::fs::symlink(victim.path(), dir.path().join("log/link")).unwrap();
        rustix::fs::mknodat(CWD, dir.path().join("log/pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        fs::create_dir(dir.path().join("log/folder")).unwrap();
        for name in ["log/link", "log/pipe", "log/folder"] {
            assert!(matches!(target.get(name, 0, 9), Err(ShipError::NotGenuine { .. })), "{name}");
        }
    }

    #[test]
    fn an_object_that_breaks_off_or_is_too_short_leaves_nothing() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let target = Directory::open(dir.path()).unwrap();
        assert!(target.put_new("a", 1, &mut Broken).is_err());
        assert!(target.put_new("a", 5, &mut &b"four"[..]).is_err());
        assert!(target.list("").unwrap().is_empty() && fs::read_dir(dir.path()).unwrap().count() == 0);
    }
}
