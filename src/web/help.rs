//! Help: how signing in works, whom to call, what the levels mean, the keys.

use super::{
    desk,
    oops::Oops,
    page::{Page, Shell, View},
};
use rocket::{
    Request, get,
    request::{FromRequest, Outcome},
};
use rules::Refusal;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct HelpView {
    signed: bool,
}

impl View for HelpView {
    const TEMPLATE: &'static str = "help.html";
}

/// The frame for whoever asks, signed in or not.
pub(super) struct Frame(Option<Shell>, bool);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Frame {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(match desk::signed(request) {
            Ok(Some(signed)) => Frame(Some(Shell::of(signed, "")), true),
            _ => Frame(desk::site(request).map(Shell::bare), false),
        })
    }
}

#[get("/help")]
pub(super) fn page(frame: Frame) -> Result<Page<HelpView>, Oops> {
    let Frame(shell, signed) = frame;
    Ok(Page::new(shell.ok_or(Refusal::NotFound)?, HelpView { signed }))
}
