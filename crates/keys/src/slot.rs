//! A slot of the keyring: one way in. Each wraps the same root key under a key of its own.

use crate::{
    KeyError,
    derive::{Label, derive},
    nonce,
    wrap::Wrap,
};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD};
use rules::Secret;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What opens a slot.
pub enum Unlock {
    /// 32 random bytes kept in a file on another medium.
    KeyFile(Secret<[u8; 32]>),
    /// A passphrase typed at every start.
    Passphrase(Secret<String>),
    /// The recovery key from the printed recovery kit.
    Recovery(Secret<[u8; 32]>),
}

impl Unlock {
    /// The word for it in the keyring file.
    pub const fn kind(&self) -> SlotKind {
        match self {
            Unlock::KeyFile(_) => SlotKind::KeyFile,
            Unlock::Passphrase(_) => SlotKind::Passphrase,
            Unlock::Recovery(_) => SlotKind::Recovery,
        }
    }
}

/// The kinds of slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlotKind {
    /// See [`Unlock::KeyFile`].
    KeyFile,
    /// See [`Unlock::Passphrase`].
    Passphrase,
    /// See [`Unlock::Recovery`].
    Recovery,
}

impl SlotKind {
    /// As it is said in messages.
    pub const fn words(self) -> &'static str {
        match self {
            SlotKind::KeyFile => "a key file",
            SlotKind::Passphrase => "a passphrase",
            SlotKind::Recovery => "the recovery key",
        }
    }
}

/// Cost of a passphrase slot, kept with it: Argon2id, memory in KiB.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    m: u32,
    t: u32,
    p: u32,
}

/// More than for a sign-in: a passphrase is typed once a start, and its hash can be attacked off-line.
const PASSPHRASE: Cost = Cost { m: 256 * 1024, t: 3, p: 1 };

/// No slot asks for more than that.
const MOST: Cost = Cost { m: 4 * PASSPHRASE.m, t: 16, p: 4 };

/// One slot, as it stands in the keyring file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// What opens it.
    pub kind: SlotKind,
    /// Where its key file is found: an absolute path, or a bare name for what lies beside the keyring or has its own way of being found. Only
    /// a hint, which nothing authenticates: a wrong one opens nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// When it was made, milliseconds since 1970; 0 when that was not written down.
    #[serde(default)]
    pub made: i64,
    salt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    wrapped: String,
}

impl Slot {
    /// Wraps `root` for `unlock`, made at `made` (milliseconds since 1970); `place` is where its key file is found. Refuses a place that is
    /// neither absolute nor a bare name, or not UTF-8.
    pub fn new(root: &Secret<[u8; 32]>, unlock: &Unlock, place: Option<&Path>, made: i64, instance: &[u8; 16]) -> Result<Slot, KeyError> {
        let place = place.map(written).transpose()?;
        let salt = nonce::random::<16>()?;
        let cost = matches!(unlock, Unlock::Passphrase(_)).then_some(PASSPHRASE);
        let wrapped = wrap(unlock, &salt, cost)?.seal(root.expose(), &[b"root", instance])?;
        Ok(Slot { kind: unlock.kind(), place, made, salt: STANDARD.encode(salt), cost, wrapped: STANDARD.encode(wrapped) })
    }

    /// The root key, if `unlock` is what this slot was made for.
    pub fn open(&self, unlock: &Unlock, instance: &[u8; 16]) -> Result<Secret<[u8; 32]>, KeyError> {
        let salt = STANDARD.decode(&self.salt).map_err(|_| KeyError::NotGenuine)?;
        let wrapped = STANDARD.decode(&self.wrapped).map_err(|_| KeyError::NotGenuine)?;
        wrap(unlock, &salt, self.cost)?.open_key(&wrapped, &[b"root", instance])
    }
}

fn written(place: &Path) -> Result<String, KeyError> {
    let bare = place.file_name().is_some_and(|name| name == place.as_os_str());
    let text = place.to_str().filter(|_| place.is_absolute() || bare).map(str::to_owned);
    text.ok_or_else(|| KeyError::Ring(format!("{} cannot be kept as the place of a key file. Give its whole path, from / on, in UTF-8.", place.display())))
}

fn wrap(unlock: &Unlock, salt: &[u8], cost: Option<Cost>) -> Result<Wrap, KeyError> {
    let key = match unlock {
        Unlock::KeyFile(key) | Unlock::Recovery(key) => derive(key.expose(), salt, Label::Slot)?,
        Unlock::Passphrase(words) => derive(stretch(words, salt, cost.unwrap_or(PASSPHRASE))?.expose(), salt, Label::Slot)?,
    };
    Ok(Wrap::new(key, 0))
}

fn stretch(words: &Secret<String>, salt: &[u8], cost: Cost) -> Result<Secret<[u8; 32]>, KeyError> {
    // A keyring comes from a backup too: what is kept there may ask for no more than this machine has.
    if cost.m > MOST.m || cost.t > MOST.t || cost.p > MOST.p {
        return Err(KeyError::NotGenuine);
    }
    let params = Params::new(cost.m, cost.t, cost.p, Some(32)).map_err(|_| KeyError::Primitive("Argon2 cost"))?;
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(words.expose().as_bytes(), salt, &mut out)
        .map_err(|_| KeyError::Primitive("Argon2"))?;
    Ok(Secret::new(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_whole_path_or_a_name_and_comes_back() {
        let (root, unlock) = (Secret::new([1; 32]), Unlock::KeyFile(Secret::new([2; 32])));
        for bad in ["a/root.key", "", "../root.key", "."] {
            let said = Slot::new(&root, &unlock, Some(Path::new(bad)), 5, &[3; 16]).unwrap_err().to_string();
            assert!(said.contains("whole path"), "{said}");
        }
        let slot = Slot::new(&root, &unlock, Some(Path::new("/media/key/root.key")), 5, &[3; 16]).unwrap();
        let read: Slot = serde_json::from_str(&serde_json::to_string(&slot).unwrap()).unwrap();
        assert_eq!((read.place.as_deref(), read.made), (Some("/media/key/root.key"), 5));
        assert_eq!(read.open(&unlock, &[3; 16]).unwrap().expose(), root.expose());
        assert!(read.open(&unlock, &[4; 16]).is_err());
        let bare = serde_json::to_string(&Slot::new(&root, &unlock, None, 0, &[3; 16]).unwrap()).unwrap();
        assert!(!bare.contains("place"), "{bare}");
    }
}
