//! Cases: the list, and the page of one.

use super::{
    desk::Desk,
    link::Id,
    oops::Oops,
    page::{Page, View},
    parties::PartyRow,
    view::{Calendar, CaseFile, CaseRow, Choice, DocRow, EventRow, Tab, When},
};
use rocket::{FromForm, get};
use rules::{Case, Level, Read, Sealed, UserKind, Verb, case::Status, text};
use serde::Serialize;
use store::{
    case,
    case_list::{self, Filter},
    document, party, seers,
    trail::{self, Which},
    user,
};

#[derive(Serialize)]
pub(super) struct ListView {
    sentence: String,
    views: Vec<Tab>,
    q: String,
    statuses: Vec<Choice>,
    owners: Vec<Choice>,
    view: &'static str,
    rows: Vec<CaseRow>,
    first: Option<String>,
    next: Option<String>,
    page_end: Option<String>,
    /// The view without the filter.
    clear: String,
    filtered: bool,
    empty: bool,
}

impl View for ListView {
    const TEMPLATE: &'static str = "case/list.html";
}

/// The views over the list: code, label, statuses, only one's own.
const VIEWS: [(&str, &str, &[Status], bool); 5] = [
    ("", "Current", &[Status::Enquiry, Status::Open, Status::OnHold], false),
    ("mine", "Mine", &[Status::Enquiry, Status::Open, Status::OnHold], true),
    ("held", "On hold", &[Status::OnHold], false),
    ("closed", "Closed", &[Status::Closed, Status::Declined], false),
    ("every", "All I may see", &[], false),
];

/// What the list was asked for.
#[derive(FromForm)]
pub(super) struct Asked<'r> {
    q: Option<&'r str>,
    status: Option<&'r str>,
    owner: Option<&'r str>,
    view: Option<&'r str>,
    after: Option<&'r str>,
}

/// The query of a link with the same filter.
fn query(view: &str, q: &str, status: &str, owner: &str, after: Option<&Sealed<Case>>) -> String {
    let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let fields = [("view", encode(view)), ("q", encode(q)), ("status", encode(status)), ("owner", encode(owner)), ("after", after.map(|id| id.to_string()).unwrap_or_default())];
    let pairs: Vec<String> = fields.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={value}")).collect();
    match pairs.is_empty() {
        true => "/cases".into(),
        false => format!("/cases?{}", pairs.join("&")),
    }
}

/// What the page shows, in a sentence. Looking for words without a status looks in every status.
fn sentence(shown: usize, more: bool, words: bool, every: bool) -> String {
    let order = if shown > 1 { ", newest first" } else { "" };
    match (shown, more, words) {
        (0, ..) => "No case fits.".into(),
        (n, true, _) => format!("Showing {n} of the cases that you may see{order}."),
        (n, false, true) => format!("{} these words{}{order}.", text::count_head(n, "case has", "cases have"), if every { ", in every status" } else { "" }),
        (n, false, false) => format!("{} that you may see{order}.", text::count_head(n, "case", "cases")),
    }
}

