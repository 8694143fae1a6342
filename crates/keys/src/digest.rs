//! SHA-256 of what is too large to be held at once.

use aws_lc_rs::digest;

/// Bytes of a digest.
pub const DIGEST: usize = 32;

/// A running SHA-256 (FIPS 180-4). A clone goes on by itself.
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Default for Sha256 {
    fn default() -> Sha256 {
        Sha256(digest::Context::new(&digest::SHA256))
    }
}

impl Sha256 {
    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything taken.
    pub fn finish(self) -> [u8; DIGEST] {
        let mut out = [0; DIGEST];
        out.copy_from_slice(self.0.finish().as_ref());
        out
    }
}

impl std::io::Write for Sha256 {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nonce;

    #[test]
    fn parts_give_the_digest_of_the_whole() {
        let mut running = Sha256::default();
        running.update(b"a");
        let before = running.clone();
        running.update(b"bc");
        assert_eq!(nonce::hex(&running.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(before.finish(), nonce::sha256(b"a"));
    }
}
