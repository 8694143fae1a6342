//! Authenticated encryption of small things: AES-256-SIV (RFC 5297), which stays safe when a nonce repeats.
//!
//! `version ‖ key id ‖ nonce (16) ‖ SIV (16) ‖ ciphertext`; version, key id and the caller's context are authenticated with it.

use crate::{KeyError, VERSION, nonce};
use aes_siv::{KeyInit, siv::Aes256Siv};
use rules::Secret;

const NONCE: usize = 16;
const HEAD: usize = 2 + NONCE;

/// A key that wraps small things, bound to a context at each use.
pub struct Wrap {
    key: Secret<[u8; 64]>,
    id: u8,
}

impl Wrap {
    /// From 64 bytes of key and the id that its ciphertexts carry.
    pub fn new(key: Secret<[u8; 64]>, id: u8) -> Wrap {
        Wrap { key, id }
    }

    /// Encrypts `plain`, bound to `context`.
    pub fn seal(&self, plain: &[u8], context: &[&[u8]]) -> Result<Vec<u8>, KeyError> {
        let nonce = nonce::random::<NONCE>()?;
        let mut out = vec![VERSION, self.id];
        out.extend_from_slice(&nonce);
        let cipher = self.cipher()?.encrypt(headers(context, &out), plain).map_err(|_| KeyError::Primitive("AES-SIV"))?;
        out.extend_from_slice(&cipher);
        Ok(out)
    }

    /// Decrypts what [`Wrap::seal`] made with the same context.
    pub fn open(&self, sealed: &[u8], context: &[&[u8]]) -> Result<Secret<Vec<u8>>, KeyError> {
        let (head, cipher) = sealed.split_at_checked(HEAD).ok_or(KeyError::NotGenuine)?;
        if head.first() != Some(&VERSION) || head.get(1) != Some(&self.id) {
            return Err(KeyError::NotGenuine);
        }
        let plain = self.cipher()?.decrypt(headers(context, head), cipher).map_err(|_| KeyError::NotGenuine)?;
        Ok(Secret::new(plain))
    }

    /// Decrypts a 32-byte key.
    pub fn open_key(&self, sealed: &[u8], context: &[&[u8]]) -> Result<Secret<[u8; 32]>, KeyError> {
        let plain = self.open(sealed, context)?;
        let key: [u8; 32] = plain.expose().as_slice().try_into().map_err(|_| KeyError::NotGenuine)?;
        Ok(Secret::new(key))
    }

    fn cipher(&self) -> Result<Aes256Siv, KeyError> {
        Aes256Siv::new_from_slice(self.key.expose()).map_err(|_| KeyError::Primitive("AES-SIV key"))
    }
}

/// Context parts and the head, each a header of S2V; the number of parts is fixed by each caller.
fn headers<'a>(context: &[&'a [u8]], head: &'a [u8]) -> Vec<&'a [u8]> {
    context.iter().copied().chain([head]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nonce::hex;

    #[test]
    fn aes_256_siv_gives_the_vector_of_miscreant() {
        // RFC 5297 gives vectors for 128-bit keys only (A.1); this is the same input under a 256-bit key.
        let key: Vec<u8> = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f06f6e6d6c6b6a69686766656463626160f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f"
            .as_bytes().chunks(2).map(|c| u8::from_str_radix(std::str::from_utf8(c).unwrap(), 16).unwrap()).collect();
        let ad: Vec<u8> = (0x10..=0x27).collect();
        let plain = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee];
        let sealed = Aes256Siv::new_from_slice(&key).unwrap().encrypt([&ad], &plain).unwrap();
        assert_eq!(hex(&sealed), "f125274c598065cfc26b0e71575029088b035217e380cac8919ee800c126");
    }

    #[test]
    fn rfc_5297_a_1() {
        let key: Vec<u8> = (0..16).map(|i| 0xff - i).chain(0xf0..=0xff).collect();
        let ad: Vec<u8> = (0x10..=0x27).collect();
        let plain = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee];
        let sealed = aes_siv::siv::Aes128Siv::new_from_slice(&key).unwrap().encrypt([&ad], &plain).unwrap();
        assert_eq!(hex(&sealed), "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c");
    }

    proptest::proptest! {
        #[test]
        fn comes_back_only_with_its_key_and_context(plain: Vec<u8>, context: Vec<u8>, flip in 0usize..1000) {
            let wrap = Wrap::new(Secret::new([1; 64]), 9);
            let mut sealed = wrap.seal(&plain, &[&context, b"x"]).unwrap();
            let opened = wrap.open(&sealed, &[&context, b"x"]).unwrap();
            proptest::prop_assert_eq!(opened.expose(), &plain);
            proptest::prop_assert!(wrap.open(&sealed, &[&context, b"y"]).is_err());
            proptest::prop_assert!(Wrap::new(Secret::new([2; 64]), 9).open(&sealed, &[&context, b"x"]).is_err());
            let at = flip % sealed.len();
            sealed[at] ^= 1;
            proptest::prop_assert!(wrap.open(&sealed, &[&context, b"x"]).is_err());
        }
    }
}
