//! Looking for conflicts without a case: what the firm knows about a name, as far as the one who asks may know it.

use super::{
    contact::PartRow,
    desk::Desk,
    link,
    oops::Oops,
    page::{Page, View},
};
use rocket::get;
use rules::text;
use serde::Serialize;
use store::conflict::{self, Found, Match};

/// Something that was found, one of four.
#[derive(Serialize, Default)]
struct MatchView {
    /// "contact", "title", "colleague" or "hidden".
    sort: &'static str,
    href: String,
    name: String,
    /// The other name that fits, or the reference of the case.
    small: String,
    organisation: bool,
    parts: Vec<PartRow>,
}

/// What was found for a name.
#[derive(Serialize)]
pub(super) struct FoundView {
    term: String,
    matches: Vec<MatchView>,
    more: bool,
}

fn match_view(found: Match) -> MatchView {
    match found {
        Match::Contact { id, name, by, organisation, parts } => {
            let small = by.map(|by| format!("also {by}")).unwrap_or_default();
            MatchView { sort: "contact", href: link::contact(&id, ""), name, small, organisation, parts: parts.into_iter().map(PartRow::new).collect() }
        }
        Match::Title { id, reference, title } => MatchView { sort: "title", href: link::case(&id, ""), name: title, small: reference, ..MatchView::default() },
        Match::Colleague { name } => MatchView { sort: "colleague", name, ..MatchView::default() },
        Match::Hidden { ask } => MatchView { sort: "hidden", name: ask, ..MatchView::default() },
    }
}

pub(super) fn found_views(found: Vec<Found>) -> Vec<FoundView> {
    found.into_iter().map(|found| FoundView { term: found.term, more: found.more, matches: found.matches.into_iter().map(match_view).collect() }).collect()
}

#[derive(Serialize)]
pub(super) struct ConflictsView {
    sentence: String,
    names: String,
    found: Vec<FoundView>,
}

impl View for ConflictsView {
    const TEMPLATE: &'static str = "contact/conflicts.html";
}

#[get("/conflicts?<names>")]
pub(super) async fn page(names: Option<&str>, desk: Desk<'_>) -> Result<Page<ConflictsView>, Oops> {
    let names = names.unwrap_or("").trim().to_owned();
    let terms: Vec<String> = names.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| line.chars().take(120).collect()).collect();
    let found = match terms.is_empty() {
        true => Vec::new(),
        false => desk.read(move |tx| conflict::look(tx, &terms)).await?,
    };
    let matches = found.iter().map(|found| found.matches.len()).sum::<usize>();
    let sentence = match (found.len(), matches) {
        (0, _) => "Names, other names and past cases are searched at once, however a name is spelled.".into(),
        (_, 0) => "Nothing was found.".into(),
        (_, n) => format!("{} found. Look at each before you act.", text::count_head(n, "match was", "matches were")),
    };
    Ok(Page::new(desk.shell("contacts"), ConflictsView { sentence, names, found: found_views(found) }))
}
