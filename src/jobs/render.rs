//! What letters say: each kind has a plain text and a page of HTML below `assets/templates/mail`. The text is not escaped, the HTML is,
//! whatever its fields hold; every field becomes one line first, so that none of them can add a line to the head of a letter.
//!
//! A letter never carries the content of a case: it says that something waits, and links to it.

use rules::{letter::LetterKind, text};
use rust_embed::RustEmbed;
use std::sync::OnceLock;
use store::letter::Fields;
use tera::{Context, Tera};

#[derive(RustEmbed)]
#[folder = "assets/templates/mail"]
struct Files;

/// The names that templates may use. Those that a letter does not have are empty.
const NAMES: [&str; 11] = ["firm", "help", "name", "link", "ends", "by", "what", "device", "at", "where", "code"];

/// A letter as it is sent. It has the link in it, and therefore does not print.
pub(crate) struct Rendered {
    /// One line.
    pub(crate) subject: String,
    /// The plain text.
    pub(crate) text: String,
    /// The same as a page.
    pub(crate) html: String,
}

/// The two sets of templates: plain text must not be escaped, HTML must.
struct Templates {
    text: Tera,
    html: Tera,
}

impl Templates {
    fn load() -> Result<Templates, String> {
        Ok(Templates { text: parsed(".txt", &[])?, html: parsed(".html", &[""])? })
    }
}

/// The templates whose names end with `end`; what ends with one of `escaped` is escaped.
fn parsed(end: &str, escaped: &[&'static str]) -> Result<Tera, String> {
    let mut tera = Tera::default();
    tera.autoescape_on(escaped.iter().copied());
    let files: Vec<(String, String)> = Files::iter()
        .filter(|path| path.ends_with(end))
        .filter_map(|path| Files::get(&path).map(|file| (format!("mail/{path}"), String::from_utf8_lossy(&file.data).into_owned())))
        .collect();
    tera.add_raw_templates(files).map_err(|error| format!("A template of letters is wrong: {error}."))?;
    Ok(tera)
}

/// Parsed once. A mistake in them is the same at every call.
fn templates() -> Result<&'static Templates, String> {
    static TEMPLATES: OnceLock<Result<Templates, String>> = OnceLock::new();
    TEMPLATES.get_or_init(Templates::load).as_ref().map_err(Clone::clone)
}

/// Whether every kind of letter has its templates: asked before anything is sent.
pub(crate) fn check() -> Result<(), String> {
    let found = templates()?;
    for kind in LetterKind::ALL {
        let (text, html) = names(kind);
        if !found.text.contains_template(&text) || !found.html.contains_template(&html) {
            return Err(format!("The letter {} has no template.", kind.value()));
        }
    }
    Ok(())
}

fn names(kind: LetterKind) -> (String, String) {
    (format!("mail/{}.txt", kind.value()), format!("mail/{}.html", kind.value()))
}

/// Trimmed, in one line, without control characters and signs that nobody sees.
pub(crate) fn one_line(value: &str) -> String {
    text::optional_line("", "", value, usize::MAX).ok().flatten().unwrap_or_default()
}

