//! Setting the site up: whoever has the one-time link goes through four steps, and then sets up their own ways in.
//!
//! The cookie of the one who claimed it is all that lets somebody in here. A step that is done can be opened again until the end; one
//! that is too early leads to the one to be done.

use super::{
    Inside,
    desk::{self, VISIT},
    enrol::lasting,
    oops::Oops,
    page::{Page, Shell, View},
    posted::Posted,
    ticket::pasted,
    view::{Choice, Mistake, mistakes},
};
use keys::nonce::Token;
use rocket::{
    Either, FromForm, Request, State, get,
    http::{CookieJar, Status},
    post,
    request::{FromRequest, Outcome},
    response::Redirect,
    tokio::task::spawn_blocking,
};
use rules::{Problem, Refusal, text};
use serde::Serialize;
use std::sync::Arc;
use store::{
    Appliance, Site,
    error::OpenError,
    settings::{KINDS, TypedFirm},
    setup::{Claim, Step},
};

/// Cookie of whoever claimed the set-up.
pub(super) const SETUP: &str = "__Host-setup";
/// The zone that stands in the form before one was chosen.
const ZONE: &str = "Europe/London";

/// Where a step stands.
const fn path(step: Step) -> &'static str {
    match step {
        Step::Firm => "/setup/firm",
        Step::Key => "/setup/key",
        Step::Kit => "/setup/kit",
        Step::You => "/setup/you",
        Step::Done => "/",
    }
}

/// Somebody at the set-up, with or without its cookie.
pub(super) struct Wizard<'r> {
    pub(super) site: &'r Site,
    pub(super) from: Box<str>,
    jar: &'r CookieJar<'r>,
    token: Option<Token>,
    visit: Option<Token>,
    host: String,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Wizard<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let Some(site) = desk::site(request) else { return Outcome::Error((Status::NotFound, ())) };
        let (token, visit) = (desk::token(request, SETUP), desk::token(request, VISIT));
        Outcome::Success(Wizard { site, from: desk::address(request), jar: request.cookies(), token, visit, host: desk::host(request) })
    }
}

/// The one who holds the set-up.
pub(super) struct At<'w> {
    pub(super) token: &'w Token,
    /// The step to be done.
    pub(super) step: Step,
}

impl Wizard<'_> {
    /// Whether the step is one of this site: only one site looks after the keyring of the installation.
    fn has(&self, step: Step) -> bool {
        self.site.settings().keeps_keyring || !matches!(step, Step::Key | Step::Kit)
    }

    /// Whoever holds the set-up and has come to this step, or past it.
    pub(super) fn at(&self, step: Step) -> Result<Option<At<'_>>, Refusal> {
        let Some(token) = self.token.as_ref().filter(|_| self.has(step)) else { return Ok(None) };
        let held = self.site.setup(token)?.filter(|held| held.step >= step);
        Ok(held.map(|held| At { token, step: held.step }))
    }

    /// To the step that is to be done; for whoever does not hold the set-up, to the page that asks for the code.
    pub(super) fn away(&self) -> Result<Redirect, Refusal> {
        Ok(Redirect::to(self.at(Step::Firm)?.map_or("/setup", |at| path(at.step))))
    }

    /// Where a step leads: on, or to the one that is to be done. Mistakes stay on the page.
    pub(super) fn led(&self, done: Result<(), Refusal>, next: Step) -> Result<Result<Redirect, Vec<Problem>>, Refusal> {
        match done {
            Ok(()) if self.has(next) => Ok(Ok(Redirect::to(path(next)))),
            Ok(()) => self.away().map(Ok),
            Err(Refusal::Invalid(problems)) => Ok(Err(problems)),
            Err(Refusal::Conflict | Refusal::NotFound) => self.away().map(Ok),
            Err(refusal) => Err(refusal),
        }
    }

    pub(super) fn shell(&self) -> Shell {
        Shell { csrf: self.token.as_ref().map_or_else(String::new, Token::form_token), host: self.host.clone(), ..Shell::bare(self.site) }
    }

    /// The same for somebody without the cookie, who gets one for the token of the form.
    fn claim_page(mut self, inside: &Inside, problem: Option<String>) -> Result<Page<ClaimView>, Oops> {
        if self.token.is_none() {
            let token = Token::new().map_err(Refusal::fault)?;
            self.jar.add(lasting(SETUP, &token));
            self.token = Some(token);
        }
        let status = if problem.is_some() { Status::UnprocessableEntity } else { Status::Ok };
        let problems = problem.map(|text| Problem::new("token", text)).into_iter().collect();
        Ok(Page::new(self.shell(), ClaimView { problems: mistakes(problems), fingerprint: fingerprint(inside, self.site) }).with(status))
    }
}

