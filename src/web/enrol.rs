//! Setting up one's ways in: password, authenticator app, recovery codes, terms. What a link or the set-up of the site leads to.
//!
//! The cookie of the visit counts, for a day; which step comes next is known by the store alone.

use super::{
    Inside,
    desk::{self, SESSION, VISIT, cookie, first_page},
    device::Device,
    oops::Oops,
    page::{Page, Shell, View},
    passwords,
    posted::{Button, Posted},
    qr::Qr,
    said::Said,
    setup::SETUP,
    view::{Mistake, mistakes},
};
use keys::{nonce::Token, totp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rocket::{
    Either, FromForm, Request, State, get,
    http::{Cookie, CookieJar, Status},
    post,
    request::{FromRequest, Outcome},
    response::Redirect,
    time::Duration,
};
use rules::{Problem, Refusal, Secret, text};
use serde::Serialize;
use store::{
    Site,
    enrol::{Enrolment, Step},
    recovery,
    sign::Entry,
};

/// Where a step stands.
const fn path(step: Step) -> &'static str {
    match step {
        Step::Password => "/enrol/password",
        Step::Factor => "/enrol/factor",
        Step::Codes => "/enrol/codes",
        Step::Terms => "/enrol/terms",
        Step::Done => "/",
    }
}

/// A cookie that outlives the browser by a day, so that set-up can be gone on with.
pub(super) fn lasting(name: &'static str, token: &Token) -> Cookie<'static> {
    let mut cookie = cookie(name, token);
    cookie.set_max_age(Duration::days(1));
    cookie
}

/// Somebody with a link, or at setting up what it is for.
pub(super) struct Guest<'r> {
    pub(super) site: &'r Site,
    pub(super) jar: &'r CookieJar<'r>,
    pub(super) token: Option<Token>,
    pub(super) device: Device<'r>,
    said: Option<Said>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Guest<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let Some(site) = desk::site(request) else { return Outcome::Error((Status::NotFound, ())) };
        let Outcome::Success(device) = Device::from_request(request).await else { return Outcome::Error((Status::InternalServerError, ())) };
        Outcome::Success(Guest { site, jar: request.cookies(), token: desk::token(request, VISIT), device, said: Said::of(request) })
    }
}

/// The one whose visit it is, at the step to be done.
struct Here<'g> {
    token: &'g Token,
    who: Enrolment,
}

impl Guest<'_> {
    fn enrolment(&self) -> Result<Option<Here<'_>>, Refusal> {
        let Some(token) = &self.token else { return Ok(None) };
        Ok(self.site.enrolment(token)?.map(|who| Here { token, who }))
    }

    /// Whose visit it is, if this is the step to be done.
    fn here(&self, step: Step) -> Result<Option<Here<'_>>, Refusal> {
        Ok(self.enrolment()?.filter(|here| here.who.step == step))
    }

    /// To the step that is to be done; without a visit, to where one begins.
    fn away(&self) -> Result<Redirect, Refusal> {
        Ok(match self.enrolment()? {
            Some(here) => Redirect::to(path(here.who.step)),
            None if !self.site.is_set_up() => Redirect::to("/setup"),
            None => Redirect::to(Said::EnrolOver.at("/link")),
        })
    }

    /// Where a step leads. When two windows are at it, the slower one goes to the step that is to be done now.
    fn led(&self, done: Result<(), Refusal>, next: Step) -> Result<Redirect, Refusal> {
        match done {
            Ok(()) => Ok(Redirect::to(path(next))),
            Err(Refusal::Conflict | Refusal::NotFound) => self.away(),
            Err(refusal) => Err(refusal),
        }
    }

    /// The frame; while the site is being set up there is no page of help yet.
    pub(super) fn shell(&self) -> Shell {
        let flash = self.said.as_ref().map(|said| said.flash(None));
        let nav = if self.site.is_set_up() { "" } else { "set-up" };
        Shell { csrf: self.token.as_ref().map_or_else(String::new, Token::form_token), flash, nav, ..Shell::bare(self.site) }
    }

    fn page<V: View>(&self, view: V, problem: bool) -> Page<V> {
        Page::new(self.shell(), view).with(if problem { Status::UnprocessableEntity } else { Status::Ok })
    }
}

#[get("/enrol")]
pub(super) fn next(guest: Guest<'_>) -> Result<Redirect, Oops> {
    Ok(guest.away()?)
}

#[derive(Serialize)]
pub(super) struct PasswordView {
    problems: Vec<Mistake>,
    name: String,
    email: String,
}

impl View for PasswordView {
    const TEMPLATE: &'static str = "enrol/password.html";
}

