//! Text that people type: what was typed goes in, what it means comes out, or a sentence that says what to do.

use crate::{Problem, document::is_invisible};
use unicode_normalization::UnicodeNormalization;

/// One line: trimmed, white space squeezed, no control or invisible characters, 1 to `max` characters.
pub fn line(field: &'static str, label: &str, typed: &str, max: usize) -> Result<String, Problem> {
    let text = optional_line(field, label, typed, max)?;
    text.ok_or_else(|| Problem::new(field, format!("{label} is empty. Type it.")))
}

/// As [`line`], but empty is `None`.
pub fn optional_line(field: &'static str, label: &str, typed: &str, max: usize) -> Result<Option<String>, Problem> {
    let visible: String = typed.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    within(field, label, text, max)
}

/// Several lines: line ends made `\n`, other control characters dropped, trimmed, at most `max` characters; empty is `None`.
pub fn prose(field: &'static str, label: &str, typed: &str, max: usize) -> Result<Option<String>, Problem> {
    let even = typed.replace("\r\n", "\n").replace('\r', "\n");
    let text: String = even.chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect();
    within(field, label, text.trim().to_owned(), max)
}

fn within(field: &'static str, label: &str, text: String, max: usize) -> Result<Option<String>, Problem> {
    let length = text.chars().count();
    if length > max {
        return Err(Problem::new(field, format!("{label} has {length} characters. Make it {max} or fewer.")));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// An e-mail address as it is compared: trimmed, in compatibility form (NFKC) and lower case. `None` when it cannot be one.
///
/// Only ASCII is left then: full-width letters become plain ones, and letters of other scripts that look like plain ones make no address,
/// so that two accounts cannot have addresses that look the same.
pub fn email(typed: &str) -> Option<String> {
    let email = typed.trim().nfkc().collect::<String>().to_lowercase();
    let (name, host) = email.split_once('@')?;
    let fits = !name.is_empty() && host.contains('.') && !host.contains('@') && email.len() <= 254;
    let plain = email.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&byte));
    let dots = !email.contains("..") && !host.starts_with(['.', '-']) && !host.ends_with(['.', '-']) && !name.starts_with('.') && !name.ends_with('.');
    (fits && plain && dots).then_some(email)
}

/// The address of a new account, or a sentence about what is wrong with it.
pub fn new_email(field: &'static str, typed: &str) -> Result<String, Problem> {
    if typed.trim().is_empty() {
        return Err(Problem::new(field, "Type the e-mail address."));
    }
    // Browsers turn other letters behind the @ into this before anybody sees them.
    let disguised = |email: &String| email.split(['@', '.']).any(|label| label.starts_with("xn--"));
    if email(typed).is_some_and(|email| disguised(&email)) {
        return Err(Problem::new(field, "The address has other letters than a to z behind the @, which may look like plain ones. Use an address in plain letters."));
    }
    email(typed).ok_or_else(|| {
        let strange = typed.trim().nfkc().find(|c| !c.is_ascii());
        Problem::new(field, match strange {
            Some(c) => format!("The address has the sign “{c}”, which may look like a plain letter but is none. Type it in plain letters."),
            None => "This is no e-mail address. It looks like name@firm.example.".into(),
        })
    })
}

/// An address with all but its first letter and its host hidden: `p…@firm.example`.
pub fn email_hint(email: &str) -> String {
    match (email.chars().next(), email.split_once('@')) {
        (Some(first), Some((_, host))) => format!("{first}…@{host}"),
        _ => String::from("…"),
    }
}

/// Free text as it is compared with what was said before: compatibility form (NFKC), lower case, letters and digits only, one space between words.
pub fn even(typed: &str) -> String {
    let folded = typed.nfkc().collect::<String>().to_lowercase();
    let kept: String = folded.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The six digits of a code, whatever spaces were pasted with them.
pub fn code(typed: &str) -> Option<String> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    (digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

/// `eight`, `12`: small numbers as words.
pub fn number(n: usize) -> String {
    const WORDS: [&str; 10] = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    WORDS.get(n).map_or_else(|| n.to_string(), |word| (*word).to_owned())
}

/// `one case`, `12 people`, `two people`: the number, and the noun that goes with it.
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// The same with a capital at its head.
pub fn count_head(n: usize, one: &str, many: &str) -> String {
    capital(&count(n, one, many))
}

/// A text with a capital at its head.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_squeezed_and_bounded() {
        assert_eq!(line("t", "Title", "  a \t b\n", 10).unwrap(), "a b");
        assert_eq!(line("t", "Title", "", 10).unwrap_err().text, "Title is empty. Type it.");
        assert_eq!(line("t", "Title", &"x".repeat(11), 10).unwrap_err().text, "Title has 11 characters. Make it 10 or fewer.");
        assert_eq!(optional_line("t", "Title", "\u{202E}", 10).unwrap(), None);
    }

    #[test]
    fn prose_keeps_its_lines() {
        assert_eq!(prose("s", "Summary", "a\r\nb\u{0}\n\n", 10).unwrap().as_deref(), Some("a\nb"));
    }

    #[test]
    fn emails_and_codes() {
        assert_eq!(email("  Ann@Firm.EXAMPLE ").as_deref(), Some("ann@firm.example"));
        assert_eq!(email("ａnn@firm.example").as_deref(), Some("ann@firm.example"));
        assert_eq!(new_email("e", "ann@firm.example").unwrap(), "ann@firm.example");
        assert!(new_email("e", "аnn@firm.example").unwrap_err().text.contains("“а”"));
        assert!(new_email("e", "ann@xn--frm-6cd.example").unwrap_err().text.contains("plain letters"));
        assert!(new_email("e", "ann").unwrap_err().text.contains("name@firm.example"));
        for bad in ["", "ann", "@x.y", "a@b", "a b@c.d", "a@b@c.d", "аnn@firm.example", "ann@fiгm.example", "a\r\nb@c.d", "a@b..c", "a@.b.c", "<a@b.c>", "a@b.c,d@e.f"] {
            assert_eq!(email(bad), None, "{bad}");
        }
        assert_eq!(email_hint("ann@firm.example"), "a…@firm.example");
        assert_eq!(code(" 123 456 ").as_deref(), Some("123456"));
        assert_eq!(even("  St. Mary’s,  ＬＯＮＤＯＮ "), "st mary s london");
        assert_eq!(code("12345"), None);
        assert_eq!(code("１２３４５６"), None);
    }

    #[test]
    fn counts() {
        assert_eq!(count(1, "person", "people"), "one person");
        assert_eq!(count_head(7, "person", "people"), "Seven people");
        assert_eq!(count(12, "person", "people"), "12 people");
    }
}
