//! Signatures: Ed25519 (RFC 8032), so that backups and their reports are known to be ours by whoever has no secret.

use crate::{KeyError, nonce};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// Bytes of a signature.
pub const SIGNATURE: usize = 64;

/// Says before each signed message what it is, so that nothing signed as one thing is taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The head of an object at a destination.
    Backup,
    /// The report of a drill.
    Report,
    /// The sums of an image of the program.
    Image,
}

impl Purpose {
    const fn text(self) -> &'static [u8] {
        match self {
            Purpose::Backup => b"strongroom/1/backup\0",
            Purpose::Report => b"strongroom/1/report\0",
            Purpose::Image => b"strongroom/1/image\0",
        }
    }

    fn over(self, message: &[u8]) -> Vec<u8> {
        [self.text(), message].concat()
    }
}

/// Signs for a site, or for the registry.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// The signer of this seed, which is that of [`crate::SiteKeys`].
    pub fn of(seed: &[u8; 32]) -> Result<Signer, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Signer).map_err(|_| KeyError::Primitive("Ed25519 seed"))
    }

    /// The signature of a message.
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> [u8; SIGNATURE] {
        let mut out = [0; SIGNATURE];
        out.copy_from_slice(self.0.sign(&purpose.over(message)).as_ref());
        out
    }

    /// What checks its signatures.
    pub fn public(&self) -> PublicKey {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(out)
    }
}

/// What checks signatures. Not secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// Whether the signature is this key's, of this message, for this purpose.
    pub fn verifies(&self, purpose: Purpose, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(&purpose.over(message), signature).is_ok()
    }

    /// In hexadecimal.
    pub fn hex(&self) -> String {
        nonce::hex(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8032_7_1_test_2() {
        let bytes = |hex: &str| -> Vec<u8> { hex.as_bytes().chunks(2).map(|c| u8::from_str_radix(std::str::from_utf8(c).unwrap(), 16).unwrap()).collect() };
        let pair = Ed25519KeyPair::from_seed_unchecked(&bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")).unwrap();
        assert_eq!(nonce::hex(pair.public_key().as_ref()), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(nonce::hex(pair.sign(&[0x72]).as_ref()), expected);
    }

    #[test]
    fn only_the_signer_the_message_and_the_purpose_fit() {
        let (one, other) = (Signer::of(&[1; 32]).unwrap(), Signer::of(&[2; 32]).unwrap());
        assert_eq!(one.public(), Signer::of(&[1; 32]).unwrap().public());
        let mut signed = one.sign(Purpose::Backup, b"head");
        assert!(one.public().verifies(Purpose::Backup, b"head", &signed));
        assert!(!one.public().verifies(Purpose::Report, b"head", &signed));
        assert!(!one.public().verifies(Purpose::Backup, b"heae", &signed));
        assert!(!other.public().verifies(Purpose::Backup, b"head", &signed));
        signed[7] ^= 1;
        assert!(!one.public().verifies(Purpose::Backup, b"head", &signed));
        assert!(!one.public().verifies(Purpose::Backup, b"head", &signed[..63]));
    }
}
