//! The settings of the firm: what it is called and where it is reached, the optional way back in, and the terms of use.

use super::{
    desk::Desk,
    oops::Oops,
    page::{Page, View},
    posted::Posted,
    said::Said,
    view::{Choice, Mistake, mistakes},
};
use rocket::{Either, FromForm, get, http::Status, post, response::Redirect};
use rules::{Problem, Refusal, Verb};
use serde::Serialize;
use store::settings::{self, DELAY_MAX, KINDS, Recovery, TypedFirm};

const FIRM: &str = "/settings/firm";
const RECOVERY: &str = "/settings/recovery";
const TERMS: &str = "/settings/terms";

/// What stands under the field of the address. Templates hold no addresses of other sites, not even of examples.
const URL_HINT: &str = "It stands in letters and links, such as https://files.firm.example. Its name must be one under which this server answers.";

/// The answer to a form of settings: on to the page as it is now, or the form once more.
pub(super) type Done<V> = Result<Either<Redirect, Page<V>>, Oops>;

/// After a change the page is shown anew; mistakes come back with what was typed.
pub(super) fn done<V: View>(kept: Result<(), Refusal>, to: String, again: impl FnOnce(Vec<Problem>) -> Page<V>) -> Done<V> {
    match kept {
        Ok(()) => Ok(Either::Left(Redirect::to(to))),
        Err(Refusal::Invalid(problems)) => Ok(Either::Right(again(problems))),
        Err(refusal) => Err(refusal.into()),
    }
}

/// 200, or 422 for a form with mistakes.
pub(super) const fn status(problems: &[Problem]) -> Status {
    match problems {
        [] => Status::Ok,
        _ => Status::UnprocessableEntity,
    }
}

/// Writes down that the settings were looked at.
async fn looked(desk: &Desk<'_>) -> Result<(), Refusal> {
    desk.read(|tx| tx.administer(Verb::SettingsView).map(drop)).await
}

/// Both done, or the mistakes of both.
fn together(one: Result<(), Refusal>, two: Result<(), Refusal>) -> Result<(), Refusal> {
    match (one, two) {
        (Err(Refusal::Invalid(mut all)), Err(Refusal::Invalid(more))) => {
            all.extend(more);
            Err(Refusal::Invalid(all))
        }
        (one, two) => one.and(two),
    }
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
    url: String,
    url_hint: &'static str,
}

impl View for FirmView {
    const TEMPLATE: &'static str = "settings/firm.html";
}

/// The firm as it stands in the form.
#[derive(FromForm)]
pub(super) struct Firm {
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
    #[field(default = String::new())]
    url: String,
}

impl Firm {
    fn kept(desk: &Desk<'_>) -> Firm {
        let firm = desk.site().firm();
        Firm { name: firm.name, kind: firm.kind, prefix: firm.prefix, zone: firm.zone_name, phone: firm.phone.unwrap_or_default(), url: desk.base() }
    }

    fn typed(&self) -> TypedFirm {
        TypedFirm { name: self.name.clone(), kind: self.kind.clone(), prefix: self.prefix.clone(), zone: self.zone.clone(), phone: self.phone.clone() }
    }
}

fn firm_page(desk: &Desk<'_>, firm: Firm, problems: Vec<Problem>) -> Page<FirmView> {
    let status = status(&problems);
    let view = FirmView {
        problems: mistakes(problems),
        kinds: KINDS.into_iter().map(|(value, words)| Choice::new(value, words, value == firm.kind)).collect(),
        name: firm.name,
        prefix: firm.prefix,
        zone: firm.zone,
        zones: super::setup::zones(),
        phone: firm.phone,
        url: firm.url,
        url_hint: URL_HINT,
    };
    Page::new(desk.shell("system"), view).with(status)
}

#[get("/settings/firm")]
pub(super) async fn firm(desk: Desk<'_>) -> Result<Page<FirmView>, Oops> {
    looked(&desk).await?;
    Ok(firm_page(&desk, Firm::kept(&desk), Vec::new()))
}

#[post("/settings/firm", data = "<form>")]
pub(super) async fn set_firm(desk: Desk<'_>, form: Posted<Firm>) -> Done<FirmView> {
    let form = form.into_inner();
    let (typed, url) = (form.typed(), form.url.clone());
    let same = desk.site().settings().url.as_deref() == Some(url.trim().trim_end_matches('/'));
    let kept = desk
        .write(move |tx| {
            let site = tx.administer(Verb::SettingsChange)?;
            let address = if same { Ok(()) } else { settings::set_url(&site, &url) };
            together(settings::set_firm(&site, &typed), address)
        })
        .await;
    done(kept, Said::SettingsKept.at(FIRM), |problems| firm_page(&desk, form, problems))
}

