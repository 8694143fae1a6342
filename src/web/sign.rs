//! Signing in: e-mail and password, then the code. And out.

use super::{
    Inside,
    desk::{self, Desk, SESSION, VISIT, cookie, first_page, token},
    device::Device,
    oops::Oops,
    page::{Page, Shell, View},
    passwords,
    posted::{Button, Posted},
    said::Said,
    view::{Mistake, mistakes},
};
use keys::{nonce::Token, password::Verdict};
use rocket::{
    Either, FromForm, Request, State, get,
    http::{Cookie, CookieJar, Status},
    post,
    request::{FromRequest, Outcome},
    response::Redirect,
};
use rules::{Problem, Refusal, Secret, text};
use serde::Serialize;
use store::{
    Site,
    sign::{Account, Entry, Proof, Visitor as Awaited},
};

#[derive(Serialize)]
pub(super) struct EmailView {
    problems: Vec<Mistake>,
    /// Address and password do not fit each other: it is said once, for both.
    unfit: bool,
    email: String,
    next: String,
}

impl View for EmailView {
    const TEMPLATE: &'static str = "sign/email.html";
}

#[derive(Serialize)]
pub(super) struct CodeView {
    problems: Vec<Mistake>,
    email_hint: String,
    server_time: String,
    has_passkey: bool,
    /// Where a recovery code is taken.
    recovery: String,
    next: String,
}

impl View for CodeView {
    const TEMPLATE: &'static str = "sign/code.html";
}

/// Somebody at the door: not yet anybody.
pub(super) struct Visitor<'r> {
    pub(super) site: &'r Site,
    pub(super) jar: &'r CookieJar<'r>,
    pub(super) token: Option<Token>,
    pub(super) device: Device<'r>,
    host: String,
    said: Option<Said>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Visitor<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let Some(site) = desk::site(request) else { return Outcome::Error((Status::NotFound, ())) };
        let Outcome::Success(device) = Device::from_request(request).await else { return Outcome::Error((Status::InternalServerError, ())) };
        Outcome::Success(Visitor { site, jar: request.cookies(), token: token(request, VISIT), device, host: desk::host(request), said: Said::of(request) })
    }
}

impl Visitor<'_> {
    /// The token of this visit; a new one is sent if there was none.
    pub(super) fn visit(&mut self) -> Result<Token, Refusal> {
        let token = match self.token.take() {
            Some(token) => token,
            None => self.renew()?,
        };
        Ok(token)
    }

    /// Address of the site as it stands in links and letters.
    pub(super) fn base(&self) -> String {
        self.site.settings().url.clone().unwrap_or_else(|| format!("https://{}", self.host))
    }

    pub(super) fn renew(&self) -> Result<Token, Refusal> {
        let token = Token::new().map_err(Refusal::fault)?;
        self.jar.add(cookie(VISIT, &token));
        Ok(token)
    }

    pub(super) fn shell(&self, token: &Token) -> Shell {
        let flash = self.said.as_ref().map(|said| said.flash(None));
        Shell { csrf: token.form_token(), host: self.host.clone(), flash, ..Shell::bare(self.site) }
    }

    fn email_page(mut self, view: EmailView, status: Status) -> Result<Page<EmailView>, Oops> {
        let token = self.visit()?;
        Ok(Page::new(self.shell(&token), view).with(status))
    }

    fn code_page(mut self, awaited: Awaited, next: String, problems: Vec<Mistake>) -> Result<Page<CodeView>, Oops> {
        let token = self.visit()?;
        let server_time = self.site.now().clock(&self.site.firm().zone);
        let status = if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
        Ok(Page::new(self.shell(&token), CodeView { problems, email_hint: awaited.hint, server_time, has_passkey: awaited.has_passkey, recovery: with_next("/sign-in/recovery", &next), next }).with(status))
    }
}

