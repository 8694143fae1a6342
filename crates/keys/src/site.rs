//! The keys of one site, all derived from its random site key.

use crate::{
    KeyError,
    derive::{Label, derive},
    field::Fields,
    nonce,
    seal::IdSeal,
    wrap::Wrap,
};
use aws_lc_rs::hmac;
use rules::Secret;

/// Id of the site key in use. It will move when keys are rotated.
pub const KEY_ID: u8 = 1;

/// Everything a site encrypts, seals, indexes, peppers and chains with.
pub struct SiteKeys {
    /// Public random id of the site.
    pub id: [u8; 16],
    /// Raw key of the database.
    pub database: Secret<[u8; 32]>,
    /// Private columns and their blind index.
    pub fields: Fields,
    /// Ids in URLs.
    pub ids: IdSeal,
    /// Pepper of passwords.
    pub pepper: Secret<[u8; 32]>,
    /// Wraps the keys of stored files.
    pub blobs: Wrap,
    /// Chains the trail.
    pub audit: Chain,
    /// Seed of the key that signs manifests and reports (Ed25519).
    pub signing: Secret<[u8; 32]>,
}

impl SiteKeys {
    /// Derives them for the site with this public random id.
    pub fn new(key: &Secret<[u8; 32]>, site: [u8; 16]) -> Result<SiteKeys, KeyError> {
        let key = key.expose().as_slice();
        Ok(SiteKeys {
            id: site,
            database: derive(key, &site, Label::Database)?,
            fields: Fields::new(Wrap::new(derive(key, &site, Label::Field)?, KEY_ID), &derive(key, &site, Label::Index)?, site),
            ids: IdSeal::new(derive(key, &site, Label::Id)?, site, KEY_ID),
            pepper: derive(key, &site, Label::Pepper)?,
            blobs: Wrap::new(derive(key, &site, Label::Blob)?, KEY_ID),
            audit: Chain(hmac::Key::new(hmac::HMAC_SHA256, derive::<32>(key, &site, Label::Audit)?.expose())),
            signing: derive(key, &site, Label::Signing)?,
        })
    }

    /// The database key as SQLCipher takes it: `x'…'`, without PBKDF2.
    pub fn database_pragma(&self) -> Secret<String> {
        Secret::new(format!("x'{}'", nonce::hex(self.database.expose())))
    }
}

/// Links the events of the trail: each link is HMAC-SHA-256 over the one before and the event.
pub struct Chain(hmac::Key);

impl Chain {
    /// The link of `event` after `previous`.
    pub fn link(&self, previous: &[u8; 32], event: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(previous);
        context.update(event);
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_4231_case_2() {
        let chain = Chain(hmac::Key::new(hmac::HMAC_SHA256, b"Jefe"));
        let tag = hmac::sign(&chain.0, b"what do ya want for nothing?");
        assert_eq!(nonce::hex(tag.as_ref()), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn sites_share_nothing() {
        let key = Secret::new([1; 32]);
        let (a, b) = (SiteKeys::new(&key, [1; 16]).unwrap(), SiteKeys::new(&key, [2; 16]).unwrap());
        assert_ne!(a.database.expose(), b.database.expose());
        assert_ne!(a.audit.link(&[0; 32], b"x"), b.audit.link(&[0; 32], b"x"));
        assert_eq!(a.database_pragma().expose().len(), 67);
    }
}
