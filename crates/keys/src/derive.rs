//! One key, many purposes: HKDF-SHA-256 (RFC 5869) with a label for each.

use crate::KeyError;
use aws_lc_rs::hkdf;
use rules::Secret;

/// What a derived key is for. The label is part of the format: never change one, never use one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Raw key of a SQLCipher database.
    Database,
    /// Encrypts private columns.
    Field,
    /// Blind index of private columns.
    Index,
    /// Seals ids in URLs.
    Id,
    /// Pepper of passwords.
    Pepper,
    /// Chains the trail.
    Audit,
    /// Signs manifests and reports.
    Signing,
    /// Wraps the key of each stored file.
    Blob,
    /// Wraps the keys of sites.
    Site,
    /// Wraps the root key in a slot of the keyring.
    Slot,
    /// Public mark of a root key, by which the keyring file says which one its slots hold.
    Root,
    /// Wraps the root key before this one, until nothing needs it.
    Previous,
    /// One recovery code of a set.
    RecoveryCode,
}

impl Label {
    /// Every label, for the test that they differ.
    pub const ALL: [Label; 13] = [
        Label::Database,
        Label::Field,
        Label::Index,
        Label::Id,
        Label::Pepper,
        Label::Audit,
        Label::Signing,
        Label::Blob,
        Label::Site,
        Label::Slot,
        Label::Root,
        Label::Previous,
        Label::RecoveryCode,
    ];

    const fn text(self) -> &'static str {
        match self {
            Label::Database => "strongroom/1/database",
            Label::Field => "strongroom/1/field",
            Label::Index => "strongroom/1/index",
            Label::Id => "strongroom/1/id",
            Label::Pepper => "strongroom/1/pepper",
            Label::Audit => "strongroom/1/audit",
            Label::Signing => "strongroom/1/signing",
            Label::Blob => "strongroom/1/blob",
            Label::Site => "strongroom/1/site",
            Label::Slot => "strongroom/1/slot",
            Label::Root => "strongroom/1/root",
            Label::RecoveryCode => "strongroom/1/recovery-code",
            Label::Previous => "strongroom/1/previous",
        }
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// The `N`-byte key for `label`, from `key` and an optional public `salt`.
pub fn derive<const N: usize>(key: &[u8], salt: &[u8], label: Label) -> Result<Secret<[u8; N]>, KeyError> {
    Ok(Secret::new(hkdf_sha256(key, salt, label.text().as_bytes())?))
}

fn hkdf_sha256<const N: usize>(key: &[u8], salt: &[u8], info: &[u8]) -> Result<[u8; N], KeyError> {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key);
    let mut out = [0; N];
    let info = [info];
    let okm = prk.expand(&info, Length(N)).map_err(|_| KeyError::Primitive("HKDF expand"))?;
    okm.fill(&mut out).map_err(|_| KeyError::Primitive("HKDF fill"))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nonce::hex;

    #[test]
    fn rfc_5869_test_case_1() {
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let okm: [u8; 42] = hkdf_sha256(&[0x0b; 22], &salt, &info).unwrap();
        assert_eq!(hex(&okm), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    }

    #[test]
    fn labels_give_different_keys() {
        let mut keys: Vec<[u8; 32]> = Label::ALL.iter().map(|l| *derive::<32>(&[7; 32], b"", *l).unwrap().expose()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Label::ALL.len());
    }
}
