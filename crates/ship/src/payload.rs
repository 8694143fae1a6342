//! What an object holds after its head: the keyring, then pages, or the names of the parts of a base, then the names of documents.
//!
//! ```text
//! keyring   as it lies in the data directory, if it was changed
//! page      number (4) ‖ pages of the database after it, at the end of a transaction, else 0 (4) ‖ the page
//! part      SHA-256 (32)
//! document  name (16) ‖ SHA-256 of its ciphertext (32) ‖ bytes (8)
//! ```
//! Numbers are big-endian.

use crate::{
    ShipError,
    head::{Head, Hex, Kind},
    wal::{Frame, word},
};
use keys::digest::Sha256;
use std::io::{self, Read};

/// Bytes that name a document.
pub const FILE: usize = 16 + 32 + 8;
/// Bytes before a page.
pub const PAGE: usize = 8;
/// Bytes of a part of a base; the last one is shorter.
pub const PART: usize = 4 << 20;

/// An encrypted document, as it lies in the folder of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileRecord {
    /// Its random name.
    pub name: Hex<16>,
    /// SHA-256 of its ciphertext: its name at a destination.
    pub sha256: Hex<32>,
    /// Bytes of its ciphertext.
    pub size: u64,
}

impl FileRecord {
    /// The name of the object at a destination.
    pub fn object(&self) -> String {
        object_of("blob", &self.sha256)
    }

    pub(crate) fn bytes(&self) -> [u8; FILE] {
        let mut out = [0; FILE];
        let parts = self.name.0.iter().chain(&self.sha256.0).copied().chain(self.size.to_be_bytes());
        out.iter_mut().zip(parts).for_each(|(slot, byte)| *slot = byte);
        out
    }

    pub(crate) fn parse(bytes: &[u8; FILE]) -> Option<FileRecord> {
        let (name, rest) = bytes.split_first_chunk::<16>()?;
        let (sha256, size) = rest.split_first_chunk::<32>()?;
        Some(FileRecord { name: Hex(*name), sha256: Hex(*sha256), size: u64::from_be_bytes(size.try_into().ok()?) })
    }
}

/// The name at a destination of something that is named by its content.
pub(crate) fn object_of(folder: &str, sha256: &Hex<32>) -> String {
    let text = sha256.to_string();
    format!("{folder}/{}/{text}", text.get(..2).unwrap_or("00"))
}

/// The name at a destination of a part of a base.
pub fn part_object(sha256: &Hex<32>) -> String {
    object_of("part", sha256)
}

/// What stands before a page.
pub(crate) fn page_head(frame: &Frame<'_>) -> [u8; PAGE] {
    let mut out = [0; PAGE];
    out.iter_mut().zip(frame.page.to_be_bytes().into_iter().chain(frame.pages.to_be_bytes())).for_each(|(slot, byte)| *slot = byte);
    out
}

/// Reads the payload of an object in order, and checks its length and SHA-256 at the end.
pub struct Payload<'h, R> {
    head: &'h Head,
    bytes: R,
    hash: Sha256,
    left: u64,
}

