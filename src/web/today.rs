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

const SHOWN: usize = 8;

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
    held: Vec<CaseRow>,
    added: Vec<Added>,
    recent: Vec<Recent>,
}

impl View for TodayView {
    const TEMPLATE: &'static str = "today.html";
}

fn sentence(enquiries: usize, held: usize, added: usize) -> String {
    let waiting = match enquiries {
        0 => String::from("No enquiry waits for your decision."),
        1 => String::from("One enquiry waits for your decision."),
        n => format!("{} wait for your decision.", text::count_head(n, "enquiry", "enquiries")),
    };
    let rest = match (held, added) {
        (0, 0) => "",
        (0, _) => " New documents have come in.",
        (1, _) => " One case is on hold.",
        _ => " Some cases are on hold.",
    };
    format!("{waiting}{rest}")
}

#[get("/today")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<TodayView>, Oops> {
    let (mine, enquiries, held, added, recent) = desk
        .read(|tx| {
            tx.note(rules::Verb::HomeView);
            let of = |status| case_list::mine(tx, status, SHOWN + 1);
            Ok((of(Status::Open)?, of(Status::Enquiry)?, of(Status::OnHold)?, document::lately(tx, SHOWN)?, case_list::recent(tx, 6)?))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let rows = |list: Vec<case_list::Listed>| list.into_iter().take(SHOWN).map(|row| CaseRow::new(row, &calendar)).collect();
    let added_row = |row: document::Listed| Added {
        case_title: row.case_title.clone(),
        case_href: link::case(&row.case, ""),
        at: calendar.when(row.at),
        row: DocRow::new(row, &calendar),
    };
    let recent_row = |(row, at): (case_list::Listed, rules::Moment)| {
        row.title.map(|title| Recent { href: link::case(&row.id, ""), title, reference: row.reference, at: calendar.when(at) })
    };
    let view = TodayView {
        day_words: desk.now.day_words(&desk.site().firm().zone),
        sentence: sentence(enquiries.len(), held.len(), added.len()),
        mine_more: (mine.len() > SHOWN).then_some("/cases?view=mine"),
        mine: rows(mine),
        enquiries: rows(enquiries),
        held: rows(held),
        added: added.into_iter().map(added_row).collect(),
        recent: recent.into_iter().filter_map(recent_row).collect(),
    };
    Ok(Page::new(desk.shell("today"), view))
}
