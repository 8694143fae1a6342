//! Writes a sheet as a note in plain text, UTF-8, folded at 76 characters.

use super::sheet::{Block, Sheet};

const WIDTH: usize = 76;

/// The file.
pub(crate) fn write(sheet: &Sheet) -> Vec<u8> {
    let mut out = format!("{}\n{}\n", sheet.title, "=".repeat(sheet.title.chars().count()));
    for block in &sheet.body {
        match block {
            Block::Heading(words) => out.push_str(&format!("\n{words}\n{}\n", "-".repeat(words.chars().count()))),
            Block::Text(words) => {
                out.push('\n');
                fold(&mut out, words, "");
            }
            Block::Item(words) => fold(&mut out, words, "- "),
            Block::Row([first, second, third]) => {
                let line = format!("{first:<14} {second:<46} {third}");
                out.push_str(line.trim_end());
                out.push('\n');
            }
        }
    }
    out.into_bytes()
}

/// Adds `words` in lines no longer than [`WIDTH`]; the first begins with `mark`, the others are indented as far.
fn fold(out: &mut String, words: &str, mark: &str) {
    let mut used = mark.chars().count();
    let indent = used;
    out.push_str(mark);
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if used > indent && used + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = indent;
        } else if used > indent {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_and_letters_kept() {
        let mut sheet = Sheet::of("File note: Nguyễn", "", &[]);
        sheet.text("word ".repeat(60));
        sheet.items(&["Łukasz to ring"]);
        let text = String::from_utf8(write(&sheet)).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(text.contains("Nguyễn") && text.ends_with("- Łukasz to ring\n"));
    }
}