/// A path of our own to go to after signing in; anything else becomes the first page.
pub(super) fn safe_next(next: Option<&str>) -> String {
    let own = |path: &&str| path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']) && rocket::http::uri::Origin::parse(path).is_ok();
    next.filter(own).unwrap_or("").to_owned()
}

/// The front door: to one's first page, or to the sign-in page.
#[get("/")]
pub(super) fn root(signed: MaybeSigned<'_>) -> Redirect {
    Redirect::to(signed.0.map_or("/sign-in", |signed| first_page(signed.session.role)))
}

/// Whoever is signed in, if anybody.
pub(super) struct MaybeSigned<'r>(Option<&'r desk::Signed>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for MaybeSigned<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        match desk::signed(request) {
            Ok(signed) => Outcome::Success(MaybeSigned(signed)),
            Err(_) => Outcome::Error((Status::InternalServerError, ())),
        }
    }
}

#[get("/sign-in?<next>")]
pub(super) fn ask_email(visitor: Visitor<'_>, signed: MaybeSigned<'_>, next: Option<&str>) -> Result<Either<Redirect, Page<EmailView>>, Oops> {
    let next = safe_next(next);
    if let Some(signed) = signed.0 {
        return Ok(Either::Left(Redirect::to(if next.is_empty() { first_page(signed.session.role).to_owned() } else { next })));
    }
    let view = EmailView { problems: Vec::new(), unfit: false, email: String::new(), next };
    visitor.email_page(view, Status::Ok).map(Either::Right)
}

#[derive(FromForm)]
pub(super) struct Password {
    #[field(default = String::new())]
    email: String,
    #[field(default = String::new())]
    password: String,
    #[field(default = String::new())]
    next: String,
}

#[post("/sign-in", data = "<form>")]
pub(super) async fn take_password(visitor: Visitor<'_>, inside: &State<Inside>, form: Posted<Password>) -> Result<Either<Redirect, Page<EmailView>>, Oops> {
    let form = form.into_inner();
    let (email, next) = (form.email.chars().take(254).collect::<String>(), safe_next(Some(&form.next)));
    let again = |visitor: Visitor<'_>, problems: Vec<Problem>, unfit: bool| {
        let view = EmailView { problems: mistakes(problems), unfit, email: email.clone(), next: next.clone() };
        visitor.email_page(view, Status::UnprocessableEntity).map(Either::Right)
    };
    let wanted = [("email", form.email.trim().is_empty(), "Type your e-mail address"), ("password", form.password.is_empty(), "Type your password")];
    let missing: Vec<Problem> = wanted.into_iter().filter(|(_, empty, _)| *empty).map(|(field, _, text)| Problem::new(field, text)).collect();
    if !missing.is_empty() {
        return again(visitor, missing, false);
    }
    let site = visitor.site;
    let account = match text::email(&form.email) {
        Some(email) => site.account(&email)?,
        None => None,
    };
    let password = Secret::new(form.password.chars().take(rules::password::MAX + 1).collect::<String>());
    let named = text::email(&form.email).unwrap_or_else(|| text::even(&email));
    let counted = match visitor.device.knock(site, Some(&named)).await? {
        Ok(counted) => counted,
        Err(held) => return held_off(visitor, &held, EmailView { problems: Vec::new(), unfit: true, email, next }),
    };
    let stored = account.as_ref().map(|account| account.password.as_str());
    let (verdict, counted) = passwords::judge(inside, site, visitor.device.from(), (&password, stored), counted).await?;
    match (account, verdict) {
        (Some(account), Verdict::Right | Verdict::Stale) if password.expose().chars().count() <= rules::password::MAX => {
            let token = visitor.renew()?;
            site.start_visit(&account, &token).await?;
            site.give_back(counted).await?;
            if verdict == Verdict::Stale {
                rehash(inside, &visitor, &account, &password).await?;
            }
            Ok(Either::Left(Redirect::to(with_next("/sign-in/code", &next))))
        }
        (account, _) => {
            site.refuse_password(account.map(|account| account.user), visitor.device.from()).await?;
            again(visitor, vec![Problem::new("email", "The e-mail address or the password is not right. Check both and try again.")], true)
        }
    }
}

