//! Cases: the list, a new one, the page of one, and its form.

use super::{
    desk::Desk,
    link::{self, Id},
    oops::Oops,
    page::{Page, View},
    posted::Posted,
    said::Said,
    view::{Calendar, CaseFile, CaseRow, Choice, DocRow, EventRow, Mistake, Tab, When, mistakes},
};
use rocket::{Either, FromForm, get, http::Status as Http, post, response::Redirect};
use rules::{Case, Contribute, Covers, Level, Problem, Read, Refusal, Sealed, User, UserKind, Verb, case::Status, text};
use serde::Serialize;
use store::{
    Access, Tx, case,
    case_list::{self, Filter},
    document, seers,
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
    let (file, details, documents, history, seers) = desk
        .read(move |tx| {
            let case = tx.open::<Read, Case>(&id.0, Verb::CaseView)?;
            let history = case.as_manager().map_or(Ok(Vec::new()), |case| trail::of_case(&case, Which::Changes, i64::MAX, 5))?;
            Ok((case::file(&case)?, case::details(&case)?, document::of_case(&case, None, 5)?, history, seers::people(&case)?))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let view = CaseView {
        file: CaseFile::new(file, &calendar),
        clients: seers.iter().filter(|seer| seer.facts.role.kind() == UserKind::Client && seer.level >= Level::Read).count(),
        summary: details.summary,
        outcome: details.outcome,
        reopened: details.reopened,
        documents: documents.rows.into_iter().map(|row| DocRow::new(row, &calendar)).collect(),
        history: history.into_iter().map(|event| EventRow::new(event, &calendar)).collect(),
        updated: calendar.when(details.changed),
        updated_by: details.changed_by,
    };
    Ok(Page::new(desk.shell("cases"), view))
}

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
}

impl View for FormView {
    const TEMPLATE: &'static str = "case/form.html";
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
    }
}

#[get("/cases/new")]
pub(super) async fn blank(desk: Desk<'_>) -> Result<Page<FormView>, Oops> {
    let choices = desk.read(choices).await?;
    let typed = Typed { owner: choices.me.to_string(), ..Typed::default() };
    Ok(Page::new(desk.shell("cases"), form_view(typed, choices, Vec::new())))
}

#[post("/cases", data = "<form>")]
pub(super) async fn open(desk: Desk<'_>, form: Posted<Typed>) -> Result<Either<Redirect, Page<FormView>>, Oops> {
    let typed = form.into_inner();
    let status = if typed.status.is_empty() { Some(Status::Open) } else { Status::from_value(&typed.status) };
    let meant = typed.meant();
    let opened = desk
        .write(move |tx| {
            let status = status.ok_or_else(|| Refusal::invalid("status", "Choose “Open case” or “Keep as enquiry”"))?;
            Ok((case::open(tx, &meant, status)?, status))
        })
        .await;
    match opened {
        Ok((id, status)) => {
            let said = if status == Status::Enquiry { Said::EnquiryKept } else { Said::CaseOpened };
            Ok(Either::Left(Redirect::to(said.at(&link::case(&id, "")))))
        }
        Err(Refusal::Invalid(problems)) => {
            let choices = desk.read(choices).await?;
            Ok(Either::Right(Page::new(desk.shell("cases"), form_view(typed, choices, problems)).with(Http::UnprocessableEntity)))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// What a status means for a case that is `old`; of an enquiry what comes of the decision.
const fn hint(old: Status, status: Status) -> &'static str {
    match (old, status) {
        (Status::Enquiry, Status::Enquiry) => "not decided yet",
        (Status::Enquiry, Status::Open) => "we act: it becomes a case with the same reference",
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
