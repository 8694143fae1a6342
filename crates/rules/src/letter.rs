//! The letters that the appliance sends by e-mail: a closed list, so that each has its template and none carries free text.

/// What a letter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterKind {
    /// The link with which a new account is set up.
    Invite,
    /// The link to a new password.
    Reset,
    /// The link that begins the way back in for those who have lost their code as well.
    Recover,
    /// Says that the way back in opens soon, and how to stop it.
    RecoverSoon,
    /// A way of signing in was added, changed or taken away.
    FactorChanged,
    /// Somebody signed in from a browser that was not seen before.
    NewDevice,
    /// Somebody had the right password, and then five wrong codes (ASVS 6.3.5).
    CodesWrong,
    /// A letter without news, by which the settings are tried.
    Test,
    /// A system administrator’s way in was reset at the server itself.
    Rescue,
    /// Somebody asked for an export, which a second person must approve.
    ExportAsked,
    /// It was approved.
    ExportApproved,
    /// An export was made at the server itself, without a second person.
    ExportAlone,
    /// An export waits to be fetched.
    ExportReady,
    /// Something is wrong with the backups.
    Backups,
    /// A new recovery kit was made: the one on paper opens nothing any more, and somebody has seen the new key.
    KitMade,
}

impl LetterKind {
    /// All of them.
    pub const ALL: [LetterKind; 15] = [
        LetterKind::Invite,
        LetterKind::Reset,
        LetterKind::Recover,
        LetterKind::RecoverSoon,
        LetterKind::FactorChanged,
        LetterKind::NewDevice,
        LetterKind::CodesWrong,
        LetterKind::Test,
        LetterKind::Rescue,
        LetterKind::ExportAsked,
        LetterKind::ExportApproved,
        LetterKind::ExportAlone,
        LetterKind::ExportReady,
        LetterKind::Backups,
        LetterKind::KitMade,
    ];

    /// The word kept in the database; the templates of the letter are named after it.
    pub const fn value(self) -> &'static str {
        match self {
            LetterKind::Invite => "invite",
            LetterKind::Reset => "reset",
            LetterKind::Recover => "recover",
            LetterKind::RecoverSoon => "recover_soon",
            LetterKind::FactorChanged => "factor_changed",
            LetterKind::NewDevice => "new_device",
            LetterKind::CodesWrong => "codes_wrong",
            LetterKind::Test => "test",
            LetterKind::Rescue => "rescue",
            LetterKind::ExportAsked => "export_asked",
            LetterKind::ExportApproved => "export_approved",
            LetterKind::ExportAlone => "export_alone",
            LetterKind::ExportReady => "export_ready",
            LetterKind::Backups => "backups",
            LetterKind::KitMade => "kit_made",
        }
    }

    /// From the word kept in the database.
    pub fn from_value(value: &str) -> Option<LetterKind> {
        LetterKind::ALL.into_iter().find(|kind| kind.value() == value)
    }

    /// The words shown on the system administrator’s page.
    pub const fn words(self) -> &'static str {
        match self {
            LetterKind::Invite => "Invitation",
            LetterKind::Reset => "Set-up again",
            LetterKind::Recover => "Way back in",
            LetterKind::RecoverSoon => "Way back in opens soon",
            LetterKind::FactorChanged => "Change of sign-in",
            LetterKind::NewDevice => "Sign-in from a new browser",
            LetterKind::CodesWrong => "Right password, wrong codes",
            LetterKind::Test => "Test",
            LetterKind::Rescue => "Reset at the server",
            LetterKind::ExportAsked => "Export asked for",
            LetterKind::ExportApproved => "Export approved",
            LetterKind::ExportAlone => "Export made at the server",
            LetterKind::ExportReady => "Export ready",
            LetterKind::Backups => "Trouble with backups",
            LetterKind::KitMade => "New recovery kit",
        }
    }

    /// The fields without which the letter makes no sense. The name of the firm and its telephone number are known when it is sent.
    pub const fn needs(self) -> &'static [&'static str] {
        match self {
            LetterKind::Invite => &["name", "by", "link", "ends"],
            LetterKind::Reset | LetterKind::Recover => &["name", "link", "ends"],
            LetterKind::RecoverSoon | LetterKind::NewDevice | LetterKind::CodesWrong | LetterKind::Rescue => &["name", "link", "at"],
            LetterKind::FactorChanged | LetterKind::Backups => &["name", "link", "what", "at"],
            LetterKind::Test => &["link"],
            LetterKind::KitMade => &["name", "link", "by", "at"],
            LetterKind::ExportAsked | LetterKind::ExportApproved => &["name", "link", "by", "what", "at"],
            LetterKind::ExportAlone => &["name", "link", "what", "at"],
            LetterKind::ExportReady => &["name", "link", "what", "ends"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_unknown_ones_do_not() {
        for kind in LetterKind::ALL {
            assert_eq!(LetterKind::from_value(kind.value()), Some(kind));
        }
        assert_eq!(LetterKind::from_value("circular"), None);
    }
}