fn password_page(guest: &Guest<'_>, who: &Enrolment, problem: Option<Problem>) -> Page<PasswordView> {
    let wrong = problem.is_some();
    let problems = mistakes(problem.into_iter().collect());
    guest.page(PasswordView { problems, name: who.name.clone(), email: who.email.expose().clone() }, wrong)
}

#[get("/enrol/password")]
pub(super) fn password_form(guest: Guest<'_>) -> Result<Either<Redirect, Page<PasswordView>>, Oops> {
    match guest.here(Step::Password)? {
        Some(here) => Ok(Either::Right(password_page(&guest, &here.who, None))),
        None => Ok(Either::Left(guest.away()?)),
    }
}

#[derive(FromForm)]
pub(super) struct PasswordForm {
    #[field(default = String::new())]
    password: String,
}

#[post("/enrol/password", data = "<form>")]
pub(super) async fn password(guest: Guest<'_>, inside: &State<Inside>, form: Posted<PasswordForm>) -> Result<Either<Redirect, Page<PasswordView>>, Oops> {
    let Some(Here { token, who }) = guest.here(Step::Password)? else { return Ok(Either::Left(guest.away()?)) };
    let password = Secret::new(form.into_inner().password);
    let firm = guest.site.firm().name;
    if let Err(problem) = rules::password::check("password", password.expose(), &[firm.as_str(), who.name.as_str(), who.email.expose().as_str()]) {
        return Ok(Either::Right(password_page(&guest, &who, Some(problem))));
    }
    let hash = passwords::hash(inside, guest.site, guest.device.from(), &password).await?;
    let done = guest.site.enrol_password(token, hash, guest.device.from()).await;
    Ok(Either::Left(guest.led(done, Step::Factor)?))
}

#[derive(Serialize)]
pub(super) struct FactorView {
    problems: Vec<Mistake>,
    email: String,
    qr: Qr,
    /// What the code says: on the phone itself it is a link into the app.
    uri: String,
    key: String,
    server_time: String,
}

impl View for FactorView {
    const TEMPLATE: &'static str = "enrol/factor.html";
}

/// What authenticator apps take (Key URI Format): SHA-1, six digits, 30 seconds. No part may hold a colon, and apps show little of a long name.
pub(super) fn otpauth(issuer: &str, account: &str, secret: &Secret<[u8; 20]>) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let issuer: String = issuer.chars().take(40).map(|c| if c == ':' { ' ' } else { c }).collect();
    let (issuer, account) = (utf8_percent_encode(&issuer, RESERVED), utf8_percent_encode(account, RESERVED));
    format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30", totp::base32(secret.expose()))
}

/// The same secret for typing, in groups of four.
pub(super) fn spelled(secret: &Secret<[u8; 20]>) -> String {
    let text = totp::base32(secret.expose());
    let groups: Vec<_> = text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    groups.join(" ")
}

fn factor_page(guest: &Guest<'_>, who: &Enrolment, problem: Option<Problem>) -> Result<Page<FactorView>, Refusal> {
    let firm = guest.site.firm();
    let secret = who.totp.as_ref().ok_or_else(|| Refusal::fault("no authenticator waits at its step"))?;
    let uri = otpauth(&firm.name, who.email.expose(), secret);
    let wrong = problem.is_some();
    let view = FactorView {
        problems: mistakes(problem.into_iter().collect()),
        email: who.email.expose().clone(),
        qr: Qr::new(&uri)?,
        uri,
        key: spelled(secret),
        server_time: guest.site.now().clock(&firm.zone),
    };
    Ok(guest.page(view, wrong))
}

#[get("/enrol/factor")]
pub(super) fn factor_form(guest: Guest<'_>) -> Result<Either<Redirect, Page<FactorView>>, Oops> {
    match guest.here(Step::Factor)? {
        Some(here) => Ok(Either::Right(factor_page(&guest, &here.who, None)?)),
        None => Ok(Either::Left(guest.away()?)),
    }
}

#[derive(FromForm)]
pub(super) struct CodeForm {
    #[field(default = String::new())]
    code: String,
}

#[post("/enrol/factor", data = "<form>")]
pub(super) async fn factor(guest: Guest<'_>, form: Posted<CodeForm>) -> Result<Either<Redirect, Page<FactorView>>, Oops> {
    let Some(Here { token, who }) = guest.here(Step::Factor)? else { return Ok(Either::Left(guest.away()?)) };
    let Some(code) = text::code(&form.into_inner().code) else {
        return Ok(Either::Right(factor_page(&guest, &who, Some(Problem::new("code", "Type the six digits that your app shows")))?));
    };
    match guest.site.enrol_factor(token, code, guest.device.from()).await {
        Ok(false) => {
            let time = guest.site.now().clock(&guest.site.firm().zone);
            let text = format!("The code is not right. Wait for the next one and type that. The server’s time is {time}; if your phone shows another, set its clock.");
            Ok(Either::Right(factor_page(&guest, &who, Some(Problem::new("code", text)))?))
        }
        done => Ok(Either::Left(guest.led(done.map(drop), Step::Codes)?)),
    }
}

