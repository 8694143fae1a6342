//! Parties & conflicts of a case: who plays which part, what a search for conflicts finds, and what was decided about it.

use super::{
    conflicts::{FoundView, found_views},
    contacts::{kinds, similar_choices},
    desk::Desk,
    link::{self, Id},
    oops::Oops,
    page::{Page, View},
    posted::Posted,
    said::Said,
    view::{Calendar, CaseFile, Choice, Mistake, State, When, mistakes},
};
use rocket::{Either, FromForm, get, http::Status as Http, post, response::Redirect};
use rules::{
    Case, Contribute, Manage, Problem, Read, Refusal, Sealed, Verb,
    case::Status,
    conflict::Decision,
    contact::Part,
    text,
};
use serde::Serialize;
use store::{
    Tx, Writing, case,
    conflict::{self, Decided, Standing},
    party,
    who::{self, Who},
};

#[derive(Serialize)]
pub(super) struct PartyRow {
    href: String,
    id: String,
    name: String,
    organisation: bool,
    part: &'static str,
    part_value: &'static str,
    is_client: bool,
    at: When,
    ended: Option<When>,
}

impl PartyRow {
    pub(super) fn new(party: party::Listed, calendar: &Calendar) -> PartyRow {
        PartyRow {
            href: link::contact(&party.contact, ""),
            id: party.contact.to_string(),
            name: party.name,
            organisation: party.organisation,
            part: party.part.words(),
            part_value: party.part.value(),
            is_client: party.is_client,
            at: calendar.when(party.at),
            ended: party.ended.map(|at| calendar.when(at)),
        }
    }
}

#[derive(Serialize)]
struct DecisionRow {
    state: State,
    by: String,
    at: When,
    terms: String,
    found: String,
    reason: Option<String>,
}

/// The search and the form of those who decide.
#[derive(Serialize)]
struct Check {
    found: Vec<FoundView>,
    matches: usize,
    decisions: Vec<Choice>,
    /// Further names, one a line.
    more: String,
    reason: String,
    /// It is an enquiry: a decision can open it at once.
    enquiry: bool,
}

#[derive(Serialize)]
pub(super) struct PartiesView {
    file: CaseFile,
    sentence: String,
    problems: Vec<Mistake>,
    parties: Vec<PartyRow>,
    decided: Vec<DecisionRow>,
    /// What stands in the way of working on the case.
    standing: Option<String>,
    check: Option<Check>,
    typed: Typed,
    parts: Vec<Choice>,
    who_kinds: Vec<Choice>,
    similar: Vec<Choice>,
}

impl View for PartiesView {
    const TEMPLATE: &'static str = "case/parties.html";
}

/// What was typed into one of the forms of the page.
#[derive(FromForm, Default, Clone, Serialize)]
pub(super) struct Typed {
    #[field(default = String::new())]
    who: String,
    #[field(default = String::new())]
    who_kind: String,
    #[field(default = String::new())]
    who_is: String,
    #[field(default = String::new())]
    part: String,
    #[field(default = false)]
    acts: bool,
    #[field(default = String::new())]
    more: String,
    #[field(default = String::new())]
    decision: String,
    #[field(default = String::new())]
    reason: String,
    /// How many matches were shown.
    #[field(default = 0)]
    found: usize,
    #[field(default = String::new())]
    then: String,
}

/// Names, one a line.
fn lines(more: &str) -> Vec<String> {
    more.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| line.chars().take(120).collect()).collect()
}

fn standing_words(standing: Standing, status: Status) -> Option<String> {
    let enquiry = status == Status::Enquiry;
    match standing {
        Standing::Open if enquiry => Some("Nothing was decided about conflicts yet. That comes before the case is opened.".into()),
        Standing::Open => Some("No decision about conflicts is on record for this case.".into()),
        Standing::Outdated => Some("A party was added since conflicts were decided about. Look once more.".into()),
        Standing::Decided(Decision::Conflict) if enquiry => Some("A conflict was found: this enquiry can only be declined, unless it is decided anew.".into()),
        Standing::Decided(_) => None,
    }
}

fn decision_row(decided: Decided, calendar: &Calendar) -> DecisionRow {
    let cls = if decided.decision.lets_act() { "st ok" } else { "st cross bad" };
    DecisionRow {
        state: State::new(decided.decision.words(), cls),
        by: decided.by,
        at: calendar.when(decided.at),
        terms: decided.terms.join(" · "),
        found: match decided.found {
            0 => "Nothing was found.".into(),
            n => format!("{} found.", text::count_head(n, "match was", "matches were")),
        },
        reason: decided.reason,
    }
}

/// What the page is made of.
struct Shown {
    file: case::File,
    parties: Vec<party::Listed>,
    decided: Vec<Decided>,
    standing: Standing,
    found: Option<Vec<conflict::Found>>,
    similar: Vec<who::Similar>,
}

async fn parties_page(desk: &Desk<'_>, id: Sealed<Case>, typed: Typed, problems: Vec<Problem>) -> Result<Page<PartiesView>, Oops> {
    let asks = problems.iter().any(|problem| problem.field == "who_is");
    let (name, more) = (typed.who.clone(), lines(&typed.more));
    let shown = desk
        .read(move |tx| {
            let case = tx.open::<Read, Case>(&id, Verb::CaseView)?;
            let found = case.as_manager().map(|case| conflict::look_for(&case, &more)).transpose()?;
            let similar = if asks { who::similar(tx, &name)? } else { Vec::new() };
            Ok(Shown { file: case::file(&case)?, parties: party::of_case(&case)?, decided: conflict::decisions(&case)?, standing: conflict::standing(&case)?, found, similar })
        })
        .await?;
    let status = if problems.is_empty() { Http::Ok } else { Http::UnprocessableEntity };
    let shell = desk.shell("cases");
    Ok(Page::new(shell, view(shown, typed, problems, &Calendar::of(desk.site(), desk.now))).with(status))
}

