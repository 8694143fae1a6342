//! All cryptography of Strongroom, and nothing else.
//!
//! The primitives come from well-kept crates: AES-256-GCM, HKDF, HMAC, SHA-256 and random bytes from aws-lc-rs, AES-SIV, Argon2id
//! and TOTP from theirs. What is ours is how they are put together: which key does what, and what each ciphertext is bound to.
//!
//! ```text
//! root key (random; wrapped once per slot of the keyring)
//!   └─ site key (random; one per site; wrapped by the root key)
//!        └─ HKDF-SHA-256 labels: database, field, index, id, pepper, audit, signing, blob
//! ```
//! Every ciphertext begins with version ‖ key id.
#![warn(missing_docs)]

pub mod blob;
pub mod code;
mod crockford;
pub mod derive;
pub mod digest;
pub mod field;
pub mod kit;
pub mod nonce;
pub mod password;
pub mod ring;
pub mod seal;
pub mod sign;
pub mod site;
pub mod slot;
pub mod totp;
pub mod wrap;

pub use ring::Ring;
pub use site::SiteKeys;

/// What can go wrong here. Says what failed, never with which key or plaintext.
#[derive(Debug)]
pub enum KeyError {
    /// The ciphertext is not genuine: another key, another place, or damaged.
    NotGenuine,
    /// The system gave no random bytes or refused a parameter.
    Primitive(&'static str),
    /// The keyring cannot be used; the sentence says why and what to do.
    Ring(String),
    /// Reading or writing a file failed.
    File(std::path::PathBuf, std::io::Error),
}

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeyError::NotGenuine => f.write_str("the ciphertext is not genuine"),
            KeyError::Primitive(what) => write!(f, "a cryptographic primitive refused: {what}"),
            KeyError::Ring(why) => f.write_str(why),
            KeyError::File(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for KeyError {}

/// First byte of every ciphertext made here.
pub const VERSION: u8 = 1;
