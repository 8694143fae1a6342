//! Stored files: 64 KiB chunks, each sealed by AES-256-GCM under a random key of the file's own (the STREAM construction of
//! Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
//!
//! ```text
//! head (8 bytes): "SRBLOB" ‖ version ‖ key id
//! chunk: ciphertext (65,536 bytes; the last may be shorter) ‖ tag (16)
//! nonce: chunk number (8 bytes, big endian) ‖ 0 0 0 ‖ 1 for the last chunk, else 0
//! ```
//! The head is authenticated with every chunk. Dropping, swapping, repeating or truncating chunks does not open. No plaintext of a
//! chunk is given out before its tag has been checked.

use crate::{KeyError, VERSION, nonce, wrap::Wrap};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest,
};
use rules::Secret;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Plaintext bytes in a chunk.
pub const CHUNK: usize = 64 * 1024;
/// Bytes of a tag.
pub const TAG: usize = 16;
const HEAD: usize = 8;

/// The random key of one file.
pub struct FileKey(Secret<[u8; 32]>);

impl FileKey {
    /// A new random key.
    pub fn new() -> Result<FileKey, KeyError> {
        Ok(FileKey(Secret::new(nonce::random()?)))
    }

    /// The key in the form that the database keeps, bound to the name of the blob.
    pub fn wrap(&self, wrap: &Wrap, blob: &str) -> Result<Vec<u8>, KeyError> {
        wrap.seal(self.0.expose(), &[b"blob", blob.as_bytes()])
    }

    /// The key from the form that the database keeps.
    pub fn unwrap(wrap: &Wrap, wrapped: &[u8], blob: &str) -> Result<FileKey, KeyError> {
        Ok(FileKey(wrap.open_key(wrapped, &[b"blob", blob.as_bytes()])?))
    }

    fn cipher(&self) -> Result<LessSafeKey, KeyError> {
        let key = UnboundKey::new(&AES_256_GCM, self.0.expose()).map_err(|_| KeyError::Primitive("AES-GCM key"))?;
        Ok(LessSafeKey::new(key))
    }
}

fn head(key_id: u8) -> [u8; HEAD] {
    [b'S', b'R', b'B', b'L', b'O', b'B', VERSION, key_id]
}

fn nonce_of(chunk: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    for (to, from) in bytes.iter_mut().zip(chunk.to_be_bytes().into_iter().chain([0, 0, 0, u8::from(last)])) {
        *to = from;
    }
    Nonce::assume_unique_for_key(bytes)
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Plaintext bytes.
    pub size: u64,
    /// SHA-256 of the plaintext.
    pub sha256: [u8; 32],
}

/// Encrypts a stream into a file, chunk by chunk; memory use is one chunk.
pub struct Sealer<W> {
    to: W,
    cipher: LessSafeKey,
    head: [u8; HEAD],
    buffer: Vec<u8>,
    chunk: u64,
    hash: digest::Context,
    size: u64,
}

impl<W: Write> Sealer<W> {
    /// Writes the head.
    pub fn new(mut to: W, key: &FileKey, key_id: u8) -> io::Result<Sealer<W>> {
        let head = head(key_id);
        to.write_all(&head)?;
        let cipher = key.cipher().map_err(io::Error::other)?;
        Ok(Sealer { to, cipher, head, buffer: Vec::with_capacity(CHUNK + TAG), chunk: 0, hash: digest::Context::new(&digest::SHA256), size: 0 })
    }

    /// Takes plaintext. A full chunk is kept back until more comes, because the last one is marked.
    pub fn push(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.buffer.len() == CHUNK {
                self.flush_chunk(false)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Writes the last chunk and gives the file back; making it durable is the caller's work.
    pub fn finish(mut self) -> io::Result<(W, Written)> {
        self.flush_chunk(true)?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.hash.finish().as_ref());
        Ok((self.to, Written { size: self.size, sha256 }))
    }

    fn flush_chunk(&mut self, last: bool) -> io::Result<()> {
        let nonce = nonce_of(self.chunk, last);
        self.cipher
            .seal_in_place_append_tag(nonce, Aad::from(&self.head), &mut self.buffer)
            .map_err(|_| io::Error::other("AES-GCM refused"))?;
        self.to.write_all(&self.buffer)?;
        self.buffer.clear();
        self.chunk += 1;
        Ok(())
    }
}

/// Decrypts a file from any place in it.
pub struct Opener<R> {
    from: R,
    cipher: LessSafeKey,
    head: [u8; HEAD],
    chunks: u64,
    next: u64,
    skip: usize,
    size: u64,
}

impl<R: Read + Seek> Opener<R> {
    /// Checks the head and that the file is as long as `size` plaintext bytes make it; reading will start at plaintext offset `start`.
    pub fn new(mut from: R, key: &FileKey, size: u64, start: u64) -> Result<Opener<R>, KeyError> {
        let mut found = [0; HEAD];
        from.seek(SeekFrom::Start(0)).and_then(|_| from.read_exact(&mut found)).map_err(|_| KeyError::NotGenuine)?;
        if found.get(..7) != head(0).get(..7) {
            return Err(KeyError::NotGenuine);
        }
        let length = from.seek(SeekFrom::End(0)).map_err(|_| KeyError::NotGenuine)?;
        if length != stored_size(size) {
            return Err(KeyError::NotGenuine);
        }
        let next = start / CHUNK as u64;
        from.seek(SeekFrom::Start(HEAD as u64 + next * (CHUNK + TAG) as u64)).map_err(|_| KeyError::NotGenuine)?;
        let skip = usize::try_from(start % CHUNK as u64).unwrap_or(0);
        Ok(Opener { from, cipher: key.cipher()?, head: found, chunks: chunks(size), next, skip, size })
    }

