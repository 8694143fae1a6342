//! Lays a sheet out on A4 pages: the letter-head, paragraphs broken at words, tables with amounts at the right, page numbers. Knows
//! where everything stands, not how a PDF says it.

use super::latin::{Font, win_ansi};
use super::sheet::{Block, Sheet};

/// A4 in points.
pub(crate) const WIDTH: f32 = 595.0;
pub(crate) const HEIGHT: f32 = 842.0;
const LEFT: f32 = 68.0;
const RIGHT: f32 = WIDTH - 68.0;
const TOP: f32 = HEIGHT - 72.0;
const BOTTOM: f32 = 76.0;

/// Something printed: text with its left lower corner, or a line across the page.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    Text { x: f32, y: f32, font: Font, size: f32, text: Vec<u8> },
    Rule { x: f32, y: f32, length: f32 },
}

/// What is printed on one page.
pub(crate) type Page = Vec<Mark>;

struct Layout {
    pages: Vec<Page>,
    page: Page,
    y: f32,
    /// The last block was a line of a table.
    in_table: bool,
}

/// The pages of a sheet, at least one.
pub(crate) fn lay_out(sheet: &Sheet) -> Vec<Page> {
    let mut layout = Layout { pages: Vec::new(), page: Vec::new(), y: TOP, in_table: false };
    layout.letter_head(sheet);
    for block in &sheet.body {
        layout.block(block);
    }
    let mut pages = layout.pages;
    pages.push(layout.page);
    let count = pages.len();
    for (at, page) in pages.iter_mut().enumerate() {
        page.push(Mark::Rule { x: LEFT, y: BOTTOM - 16.0, length: RIGHT - LEFT });
        page.push(text(LEFT, BOTTOM - 30.0, Font::Small, 8.0, win_ansi(&sheet.title)));
        let number = format!("Page {} of {count}", at + 1).into_bytes();
        page.push(text(RIGHT - Font::Small.width(&number, 8.0), BOTTOM - 30.0, Font::Small, 8.0, number));
    }
    pages
}

fn text(x: f32, y: f32, font: Font, size: f32, text: Vec<u8>) -> Mark {
    Mark::Text { x, y, font, size, text }
}

impl Layout {
    fn letter_head(&mut self, sheet: &Sheet) {
        self.page.push(text(LEFT, TOP, Font::Strong, 19.0, win_ansi(&sheet.from)));
        let mut y = TOP - 17.0;
        for line in &sheet.address {
            let line = win_ansi(line);
            self.page.push(text(LEFT, y, Font::Small, 8.5, line));
            y -= 11.5;
        }
        self.page.push(Mark::Rule { x: LEFT, y: y + 2.0, length: RIGHT - LEFT });
        self.y = y - 22.0;
    }

    fn block(&mut self, block: &Block) {
        let in_table = matches!(block, Block::Row(_));
        if self.in_table && !in_table {
            self.y -= 6.0;
        }
        self.in_table = in_table;
        match block {
            Block::Heading(words) => {
                self.y -= 7.0;
                self.room(46.0);
                self.lines(words, Font::Strong, 11.5, 15.0, LEFT);
                self.y -= 2.0;
            }
            Block::Text(words) => {
                self.lines(words, Font::Body, 11.5, 14.5, LEFT);
                self.y -= 6.0;
            }
            Block::Item(words) => {
                self.room(14.5);
                self.page.push(text(LEFT + 6.0, self.y, Font::Body, 11.5, win_ansi("•")));
                self.lines(words, Font::Body, 11.5, 14.5, LEFT + 18.0);
                self.y -= 2.0;
            }
            Block::Row(cells) => self.row(cells),
        }
    }

    fn row(&mut self, [first, second, third]: &[String; 3]) {
        self.room(15.0);
        let amount = win_ansi(third);
        let x = RIGHT - Font::Small.width(&amount, 9.5);
        for (x, cell) in [(LEFT, win_ansi(first)), (LEFT + 96.0, win_ansi(second)), (x, amount)] {
            if !cell.is_empty() {
                self.page.push(text(x, self.y, Font::Small, 9.5, cell));
            }
        }
        self.y -= 15.0;
    }

    /// Prints words in as many lines as they need.
    fn lines(&mut self, words: &str, font: Font, size: f32, step: f32, x: f32) {
        for line in broken(words, font, size, RIGHT - x) {
            self.room(step);
            self.page.push(text(x, self.y, font, size, line));
            self.y -= step;
        }
    }

    /// Begins a new page when less than `height` is left.
    fn room(&mut self, height: f32) {
        if self.y - height < BOTTOM {
            self.pages.push(std::mem::take(&mut self.page));
            self.y = TOP;
        }
    }
}

/// Words broken into lines no wider than `room`; a word that is wider stands alone.
fn broken(words: &str, font: Font, size: f32, room: f32) -> Vec<Vec<u8>> {
    let space = font.width(b" ", size);
    let mut lines = Vec::new();
    let mut line: Vec<u8> = Vec::new();
    let mut used = 0.0;
    for word in words.split_whitespace().map(win_ansi) {
        let width = font.width(&word, size);
        if !line.is_empty() && used + space + width > room {
            lines.push(std::mem::take(&mut line));
            used = 0.0;
        }
        if !line.is_empty() {
            line.push(b' ');
            used += space;
        }
        line.extend(word);
        used += width;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_stands_on_the_page() {
        let mut sheet = Sheet::of_the_firm("Test");
        for _ in 0..40 {
            sheet.text("A paragraph that needs more than one line to say what it has to say, as they mostly do. ".repeat(2));
            sheet.row("1 Sep", "RENT", "-1,234.00");
        }
        let pages = lay_out(&sheet);
        assert!(pages.len() > 2);
        for mark in pages.iter().flatten() {
            let (x, y, length) = match mark {
                Mark::Text { x, y, font, size, text } => (*x, *y, font.width(text, *size)),
                Mark::Rule { x, y, length } => (*x, *y, *length),
            };
            assert!(x >= LEFT && x + length <= RIGHT + 0.1 && y > 40.0 && y <= TOP, "{mark:?}");
        }
    }

    #[test]
    fn an_empty_sheet_is_one_page() {
        assert_eq!(lay_out(&Sheet::default()).len(), 1);
    }
}
