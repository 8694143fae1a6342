//! What the trail can say that somebody did: a closed list, so that every entry has words and none carries free text.

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $words:literal, $tried:literal, $changes:literal;)*) => {
        /// One thing that somebody did or tried.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Verb { $($(#[$doc])* $name,)* }

        impl Verb {
            /// All of them.
            pub const ALL: &'static [Verb] = &[$(Verb::$name,)*];

            /// The code kept in the trail. Part of the format: never changed, never used again.
            pub const fn value(self) -> &'static str {
                match self { $(Verb::$name => $value,)* }
            }

            /// What it reads like after a name: "Priya Nair …".
            pub const fn words(self) -> &'static str {
                match self { $(Verb::$name => $words,)* }
            }

            /// What it reads like after "tried to", when it was refused.
            pub const fn tried(self) -> &'static str {
                match self { $(Verb::$name => $tried,)* }
            }

            /// Whether it changes something about a case, as against looking at it.
            pub const fn changes_a_case(self) -> bool {
                match self { $(Verb::$name => $changes,)* }
            }
        }
    };
}

// Name = code in the trail, words after a name, words after "tried to", whether it changes a case.
verbs! {
    /// Password and code were right.
    SignIn = "sign.in", "signed in", "sign in", false;
    /// Password or code was wrong.
    SignInFailed = "sign.fail", "did not get in: wrong password, code or passkey", "sign in", false;
    /// The session was ended by its owner.
    SignOut = "sign.out", "signed out", "sign out", false;
    /// A page or form was asked for without the right to it.
    Stranger = "refuse", "asked for a page that is not theirs", "open a page that is not theirs", false;
    /// A form came without its token or from another site.
    Forged = "refuse.form", "sent a form without a valid token", "send a form without a valid token", false;
    /// The list of cases, filtered or not.
    CaseList = "case.list", "listed cases", "list cases", false;
    /// A new case or enquiry.
    CaseOpen = "case.open", "opened the case", "open the case", true;
    /// The case page or its form.
    CaseView = "case.view", "looked at the case", "look at the case", false;
    /// Title, summary, people or status.
    CaseChange = "case.change", "changed the case", "change the case", true;
    /// Another owner.
    CaseHand = "case.hand", "handed the case to", "hand the case to", true;
    /// A supervisor named.
    SupervisionBegin = "case.supervise", "named the supervisor", "name a supervisor", true;
    /// The supervisor taken back, and nobody in their place.
    SupervisionEnd = "case.unsupervise", "ended the supervision by", "end a supervision", true;
    /// The documents of a case.
    DocumentList = "document.list", "listed the documents", "list or add documents", false;
    /// A new document.
    DocumentAdd = "document.add", "added a document", "add a document", true;
    /// The page of a document.
    DocumentView = "document.view", "looked at a document’s details", "look at a document’s details", false;
    /// The content of a document.
    DocumentFetch = "document.fetch", "downloaded a document", "download a document", false;
    /// A new version of a document.
    DocumentVersion = "document.version", "added a version of a document", "add a version of a document", true;
    /// A document checked out: nobody else changes it.
    DocumentCheckOut = "document.check.out", "checked out a document", "check out a document", true;
    /// The same ended.
    DocumentCheckIn = "document.check.in", "checked in a document", "check in a document", true;
    /// A document moved to the trash.
    DocumentTrash = "document.trash", "moved a document to the trash", "move a document to the trash", true;
    /// A document brought back from the trash.
    DocumentRestore = "document.restore", "brought a document back from the trash", "bring a document back from the trash", true;
    /// Who can see a case, and why.
    AccessView = "access.view", "looked at who can see the case", "look at or change who can see the case", false;
    /// Who can see which of the cases that one manages.
    AccessMatrix = "access.matrix", "looked at who sees which cases", "look at who sees which cases", false;
    /// A grant made or changed.
    AccessGrant = "access.grant", "gave access", "give access", true;
    /// A grant taken back.
    AccessRevoke = "access.revoke", "took access back", "take access back", true;
    /// A wall put up.
    WallRaise = "wall.raise", "put up a wall", "put up a wall", true;
    /// A wall taken down.
    WallLower = "wall.lower", "took a wall down", "take a wall down", true;
    /// The trail of a case.
    HistoryView = "history.view", "looked at the history", "look at the history", false;
    /// The page of the appliance.
    SystemView = "system.view", "looked at the system page", "look at the system page", false;
    /// A person's own account page.
    AccountView = "account.view", "looked at their account", "look at their account", false;
    /// A setting of a person's own.
    AccountChange = "account.change", "changed a setting of their account", "change a setting of their account", false;
    /// The first page of a client or of staff.
    HomeView = "home.view", "looked at their first page", "look at their first page", false;
    /// The list of accounts.
    PeopleView = "people.view", "looked at the accounts", "look at the accounts", false;
    /// One account, by those who look after it.
    PersonView = "person.view", "looked at the account of", "look at an account", false;
    /// A new account, and the link to it.
    PersonInvite = "person.invite", "invited", "invite somebody", false;
    /// The link once more; the one before is void.
    PersonResend = "person.resend", "sent a new link to", "send a new link", false;
    /// The link taken back, and the account with it.
    PersonRevoke = "person.revoke", "took back the invitation of", "take back an invitation", false;
    /// Name or words of an account.
    PersonChange = "person.change", "changed the account of", "change an account", false;
    /// Another e-mail address for an account.
    PersonAddress = "person.address", "changed the e-mail address of", "change the e-mail address of an account", false;
    /// Another role.
    PersonRole = "person.role", "changed the role of", "change a role", false;
    /// No way in until taken back.
    PersonSuspend = "person.suspend", "suspended", "suspend somebody", false;
    /// Taken back after having been suspended.
    PersonRestore = "person.restore", "ended the suspension of", "end a suspension", false;
    /// Left the firm for good.
    PersonLeave = "person.leave", "recorded that they left:", "record that somebody left", false;
    /// All ways in taken away after an identity check; a link leads to new ones.
    PersonReset = "person.reset", "reset the ways in of", "reset somebody’s ways in", false;
    /// Whom a client user belongs to.
    PersonLink = "person.link", "changed the contacts of", "change the contacts of an account", false;
    /// A link was used.
    TicketUse = "ticket.use", "used a link to set up their ways in", "use a link", false;
    /// A password chosen or changed.
    PasswordSet = "password.set", "chose a new password", "choose a new password", false;
    /// A new authenticator whose secret was shown, and which does not count yet.
    FactorBegin = "factor.begin", "began to set up another authenticator app", "begin to set up another authenticator app", false;
    /// A factor that was shown to work.
    FactorAdd = "factor.add", "set up a factor", "set up a factor", false;
    /// A factor taken away.
    FactorRemove = "factor.remove", "removed a factor", "remove a factor", false;
    /// A new set of recovery codes; the one before is void.
    CodesMake = "codes.make", "made recovery codes", "make recovery codes", false;
    /// A recovery code let somebody in.
    CodeUse = "codes.use", "signed in with a recovery code", "sign in with a recovery code", false;
    /// The terms of use.
    TermsAccept = "terms.accept", "accepted the terms", "accept the terms", false;
    /// The two questions of the optional way back in.
    AnswersSet = "answers.set", "set their security questions", "set security questions", false;
    /// The way back in by e-mail was asked for.
    RecoverAsk = "recover.ask", "asked for the way back in", "ask for the way back in", false;
    /// Both answers were right.
    RecoverAnswer = "recover.answer", "answered both security questions", "answer the security questions", false;
    /// The way back in was stopped by its owner.
    RecoverCancel = "recover.cancel", "stopped the way back in", "stop the way back in", false;
    /// A factor shown again before something dangerous.
    StepUp = "step.up", "showed again that it is them", "show again that it is them", false;
    /// One session or all others ended.
    SessionEnd = "session.end", "ended a session", "end a session", false;
    /// Too many tries: held off for a time.
    HeldOff = "throttle", "was held off after too many tries", "sign in after too many tries", false;
    /// From a network that may not come.
    Outside = "refuse.network", "came from a network that may not", "come from a network that may not", false;
    /// The settings of the site.
    SettingsView = "settings.view", "looked at the settings", "look at the settings", false;
    /// A setting of the site.
    SettingsChange = "settings.change", "changed the settings", "change the settings", false;
    /// From where people may come.
    NetworksChange = "networks.change", "changed from where people may come", "change from where people may come", false;
    /// Teams and who is in them.
    TeamView = "team.view", "looked at the teams", "look at the teams", false;
    /// A team or who is in it.
    TeamChange = "team.change", "changed a team", "change a team", false;
    /// A new contact.
    ContactAdd = "contact.add", "added a contact", "add a contact", false;
    /// The list of contacts.
    ContactList = "contact.list", "looked for contacts", "look for contacts", false;
    /// A contact’s page or its form.
    ContactView = "contact.view", "looked at the contact", "look at a contact", false;
    /// What a contact’s page says: names, addresses, papers, ties.
    ContactChange = "contact.change", "changed the contact", "change a contact", false;
    /// A duplicate joined to the contact that stays.
    ContactMerge = "contact.merge", "joined a duplicate to the contact", "join a duplicate to a contact", false;
    /// A contact that was made by mistake.
    ContactRemove = "contact.remove", "removed a contact", "remove a contact", false;
    /// Contacts from a file.
    ContactImport = "contact.import", "brought in contacts from a file", "bring in contacts from a file", false;
    /// The same, taken back.
    ContactImportUndo = "contact.import.undo", "took back contacts from a file", "take back contacts from a file", false;
    /// The number of an identity document shown in full.
    IdentityShow = "identity.show", "looked at the number of an identity document of", "look at the number of an identity document", false;
    /// A part in a case.
    PartyAdd = "party.add", "added a party", "add a party", true;
    /// A part that is over.
    PartyEnd = "party.end", "ended the part of", "end the part of a party", true;
    /// Names looked for as a check for conflicts.
    ConflictLook = "conflict.look", "looked for conflicts", "look for conflicts", false;
    /// What was decided about a check for conflicts.
    ConflictDecide = "conflict.decide", "decided about conflicts", "decide about conflicts", true;
    /// Letters that were sent or wait.
    LetterView = "letter.view", "looked at the letters", "look at the letters", false;
    /// A letter sent as a test, or once more.
    LetterSend = "letter.send", "sent a letter", "send a letter", false;
    /// The set-up link was used.
    SetupClaim = "setup.claim", "began to set up the site", "begin to set up the site", false;
    /// A step of setting up.
    SetupStep = "setup.step", "went a step further in setting up", "go a step further in setting up", false;
    /// How the keyring is opened at a start.
    KeyStart = "key.start", "changed how the key is found at a start", "change how the key is found at a start", false;
    /// A recovery kit made or confirmed.
    KeyKit = "key.kit", "made a recovery kit", "make a recovery kit", false;
    /// The key on a kit that waits to be on paper was shown.
    KeyShow = "key.show", "looked at the recovery key", "look at the recovery key", false;
    /// A new root key.
    KeyRotate = "key.rotate", "changed the root key", "change the root key", false;
    /// The last way back in, on the console.
    Rescue = "rescue", "rescued the account of", "rescue an account", false;
    /// A site made, renamed or given a host name.
    SiteChange = "site.change", "changed the sites", "change the sites", false;
    /// The pages of backups.
    BackupView = "backup.view", "looked at the backups", "look at the backups", false;
    /// A backup, or a check, that somebody asked for.
    BackupRun = "backup.run", "had a backup made or looked at", "have a backup made or looked at", false;
    /// A drill that somebody asked for.
    BackupDrill = "backup.drill", "had a backup restored in a drill", "have a backup restored in a drill", false;
    /// What need not be kept at a destination taken away.
    BackupPrune = "backup.prune", "had older backups removed", "have older backups removed", false;
    /// The installation came back from a backup.
    BackupRestore = "backup.restore", "came back from a backup", "come back from a backup", false;
    /// A destination added.
    DestinationAdd = "destination.add", "added a place for backups", "add a place for backups", false;
    /// A destination removed.
    DestinationRemove = "destination.remove", "removed a place of backups", "remove a place of backups", false;
    /// What lets the server in at a destination, given to the console.
    DestinationShow = "destination.show", "had the way to a place of backups told", "have the way to a place of backups told", false;
    /// Schedule or retention of a destination.
    DestinationChange = "destination.change", "changed how backups are made or kept", "change how backups are made or kept", false;
    /// The page of exports.
    ExportView = "export.view", "looked at the exports", "look at the exports", false;
    /// An export of everything, or of all that is kept of one client.
    ExportAsk = "export.ask", "asked for an export", "ask for an export", false;
    /// The second person agreed.
    ExportApprove = "export.approve", "approved an export", "approve an export", false;
    /// The second person did not.
    ExportRefuse = "export.refuse", "refused an export", "refuse an export", false;
    /// Taken back by whoever asked.
    ExportWithdraw = "export.withdraw", "took back an export", "take an export back", false;
    /// Nobody answered in time.
    ExportLapse = "export.lapse", "let an export lapse that nobody answered", "let an export lapse", false;
    /// From the console, without a second person.
    ExportAlone = "export.alone", "made an export without a second person", "make an export without a second person", false;
    /// Prepared as an encrypted file on this server.
    ExportMake = "export.make", "prepared an export", "prepare an export", false;
    /// Begun anew after it had failed.
    ExportAgain = "export.again", "began to prepare an export anew", "begin to prepare an export anew", false;
    /// Taken off this server.
    ExportFetch = "export.fetch", "fetched an export", "fetch an export", false;
    /// The prepared file removed.
    ExportRemove = "export.remove", "removed a prepared export", "remove a prepared export", false;
    /// What stands in the trail has no meaning: it was changed from outside. Never written.
    Unreadable = "unreadable", "did something that can no longer be read", "do something that can no longer be read", false;
}

impl Verb {
    /// From the code kept in the trail.
    pub fn from_value(value: &str) -> Option<Verb> {
        Verb::ALL.iter().copied().find(|verb| verb.value() == value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_come_back() {
        for verb in Verb::ALL {
            assert_eq!(Verb::from_value(verb.value()), Some(*verb));
        }
    }
}