#[get("/cases?<asked..>")]
pub(super) async fn list(asked: Asked<'_>, desk: Desk<'_>) -> Result<Page<ListView>, Oops> {
    let (q, status, owner) = (asked.q.unwrap_or("").trim().to_owned(), asked.status.unwrap_or(""), asked.owner.unwrap_or("").to_owned());
    let view = VIEWS.iter().find(|(code, ..)| Some(*code) == asked.view).or(VIEWS.first());
    let (code, _, of_view, own) = view.copied().unwrap_or(("", "", &[], false));
    let wanted = Status::from_value(status);
    // Looking for something by its words looks everywhere, unless a status was chosen.
    let statuses = match wanted {
        Some(status) => vec![status],
        None if q.is_empty() => of_view.to_vec(),
        None => Vec::new(),
    };
    let after = asked.after.map(Sealed::from_url);
    let (words, chosen_owner, first_page) = (q.clone(), owner.clone(), after.is_none());
    let (page, owners, me) = desk
        .read(move |tx| {
            let owners = user::staff(tx)?;
            let me = user::own_id(tx)?;
            let owner = if own { Some(me.clone()) } else { Some(Sealed::from_url(&chosen_owner)).filter(|id| !id.as_str().is_empty()) };
            Ok((case_list::list(tx, &Filter { words, statuses, owner, after })?, owners, me))
        })
        .await?;
    let filtered = !q.is_empty() || wanted.is_some() || !owner.is_empty();
    let calendar = Calendar::of(desk.site(), desk.now);
    // The view is still in force, unless words or a status lead out of it.
    let in_view = q.is_empty() && wanted.is_none_or(|status| of_view.is_empty() || of_view.contains(&status));
    let owner_choice = |person: user::Person| {
        let label = if person.id.as_str() == me.as_str() { format!("{} (you)", person.name) } else { person.name };
        Choice::new(person.id.as_str(), label, person.id.as_str() == owner)
    };
    let view = ListView {
        sentence: sentence(page.rows.len(), page.next.is_some() || !first_page, !q.is_empty(), wanted.is_none()),
        views: VIEWS.iter().map(|(c, label, ..)| Tab { label, href: query(c, "", "", "", None), current: *c == code && in_view }).collect(),
        statuses: [Choice::new("", if of_view.is_empty() { "Any" } else { "Any of these" }, wanted.is_none())].into_iter().chain(Status::ALL.map(|s| Choice::new(s.value(), s.word(), wanted == Some(s)))).collect(),
        owners: [Choice::new("", "Anyone", owner.is_empty())].into_iter().chain(owners.into_iter().map(owner_choice)).collect(),
        view: code,
        clear: query(code, "", "", "", None),
        first: (!first_page).then(|| query(code, &q, status, &owner, None)),
        next: page.next.as_ref().map(|id| query(code, &q, status, &owner, Some(id))),
        page_end: page.rows.last().map(|row| row.reference.clone()),
        empty: page.rows.is_empty() && !filtered && first_page && code.is_empty(),
        rows: page.rows.into_iter().map(|row| CaseRow::new(row, &calendar)).collect(),
        filtered,
        q,
    };
    Ok(Page::new(desk.shell("cases"), view))
}

#[derive(Serialize)]
pub(super) struct CaseView {
    file: CaseFile,
    /// Clients who see its title.
    clients: usize,
    summary: Option<String>,
    outcome: Option<String>,
    reopened: Option<String>,
    parties: Vec<PartyRow>,
    documents: Vec<DocRow>,
    history: Vec<EventRow>,
    updated: When,
    updated_by: String,
}

impl View for CaseView {
    const TEMPLATE: &'static str = "case/view.html";
}

#[get("/cases/<id>")]
pub(super) async fn page(id: Id<Case>, desk: Desk<'_>) -> Result<Page<CaseView>, Oops> {
    let (file, details, parties, documents, history, seers) = desk
        .read(move |tx| {
            let case = tx.open::<Read, Case>(&id.0, Verb::CaseView)?;
            let history = case.as_manager().map_or(Ok(Vec::new()), |case| trail::of_case(&case, Which::Changes, i64::MAX, 5))?;
            Ok((case::file(&case)?, case::details(&case)?, party::of_case(&case)?, document::of_case(&case, None, 5)?, history, seers::people(&case)?))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let view = CaseView {
        file: CaseFile::new(file, &calendar),
        clients: seers.iter().filter(|seer| seer.facts.role.kind() == UserKind::Client && seer.level >= Level::Read).count(),
        summary: details.summary,
        outcome: details.outcome,
        reopened: details.reopened,
        parties: parties.into_iter().filter(|party| party.ended.is_none()).map(|party| PartyRow::new(party, &calendar)).collect(),
        documents: documents.rows.into_iter().map(|row| DocRow::new(row, &calendar)).collect(),
        history: history.into_iter().map(|event| EventRow::new(event, &calendar)).collect(),
        updated: calendar.when(details.changed),
        updated_by: details.changed_by,
    };
    Ok(Page::new(desk.shell("cases"), view))
}
