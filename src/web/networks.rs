//! From where people may come. A change counts for a minute at first, so that a slip that shuts everybody out ends by itself.

use super::{
    desk::Desk,
    oops::Oops,
    page::{Page, View},
    posted::{Button, Posted},
    said::Said,
    settings::{Done, done, status},
    view::{Mistake, mistakes},
};
use rocket::{FromForm, get, post, response::Redirect};
use rules::{Moment, Problem, Refusal, Verb, network::Networks, when};
use serde::Serialize;
use store::settings::{self, Lists};

const PATH: &str = "/settings/networks";
/// How long the page says of a try that it was not kept, in milliseconds.
const TOLD: i64 = when::HOUR;

/// Networks that count until they are kept, or their minute is over.
#[derive(Serialize)]
struct Trial {
    until: String,
    seconds: i64,
}

#[derive(Serialize)]
pub(super) struct NetworksView {
    problems: Vec<Mistake>,
    administrator: String,
    staff: String,
    all: String,
    /// The address from which this browser comes.
    from: String,
    trial: Option<Trial>,
    /// When the last try ended that nobody kept.
    lapsed: Option<String>,
}

impl View for NetworksView {
    const TEMPLATE: &'static str = "settings/networks.html";
}

/// The lists as they stand in the form.
#[derive(FromForm)]
pub(super) struct Typed {
    #[field(default = String::new())]
    administrator: String,
    #[field(default = String::new())]
    staff: String,
    #[field(default = String::new())]
    all: String,
}

impl Typed {
    fn of(lists: &Lists) -> Typed {
        Typed { administrator: lists.administrator.to_string(), staff: lists.staff.to_string(), all: lists.all.to_string() }
    }

    /// The lists, or what is wrong with each.
    fn meant(&self) -> Result<Lists, Vec<Problem>> {
        let parsed = [("administrator", &self.administrator), ("staff", &self.staff), ("all", &self.all)].map(|(field, typed)| Networks::parse(field, typed));
        match parsed {
            [Ok(administrator), Ok(staff), Ok(all)] => Ok(Lists { administrator, staff, all }),
            wrong => Err(wrong.into_iter().filter_map(Result::err).collect()),
        }
    }
}

/// Whole seconds from one moment to another, rounded up.
const fn seconds(from: Moment, to: Moment) -> i64 {
    (to.0 - from.0 + 999) / 1000
}

fn networks_page(desk: &Desk<'_>, typed: Typed, problems: Vec<Problem>) -> Page<NetworksView> {
    let (settings, now) = (desk.site().settings(), desk.site().now());
    let clock = |at: Moment| at.clock(&settings.firm.zone);
    let (trial, lapsed) = match settings.trial.as_ref().map(|(until, _)| *until) {
        Some(until) if now < until => (Some(Trial { until: clock(until), seconds: seconds(now, until) }), None),
        Some(until) if now.0 - until.0 < TOLD => (None, Some(clock(until))),
        _ => (None, None),
    };
    let status = status(&problems);
    let view = NetworksView {
        problems: mistakes(problems),
        administrator: typed.administrator,
        staff: typed.staff,
        all: typed.all,
        from: desk.actor().from.into(),
        trial,
        lapsed,
    };
    Page::new(desk.shell("system"), view).with(status)
}

#[get("/settings/networks")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<NetworksView>, Oops> {
    desk.read(|tx| tx.administer(Verb::SettingsView).map(drop)).await?;
    let settings = desk.site().settings();
    Ok(networks_page(&desk, Typed::of(settings.networks(desk.site().now())), Vec::new()))
}

/// Puts them on trial. The page that follows asks whether to keep them: whoever sees it was not shut out.
#[post("/settings/networks", data = "<form>")]
pub(super) async fn put_on_trial(desk: Desk<'_>, form: Posted<Typed>) -> Done<NetworksView> {
    let form = form.into_inner();
    let tried = match form.meant() {
        Ok(lists) => desk.write(move |tx| settings::try_networks(&tx.administer(Verb::NetworksChange)?, &lists)).await,
        Err(problems) => Err(Refusal::Invalid(problems)),
    };
    done(tried, PATH.into(), |problems| networks_page(&desk, form, problems))
}

/// Keeps them. When their minute was over, the page says so by itself.
#[post("/settings/networks/keep", data = "<form>")]
pub(super) async fn keep(desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    match desk.write(|tx| settings::keep_networks(&tx.administer(Verb::NetworksChange)?)).await {
        Ok(()) => Ok(Redirect::to(Said::NetworksKept.at(PATH))),
        Err(Refusal::Invalid(_)) => Ok(Redirect::to(PATH)),
        Err(refusal) => Err(refusal.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_has_its_own_mistake_and_what_was_meant_comes_back_as_it_is_shown() {
        let typed = |administrator: &str, staff: &str| Typed { administrator: administrator.into(), staff: staff.into(), all: String::new() };
        let wrong = typed("the office", "192.0.2.1/24").meant().unwrap_err();
        assert_eq!(wrong.iter().map(|problem| problem.field).collect::<Vec<_>>(), ["administrator", "staff"]);
        let lists = typed("10.0.0.5", "10.0.0.0/8, 2001:db8::/32").meant().unwrap();
        let shown = Typed::of(&lists);
        assert_eq!((shown.staff.as_str(), shown.all.as_str()), ("10.0.0.0/8\n2001:db8::/32", ""));
        assert_eq!(shown.meant().unwrap(), lists);
    }

    #[test]
    fn a_second_that_has_begun_counts() {
        assert_eq!((seconds(Moment(0), Moment(60_000)), seconds(Moment(1), Moment(60_000)), seconds(Moment(59_999), Moment(60_000))), (60, 60, 1));
    }
}
