//! Text as the standard PDF fonts take it: the WinAnsi encoding (ISO 32000-1, annex D) and the widths of Helvetica and Times from
//! Adobe's font metrics. Letters that WinAnsi lacks lose their marks, as on a machine-readable passport.

/// A font that every reader has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Font {
    /// Times-Roman.
    Body,
    /// Helvetica.
    Small,
    /// Helvetica-Bold; measured as Helvetica and a tenth.
    Strong,
}

/// `text` in WinAnsi, one byte a letter.
pub(crate) fn win_ansi(text: &str) -> Vec<u8> {
    text.chars().filter_map(bare).filter_map(code).collect()
}

/// The letter itself where WinAnsi has it, otherwise without its marks; a mark that stands alone is left out.
fn bare(letter: char) -> Option<char> {
    Some(match letter {
        _ if code(letter).is_some() => letter,
        'Ą' | 'Ă' | 'Ạ' | 'Ā' => 'A',
        'ą' | 'ă' | 'ạ' | 'ā' | 'ầ' | 'ấ' | 'ặ' => 'a',
        'Ć' | 'Č' => 'C',
        'ć' | 'č' => 'c',
        'Ď' | 'Đ' => 'D',
        'ď' | 'đ' => 'd',
        'Ę' | 'Ě' | 'Ē' => 'E',
        'ę' | 'ě' | 'ē' | 'ễ' | 'ế' | 'ệ' | 'ė' => 'e',
        'ğ' => 'g',
        'İ' | 'Ī' => 'I',
        'ı' | 'ī' | 'ị' => 'i',
        'Ł' | 'Ľ' => 'L',
        'ł' | 'ľ' => 'l',
        'ń' | 'ň' => 'n',
        'Ọ' | 'Ō' | 'Ő' | 'Ơ' => 'O',
        'ọ' | 'ō' | 'ő' | 'ơ' | 'ố' | 'ồ' => 'o',
        'ř' => 'r',
        'Ś' | 'Ș' | 'Ş' => 'S',
        'ś' | 'ș' | 'ş' => 's',
        'Ț' | 'Ţ' => 'T',
        'ț' | 'ţ' => 't',
        'Ū' | 'Ů' | 'Ű' | 'Ư' => 'U',
        'ū' | 'ů' | 'ű' | 'ư' | 'ũ' | 'ứ' | 'ự' => 'u',
        'ŷ' | 'ỳ' => 'y',
        'Ŷ' => 'Y',
        'Ż' | 'Ź' => 'Z',
        'ż' | 'ź' => 'z',
        '\u{300}'..='\u{36F}' => return None,
        _ => '?',
    })
}

/// The byte of a letter in WinAnsi.
fn code(letter: char) -> Option<u8> {
    match letter {
        ' '..='~' | '\u{A0}'..='\u{FF}' => u8::try_from(u32::from(letter)).ok(),
        _ => HIGH.iter().find(|(other, _)| *other == letter).map(|(_, byte)| *byte),
    }
}

const HIGH: [(char, u8); 17] = [
    ('€', 0x80),
    ('…', 0x85),
    ('Š', 0x8A),
    ('Œ', 0x8C),
    ('Ž', 0x8E),
    ('‘', 0x91),
    ('’', 0x92),
    ('“', 0x93),
    ('”', 0x94),
    ('•', 0x95),
    ('–', 0x96),
    ('—', 0x97),
    ('™', 0x99),
    ('š', 0x9A),
    ('œ', 0x9C),
    ('ž', 0x9E),
    ('Ÿ', 0x9F),
];

impl Font {
    /// Width of WinAnsi text in points at `size`.
    pub(crate) fn width(self, text: &[u8], size: f32) -> f32 {
        let (widths, spread) = match self {
            Font::Body => (&TIMES, 1.0),
            Font::Small => (&HELVETICA, 1.0),
            Font::Strong => (&HELVETICA, 1.1),
        };
        let units: u32 = text.iter().map(|byte| u32::from(letter_width(widths, *byte))).sum();
        units as f32 / 1000.0 * size * spread
    }
}

/// Letters with marks are as wide as those without; what is left is near enough to a digit.
fn letter_width(widths: &[u16; 95], byte: u8) -> u16 {
    let plain = plain(byte).unwrap_or(b'0');
    widths.get(usize::from(plain.saturating_sub(b' '))).copied().unwrap_or(556)
}

/// The ASCII letter nearest to a WinAnsi one.
pub(crate) fn plain(byte: u8) -> Option<u8> {
    Some(match byte {
        b' '..=b'~' => byte,
        0x91 | 0x92 | 0xB7 => b'\'',
        0x93 | 0x94 => b'"',
        0x96 | 0x97 => b'-',
        0xC0..=0xC6 => b'A',
        0xC7 => b'C',
        0xC8..=0xCB => b'E',
        0xCC..=0xCF => b'I',
        0xD1 => b'N',
        0xD2..=0xD6 | 0xD8 => b'O',
        0xD9..=0xDC => b'U',
        0x8A => b'S',
        0x8E => b'Z',
        0xE0..=0xE6 => b'a',
        0xE7 => b'c',
        0xE8..=0xEB => b'e',
        0xEC..=0xEF => b'i',
        0xF0 => b'd',
        0xF1 => b'n',
        0xF2..=0xF6 | 0xF8 => b'o',
        0xF9..=0xFC => b'u',
        0xFD | 0xFF => b'y',
        0x9A | 0xDF => b's',
        0x9E => b'z',
        _ => return None,
    })
}

#[rustfmt::skip]
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556,
    278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,
    611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833,
    556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

#[rustfmt::skip]
const TIMES: [u16; 95] = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500,
    278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611, 556, 722, 722, 333, 389, 722, 611, 889, 722, 722, 556, 722, 667, 556,
    611, 722, 722, 944, 722, 722, 611, 333, 278, 333, 469, 500, 333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500, 278, 778,
    500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::origins::ORIGINS;

    #[test]
    fn letters_are_kept_or_lose_their_marks() {
        assert_eq!(win_ansi("Siân O’Brien £5 •"), b"Si\xE2n O\x92Brien \xA35 \x95");
        assert_eq!(win_ansi("Łukasz Nguyễn Bọ́lá Yıldız"), b"Lukasz Nguyen Bol\xE1 Yildiz");
        assert_eq!(win_ansi("結婚"), b"??");
    }

    #[test]
    fn no_client_has_a_question_mark_in_the_name() {
        for name in ORIGINS.iter().flat_map(|origin| origin.given.iter().chain(origin.family)) {
            assert!(!win_ansi(name).contains(&b'?'), "{name}");
        }
    }

    #[test]
    fn widths_are_those_of_the_fonts() {
        assert_eq!(Font::Small.width(b"Hi", 1000.0), 944.0);
        assert_eq!(Font::Body.width(b"~", 1000.0), 541.0);
        assert_eq!(Font::Body.width(b"\xE9", 1000.0), 444.0);
    }
}
