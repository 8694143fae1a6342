//! Bytes that people copy by hand: base32 as Crockford writes it (crockford.com/base32.html), with check characters, in groups of four.
//!
//! The check characters are the first ones of the base32 of SHA-256 of the bytes, five bits each. Crockford's own check symbol is one of 37,
//! five of them signs that are hard to dictate: too weak and too odd for a key.

use crate::nonce;
use rules::Secret;

/// Without I, L, O, which are read as digits, and without U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUP: usize = 4;

/// Why typed text is not what [`write`] made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Misread {
    /// A character that is never written.
    Foreign(char),
    /// So many characters, which are too few or too many.
    Length(usize),
    /// The check characters do not fit.
    Check,
}

/// The characters of `bytes`, the last one filled up with zero bits, and after them `check` check characters.
pub(crate) fn write(bytes: &[u8], check: usize) -> Secret<String> {
    let (plain, sum) = (encode(bytes), encode(&nonce::sha256(bytes)));
    let mut text = String::with_capacity(plain.expose().len() + check);
    text.push_str(plain.expose());
    text.extend(sum.expose().chars().take(check));
    Secret::new(text)
}

/// The same in groups of four with hyphens between them.
pub(crate) fn grouped(written: &Secret<String>) -> Secret<String> {
    let mut text = String::with_capacity(written.expose().len() * (GROUP + 1) / GROUP);
    for (at, symbol) in written.expose().chars().enumerate() {
        if at > 0 && at.is_multiple_of(GROUP) {
            text.push('-');
        }
        text.push(symbol);
    }
    Secret::new(text)
}

/// The bytes of what somebody typed: in either case, with any gaps, O for 0, I or L for 1.
pub(crate) fn read<const N: usize>(typed: &str, check: usize) -> Result<Secret<[u8; N]>, Misread> {
    if let Some(foreign) = typed.chars().find(|c| !is_gap(*c) && value(*c).is_none()) {
        return Err(Misread::Foreign(foreign));
    }
    let length = values(typed).count();
    if length != (8 * N).div_ceil(5) + check {
        return Err(Misread::Length(length));
    }
    let bytes = decode::<N>(typed).ok_or(Misread::Length(length))?;
    // Written again, so that the filling bits must be zero too: one key has one form.
    match values(write(bytes.expose(), check).expose()).eq(values(typed)) {
        true => Ok(bytes),
        false => Err(Misread::Check),
    }
}

/// What somebody typed, as it is written; what is never written is left out.
pub(crate) fn even(typed: &str) -> String {
    values(typed).map(symbol).collect()
}

fn encode(bytes: &[u8]) -> Secret<String> {
    let mut text = String::with_capacity((8 * bytes.len()).div_ceil(5));
    let (mut held, mut bits) = (0u32, 0u32);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(symbol(held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(symbol(held << (5 - bits)));
    }
    Secret::new(text)
}

/// The first `N` bytes; what follows them is left to the caller.
fn decode<const N: usize>(typed: &str) -> Option<Secret<[u8; N]>> {
    let mut values = values(typed);
    let mut bytes = [0; N];
    let (mut held, mut bits) = (0u32, 0u32);
    for byte in &mut bytes {
        while bits < 8 {
            held = held << 5 | values.next()?;
            bits += 5;
        }
        bits -= 8;
        *byte = u8::try_from(held >> bits).ok()?;
        held &= (1 << bits) - 1;
    }
    Some(Secret::new(bytes))
}

/// The character for the last five bits.
fn symbol(value: u32) -> char {
    let found = ALPHABET.iter().zip(0u32..).find(|(_, at)| *at == (value & 31));
    found.map_or('0', |(symbol, _)| char::from(*symbol))
}

fn values(typed: &str) -> impl Iterator<Item = u32> {
    typed.chars().filter_map(value)
}

fn value(typed: char) -> Option<u32> {
    let wanted = match typed.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().zip(0u32..).find(|(symbol, _)| char::from(**symbol) == wanted).map(|(_, at)| at)
}

/// What may stand between characters: blanks, ends of lines, and hyphens and dashes of every length, as word processors make them.
fn is_gap(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_crockford() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "CR"), (b"fo", "CSQG"), (b"foo", "CSQPY"), (b"foob", "CSQPYRG"), (b"fooba", "CSQPYRK1"), (b"foobar", "CSQPYRK1E8")] {
            assert_eq!(encode(bytes).expose(), text);
        }
    }

    #[test]
    fn what_is_typed_otherwise_reads_the_same() {
        let bytes = [0, 0, 0, 0x84, 0x21, 0xff, 0xaa, 0x55, 1, 2];
        let written = write(&bytes, 4);
        assert!(written.expose().starts_with("00001111"));
        assert_eq!(written.expose().len(), 20);
        assert_eq!(grouped(&written).expose().split('-').map(str::len).collect::<Vec<_>>(), [4; 5]);
        let clumsy = written.expose().to_lowercase().replace('0', "o").replace('1', "l");
        for typed in [written.expose(), grouped(&written).expose(), &clumsy, &format!(" {}\n", clumsy.replace('l', "I\u{2013}\r\n"))] {
            assert_eq!(read::<10>(typed, 4).unwrap().expose(), &bytes, "{typed}");
        }
        assert_eq!(read::<10>("U", 4).unwrap_err(), Misread::Foreign('U'));
        assert_eq!(read::<10>("- 1", 4).unwrap_err(), Misread::Length(1));
        assert_eq!(read::<10>("", 4).unwrap_err(), Misread::Length(0));
    }

    #[test]
    fn the_filling_bits_are_zero() {
        let written = write(&[0], 2);
        assert!(written.expose().starts_with("00"));
        assert!(read::<1>(written.expose(), 2).is_ok());
        assert_eq!(read::<1>(&written.expose().replacen("00", "01", 1), 2).unwrap_err(), Misread::Check);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_come_back(bytes: [u8; 16]) {
            let written = write(&bytes, 2);
            proptest::prop_assert_eq!(written.expose().len(), 28);
            let read = read::<16>(grouped(&written).expose(), 2).unwrap();
            proptest::prop_assert_eq!(read.expose(), &bytes);
        }
    }
}
