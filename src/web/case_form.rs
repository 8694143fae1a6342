//! The form of a case: a new one, which begins as an enquiry with its client, and a change of one that is there.

use super::{
    contacts::{kinds, similar_choices},
    desk::Desk,
    link::{self, Id},
    oops::Oops,
    page::{Page, View},
    posted::Posted,
    said::Said,
    view::{Calendar, CaseFile, Choice, Mistake, When, mistakes},
};
use rocket::{Either, FromForm, get, http::Status as Http, post, response::Redirect};
use rules::{Case, Contact, Contribute, Covers, Level, Problem, Read, Refusal, Sealed, User, Verb, case::Status, contact::Part};
use serde::Serialize;
use store::{
    Access, Tx, Writing, case, contact, party, user,
    who::{self, Who},
};

#[derive(Serialize)]
struct Quicker {
    by: String,
    at: When,
}

#[derive(Serialize)]
pub(super) struct FormView {
    problems: Vec<Mistake>,
    fresh: bool,
    /// It is an enquiry, and whoever asks may decide it.
    enquiry: bool,
    action: String,
    cancel: String,
    file: Option<CaseFile>,
    title: String,
    summary: String,
    types: Vec<Choice>,
    owners: Vec<Choice>,
    supervisors: Vec<Choice>,
    status_choices: Vec<Choice>,
    outcome: String,
    reason: String,
    version: i64,
    conflict: Option<Quicker>,
    rights_words: Option<&'static str>,
    client: Client,
}

impl View for FormView {
    const TEMPLATE: &'static str = "case/form.html";
}

/// For whom a new case is.
#[derive(Serialize, Default)]
struct Client {
    name: String,
    kinds: Vec<Choice>,
    /// Contacts of a name like this one, and "somebody new".
    similar: Vec<Choice>,
}

/// What was typed into the form, as it was typed.
#[derive(FromForm, Default, Clone)]
pub(super) struct Typed {
    #[field(default = String::new())]
    title: String,
    #[field(default = String::new())]
    summary: String,
    #[field(name = "type", default = String::new())]
    type_id: String,
    #[field(default = String::new())]
    owner: String,
    #[field(default = String::new())]
    supervisor: String,
    #[field(default = String::new())]
    status: String,
    #[field(default = String::new())]
    outcome: String,
    #[field(default = String::new())]
    reason: String,
    #[field(default = String::new())]
    version: String,
    #[field(default = String::new())]
    who: String,
    #[field(default = String::new())]
    who_kind: String,
    #[field(default = String::new())]
    who_is: String,
}

impl Typed {
    fn meant(&self) -> case::Typed {
        let person = |text: &str| Sealed::<User>::from_url(text);
        case::Typed { title: self.title.clone(), summary: self.summary.clone(), type_id: self.type_id.clone(), owner: person(&self.owner), supervisor: person(&self.supervisor) }
    }
}

/// What the form needs to know besides what was typed.
struct Choices {
    types: Vec<(i64, String)>,
    staff: Vec<user::Person>,
    me: Sealed<User>,
}

fn choices<M>(tx: &Tx<'_, M>) -> Result<Choices, Refusal> {
    Ok(Choices { types: case::types(tx)?, staff: user::staff(tx)?, me: user::own_id(tx)? })
}

fn form_view(typed: Typed, choices: Choices, problems: Vec<Problem>) -> FormView {
    let people = |chosen: &str| choices.staff.iter().map(|p| Choice::new(p.id.as_str(), format!("{}, {}", p.name, p.words), p.id.as_str() == chosen)).collect::<Vec<_>>();
    let first = |label: &str, chosen: &str| Choice::new("", label, chosen.is_empty());
    let types = choices.types.iter().map(|(id, name)| Choice::new(id.to_string(), name.clone(), id.to_string() == typed.type_id));
    FormView {
        problems: mistakes(problems),
        fresh: true,
        enquiry: false,
        action: "/cases".into(),
        cancel: "/cases".into(),
        file: None,
        types: [first("Choose a type", &typed.type_id)].into_iter().chain(types).collect(),
        owners: [first("Choose a person", &typed.owner)].into_iter().chain(people(&typed.owner)).collect(),
        supervisors: [first("Nobody", &typed.supervisor)].into_iter().chain(people(&typed.supervisor)).collect(),
        status_choices: Vec::new(),
        version: typed.version.parse().unwrap_or(0),
        title: typed.title,
        summary: typed.summary,
        outcome: typed.outcome,
        reason: typed.reason,
        conflict: None,
        rights_words: None,
        client: Client { name: typed.who, kinds: kinds(&typed.who_kind), similar: Vec::new() },
    }
}

