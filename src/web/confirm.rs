//! Showing once more that it is still the one who signed in, before something dangerous (ASVS 7.5.1). The door of a page leads here, and
//! from here back to it.

use super::{
    desk::{Desk, SESSION, cookie, first_page},
    device::Device,
    oops::Oops,
    page::{Page, View},
    posted::{Button, Posted},
    sign::safe_next,
    view::{Mistake, mistakes},
};
use keys::nonce::Token;
use rocket::{
    Either, FromForm, get,
    http::{CookieJar, Status},
    post,
    response::{Redirect, status::NoContent},
};
use rules::{Actor, Problem, Refusal, Secret, Verb, text};
use serde::Serialize;
use store::{
    sign::Proof,
    user,
};

#[derive(Serialize)]
pub(super) struct ConfirmView {
    problems: Vec<Mistake>,
    /// For how long it counts.
    minutes: i64,
    server_time: String,
    next: String,
}

impl View for ConfirmView {
    const TEMPLATE: &'static str = "sign/confirm.html";
}

/// The address by which tries are counted.
async fn own_email(desk: &Desk<'_>) -> Result<Secret<String>, Refusal> {
    desk.read(|tx| user::own_email(&tx.own(Verb::AccountView))).await
}

fn page(desk: &Desk<'_>, next: String, problem: Option<Problem>) -> Page<ConfirmView> {
    let status = if problem.is_some() { Status::UnprocessableEntity } else { Status::Ok };
    let view = ConfirmView {
        problems: mistakes(problem.into_iter().collect()),
        minutes: Actor::STEP_UP,
        server_time: desk.site().now().clock(&desk.site().firm().zone),
        next,
    };
    Page::new(desk.shell(""), view).with(status)
}

#[get("/confirm?<next>")]
pub(super) fn ask(desk: Desk<'_>, next: Option<&str>) -> Page<ConfirmView> {
    page(&desk, safe_next(next), None)
}

#[derive(FromForm)]
pub(super) struct Typed {
    #[field(default = String::new())]
    code: String,
    #[field(default = String::new())]
    next: String,
}

#[post("/confirm", data = "<form>")]
pub(super) async fn take(desk: Desk<'_>, device: Device<'_>, jar: &CookieJar<'_>, form: Posted<Typed>) -> Result<Either<Redirect, Page<ConfirmView>>, Oops> {
    let Typed { code, next } = form.into_inner();
    let (next, site) = (safe_next(Some(&next)), desk.site());
    let Some(code) = text::code(&code) else {
        let problem = Problem::new("code", "Type the six digits that your app shows");
        return Ok(Either::Right(page(&desk, next, Some(problem))));
    };
    let email = own_email(&desk).await?;
    let counted = match device.knock(site, Some(email.expose())).await? {
        Ok(counted) => counted,
        Err(held) => return Ok(Either::Right(page(&desk, next, Some(Problem::new("code", held))).with(Status::TooManyRequests))),
    };
    let fresh = Token::new().map_err(Refusal::fault)?;
    if !site.step_up(&desk.actor(), Proof::Code(Some(code)), &fresh).await? {
        let time = site.now().clock(&site.firm().zone);
        let text = format!("The code is not right, or was used already. Wait for the next one and type that. The server’s time is {time}; if your phone shows another, set its clock.");
        return Ok(Either::Right(page(&desk, next, Some(Problem::new("code", text)))));
    }
    site.relieve(counted).await?;
    jar.add(cookie(SESSION, &fresh));
    let first = first_page(desk.session().role);
    Ok(Either::Left(Redirect::to(if next.is_empty() { first.to_owned() } else { next })))
}

/// Asked for by the script of a page when the session is about to end. Looking the session up was the use that counts.
#[post("/session/stay", data = "<form>")]
pub(super) fn stay(_desk: Desk<'_>, form: Posted<Button>) -> NoContent {
    let Button = form.into_inner();
    NoContent
}
