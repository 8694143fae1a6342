//! What stands at the beginning of every object that holds a part of a database: a line that names the format, a line of JSON that says
//! what the object is, and a line with the signature of that. Then comes the payload, whose SHA-256 the head holds.
//!
//! ```text
//! strongroom backup 1
//! {"kind":"log","instance":"…","chain":"…","fence":1,"generation":1,"first":7,"last":7,…}
//! 5f0c…            Ed25519 of the two lines above
//! …                payload
//! ```
//! Objects of kind `log` follow one another: each holds the link of the one before, which is the SHA-256 of that one's head. One that was
//! put together from several holds the link of the last of them, so that whatever follows that one follows it too.

use crate::{ShipError, root::Root, wal::At, wal::is_page_size};
use keys::{
    nonce::{hex, sha256},
    sign::{PublicKey, Purpose, SIGNATURE, Signer},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first line of format 1.
const FORMAT: &str = "strongroom backup 1";
/// What is said of an object that nobody with our key has signed under its name.
pub(crate) const UNSIGNED: [&str; 6] = [
    "it is cut off, or no object of a backup",
    "it is no object of a backup",
    "it bears no signature",
    "its signature is not that of this installation",
    "it belongs to another database",
    "it stands under the name of another object",
];
/// The longest head, in bytes.
pub const LONGEST: usize = 4096;

/// Bytes that stand in hexadecimal in heads and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> Hex<N> {
    /// From `2 N` lower-case digits.
    pub fn parse(text: &str) -> Option<Hex<N>> {
        let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
        let pairs = text.as_bytes().as_chunks::<2>();
        let bytes = pairs.0.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok());
        let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
        bytes.try_into().ok().filter(|_| pairs.1.is_empty()).map(Hex)
    }
}

impl<const N: usize> std::fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hex<N>, D::Error> {
        let text = String::deserialize(deserializer)?;
        Hex::parse(&text).ok_or_else(|| serde::de::Error::custom("not the hexadecimal digits expected"))
    }
}

/// A database of an installation: a site, or the registry, whose id is that of the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Chain {
    /// Random public id of the installation.
    pub instance: Hex<16>,
    /// Random public id of the site, or of the installation.
    pub chain: Hex<16>,
}

impl Chain {
    /// Whether it is that of the registry, which bears the number of the installation.
    pub fn is_registry(&self) -> bool {
        self.instance == self.chain
    }
}

/// What an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// What changed.
    Log,
    /// The names of all parts of the database.
    Base,
}

/// Why a base was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// There was none.
    First,
    /// It was time for one; the generation goes on.
    Due,
    /// The keyring is another one; the generation goes on.
    Keyring,
    /// Somebody else emptied the log.
    ForeignCheckpoint,
    /// What was shipped no longer stands in the log.
    Fork,
    /// The database is not the one that was shipped: it was replaced or changed while the server did not run.
    Replaced,
    /// What was kept here of the backups was lost or damaged.
    StateLost,
}

impl Why {
    /// Whether something went wrong, of which people must hear.
    pub const fn is_alarm(self) -> bool {
        !matches!(self, Why::First | Why::Due | Why::Keyring)
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Why::First => "the first one",
            Why::Due => "it was time for one",
            Why::Keyring => "the keyring was changed",
            Why::ForeignCheckpoint => "another program emptied the write-ahead log",
            Why::Fork => "the write-ahead log no longer holds what was shipped from it",
            Why::Replaced => "the database was replaced or changed while the server did not run",
            Why::StateLost => "what this machine kept of its backups was lost",
        }
    }
}

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// What it holds.
    pub kind: Kind,
    /// Of which database.
    #[serde(flatten)]
    pub of: Chain,
    /// Grows when another machine takes over; the lower one is fenced off.
    pub fence: u32,
    /// The line of changes, which begins with a base; a new one when it was broken. Seconds since 1970 when it began, more than before.
    pub generation: u32,
    /// The first change it holds, counted from 1 in each generation. A base holds the state after `last`, and both are that.
    pub first: u64,
    /// The last change it holds.
    pub last: u64,
    /// Link of the change before `first`; of a base, that of `last`.
    pub before: Hex<32>,
    /// Link of `last`, when it was put together from several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub link: Option<Hex<32>>,
    /// When the last change was taken, milliseconds since 1970. Never less than before.
    pub made: i64,
    /// Why this base was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Why>,
    /// How far the write-ahead log was read; nothing after a base that was made with an empty one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wal: Option<At>,
    /// Bytes of a page.
    pub page_size: u32,
    /// Pages of the database after it.
    pub pages: u32,
    /// State root after it.
    pub root: Hex<32>,
    /// Bytes of keyring at the beginning of the payload.
    pub ring: u32,
    /// Documents named in the payload: those new with these changes, or all of a base.
    pub files: u32,
    /// Pages in the payload, or parts of a base.
    pub items: u32,
    /// Bytes of the payload.
    pub size: u64,
    /// SHA-256 of the payload.
    pub sha256: Hex<32>,
}