impl<'h, R: Read> Payload<'h, R> {
    /// The payload of this head, from where it begins.
    pub fn new(head: &'h Head, bytes: R) -> Payload<'h, R> {
        Payload { head, bytes, hash: Sha256::default(), left: head.size }
    }

    fn bad(&self, why: &'static str) -> ShipError {
        ShipError::not_genuine(&self.head.name(), why)
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), ShipError> {
        self.left = self.left.checked_sub(into.len() as u64).ok_or_else(|| self.bad("it holds less than its head says"))?;
        self.bytes.read_exact(into).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.bad("it is cut off"),
            _ => error.into(),
        })?;
        self.hash.update(into);
        Ok(())
    }

    /// The keyring, if there is one. First of all.
    pub fn ring(&mut self) -> Result<Option<Vec<u8>>, ShipError> {
        if self.head.ring > 1 << 20 {
            return Err(self.bad("no keyring is that large"));
        }
        let mut ring = vec![0; self.head.ring as usize];
        self.fill(&mut ring)?;
        Ok(Some(ring).filter(|ring| !ring.is_empty()))
    }

    /// The pages, after the keyring.
    pub fn pages(&mut self, mut take: impl FnMut(Frame<'_>) -> Result<(), ShipError>) -> Result<(), ShipError> {
        let size = self.head.page_size as usize;
        let mut page = vec![0; PAGE + size];
        for _ in 0..self.head.items {
            self.fill(&mut page)?;
            let frame = Frame { page: word(&page, 0), pages: word(&page, 4), image: page.get(PAGE..).unwrap_or_default() };
            if frame.page == 0 {
                return Err(self.bad("it holds a page without a number"));
            }
            take(frame)?;
        }
        Ok(())
    }

    /// The names of parts, after the keyring.
    pub fn parts(&mut self) -> Result<Vec<Hex<32>>, ShipError> {
        let whole = u64::from(self.head.pages) * u64::from(self.head.page_size);
        if self.head.kind != Kind::Base || u64::from(self.head.items) != whole.div_ceil(PART as u64) {
            return Err(self.bad("its parts do not make up the database"));
        }
        let mut parts = Vec::new();
        for _ in 0..self.head.items {
            let mut sha256 = [0; 32];
            self.fill(&mut sha256)?;
            parts.push(Hex(sha256));
        }
        Ok(parts)
    }

    /// The documents, last of all.
    pub fn files(&mut self, mut take: impl FnMut(FileRecord)) -> Result<(), ShipError> {
        for _ in 0..self.head.files {
            let mut bytes = [0; FILE];
            self.fill(&mut bytes)?;
            take(FileRecord::parse(&bytes).ok_or_else(|| self.bad("it names a document wrongly"))?);
        }
        Ok(())
    }

    /// Nothing may be left, and the whole must have the SHA-256 that the head says.
    pub fn finish(self) -> Result<(), ShipError> {
        match () {
            () if self.left > 0 => Err(self.bad("it holds more than its head says")),
            () if self.hash.clone().finish() != self.head.sha256.0 => Err(self.bad("its content is not what was signed")),
            () => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::tests::head;
    use keys::nonce::sha256;

    fn payload(files: &[FileRecord], pages: &[(u32, u32, u8)]) -> (Head, Vec<u8>) {
        let mut bytes = b"ring".to_vec();
        for (page, size, fill) in pages {
            let image = [*fill; 512];
            bytes.extend(page_head(&Frame { page: *page, pages: *size, image: &image }));
            bytes.extend(image);
        }
        files.iter().for_each(|file| bytes.extend(file.bytes()));
        let head = Head { page_size: 512, ring: 4, files: files.len() as u32, items: pages.len() as u32, size: bytes.len() as u64, sha256: Hex(sha256(&bytes)), ..head() };
        (head, bytes)
    }

    type Content = (Vec<FileRecord>, Vec<(u32, u32, u8)>);

    fn read(head: &Head, bytes: &[u8]) -> Result<Content, ShipError> {
        let (mut files, mut pages) = (Vec::new(), Vec::new());
        let mut payload = Payload::new(head, bytes);
        payload.ring()?;
        payload.pages(|frame| {
            pages.push((frame.page, frame.pages, frame.image[0]));
            Ok(())
        })?;
        payload.files(|file| files.push(file))?;
        payload.finish()?;
        Ok((files, pages))
    }

    #[test]
    fn it_comes_back_and_a_flipped_bit_or_a_cut_is_noticed() {
        let file = FileRecord { name: Hex([1; 16]), sha256: Hex([2; 32]), size: 77 };
        let (head, bytes) = payload(&[file], &[(1, 0, 5), (9, 12, 6)]);
        assert_eq!(read(&head, &bytes).unwrap(), (vec![file], vec![(1, 0, 5), (9, 12, 6)]));
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 4;
            assert!(read(&head, &wrong).is_err(), "byte {at}");
            assert!(read(&head, &bytes[..at]).is_err(), "cut at {at}");
        }
        assert!(read(&Head { items: 1, ..head.clone() }, &bytes).is_err());
        assert!(read(&Head { items: 3, ..head.clone() }, &bytes).is_err());
        assert_eq!(file.object(), format!("blob/02/{}", "02".repeat(32)));
    }
}
