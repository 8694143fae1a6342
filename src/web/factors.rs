//! One's own ways in: password, authenticator app, recovery codes. Each page is reached only after a factor was shown within five minutes.

use super::{
    desk::Desk,
    device::Device,
    enrol,
    oops::Oops,
    page::{Page, View},
    passwords,
    posted::{Button, Posted},
    qr::Qr,
    said::Said,
    view::{Mistake, mistakes},
};
use keys::password::Verdict;
use rocket::{FromForm, get, http::Status, post, response::Redirect};
use rules::{Problem, Refusal, Secret, Verb};
use serde::Serialize;
use store::{
    factor, recovery,
    user,
};

/// Led on, or the page again.
type Done<V> = Result<Result<Redirect, Page<V>>, Oops>;

const fn status(problems: &[Problem]) -> Status {
    if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity }
}

#[derive(Serialize)]
pub(super) struct PasswordView {
    problems: Vec<Mistake>,
    email: String,
    hint: String,
}

impl View for PasswordView {
    const TEMPLATE: &'static str = "account/password.html";
}

async fn own_email(desk: &Desk<'_>) -> Result<Secret<String>, Refusal> {
    desk.read(|tx| user::own_email(&tx.own(Verb::AccountView))).await
}

fn password_page(desk: &Desk<'_>, email: &Secret<String>, problems: Vec<Problem>) -> Page<PasswordView> {
    let hint = format!("{} characters or more. Four words that do not belong together do well.", rules::password::MIN);
    let status = status(&problems);
    Page::new(desk.shell("account"), PasswordView { problems: mistakes(problems), email: email.expose().clone(), hint }).with(status)
}

#[get("/account/password")]
pub(super) async fn password_form(desk: Desk<'_>) -> Result<Page<PasswordView>, Oops> {
    let email = own_email(&desk).await?;
    Ok(password_page(&desk, &email, Vec::new()))
}

#[derive(FromForm)]
pub(super) struct Passwords {
    #[field(default = String::new())]
    current: String,
    #[field(default = String::new())]
    password: String,
}

#[post("/account/password", data = "<form>")]
pub(super) async fn password(desk: Desk<'_>, device: Device<'_>, form: Posted<Passwords>) -> Done<PasswordView> {
    let form = form.into_inner();
    let email = own_email(&desk).await?;
    let (firm, me) = (desk.site().firm().name, desk.session().name.clone());
    if let Err(problem) = rules::password::check("password", &form.password, &[&firm, &me, email.expose()]) {
        return Ok(Err(password_page(&desk, &email, vec![problem])));
    }
    let counted = match device.knock(desk.site(), Some(email.expose())).await? {
        Ok(counted) => counted,
        Err(held) => return Ok(Err(password_page(&desk, &email, vec![Problem::new("current", held)]).with(Status::TooManyRequests))),
    };
    let stored = desk.site().own_hash(&desk.actor())?;
    let current = Secret::new(form.current.chars().take(rules::password::MAX + 1).collect::<String>());
    let (verdict, counted) = passwords::judge(desk.inside(), desk.site(), device.from(), (&current, Some(&stored)), counted).await?;
    if verdict == Verdict::Wrong {
        desk.site().tell_refusal(Some(&desk.actor()), device.from(), Verb::PasswordSet)?;
        return Ok(Err(password_page(&desk, &email, vec![Problem::new("current", "This is not your password. Type the one that you signed in with.")])));
    }
    desk.site().give_back(counted).await?;
    let hash = passwords::hash(desk.inside(), desk.site(), device.from(), &Secret::new(form.password)).await?;
    desk.write(move |tx| user::set_password(&tx.own_confirmed(Verb::PasswordSet)?, &hash)).await?;
    Ok(Ok(Redirect::to(Said::PasswordChanged.at("/account"))))
}

#[derive(Serialize)]
pub(super) struct AppView {
    problems: Vec<Mistake>,
    /// What is put into the app; none before it was begun.
    waiting: Option<Waiting>,
    server_time: String,
}

#[derive(Serialize)]
struct Waiting {
    qr: Qr,
    uri: String,
    key: String,
}

impl View for AppView {
    const TEMPLATE: &'static str = "account/authenticator.html";
}

async fn app_page(desk: &Desk<'_>, problems: Vec<Problem>) -> Result<Page<AppView>, Oops> {
    let (email, secret) = desk
        .read(|tx| {
            let own = tx.own(Verb::AccountView);
            Ok((user::own_email(&own)?, factor::waiting_totp(&own)?))
        })
        .await?;
    let waiting = |secret: Secret<[u8; 20]>| -> Result<Waiting, Refusal> {
        let uri = enrol::otpauth(&desk.site().firm().name, email.expose(), &secret);
        Ok(Waiting { qr: Qr::new(&uri)?, key: enrol::spelled(&secret), uri })
    };
    let status = status(&problems);
    let view = AppView { problems: mistakes(problems), waiting: secret.map(waiting).transpose()?, server_time: desk.now.clock(&desk.site().firm().zone) };
    Ok(Page::new(desk.shell("account"), view).with(status))
}

#[get("/account/authenticator")]
pub(super) async fn app_form(desk: Desk<'_>) -> Result<Page<AppView>, Oops> {
    app_page(&desk, Vec::new()).await
}

#[post("/account/authenticator/begin", data = "<form>")]
pub(super) async fn app_begin(desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(|tx| factor::begin(&tx.own_confirmed(Verb::FactorAdd)?)).await?;
    Ok(Redirect::to("/account/authenticator"))
}

#[derive(FromForm)]
pub(super) struct Code {
    #[field(default = String::new())]
    code: String,
}

#[post("/account/authenticator", data = "<form>")]
pub(super) async fn app(desk: Desk<'_>, form: Posted<Code>) -> Done<AppView> {
    let code = form.into_inner().code;
    match desk.write(move |tx| factor::confirm(&tx.own_confirmed(Verb::FactorAdd)?, &code)).await {
        Ok(()) => Ok(Ok(Redirect::to(Said::AppChanged.at("/account")))),
        Err(Refusal::Invalid(problems)) => app_page(&desk, problems).await.map(Err),
        Err(refusal) => Err(refusal.into()),
    }
}

#[derive(Serialize)]
pub(super) struct CodesView {
    /// The ten codes, while they can be shown.
    codes: Option<Vec<String>>,
    left: usize,
    name: String,
    made: String,
}

impl View for CodesView {
    const TEMPLATE: &'static str = "account/codes.html";
}

#[get("/account/codes")]
pub(super) async fn codes_page(desk: Desk<'_>, device: Device<'_>) -> Result<Page<CodesView>, Oops> {
    let token = device.seed(desk.token())?;
    let (codes, left) = desk
        .read(move |tx| {
            let own = tx.own(Verb::AccountView);
            Ok((recovery::just_made(&own, &token)?, recovery::own_left(&own)?))
        })
        .await?;
    let codes = codes.map(|codes| codes.iter().map(|code| code.expose().clone()).collect());
    let view = CodesView { codes, left, name: desk.session().name.clone(), made: desk.now.day(&desk.site().firm().zone) };
    Ok(Page::new(desk.shell("account"), view))
}

#[post("/account/codes", data = "<form>")]
pub(super) async fn codes(desk: Desk<'_>, device: Device<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    let token = device.seed(desk.token())?;
    desk.write(move |tx| recovery::make(&tx.own_confirmed(Verb::CodesMake)?, &token)).await?;
    Ok(Redirect::to("/account/codes"))
}