/// A head with what was read beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What the object is.
    pub head: Head,
    /// What the object that follows holds as `before`.
    pub link: Hex<32>,
    /// Where the payload begins.
    pub payload: u64,
}

impl Head {
    /// The name of the object at a destination. It holds numbers and a time, and nothing that the firm would keep for itself.
    pub fn name(&self) -> String {
        let Head { of, fence, generation, first, last, made, .. } = self;
        match self.kind {
            Kind::Log => format!("log/{}/{fence:04}-{generation:010}-{first:08}-{last:08}-{made:013}", of.chain),
            Kind::Base => format!("base/{}/{fence:04}-{generation:010}-{last:08}-{made:013}", of.chain),
        }
    }

    /// State root after it.
    pub const fn root(&self) -> Root {
        Root(self.root.0)
    }

    /// The head as it stands in the object, signed.
    pub fn write(&self, signer: &Signer) -> Result<(Vec<u8>, Signed), ShipError> {
        let mut out = format!("{FORMAT}\n{}\n", serde_json::to_string(self).map_err(std::io::Error::other)?).into_bytes();
        let link = self.link.unwrap_or(Hex(sha256(&out)));
        let signature = hex(&signer.sign(Purpose::Backup, &out));
        out.extend_from_slice(format!("{signature}\n").as_bytes());
        let payload = out.len() as u64;
        Ok((out, Signed { head: self.clone(), link, payload }))
    }

    /// Whether what it says fits together.
    fn fits(&self) -> Result<(), &'static str> {
        let alone = matches!(self.kind, Kind::Base);
        let ordered = self.first <= self.last && (!alone || self.first == self.last) && (alone || self.first > 0);
        match () {
            () if !ordered => Err("its numbers do not fit together"),
            () if !is_page_size(self.page_size) => Err("no page is of that size"),
            () if alone != self.why.is_some() => Err("it does not say why it was made, or needs no reason"),
            () if (alone || self.first == self.last) && self.link.is_some() => Err("it was not put together from several"),
            () if !alone && self.first < self.last && self.link.is_none() => Err("it was put together from several and does not say what it ends with"),
            () => Ok(()),
        }
    }
}

impl Signed {
    /// Reads a head from the first bytes of an object, and checks that it is signed with this key, of this database, and stands under its
    /// own name.
    pub fn read(bytes: &[u8], name: &str, of: &Chain, key: &PublicKey) -> Result<Signed, ShipError> {
        let found = Signed::look(bytes, name, Some(key))?;
        let bad = |why| ShipError::not_genuine(name, why);
        match () {
            () if found.head.of != *of => Err(bad(UNSIGNED[4])),
            () if found.head.name() != name => Err(bad(UNSIGNED[5])),
            () => Ok(found),
        }
    }

