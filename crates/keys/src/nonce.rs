//! Random bytes: keys, salts, session nonces and tokens.

use crate::KeyError;
use aws_lc_rs::{digest, hmac, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rules::Secret;

/// `N` bytes from the operating system's generator.
pub fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| KeyError::Primitive("random bytes"))?;
    Ok(bytes)
}

/// A 256-bit token as it stands in a cookie or link: 43 base64url characters (ASVS 7.2.3). The database keeps only [`digest`] of it.
pub struct Token(Secret<String>);

impl Token {
    /// A new random token.
    pub fn new() -> Result<Token, KeyError> {
        Ok(Token(Secret::new(URL_SAFE_NO_PAD.encode(random::<32>()?))))
    }

    /// A token that somebody presents; `None` when it cannot be one.
    pub fn presented(text: &str) -> Option<Token> {
        let fits = text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32);
        fits.then(|| Token(Secret::new(text.to_owned())))
    }

    /// The text, for the cookie or link.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// SHA-256 of the text: what the database keeps.
    pub fn digest(&self) -> [u8; 32] {
        sha256(self.expose().as_bytes())
    }

    /// The form token of the session or visit that this token names: HMAC-SHA-256 under the token itself, so that it needs no row
    /// and a leaked database cannot make one (synchronizer token, ASVS 3.5.1).
    pub fn form_token(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.expose().as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"strongroom form token"))
    }

    /// 32 bytes that only the holder of the token can compute: HMAC-SHA-256 of the label under the token itself.
    pub fn seed(&self, label: &str) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.expose().as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&key, label.as_bytes()).as_ref());
        out
    }

    /// Whether `given` is the form token, in constant time.
    pub fn is_form_token(&self, given: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.form_token().as_bytes(), given.as_bytes()).is_ok()
    }
}

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// Bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_of_abc_is_that_of_fips_180() {
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn tokens_are_long_differ_and_come_back() {
        let (a, b) = (Token::new().unwrap(), Token::new().unwrap());
        assert_ne!(a.expose(), b.expose());
        let again = Token::presented(a.expose()).unwrap();
        assert_eq!(again.digest(), a.digest());
        assert!(again.is_form_token(&a.form_token()) && !again.is_form_token(&b.form_token()) && !again.is_form_token(""));
        for bad in ["", "short", &"!".repeat(43), &"A".repeat(44)] {
            assert!(Token::presented(bad).is_none(), "{bad}");
        }
    }
}
