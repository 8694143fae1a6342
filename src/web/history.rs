//! The history of a case: its part of the trail, for those who manage it.

use super::{
    desk::Desk,
    link::Id,
    oops::Oops,
    page::{Page, View},
    view::{Calendar, CaseFile, EventRow, Tab},
};
use rocket::get;
use rules::{Case, Manage, Verb};
use serde::Serialize;
use store::{
    case,
    trail::{self, Which},
};

const PAGE: usize = 50;

/// Whether the events shown stand in the trail as they were written.
#[derive(Serialize)]
pub(super) struct Chain {
    ok: bool,
    words: &'static str,
}

impl Chain {
    pub(super) fn of(ok: bool, every: bool) -> Chain {
        let words = match (ok, every) {
            (true, true) => "Each of these events was checked against the one before it in the trail when this page was made. The chain is unbroken.",
            (true, false) => "Each of these changes was checked against the event before it in the trail when this page was made, and fits.",
            (false, _) => "The chain is broken: an event was changed from outside. Tell your system administrator now.",
        };
        Chain { ok, words }
    }
}

#[derive(Serialize)]
pub(super) struct Day {
    words: String,
    events: Vec<EventRow>,
}

#[derive(Serialize)]
pub(super) struct HistoryView {
    file: CaseFile,
    views: Vec<Tab>,
    days: Vec<Day>,
    next: Option<String>,
    chain: Chain,
}

impl View for HistoryView {
    const TEMPLATE: &'static str = "case/history.html";
}

/// Events one after the other, put under their days.
pub(super) fn by_day(events: impl Iterator<Item = EventRow>) -> Vec<Day> {
    events.fold(Vec::new(), |mut days: Vec<Day>, event| {
        match days.last_mut() {
            Some(day) if day.words == event.day => day.events.push(event),
            _ => days.push(Day { words: event.day.clone(), events: vec![event] }),
        }
        days
    })
}

#[get("/cases/<id>/history?<before>&<show>")]
pub(super) async fn page(id: Id<Case>, before: Option<i64>, show: Option<&str>, desk: Desk<'_>) -> Result<Page<HistoryView>, Oops> {
    let which = if show == Some("every") { Which::Every } else { Which::Changes };
    let (file, told) = desk
        .read(move |tx| {
            let case = tx.open::<Manage, Case>(&id.0, Verb::HistoryView)?;
            Ok((case::file(&case)?, trail::of_case(&case, which, before.unwrap_or(i64::MAX), PAGE + 1)?))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let path = super::link::case(&file.id, "history");
    let every = format!("{path}?show=every");
    let next = told.get(PAGE - 1).filter(|_| told.len() > PAGE).map(|last| match which {
        Which::Changes => format!("{path}?before={}", last.seq),
        Which::Every => format!("{every}&before={}", last.seq),
    });
    let chain = Chain::of(told.iter().all(|event| event.holds), which == Which::Every);
    let views = vec![
        Tab { label: "Changes", href: path, current: which == Which::Changes },
        Tab { label: "Everything", href: every, current: which == Which::Every },
    ];
    let days = by_day(told.into_iter().take(PAGE).map(|event| EventRow::new(event, &calendar)));
    Ok(Page::new(desk.shell("cases"), HistoryView { file: CaseFile::new(file, &calendar), views, days, next, chain }))
}
