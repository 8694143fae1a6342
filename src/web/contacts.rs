//! Contacts: the list, and a new one.

use super::{
    desk::Desk,
    link,
    oops::Oops,
    page::{Page, View},
    posted::Posted,
    said::Said,
    view::{Choice, Mistake, mistakes},
};
use rocket::{Either, FromForm, get, http::Status, post, response::Redirect};
use rules::{Contact, Problem, Read, Refusal, Sealed, Verb, date, text};
use serde::Serialize;
use store::{
    contact,
    contact_list,
    who::{self, Similar},
};

#[derive(Serialize)]
struct Row {
    href: String,
    name: String,
    also: Option<String>,
    organisation: bool,
    cases: usize,
}

#[derive(Serialize)]
pub(super) struct ListView {
    sentence: String,
    q: String,
    /// The words as they stand in an address.
    encoded: String,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
    /// There is no contact at all that the one who asks may see.
    empty: bool,
    may_add: bool,
}

impl View for ListView {
    const TEMPLATE: &'static str = "contact/list.html";
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The path of the list with these words, from behind this contact.
fn query(q: &str, after: Option<&str>) -> String {
    let pairs: Vec<String> = [("q", encode(q)), ("after", after.unwrap_or_default().to_owned())].into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={value}")).collect();
    if pairs.is_empty() { "/contacts".into() } else { format!("/contacts?{}", pairs.join("&")) }
}

fn sentence(shown: usize, more: bool, words: bool) -> String {
    match (shown, more, words) {
        (0, ..) => "No contact fits.".into(),
        (n, true, _) => format!("Showing {n} of the contacts that you may see, by name."),
        (n, false, true) => format!("{} a name that begins like this.", text::count_head(n, "contact has", "contacts have")),
        (n, false, false) => format!("{} that you may see, by name.", text::count_head(n, "contact", "contacts")),
    }
}

#[get("/contacts?<q>&<after>")]
pub(super) async fn list(q: Option<&str>, after: Option<&str>, desk: Desk<'_>) -> Result<Page<ListView>, Oops> {
    let q = q.unwrap_or("").trim().to_owned();
    let (words, from) = (q.clone(), after.map(Sealed::from_url));
    let page = desk.read(move |tx| contact_list::list(tx, &words, from.as_ref())).await?;
    let first_page = after.is_none();
    let view = ListView {
        sentence: sentence(page.rows.len(), page.next.is_some() || !first_page, !q.is_empty()),
        first: (!first_page).then(|| query(&q, None)),
        next: page.next.as_ref().map(|id| query(&q, Some(id.as_str()))),
        empty: page.rows.is_empty() && q.is_empty() && first_page,
        may_add: desk.actor().role.works(),
        rows: page.rows.into_iter().map(|row| Row { href: link::contact(&row.id, ""), name: row.name, also: row.also, organisation: row.organisation, cases: row.cases }).collect(),
        encoded: encode(&q),
        q,
    };
    Ok(Page::new(desk.shell("contacts"), view))
}

/// What was typed into the form of a contact, as it was typed.
#[derive(FromForm, Default, Clone)]
pub(super) struct Typed {
    #[field(default = String::new())]
    pub(super) name: String,
    #[field(default = String::new())]
    pub(super) kind: String,
    #[field(default = String::new())]
    pub(super) born: String,
    #[field(default = String::new())]
    pub(super) number: String,
    #[field(default = String::new())]
    pub(super) email: String,
    #[field(default = String::new())]
    pub(super) phone: String,
    #[field(default = String::new())]
    pub(super) address: String,
    #[field(default = String::new())]
    pub(super) note: String,
    #[field(default = String::new())]
    pub(super) who_is: String,
    #[field(default = String::new())]
    pub(super) version: String,
}

impl Typed {
    pub(super) fn meant(&self) -> contact::Typed {
        let of = |text: &String| text.clone();
        contact::Typed {
            name: of(&self.name),
            organisation: self.kind == "organisation",
            born: of(&self.born),
            number: of(&self.number),
            email: of(&self.email),
            phone: of(&self.phone),
            address: of(&self.address),
            note: of(&self.note),
        }
    }
}

/// The choice "is it one of these, or somebody new".
pub(super) fn similar_choices(similar: &[Similar], chosen: &str, fresh: &str) -> Vec<Choice> {
    let words = |one: &Similar| match (one.organisation, one.born) {
        (true, _) => format!("{}, organisation", one.name),
        (false, Some(born)) => format!("{}, born {}", one.name, date::words(born)),
        (false, None) => one.name.clone(),
    };
    let known = similar.iter().map(|one| Choice::new(one.id.as_str(), words(one), one.id.as_str() == chosen));
    known.chain((!similar.is_empty()).then(|| Choice::new("new", fresh, chosen == "new"))).collect()
}

#[derive(Serialize)]
pub(super) struct FormView {
    pub(super) problems: Vec<Mistake>,
    pub(super) fresh: bool,
    pub(super) action: String,
    pub(super) cancel: String,
    pub(super) title: String,
    pub(super) name: String,
    pub(super) kinds: Vec<Choice>,
    pub(super) born: String,
    pub(super) number: String,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) address: String,
    pub(super) note: String,
    pub(super) version: String,
    /// Contacts of a name like this one, and "somebody new".
    pub(super) similar: Vec<Choice>,
    /// Somebody else changed it meanwhile.
    pub(super) conflict: bool,
}

