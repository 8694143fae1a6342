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
    Given(Box<str>),
    Revoked(Box<str>),
    Raised(Box<str>),
    Lowered(Box<str>),
    ThemeSet,
    PersonChanged,
    PersonLinked,
    PersonUnlinked,
    PersonSuspended,
    /// Every session of an account ended by somebody else.
    PersonSignedOut,
    PersonBack,
    PersonLeft,
    InvitationRevoked,
    RoleSet,
    TeamMade,
    TeamChanged,
    TeamRemoved,
    SignedOut,
    SettingsKept,
    MailOff,
    NetworksKept,
    RescueSeen,
    CodesWrong,
    /// A recovery code let somebody in.
    CodeUsed,
    /// The password was changed.
    PasswordChanged,
    /// Another authenticator app.
    AppChanged,
    /// The two questions were kept.
    QuestionsKept,
    /// The name was changed.
    NameKept,
    /// One session, or all others, ended.
    SessionEnded,
    VisitOver,
    EnrolOver,
    WaysInSet,
    KitKept,
    /// A new kit waits to be put on paper.
    KitMade,
    /// A backup was asked for.
    BackupBegun,
    /// A drill was asked for.
    DrillBegun,
    ExportAsked,
    ExportApproved,
    ExportRefused,
    ExportWithdrawn,
    ExportAgain,
    ExportRemoved,
    /// The key is found otherwise at the next start.
    KeyStartSet,
    PasskeyAdded,
    PasskeyRemoved,
}

/// Whether it has the form of an id: it goes into the path of a button.
fn is_an_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

