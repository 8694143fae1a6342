//! One's own account: name, address, theme, sessions, signing out.

use super::{
    desk::Desk,
    oops::Oops,
    page::{Page, View},
    posted::Posted,
    said::Said,
    view::{Calendar, Choice, When},
};
use rocket::{FromForm, get, post, response::Redirect};
use serde::Serialize;
use store::{session, user};

#[derive(Serialize)]
struct SessionRow {
    started: When,
    seen: When,
    current: bool,
    from: String,
}

#[derive(Serialize)]
pub(super) struct AccountView {
    name: String,
    email: String,
    words: String,
    theme_choices: Vec<Choice>,
    sessions: Vec<SessionRow>,
}

impl View for AccountView {
    const TEMPLATE: &'static str = "account.html";
}

#[get("/account")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<AccountView>, Oops> {
    let (email, sessions) = desk
        .read(|tx| {
            let own = tx.own(rules::Verb::AccountView);
            Ok((user::own_email(&own)?, session::list(&own)?))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let me = desk.session();
    let theme = |value: &str, label: &str| Choice::new(value, label, me.theme == value);
    let row = |s: session::Listed| SessionRow { started: calendar.when(s.started), seen: calendar.when(s.seen), current: s.current, from: s.origin };
    let view = AccountView {
        name: me.name.clone(),
        email: email.expose().clone(),
        words: me.words.clone(),
        theme_choices: vec![theme("", "As my device"), theme("light", "Light"), theme("dark", "Dark")],
        sessions: sessions.into_iter().map(row).collect(),
    };
    Ok(Page::new(desk.shell("account"), view))
}

#[derive(FromForm)]
pub(super) struct Theme {
    #[field(default = String::new())]
    theme: String,
}

#[post("/account/theme", data = "<form>")]
pub(super) async fn theme(desk: Desk<'_>, form: Posted<Theme>) -> Result<Redirect, Oops> {
    let theme = form.into_inner().theme;
    desk.write(move |tx| user::set_theme(&tx.own(rules::Verb::AccountChange), &theme)).await?;
    Ok(Redirect::to(Said::ThemeSet.at("/account")))
}
