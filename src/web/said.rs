//! What has just been done, said at the head of the next page. It travels as a code in the query, never as text, so that a link cannot
//! put words into our mouth.

use super::page::{Flash, Undo};
use rocket::Request;
use rules::{Document, Sealed};
use store::document::TRASH_DAYS;

/// One of the things that can be said.
#[derive(Clone)]
pub(super) enum Said {
    CaseOpened,
    EnquiryKept,
    CaseChanged,
    FilesKept(usize),
    Trashed(Sealed<Document>),
    TrashedAlready,
    Restored,
    RestoredAlready,
    Given,
    Revoked,
    Raised,
    Lowered,
    ThemeSet,
    SignedOut,
    CodesWrong,
    VisitOver,
}

impl Said {
    /// What the query of this request says, if it is one of ours.
    pub(super) fn of(request: &Request<'_>) -> Option<Said> {
        let field = |name: &str| request.query_value::<&str>(name).and_then(Result::ok);
        Some(match field("said")? {
            "opened" => Said::CaseOpened,
            "enquiry" => Said::EnquiryKept,
            "changed" => Said::CaseChanged,
            "kept" => Said::FilesKept(field("n")?.parse().ok()?),
            "trashed" => Said::Trashed(Sealed::from_url(field("document")?)),
            "trashed-already" => Said::TrashedAlready,
            "restored" => Said::Restored,
            "restored-already" => Said::RestoredAlready,
            "given" => Said::Given,
            "revoked" => Said::Revoked,
            "raised" => Said::Raised,
            "lowered" => Said::Lowered,
            "theme" => Said::ThemeSet,
            "out" => Said::SignedOut,
            "codes" => Said::CodesWrong,
            "late" => Said::VisitOver,
            _ => return None,
        })
    }

    /// The path with the code.
    pub(super) fn at(&self, path: &str) -> String {
        let query = match self {
            Said::CaseOpened => "opened".into(),
            Said::EnquiryKept => "enquiry".into(),
            Said::CaseChanged => "changed".into(),
            Said::FilesKept(n) => format!("kept&n={n}"),
            Said::Trashed(id) => format!("trashed&document={id}"),
            Said::TrashedAlready => "trashed-already".into(),
            Said::Restored => "restored".into(),
            Said::RestoredAlready => "restored-already".into(),
            Said::Given => "given".into(),
            Said::Revoked => "revoked".into(),
            Said::Raised => "raised".into(),
            Said::Lowered => "lowered".into(),
            Said::ThemeSet => "theme".into(),
            Said::SignedOut => "out".into(),
            Said::CodesWrong => "codes".into(),
            Said::VisitOver => "late".into(),
        };
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}said={query}")
    }

    /// The words.
    pub(super) fn flash(&self) -> Flash {
        let text = match self {
            Said::CaseOpened => "The case is open. Only the people below can see it.".into(),
            Said::EnquiryKept => "The enquiry is kept. Open it when you act.".into(),
            Said::CaseChanged => "Your change is kept.".into(),
            Said::FilesKept(n) => format!("{} kept.", rules::text::count_head(*n, "file is", "files are")),
            Said::Trashed(_) => format!("The document is in the trash. It can be brought back for {TRASH_DAYS} days."),
            Said::TrashedAlready => "It is in the trash already. Nothing was changed.".into(),
            Said::Restored => "The document is back.".into(),
            Said::RestoredAlready => "It was not in the trash any more. Nothing was changed.".into(),
            Said::Given => "Access is given. It counts from now.".into(),
            Said::Revoked => "Access is taken back. It counts from now.".into(),
            Said::Raised => "The wall is up. For this person the case no longer exists.".into(),
            Said::Lowered => "The wall is down.".into(),
            Said::ThemeSet => "Your choice is kept.".into(),
            Said::SignedOut => "You are signed out.".into(),
            Said::CodesWrong => "Five codes were wrong. Start again with your password.".into(),
            Said::VisitOver => "Ten minutes have passed, or too many codes were wrong. Start again with your password.".into(),
        };
        let undo = match self {
            Said::Trashed(id) => Some(Undo { href: super::link::document(id, "restore"), label: "Undo" }),
            _ => None,
        };
        let kind = if matches!(self, Said::CodesWrong | Said::VisitOver) { "warn" } else { "ok" };
        Flash { kind, text, undo }
    }
}
