//! What a file's name says of it: the type it is served as, and the words and icon it is shown with.

/// The longest file name kept, in bytes of UTF-8 (the limit of common file systems, so that a download can be saved).
pub const NAME_MAX: usize = 240;

/// What a file is, judged by the end of its name. Files are always handed out as attachments; this only chooses words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Media type for the download.
    pub media: &'static str,
    /// Words shown in lists.
    pub words: &'static str,
    /// Icon shown in lists.
    pub icon: &'static str,
}

const OTHER: Form = Form { media: "application/octet-stream", words: "File", icon: "doc" };

const FORMS: [(&[&str], Form); 13] = [
    (&["pdf"], Form { media: "application/pdf", words: "PDF", icon: "doc" }),
    (&["docx"], Form { media: "application/vnd.openxmlformats-officedocument.wordprocessingml.document", words: "Word", icon: "doc" }),
    (&["doc"], Form { media: "application/msword", words: "Word", icon: "doc" }),
    (&["odt"], Form { media: "application/vnd.oasis.opendocument.text", words: "OpenDocument", icon: "doc" }),
    (&["xlsx"], Form { media: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", words: "Excel", icon: "doc" }),
    (&["jpg", "jpeg"], Form { media: "image/jpeg", words: "JPEG", icon: "image" }),
    (&["png"], Form { media: "image/png", words: "PNG", icon: "image" }),
    (&["heic", "heif"], Form { media: "image/heic", words: "HEIC", icon: "image" }),
    (&["webp"], Form { media: "image/webp", words: "WebP", icon: "image" }),
    (&["txt", "md"], Form { media: "text/plain; charset=utf-8", words: "Text", icon: "note" }),
    (&["csv"], Form { media: "text/csv; charset=utf-8", words: "CSV", icon: "note" }),
    (&["eml", "msg"], Form { media: "application/octet-stream", words: "E-mail", icon: "message" }),
    (&["zip"], Form { media: "application/zip", words: "ZIP", icon: "doc" }),
];

/// What stands behind the last dot of a name, in small letters; empty when there is no dot.
pub fn ending(name: &str) -> String {
    name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default()
}

/// What the file called `name` is taken for.
pub fn form(name: &str) -> Form {
    let Some((_, end)) = name.rsplit_once('.') else { return OTHER };
    let end = end.to_ascii_lowercase();
    FORMS.iter().find(|(ends, _)| ends.contains(&end.as_str())).map_or(OTHER, |(_, form)| *form)
}

/// The name a file is kept under: the last part of a path, without control characters, direction overrides and characters that no
/// file system takes; `None` when nothing is left. Scripts of all languages stay as they are.
pub fn clean_name(given: &str) -> Option<String> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or(given);
    let clean: String = last.chars().filter(|c| !c.is_control() && !is_invisible(*c) && !matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|')).collect();
    let clean = clean.trim().trim_start_matches('.').trim();
    if clean.is_empty() {
        return None;
    }
    Some(shorten(clean))
}

/// Direction marks, overrides and isolates, zero-width characters: they make a name look like another.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{061C}')
}

/// Cuts a name to [`NAME_MAX`] bytes, keeping the end that tells its type.
fn shorten(name: &str) -> String {
    if name.len() <= NAME_MAX {
        return name.to_owned();
    }
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let end = if end.len() <= 10 && !end.is_empty() { format!(".{end}") } else { String::new() };
    let room = NAME_MAX - end.len();
    let cut = (0..=room).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{end}", name.get(..cut).unwrap_or(""))
}

/// `8.2 MB`, `48 kB`, `312 bytes`: decimal units, as file managers show them. The space does not break.
pub fn size_words(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    match bytes {
        1 => return "1\u{a0}byte".into(),
        0..1000 => return format!("{bytes}\u{a0}bytes"),
        _ => {}
    }
    let mut size = bytes as f64 / 1000.0;
    let mut unit = UNITS.iter();
    let mut name = unit.next().unwrap_or(&"kB");
    while size >= 999.95 {
        let Some(larger) = unit.next() else { break };
        size /= 1000.0;
        name = larger;
    }
    let number = if size < 10.0 { format!("{size:.1}") } else { format!("{size:.0}") };
    format!("{}\u{a0}{name}", number.strip_suffix(".0").unwrap_or(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_safe_and_stay_readable() {
        let rows = [
            ("Passport.pdf", Some("Passport.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\x\\Letter.docx", Some("Letter.docx")),
            ("شهادة الميلاد.pdf", Some("شهادة الميلاد.pdf")),
            ("結婚証明書.jpg", Some("結婚証明書.jpg")),
            ("invoice\u{202E}fdp.exe", Some("invoicefdp.exe")),
            ("a\r\nSet-Cookie: x.pdf", Some("aSet-Cookie x.pdf")),
            ("..", None),
            ("   ", None),
            ("", None),
            (".bashrc", Some("bashrc")),
        ];
        for (given, kept) in rows {
            assert_eq!(clean_name(given).as_deref(), kept, "{given:?}");
        }
    }

    #[test]
    fn long_names_keep_their_end() {
        let name = clean_name(&format!("{}.pdf", "ж".repeat(400))).unwrap();
        assert!(name.len() <= NAME_MAX && name.ends_with("ж.pdf"));
    }

    #[test]
    fn sizes_and_forms() {
        assert_eq!(size_words(0), "0\u{a0}bytes");
        assert_eq!(size_words(48_000), "48\u{a0}kB");
        assert_eq!(size_words(8_200_000), "8.2\u{a0}MB");
        assert_eq!(size_words(999_990), "1\u{a0}MB");
        assert_eq!(size_words(2_000_000_000), "2\u{a0}GB");
        assert_eq!(form("A.PDF").words, "PDF");
        assert_eq!(form("noend").media, "application/octet-stream");
    }

    proptest::proptest! {
        #[test]
        fn a_clean_name_is_clean_again(given in ".{0,400}") {
            if let Some(once) = clean_name(&given) {
                proptest::prop_assert!(once.len() <= NAME_MAX);
                proptest::prop_assert!(!once.contains(['/', '\\', '\r', '\n', '\0']));
                proptest::prop_assert_eq!(clean_name(&once), Some(once.clone()));
            }
        }
    }
}
