//! The one page of a server whose keyring opens with a passphrase that nobody has typed yet.

use super::{
    GateSecret, assets, class,
    desk::{self, VISIT, cookie},
    page::{Page, Shell, Templates, View},
    view::{Mistake, mistakes},
};
use keys::nonce::Token;
use rocket::{
    Build, Data, Either, Request, Rocket, State, catch, catchers,
    data::{self, FromData, ToByteUnit},
    get,
    http::{CookieJar, Status},
    post,
    response::Redirect,
    routes,
};
use rules::{Problem, Secret};
use serde::Serialize;
use std::{net::IpAddr, pin::Pin};

/// Tries a passphrase that came from an address: the sentence to show when it does not open the keyring.
pub(crate) type Unlock = Box<dyn Fn(Secret<String>, IpAddr) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Longest passphrase, in bytes of the form.
const LONGEST: u64 = 4096;

#[derive(Serialize)]
struct LockedView {
    problems: Vec<Mistake>,
    opening: bool,
}

impl View for LockedView {
    const TEMPLATE: &'static str = "locked.html";
}

/// The server for the time until the passphrase comes.
pub(crate) fn build(unlock: Unlock, secret: GateSecret, promise_https: bool) -> Result<Rocket<Build>, String> {
    let assets = assets::Assets::load();
    let templates = Templates::load(&assets)?;
    let rocket = super::bare(promise_https).manage(assets).manage(templates).manage(secret).manage(unlock);
    // The map of the site begins behind this page; its own few routes stand here.
    #[allow(clippy::disallowed_methods)]
    let rocket = rocket.mount("/", routes![healthz, readyz, ask, open, super::assets::file]);
    Ok(rocket.register("/", catchers![other]))
}

/// The passphrase, from a form of this page in this browser.
struct Typed(Secret<String>);

#[rocket::async_trait]
impl<'r> FromData<'r> for Typed {
    type Error = ();

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        let body = data.open(LONGEST.bytes()).into_string().await;
        let (Ok(body), true) = (body, class::through_the_gate(request) && super::posted::comes_from_here(request)) else {
            return data::Outcome::Error((Status::Forbidden, ()));
        };
        let field = |name: &str| {
            let value = body.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1.replace('+', " ");
            Some(percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned())
        };
        let ours = desk::token(request, VISIT).zip(field("csrf")).is_some_and(|(token, given)| token.is_form_token(&given));
        match field("passphrase").filter(|_| ours && body.is_complete()) {
            Some(words) => data::Outcome::Success(Typed(Secret::new(words))),
            None => data::Outcome::Error((Status::Forbidden, ())),
        }
    }
}

fn page(jar: &CookieJar<'_>, problem: Option<String>, opening: bool) -> Result<Page<LockedView>, Status> {
    let known = jar.get(VISIT).and_then(|cookie| Token::presented(cookie.value()));
    let token = match known {
        Some(token) => token,
        None => Token::new().map_err(|_| Status::InternalServerError)?,
    };
    jar.add(cookie(VISIT, &token));
    let status = if problem.is_some() { Status::UnprocessableEntity } else { Status::ServiceUnavailable };
    let problems = mistakes(problem.into_iter().map(|text| Problem::new("passphrase", text)).collect());
    let shell = Shell { csrf: token.form_token(), ..Shell::nowhere() };
    Ok(Page::new(shell, LockedView { problems, opening }).with(if opening { Status::Ok } else { status }))
}

#[get("/healthz")]
fn healthz() -> &'static str {
    "ok\n"
}

#[get("/readyz")]
fn readyz() -> (Status, &'static str) {
    (Status::ServiceUnavailable, "not ready: locked; type the passphrase at /unlock, or run: strongroom unlock\n")
}

#[get("/unlock")]
fn ask(jar: &CookieJar<'_>) -> Result<Page<LockedView>, Status> {
    page(jar, None, false)
}

#[post("/unlock", data = "<typed>")]
async fn open(jar: &CookieJar<'_>, unlock: &State<Unlock>, from: IpAddr, typed: Typed) -> Result<Page<LockedView>, Status> {
    match unlock(typed.0, from).await {
        Ok(()) => page(jar, None, true),
        Err(sentence) => page(jar, Some(sentence), false),
    }
}

/// Every other page leads here.
#[catch(default)]
fn other(status: Status, request: &Request<'_>) -> Either<Redirect, (Status, &'static str)> {
    match class::through_the_gate(request) && status == Status::NotFound {
        true => Either::Left(Redirect::to("/unlock")),
        false => Either::Right((status, "This cannot be done while the server is locked.\n")),
    }
}
