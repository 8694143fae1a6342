//! The history of a case: its part of the trail, for those who manage it.

use super::{
    desk::Desk,
    link::Id,
    oops::Oops,
    page::{Page, View},
    view::{Calendar, CaseFile, EventRow},
};
use rocket::get;
use rules::{Case, Manage, Verb};
use serde::Serialize;
use store::{case, trail};

const PAGE: usize = 50;

#[derive(Serialize)]
struct ChainWords {
    ok: bool,
    words: &'static str,
}

#[derive(Serialize)]
pub(super) struct HistoryView {
    file: CaseFile,
    events: Vec<EventRow>,
    next: Option<String>,
    chain: ChainWords,
}

impl View for HistoryView {
    const TEMPLATE: &'static str = "case/history.html";
}

#[get("/cases/<id>/history?<before>")]
pub(super) async fn page(id: Id<Case>, before: Option<i64>, desk: Desk<'_>) -> Result<Page<HistoryView>, Oops> {
    let (file, told) = desk
        .read(move |tx| {
            let case = tx.open::<Manage, Case>(&id.0, Verb::HistoryView)?;
            Ok((case::file(&case)?, trail::of_case(&case, trail::Which::Every, before.unwrap_or(i64::MAX), PAGE + 1)?))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let path = super::link::case(&file.id, "history");
    let next = told.get(PAGE - 1).filter(|_| told.len() > PAGE).map(|last| format!("{path}?before={}", last.seq));
    let ok = told.iter().all(|event| event.holds);
    let chain = ChainWords {
        ok,
        words: match ok {
            true => "Each of these events was checked against the one before it in the trail when this page was made. The chain is unbroken.",
            false => "The chain is broken: an event was changed from outside. Tell your system administrator now.",
        },
    };
    let events = told.into_iter().take(PAGE).map(|event| EventRow::new(event, &calendar)).collect();
    Ok(Page::new(desk.shell("cases"), HistoryView { file: CaseFile::new(file, &calendar), events, next, chain }))
}
