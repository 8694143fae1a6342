//! Today: where staff begin.

use super::{
    desk::Desk,
    link,
    oops::Oops,
    page::{Page, View},
    view::{Calendar, CaseRow, DocRow, When},
};
use rocket::get;
use rules::{case::Status, text};
use serde::Serialize;
use store::{case_list, document};

/// Cases shown of each sort; one more is asked for, so that it is known whether there are more.
const SHOWN: usize = 8;
/// Documents shown.
const ADDED: usize = 5;

#[derive(Serialize)]
struct Added {
    #[serde(flatten)]
    row: DocRow,
    case_title: String,
    case_href: String,
    at: When,
}

#[derive(Serialize)]
struct Recent {
    href: String,
    title: String,
    reference: String,
    at: When,
}

#[derive(Serialize)]
pub(super) struct TodayView {
    day_words: String,
    sentence: String,
    mine: Vec<CaseRow>,
    mine_more: Option<&'static str>,
    enquiries: Vec<CaseRow>,
    enquiries_more: Option<&'static str>,
    held: Vec<CaseRow>,
    held_more: Option<&'static str>,
    added: Vec<Added>,
    recent: Vec<Recent>,
}

impl View for TodayView {
    const TEMPLATE: &'static str = "today.html";
}

fn sentence(enquiries: usize, held: usize, added: usize) -> String {
    let counted = |n: usize, one: &str, many: &str| match n {
        n if n > SHOWN => format!("More than {} {many}", text::number(SHOWN)),
        n => text::count_head(n, one, many),
    };
    let waiting = counted(enquiries, "enquiry waits", "enquiries wait");
    let rest = match (held, added) {
        (0, 0) => String::new(),
        (0, _) => " New documents have come in.".into(),
        _ => format!(" {} on hold.", counted(held, "case is", "cases are")),
    };
    format!("{waiting} for your decision.{rest}")
}

#[get("/today")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<TodayView>, Oops> {
    let (mine, enquiries, held, added, recent) = desk
        .read(|tx| {
            tx.note(rules::Verb::HomeView);
            let of = |status| case_list::mine(tx, status, SHOWN + 1);
            Ok((of(Status::Open)?, of(Status::Enquiry)?, of(Status::OnHold)?, document::lately(tx, ADDED)?, case_list::recent(tx, 6)?))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let more = |list: &[case_list::Listed], href: &'static str| (list.len() > SHOWN).then_some(href);
    let rows = |list: Vec<case_list::Listed>| list.into_iter().take(SHOWN).map(|row| CaseRow::new(row, &calendar)).collect();
    let added_row = |row: document::Listed| Added {
        case_title: row.case_title.clone(),
        case_href: link::case(&row.case, ""),
        at: calendar.when(row.at),
        row: DocRow::new(row, &calendar),
    };
    let recent_row = |(row, at): (case_list::Listed, rules::Moment)| {
        row.summary.map(|seen| Recent { href: link::case(&row.id, ""), title: seen.title, reference: row.reference, at: calendar.when(at) })
    };
    let view = TodayView {
        day_words: desk.now.day_words(&desk.site().firm().zone),
        sentence: sentence(enquiries.len(), held.len(), added.len()),
        mine_more: more(&mine, "/cases?view=mine&status=open"),
        enquiries_more: more(&enquiries, "/cases?view=mine&status=enquiry"),
        held_more: more(&held, "/cases?view=mine&status=on_hold"),
        mine: rows(mine),
        enquiries: rows(enquiries),
        held: rows(held),
        added: added.into_iter().map(added_row).collect(),
        recent: recent.into_iter().filter_map(recent_row).collect(),
    };
    Ok(Page::new(desk.shell("today"), view))
}
