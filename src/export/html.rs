//! A page that is opened from a disk: no script, nothing from elsewhere, its style within. Text comes in through [`Html::text`] alone, which
//! escapes it; what is written as it stands is part of this program.

use super::{About, bundle::Bundle};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::io;

/// Signs that stand for themselves in a link.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'/');
/// Characters after which what there is of a page is written.
const ENOUGH: usize = 64 * 1024;

const STYLE: &str = ":root{color-scheme:light dark;--bg:light-dark(#fbfaf8,#16181b);--text:light-dark(#1b1d21,#e9e7e3);--muted:light-dark(#565b63,#a8adb5);--line:light-dark(#e0dcd4,#33383f);--accent:light-dark(#1f5f5b,#7fd0c6)}\
*{box-sizing:border-box}body{margin:0 auto;max-width:70rem;padding:24px 16px 40px;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}\
h1,h2{font-family:Georgia,'Times New Roman',serif;font-weight:400;line-height:1.25;margin:0}h1{font-size:28px}h2{font-size:22px;border-top:2px solid var(--text);padding-top:8px;margin-top:40px}\
p{margin:8px 0;max-width:70ch}a{color:var(--accent)}a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}.m{color:var(--muted)}small{font-size:14px}pre{white-space:pre-wrap;font:inherit}\
table{border-collapse:collapse;width:100%;margin-top:8px;font-size:15px}th,td{text-align:left;vertical-align:top;padding:6px 16px 6px 0;border-bottom:1px solid var(--line)}th{font-size:13px;font-weight:400;color:var(--muted)}\
tr{break-inside:avoid}thead{display:table-header-group}dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 24px;margin:16px 0}dt{color:var(--muted)}dd{margin:0}footer{margin-top:40px}h1,dd,td{overflow-wrap:anywhere}th{white-space:nowrap}\
@media screen and (max-width:48rem){dl{display:block}dd{margin-bottom:8px}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}table,tbody,tr,td{display:block}\
tr{padding:8px 0;border-bottom:1px solid var(--line)}td{border:0;padding:2px 0}td:empty{display:none}td[data-l]:not(:first-child){display:grid;grid-template-columns:7rem minmax(0,1fr);gap:8px}td[data-l]:not(:first-child)::before{content:attr(data-l);color:var(--muted);font-size:13px;line-height:24px}}@media print{:root{color-scheme:light}body{max-width:none;padding:0;font-size:11pt}a{color:inherit;text-decoration:none}h2{break-after:avoid}}@page{margin:18mm}";

/// A page that is being written.
pub(super) struct Html<'b, 's> {
    bundle: &'b mut Bundle<'s>,
    text: String,
    /// From this page to the first folder.
    up: &'static str,
    /// Heads of the columns of the table that is open, and the column that is next: on a narrow screen each value stands under its own.
    columns: Vec<String>,
    next: usize,
}

impl<'b, 's> Html<'b, 's> {
    /// Begins a page. One that is not the first page leads back to it.
    pub(super) fn begin(bundle: &'b mut Bundle<'s>, path: &str, about: &About<'_>, title: &str) -> io::Result<Html<'b, 's>> {
        bundle.begin(path)?;
        let up = if path.contains('/') { "../" } else { "" };
        let mut page = Html { bundle, text: String::new(), up, columns: Vec::new(), next: 0 };
        page.raw("<!doctype html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        page.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>");
        page.text(title).raw(" – ").text(&about.firm).raw("</title>\n<style>").raw(STYLE).raw("</style>\n</head>\n<body>\n<header>");
        match up {
            "" => page.raw("<p class=\"m\">").text(&about.firm).raw("</p>"),
            _ => page.raw("<p>").link("index.html", &about.firm).raw("</p>"),
        };
        page.raw("</header>\n<main>\n<h1><bdi>").text(title).raw("</bdi></h1>\n");
        Ok(page)
    }

    /// What is part of this program.
    pub(super) fn raw(&mut self, html: &'static str) -> &mut Self {
        self.text.push_str(html);
        self
    }

    /// What somebody typed.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                '\'' => self.text.push_str("&#39;"),
                c if c.is_control() && !matches!(c, '\n' | '\t') => self.text.push(' '),
                c => self.text.push(c),
            }
        }
        self
    }

    /// A link to a file of this export, by its path from the first folder.
    pub(super) fn link(&mut self, path: &str, text: &str) -> &mut Self {
        let href = utf8_percent_encode(path, PLAIN).to_string();
        let up = self.up;
        self.raw("<a href=\"").raw(up).text(&href).raw("\"><bdi>").text(text).raw("</bdi></a>")
    }

    pub(super) fn section(&mut self, title: &str) -> &mut Self {
        self.raw("<h2>").text(title).raw("</h2>\n")
    }

    pub(super) fn says(&mut self, sentence: &str) -> &mut Self {
        self.raw("<p>").text(sentence).raw("</p>\n")
    }

    /// Pairs of a name and a value; empty ones are left out.
    pub(super) fn facts(&mut self, pairs: &[(&str, &str)]) -> &mut Self {
        self.raw("<dl>");
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            self.raw("<dt>").text(name).raw("</dt><dd><bdi>").text(value).raw("</bdi></dd>");
        }
        self.raw("</dl>\n")
    }

    pub(super) fn table(&mut self, columns: &[&str]) -> &mut Self {
        self.columns = columns.iter().map(|column| (*column).to_owned()).collect();
        self.raw("<table><thead><tr>");
        for column in columns {
            self.raw("<th scope=\"col\">").text(column).raw("</th>");
        }
        self.raw("</tr></thead><tbody>\n")
    }

    fn place(&mut self) -> &mut Self {
        let head = self.columns.get(self.next).cloned().unwrap_or_default();
        self.next += 1;
        match head.is_empty() {
            true => self.raw("<td>"),
            false => self.raw("<td data-l=\"").text(&head).raw("\">"),
        }
    }

    /// A place of a table that is text.
    pub(super) fn cell(&mut self, text: &str) -> &mut Self {
        match text.is_empty() {
            true => self.place().raw("</td>"),
            false => self.place().raw("<bdi>").text(text).raw("</bdi></td>"),
        }
    }

    /// One that is a link.
    pub(super) fn linked(&mut self, path: &str, text: &str) -> &mut Self {
        self.place().link(path, text).raw("</td>")
    }

    pub(super) fn row(&mut self) -> &mut Self {
        self.next = 0;
        self.raw("<tr>")
    }

    /// The row is whole; a long page is written as it comes.
    pub(super) fn row_end(&mut self) -> io::Result<()> {
        self.raw("</tr>\n");
        match self.text.len() > ENOUGH {
            true => self.flush(),
            false => Ok(()),
        }
    }

    pub(super) fn table_end(&mut self) -> &mut Self {
        self.raw("</tbody></table>\n")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.bundle.write(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }

    /// The page is whole.
    pub(super) fn end(mut self, about: &About<'_>) -> io::Result<()> {
        let made = format!("{} · made {} · Confidential", about.firm, about.moment(about.order.made));
        self.raw("</main>\n<footer><p class=\"m\"><small>").text(&made).raw("</small></p></footer>\n</body>\n</html>\n");
        self.flush()?;
        self.bundle.end().map(drop)
    }
}
