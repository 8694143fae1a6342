//! Ids as they stand in URLs: AES-256-SIV over the 8-byte row id, with site ‖ kind ‖ key id as associated data (RFC 5297).
//!
//! Deterministic, 24 bytes, 32 base64url characters. A second line of defence only: rights are checked at every object.

use crate::KeyError;
use aes_siv::{KeyInit, siv::Aes256Siv};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rules::{Entity, Kind, Sealed, Secret};

/// Seals and opens the ids of one site.
pub struct IdSeal {
    key: Secret<[u8; 64]>,
    site: [u8; 16],
    id: u8,
}

impl IdSeal {
    /// For the site with this random 16-byte id.
    pub fn new(key: Secret<[u8; 64]>, site: [u8; 16], id: u8) -> IdSeal {
        IdSeal { key, site, id }
    }

    /// The opaque form of row `id` of kind `E`.
    pub fn seal<E: Entity>(&self, id: i64) -> Result<Sealed<E>, KeyError> {
        let cipher = self.cipher()?.encrypt([self.context(E::KIND)], &id.to_be_bytes()).map_err(|_| KeyError::Primitive("AES-SIV"))?;
        Ok(Sealed::from_url(&URL_SAFE_NO_PAD.encode(cipher)))
    }

    /// The row id, if `sealed` was made here, for this site and kind.
    pub fn open<E: Entity>(&self, sealed: &Sealed<E>) -> Result<i64, KeyError> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed.as_str()).map_err(|_| KeyError::NotGenuine)?;
        let plain = self.cipher()?.decrypt([self.context(E::KIND)], &bytes).map_err(|_| KeyError::NotGenuine)?;
        Ok(i64::from_be_bytes(plain.try_into().map_err(|_| KeyError::NotGenuine)?))
    }

    fn cipher(&self) -> Result<Aes256Siv, KeyError> {
        Aes256Siv::new_from_slice(self.key.expose()).map_err(|_| KeyError::Primitive("AES-SIV key"))
    }

    fn context(&self, kind: Kind) -> [u8; 18] {
        let mut context = [0; 18];
        let tail = [kind.tag(), self.id];
        for (to, from) in context.iter_mut().zip(self.site.iter().chain(&tail)) {
            *to = *from;
        }
        context
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::{Case, Document};

    fn seal(site: u8) -> IdSeal {
        IdSeal::new(Secret::new([3; 64]), [site; 16], 1)
    }

    proptest::proptest! {
        #[test]
        fn is_bound_to_kind_and_site(id: i64, flip in 0usize..32) {
            let sealed = seal(1).seal::<Case>(id).unwrap();
            proptest::prop_assert_eq!(sealed.as_str().len(), 32);
            proptest::prop_assert_eq!(seal(1).open(&sealed).unwrap(), id);
            proptest::prop_assert!(seal(2).open(&sealed).is_err());
            proptest::prop_assert!(seal(1).open(&Sealed::<Document>::from_url(sealed.as_str())).is_err());
            let mut text = sealed.as_str().as_bytes().to_vec();
            text[flip] = if text[flip] == b'A' { b'B' } else { b'A' };
            proptest::prop_assert!(seal(1).open(&Sealed::<Case>::from_url(std::str::from_utf8(&text).unwrap())).is_err());
        }

        #[test]
        fn nonsense_does_not_open(text in ".{0,80}") {
            proptest::prop_assert!(seal(1).open(&Sealed::<Case>::from_url(&text)).is_err());
        }
    }
}
