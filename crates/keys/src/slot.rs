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

/// One slot, as it stands in the keyring file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// What opens it.
    pub kind: SlotKind,
    salt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    wrapped: String,
}

impl Slot {
    /// Wraps `root` for `unlock`.
    pub fn new(root: &Secret<[u8; 32]>, unlock: &Unlock, instance: &[u8; 16]) -> Result<Slot, KeyError> {
        let salt = nonce::random::<16>()?;
        let cost = matches!(unlock, Unlock::Passphrase(_)).then_some(PASSPHRASE);
        let wrapped = wrap(unlock, &salt, cost)?.seal(root.expose(), &[b"root", instance])?;
        Ok(Slot { kind: unlock.kind(), salt: STANDARD.encode(salt), cost, wrapped: STANDARD.encode(wrapped) })
    }

    /// The root key, if `unlock` is what this slot was made for.
    pub fn open(&self, unlock: &Unlock, instance: &[u8; 16]) -> Result<Secret<[u8; 32]>, KeyError> {
        let salt = STANDARD.decode(&self.salt).map_err(|_| KeyError::NotGenuine)?;
        let wrapped = STANDARD.decode(&self.wrapped).map_err(|_| KeyError::NotGenuine)?;
        wrap(unlock, &salt, self.cost)?.open_key(&wrapped, &[b"root", instance])
    }
}

fn wrap(unlock: &Unlock, salt: &[u8], cost: Option<Cost>) -> Result<Wrap, KeyError> {
    let key = match unlock {
        Unlock::KeyFile(key) | Unlock::Recovery(key) => derive(key.expose(), salt, Label::Slot)?,
        Unlock::Passphrase(words) => derive(stretch(words, salt, cost.unwrap_or(PASSPHRASE))?.expose(), salt, Label::Slot)?,
    };
    Ok(Wrap::new(key, 0))
}

fn stretch(words: &Secret<String>, salt: &[u8], cost: Cost) -> Result<Secret<[u8; 32]>, KeyError> {
    let params = Params::new(cost.m, cost.t, cost.p, Some(32)).map_err(|_| KeyError::Primitive("Argon2 cost"))?;
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(words.expose().as_bytes(), salt, &mut out)
        .map_err(|_| KeyError::Primitive("Argon2"))?;
    Ok(Secret::new(out))
}
