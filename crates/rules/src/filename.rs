//! Names of files and folders that any system takes: Windows, macOS and Linux, on a disk or in a ZIP. Where a document is kept under its own
//! name ([`crate::document::clean_name`]), here that name becomes one that can be written anywhere, beside others, without meaning another place.

use crate::document::is_invisible;
use std::collections::HashSet;
use unicode_normalization::UnicodeNormalization;

/// Most bytes of UTF-8 in a name: file systems take 255, and some are left for what tells names apart.
const BYTES: usize = 230;
/// What Windows takes for a device, whatever its ending, in any case of letters.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The name made safe, at most `most` UTF-16 units long, with its ending kept: no separators, control characters, direction marks, signs
/// that a file system refuses, reserved names, dots or blanks at its ends. Never empty.
pub fn safe(given: &str, most: usize) -> String {
    let shown = |c: &char| !is_invisible(*c) && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{E0000}'..='\u{E007F}' | '\u{FFF9}'..='\u{FFFF}');
    let even = |c: char| if c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') { ' ' } else { c };
    let text: String = given.nfc().filter(shown).map(even).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = shorten(trimmed(&text), most);
    match (text.is_empty(), is_device(&text)) {
        (true, _) => "Untitled".into(),
        (_, true) => format!("_{text}"),
        _ => text,
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c == '.' || c.is_whitespace())
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_lowercase();
    let numbered = |head: &str| stem.strip_prefix(head).is_some_and(|n| n.chars().count() == 1 && n.chars().all(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³')));
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// Stem and ending (with its dot; empty when there is none).
fn parts(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= 11 => name.split_at(at),
        _ => (name, ""),
    }
}

fn shorten(name: &str, most: usize) -> String {
    let fits = |text: &str| text.len() <= BYTES && text.encode_utf16().count() <= most;
    if fits(name) {
        return name.to_owned();
    }
    let (stem, end) = parts(name);
    let mut stem = stem.to_owned();
    while !stem.is_empty() && !fits(&format!("{stem}{end}")) {
        stem.pop();
    }
    format!("{}{end}", trimmed(&stem))
}

/// The names in one folder, told apart as file systems do that know no capitals and take a letter and its accent for one or two signs.
#[derive(Default)]
pub struct Folder(HashSet<String>);

impl Folder {
    /// A folder in which these names are taken.
    pub fn with(taken: &[&str]) -> Folder {
        Folder(taken.iter().map(|name| folded(name)).collect())
    }

    /// The name, or the name with a number, so that it is there once.
    pub fn place(&mut self, name: String) -> String {
        if self.0.insert(folded(&name)) {
            return name;
        }
        let (stem, end) = parts(&name);
        let numbered = (2_u64..).map(|n| format!("{stem} ({n}){end}"));
        let free = numbered.into_iter().find(|name| self.0.insert(folded(name)));
        free.unwrap_or(name)
    }
}

/// A name with something said of it before its ending: `Letter (version 1).pdf`.
pub fn noted(name: &str, note: &str) -> String {
    let (stem, end) = parts(name);
    format!("{stem} ({note}){end}")
}

fn folded(name: &str) -> String {
    name.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_no_other_place_and_stay_readable() {
        let rows = [
            ("Passport.pdf", "Passport.pdf"),
            ("../../etc/passwd", "etc passwd"),
            ("////", "Untitled"),
            ("\\\\server\\share", "server share"),
            ("...", "Untitled"),
            ("CON", "_CON"),
            ("con.pdf", "_con.pdf"),
            ("COM1.tar.gz", "_COM1.tar.gz"),
            ("com¹", "_com¹"),
            ("comet.pdf", "comet.pdf"),
            ("nul .txt", "_nul .txt"),
            ("name. ", "name"),
            ("a\u{202E}fdp.exe", "afdp.exe"),
            ("a\r\nb\u{0}c\u{2028}d", "a b cd"),
            ("😀 / 😀", "😀 😀"),
            ("e\u{301}t\u{e9}", "\u{e9}t\u{e9}"),
            ("what? <b>|\"x\"", "what b x"),
        ];
        for (given, kept) in rows {
            assert_eq!(safe(given, 100), kept, "{given:?}");
        }
    }

    #[test]
    fn long_names_keep_their_end_and_fit() {
        for letter in ["x", "ж", "結", "😀"] {
            let name = safe(&format!("{}.pdf", letter.repeat(300)), 100);
            assert!(name.ends_with(".pdf") && name.len() <= BYTES && name.encode_utf16().count() <= 100, "{name}");
        }
        assert_eq!(safe(&"x".repeat(300), 60).len(), 60);
    }

    #[test]
    fn names_in_a_folder_are_told_apart_whatever_the_system() {
        let mut folder = Folder::with(&["Trash"]);
        let placed: Vec<String> = ["Letter.pdf", "letter.PDF", "Letter.pdf", "trash", "e\u{301}", "\u{e9}", "a"].map(|name| folder.place(name.into())).into();
        assert_eq!(placed, ["Letter.pdf", "letter (2).PDF", "Letter (3).pdf", "trash (2)", "e\u{301}", "\u{e9} (2)", "a"]);
        assert_eq!(noted("Letter.pdf", "version 1"), "Letter (version 1).pdf");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_given_a_name_comes_of_it(given in ".{0,400}") {
            let name = safe(&given, 100);
            proptest::prop_assert!(!name.is_empty() && name.len() <= BYTES + 1 && !name.contains(['/', '\\', ':', '\0', '\n']));
            proptest::prop_assert!(name != ".." && !name.ends_with(['.', ' ']) && !name.starts_with(['.', ' ']));
        }
    }
}
