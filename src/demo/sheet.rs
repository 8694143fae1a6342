//! A paper before it becomes a file: who it is from and what it says, block by block. The writers of PDF, Word and text files all
//! start from it.

use super::dice::Dice;
use super::names::{FIRM, STAFF};
use super::paper::PaperKind;
use super::story::CaseStory;
use super::{evidence, letters};

/// A paper from its letter-head to its last line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    /// Shown by readers as the title of the document.
    pub(crate) title: String,
    /// Who it is from, in large letters at the head.
    pub(crate) from: String,
    /// Address and telephone of the sender.
    pub(crate) address: Vec<String>,
    pub(crate) body: Vec<Block>,
}

/// What stands in a paper, in the order of reading.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    Heading(String),
    Text(String),
    Item(String),
    /// One line of a table: the last cell stands at the right.
    Row([String; 3]),
}

impl Sheet {
    /// On the firm's own paper.
    pub(crate) fn of_the_firm(title: &str) -> Sheet {
        let address =
            ["Immigration advisers and solicitors", "27 Quill Yard, London EC1A 1BB", "020 7946 0147 · pellharrow.example"];
        Sheet::of(title, FIRM, &address)
    }

    /// On somebody's paper.
    pub(crate) fn of(title: &str, from: &str, address: &[&str]) -> Sheet {
        let address = address.iter().map(|line| (*line).to_owned()).collect();
        Sheet { title: title.to_owned(), from: from.to_owned(), address, body: Vec::new() }
    }

    pub(crate) fn heading(&mut self, words: impl Into<String>) {
        self.body.push(Block::Heading(words.into()));
    }

    pub(crate) fn text(&mut self, words: impl Into<String>) {
        self.body.push(Block::Text(words.into()));
    }

    pub(crate) fn items(&mut self, items: &[&str]) {
        self.body.extend(items.iter().map(|item| Block::Item((*item).to_owned())));
    }

    pub(crate) fn row(&mut self, first: impl Into<String>, second: impl Into<String>, third: impl Into<String>) {
        self.body.push(Block::Row([first.into(), second.into(), third.into()]));
    }
}

/// What a paper of this kind says in this case. Pictures have no sheet: theirs is empty.
pub(crate) fn sheet(kind: PaperKind, story: &CaseStory, dice: &mut Dice) -> Sheet {
    match kind {
        PaperKind::CareLetter => letters::care_letter(story, dice),
        PaperKind::Representations => letters::representations(story, dice),
        PaperKind::CoverLetter => letters::cover_letter(story, dice),
        PaperKind::AttendanceNote => letters::attendance_note(story, dice),
        PaperKind::WitnessStatement => letters::witness_statement(story, dice),
        PaperKind::FileNote => letters::file_note(story, dice),
        PaperKind::Chronology => letters::chronology(story, dice),
        PaperKind::BankStatement => evidence::bank_statement(story, dice),
        PaperKind::Payslip => evidence::payslip(story, dice),
        PaperKind::EmployerLetter => evidence::employer_letter(story, dice),
        PaperKind::CouncilTax => evidence::council_tax(story, dice),
        PaperKind::Accounts => evidence::accounts(story, dice),
        PaperKind::Translation => evidence::translation(story, dice),
        PaperKind::Decision => evidence::decision(story, dice),
        PaperKind::Passport | PaperKind::Permit | PaperKind::TenancyPhoto | PaperKind::CertificateScan => Sheet::default(),
    }
}

/// Who signs for the firm.
pub(crate) fn signer(story: &CaseStory) -> &'static str {
    STAFF.get(story.owner).map_or(FIRM, |person| person.name)
}

/// "PN/Adeyemi": how the firm's letters refer to a case.
pub(crate) fn our_reference(story: &CaseStory) -> String {
    let initials: String =
        signer(story).split(' ').filter_map(|word| word.chars().next()).filter(|c| c.is_alphabetic()).collect();
    let client = story.title.split_once(':').map_or(story.client.as_str(), |(client, _)| client);
    format!("{initials}/{client}")
}

/// What the client wants: the first sentence of the summary.
pub(crate) fn wants(story: &CaseStory) -> String {
    story.summary.split_once(". ").map_or_else(|| story.summary.clone(), |(wants, _)| format!("{wants}."))
}

/// What the case is about, without the client: "spouse extension".
pub(crate) fn subject(story: &CaseStory) -> &str {
    story.title.split_once(": ").map_or(story.title.as_str(), |(_, subject)| subject)
}

/// An amount in pounds from pence: "1,234.50".
pub(crate) fn pounds(pence: u32) -> String {
    let (whole, rest) = (pence / 100, pence % 100);
    match whole / 1000 {
        0 => format!("{whole}.{rest:02}"),
        thousands => format!("{thousands},{:03}.{rest:02}", whole % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::story::case;

    #[test]
    fn amounts_and_references_read_well() {
        assert_eq!(pounds(5), "0.05");
        assert_eq!(pounds(100_000), "1,000.00");
        assert_eq!(pounds(12_345_678), "123,456.78");
        let story = case(1, 0, 6);
        assert_eq!(our_reference(&story), "PN/Adeyemi");
        assert_eq!(subject(&story), "spouse extension");
        assert_eq!(wants(&story), "Further leave to remain as a partner, 2 years 6 months.");
        assert_eq!(signer(&CaseStory { owner: 99, ..story }), "Pell & Harrow");
    }
}