    /// Reads a head; without a key its signature is not checked, and nothing that it says may be relied on.
    pub fn look(bytes: &[u8], name: &str, key: Option<&PublicKey>) -> Result<Signed, ShipError> {
        let bad = |why| ShipError::not_genuine(name, why);
        let mut ends = bytes.iter().take(LONGEST).enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        let (Some(format), Some(json), Some(signature)) = (ends.next(), ends.next(), ends.next()) else { return Err(bad(UNSIGNED[0])) };
        let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
        match part(0, format) {
            line if line == FORMAT.as_bytes() => {}
            line if line.starts_with(b"strongroom backup ") => return Err(bad("it was written by a newer Strongroom; use that version")),
            _ => return Err(bad(UNSIGNED[1])),
        }
        let told = part(0, json + 1);
        let mark = std::str::from_utf8(part(json + 1, signature)).ok().and_then(Hex::<SIGNATURE>::parse).ok_or_else(|| bad(UNSIGNED[2]))?;
        if key.is_some_and(|key| !key.verifies(Purpose::Backup, told, &mark.0)) {
            return Err(bad(UNSIGNED[3]));
        }
        let head: Head = serde_json::from_slice(part(format + 1, json)).map_err(|_| bad("its head cannot be read"))?;
        head.fits().map_err(bad)?;
        let link = head.link.unwrap_or(Hex(sha256(told)));
        Ok(Signed { head, link, payload: signature as u64 + 1 })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn head() -> Head {
        Head {
            kind: Kind::Log,
            of: Chain { instance: Hex([1; 16]), chain: Hex([2; 16]) },
            fence: 1,
            generation: 1,
            first: 7,
            last: 7,
            before: Hex([3; 32]),
            link: None,
            made: 1_764_000_000_000,
            why: None,
            wal: None,
            page_size: 4096,
            pages: 9,
            root: Hex([4; 32]),
            ring: 0,
            files: 0,
            items: 0,
            size: 0,
            sha256: Hex(sha256(b"")),
        }
    }

    #[test]
    fn a_head_comes_back_and_nothing_in_it_can_be_changed() {
        let signer = Signer::of(&[5; 32]).unwrap();
        let head = head();
        let (bytes, written) = head.write(&signer).unwrap();
        let read = |bytes: &[u8], name: &str| Signed::read(bytes, name, &head.of, &signer.public());
        assert_eq!(read(&bytes, &head.name()).unwrap(), written);
        assert_eq!(head.name(), "log/02020202020202020202020202020202/0001-0000000001-00000007-00000007-1764000000000");
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut wrong = bytes.clone();
                wrong[at] ^= 1 << bit;
                assert!(read(&wrong, &head.name()).is_err(), "bit {bit} of byte {at}");
            }
        }
        (0..bytes.len()).for_each(|end| assert!(read(&bytes[..end], &head.name()).is_err(), "cut at {end}"));
        assert!(read(&bytes, &Head { last: 8, first: 8, ..head.clone() }.name()).is_err(), "another name");
        let other = Chain { chain: Hex([9; 16]), ..head.of };
        assert!(Signed::read(&bytes, &head.name(), &other, &signer.public()).is_err(), "another database");
        assert!(Signed::read(&bytes, &head.name(), &head.of, &Signer::of(&[6; 32]).unwrap().public()).is_err(), "another key");
    }

    #[test]
    fn what_does_not_fit_together_is_refused_though_it_is_signed() {
        let signer = Signer::of(&[5; 32]).unwrap();
        let good = head();
        for wrong in [
            Head { first: 8, ..good.clone() },
            Head { first: 0, last: 0, ..good.clone() },
            Head { first: 6, ..good.clone() },
            Head { page_size: 1000, ..good.clone() },
            Head { why: Some(Why::Due), ..good.clone() },
            Head { kind: Kind::Base, ..good.clone() },
            Head { link: Some(Hex([1; 32])), ..good.clone() },
        ] {
            let (bytes, _) = wrong.write(&signer).unwrap();
            assert!(Signed::read(&bytes, &wrong.name(), &wrong.of, &signer.public()).is_err(), "{wrong:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(0u8.., 0..600), json in ".{0,200}") {
            let key = Signer::of(&[5; 32]).unwrap().public();
            proptest::prop_assert!(Signed::look(&bytes, "x", Some(&key)).is_err());
            let text = format!("{FORMAT}\n{json}\n{}\n", "0".repeat(128));
            proptest::prop_assert!(Signed::look(text.as_bytes(), "x", None).is_err());
        }
    }
}
