//! The kinds of thing that have an address, and the opaque form in which an address carries their id.

use std::{fmt, marker::PhantomData};

/// A type that names a [`Kind`] at compile time, so that an id of one kind is not taken for another.
pub trait Entity: Send + Sync + 'static {
    /// The kind this type stands for.
    const KIND: Kind;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $tag:literal;)*) => {
        /// Every kind of thing with an id.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The number that stands for the kind in the trail and in sealed ids. Part of the format: never changed, never used again.
            pub const fn tag(self) -> u8 {
                match self { $(Kind::$name => $tag,)* }
            }

            /// From the number kept in the trail. Two kinds of one number do not compile.
            #[deny(unreachable_patterns)]
            pub const fn from_tag(tag: u8) -> Option<Kind> {
                match tag {
                    $($tag => Some(Kind::$name),)*
                    _ => None,
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl Entity for $name {
                const KIND: Kind = Kind::$name;
            }
        )*
    };
}

kinds! {
    /// A piece of work for clients.
    Case = 1;
    /// A file that belongs to one case.
    Document = 2;
    /// An account.
    User = 3;
    /// Somebody being signed in, in one browser.
    Session = 4;
    /// What somebody proves themselves with, besides the password.
    Factor = 5;
    /// Several people of the firm under one name.
    Team = 6;
    /// A person or organisation of the outside world; not an account.
    Contact = 7;
    /// A browser in which somebody has signed in before.
    Device = 8;
    /// An export that somebody asked for.
    Export = 9;
    /// A document that says who a contact is: a passport, a permit.
    Identity = 10;
    /// Contacts that came from a file.
    Import = 11;
}

/// An id as it stands in a URL or a form: opaque, bound to its kind and site. Only the store can open it.
///
/// Any text makes one: whether it is genuine is found out when it is opened, so that a malformed id, a foreign id
/// and an id one may not see all end in the same "not found".
pub struct Sealed<E> {
    text: Box<str>,
    kind: PhantomData<E>,
}

impl<E: Entity> Sealed<E> {
    /// Takes what stood in the URL. Cannot fail; of text longer than any genuine id nothing is kept, which keeps it wrong.
    pub fn from_url(text: &str) -> Self {
        let text = if text.len() > 64 { "" } else { text };
        Sealed { text: text.into(), kind: PhantomData }
    }

    /// The text as it stands in URLs: 32 base64url characters when genuine.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<E> Clone for Sealed<E> {
    fn clone(&self) -> Self {
        Sealed { text: self.text.clone(), kind: PhantomData }
    }
}

impl<E> fmt::Debug for Sealed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E> fmt::Display for Sealed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_tag(kind.tag()), Some(*kind));
        }
        assert_eq!(Kind::from_tag(0), None);
    }

    #[test]
    fn any_text_makes_an_id_and_long_text_an_empty_one() {
        assert_eq!(Sealed::<Case>::from_url("../x").as_str(), "../x");
        assert_eq!(Sealed::<Case>::from_url(&"a".repeat(500)).as_str(), "");
    }
}
