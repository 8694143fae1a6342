//! Words about contacts: what their names, papers and ties are, and which part they play in a case. Closed lists, so that a check for
//! conflicts knows what it reads.

/// A closed list of words: the code in the database and in forms, and the words on pages.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $value:literal, $words:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$of])* $variant,)* }

        impl $name {
            /// All of them, in the order in which they are offered.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The word kept in the database and used in forms.
            pub const fn value(self) -> &'static str {
                match self { $($name::$variant => $value,)* }
            }

            /// The words shown on pages.
            pub const fn words(self) -> &'static str {
                match self { $($name::$variant => $words,)* }
            }

            /// From the word kept in the database and used in forms.
            pub fn from_value(value: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|known| known.value() == value)
            }
        }
    };
}

words! {
    /// Why somebody has another name.
    AliasKind {
        /// A name before marriage or a change of name.
        Before = "before", "Name before";
        /// The name under which a business trades.
        Trading = "trading", "Trading as";
        /// The same name in another script.
        Script = "script", "In another script";
        /// Any other.
        Other = "other", "Also known as";
    }
}

words! {
    /// What sort of paper says who somebody is.
    IdentityKind {
        /// A passport.
        Passport = "passport", "Passport";
        /// A residence permit or visa.
        Permit = "permit", "Residence permit or visa";
        /// A national identity card.
        Card = "card", "Identity card";
        /// A driving licence.
        Licence = "licence", "Driving licence";
        /// An entry in a register of companies.
        Register = "register", "Company registration";
        /// Any other.
        Other = "other", "Other";
    }
}

words! {
    /// How the left contact stands to the right one.
    LinkKind {
        /// Married, or partners.
        Spouse = "spouse", "is the spouse or partner of";
        /// Parent and child.
        Parent = "parent", "is a parent of";
        /// Brother or sister.
        Sibling = "sibling", "is a brother or sister of";
        /// Employer and employee.
        Employer = "employer", "employs";
        /// Director, officer or trustee.
        Director = "director", "is a director or officer of";
        /// Owner or shareholder.
        Owner = "owner", "owns";
        /// Adviser and advised.
        Adviser = "adviser", "advises";
        /// Any other.
        Other = "other", "is connected with";
    }
}

impl LinkKind {
    /// The words from the other side: what the right contact is to the left one.
    pub const fn back(self) -> &'static str {
        match self {
            LinkKind::Parent => "is a child of",
            LinkKind::Employer => "works for",
            LinkKind::Director => "has as director or officer",
            LinkKind::Owner => "is owned by",
            LinkKind::Adviser => "is advised by",
            both => both.words(),
        }
    }

    /// Whether it says the same from both sides.
    pub const fn is_mutual(self) -> bool {
        matches!(self, LinkKind::Spouse | LinkKind::Sibling | LinkKind::Other)
    }

    /// Whether nobody can stand so to themselves over others: nobody is their own grandparent, and no company owns its owner's owner in full.
    pub const fn is_an_order(self) -> bool {
        matches!(self, LinkKind::Parent)
    }
}

words! {
    /// Which part a contact plays in a case.
    Part {
        /// The firm acts for them.
        Client = "client", "Client";
        /// Sponsors the client.
        Sponsor = "sponsor", "Sponsor";
        /// Family of the client.
        Family = "family", "Family member";
        /// Employs the client.
        Employer = "employer", "Employer";
        /// Against the client.
        OtherSide = "other_side", "Other side";
        /// Acts for the other side.
        TheirAdviser = "their_adviser", "Adviser of the other side";
        /// Instructed for the client.
        Counsel = "counsel", "Counsel or expert";
        /// A witness or referee.
        Witness = "witness", "Witness or referee";
        /// Answers for a debt of the client.
        Guarantor = "guarantor", "Guarantor";
        /// Any other.
        Other = "other", "Other";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back() {
        for part in Part::ALL {
            assert_eq!(Part::from_value(part.value()), Some(*part));
        }
        for kind in LinkKind::ALL {
            assert_eq!(LinkKind::from_value(kind.value()), Some(*kind));
            assert_eq!(kind.is_mutual(), kind.words() == kind.back(), "{kind:?}");
        }
        assert_eq!(AliasKind::from_value("maiden"), None);
        assert_eq!(IdentityKind::ALL.len(), 6);
    }
}
