//! Errors become pages, here and nowhere else.
//!
//! Policy: the status says what kind, the sentences say what to do, nothing from inside is shown. A fault is logged under an incident
//! number, and the page shows only the number. "Not found" is the same page whether the thing exists or not.

use super::{
    class, desk,
    page::{Page, Shell, View},
    unsent::{Field, Lack},
    view::When,
};
use rocket::{
    Catcher, Request, catch, catchers,
    http::{ContentType, Status},
    response::{self, Responder, Response},
};
use rules::Refusal;
use serde::Serialize;
use std::io::Cursor;

/// A refusal on its way to becoming a page.
pub(super) struct Oops(Refusal);

impl From<Refusal> for Oops {
    fn from(refusal: Refusal) -> Oops {
        Oops(refusal)
    }
}

/// What a guard answers with when the session could not be looked up: the page comes from the cause, which is kept with the request.
pub(super) const TROUBLE: Status = Status::InternalServerError;

#[derive(Serialize)]
pub(super) struct OopsView {
    code: u16,
    title: &'static str,
    text: String,
    hints: Vec<&'static str>,
    incident: Option<String>,
    at: Option<When>,
    typed: Vec<Field>,
    /// Where to sign in, or to show that it is still them.
    go: Option<String>,
    confirm: bool,
    back: Option<Back>,
}

/// The way back to what may be read.
#[derive(Serialize)]
struct Back {
    href: String,
    label: &'static str,
}

impl View for OopsView {
    const TEMPLATE: &'static str = "oops.html";
}

/// What somebody gets who comes from a network that the site lets nobody in from: of two pages with 403 this one says so.
pub(super) const OUTSIDE: Status = Status::Forbidden;

/// Clients have no colleagues here, and the administrator is given no case.
const FOR_STAFF: &str = "If a colleague gave you the link, ask the owner of the case for access.";

/// Status, title, sentence and hints for a status without a sentence of its own.
fn words(status: Status) -> (&'static str, &'static str, &'static [&'static str]) {
    match status.code {
        401 => ("Please sign in again", "Your session is over, so that what you sent was not kept.", &[]),
        403 => ("That form could not be accepted", "This form is too old or came from another site, so that nothing was changed.", &["Go back, load the page again and send the form once more.", "If you followed a link from elsewhere, do not trust it."]),
        404 => (
            "We cannot show you that page",
            "Either it does not exist, or it is not yours to see. For the safety of everyone’s files we do not say which.",
            &["If you typed the address, check it.", "If you have another account here, sign in with that one.", FOR_STAFF],
        ),
        405 => ("That cannot be done here", "This page does not take that kind of request.", &[]),
        409 => ("Somebody was quicker", "A colleague has changed this in the meantime. Nothing of yours was kept, so that nothing of theirs is lost.", &["Go back, load the page again and make your change once more."]),
        413 => ("That is too large", "What you sent is larger than this site takes. Nothing of it was kept.", &["Send large files one at a time, or split them."]),
        416 => ("There is no such part", "The part of the file that was asked for lies behind its end.", &[]),
        422 | 400 => ("We could not read what you sent", "The form arrived incomplete, and nothing of it was kept.", &["Go back and send it again."]),
        429 => ("Too many tries", "Wait a minute, then try again.", &[]),
        503 => ("Too much is going on", "The server is busy. Nothing was lost and nothing was changed. Try again in a moment.", &[]),
        507 => ("The disk is full", "Nothing new can be kept until there is room. Everything that was kept is safe, and reading goes on.", &["Tell your system administrator now."]),
        _ => ("Something went wrong here, not with you", "The page stopped before it was finished. Nothing was half saved: either all of your change is in, or none of it.", &["If you call about this, the incident number is all we need. It says nothing about your case."]),
    }
}

fn view(status: Status, sentence: Option<String>) -> OopsView {
    let (title, text, hints) = words(status);
    OopsView { code: status.code, title, text: sentence.unwrap_or_else(|| text.into()), hints: hints.to_vec(), incident: None, at: None, typed: Vec::new(), go: None, confirm: false, back: None }
}

/// The page of the case or document of which `path` is a part.
fn back(path: &str) -> Option<Back> {
    let (kind, rest) = path.strip_prefix('/')?.split_once('/')?;
    let id = rest.split('/').next()?;
    let label = match kind {
        "cases" => "Back to the case",
        "documents" => "Back to the document",
        "people" => "Back to the account",
        _ => return None,
    };
    Some(Back { href: format!("/{kind}/{id}"), label })
}