#[derive(Serialize)]
pub(super) struct RecoveryView {
    problems: Vec<Mistake>,
    choices: Vec<Choice>,
    delay: String,
    most: i64,
    /// Letters are sent; without them nobody can go this way.
    mail: bool,
    /// It is open now, whatever the form says.
    open: bool,
}

impl View for RecoveryView {
    const TEMPLATE: &'static str = "settings/recovery.html";
}

/// The way back in as it stands in the form.
#[derive(FromForm)]
pub(super) struct WayBack {
    #[field(default = String::new())]
    on: String,
    #[field(default = String::new())]
    delay: String,
}

impl WayBack {
    /// What is no number becomes one that is refused.
    fn meant(&self) -> Recovery {
        Recovery { on: self.on == "on", delay: self.delay.trim().parse().unwrap_or(-1) }
    }
}

fn recovery_page(desk: &Desk<'_>, way: WayBack, problems: Vec<Problem>) -> Page<RecoveryView> {
    let (status, on) = (status(&problems), way.on == "on");
    let closed = Choice { hint: "Whoever lost all ways in is reset by a system administrator, or a case manager for clients.", ..Choice::new("off", "Closed", !on) };
    let open = Choice { hint: "Whoever knows both answers and reads the person’s mail gets in after the delay.", ..Choice::new("on", "Open", on) };
    let (mail, kept) = (desk.site().settings().smtp.is_some(), desk.site().settings().recovery.on);
    let view = RecoveryView { problems: mistakes(problems), choices: vec![closed, open], delay: way.delay, most: DELAY_MAX, mail, open: kept };
    Page::new(desk.shell("system"), view).with(status)
}

#[get("/settings/recovery")]
pub(super) async fn recovery(desk: Desk<'_>) -> Result<Page<RecoveryView>, Oops> {
    looked(&desk).await?;
    let kept = desk.site().settings().recovery;
    let way = WayBack { on: if kept.on { "on".into() } else { "off".into() }, delay: kept.delay.to_string() };
    Ok(recovery_page(&desk, way, Vec::new()))
}

#[post("/settings/recovery", data = "<form>")]
pub(super) async fn set_recovery(desk: Desk<'_>, form: Posted<WayBack>) -> Done<RecoveryView> {
    let form = form.into_inner();
    let meant = form.meant();
    let kept = desk.write(move |tx| settings::set_recovery(&tx.administer(Verb::SettingsChange)?, meant)).await;
    done(kept, Said::SettingsKept.at(RECOVERY), |problems| recovery_page(&desk, form, problems))
}

#[derive(Serialize)]
pub(super) struct TermsView {
    problems: Vec<Mistake>,
    terms: String,
    /// The firm has written none of its own.
    given: bool,
}

impl View for TermsView {
    const TEMPLATE: &'static str = "settings/terms.html";
}

/// The terms as they stand in the form.
#[derive(FromForm)]
pub(super) struct Typed {
    #[field(default = String::new())]
    terms: String,
}

fn terms_page(desk: &Desk<'_>, terms: String, problems: Vec<Problem>) -> Page<TermsView> {
    let status = status(&problems);
    let view = TermsView { problems: mistakes(problems), given: terms == settings::TERMS, terms };
    Page::new(desk.shell("system"), view).with(status)
}

#[get("/settings/terms")]
pub(super) async fn terms(desk: Desk<'_>) -> Result<Page<TermsView>, Oops> {
    looked(&desk).await?;
    Ok(terms_page(&desk, desk.site().settings().terms.clone(), Vec::new()))
}

#[post("/settings/terms", data = "<form>")]
pub(super) async fn set_terms(desk: Desk<'_>, form: Posted<Typed>) -> Done<TermsView> {
    let terms = form.into_inner().terms;
    let typed = terms.clone();
    let kept = desk.write(move |tx| settings::set_terms(&tx.administer(Verb::SettingsChange)?, &typed)).await;
    done(kept, Said::SettingsKept.at(TERMS), |problems| terms_page(&desk, terms, problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_of_both_are_told_at_once() {
        let wrong = |field| Err(Refusal::invalid(field, "Wrong."));
        let Err(Refusal::Invalid(problems)) = together(wrong("name"), wrong("url")) else { panic!("not refused") };
        assert_eq!(problems.iter().map(|problem| problem.field).collect::<Vec<_>>(), ["name", "url"]);
        assert!(matches!(together(Ok(()), wrong("url")), Err(Refusal::Invalid(_))));
        assert!(matches!(together(wrong("name"), Err(Refusal::Full)), Err(Refusal::Invalid(_))));
        assert!(together(Ok(()), Ok(())).is_ok());
    }

    #[test]
    fn a_delay_that_is_no_number_is_one_that_is_refused() {
        let delay = |typed: &str| WayBack { on: "on".into(), delay: typed.into() }.meant().delay;
        assert_eq!((delay(" 24 "), delay("0"), delay(""), delay("a day")), (24, 0, -1, -1));
    }
}
