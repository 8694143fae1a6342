//! The first page of a client: their cases, in words. What is in a case stays with the firm until it is released.

use super::{
    desk::Desk,
    oops::Oops,
    page::{Page, View},
    view::{Calendar, When},
};
use rocket::get;
use rules::case::Status;
use serde::Serialize;
use store::case_list;

#[derive(Serialize)]
struct Mine {
    title: String,
    reference: String,
    status_words: &'static str,
    owner: String,
    opened: When,
}

#[derive(Serialize)]
pub(super) struct HomeView {
    greeting: String,
    sentence: String,
    cases: Vec<Mine>,
}

impl View for HomeView {
    const TEMPLATE: &'static str = "home.html";
}

/// A status as a client reads it.
const fn words(status: Status) -> &'static str {
    match status {
        Status::Enquiry => "We are looking at what you asked",
        Status::Open => "We are working on it",
        Status::OnHold => "Waiting, as agreed",
        Status::Closed => "Finished",
        Status::Declined => "We are not acting in this",
    }
}

#[get("/home")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<HomeView>, Oops> {
    let rows = desk
        .read(|tx| {
            tx.note(rules::Verb::HomeView);
            case_list::of_client(tx)
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let mine = |row: case_list::Listed| {
        row.summary.map(|seen| Mine { title: seen.title, reference: row.reference, status_words: words(seen.status), owner: seen.owner, opened: calendar.when(seen.opened) })
    };
    let cases: Vec<Mine> = rows.into_iter().filter_map(mine).collect();
    let firm = &desk.site().firm().name;
    let sentence = match cases.len() {
        0 => format!("{firm} has not given you access to a case yet."),
        _ => "There is nothing for you to do at the moment.".into(),
    };
    let first = desk.session().name.split_whitespace().next().unwrap_or_default().to_owned();
    Ok(Page::new(desk.shell("home"), HomeView { greeting: format!("Hello {first}"), sentence, cases }))
}