/// SHA-256 of the certificate, as the server printed it.
pub(super) fn fingerprint(inside: &Inside, site: &Site) -> String {
    (inside.facts)(site).into_iter().find(|(label, _)| *label == "Its SHA-256").map_or_else(String::new, |(_, value)| value)
}

/// Asks the appliance from a thread that may wait: it reads and writes files.
pub(super) async fn of_appliance<T: Send + 'static>(
    inside: &Inside,
    ask: impl FnOnce(&Appliance) -> Result<T, OpenError> + Send + 'static,
) -> Result<Result<T, OpenError>, Refusal> {
    let appliance = Arc::clone(&inside.appliance);
    spawn_blocking(move || ask(&appliance)).await.map_err(Refusal::fault)
}

#[derive(Serialize)]
pub(super) struct ClaimView {
    problems: Vec<Mistake>,
    fingerprint: String,
}

impl View for ClaimView {
    const TEMPLATE: &'static str = "setup/claim.html";
}

#[get("/setup")]
pub(super) fn claim_form(wizard: Wizard<'_>, inside: &State<Inside>) -> Result<Either<Redirect, Page<ClaimView>>, Oops> {
    let held = wizard.at(Step::Firm)?.is_some();
    match held {
        true => Ok(Either::Left(wizard.away()?)),
        false => wizard.claim_page(inside, None).map(Either::Right),
    }
}

#[derive(FromForm)]
pub(super) struct ClaimForm {
    #[field(default = String::new())]
    token: String,
}

#[post("/setup", data = "<form>")]
pub(super) async fn claim(wizard: Wizard<'_>, inside: &State<Inside>, form: Posted<ClaimForm>) -> Result<Either<Redirect, Page<ClaimView>>, Oops> {
    let typed = form.into_inner().token;
    if wizard.at(Step::Firm)?.is_some() {
        return Ok(Either::Left(wizard.away()?));
    }
    if typed.trim().is_empty() {
        return wizard.claim_page(inside, Some("Paste the set-up code, or open the link that the server printed.".into())).map(Either::Right);
    }
    // A cookie from before the claim counts for nothing after it.
    let holder = Token::new().map_err(Refusal::fault)?;
    let base = format!("https://{}", wizard.host);
    let problem = match wizard.site.claim(pasted(&typed).as_ref(), &holder, &base, &wizard.from).await? {
        Claim::Won => {
            wizard.jar.add(lasting(SETUP, &holder));
            let step = wizard.site.setup(&holder)?.map_or(Step::Firm, |held| held.step);
            return Ok(Either::Left(Redirect::to(path(step))));
        }
        Claim::Wrong(left) => {
            let left = text::count_head(usize::try_from(left).unwrap_or(0), "try is", "tries are");
            format!("The code is not right. {left} left; then a new link is needed: strongroom setup-link")
        }
        Claim::Closed => "No link works now: it was used, has run out or was tried too often. Run strongroom setup-link on the server, and open the link that it prints.".into(),
    };
    wizard.claim_page(inside, Some(problem)).map(Either::Right)
}

#[derive(Serialize)]
pub(super) struct FirmView {
    problems: Vec<Mistake>,
    name: String,
    kinds: Vec<Choice>,
    prefix: String,
    zone: String,
    zones: Vec<String>,
    phone: String,
}

impl View for FirmView {
    const TEMPLATE: &'static str = "setup/firm.html";
}

fn firm_view(typed: TypedFirm, problems: Vec<Problem>) -> FirmView {
    let kinds = KINDS.iter().map(|(value, label)| Choice::new(*value, *label, *value == typed.kind)).collect();
    FirmView { problems: mistakes(problems), name: typed.name, kinds, prefix: typed.prefix, zone: typed.zone, zones: zones(), phone: typed.phone }
}

/// The zones to choose from, by their IANA names, without the ones that stand for others.
pub(super) fn zones() -> Vec<String> {
    const OTHERS: [&str; 4] = ["posix/", "right/", "Etc/", "SystemV/"];
    let usual = |name: &String| name == "UTC" || (name.contains('/') && !OTHERS.iter().any(|head| name.starts_with(head)));
    let mut zones: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).filter(usual).collect();
    zones.sort_unstable();
    zones.dedup();
    zones
}