impl Said {
    /// What the query of this request says, if it is one of ours.
    pub(super) fn of(request: &Request<'_>) -> Option<Said> {
        let field = |name: &str| request.query_value::<&str>(name).and_then(Result::ok);
        let whom = || field("whom").filter(|id| is_an_id(id)).unwrap_or_default().into();
        Some(match field("said")? {
            "opened" => Said::CaseOpened,
            "enquiry" => Said::EnquiryKept,
            "changed" => Said::CaseChanged,
            "kept" => Said::FilesKept(field("n")?.parse().ok()?),
            "trashed" => Said::Trashed(field("document").filter(|id| is_an_id(id)).map(Sealed::from_url)?),
            "trashed-already" => Said::TrashedAlready,
            "restored" => Said::Restored,
            "restored-already" => Said::RestoredAlready,
            "given" => Said::Given(whom()),
            "revoked" => Said::Revoked(whom()),
            "raised" => Said::Raised(whom()),
            "lowered" => Said::Lowered(whom()),
            "theme" => Said::ThemeSet,
            "person" => Said::PersonChanged,
            "linked" => Said::PersonLinked,
            "unlinked" => Said::PersonUnlinked,
            "suspended" => Said::PersonSuspended,
            "signed-out" => Said::PersonSignedOut,
            "back" => Said::PersonBack,
            "left" => Said::PersonLeft,
            "uninvited" => Said::InvitationRevoked,
            "role" => Said::RoleSet,
            "team" => Said::TeamMade,
            "team-changed" => Said::TeamChanged,
            "team-removed" => Said::TeamRemoved,
            "out" => Said::SignedOut,
            "settings" => Said::SettingsKept,
            "mail-off" => Said::MailOff,
            "networks" => Said::NetworksKept,
            "rescue" => Said::RescueSeen,
            "codes" => Said::CodesWrong,
            "code-used" => Said::CodeUsed,
            "password" => Said::PasswordChanged,
            "app" => Said::AppChanged,
            "questions" => Said::QuestionsKept,
            "name" => Said::NameKept,
            "session-over" => Said::SessionEnded,
            "late" => Said::VisitOver,
            "enrol-over" => Said::EnrolOver,
            "ways-in" => Said::WaysInSet,
            "kit" => Said::KitKept,
            "kit-made" => Said::KitMade,
            "key-start" => Said::KeyStartSet,
            "backup" => Said::BackupBegun,
            "drill" => Said::DrillBegun,
            "export-asked" => Said::ExportAsked,
            "export-approved" => Said::ExportApproved,
            "export-refused" => Said::ExportRefused,
            "export-withdrawn" => Said::ExportWithdrawn,
            "export-again" => Said::ExportAgain,
            "export-removed" => Said::ExportRemoved,
            "passkey" => Said::PasskeyAdded,
            "passkey-removed" => Said::PasskeyRemoved,
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
            Said::Given(id) => format!("given&whom={id}"),
            Said::Revoked(id) => format!("revoked&whom={id}"),
            Said::Raised(id) => format!("raised&whom={id}"),
            Said::Lowered(id) => format!("lowered&whom={id}"),
            Said::ThemeSet => "theme".into(),
            Said::PersonChanged => "person".into(),
            Said::PersonLinked => "linked".into(),
            Said::PersonUnlinked => "unlinked".into(),
            Said::PersonSuspended => "suspended".into(),
            Said::PersonSignedOut => "signed-out".into(),
            Said::PersonBack => "back".into(),
            Said::PersonLeft => "left".into(),
            Said::InvitationRevoked => "uninvited".into(),
            Said::RoleSet => "role".into(),
            Said::TeamMade => "team".into(),
            Said::TeamChanged => "team-changed".into(),
            Said::TeamRemoved => "team-removed".into(),
            Said::SignedOut => "out".into(),
            Said::SettingsKept => "settings".into(),
            Said::MailOff => "mail-off".into(),
            Said::NetworksKept => "networks".into(),
            Said::RescueSeen => "rescue".into(),
            Said::CodesWrong => "codes".into(),
            Said::CodeUsed => "code-used".into(),
            Said::PasswordChanged => "password".into(),
            Said::AppChanged => "app".into(),
            Said::QuestionsKept => "questions".into(),
            Said::NameKept => "name".into(),
            Said::SessionEnded => "session-over".into(),
            Said::VisitOver => "late".into(),
            Said::EnrolOver => "enrol-over".into(),
            Said::WaysInSet => "ways-in".into(),
            Said::KitKept => "kit".into(),
            Said::KitMade => "kit-made".into(),
            Said::KeyStartSet => "key-start".into(),
            Said::BackupBegun => "backup".into(),
            Said::DrillBegun => "drill".into(),
            Said::ExportAsked => "export-asked".into(),
            Said::ExportApproved => "export-approved".into(),
            Said::ExportRefused => "export-refused".into(),
            Said::ExportWithdrawn => "export-withdrawn".into(),
            Said::ExportAgain => "export-again".into(),
            Said::ExportRemoved => "export-removed".into(),
            Said::PasskeyAdded => "passkey".into(),
            Said::PasskeyRemoved => "passkey-removed".into(),
        };
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}said={query}")
    }

    /// Opaque id of the person or team it is about, if it is about one.
    pub(super) fn whom(&self) -> Option<&str> {
        match self {
            Said::Given(id) | Said::Revoked(id) | Said::Raised(id) | Said::Lowered(id) => Some(id),
            _ => None,
        }
    }