#[derive(Serialize)]
pub(super) struct CodesView {
    problems: Vec<Mistake>,
    name: String,
    made: String,
    codes: Vec<String>,
}

impl View for CodesView {
    const TEMPLATE: &'static str = "enrol/codes.html";
}

fn codes_page(guest: &Guest<'_>, here: &Here<'_>, problem: Option<Problem>) -> Result<Page<CodesView>, Refusal> {
    let wrong = problem.is_some();
    let view = CodesView {
        problems: mistakes(problem.into_iter().collect()),
        name: here.who.name.clone(),
        made: guest.site.now().day(&guest.site.firm().zone),
        codes: recovery::set_of(here.token, recovery::AT_ENROLMENT)?.iter().map(|code| code.expose().clone()).collect(),
    };
    Ok(guest.page(view, wrong))
}

#[get("/enrol/codes")]
pub(super) fn codes_form(guest: Guest<'_>) -> Result<Either<Redirect, Page<CodesView>>, Oops> {
    match guest.here(Step::Codes)? {
        Some(here) => Ok(Either::Right(codes_page(&guest, &here, None)?)),
        None => Ok(Either::Left(guest.away()?)),
    }
}

#[post("/enrol/codes", data = "<form>")]
pub(super) async fn codes(guest: Guest<'_>, form: Posted<CodeForm>) -> Result<Either<Redirect, Page<CodesView>>, Oops> {
    let Some(here) = guest.here(Step::Codes)? else { return Ok(Either::Left(guest.away()?)) };
    let typed = Secret::new(form.into_inner().code);
    if typed.expose().trim().is_empty() {
        return Ok(Either::Right(codes_page(&guest, &here, Some(Problem::new("code", "Type one of the codes from the paper")))?));
    }
    match guest.site.enrol_codes(here.token, typed, guest.device.from()).await {
        Ok(false) => {
            let problem = Problem::new("code", "This is none of the ten codes. Type all seven groups of one of them, from the paper.");
            Ok(Either::Right(codes_page(&guest, &here, Some(problem))?))
        }
        done => Ok(Either::Left(guest.led(done.map(drop), Step::Terms)?)),
    }
}

#[derive(Serialize)]
pub(super) struct TermsView {
    problems: Vec<Mistake>,
    paragraphs: Vec<String>,
}

impl View for TermsView {
    const TEMPLATE: &'static str = "enrol/terms.html";
}

#[get("/enrol/terms")]
pub(super) fn terms_form(guest: Guest<'_>) -> Result<Either<Redirect, Page<TermsView>>, Oops> {
    if guest.here(Step::Terms)?.is_none() {
        return Ok(Either::Left(guest.away()?));
    }
    let paragraphs = guest.site.settings().terms.split("\n\n").map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect();
    Ok(Either::Right(guest.page(TermsView { problems: Vec::new(), paragraphs }, false)))
}

#[post("/enrol/terms", data = "<form>")]
pub(super) async fn terms(guest: Guest<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    let Some(Here { token, who }) = guest.here(Step::Terms)? else { return Ok(guest.away()?) };
    let fresh = Token::new().map_err(Refusal::fault)?;
    match guest.site.enrol_terms(token, guest.device.arrival(&fresh)?).await? {
        Entry::Granted => {
            let over = [VISIT, SETUP].into_iter().filter(|name| guest.jar.get(name).is_some());
            over.for_each(|name| guest.jar.remove(Cookie::build(name).path("/").secure(true)));
            guest.jar.add(cookie(SESSION, &fresh));
            Ok(Redirect::to(Said::WaysInSet.at(first_page(who.role))))
        }
        Entry::Wrong | Entry::Over => Ok(guest.away()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_are_told_who_and_whose() {
        let secret = Secret::new(*b"12345678901234567890");
        let uri = otpauth("Pell & Harrow: London", "ann+x@firm.example", &secret);
        assert_eq!(
            uri,
            "otpauth://totp/Pell%20%26%20Harrow%20%20London:ann%2Bx%40firm.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Pell%20%26%20Harrow%20%20London&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(spelled(&secret), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert!(Qr::new(&otpauth(&"字".repeat(80), &format!("{}@firm.example", "+".repeat(240)), &secret)).is_ok());
    }
}