pub(super) fn with_next(path: &str, next: &str) -> String {
    match next {
        "" => path.to_owned(),
        next => format!("{path}?next={}", percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC)),
    }
}

/// Too many tries: the same page, whoever it is about, with the moment from which one may try again.
fn held_off(visitor: Visitor<'_>, held: &str, mut view: EmailView) -> Result<Either<Redirect, Page<EmailView>>, Oops> {
    view.problems = mistakes(vec![Problem::new("email", format!("{held} From a browser in which you have signed in before you may get in sooner."))]);
    visitor.email_page(view, Status::TooManyRequests).map(Either::Right)
}

/// Keeps a hash of the cost of today. While all slots are taken it is left for the next time.
async fn rehash(inside: &Inside, visitor: &Visitor<'_>, account: &Account, password: &Secret<String>) -> Result<(), Refusal> {
    match passwords::hash(inside, visitor.site, visitor.device.from(), password).await {
        Ok(hash) => visitor.site.rehash(account, hash).await,
        Err(Refusal::Busy) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

#[get("/sign-in/code?<next>")]
pub(super) fn ask_code(visitor: Visitor<'_>, next: Option<&str>) -> Result<Either<Redirect, Page<CodeView>>, Oops> {
    let awaited = visitor.token.as_ref().map(|token| visitor.site.visitor(token)).transpose()?.flatten();
    match awaited {
        Some(awaited) => visitor.code_page(awaited, safe_next(next), Vec::new()).map(Either::Right),
        None => Ok(Either::Left(Redirect::to("/sign-in"))),
    }
}

#[derive(FromForm)]
pub(super) struct Code {
    #[field(default = String::new())]
    code: String,
    #[field(default = String::new())]
    next: String,
}

#[post("/sign-in/code", data = "<form>")]
pub(super) async fn take_code(visitor: Visitor<'_>, form: Posted<Code>) -> Result<Either<Redirect, Page<CodeView>>, Oops> {
    let form = form.into_inner();
    let next = safe_next(Some(&form.next));
    let awaited = visitor.token.as_ref().map(|token| visitor.site.visitor(token)).transpose()?.flatten();
    let (Some(awaited), Some(token)) = (awaited, visitor.token.as_ref()) else {
        return Ok(Either::Left(Redirect::to(Said::VisitOver.at(&with_next("/sign-in", &next)))));
    };
    let Some(code) = text::code(&form.code) else {
        return visitor.code_page(awaited, next, mistakes(vec![Problem::new("code", "Type the six digits that your app shows")])).map(Either::Right);
    };
    let fresh = Token::new().map_err(Refusal::fault)?;
    let counted = match visitor.device.knock(visitor.site, Some(awaited.email.expose())).await? {
        Ok(counted) => counted,
        Err(held) => return Ok(Either::Right(visitor.code_page(awaited, next, mistakes(vec![Problem::new("code", held)]))?.with(Status::TooManyRequests))),
    };
    match visitor.site.enter(token, Proof::Code(Some(code)), visitor.device.arrival(&fresh)?).await? {
        Entry::Granted => {
            visitor.site.relieve(counted).await?;
            visitor.jar.remove(Cookie::build(VISIT).path("/").secure(true));
            visitor.jar.add(cookie(SESSION, &fresh));
            Ok(Either::Left(Redirect::to(if next.is_empty() { "/".to_owned() } else { next })))
        }
        Entry::Wrong => {
            let time = visitor.site.now().clock(&visitor.site.firm().zone);
            let text = format!("The code is not right, or was used already. Wait for the next one and type that. The server’s time is {time}; if your phone shows another, set its clock.");
            visitor.code_page(awaited, next, mistakes(vec![Problem::new("code", text)])).map(Either::Right)
        }
        Entry::Over => Ok(Either::Left(Redirect::to(Said::CodesWrong.at(&with_next("/sign-in", &next))))),
    }
}

#[derive(Serialize)]
pub(super) struct RecoveryView {
    problems: Vec<Mistake>,
    next: String,
}

impl View for RecoveryView {
    const TEMPLATE: &'static str = "sign/recovery.html";
}

fn recovery_page(mut visitor: Visitor<'_>, next: String, problem: Option<String>, status: Status) -> Result<Either<Redirect, Page<RecoveryView>>, Oops> {
    let token = visitor.visit()?;
    let problems = mistakes(problem.into_iter().map(|text| Problem::new("code", text)).collect());
    Ok(Either::Right(Page::new(visitor.shell(&token), RecoveryView { problems, next }).with(status)))
}

#[get("/sign-in/recovery?<next>")]
pub(super) fn ask_recovery(visitor: Visitor<'_>, next: Option<&str>) -> Result<Either<Redirect, Page<RecoveryView>>, Oops> {
    let awaited = visitor.token.as_ref().map(|token| visitor.site.visitor(token)).transpose()?.flatten();
    match awaited {
        Some(_) => recovery_page(visitor, safe_next(next), None, Status::Ok),
        None => Ok(Either::Left(Redirect::to("/sign-in"))),
    }
}

#[post("/sign-in/recovery", data = "<form>")]
pub(super) async fn take_recovery(visitor: Visitor<'_>, form: Posted<Code>) -> Result<Either<Redirect, Page<RecoveryView>>, Oops> {
    let form = form.into_inner();
    let next = safe_next(Some(&form.next));
    let awaited = visitor.token.as_ref().map(|token| visitor.site.visitor(token)).transpose()?.flatten();
    let (Some(awaited), Some(token)) = (awaited, visitor.token.as_ref()) else {
        return Ok(Either::Left(Redirect::to(Said::VisitOver.at(&with_next("/sign-in", &next)))));
    };
    let Some(code) = keys::code::normal(&form.code) else {
        let text = "This is not one of the codes: each has seven groups of four letters and digits. Type all of them.";
        return recovery_page(visitor, next, Some(text.into()), Status::UnprocessableEntity);
    };
    let counted = match visitor.device.knock(visitor.site, Some(awaited.email.expose())).await? {
        Ok(counted) => counted,
        Err(held) => return recovery_page(visitor, next, Some(held), Status::TooManyRequests),
    };
    let fresh = Token::new().map_err(Refusal::fault)?;
    match visitor.site.enter(token, Proof::Recovery(code), visitor.device.arrival(&fresh)?).await? {
        Entry::Granted => {
            visitor.site.relieve(counted).await?;
            visitor.jar.remove(Cookie::build(VISIT).path("/").secure(true));
            visitor.jar.add(cookie(SESSION, &fresh));
            Ok(Either::Left(Redirect::to(Said::CodeUsed.at("/account"))))
        }
        Entry::Wrong => recovery_page(visitor, next, Some("The code is not right, or was used already. Take another from your list.".into()), Status::UnprocessableEntity),
        Entry::Over => Ok(Either::Left(Redirect::to(Said::CodesWrong.at(&with_next("/sign-in", &next))))),
    }
}

#[post("/sign-out", data = "<form>")]
pub(super) async fn out(desk: Desk<'_>, jar: &CookieJar<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    // Whatever becomes of the session on disk, this browser has it no more.
    jar.remove(Cookie::build(SESSION).path("/").secure(true));
    desk.end_session().await?;
    Ok(Redirect::to(Said::SignedOut.at("/sign-in")))
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn only_paths_of_our_own_are_gone_to() {
        assert_eq!(safe_next(Some("/cases/abc?x=1")), "/cases/abc?x=1");
        for bad in ["//evil.example", "https://evil.example", "/\\evil", "", "evil", "/a\r\nb"] {
            assert_eq!(safe_next(Some(bad)), "", "{bad}");
        }
    }
}
