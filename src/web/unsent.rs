//! A form that came after its session was over. Nothing of it is kept, but what was typed goes back to whoever typed it.

use super::{oops, posted::comes_from_here};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rocket::{
    Request,
    data::{ByteUnit, Data},
    response::{self, Responder},
};
use serde::Serialize;

/// Longest form that is read for this, in bytes. None of ours is longer.
const LONGEST: u64 = 64 * 1024;
/// Most fields that are shown.
const MOST: usize = 12;

/// The fields that are shown again, and what they are called on their pages. A field that is not here was not typed, or is secret.
const LABELS: [(&str, &str); 19] = [
    ("title", "Title"),
    ("summary", "Summary"),
    ("outcome", "Outcome"),
    ("reason", "Why"),
    ("wall_reason", "Reason for the wall"),
    ("unwall_reason", "Why the wall comes down"),
    ("name", "Name"),
    ("words", "What they do"),
    ("email", "E-mail address"),
    ("contact_name", "Name of the contact"),
    ("check", "How you made sure who it is"),
    ("terms", "Terms"),
    ("host", "Mail server"),
    ("from", "Sender"),
    ("url", "Address of this site"),
    ("phone", "Telephone number"),
    ("administrator", "Networks of system administrators"),
    ("staff", "Networks of the firm"),
    ("all", "Networks of everybody"),
];

/// A field as it was filled in.
#[derive(Serialize)]
pub(super) struct Field {
    label: &'static str,
    value: String,
    rows: usize,
}

/// The answer to such a form.
pub(super) struct Unsent {
    typed: Vec<Field>,
    lack: Lack,
    go: String,
}

/// What was missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// The session is over.
    Session,
    /// A factor was not shown within five minutes.
    Confirmation,
}

impl Unsent {
    /// Reads the form, if one of our own pages sent it.
    pub(super) async fn of(request: &Request<'_>, data: Data<'_>, lack: Lack) -> Unsent {
        let is_form = request.content_type().is_some_and(|kind| kind.is_form());
        let typed = match is_form && comes_from_here(request) {
            true => read(data).await,
            false => Vec::new(),
        };
        let back = form_page(request.uri().path().as_str());
        let head = if lack == Lack::Session { "/sign-in" } else { "/confirm" };
        Unsent { typed, lack, go: format!("{head}?next={}", utf8_percent_encode(&back, NON_ALPHANUMERIC)) }
    }
}

impl<'r> Responder<'r, 'static> for Unsent {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        oops::unsent(self.typed, self.lack, self.go, request)
    }
}

async fn read(data: Data<'_>) -> Vec<Field> {
    match data.open(ByteUnit::Byte(LONGEST)).into_bytes().await {
        Ok(body) if body.is_complete() => fields(&String::from_utf8_lossy(&body)),
        _ => Vec::new(),
    }
}

fn fields(body: &str) -> Vec<Field> {
    let text = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = body.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (text(name), text(value)));
    let typed = pairs.filter(|(_, value)| !value.trim().is_empty());
    let known = typed.filter_map(|(name, value)| LABELS.iter().find(|(known, _)| *known == name).map(|(_, label)| (*label, value)));
    known.take(MOST).map(|(label, value)| Field { label, rows: (value.len() / 80 + value.lines().count()).clamp(1, 12), value }).collect()
}

/// The page on which the form stands, of the path that it is sent to.
fn form_page(path: &str) -> String {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["cases"] => "/cases/new".into(),
        ["cases", id, page @ ("edit" | "access" | "documents"), ..] => format!("/cases/{id}/{page}"),
        ["documents", id, ..] => format!("/documents/{id}"),
        ["account", page @ ("password" | "authenticator" | "codes" | "questions"), ..] => format!("/account/{page}"),
        ["account", ..] => "/account".into(),
        ["people", id, ..] if id.len() == 32 => format!("/people/{id}"),
        ["people", ..] => "/people/new".into(),
        ["teams", ..] => "/teams".into(),
        ["system", "kit", ..] => "/system/kit".into(),
        ["system", ..] => "/system".into(),
        ["settings", page, ..] => format!("/settings/{page}"),
        _ => "/".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back_and_what_is_secret_does_not() {
        let typed = fields("csrf=token&title=Adeyemi%3A+spouse&summary=One%0D%0Atwo&password=secret&code=123456&owner=AAAA&outcome=&new_field=x&broken");
        let seen: Vec<(&str, &str)> = typed.iter().map(|field| (field.label, field.value.as_str())).collect();
        assert_eq!(seen, [("Title", "Adeyemi: spouse"), ("Summary", "One\r\ntwo")]);
        assert_eq!(fields(&"title=b&".repeat(1000)).len(), MOST);
    }

    #[test]
    fn the_way_back_is_a_page() {
        let rows = [
            ("/cases", "/cases/new"),
            ("/cases/x/edit", "/cases/x/edit"),
            ("/cases/x/access/wall", "/cases/x/access"),
            ("/cases/x/documents", "/cases/x/documents"),
            ("/documents/x/trash", "/documents/x"),
            ("/account/theme", "/account"),
            ("/sign-out", "/"),
            ("//evil.example", "/"),
        ];
        for (path, page) in rows {
            assert_eq!(form_page(path), page, "{path}");
        }
    }
}
