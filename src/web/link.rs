//! Ids in paths. Taking one cannot fail: whether it is genuine is found out when the object is opened.

use rocket::request::FromParam;
use rules::{Entity, Sealed};

/// An opaque id in a path.
#[derive(Clone)]
pub(super) struct Id<E: Entity>(pub(super) Sealed<E>);

impl<E: Entity> FromParam<'_> for Id<E> {
    type Error = std::convert::Infallible;

    fn from_param(text: &str) -> Result<Self, Self::Error> {
        Ok(Id(Sealed::from_url(text)))
    }
}

/// Path of a case, or of one of its pages.
pub(super) fn case(id: &Sealed<rules::Case>, page: &str) -> String {
    match page {
        "" => format!("/cases/{id}"),
        page => format!("/cases/{id}/{page}"),
    }
}

/// Path of an account, for those who look after it, or of one of its pages.
pub(super) fn person(id: &Sealed<rules::User>, page: &str) -> String {
    match page {
        "" => format!("/people/{id}"),
        page => format!("/people/{id}/{page}"),
    }
}

/// Path of an action on a team.
pub(super) fn team(id: &Sealed<rules::Team>, action: &str) -> String {
    format!("/teams/{id}/{action}")
}

/// Path of an action on an export.
pub(super) fn export(id: &Sealed<rules::Export>, action: &str) -> String {
    format!("/system/export/{id}/{action}")
}

/// Path of a document, or of one of its actions.
pub(super) fn document(id: &Sealed<rules::Document>, action: &str) -> String {
    match action {
        "" => format!("/documents/{id}"),
        action => format!("/documents/{id}/{action}"),
    }
}

/// Path of a contact, or of one of its pages or actions.
pub(super) fn contact(id: &Sealed<rules::Contact>, page: &str) -> String {
    match page {
        "" => format!("/contacts/{id}"),
        page => format!("/contacts/{id}/{page}"),
    }
}
