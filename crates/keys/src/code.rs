//! Recovery codes of a person: ten for the day when the second factor is lost. Each is 7 groups of four characters.
//!
//! 128 random bits (ASVS 6.5.3) are 26 characters of base32, followed by two check characters: ten bits of SHA-256 of them. These notice a slip of
//! the pen before it costs a try; they do not stand in for looking the code up. From 112 bits on a code needs no slow hash (ASVS 6.5.2): a keyed
//! index of the normal form is enough.

use crate::{
    KeyError, crockford,
    derive::{Label, derive},
};
use rules::Secret;

/// How many codes a person has at a time.
const CODES: u8 = 10;
const CHECK: usize = 2;

/// The ten codes that come of 32 random bytes, as they are printed: 28 characters in groups of four, with hyphens. Each is 128 bits of
/// HKDF-SHA-256 (RFC 5869) under its number, so that they can be shown again to whoever holds the seed, and none tells of another.
pub fn set_from(seed: &[u8; 32]) -> Result<Vec<Secret<String>>, KeyError> {
    (0..CODES).map(|n| Ok(one(&derive(seed, &[n], Label::RecoveryCode)?))).collect()
}

fn one(bytes: &Secret<[u8; 16]>) -> Secret<String> {
    crockford::grouped(&crockford::write(bytes.expose(), CHECK))
}

/// The form that is indexed: 28 upper-case characters without hyphens. Case, blanks, hyphens and ends of lines do not matter; O is read as 0,
/// I and L as 1. `None` when it cannot be a code.
pub fn normal(typed: &str) -> Option<Secret<String>> {
    let bytes = crockford::read::<16>(typed, CHECK).ok()?;
    Some(crockford::write(bytes.expose(), CHECK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nonce;

    #[test]
    fn ten_codes_differ_and_come_back() {
        let set = set_from(&[7; 32]).unwrap();
        let mut all: Vec<&str> = set.iter().map(|code| code.expose().as_str()).collect();
        for code in &all {
            assert!(code.len() == 34 && code.split('-').count() == 7 && code.split('-').all(|group| group.len() == 4), "{code}");
            let plain = normal(code).unwrap();
            assert_eq!(*plain.expose(), code.replace('-', ""));
            assert_eq!(normal(plain.expose()).unwrap().expose(), plain.expose());
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 10);
    }

    #[test]
    fn the_printed_form_never_changes() {
        let bytes: [u8; 16] = std::array::from_fn(|i| i as u8);
        let plain = crockford::write(&bytes, CHECK);
        assert_eq!(crockford::grouped(&plain).expose(), "000G-40R4-0M30-E209-185G-R38E-1WQS");
        let typed = " ooog 4or4 om3o\te2o9-i85g-r38e\nLwqs ";
        assert_eq!(normal(typed).unwrap().expose(), plain.expose());
    }

    #[test]
    fn what_cannot_be_a_code_is_none() {
        for typed in ["", "000G", "000G-40R4-0M30-E209-185G-R38E-1WQ", "000G-40R4-0M30-E209-185G-R38E-1WQSS", "U00G-40R4-0M30-E209-185G-R38E-1WQS", "000G-40R4-0M30-E209-185G-R38E-1XQS", "123456"] {
            assert!(normal(typed).is_none(), "{typed}");
        }
    }

    /// Ten bits of check notice all but one wrong character in a thousand. The codes are fixed, so that this holds always or never.
    #[test]
    fn nearly_every_wrong_character_is_noticed() {
        let (mut tried, mut missed) = (0, 0);
        for seed in 0..16 {
            let text = crockford::write(&nonce::sha256(&[seed])[..16], CHECK);
            for at in 0..text.expose().len() {
                for symbol in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().filter(|symbol| !text.expose()[at..].starts_with(*symbol)) {
                    let mut wrong = text.expose().clone();
                    wrong.replace_range(at..=at, symbol.encode_utf8(&mut [0; 4]));
                    tried += 1;
                    missed += i32::from(normal(&wrong).is_some());
                }
            }
        }
        assert!(tried == 16 * 28 * 31 && missed * 500 < tried, "{missed} of {tried}");
    }

    proptest::proptest! {
        #[test]
        fn any_code_comes_back(bytes: [u8; 16], lower: bool) {
            let plain = crockford::write(&bytes, CHECK);
            let printed = crockford::grouped(&plain);
            let typed = if lower { printed.expose().to_lowercase() } else { printed.expose().clone() };
            let read = normal(&typed).unwrap();
            proptest::prop_assert_eq!(read.expose(), plain.expose());
        }
    }
}
