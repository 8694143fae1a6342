//! A contact: its page, its form, and its other names, identity documents and ties.

use super::{
    contacts::{self, FormView, Typed, kinds, similar_choices},
    desk::Desk,
    history::{Chain, Day, by_day},
    link::{self, Id},
    oops::Oops,
    page::{Page, View},
    posted::{Button, Posted},
    said::Said,
    view::{Calendar, Choice, EventRow, Mistake, State, When, mistakes},
};
use rocket::{Either, FromForm, get, http::Status, post, response::Redirect};
use rules::{
    Contact, Contribute, Level, Problem, Read, Refusal, Sealed, Verb,
    contact::{AliasKind, IdentityKind, LinkKind},
    date,
};
use serde::Serialize;
use store::{Access, Tx, Writing, alias, contact, identity, party, relation, trail, who};

#[derive(Serialize)]
struct NameRow {
    name: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct PaperRow {
    id: String,
    kind: &'static str,
    number: String,
    whole: bool,
    country: String,
    expires: Option<String>,
    /// It has ended, or ends within three months.
    state: Option<State>,
}

#[derive(Serialize)]
struct TieRow {
    href: String,
    id: String,
    name: String,
    words: &'static str,
    kind: &'static str,
}

/// A part in a case.
#[derive(Serialize)]
pub(super) struct PartRow {
    href: String,
    reference: String,
    title: String,
    part: &'static str,
    is_client: bool,
    ended: bool,
    state: State,
}

impl PartRow {
    pub(super) fn new(part: party::PartIn) -> PartRow {
        PartRow { href: link::case(&part.case, ""), reference: part.reference, title: part.title, part: part.part.words(), is_client: part.is_client, ended: part.ended, state: State::of(part.status) }
    }
}

#[derive(Serialize)]
struct FileView {
    href: String,
    id: String,
    name: String,
    organisation: bool,
    born: Option<String>,
    number: String,
    email: String,
    phone: String,
    address: String,
    note: String,
    changed: When,
    free: bool,
    can_contribute: bool,
    has_history: bool,
}

/// What was typed into one of the small forms of the page.
#[derive(FromForm, Default, Clone, Serialize)]
pub(super) struct Small {
    #[field(default = String::new())]
    alias: String,
    #[field(default = String::new())]
    alias_kind: String,
    #[field(default = String::new())]
    identity_kind: String,
    #[field(default = String::new())]
    identity_number: String,
    #[field(default = String::new())]
    identity_country: String,
    #[field(default = String::new())]
    identity_expires: String,
    #[field(default = String::new())]
    who: String,
    #[field(default = String::new())]
    who_kind: String,
    #[field(default = String::new())]
    who_is: String,
    #[field(default = String::new())]
    link: String,
    #[field(default = String::new())]
    id: String,
}

#[derive(Serialize)]
pub(super) struct ContactView {
    contact: FileView,
    problems: Vec<Mistake>,
    names: Vec<NameRow>,
    papers: Vec<PaperRow>,
    ties: Vec<TieRow>,
    parts: Vec<PartRow>,
    typed: Small,
    alias_kinds: Vec<Choice>,
    identity_kinds: Vec<Choice>,
    link_kinds: Vec<Choice>,
    who_kinds: Vec<Choice>,
    similar: Vec<Choice>,
}

impl View for ContactView {
    const TEMPLATE: &'static str = "contact/view.html";
}

/// Ends soon, or has ended.
fn standing(expires: jiff::civil::Date, today: jiff::civil::Date) -> Option<State> {
    let soon = today.checked_add(jiff::Span::new().months(3)).unwrap_or(today);
    match expires {
        past if past < today => Some(State::new("Ended", "st cross bad")),
        near if near <= soon => Some(State::new("Ends soon", "st tri warn")),
        _ => None,
    }
}

fn file_view(file: contact::File, calendar: &Calendar) -> FileView {
    FileView {
        href: link::contact(&file.id, ""),
        has_history: tells_history(&file),
        id: file.id.to_string(),
        name: file.name,
        organisation: file.organisation,
        born: file.born.map(date::words),
        number: file.number,
        email: file.email,
        phone: file.phone,
        address: file.address,
        note: file.note,
        changed: calendar.when(file.changed),
        free: file.free,
        can_contribute: file.level >= Level::Contribute,
    }
}

/// A tie in a form: both directions of each kind.
fn link_kinds(chosen: &str) -> Vec<Choice> {
    let both = LinkKind::ALL.iter().flat_map(|kind| {
        let there = (format!("{}+", kind.value()), kind.words());
        let back = (!kind.is_mutual()).then(|| (format!("{}-", kind.value()), kind.back()));
        [Some(there), back].into_iter().flatten()
    });
    both.map(|(value, words)| { let is = value == chosen; Choice::new(value, words, is) }).collect()
}

async fn contact_page(desk: &Desk<'_>, id: Sealed<Contact>, show: Option<String>, typed: Small, problems: Vec<Problem>) -> Result<Page<ContactView>, Oops> {
    let asks = problems.iter().any(|problem| problem.field == "who_is");
    let name = typed.who.clone();
    let (file, names, papers, ties, parts, similar) = desk
        .read(move |tx| {
            let contact = tx.open::<Read, Contact>(&id, Verb::ContactView)?;
            let similar = if asks { who::similar(tx, &name)? } else { Vec::new() };
            let shown = show.map(|id| Sealed::from_url(&id));
            Ok((contact::file(&contact)?, alias::list(&contact)?, identity::list(&contact, shown.as_ref())?, relation::list(&contact)?, party::of_contact(&contact)?, similar))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let today = desk.now.date(&desk.site().firm().zone);
    let status = if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    let view = ContactView {
        contact: file_view(file, &calendar),
        problems: mistakes(problems),
        names: names.into_iter().map(|alias| NameRow { name: alias.name, kind: alias.kind.words() }).collect(),
        papers: papers
            .into_iter()
            .map(|paper| PaperRow {
                id: paper.id.to_string(),
                kind: paper.kind.words(),
                number: paper.number,
                whole: paper.whole,
                country: paper.country,
                expires: paper.expires.map(date::words),
                state: paper.expires.and_then(|expires| standing(expires, today)),
            })
            .collect(),
        ties: ties.into_iter().map(|tie| TieRow { href: link::contact(&tie.id, ""), id: tie.id.to_string(), name: tie.name, words: tie.words, kind: tie.kind.value() }).collect(),
        parts: parts.into_iter().map(PartRow::new).collect(),
        alias_kinds: AliasKind::ALL.iter().map(|kind| Choice::new(kind.value(), kind.words(), kind.value() == typed.alias_kind)).collect(),
        identity_kinds: IdentityKind::ALL.iter().map(|kind| Choice::new(kind.value(), kind.words(), kind.value() == typed.identity_kind)).collect(),
        link_kinds: link_kinds(&typed.link),
        who_kinds: kinds(&typed.who_kind),
        similar: similar_choices(&similar, &typed.who_is, "Somebody else: keep as a new contact"),
        typed,
    };
    Ok(Page::new(desk.shell("contacts"), view).with(status))
}

#[get("/contacts/<id>?<show>")]
pub(super) async fn page(id: Id<Contact>, show: Option<String>, desk: Desk<'_>) -> Result<Page<ContactView>, Oops> {
    contact_page(&desk, id.0, show, Small::default(), Vec::new()).await
}

type Done = Result<Either<Redirect, Page<ContactView>>, Oops>;

/// Does one of the verbs of the page; mistakes come back with what was typed.
async fn act(desk: Desk<'_>, id: Sealed<Contact>, typed: Small, place: &str, work: impl for<'t> FnOnce(&'t Tx<'t, Writing>, Access<'t, Contribute, Contact, Writing>) -> Result<(), Refusal> + Send + 'static) -> Done {
    let contact = id.clone();
    let done = desk.write(move |tx| work(tx, tx.open::<Contribute, Contact>(&contact, Verb::ContactChange)?)).await;
    match done {
        Ok(()) => Ok(Either::Left(Redirect::to(Said::ContactChanged.at(&format!("{}#{place}", link::contact(&id, "")))))),
        Err(Refusal::Invalid(problems)) => contact_page(&desk, id, None, typed, problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

#[post("/contacts/<id>/names", data = "<form>")]
pub(super) async fn add_name(id: Id<Contact>, desk: Desk<'_>, form: Posted<Small>) -> Done {
    let typed = form.into_inner();
    let (name, kind) = (typed.alias.clone(), typed.alias_kind.clone());
    act(desk, id.0, typed, "names", move |_, contact| alias::add(&contact, &name, &kind)).await
}

#[post("/contacts/<id>/names/remove", data = "<form>")]
pub(super) async fn remove_name(id: Id<Contact>, desk: Desk<'_>, form: Posted<Small>) -> Done {
    let name = form.into_inner().alias;
    act(desk, id.0, Small::default(), "names", move |_, contact| alias::remove(&contact, &name)).await
}

#[post("/contacts/<id>/papers", data = "<form>")]
pub(super) async fn add_paper(id: Id<Contact>, desk: Desk<'_>, form: Posted<Small>) -> Done {
    let typed = form.into_inner();
    let paper = identity::Typed { kind: typed.identity_kind.clone(), number: typed.identity_number.clone(), country: typed.identity_country.clone(), expires: typed.identity_expires.clone() };
    act(desk, id.0, typed, "papers", move |_, contact| identity::add(&contact, &paper)).await
}

#[post("/contacts/<id>/papers/remove", data = "<form>")]
pub(super) async fn remove_paper(id: Id<Contact>, desk: Desk<'_>, form: Posted<Small>) -> Done {
    let paper = Sealed::from_url(&form.into_inner().id);
    act(desk, id.0, Small::default(), "papers", move |_, contact| identity::remove(&contact, &paper)).await
}

#[post("/contacts/<id>/ties", data = "<form>")]
pub(super) async fn add_tie(id: Id<Contact>, desk: Desk<'_>, form: Posted<Small>) -> Done {
    let typed = form.into_inner();
    let whom = who::Who { name: typed.who.clone(), organisation: typed.who_kind == "organisation", is: typed.who_is.clone() };
    let (left, kind) = (typed.link.ends_with('+'), LinkKind::from_value(typed.link.trim_end_matches(['+', '-'])));
    act(desk, id.0, typed, "ties", move |tx, contact| {
        let kind = kind.ok_or_else(|| Refusal::invalid("link", "Choose how they stand to each other"))?;
        relation::add(&contact, &who::settle(tx, &whom, Verb::ContactView)?, kind, left)
    })
    .await
}

#[post("/contacts/<id>/ties/remove", data = "<form>")]
pub(super) async fn remove_tie(id: Id<Contact>, desk: Desk<'_>, form: Posted<Small>) -> Done {
    let typed = form.into_inner();
    let (other, kind) = (Sealed::from_url(&typed.id), LinkKind::from_value(&typed.link));
    act(desk, id.0, Small::default(), "ties", move |_, contact| relation::remove(&contact, &other, kind.ok_or(Refusal::NotFound)?)).await
}

#[post("/contacts/<id>/remove", data = "<form>")]
pub(super) async fn remove(id: Id<Contact>, desk: Desk<'_>, form: Posted<Button>) -> Done {
    let Button = form.into_inner();
    let contact = id.0.clone();
    match desk.write(move |tx| contact::remove(&tx.open::<Contribute, Contact>(&contact, Verb::ContactRemove)?)).await {
        Ok(()) => Ok(Either::Left(Redirect::to(Said::ContactRemoved.at("/contacts")))),
        Err(Refusal::Invalid(problems)) => contact_page(&desk, id.0, None, Small::default(), problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

/// The form of a contact that is there, with what it says.
fn edit_view(file: &contact::File, typed: Option<Typed>, problems: Vec<Problem>) -> FormView {
    let typed = typed.unwrap_or_else(|| Typed {
        name: file.name.clone(),
        kind: if file.organisation { "organisation".into() } else { "person".into() },
        born: file.born.map(date::words).unwrap_or_default(),
        number: file.number.clone(),
        email: file.email.clone(),
        phone: file.phone.clone(),
        address: file.address.clone(),
        note: file.note.clone(),
        who_is: String::new(),
        version: file.version.to_string(),
    });
    let conflict = typed.version.parse() != Ok(file.version);
    FormView {
        fresh: false,
        action: link::contact(&file.id, "edit"),
        cancel: link::contact(&file.id, ""),
        title: format!("Change: {}", file.name),
        conflict,
        version: file.version.to_string(),
        ..contacts::form_view(typed, problems)
    }
}

#[get("/contacts/<id>/edit")]
pub(super) async fn form(id: Id<Contact>, desk: Desk<'_>) -> Result<Page<FormView>, Oops> {
    let file = desk.read(move |tx| contact::file(&tx.open::<Contribute, Contact>(&id.0, Verb::ContactView)?)).await?;
    Ok(Page::new(desk.shell("contacts"), edit_view(&file, None, Vec::new())))
}

#[post("/contacts/<id>/edit", data = "<form>")]
pub(super) async fn change(id: Id<Contact>, desk: Desk<'_>, form: Posted<Typed>) -> Result<Either<Redirect, Page<FormView>>, Oops> {
    let typed = form.into_inner();
    let (contact, meant, version) = (id.0.clone(), typed.meant(), typed.version.parse().unwrap_or(0));
    let done = desk.write(move |tx| contact::change(&tx.open::<Contribute, Contact>(&contact, Verb::ContactChange)?, &meant, version)).await;
    let (problems, status) = match done {
        Ok(()) => return Ok(Either::Left(Redirect::to(Said::ContactChanged.at(&link::contact(&id.0, ""))))),
        Err(Refusal::Invalid(problems)) => (problems, Status::UnprocessableEntity),
        Err(Refusal::Conflict) => (Vec::new(), Status::Conflict),
        Err(refusal) => return Err(refusal.into()),
    };
    let file = desk.read(move |tx| contact::file(&tx.open::<Contribute, Contact>(&id.0, Verb::ContactView)?)).await?;
    Ok(Either::Right(Page::new(desk.shell("contacts"), edit_view(&file, Some(typed), problems)).with(status)))
}

#[derive(Serialize)]
pub(super) struct HistoryView {
    name: String,
    href: String,
    days: Vec<Day>,
    next: Option<String>,
    chain: Chain,
}

impl View for HistoryView {
    const TEMPLATE: &'static str = "contact/history.html";
}

/// Whether the one who asks reads the history: who manages a case of the contact; of a contact on no case, who works on cases.
fn tells_history(file: &contact::File) -> bool {
    file.level >= Level::Manage || file.free
}

/// Events on a page of the history.
const EVENTS: usize = 50;

#[get("/contacts/<id>/history?<before>")]
pub(super) async fn history(id: Id<Contact>, before: Option<i64>, desk: Desk<'_>) -> Result<Page<HistoryView>, Oops> {
    let (file, told) = desk
        .read(move |tx| {
            let contact = tx.open::<Contribute, Contact>(&id.0, Verb::ContactView)?;
            let file = contact::file(&contact)?;
            if !tells_history(&file) {
                return Err(Refusal::Forbidden("The history of a contact is for those who manage one of its cases. Ask the owner of a case.".into()));
            }
            Ok((file, trail::of_contact(&contact, before.unwrap_or(i64::MAX), EVENTS + 1)?))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let path = link::contact(&file.id, "history");
    let next = told.get(EVENTS - 1).filter(|_| told.len() > EVENTS).map(|last| format!("{path}?before={}", last.seq));
    let chain = Chain::of(told.iter().all(|event| event.holds), true);
    let days = by_day(told.into_iter().take(EVENTS).map(|event| EventRow::new(event, &calendar)));
    Ok(Page::new(desk.shell("contacts"), HistoryView { href: link::contact(&file.id, ""), name: file.name, days, next, chain }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::Date;

    #[test]
    fn papers_say_when_they_have_ended_and_when_they_soon_will() {
        let today = Date::constant(2026, 11, 24);
        let word = |date| standing(date, today).is_some();
        assert!(word(Date::constant(2026, 11, 23)) && word(today) && word(Date::constant(2027, 2, 24)));
        assert!(!word(Date::constant(2027, 2, 25)));
    }
}