impl View for FormView {
    const TEMPLATE: &'static str = "contact/form.html";
}

/// The form with what was typed.
pub(super) fn form_view(typed: Typed, problems: Vec<Problem>) -> FormView {
    FormView {
        problems: mistakes(problems),
        fresh: true,
        action: "/contacts".into(),
        cancel: "/contacts".into(),
        title: "New contact".into(),
        kinds: kinds(&typed.kind),
        name: typed.name,
        born: typed.born,
        number: typed.number,
        email: typed.email,
        phone: typed.phone,
        address: typed.address,
        note: typed.note,
        version: typed.version,
        similar: Vec::new(),
        conflict: false,
    }
}

/// Person or organisation.
pub(super) fn kinds(chosen: &str) -> Vec<Choice> {
    vec![Choice::new("person", "A person", chosen != "organisation"), Choice::new("organisation", "An organisation", chosen == "organisation")]
}

#[get("/contacts/new?<name>")]
pub(super) async fn blank(name: Option<&str>, desk: Desk<'_>) -> Result<Page<FormView>, Oops> {
    let typed = Typed { name: name.unwrap_or_default().to_owned(), ..Typed::default() };
    Ok(Page::new(desk.shell("contacts"), form_view(typed, Vec::new())))
}

#[post("/contacts", data = "<form>")]
pub(super) async fn make(desk: Desk<'_>, form: Posted<Typed>) -> Result<Either<Redirect, Page<FormView>>, Oops> {
    let typed = form.into_inner();
    let (meant, asked, name) = (typed.meant(), typed.who_is.clone(), typed.name.clone());
    let made = desk
        .write(move |tx| match asked.as_str() {
            "" if !who::similar(tx, &meant.name)?.is_empty() => Err(Refusal::invalid("who_is", "A contact of a name like this is there already. Say whether it is the same one.")),
            "" | "new" => contact::make(tx, &meant),
            there => tx.open::<Read, Contact>(&Sealed::from_url(there), Verb::ContactView).and_then(|contact| Ok(contact::file(&contact)?.id)),
        })
        .await;
    match made {
        Ok(id) if typed.who_is.is_empty() || typed.who_is == "new" => Ok(Either::Left(Redirect::to(Said::ContactMade.at(&link::contact(&id, ""))))),
        Ok(id) => Ok(Either::Left(Redirect::to(link::contact(&id, "")))),
        Err(Refusal::Invalid(problems)) => {
            let similar = desk.read(move |tx| who::similar(tx, &name)).await?;
            let choices = similar_choices(&similar, &typed.who_is, "Somebody else: keep as a new contact");
            let view = FormView { similar: choices, ..form_view(typed, problems) };
            Ok(Either::Right(Page::new(desk.shell("contacts"), view).with(Status::UnprocessableEntity)))
        }
        Err(refusal) => Err(refusal.into()),
    }
}