    /// The words, with the name of whom it is about where the page knows it.
    pub(super) fn flash(&self, name: Option<&str>) -> Flash {
        let with = |head: &str, joint: &str, tail: &str| name.map_or_else(|| format!("{head}{tail}"), |name| format!("{head} {joint} {name}{tail}"));
        let text = match self {
            Said::CaseOpened => "The case is open. Nobody can see it but its owner, its supervisor and you.".into(),
            Said::EnquiryKept => "The enquiry is kept. Open it when you act.".into(),
            Said::CaseChanged => "Your change is saved.".into(),
            Said::FilesKept(n) => format!("{} kept.", rules::text::count_head(*n, "file is", "files are")),
            Said::Trashed(_) => format!("The document is in the trash. It can be brought back for {TRASH_DAYS} days."),
            Said::TrashedAlready => "It is in the trash already. Nothing was changed.".into(),
            Said::Restored => "The document is back.".into(),
            Said::RestoredAlready => "It was not in the trash any more. Nothing was changed.".into(),
            Said::Given(_) => with("Access is given", "to", ". It counts from now."),
            Said::Revoked(_) => with("Access is taken back", "from", ". It counts from now."),
            Said::Raised(_) => with("The wall is up", "against", &format!(". For {} the case no longer exists.", name.unwrap_or("them"))),
            Said::Lowered(_) => with("The wall is down", "for", ". What was granted counts again."),
            Said::ThemeSet => "Your choice is kept.".into(),
            Said::PersonChanged => "The change is saved.".into(),
            Said::PersonLinked => "The account belongs to this contact too.".into(),
            Said::PersonUnlinked => "The account no longer belongs to that contact.".into(),
            Said::PersonSignedOut => "Every session of the account is over. Its ways in are as they were.".into(),
            Said::PersonSuspended => "The account is suspended, and every session of it is over.".into(),
            Said::PersonBack => "The suspension is ended. Password and codes are as they were.".into(),
            Said::PersonLeft => "It is recorded that they left. They have no way in any more.".into(),
            Said::InvitationRevoked => "The invitation is taken back. Its link no longer works.".into(),
            Said::RoleSet => "The role is changed. It counts from their next sign-in.".into(),
            Said::TeamMade => "The team is there. Put people into it.".into(),
            Said::TeamChanged => "The team is changed.".into(),
            Said::TeamRemoved => "The team is removed. Its people stay, and so do its walls.".into(),
            Said::SignedOut => "You are signed out.".into(),
            Said::SettingsKept => "The settings are kept. They count from now.".into(),
            Said::MailOff => "E-mail is off. Nothing is sent until a server is set again.".into(),
            Said::NetworksKept => "The networks are kept.".into(),
            Said::RescueSeen => "It is written down that you have read it.".into(),
            Said::CodeUsed => "You are in. The code you used does not count again; if the phone is lost, set up another app below, and make new codes.".into(),
            Said::PasswordChanged => "Your password is changed, and every other session of yours is over.".into(),
            Said::AppChanged => "The new app counts from now, and every other session of yours is over.".into(),
            Said::QuestionsKept => "Your questions and answers are kept.".into(),
            Said::NameKept => "Your name is changed.".into(),
            Said::SessionEnded => "It is over: whoever was signed in there has to sign in again.".into(),
            Said::CodesWrong => "Five codes were wrong. Start again with your password.".into(),
            Said::VisitOver => "Ten minutes have passed, or too many codes were wrong. Start again with your password.".into(),
            Said::EnrolOver => "This browser is not at setting up an account, or a day has passed. Open your link; if it was used already, ask for a new one.".into(),
            Said::WaysInSet => "Everything is set up, and you are signed in.".into(),
            Said::KitKept => "It is kept who has the recovery kit.".into(),
            Said::KitMade => "Here is a new kit. The one before opens nothing any more: destroy every copy of it.".into(),
            Said::BackupBegun => "Everything is being brought to every place now. It goes on by itself: open this page again to see how far it is.".into(),
            Said::DrillBegun => "Everything is being restored now to see whether it can be. It goes on by itself: open this page again to see what came of it.".into(),
            Said::KeyStartSet => "It counts from the next start. Try one now, while you are here: restart the server.".into(),
            Said::ExportAsked => "Your request is kept, and those who can approve it are told. Nothing is prepared before one of them has.".into(),
            Said::ExportApproved => "You have approved the export. It is being prepared, and whoever asked for it is told.".into(),
            Said::ExportRefused => "You have refused the export. Nothing of it was prepared.".into(),
            Said::ExportWithdrawn => "The export is taken back. Nothing of it is left here.".into(),
            Said::ExportAgain => "It is being prepared anew.".into(),
            Said::ExportRemoved => "The prepared file is removed from this server. What was fetched before is where it was put.".into(),
            Said::PasskeyAdded => "The passkey is set up. Everywhere else you are signed out.".into(),
            Said::PasskeyRemoved => "The passkey lets nobody in any more; delete it on your device too. Everywhere else you are signed out.".into(),
        };
        let undo = match self {
            Said::Trashed(id) => Some(Undo { href: super::link::document(id, "restore"), label: "Undo" }),
            _ => None,
        };
        let kind = if matches!(self, Said::CodesWrong | Said::VisitOver | Said::EnrolOver) { "warn" } else { "ok" };
        Flash { kind, text, undo }
    }
}
