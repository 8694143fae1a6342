//! The recovery key, as it stands on the printed recovery kit: 14 groups of four characters.
//!
//! 32 random bytes are 52 characters of base32 (the last four bits are zero), followed by four check characters, 20 bits of SHA-256 of the bytes.
//! One wrong character goes unnoticed once in a million times, and then the keyring refuses the key. The key is random, so that the check
//! characters tell nothing that helps to guess it.

use crate::{
    KeyError,
    crockford::{self, Misread},
    nonce,
    slot::Unlock,
};
use rules::Secret;

const CHECK: usize = 4;

/// The key of the recovery slot, to be printed once and kept on paper.
#[derive(Debug)]
pub struct RecoveryKey(Secret<[u8; 32]>);

impl RecoveryKey {
    /// A new random key. Fails only when the system gives no random bytes.
    pub fn new() -> Result<RecoveryKey, KeyError> {
        Ok(RecoveryKey(Secret::new(nonce::random::<32>()?)))
    }

    /// The 14 groups of four characters, for print. They are the key: whoever takes them sees to it that they end on the paper only.
    pub fn groups(&self) -> Vec<String> {
        self.text().expose().split('-').map(str::to_owned).collect()
    }

    /// The groups with hyphens between them, 69 characters.
    pub fn text(&self) -> Secret<String> {
        crockford::grouped(&crockford::write(self.0.expose(), CHECK))
    }

    /// The key that somebody typed from the paper. Case, blanks, hyphens and ends of lines do not matter; O is read as 0, I and L as 1.
    /// The error is a sentence for the one who typed.
    pub fn parse(typed: &str) -> Result<RecoveryKey, String> {
        crockford::read(typed, CHECK).map(RecoveryKey).map_err(|misread| match misread {
            Misread::Foreign(c) => format!("A recovery key never has {}. Look at that place on the recovery kit again.", named(c)),
            Misread::Length(length) => format!("A recovery key has 56 characters in 14 groups of four, and this has {length}. Type every group of the recovery kit once."),
            Misread::Check => "One or more characters of the recovery key are wrong. Compare each group with the recovery kit.".into(),
        })
    }

    /// What opens the recovery slot of the keyring.
    pub fn unlock(&self) -> Unlock {
        Unlock::Recovery(Secret::new(*self.0.expose()))
    }
}

/// A group as it is printed, from how somebody typed it.
pub fn even(group: &str) -> String {
    crockford::even(group)
}

/// A character in a sentence; by its number when it cannot be seen.
fn named(c: char) -> String {
    match c.is_ascii_graphic() || c.is_alphanumeric() {
        true => format!("“{c}”"),
        false => format!("the sign U+{:04X}", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bytes: [u8; 32]) -> RecoveryKey {
        RecoveryKey(Secret::new(bytes))
    }

    #[test]
    fn the_printed_form_never_changes() {
        let counted = key(std::array::from_fn(|i| i as u8));
        assert_eq!(counted.text().expose(), "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-2GAH-C5RR-34D1-P70X-3RFG-CC6W");
        assert_eq!(key([0xff; 32]).text().expose(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZG-NYB1");
        assert!(counted.groups().len() == 14 && counted.groups().iter().all(|group| group.len() == 4));
        assert_eq!(counted.groups().join("-"), *counted.text().expose());
    }

    #[test]
    fn new_keys_differ_and_open_what_they_were_made_for() {
        let (one, other) = (RecoveryKey::new().unwrap(), RecoveryKey::new().unwrap());
        assert_ne!(one.text().expose(), other.text().expose());
        let Unlock::Recovery(bytes) = RecoveryKey::parse(one.text().expose()).unwrap().unlock() else { panic!("another kind") };
        assert_eq!(bytes.expose(), one.0.expose());
        assert_eq!(format!("{one:?}"), "RecoveryKey(Secret(..))");
    }

    #[test]
    fn each_mistake_has_its_sentence() {
        let text = key([7; 32]).text();
        for (typed, said) in [
            (text.expose().replacen('-', "-U", 1), "never has “U”"),
            (text.expose().replacen('-', "ß", 1), "never has “ß”"),
            (text.expose().replacen('-', "\u{200b}", 1), "never has the sign U+200B"),
            (text.expose()[1..].to_owned(), "this has 55"),
            (format!("{}0", text.expose()), "this has 57"),
            (String::new(), "this has 0"),
            (key([8; 32]).text().expose()[..64].to_owned() + &text.expose()[64..], "Compare each group"),
        ] {
            let error = RecoveryKey::parse(&typed).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    /// Every character of 16 keys changed into every other: 27,776 mistakes. The keys are fixed, so that this holds always or never.
    #[test]
    fn a_wrong_character_is_noticed() {
        for seed in 0..16 {
            let text = crockford::write(&nonce::sha256(&[seed]), CHECK);
            for at in 0..text.expose().len() {
                for symbol in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().filter(|symbol| !text.expose()[at..].starts_with(*symbol)) {
                    let mut wrong = text.expose().clone();
                    wrong.replace_range(at..=at, symbol.encode_utf8(&mut [0; 4]));
                    assert!(RecoveryKey::parse(&wrong).unwrap_err().contains("Compare each group"), "{seed} {at} {symbol}");
                }
            }
            for at in 1..text.expose().len() {
                let (left, right) = (text.expose()[..at].to_owned(), &text.expose()[at..]);
                let swapped = format!("{}{}{}{}", &left[..at - 1], &right[..1], &left[at - 1..], &right[1..]);
                assert!(swapped == *text.expose() || RecoveryKey::parse(&swapped).is_err(), "{seed} {at}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn a_key_comes_back_however_it_is_typed(bytes: [u8; 32], lower: bool, gap in "[ \\n-]{0,3}") {
            let mut typed = key(bytes).groups().join(gap.as_str());
            if lower {
                typed = typed.to_lowercase().replace('0', "o").replace('1', "i");
            }
            let read = RecoveryKey::parse(&typed).unwrap();
            proptest::prop_assert_eq!(read.0.expose(), &bytes);
        }

        #[test]
        fn a_changed_key_is_never_taken_for_the_same(bytes: [u8; 32], at in 0usize..56, by in 1usize..32) {
            let alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
            let mut typed = key(bytes).groups().concat();
            let old = alphabet.find(&typed[at..=at]).unwrap();
            let new = (old + by) % alphabet.len();
            typed.replace_range(at..=at, &alphabet[new..=new]);
            proptest::prop_assert!(RecoveryKey::parse(&typed).map_or(true, |read| read.0.expose() != &bytes));
        }
    }
}
