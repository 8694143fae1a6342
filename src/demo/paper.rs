//! The files of the demo firm: which kinds of paper there are, and one function that makes any of them for a case. Files are real
//! (a reader opens them) and the same for the same seed, so that a backup of the demo can be compared with a fresh one.

use super::dice::Dice;
use super::story::CaseStory;
use super::{docx, pdf, picture, sheet, text};

/// What a paper is; decides what it says and what kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PaperKind {
    CareLetter,
    Representations,
    BankStatement,
    Payslip,
    EmployerLetter,
    CouncilTax,
    Accounts,
    Translation,
    Decision,
    CoverLetter,
    AttendanceNote,
    WitnessStatement,
    Passport,
    Permit,
    TenancyPhoto,
    CertificateScan,
    FileNote,
    Chronology,
}

impl PaperKind {
    /// The end of its file name: "pdf", "docx", "png" or "txt".
    pub(crate) const fn ending(self) -> &'static str {
        match self {
            Self::CareLetter | Self::Representations | Self::BankStatement | Self::Payslip | Self::EmployerLetter => "pdf",
            Self::CouncilTax | Self::Accounts | Self::Translation | Self::Decision => "pdf",
            Self::CoverLetter | Self::AttendanceNote | Self::WitnessStatement => "docx",
            Self::Passport | Self::Permit | Self::TenancyPhoto | Self::CertificateScan => "png",
            Self::FileNote | Self::Chronology => "txt",
        }
    }

    /// Goes to the other side with an application: neither the firm's own notes nor its letters to the client.
    pub(crate) const fn is_evidence(self) -> bool {
        !matches!(
            self,
            Self::CareLetter
                | Self::Representations
                | Self::CoverLetter
                | Self::AttendanceNote
                | Self::FileNote
                | Self::Chronology
        )
    }

    /// What people call such a file, without its ending.
    pub(crate) const fn stems(self) -> &'static [&'static str] {
        match self {
            Self::CareLetter => &["Client care letter", "Client care letter, signed", "Terms of business"],
            Self::Representations => &["Representations", "Representations, final", "Legal argument, draft 3"],
            Self::BankStatement => {
                &["Bank statements, September to November", "bank_statement_3_months", "Statement current account"]
            }
            Self::Payslip => &["Payslip October", "payslip-10", "Payslip, last month"],
            Self::EmployerLetter => &["Letter from employer", "Employment confirmation", "HR letter"],
            Self::CouncilTax => &["Council tax bill", "Council Tax annual bill", "council tax"],
            Self::Accounts => &["Accounts, last year", "Annual accounts", "Management accounts Q2"],
            Self::Translation => {
                &["Certified translation", "Translation of certificate", "Translation with translator’s statement"]
            }
            Self::Decision => &["Refusal letter", "Decision letter", "Home Office decision"],
            Self::CoverLetter => &["Cover letter to the Home Office", "Cover letter, draft", "Covering letter v2"],
            Self::AttendanceNote => &["Attendance note, first meeting", "Attendance note, telephone", "Meeting note"],
            Self::WitnessStatement => {
                &["Witness statement", "Statement, draft for signature", "Witness statement of the partner"]
            }
            Self::Passport => &["Passport, photo page", "passport", "IMG_2041", "Passport scan"],
            Self::Permit => &["Residence permit, both sides", "BRP front", "IMG_2043", "Permit scan"],
            Self::TenancyPhoto => &["Tenancy agreement (photo)", "IMG_1187", "Tenancy, page 1"],
            Self::CertificateScan => &["Birth certificate", "Marriage certificate", "certificate scan", "Certificate, stamped"],
            Self::FileNote => &["File note", "Note of call", "Note to file"],
            Self::Chronology => &["Chronology", "Absences and addresses", "Time line"],
        }
    }
}

/// The file: the same bytes for the same kind, story and seed. Give each paper of a case its own `seed`.
pub(crate) fn make(kind: PaperKind, story: &CaseStory, seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed, kind as u64);
    match kind.ending() {
        "pdf" => pdf::write(&sheet::sheet(kind, story, &mut dice)),
        "docx" => docx::write(&sheet::sheet(kind, story, &mut dice)),
        "png" => picture::write(kind, story, &mut dice),
        _ => text::write(&sheet::sheet(kind, story, &mut dice)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::story::case;
    use crate::demo::types::CASE_TYPES;

    #[test]
    fn every_paper_is_made_the_same_again_and_begins_as_its_ending_says() {
        for n in 0..12 {
            let story = case(7, n, 6);
            for (at, paper) in story.papers.iter().enumerate() {
                let file = make(paper.kind, &story, at as u64);
                assert_eq!(file, make(paper.kind, &case(7, n, 6), at as u64));
                let start: &[u8] = match paper.kind.ending() {
                    "pdf" => b"%PDF-1.4",
                    "docx" => b"PK\x03\x04",
                    "png" => b"\x89PNG",
                    _ => b"",
                };
                assert!(file.starts_with(start) && file.len() > 300, "{}", paper.name);
                assert!(paper.name.ends_with(paper.kind.ending()));
            }
        }
    }

    #[test]
    fn another_seed_makes_another_file() {
        let story = case(7, 0, 6);
        assert_ne!(make(PaperKind::BankStatement, &story, 1), make(PaperKind::BankStatement, &story, 2));
        assert_ne!(make(PaperKind::Passport, &story, 1), make(PaperKind::Passport, &story, 2));
    }

    #[test]
    fn every_kind_is_used_and_texts_are_utf_8() {
        for kind in CASE_TYPES.iter().flat_map(|kind| kind.papers) {
            assert!(!kind.stems().is_empty());
            let file = make(*kind, &case(7, 3, 6), 1);
            assert!(kind.ending() != "txt" || String::from_utf8(file).is_ok());
        }
    }
}
