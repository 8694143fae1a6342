//! Backups: whether everything would come back, from where, and how. For whoever looks after the installation.

use super::{
    desk::Desk,
    durations::{Durations, durations},
    nights::{Calendar, nights},
    oops::Oops,
    page::{Page, View},
    posted::{Button, Posted},
    said::Said,
    view::{State, When},
};
use crate::backup::{Ask, Backups, PROVEN, Standing, Status};
use jiff::tz::TimeZone;
use rocket::{get, post, response::Redirect};
use rules::{Moment, Refusal, Verb, document::size_words, text};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
use store::destination::{self, DrillRow, Retained, Schedule};

/// A place as it stands.
#[derive(Serialize)]
struct PlaceRow {
    name: String,
    place: String,
    kept: String,
    schedule: &'static str,
    shipped: Option<When>,
    verified: Option<When>,
    used: String,
    state: State,
}

/// A check of the last drill.
#[derive(Serialize)]
struct CheckRow {
    name: String,
    ok: bool,
    why: String,
}

/// The last drill of a place.
#[derive(Serialize)]
struct DrillView {
    place: String,
    when: When,
    took: String,
    outcome: &'static str,
    cls: &'static str,
    checks: Vec<CheckRow>,
}

#[derive(Serialize)]
pub(super) struct BackupsView {
    sentence: String,
    /// Four figures at the head: what, how much, and what about it.
    figures: Vec<[String; 3]>,
    /// What is wrong.
    troubles: Vec<String>,
    /// What is being done now, in words.
    doing: Option<String>,
    places: Vec<PlaceRow>,
    calendar: Calendar,
    drills: Vec<DrillView>,
    durations: Option<Durations>,
    /// The command that brings everything back, with real values.
    restore: Vec<String>,
    /// What adds a place.
    add: [&'static str; 3],
    /// What lies at a place is damaged: a drill is what helps.
    damaged: bool,
    /// The kit was printed: places may have been added since.
    on_paper: bool,
}

impl View for BackupsView {
    const TEMPLATE: &'static str = "system/backups.html";
}

/// "today at 14:05", "on 24 Nov at 14:05".
fn when(at: Moment, now: Moment, zone: &TimeZone) -> String {
    match at.day(zone) == now.day(zone) {
        true => format!("today at {}", at.hour(zone)),
        false => format!("on {} at {}", at.day(zone), at.hour(zone)),
    }
}

/// A moment as a figure: its hour today, else its day.
fn dated(at: Moment, now: Moment, zone: &TimeZone) -> String {
    match at.day(zone) == now.day(zone) {
        true => at.hour(zone),
        false => at.day(zone),
    }
}

/// A length of time in milliseconds, in words.
pub(super) fn span(ms: i64) -> String {
    let seconds = usize::try_from(ms / 1000).unwrap_or(0);
    match seconds {
        0..=119 => text::count(seconds.max(1), "second", "seconds"),
        120..=7199 => text::count(seconds / 60, "minute", "minutes"),
        _ => text::count(seconds / 3600, "hour", "hours"),
    }
}

/// The same as a figure.
fn figure(ms: i64) -> String {
    match ms / 1000 {
        seconds @ 0..=119 => format!("{} s", seconds.max(1)),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// What is kept at a place.
fn kept(retained: &Retained) -> String {
    let days = |days: u32| text::count(usize::try_from(days).unwrap_or(0), "day", "days");
    let older = if retained.prunes { "" } else { "; what is older stays" };
    format!("Keeps every change for {}, each hour for {}, each day for {}{older}", days(retained.changes.max(7)), days(retained.hours), days(retained.days))
}

fn state(row: &Standing) -> State {
    match row.word() {
        "good" => State::new("In step", "st ok"),
        "busy" => State::new("At work", "st half"),
        "away" => State::new("Not here", "st ring"),
        "empty" => State::new("Empty", "st tri warn"),
        "late" => State::new("Late", "st tri warn"),
        "damaged" => State::new("Damaged", "st cross bad"),
        _ => State::new("Failing", "st cross bad"),
    }
}

/// What the firm would lose now, as the page says it first. Without the recovery kit it would lose everything, whatever lies elsewhere.
fn sentence(status: &Status, on_paper: bool) -> String {
    let reached = || status.destinations.iter().filter(|row| !row.empty && row.failing.is_none());
    let had = status.destinations.iter().any(|row| !row.empty || row.good.is_some());
    match reached().filter(|row| !row.is_damaged()).map(|row| row.behind).min() {
        _ if status.destinations.is_empty() => "Nothing is backed up. If this server were lost now, everything would be lost.".into(),
        None if reached().next().is_some() => "A backup is damaged. Run a drill: until it has brought again what is missing, not everything might come back.".into(),
        None if had => "Backups do not arrive. What is done now is on this server alone, until a place can be reached again.".into(),
        Some(_) if !on_paper => "Backups arrive, and only the recovery kit opens them. Until it is on paper, a loss of this server would be a loss of everything.".into(),
        None => "The first backup is on its way. Until it is complete, a loss of this server would be a loss of everything.".into(),
        Some(behind) if behind < 5_000 => "If this server were lost now, the firm would lose at most a few seconds of work.".into(),
        Some(behind) => format!("If this server were lost now, the firm would lose at most {} of work.", span(behind)),
    }
}

fn figures(status: &Status, drills: &[DrillRow], now: Moment, zone: &TimeZone) -> Vec<[String; 3]> {
    let places = &status.destinations;
    let good = places.iter().filter_map(|row| row.good).max();
    let in_step = places.iter().filter(|row| row.is_well()).count();
    let passed = drills.iter().find(|row| row.outcome == "passed");
    let none = || "–".to_owned();
    let back = passed.and_then(took);
    let kept = places.iter().filter(|row| !row.empty && row.failing.is_none()).map(|row| row.bytes).max();
    vec![
        ["Last complete".into(), good.map_or_else(none, |at| dated(at, now, zone)), format!("{in_step} of {} in step", places.len())],
        ["Last proven restore".into(), passed.map_or_else(none, |row| dated(row.ended, now, zone)), passed.map_or_else(|| "none yet".into(), |row| format!("from {}", row.destination))],
        ["Restored and checked in".into(), back.map_or_else(none, figure), if back.is_some() { "the last drill that passed" } else { "no drill has passed yet" }.into()],
        ["Kept elsewhere".into(), kept.map_or_else(none, size_words), if kept.is_some() { "the largest place that is reached" } else { "no place is reached" }.into()],
    ]
}

fn took(row: &DrillRow) -> Option<i64> {
    serde_json::from_str::<serde_json::Value>(&row.report).ok()?.get("took_ms")?.as_i64()
}

/// Why a place fails.
fn failing(row: &Standing, now: Moment, zone: &TimeZone) -> Option<String> {
    let (since, why) = row.failing.as_ref()?;
    let why = text::capital(why);
    Some(format!("Nothing arrives at {} since {}. {}", row.name, when(*since, now, zone), if why.ends_with('.') { why } else { why + "." }))
}

fn damaged(row: &Standing, now: Moment, zone: &TimeZone) -> Option<String> {
    let damage = row.damage.as_ref()?;
    Some(damage.words(&row.name, &when(Moment(damage.found), now, zone)))
}

fn place(row: &Standing, drills: &[DrillRow], now: Moment, zone: &TimeZone) -> PlaceRow {
    let verified = drills.iter().find(|drill| drill.destination == row.name && drill.outcome == "passed");
    PlaceRow {
        name: row.name.clone(),
        place: row.place.clone(),
        kept: kept(&row.retained),
        schedule: match row.schedule {
            Schedule::Continuous => "at once",
            Schedule::TwoHourly => "every two hours",
            Schedule::Nightly => "every night",
            Schedule::ByHand => "by hand",
        },
        shipped: row.good.map(|at| When::of(at, now, zone)),
        verified: verified.map(|drill| When::of(drill.ended, now, zone)),
        used: size_words(row.bytes),
        state: state(row),
    }
}

fn drill(row: &DrillRow, now: Moment, zone: &TimeZone) -> DrillView {
    let report: serde_json::Value = serde_json::from_str(&row.report).unwrap_or_default();
    let checks = report.get("checks").and_then(|checks| checks.as_array()).map(Vec::as_slice).unwrap_or_default();
    let text = |check: &serde_json::Value, name: &str| check.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let (outcome, cls) = match row.outcome.as_str() {
        "passed" => ("Passed", "st ok"),
        "failed" => ("Failed", "st cross bad"),
        _ => ("Inconclusive", "st tri warn"),
    };
    DrillView {
        place: row.destination.clone(),
        when: When::of(row.ended, now, zone),
        took: took(row).map(span).unwrap_or_default(),
        outcome,
        cls,
        checks: checks.iter().map(|check| CheckRow { name: rules::text::capital(&text(check, "check")), ok: check.get("ok").and_then(|ok| ok.as_bool()) == Some(true), why: text(check, "why") }).collect(),
    }
}

/// The last drill of each place.
fn last_of_each(drills: &[DrillRow]) -> Vec<&DrillRow> {
    let mut seen: BTreeMap<&str, &DrillRow> = BTreeMap::new();
    for row in drills {
        seen.entry(&row.destination).or_insert(row);
    }
    seen.into_values().collect()
}

fn view(status: &Status, drills: &[DrillRow], restore: Vec<String>, on_paper: bool, now: Moment, zone: &TimeZone) -> BackupsView {
    BackupsView {
        sentence: sentence(status, on_paper),
        figures: figures(status, drills, now, zone),
        troubles: status.troubles.iter().map(|trouble| trouble.told(|at| when(at, now, zone))).chain(status.destinations.iter().filter_map(|row| failing(row, now, zone).or_else(|| damaged(row, now, zone)))).collect(),
        doing: status.doing.clone(),
        on_paper,
        damaged: status.destinations.iter().any(Standing::is_damaged),
        places: status.destinations.iter().map(|row| place(row, drills, now, zone)).collect(),
        calendar: nights(&status.destinations, drills, now, zone),
        drills: last_of_each(drills).into_iter().map(|row| drill(row, now, zone)).collect(),
        durations: durations(&drills.iter().filter(|row| row.outcome == "passed").filter_map(|row| Some((when(row.ended, now, zone), took(row)?))).collect::<Vec<_>>()),
        restore,
        add: ["strongroom dest add office --dir /mnt/office", "strongroom dest add nas --sftp backup@nas.example:22/strongroom", "strongroom dest add cloud --s3 https://s3.example.net --bucket BUCKET --access-key KEY"],
    }
}

/// What is known of the backups, without holding up the threads that serve.
async fn known(backups: &Arc<Backups>) -> Result<(Status, Vec<DrillRow>), Refusal> {
    let backups = Arc::clone(backups);
    tokio::task::spawn_blocking(move || (backups.status(), backups.drills())).await.map_err(Refusal::fault)
}

#[get("/system/backups")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<BackupsView>, Oops> {
    desk.read(|tx| Ok(tx.keeper(Verb::BackupView)?.looking())).await?;
    let backups = &desk.inside().backups;
    let (status, drills) = known(backups).await?;
    let settings = desk.site().settings();
    let view = view(&status, &drills, backups.commands(), desk.site().kit_is_on_paper(), desk.now, &settings.firm.zone);
    let mut shell = desk.shell("system");
    // What is at work says so itself, and goes on saying how far it is.
    shell.flash = shell.flash.filter(|_| view.doing.is_none());
    Ok(Page::new(shell, view))
}

/// A backup now. It goes on by itself; the page says how far it is.
#[post("/system/backups/now", data = "<form>")]
pub(super) async fn now(desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(|tx| destination::changing(&tx.keeper(Verb::BackupRun)?, Verb::BackupRun)).await?;
    desk.inside().backups.ask(Ask::Backup);
    Ok(Redirect::to(Said::BackupBegun.at("/system/backups")))
}

/// A drill now.
#[post("/system/backups/drill", data = "<form>")]
pub(super) async fn drill_now(desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(|tx| destination::changing(&tx.keeper(Verb::BackupDrill)?, Verb::BackupDrill)).await?;
    desk.inside().backups.ask(Ask::Drill);
    Ok(Redirect::to(Said::DrillBegun.at("/system/backups")))
}

/// The row of the page Health: how grave it is (0 in order, 1 care, 2 wrong), title and evidence.
pub(super) async fn health(backups: &Arc<Backups>, on_paper: bool, now: Moment, zone: &TimeZone) -> Result<(u8, &'static str, String), Refusal> {
    let (status, drills) = known(backups).await?;
    Ok(judged(&status, &drills, on_paper, now, zone))
}

fn judged(status: &Status, drills: &[DrillRow], on_paper: bool, now: Moment, zone: &TimeZone) -> (u8, &'static str, String) {
    let passed = drills.iter().find(|row| row.outcome == "passed");
    let failing = status.destinations.iter().find(|row| !row.is_well());
    match (failing, passed) {
        _ if status.destinations.is_empty() => (2, "Nothing is backed up", "If this server were lost, everything would be. Add a place outside of this machine.".into()),
        _ if !status.troubles.is_empty() => (2, "Backups had to begin anew", status.troubles.iter().map(|trouble| trouble.told(|at| when(at, now, zone))).collect::<Vec<_>>().join(" ")),
        (Some(row), _) if row.failing.is_some() => (2, "Backups do not arrive", format!("{}: {}.", row.name, row.failing.as_ref().map_or("", |(_, why)| why.trim_end_matches('.')))),
        (Some(row), _) if row.is_damaged() => (2, "A backup is damaged", damaged(row, now, zone).unwrap_or_default()),
        (Some(row), _) => (1, "Backups are behind", format!("{} has not had everything for {}.", row.name, span(row.behind))),
        (None, Some(row)) if now.0 - row.ended.0 <= PROVEN => (0, "Backups arrive and restore", format!("{} The last drill that passed ended {}.", sentence(status, on_paper), when(row.ended, now, zone))),
        (None, Some(row)) => (2, "No drill has passed for 36 hours", format!("The last one that did ended {}.", when(row.ended, now, zone))),
        (None, None) => (1, "Backups arrive, and were never restored in a drill", "The first drill is made within minutes after the first backup, the others at night.".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::Damage;
    use ship::verify::Wrong;

    fn row(behind: i64, failing: bool) -> Standing {
        Standing {
            name: "office".into(),
            place: "/mnt/office".into(),
            schedule: Schedule::Continuous,
            retained: store::destination::Retained::default(),
            added: Moment(0),
            good: Some(Moment(1)),
            behind,
            empty: false,
            failing: failing.then(|| (Moment(1), "the destination is full.".into())),
            away: false,
            owed: false,
            damage: None,
            brought: Vec::new(),
            busy: false,
            objects: 1,
            bytes: 1,
        }
    }

    fn drilled(outcome: &str, ended: i64) -> DrillRow {
        DrillRow { destination: "office".into(), site: [0; 16], ended: Moment(ended), outcome: outcome.into(), report: "{}".into(), signature: Vec::new() }
    }

    #[test]
    fn health_is_judged_by_what_was_proven() {
        let now = Moment(1_800_000_000_000);
        let judge = |rows: Vec<Standing>, drills: &[DrillRow]| judged(&Status { destinations: rows, troubles: Vec::new(), doing: None }, drills, true, now, &TimeZone::UTC);
        let passed = [drilled("passed", now.0 - 3_600_000)];
        assert_eq!(judge(Vec::new(), &[]).0, 2);
        assert_eq!(judge(vec![row(0, false)], &[]).0, 1);
        assert_eq!(judge(vec![row(0, false)], &passed).0, 0);
        assert_eq!(judge(vec![row(0, false)], &[drilled("failed", now.0), drilled("passed", now.0 - PROVEN - 1)]).0, 2);
        let failing = judge(vec![row(0, false), row(0, true)], &passed);
        assert_eq!((failing.0, failing.2.as_str()), (2, "office: the destination is full."));
        let wrong = vec![Wrong { object: "blob/x".into(), why: "it is another".into(), spoiled: true }];
        let spoiled = Standing { damage: Some(Damage { found: 0, tried: None, healed: false, wrong }), ..row(0, false) };
        assert_eq!(judge(vec![spoiled], &passed).0, 2);
        assert_eq!(judge(vec![row(600_000, false)], &passed), (1, "Backups are behind", "office has not had everything for 10 minutes.".into()));
    }

    #[test]
    fn the_head_says_what_would_be_lost() {
        let said = |rows: Vec<Standing>| sentence(&Status { destinations: rows, troubles: Vec::new(), doing: None }, true);
        assert!(said(Vec::new()).contains("everything would be lost"));
        // Nobody knows what a place that fails still has.
        assert!(said(vec![row(600_000, false), row(1_000, true)]).contains("at most 10 minutes"));
        assert!(said(vec![row(1_000, true)]).contains("on this server alone"));
        assert!(said(vec![row(600_000, false)]).contains("at most 10 minutes"));
        let mut empty = row(0, false);
        (empty.empty, empty.good) = (true, None);
        assert!(said(vec![empty.clone()]).contains("on its way"));
        // One that had everything and cannot be looked at any more is no first one.
        (empty.good, empty.failing) = (Some(Moment(1)), Some((Moment(1), "it is not there".into())));
        assert!(said(vec![empty]).contains("do not arrive"));
        let wrong = vec![Wrong { object: "blob/x".into(), why: "it is another".into(), spoiled: true }];
        assert!(said(vec![Standing { damage: Some(Damage { found: 0, tried: None, healed: false, wrong }), ..row(0, false) }]).starts_with("A backup is damaged"));
        let without = Status { destinations: vec![row(0, false)], troubles: Vec::new(), doing: None };
        assert!(sentence(&without, false).contains("Until it is on paper"));
    }
}
