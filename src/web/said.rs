//! What has just been done, said at the head of the next page. It travels as a code in the query, never as text, so that a link cannot
//! put words into our mouth.

use super::page::{Flash, Undo};
use rocket::Request;
use rules::{Document, Sealed};
use store::document::TRASH_DAYS;

/// What is said without a name or number: variant, code in the query, words.
macro_rules! said {
    ($($name:ident = $code:literal, $words:literal;)*) => {
        /// One of the things that can be said.
        #[derive(Clone)]
        pub(super) enum Said {
            $($name,)*
            FilesKept(usize),
            Trashed(Sealed<Document>),
            Given(Box<str>),
            Revoked(Box<str>),
            Raised(Box<str>),
            Lowered(Box<str>),
        }

        impl Said {
            /// Code and words of what carries nothing.
            fn plain(&self) -> Option<(&'static str, &'static str)> {
                match self {
                    $(Said::$name => Some(($code, $words)),)*
                    _ => None,
                }
            }

            fn from_code(code: &str) -> Option<Said> {
                match code {
                    $($code => Some(Said::$name),)*
                    _ => None,
                }
            }
        }
    };
}

said! {
    CaseOpened = "opened", "The case is open. Nobody can see it but those who could see the enquiry.";
    EnquiryKept = "enquiry", "The enquiry is kept. Open it when you act.";
    EnquiryToCheck = "to-check", "The enquiry is kept. Look for conflicts below; your decision opens the case.";
    CaseChanged = "changed", "Your change is saved.";
    ContactMade = "contact", "The contact is kept. As long as it is on no case, everybody who works on cases sees it.";
    ContactChanged = "contact-changed", "The contact is changed.";
    ContactRemoved = "contact-removed", "The contact is removed.";
    ContactsJoined = "contacts-joined", "The two contacts are one now. The old address leads here.";
    ImportDone = "imported", "The contacts of the file are kept.";
    ImportDropped = "import-dropped", "The file is dropped. Nothing of it was kept.";
    ImportUndone = "import-undone", "The import is taken back. Contacts that were used or changed since stay.";
    PartyAdded = "party", "The party is on the case.";
    PartyEnded = "party-ended", "Their part is over. It stays on record.";
    ConflictDecided = "decided", "Your decision is kept.";
    VersionKept = "version", "The new version is kept. Those before it stay as they are.";
    CheckedOut = "checked-out", "You have it checked out: nobody else can add a version until you check it in.";
    CheckedIn = "checked-in", "It is checked in. Others can add a version again.";
    TrashedAlready = "trashed-already", "It is in the trash already. Nothing was changed.";
    Restored = "restored", "The document is back.";
    RestoredAlready = "restored-already", "It was not in the trash any more. Nothing was changed.";
    ThemeSet = "theme", "Your choice is kept.";
    PersonChanged = "person", "The change is saved.";
    PersonLinked = "linked", "The account belongs to this contact too.";
    PersonUnlinked = "unlinked", "The account no longer belongs to that contact.";
    PersonSuspended = "suspended", "The account is suspended, and every session of it is over.";
    PersonSignedOut = "signed-out", "Every session of the account is over. Its ways in are as they were.";
    PersonBack = "back", "The suspension is ended. Password and codes are as they were.";
    PersonLeft = "left", "It is recorded that they left. They have no way in any more.";
    InvitationRevoked = "uninvited", "The invitation is taken back. Its link no longer works.";
    RoleSet = "role", "The role is changed. It counts from their next sign-in.";
    TeamMade = "team", "The team is there. Put people into it.";
    TeamChanged = "team-changed", "The team is changed.";
    TeamRemoved = "team-removed", "The team is removed. Its people stay, and so do its walls.";
    SignedOut = "out", "You are signed out.";
    SettingsKept = "settings", "The settings are kept. They count from now.";
    MailOff = "mail-off", "E-mail is off. Nothing is sent until a server is set again.";
    NetworksKept = "networks", "The networks are kept.";
    RescueSeen = "rescue", "It is written down that you have read it.";
    CodesWrong = "codes", "Five codes were wrong. Start again with your password.";
    CodeUsed = "code-used", "You are in. The code you used does not count again; if the phone is lost, set up another app below, and make new codes.";
    PasswordChanged = "password", "Your password is changed, and every other session of yours is over.";
    AppChanged = "app", "The new app counts from now, and every other session of yours is over.";
    QuestionsKept = "questions", "Your questions and answers are kept.";
    NameKept = "name", "Your name is changed.";
    SessionEnded = "session-over", "It is over: whoever was signed in there has to sign in again.";
    VisitOver = "late", "Ten minutes have passed, or too many codes were wrong. Start again with your password.";
    EnrolOver = "enrol-over", "This browser is not at setting up an account, or a day has passed. Open your link; if it was used already, ask for a new one.";
    WaysInSet = "ways-in", "Everything is set up, and you are signed in.";
    KitKept = "kit", "It is kept who has the recovery kit.";
    KitMade = "kit-made", "Here is a new kit. The one before opens nothing any more: destroy every copy of it.";
    BackupBegun = "backup", "Everything is being brought to every place now. It goes on by itself: open this page again to see how far it is.";
    DrillBegun = "drill", "Everything is being restored now to see whether it can be. It goes on by itself: open this page again to see what came of it.";
    ExportAsked = "export-asked", "Your request is kept, and those who can approve it are told. Nothing is prepared before one of them has.";
    ExportApproved = "export-approved", "You have approved the export. It is being prepared, and whoever asked for it is told.";
    ExportRefused = "export-refused", "You have refused the export. Nothing of it was prepared.";
    ExportWithdrawn = "export-withdrawn", "The export is taken back. Nothing of it is left here.";
    ExportAgain = "export-again", "It is being prepared anew.";
    ExportRemoved = "export-removed", "The prepared file is removed from this server. What was fetched before is where it was put.";
    KeyStartSet = "key-start", "It counts from the next start. Try one now, while you are here: restart the server.";
    PasskeyAdded = "passkey", "The passkey is set up. Everywhere else you are signed out.";
    PasskeyRemoved = "passkey-removed", "The passkey lets nobody in any more; delete it on your device too. Everywhere else you are signed out.";
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
            "kept" => Said::FilesKept(field("n")?.parse().ok()?),
            "trashed" => Said::Trashed(field("document").filter(|id| is_an_id(id)).map(Sealed::from_url)?),
            "given" => Said::Given(whom()),
            "revoked" => Said::Revoked(whom()),
            "raised" => Said::Raised(whom()),
            "lowered" => Said::Lowered(whom()),
            code => return Said::from_code(code),
        })
    }

    /// The path with the code; what leads to a place on the page stays at the end.
    pub(super) fn at(&self, path: &str) -> String {
        let query = match self {
            Said::FilesKept(n) => format!("kept&n={n}"),
            Said::Trashed(id) => format!("trashed&document={id}"),
            Said::Given(id) => format!("given&whom={id}"),
            Said::Revoked(id) => format!("revoked&whom={id}"),
            Said::Raised(id) => format!("raised&whom={id}"),
            Said::Lowered(id) => format!("lowered&whom={id}"),
            plain => plain.plain().map(|(code, _)| code.to_owned()).unwrap_or_default(),
        };
        let joint = if path.contains('?') { '&' } else { '?' };
        match path.split_once('#') {
            Some((page, place)) => format!("{page}{joint}said={query}#{place}"),
            None => format!("{path}{joint}said={query}"),
        }
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
            Said::FilesKept(n) => format!("{} kept.", rules::text::count_head(*n, "file is", "files are")),
            Said::Trashed(_) => format!("The document is in the trash. It can be brought back for {TRASH_DAYS} days."),
            Said::Given(_) => with("Access is given", "to", ". It counts from now."),
            Said::Revoked(_) => with("Access is taken back", "from", ". It counts from now."),
            Said::Raised(_) => with("The wall is up", "against", &format!(". For {} the case no longer exists.", name.unwrap_or("them"))),
            Said::Lowered(_) => with("The wall is down", "for", ". What was granted counts again."),
            plain => plain.plain().map(|(_, words)| words.to_owned()).unwrap_or_default(),
        };
        let undo = match self {
            Said::Trashed(id) => Some(Undo { href: super::link::document(id, "restore"), label: "Undo" }),
            _ => None,
        };
        let kind = if matches!(self, Said::CodesWrong | Said::VisitOver | Said::EnrolOver) { "warn" } else { "ok" };
        Flash { kind, text, undo }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_and_places_stay_at_the_end() {
        assert_eq!(Said::CaseChanged.at("/cases/x"), "/cases/x?said=changed");
        assert_eq!(Said::PartyAdded.at("/cases/x/parties?a=b#check"), "/cases/x/parties?a=b&said=party#check");
        assert!(matches!(Said::from_code("changed"), Some(Said::CaseChanged)));
        assert!(Said::from_code("nonsense").is_none());
    }
}