#[get("/setup/firm")]
pub(super) fn firm_form(wizard: Wizard<'_>) -> Result<Either<Redirect, Page<FirmView>>, Oops> {
    if wizard.at(Step::Firm)?.is_none() {
        return Ok(Either::Left(wizard.away()?));
    }
    let firm = wizard.site.firm();
    let typed = match firm.kind.is_empty() {
        true => TypedFirm { zone: ZONE.into(), ..TypedFirm::default() },
        false => TypedFirm { name: firm.name, kind: firm.kind, prefix: firm.prefix, zone: firm.zone_name, phone: firm.phone.unwrap_or_default() },
    };
    Ok(Either::Right(Page::new(wizard.shell(), firm_view(typed, Vec::new()))))
}

#[derive(FromForm)]
pub(super) struct FirmForm {
    #[field(default = String::new())]
    name: String,
    #[field(default = String::new())]
    kind: String,
    #[field(default = String::new())]
    prefix: String,
    #[field(default = String::new())]
    zone: String,
    #[field(default = String::new())]
    phone: String,
}

#[post("/setup/firm", data = "<form>")]
pub(super) async fn firm(wizard: Wizard<'_>, form: Posted<FirmForm>) -> Result<Either<Redirect, Page<FirmView>>, Oops> {
    let Some(at) = wizard.at(Step::Firm)? else { return Ok(Either::Left(wizard.away()?)) };
    let FirmForm { name, kind, prefix, zone, phone } = form.into_inner();
    let typed = TypedFirm { name, kind, prefix, zone: zone.trim().to_owned(), phone };
    let done = wizard.site.setup_firm(at.token, typed.clone(), &wizard.from).await;
    match wizard.led(done, Step::Key)? {
        Ok(to) => Ok(Either::Left(to)),
        Err(problems) => Ok(Either::Right(Page::new(wizard.shell(), firm_view(typed, problems)).with(Status::UnprocessableEntity))),
    }
}

#[derive(Serialize)]
pub(super) struct YouView {
    problems: Vec<Mistake>,
    name: String,
    email: String,
    /// They were named before, and this browser is at setting up their ways in.
    named: bool,
}

impl View for YouView {
    const TEMPLATE: &'static str = "setup/you.html";
}

#[get("/setup/you")]
pub(super) fn you_form(wizard: Wizard<'_>) -> Result<Either<Redirect, Page<YouView>>, Oops> {
    if wizard.at(Step::You)?.is_none() {
        return Ok(Either::Left(wizard.away()?));
    }
    let before = wizard.visit.as_ref().map(|visit| wizard.site.enrolment(visit)).transpose()?.flatten();
    let named = before.is_some();
    let (name, email) = before.map_or_else(Default::default, |who| (who.name.clone(), who.email.expose().clone()));
    Ok(Either::Right(Page::new(wizard.shell(), YouView { problems: Vec::new(), name, email, named })))
}

#[derive(FromForm)]
pub(super) struct YouForm {
    #[field(default = String::new())]
    name: String,
    #[field(default = String::new())]
    email: String,
}

#[post("/setup/you", data = "<form>")]
pub(super) async fn you(wizard: Wizard<'_>, form: Posted<YouForm>) -> Result<Either<Redirect, Page<YouView>>, Oops> {
    let Some(at) = wizard.at(Step::You)? else { return Ok(Either::Left(wizard.away()?)) };
    let YouForm { name, email } = form.into_inner();
    let visit = Token::new().map_err(Refusal::fault)?;
    let done = wizard.site.setup_you(at.token, name.clone(), email.clone(), &visit, &wizard.from).await;
    if done.is_ok() {
        wizard.jar.add(lasting(VISIT, &visit));
        return Ok(Either::Left(Redirect::to("/enrol")));
    }
    match wizard.led(done, Step::You)? {
        Ok(to) => Ok(Either::Left(to)),
        Err(problems) => {
            let view = YouView { problems: mistakes(problems), name, email, named: false };
            Ok(Either::Right(Page::new(wizard.shell(), view).with(Status::UnprocessableEntity)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_those_that_people_know() {
        let zones = zones();
        assert!(zones.iter().any(|zone| zone == ZONE) && zones.iter().any(|zone| zone == "UTC"));
        assert!(!zones.iter().any(|zone| zone.starts_with("Etc/")));
    }
}
