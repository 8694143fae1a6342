//! One's own account: name, address, theme, ways in, sessions, signing out.

use super::{
    desk::Desk,
    link::Id,
    oops::Oops,
    page::{Page, View},
    posted::{Button, Posted},
    said::Said,
    view::{Calendar, Choice, Mistake, When, mistakes},
};
use rocket::{FromForm, get, http::Status, post, response::Redirect};
use rules::{Problem, Refusal, Verb};
use serde::Serialize;
use store::{factor, recovery, session, user};

#[derive(Serialize)]
struct SessionRow {
    href: String,
    words: String,
    started: When,
    seen: When,
    current: bool,
    from: String,
}

#[derive(Serialize)]
struct FactorRow {
    href: String,
    passkey: bool,
    name: String,
    created: When,
    used: Option<When>,
}

#[derive(Serialize)]
pub(super) struct AccountView {
    problems: Vec<Mistake>,
    name: String,
    email: String,
    words: String,
    role: &'static str,
    rights: &'static str,
    theme_choices: Vec<Choice>,
    factors: Vec<FactorRow>,
    codes: usize,
    /// The questions of the optional way back in are set; `None` when the firm has not opened it.
    questions: Option<bool>,
    sessions: Vec<SessionRow>,
    others: bool,
}

impl View for AccountView {
    const TEMPLATE: &'static str = "account/page.html";
}

async fn account(desk: &Desk<'_>, typed: Option<String>, problems: Vec<Problem>) -> Result<Page<AccountView>, Oops> {
    let open = desk.site().settings().recovery.on;
    let (email, sessions, factors, codes, questions) = desk
        .read(|tx| {
            let own = tx.own(Verb::AccountView);
            Ok((user::own_email(&own)?, session::list(&own)?, factor::list(&own)?, recovery::own_left(&own)?, recovery::has_answers(&own)?))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let me = desk.session();
    let theme = |value: &str, label: &str| Choice::new(value, label, me.theme == value);
    let row = |s: session::Listed| SessionRow {
        href: format!("/account/sessions/{}/end", s.id),
        words: if s.words.is_empty() { "An unknown browser".into() } else { s.words },
        started: calendar.when(s.started),
        seen: calendar.when(s.seen),
        current: s.current,
        from: s.origin,
    };
    let factor = |f: factor::Listed| FactorRow {
        href: format!("/account/passkeys/{}/remove", f.id),
        passkey: f.passkey,
        name: f.name,
        created: calendar.when(f.created),
        used: f.used.map(|at| calendar.when(at)),
    };
    let status = if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    let view = AccountView {
        problems: mistakes(problems),
        name: typed.unwrap_or_else(|| me.name.clone()),
        email: email.expose().clone(),
        words: me.words.clone(),
        role: me.role.words(),
        rights: me.role.sentence(),
        theme_choices: vec![theme("", "As my device"), theme("light", "Light"), theme("dark", "Dark")],
        factors: factors.into_iter().map(factor).collect(),
        codes,
        questions: open.then_some(questions),
        others: sessions.len() > 1,
        sessions: sessions.into_iter().map(row).collect(),
    };
    Ok(Page::new(desk.shell("account"), view).with(status))
}

#[get("/account")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<AccountView>, Oops> {
    account(&desk, None, Vec::new()).await
}

#[derive(FromForm)]
pub(super) struct Name {
    #[field(default = String::new())]
    name: String,
}

#[post("/account/name", data = "<form>")]
pub(super) async fn name(desk: Desk<'_>, form: Posted<Name>) -> Result<Result<Redirect, Page<AccountView>>, Oops> {
    let typed = form.into_inner().name;
    let name = typed.clone();
    match desk.write(move |tx| user::set_name(&tx.own(Verb::AccountChange), &name)).await {
        Ok(()) => Ok(Ok(Redirect::to(Said::NameKept.at("/account")))),
        Err(Refusal::Invalid(problems)) => account(&desk, Some(typed), problems).await.map(Err),
        Err(refusal) => Err(refusal.into()),
    }
}

#[derive(FromForm)]
pub(super) struct Theme {
    #[field(default = String::new())]
    theme: String,
}

#[post("/account/theme", data = "<form>")]
pub(super) async fn theme(desk: Desk<'_>, form: Posted<Theme>) -> Result<Redirect, Oops> {
    let theme = form.into_inner().theme;
    desk.write(move |tx| user::set_theme(&tx.own(Verb::AccountChange), &theme)).await?;
    Ok(Redirect::to(Said::ThemeSet.at("/account")))
}

#[post("/account/sessions/<id>/end", data = "<form>")]
pub(super) async fn end(id: Id<rules::Session>, desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(move |tx| session::end(&tx.own_confirmed(Verb::SessionEnd)?, &id.0)).await?;
    Ok(Redirect::to(Said::SessionEnded.at("/account")))
}

#[post("/account/sessions/end-others", data = "<form>")]
pub(super) async fn end_others(desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(|tx| session::end_all_others(&tx.own_confirmed(Verb::SessionEnd)?)).await?;
    Ok(Redirect::to(Said::SessionEnded.at("/account")))
}