#[get("/cases/new?<whom>")]
pub(super) async fn blank(whom: Option<&str>, desk: Desk<'_>) -> Result<Page<FormView>, Oops> {
    let client = whom.map(Sealed::<Contact>::from_url);
    let (choices, name) = desk
        .read(move |tx| {
            let name = client.map(|id| tx.open::<Read, Contact>(&id, Verb::ContactView).and_then(|contact| Ok((contact::file(&contact)?.name, id)))).transpose()?;
            Ok((choices(tx)?, name))
        })
        .await?;
    let (who, who_is) = name.map(|(name, id)| (name, id.to_string())).unwrap_or_default();
    let typed = Typed { owner: choices.me.to_string(), who: who.clone(), who_is: who_is.clone(), ..Typed::default() };
    let mut view = form_view(typed, choices, Vec::new());
    if !who_is.is_empty() {
        view.client.similar = vec![Choice::new(who_is, who, true), Choice::new("new", "Somebody else of this name: a new contact", false)];
    }
    Ok(Page::new(desk.shell("cases"), view))
}

/// Keeps an enquiry with its client.
fn enquire<'t>(tx: &'t Tx<'t, Writing>, meant: &case::Typed, client: &Who) -> Result<Sealed<Case>, Refusal> {
    let id = case::enquire(tx, meant)?;
    if !(client.name.trim().is_empty() && client.is.is_empty()) {
        let case = tx.open::<Contribute, Case>(&id, Verb::PartyAdd)?;
        party::add(&case, &who::settle(tx, client, Verb::PartyAdd)?, Part::Client, true)?;
    }
    Ok(id)
}