    /// Appends the plaintext of the next chunk to `out`; false at the end. On an error nothing of the bad chunk is appended.
    pub fn pull(&mut self, out: &mut Vec<u8>) -> Result<bool, KeyError> {
        if self.next >= self.chunks {
            return Ok(false);
        }
        let last = self.next + 1 == self.chunks;
        let plain = match last {
            true => usize::try_from(self.size - self.next * CHUNK as u64).unwrap_or(0),
            false => CHUNK,
        };
        let at = out.len();
        out.resize(at + plain + TAG, 0);
        let done = self.open_chunk(out.get_mut(at..).unwrap_or_default(), last);
        out.truncate(if done.is_ok() { at + plain } else { at });
        done?;
        let skip = std::mem::take(&mut self.skip).min(plain);
        out.drain(at..at + skip);
        self.next += 1;
        Ok(true)
    }

    fn open_chunk(&mut self, chunk: &mut [u8], last: bool) -> Result<(), KeyError> {
        self.from.read_exact(chunk).map_err(|_| KeyError::NotGenuine)?;
        let nonce = nonce_of(self.next, last);
        self.cipher.open_in_place(nonce, Aad::from(&self.head), chunk).map(drop).map_err(|_| KeyError::NotGenuine)
    }
}

fn chunks(size: u64) -> u64 {
    size.div_ceil(CHUNK as u64).max(1)
}

/// Bytes on disk for a file of `size` plaintext bytes.
pub fn stored_size(size: u64) -> u64 {
    HEAD as u64 + size + chunks(size) * TAG as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn sealed(key: &FileKey, plain: &[u8], piece: usize) -> (Vec<u8>, Written) {
        let mut sealer = Sealer::new(Vec::new(), key, 1).unwrap();
        plain.chunks(piece.max(1)).for_each(|bytes| sealer.push(bytes).unwrap());
        sealer.finish().unwrap()
    }

    fn opened(key: &FileKey, stored: &[u8], size: u64, start: u64) -> Result<Vec<u8>, KeyError> {
        let mut opener = Opener::new(Cursor::new(stored), key, size, start)?;
        let mut out = Vec::new();
        while opener.pull(&mut out)? {}
        Ok(out)
    }

    #[test]
    fn comes_back_at_every_edge_and_from_every_offset() {
        let key = FileKey::new().unwrap();
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17] {
            let plain: Vec<u8> = (0..size).map(|i| (i * 7 % 251) as u8).collect();
            let (stored, written) = sealed(&key, &plain, 10_007);
            assert_eq!(stored.len() as u64, stored_size(size as u64));
            assert_eq!(written, Written { size: size as u64, sha256: nonce::sha256(&plain) });
            for start in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1].into_iter().filter(|start| *start <= size) {
                assert_eq!(opened(&key, &stored, size as u64, start as u64).unwrap(), plain[start..], "{size} from {start}");
            }
        }
    }

    #[test]
    fn damage_is_found_and_nothing_of_a_bad_chunk_leaves() {
        let key = FileKey::new().unwrap();
        let plain = vec![42; 3 * CHUNK + 100];
        let (stored, _) = sealed(&key, &plain, CHUNK);
        let size = plain.len() as u64;
        let whole = CHUNK + TAG;
        let mut flipped = stored.clone();
        flipped[HEAD + whole + 5] ^= 1;
        let mut opener = Opener::new(Cursor::new(&flipped), &key, size, 0).unwrap();
        let mut out = Vec::new();
        assert!(opener.pull(&mut out).unwrap());
        assert!(opener.pull(&mut out).is_err());
        assert_eq!(out.len(), CHUNK, "only the good chunk is there");
        let mut swapped = stored.clone();
        swapped[HEAD..HEAD + 2 * whole].rotate_left(whole);
        assert!(opened(&key, &swapped, size, 0).is_err());
        assert!(opened(&key, &stored[..stored.len() - 100 - TAG], 3 * CHUNK as u64, 0).is_err(), "truncated at a chunk");
        assert!(opened(&key, &stored[..stored.len() - 1], size, 0).is_err());
        assert!(opened(&FileKey::new().unwrap(), &stored, size, 0).is_err());
    }

    #[test]
    fn a_file_key_is_bound_to_its_blob() {
        let wrap = Wrap::new(Secret::new([8; 64]), 1);
        let wrapped = FileKey::new().unwrap().wrap(&wrap, "a").unwrap();
        assert!(FileKey::unwrap(&wrap, &wrapped, "a").is_ok());
        assert!(FileKey::unwrap(&wrap, &wrapped, "b").is_err());
    }
}