fn view(shown: Shown, typed: Typed, problems: Vec<Problem>, calendar: &Calendar) -> PartiesView {
    let enquiry = shown.file.status == Status::Enquiry;
    let (acting, others) = (shown.parties.iter().filter(|party| party.is_client && party.ended.is_none()).count(), shown.parties.iter().filter(|party| !party.is_client && party.ended.is_none()).count());
    let check = shown.found.map(|found| Check {
        matches: found.iter().map(|found| found.matches.len()).sum(),
        found: found_views(found),
        decisions: Decision::ALL.map(|decision| Choice { hint: decision.hint(), ..Choice::new(decision.value(), decision.words(), decision.value() == typed.decision) }).into(),
        more: typed.more.clone(),
        reason: typed.reason.clone(),
        enquiry,
    });
    PartiesView {
        sentence: format!("The firm acts for {} here; {} on the case.", text::count(acting, "party", "parties"), text::count(others, "other is", "others are")),
        problems: mistakes(problems),
        parties: shown.parties.into_iter().map(|party| PartyRow::new(party, calendar)).collect(),
        standing: standing_words(shown.standing, shown.file.status),
        decided: shown.decided.into_iter().map(|decided| decision_row(decided, calendar)).collect(),
        check,
        parts: [Choice::new("", "Choose a part", typed.part.is_empty())].into_iter().chain(Part::ALL.iter().map(|part| Choice::new(part.value(), part.words(), part.value() == typed.part))).collect(),
        who_kinds: kinds(&typed.who_kind),
        similar: similar_choices(&shown.similar, &typed.who_is, "Somebody else: keep as a new contact"),
        file: CaseFile::new(shown.file, calendar),
        typed,
    }
}

#[get("/cases/<id>/parties?<more>")]
pub(super) async fn page(id: Id<Case>, more: Option<String>, desk: Desk<'_>) -> Result<Page<PartiesView>, Oops> {
    let typed = Typed { more: more.unwrap_or_default(), ..Typed::default() };
    parties_page(&desk, id.0, typed, Vec::new()).await
}

type Done = Result<Either<Redirect, Page<PartiesView>>, Oops>;

/// Does one of the verbs of the page; mistakes come back with what was typed.
async fn act(desk: Desk<'_>, id: Sealed<Case>, typed: Typed, said: Said, work: impl for<'t> FnOnce(&'t Tx<'t, Writing>) -> Result<(), Refusal> + Send + 'static) -> Done {
    match desk.write(work).await {
        Ok(()) => Ok(Either::Left(Redirect::to(said.at(&link::case(&id, if matches!(said, Said::CaseOpened) { "" } else { "parties" }))))),
        Err(Refusal::Invalid(problems)) => parties_page(&desk, id, typed, problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

#[post("/cases/<id>/parties", data = "<form>")]
pub(super) async fn add(id: Id<Case>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, case) = (form.into_inner(), id.0.clone());
    let whom = Who { name: typed.who.clone(), organisation: typed.who_kind == "organisation", is: typed.who_is.clone() };
    let (part, acts) = (Part::from_value(&typed.part), typed.acts);
    act(desk, id.0, typed, Said::PartyAdded, move |tx| {
        let case = tx.open::<Contribute, Case>(&case, Verb::PartyAdd)?;
        let part = part.ok_or_else(|| Refusal::invalid("part", "Choose which part they play"))?;
        party::add(&case, &who::settle(tx, &whom, Verb::PartyAdd)?, part, acts || part == Part::Client)
    })
    .await
}

/// Which part is over.
#[derive(FromForm)]
pub(super) struct Ending {
    #[field(default = String::new())]
    contact: String,
    #[field(default = String::new())]
    part: String,
}

#[post("/cases/<id>/parties/end", data = "<form>")]
pub(super) async fn end(id: Id<Case>, desk: Desk<'_>, form: Posted<Ending>) -> Done {
    let (ending, case) = (form.into_inner(), id.0.clone());
    act(desk, id.0, Typed::default(), Said::PartyEnded, move |tx| {
        let case = tx.open::<Contribute, Case>(&case, Verb::PartyEnd)?;
        party::end(&case, &Sealed::from_url(&ending.contact), Part::from_value(&ending.part).ok_or(Refusal::NotFound)?)
    })
    .await
}

#[post("/cases/<id>/parties/decide", data = "<form>")]
pub(super) async fn decide(id: Id<Case>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, case) = (form.into_inner(), id.0.clone());
    let (more, decision, reason, matches) = (lines(&typed.more), Decision::from_value(&typed.decision), typed.reason.clone(), typed.found);
    let opens = typed.then == "open";
    let said = if opens { Said::CaseOpened } else { Said::ConflictDecided };
    act(desk, id.0, typed, said, move |tx| {
        let case = tx.open::<Manage, Case>(&case, Verb::ConflictDecide)?;
        if opens && decision == Some(Decision::Conflict) {
            return Err(Refusal::invalid("decision", "A case with a conflict is not opened. Keep the decision alone, or decide otherwise."));
        }
        conflict::decide(&case, &more, decision, &reason, matches)?;
        if opens { case::open(&case) } else { Ok(()) }
    })
    .await
}