/// Fills the templates of a letter. The error is for the log and the system administrator.
pub(crate) fn render(kind: LetterKind, fields: &Fields) -> Result<Rendered, String> {
    let templates = templates()?;
    let mut context = Context::new();
    for name in NAMES {
        context.insert(name, &fields.get(name).map(one_line).unwrap_or_default());
    }
    if let Some(missing) = kind.needs().iter().find(|name| fields.get(name).map(one_line).is_none_or(|value| value.is_empty())) {
        return Err(format!("The letter {} has no {missing}.", kind.value()));
    }
    // What is wrong may be several things: each has a paragraph of its own.
    let paragraphs: Vec<String> = fields.get("what").unwrap_or_default().lines().map(one_line).filter(|line| !line.is_empty()).collect();
    context.insert("paragraphs", &paragraphs);
    let (text, html) = names(kind);
    let text = templates.text.render(&text, &context).map_err(|error| format!("{text}: {error}"))?;
    let html = templates.html.render(&html, &context).map_err(|error| format!("{html}: {error}"))?;
    let (head, body) = text.split_once('\n').unwrap_or((text.as_str(), ""));
    let subject = head.strip_prefix("Subject: ").map(one_line).unwrap_or_default();
    if subject.is_empty() {
        return Err(format!("The letter {} has no subject.", kind.value()));
    }
    Ok(Rendered { subject, text: body.trim_start().to_owned(), html: html.trim_start().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://cases.firm.example/link#abc_DEF-123";

    fn fields() -> Fields {
        NAMES.iter().fold(Fields::new(), |fields, name| fields.with(name, format!("the {name}"))).with("link", LINK)
    }

    #[test]
    fn every_kind_has_its_templates_and_says_everything() {
        check().unwrap();
        for kind in LetterKind::ALL {
            let letter = render(kind, &fields()).unwrap();
            assert!(!letter.subject.is_empty() && letter.subject.contains("the firm"), "{kind:?}");
            assert!(letter.html.starts_with("<!doctype html>"), "{kind:?}");
            for both in [&letter.text, &letter.html] {
                assert!(!both.contains("{{") && !both.contains("{%"), "{kind:?}");
                for name in kind.needs().iter().filter(|name| **name != "link") {
                    assert!(both.contains(&format!("the {name}")), "{kind:?} does not say {name}");
                }
            }
            assert_eq!(letter.text.lines().filter(|line| *line == LINK).count(), 1, "{kind:?}");
            assert_eq!(letter.text.matches(LINK).count(), 1, "{kind:?}");
            assert!(letter.html.contains(&format!("href=\"{LINK}\"")) && letter.html.contains(&format!(">{LINK}<")), "{kind:?}");
        }
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for kind in LetterKind::ALL {
            let html = render(kind, &fields()).unwrap().html;
            for bad in ["<img", "<link", "src=", "url(", "<script", "style=\""] {
                assert!(!html.contains(bad), "{kind:?} has {bad}");
            }
        }
    }

    #[test]
    fn what_may_be_missing_leaves_no_gap_and_what_may_not_is_told() {
        for kind in LetterKind::ALL {
            let needed = kind.needs().iter().fold(Fields::new(), |fields, name| fields.with(name, "x"));
            let text = render(kind, &needed.with("firm", "Pell & Harrow")).unwrap().text;
            assert!(!text.contains("  ") && !text.contains(" ,") && !text.contains(" .") && !text.contains("\n\n\n"), "{kind:?}: {text}");
            assert!(render(kind, &Fields::new()).err().is_some_and(|why| why.contains("has no")), "{kind:?}");
            assert!(render(kind, &fields().with("link", " \u{200B} ")).is_err(), "{kind:?}");
        }
    }

    #[test]
    fn names_are_escaped_in_html_alone_and_add_no_line() {
        for kind in LetterKind::ALL {
            let letter = render(kind, &fields().with("firm", "<b>&\" Ltd").with("name", "Ann\r\nBcc: all@evil.example\r\n\r\n<i>")).unwrap();
            assert!(letter.text.contains("<b>&\" Ltd"), "{kind:?}");
            assert!(letter.html.contains("&lt;b&gt;&amp;&quot; Ltd") && !letter.html.contains("<b>") && !letter.html.contains("<i>"), "{kind:?}");
            assert!(!letter.subject.contains(char::is_control), "{kind:?}");
            assert!(!letter.text.lines().any(|line| line.starts_with("Bcc")), "{kind:?}");
        }
        let letter = render(LetterKind::Reset, &fields().with("firm", "Firm\r\nBcc: all@evil.example")).unwrap();
        assert_eq!(letter.subject, "Set up your account with Firm Bcc: all@evil.example again");
    }
}