/// Eight hexadecimal digits, to be read out on the telephone.
fn incident() -> String {
    let bytes = keys::nonce::random::<4>().unwrap_or_default();
    let digits = keys::nonce::hex(&bytes).to_uppercase();
    digits.split_at_checked(4).map_or_else(|| digits.clone(), |(a, b)| format!("{a}-{b}"))
}

impl<'r> Responder<'r, 'static> for Oops {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        answer(&self.0, request)
    }
}

fn answer(refusal: &Refusal, request: &Request<'_>) -> response::Result<'static> {
    let (status, sentence) = match refusal {
        Refusal::NotFound => (Status::NotFound, None),
        Refusal::Invalid(problems) => (Status::UnprocessableEntity, Some(problems.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join(" "))),
        Refusal::Conflict => (Status::Conflict, None),
        Refusal::Forbidden(why) => (Status::Forbidden, Some(why.clone())),
        Refusal::Busy => (Status::ServiceUnavailable, None),
        Refusal::Full => (Status::InsufficientStorage, None),
        Refusal::Stopped => (Status::ServiceUnavailable, Some("Nothing can be changed just now: the system administrator has to look at the server first. Reading goes on.".into())),
        Refusal::Damaged(cause) | Refusal::Fault(cause) => return fault(cause, request),
    };
    let mut view = view(status, sentence);
    if status == Status::Forbidden {
        (view.title, view.hints) = ("You may not do that here", Vec::new());
        view.back = back(request.uri().path().as_str());
    }
    send(view, status, request)
}

/// The page for somebody who has to sign in, or show that it is them, before a form is taken: with what they typed and the way on.
pub(super) fn unsent(typed: Vec<Field>, lack: Lack, go: String, request: &Request<'_>) -> response::Result<'static> {
    let mut view = OopsView { typed, go: Some(go), ..view(Status::Unauthorized, None) };
    if lack == Lack::Confirmation {
        view.title = "Show first that it is you";
        view.text = "This is one of the things for which a code is asked again, so that nobody does them at a screen you left. What you sent was not kept.".into();
        view.confirm = true;
    }
    send(view, Status::Unauthorized, request)
}

fn fault(cause: &str, request: &Request<'_>) -> response::Result<'static> {
    let number = incident();
    tracing::error!(incident = number, cause, "a request failed");
    let mut view = view(Status::InternalServerError, None);
    view.incident = Some(number);
    if let Some(site) = desk::site(request) {
        view.at = Some(When::exact(site.now(), &site.firm().zone));
    }
    send(view, Status::InternalServerError, request)
}

fn send(mut view: OopsView, status: Status, request: &Request<'_>) -> response::Result<'static> {
    if wants_json(request) {
        let body = serde_json::json!({ "error": view.text }).to_string();
        return Response::build().status(status).header(ContentType::JSON).sized_body(body.len(), Cursor::new(body)).ok();
    }
    let shell = match desk::signed(request) {
        Ok(Some(signed)) => {
            if !signed.session.role.works() {
                view.hints.retain(|hint| *hint != FOR_STAFF);
            }
            Shell::of(signed, "")
        }
        _ => Shell::bare(desk::site(request).ok_or(status)?),
    };
    let rendered = Page::new(shell, view).with(status).render(request);
    let mut response = rendered.map_err(|refusal| {
        tracing::error!(cause = %refusal, "the error page failed");
        Status::InternalServerError
    })?;
    if status == Status::ServiceUnavailable {
        response.set_raw_header("Retry-After", "2");
    }
    Ok(response)
}

/// Whether the script of the page asks, which shows the sentence in its own place.
pub(super) fn wants_json(request: &Request<'_>) -> bool {
    request.headers().get_one("Accept").is_some_and(|accept| accept.starts_with("application/json"))
}

/// A status that no handler gave a page.
struct Bare(Status);

impl<'r> Responder<'r, 'static> for Bare {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        if !class::through_the_gate(request) {
            return Response::build().status(Status::NotFound).ok();
        }
        match (self.0.code, desk::signed(request)) {
            (500, Err(refusal)) => answer(refusal, request),
            (500.., _) if self.0 != Status::ServiceUnavailable => fault(&format!("status {}", self.0.code), request),
            _ => send(view(self.0, None), self.0, request),
        }
    }
}

#[catch(default)]
fn any(status: Status, _: &Request<'_>) -> Bare {
    Bare(status)
}

pub(super) fn catchers() -> Vec<Catcher> {
    catchers![any]
}
