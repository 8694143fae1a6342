//! The kinds of thing that have an address, and the opaque form in which an address carries their id.

use std::{fmt, marker::PhantomData};

/// Every kind of thing with an id. Matched exhaustively wherever a kind makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A piece of work for clients.
    Case,
    /// A file that belongs to one case.
    Document,
    /// An account.
    User,
}

impl Kind {
    /// The number that stands for the kind in the trail and in sealed ids. Never reused.
    pub const fn tag(self) -> u8 {
        match self {
            Kind::Case => 1,
            Kind::Document => 2,
            Kind::User => 3,
        }
    }
}

/// A type that names a [`Kind`] at compile time, so that an id of one kind is not taken for another.
pub trait Entity: Send + Sync + 'static {
    /// The kind this type stands for.
    const KIND: Kind;
}

/// Marks ids and proofs of cases.
#[derive(Debug, Clone, Copy)]
pub struct Case;
/// Marks ids and proofs of documents.
#[derive(Debug, Clone, Copy)]
pub struct Document;
/// Marks ids of users.
#[derive(Debug, Clone, Copy)]
pub struct User;

impl Entity for Case {
    const KIND: Kind = Kind::Case;
}
impl Entity for Document {
    const KIND: Kind = Kind::Document;
}
impl Entity for User {
    const KIND: Kind = Kind::User;
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
    /// Takes what stood in the URL. Cannot fail; text longer than any genuine id is cut, which keeps it wrong.
    pub fn from_url(text: &str) -> Self {
        let text = text.get(..64).unwrap_or(text);
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
    fn tags_differ() {
        let mut tags = [Kind::Case, Kind::Document, Kind::User].map(Kind::tag).to_vec();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 3);
    }

    #[test]
    fn any_text_makes_an_id_and_long_text_is_cut() {
        assert_eq!(Sealed::<Case>::from_url("../x").as_str(), "../x");
        assert_eq!(Sealed::<Case>::from_url(&"a".repeat(500)).as_str().len(), 64);
    }
}
