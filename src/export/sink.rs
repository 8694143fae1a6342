//! Where the files of an export go: into one ZIP, written as a stream, or into a folder.

use jiff::{Timestamp, tz::TimeZone};
use rules::Moment;
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use zip::{CompressionMethod, DateTime, ZipWriter, write::{SimpleFileOptions, StreamWriter}};

/// Takes files one after the other.
pub(crate) trait FileSink {
    /// Begins a file. `path` is relative, with `/` between its parts; it has at most `most` bytes.
    fn begin(&mut self, path: &str, most: u64, at: Moment) -> io::Result<()>;
    /// More of it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// It is whole.
    fn end(&mut self) -> io::Result<()>;
}

/// Sizes from which a file has the larger fields of ZIP64, with room for what does not get smaller.
const LARGE: u64 = 0xF000_0000;
/// What is small already: to press it harder costs time and gains nothing.
const PRESSED: [&str; 14] = ["pdf", "jpg", "jpeg", "png", "webp", "heic", "zip", "docx", "xlsx", "pptx", "odt", "mp4", "mp3", "gz"];

/// One ZIP. It is written from beginning to end, so that it can go through encryption or a pipe; large files and many files make it ZIP64.
pub(crate) struct ZipSink<W: Write> {
    zip: ZipWriter<StreamWriter<UntilBroken<W>>>,
    zone: TimeZone,
}

/// Fails once: after that it takes what comes and writes nothing, because a [`ZipWriter`] that is dropped tries to end its file, and complains on
/// standard error.
struct UntilBroken<W: Write> {
    to: W,
    broken: bool,
}

impl<W: Write> UntilBroken<W> {
    fn noting<T>(&mut self, instead: T, work: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.broken {
            return Ok(instead);
        }
        let done = work(&mut self.to);
        self.broken = done.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        done
    }
}

impl<W: Write> Write for UntilBroken<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.noting(bytes.len(), |to| to.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.noting((), Write::flush)
    }
}

impl<W: Write> ZipSink<W> {
    pub(crate) fn new(to: W, zone: TimeZone) -> ZipSink<W> {
        ZipSink { zip: ZipWriter::new_stream(UntilBroken { to, broken: false }), zone }
    }

    /// Writes the table of contents, and gives back what it was written to.
    pub(crate) fn finish(self) -> io::Result<W> {
        let UntilBroken { to, broken } = self.zip.finish()?.into_inner();
        if broken { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(to) }
    }
}

/// The time of a file as a ZIP has it: that of the wall clock there.
fn time(at: Moment, zone: &TimeZone) -> Option<DateTime> {
    let at = Timestamp::from_millisecond(at.0).ok()?.to_zoned(zone.clone());
    let small = |n: i8| u8::try_from(n).unwrap_or(0);
    DateTime::from_date_and_time(u16::try_from(at.year()).ok()?, small(at.month()), small(at.day()), small(at.hour()), small(at.minute()), small(at.second())).ok()
}

impl<W: Write> FileSink for ZipSink<W> {
    fn begin(&mut self, path: &str, most: u64, at: Moment) -> io::Result<()> {
        let pressed = path.rsplit_once('.').is_some_and(|(_, end)| PRESSED.contains(&end.to_ascii_lowercase().as_str()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).compression_level(Some(if pressed { 1 } else { 6 }));
        let options = options.large_file(most >= LARGE).unix_permissions(0o600).last_modified_time(time(at, &self.zone).unwrap_or_default());
        Ok(self.zip.start_file(path, options)?)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.zip.write_all(bytes)
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A new folder. Nothing in it is ever overwritten.
pub(crate) struct FolderSink {
    folder: PathBuf,
    open: Option<File>,
}

impl FolderSink {
    /// Makes the folder, which must not be there.
    pub(crate) fn new(folder: &Path) -> io::Result<FolderSink> {
        fs::DirBuilder::new().mode(0o700).create(folder)?;
        Ok(FolderSink { folder: folder.into(), open: None })
    }
}

impl FileSink for FolderSink {
    fn begin(&mut self, path: &str, _: u64, _: Moment) -> io::Result<()> {
        let path = self.folder.join(path);
        fs::DirBuilder::new().mode(0o700).recursive(true).create(path.parent().unwrap_or(&self.folder))?;
        self.open = Some(fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open.as_mut().map_or(Err(io::ErrorKind::NotFound.into()), |file| file.write_all(bytes))
    }

    fn end(&mut self) -> io::Result<()> {
        self.open.take().map_or(Ok(()), |file| file.sync_all())
    }
}
