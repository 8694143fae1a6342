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
    SignInFailed = "sign.fail", "did not get in: wrong password or code", "sign in", false;
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
    /// A document moved to the trash.
    DocumentTrash = "document.trash", "moved a document to the trash", "move a document to the trash", true;
    /// A document brought back from the trash.
    DocumentRestore = "document.restore", "brought a document back from the trash", "bring a document back from the trash", true;
    /// Who can see a case, and why.
    AccessView = "access.view", "looked at who can see the case", "look at or change who can see the case", false;
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