/// Every new case begins as an enquiry; whoever wants to open it is led to the check for conflicts.
#[post("/cases", data = "<form>")]
pub(super) async fn open(desk: Desk<'_>, form: Posted<Typed>) -> Result<Either<Redirect, Page<FormView>>, Oops> {
    let typed = form.into_inner();
    let (meant, name) = (typed.meant(), typed.who.clone());
    let client = Who { name: typed.who.clone(), organisation: typed.who_kind == "organisation", is: typed.who_is.clone() };
    match desk.write(move |tx| enquire(tx, &meant, &client)).await {
        Ok(id) if typed.status == Status::Enquiry.value() => Ok(Either::Left(Redirect::to(Said::EnquiryKept.at(&link::case(&id, ""))))),
        Ok(id) => Ok(Either::Left(Redirect::to(Said::EnquiryToCheck.at(&link::case(&id, "parties"))))),
        Err(Refusal::Invalid(problems)) => {
            let (choices, similar) = desk.read(move |tx| Ok((choices(tx)?, who::similar(tx, &name)?))).await?;
            let similar = similar_choices(&similar, &typed.who_is, "Somebody else: keep as a new contact");
            let mut view = form_view(typed, choices, problems);
            view.client.similar = similar;
            Ok(Either::Right(Page::new(desk.shell("cases"), view).with(Http::UnprocessableEntity)))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// What a status means for a case that is `old`; of an enquiry what comes of the decision.
const fn hint(old: Status, status: Status) -> &'static str {
    match (old, status) {
        (Status::Enquiry, Status::Enquiry) => "not decided yet",
        (Status::Enquiry, Status::Open) => "we act: it becomes a case with the same reference, after a check for conflicts",
        (Status::Enquiry, Status::Declined) => "we do not act: it stays under Closed and cannot be opened again",
        _ => status.hint(),
    }
}

/// The form of a case that is there: what was typed, or what the case says.
fn edit_view<P: Covers<Contribute> + Covers<Read>, M>(case: &Access<'_, P, Case, M>, typed: Option<Typed>, problems: Vec<Problem>, calendar: &Calendar) -> Result<FormView, Refusal> {
    let (file, details) = (case::file(case)?, case::details(case)?);
    let old = file.status;
    let typed = typed.unwrap_or_else(|| Typed {
        title: file.title.clone(),
        summary: details.summary.clone().unwrap_or_default(),
        type_id: details.type_id.to_string(),
        owner: details.owner.to_string(),
        supervisor: details.supervisor.as_ref().map(ToString::to_string).unwrap_or_default(),
        status: old.value().into(),
        outcome: details.outcome.clone().unwrap_or_default(),
        reason: String::new(),
        version: details.version.to_string(),
        ..Typed::default()
    });
    let (chosen, made_from) = (typed.status.clone(), typed.version.parse().unwrap_or(0));
    let may_manage = case.level() >= Level::Manage;
    let mut view = form_view(typed, choices(case.tx())?, problems);
    (view.fresh, view.enquiry) = (false, old == Status::Enquiry && may_manage);
    view.action = link::case(&file.id, "edit");
    view.cancel = link::case(&file.id, "");
    view.status_choices = old.next().iter().map(|s| Choice { hint: hint(old, *s), ..Choice::new(s.value(), s.word(), s.value() == chosen) }).collect();
    if made_from != details.version {
        // The typed text is kept; sent again, it goes over the change that this page tells of.
        view.conflict = Some(Quicker { by: details.changed_by, at: calendar.when(details.changed) });
        view.version = details.version;
    }
    view.rights_words = (!may_manage).then_some("You may change title and summary. Type, people and status are changed by those who manage the case.");
    view.file = Some(CaseFile::new(file, calendar));
    Ok(view)
}

#[get("/cases/<id>/edit")]
pub(super) async fn form(id: Id<Case>, desk: Desk<'_>) -> Result<Page<FormView>, Oops> {
    let calendar = Calendar::of(desk.site(), desk.now);
    let view = desk.read(move |tx| edit_view(&tx.open::<Contribute, Case>(&id.0, Verb::CaseView)?, None, Vec::new(), &calendar)).await?;
    Ok(Page::new(desk.shell("cases"), view))
}

#[post("/cases/<id>/edit", data = "<form>")]
pub(super) async fn change(id: Id<Case>, desk: Desk<'_>, form: Posted<Typed>) -> Result<Either<Redirect, Page<FormView>>, Oops> {
    let typed = form.into_inner();
    let (sealed, meant) = (id.0.clone(), typed.clone());
    let changed = desk
        .write(move |tx| {
            let case = tx.open::<Contribute, Case>(&sealed, Verb::CaseChange)?;
            let status = Status::from_value(&meant.status).ok_or_else(|| Refusal::invalid("status", "Choose a status"))?;
            let version = meant.version.parse().map_err(|_| Refusal::Conflict)?;
            let change = case::Change { typed: meant.meant(), status, outcome: meant.outcome.clone(), reason: meant.reason.clone(), version };
            case::change(&case, &change)
        })
        .await;
    let (problems, http) = match changed {
        Ok(()) => return Ok(Either::Left(Redirect::to(Said::CaseChanged.at(&link::case(&id.0, ""))))),
        Err(Refusal::Invalid(problems)) => (problems, Http::UnprocessableEntity),
        Err(Refusal::Conflict) => (Vec::new(), Http::Conflict),
        Err(refusal) => return Err(refusal.into()),
    };
    let calendar = Calendar::of(desk.site(), desk.now);
    let view = desk.read(move |tx| edit_view(&tx.open::<Contribute, Case>(&id.0, Verb::CaseView)?, Some(typed), problems, &calendar)).await?;
    Ok(Either::Right(Page::new(desk.shell("cases"), view).with(http)))
}
