//! Writes a sheet as a PDF 1.4 file (ISO 32000-1): plain objects, standard fonts, one cross-reference table. No dates and no
//! identifier, so that the bytes depend on the sheet alone.

use super::latin::Font;
use super::pages::{HEIGHT, Mark, Page, WIDTH, lay_out};
use super::sheet::Sheet;

/// Objects that every file has before its pages: catalogue, page tree, information and three fonts.
const FIRST_PAGE: usize = 7;

/// The file as it grows, and where each object begins.
struct File {
    bytes: Vec<u8>,
    offsets: Vec<usize>,
}

/// The file.
pub(crate) fn write(sheet: &Sheet) -> Vec<u8> {
    let pages = lay_out(sheet);
    let mut file = File { bytes: b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec(), offsets: Vec::new() };
    let kids: String = (0..pages.len()).map(|at| format!("{} 0 R ", FIRST_PAGE + 2 * at)).collect();
    file.object(b"<< /Type /Catalog /Pages 2 0 R /Lang (en-GB) >>");
    file.object(format!("<< /Type /Pages /Count {} /Kids [ {kids}] >>", pages.len()).as_bytes());
    file.object(format!("<< /Title {} /Author {} >>", unicode(&sheet.title), unicode(&sheet.from)).as_bytes());
    for name in ["Times-Roman", "Helvetica", "Helvetica-Bold"] {
        file.object(format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>").as_bytes());
    }
    for page in &pages {
        let content = file.offsets.len() + 2;
        let fonts = "<< /F1 4 0 R /F2 5 0 R /F3 6 0 R >>";
        let head = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Resources << /Font {fonts} >> /Contents \
                {content} 0 R >>"
        );
        file.object(head.as_bytes());
        let stream = content_stream(page);
        let mut object = format!("<< /Length {} >>\nstream\n", stream.len()).into_bytes();
        object.extend(stream);
        object.extend(b"\nendstream");
        file.object(&object);
    }
    file.finish()
}

impl File {
    fn object(&mut self, body: &[u8]) {
        self.offsets.push(self.bytes.len());
        self.bytes.extend(format!("{} 0 obj\n", self.offsets.len()).bytes());
        self.bytes.extend(body);
        self.bytes.extend(b"\nendobj\n");
    }

    /// Adds the cross-reference table, whose entries are 20 bytes each, and the trailer.
    fn finish(mut self) -> Vec<u8> {
        let start = self.bytes.len();
        let count = self.offsets.len() + 1;
        self.bytes.extend(format!("xref\n0 {count}\n0000000000 65535 f \n").bytes());
        for offset in &self.offsets {
            self.bytes.extend(format!("{offset:010} 00000 n \n").bytes());
        }
        self.bytes.extend(format!("trailer\n<< /Size {count} /Root 1 0 R /Info 3 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes());
        self.bytes
    }
}

fn content_stream(page: &Page) -> Vec<u8> {
    let mut out = b"0.5 w\n".to_vec();
    for mark in page {
        match mark {
            Mark::Rule { x, y, length } => {
                out.extend(format!("0.55 G {x:.1} {y:.1} m {:.1} {y:.1} l S\n", x + length).bytes());
            }
            Mark::Text { x, y, font, size, text } => {
                let (name, grey) = match font {
                    Font::Body => ("F1", "0.1"),
                    Font::Small => ("F2", "0.25"),
                    Font::Strong => ("F3", "0.15"),
                };
                out.extend(format!("{grey} g BT /{name} {size} Tf {x:.1} {y:.1} Td (").bytes());
                escape(&mut out, text);
                out.extend(b") Tj ET\n");
            }
        }
    }
    out
}

/// A literal string: brackets and backslashes quoted, other than ASCII in octal.
fn escape(out: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        match byte {
            b'(' | b')' | b'\\' => out.extend([b'\\', *byte]),
            b' '..=b'~' => out.push(*byte),
            _ => out.extend(format!("\\{byte:03o}").bytes()),
        }
    }
}

/// A text string in UTF-16, which holds every name.
fn unicode(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
    format!("<FEFF{units}>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::dice::Dice;
    use crate::demo::paper::PaperKind;
    use crate::demo::sheet::sheet;
    use crate::demo::story::case;

    fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
        bytes.windows(what.len()).rposition(|window| window == what)
    }

    #[test]
    fn the_table_points_to_the_objects() {
        let kinds = [PaperKind::CareLetter, PaperKind::Representations, PaperKind::BankStatement, PaperKind::Decision];
        for (n, kind) in kinds.into_iter().enumerate() {
            let file = write(&sheet(kind, &case(1, n as u64, 6), &mut Dice::new(1, 1)));
            let tail = String::from_utf8_lossy(&file[find(&file, b"startxref\n").unwrap() + 10..]).into_owned();
            let start: usize = tail.lines().next().unwrap().parse().unwrap();
            let table = std::str::from_utf8(&file[start..]).unwrap();
            let mut lines = table.lines();
            assert_eq!(lines.next(), Some("xref"));
            let count: usize = lines.next().unwrap().strip_prefix("0 ").unwrap().parse().unwrap();
            assert!(count >= 9);
            for (number, line) in lines.take(count).enumerate().skip(1) {
                let offset: usize = line[..10].parse().unwrap();
                assert!(file[offset..].starts_with(format!("{number} 0 obj\n").as_bytes()), "{number}: {line}");
            }
        }
    }

    #[test]
    fn strings_are_quoted() {
        let mut out = Vec::new();
        escape(&mut out, b"a(b)\\ \xE9");
        assert_eq!(out, br"a\(b\)\\ \351");
        assert_eq!(unicode("Ł"), "<FEFF0141>");
    }
}
