//! The files of one export as they are written: each is hashed on its way, and the last two name all the others.

use super::sink::FileSink;
use keys::{digest::Sha256, nonce::hex};
use rules::Moment;
use serde_json::json;
use std::io;

/// A file that was written.
struct Written {
    path: String,
    size: u64,
    sha256: [u8; 32],
}

/// Everything that was written so far.
pub(super) struct Bundle<'s> {
    sink: &'s mut dyn FileSink,
    made: Moment,
    /// The most that a file of rows takes.
    most: u64,
    open: Option<(String, Sha256, u64)>,
    written: Vec<Written>,
}

impl<'s> Bundle<'s> {
    pub(super) fn new(sink: &'s mut dyn FileSink, made: Moment) -> Bundle<'s> {
        Bundle { sink, made, most: 0, open: None, written: Vec::new() }
    }

    /// The rows come out of a database of so many bytes; in words and with all their names they take some times more.
    pub(super) fn rows_take(&mut self, bytes: u64) {
        self.most = bytes.saturating_mul(8);
    }

    /// Begins a file of rows.
    pub(super) fn begin(&mut self, path: &str) -> io::Result<()> {
        self.begin_sized(path, self.most, self.made)
    }

    pub(super) fn begin_sized(&mut self, path: &str, most: u64, at: Moment) -> io::Result<()> {
        self.sink.begin(path, most, at)?;
        self.open = Some((path.to_owned(), Sha256::default(), 0));
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some((_, hash, size)) = &mut self.open {
            hash.update(bytes);
            *size += bytes.len() as u64;
        }
        self.sink.write(bytes)
    }

    /// The file is whole; gives its hash.
    pub(super) fn end(&mut self) -> io::Result<[u8; 32]> {
        self.sink.end()?;
        let Some((path, hash, size)) = self.open.take() else { return Err(io::ErrorKind::NotFound.into()) };
        let sha256 = hash.finish();
        self.written.push(Written { path, size, sha256 });
        Ok(sha256)
    }

    /// A whole small file.
    pub(super) fn file(&mut self, path: &str, text: &str) -> io::Result<()> {
        self.begin(path)?;
        self.write(text.as_bytes())?;
        self.end().map(drop)
    }

    /// Writes the manifest, with `head` and every file so far, and the sums of everything. Gives how many files there are, and their bytes.
    pub(super) fn close(mut self, head: &serde_json::Map<String, serde_json::Value>) -> io::Result<(usize, u64)> {
        self.begin("manifest.json")?;
        self.write(b"{\n")?;
        for (name, value) in head {
            self.write(format!("{}: {value},\n", json!(name)).as_bytes())?;
        }
        self.write(b"\"files\": [")?;
        for at in 0..self.written.len() {
            let Some(file) = self.written.get(at) else { break };
            let line = json!({ "path": file.path, "size": file.size, "sha256": hex(&file.sha256) });
            self.write(format!("{}\n{line}", if at == 0 { "" } else { "," }).as_bytes())?;
        }
        self.write(b"\n]\n}\n")?;
        self.end()?;
        let sums = std::mem::take(&mut self.written);
        self.begin("SHA256SUMS")?;
        for file in &sums {
            self.write(format!("{}  {}\n", hex(&file.sha256), file.path).as_bytes())?;
        }
        self.end()?;
        let own = self.written.iter().map(|file| file.size);
        Ok((sums.len() + 1, sums.iter().map(|file| file.size).chain(own).sum()))
    }
}
