//! Exports: returning everything, or all that is kept of one client. One system administrator asks and says why, a second person approves, and
//! the one who asked fetches the file. Case managers come here to approve.

use super::{
    desk::Desk,
    download::{Download, Wanted},
    link::{self, Id},
    oops::Oops,
    page::{Page, View},
    posted::{Button, Posted},
    said::Said,
    settings::{Done, status},
    view::{Calendar, Choice, Mistake, State, When, mistakes},
};
use rocket::{Either, FromForm, get, post, response::Redirect};
use rules::{Export, Problem, Refusal, Role, Verb, document::size_words};
use serde::Serialize;
use store::{
    belong,
    export::{self, Asked, KEPT, LAPSES, Listed, Progress, Stage},
};

const HERE: &str = "/system/export";
/// Exports that are listed.
const MOST: usize = 50;

/// A button under an export.
#[derive(Serialize)]
struct Act {
    href: String,
    label: &'static str,
    go: bool,
}

/// How far it is.
#[derive(Serialize)]
struct Going {
    percent: u64,
    words: String,
}

#[derive(Serialize)]
struct Row {
    what: String,
    /// The accounts that it is about, in words; empty for everything.
    accounts: String,
    reason: String,
    state: State,
    asked: When,
    by: String,
    /// What became of it, or is to come.
    then: Option<String>,
    why: Option<String>,
    going: Option<Going>,
    /// For the one who asked.
    fetch: Option<String>,
    size: String,
    acts: Vec<Act>,
    /// The one who looks is to answer: what they let go.
    releases: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct ExportView {
    problems: Vec<Mistake>,
    sentence: String,
    /// What waits, is made or can be fetched.
    open: Vec<Row>,
    over: Vec<Row>,
    /// One is prepared, or is about to be.
    making: bool,
    /// Who could approve what the one who looks asks for.
    seconds: Vec<String>,
    /// They may ask.
    may_ask: bool,
    choices: Vec<Choice>,
    client: String,
    clients: Vec<String>,
    reason: String,
}

impl View for ExportView {
    const TEMPLATE: &'static str = "system/export.html";
}

/// What was typed.
#[derive(FromForm, Default)]
pub(super) struct Typed {
    #[field(default = String::new())]
    what: String,
    #[field(default = String::new())]
    client: String,
    #[field(default = String::new())]
    reason: String,
}

fn state(row: &Listed) -> State {
    match row.stage {
        Stage::Asked if row.mine => State::new("Waits", "st half"),
        Stage::Asked => State::new("To approve", "st half acc"),
        Stage::Approved => State::new("Queued", "st ring"),
        Stage::Making => State::new("Preparing", "st half"),
        Stage::Ready if row.problems > 0 => State::new("Not whole", "st tri warn"),
        Stage::Ready => State::new("Ready", "st ok"),
        Stage::Failed => State::new("Failed", "st cross bad"),
        Stage::Refused => State::new("Refused", "st cross bad"),
        Stage::Withdrawn => State::new("Taken back", "st box"),
        Stage::Lapsed => State::new("Lapsed", "st box"),
        Stage::Removed => State::new("Removed", "st box"),
    }
}

/// What became of it, in a sentence.
fn then(row: &Listed, calendar: &Calendar) -> Option<String> {
    let second = row.second.as_deref().map(|name| format!("Approved by {name}. ")).unwrap_or_default();
    let alone = if row.alone { "Made without a second person. " } else { "" };
    let until = |at: rules::Moment, ms: i64| calendar.day(at.plus(ms));
    let fetched = row.fetched.map(|at| format!("Fetched on {}. ", calendar.day(at))).unwrap_or_default();
    let said = match (row.stage, row.ended) {
        (Stage::Asked, _) => format!("Lapses on {}.", until(row.asked, LAPSES)),
        (Stage::Refused, _) => format!("Refused by {}.", row.second.as_deref().unwrap_or("somebody")),
        (Stage::Ready, Some(ended)) if row.problems > 0 => format!("{second}{alone}{fetched}{} could not be read whole: PROBLEMS.txt in it says which. It is removed on {}.", row.problems, until(ended, KEPT)),
        (Stage::Ready, Some(ended)) => format!("{second}{alone}{fetched}It is removed on {}.", until(ended, KEPT)),
        (Stage::Removed, Some(ended)) => format!("{second}{alone}{fetched}Removed on {}.", calendar.day(ended)),
        (Stage::Lapsed, _) => "Nobody answered within seven days.".into(),
        _ => format!("{second}{alone}"),
    };
    Some(said.trim().to_owned()).filter(|said| !said.is_empty())
}

fn acts(row: &Listed, role: Role) -> Vec<Act> {
    let act = |action: &str, label, go| Act { href: link::export(&row.id, action), label, go };
    let runs = role == Role::Administrator;
    match row.stage {
        Stage::Asked if row.mine => vec![act("withdraw", "Take back", false)],
        Stage::Asked => vec![act("approve", "Approve the export", true), act("refuse", "Refuse it", false)],
        Stage::Approved | Stage::Making if runs => vec![act("withdraw", "Stop", false)],
        Stage::Failed if row.mine => vec![act("again", "Begin anew", false)],
        Stage::Ready if runs => vec![act("remove", "Remove", false)],
        _ => Vec::new(),
    }
}

fn going(row: &Listed, progress: Option<Progress>) -> Option<Going> {
    let progress = progress.filter(|progress| row.stage == Stage::Making && progress.number == row.number)?;
    let percent = progress.done.saturating_mul(100).checked_div(progress.total).unwrap_or(0).min(100);
    Some(Going { percent, words: format!("{} of {} of documents", size_words(progress.done), size_words(progress.total)) })
}

fn row(row: Listed, role: Role, calendar: &Calendar, progress: Option<Progress>) -> Row {
    Row {
        what: row.client.clone().map_or_else(|| "Everything".into(), |client| format!("All of {client}")),
        accounts: row.accounts.join(", "),
        state: state(&row),
        asked: calendar.when(row.asked),
        by: if row.mine { "you".into() } else { row.by.clone().unwrap_or_else(|| "the console of the server".into()) },
        then: then(&row, calendar),
        going: going(&row, progress),
        fetch: (row.stage == Stage::Ready && row.mine).then(|| link::export(&row.id, "file")),
        size: row.size.map(size_words).unwrap_or_default(),
        acts: acts(&row, role),
        releases: (row.stage == Stage::Asked && !row.mine).then_some(match row.client {
            None => "every case, document and person of the firm, whatever walls there are",
            Some(_) => "all that is kept of this client, and the cases that these accounts may read",
        }),
        why: row.why,
        reason: row.reason,
    }
}

/// The sentence that answers the page.
fn sentence(rows: &[Listed], role: Role) -> String {
    let waits = rows.iter().filter(|row| row.stage == Stage::Asked && !row.mine).count();
    let is = |stage: Stage| rows.iter().any(|row| row.stage == stage && row.mine);
    match waits {
        1.. => format!("{} for your answer.", rules::text::count_head(waits, "export waits", "exports wait")),
        0 if is(Stage::Ready) => "Your export can be fetched.".into(),
        0 if is(Stage::Making) || is(Stage::Approved) => "Your export is being prepared. Open this page again to see how far it is.".into(),
        0 if is(Stage::Asked) => "Your export waits until a second person approves it.".into(),
        _ if role == Role::Administrator => "You can take everything out. It takes two people.".into(),
        _ => "Nothing waits for your answer.".into(),
    }
}

async fn shown(desk: &Desk<'_>, typed: Typed, problems: Vec<Problem>) -> Result<Page<ExportView>, Refusal> {
    let (rows, seconds, offered) = desk
        .read(|tx| {
            let charge = tx.charge(Verb::ExportView)?;
            Ok((export::list(&charge, MOST)?, export::second_persons(&charge)?, belong::list(&charge, "")?))
        })
        .await?;
    let (role, calendar, progress) = (desk.session().role, Calendar::of(desk.site(), desk.now), desk.site().export_progress());
    let sentence = sentence(&rows, role);
    let making = rows.iter().any(|row| matches!(row.stage, Stage::Approved | Stage::Making));
    let is_open = |row: &Listed| matches!(row.stage, Stage::Asked | Stage::Approved | Stage::Making | Stage::Ready | Stage::Failed);
    let (open, over): (Vec<Listed>, Vec<Listed>) = rows.into_iter().partition(is_open);
    let show = |all: Vec<Listed>| all.into_iter().map(|one| row(one, role, &calendar, progress)).collect();
    let (status, one) = (status(&problems), typed.what == "client");
    let client = Choice { hint: "The cases that they may read, with all documents and the history. Of other clients it has only what they did in these cases.", ..Choice::new("client", "All that is kept of one client", one) };
    let everything = Choice { hint: "Every case, document, person and setting, and the whole history.", ..Choice::new("all", "Everything", !one) };
    let view = ExportView {
        problems: mistakes(problems),
        sentence,
        open: show(open),
        over: show(over),
        making,
        seconds,
        may_ask: role == Role::Administrator,
        choices: vec![everything, client],
        client: typed.client,
        clients: offered.contacts.into_iter().map(|contact| contact.name).collect(),
        reason: typed.reason,
    };
    Ok(Page::new(desk.shell(if role == Role::Administrator { "system" } else { "people" }), view).with(status))
}

#[get("/system/export")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<ExportView>, Oops> {
    Ok(shown(&desk, Typed::default(), Vec::new()).await?)
}

#[post("/system/export", data = "<form>")]
pub(super) async fn ask(desk: Desk<'_>, form: Posted<Typed>) -> Done<ExportView> {
    let typed = form.into_inner();
    let asked = Asked { client: (typed.what == "client").then(|| typed.client.clone()), reason: typed.reason.clone() };
    match desk.write(move |tx| export::ask(&tx.administer(Verb::ExportAsk)?, &asked)).await {
        Ok(()) => Ok(Either::Left(Redirect::to(Said::ExportAsked.at(HERE)))),
        Err(Refusal::Invalid(problems)) => Ok(Either::Right(shown(&desk, typed, problems).await?)),
        Err(refusal) => Err(refusal.into()),
    }
}

#[post("/system/export/<id>/approve", data = "<form>")]
pub(super) async fn approve(id: Id<Export>, desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(move |tx| export::approve(&tx.charge(Verb::ExportApprove)?, &id.0)).await?;
    Ok(Redirect::to(Said::ExportApproved.at(HERE)))
}

#[post("/system/export/<id>/refuse", data = "<form>")]
pub(super) async fn refuse(id: Id<Export>, desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(move |tx| export::refuse(&tx.charge(Verb::ExportRefuse)?, &id.0)).await?;
    Ok(Redirect::to(Said::ExportRefused.at(HERE)))
}

#[post("/system/export/<id>/withdraw", data = "<form>")]
pub(super) async fn withdraw(id: Id<Export>, desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(move |tx| export::withdraw(&tx.administer(Verb::ExportWithdraw)?, &id.0)).await?;
    Ok(Redirect::to(Said::ExportWithdrawn.at(HERE)))
}

#[post("/system/export/<id>/again", data = "<form>")]
pub(super) async fn again(id: Id<Export>, desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(move |tx| export::again(&tx.administer(Verb::ExportAgain)?, &id.0)).await?;
    Ok(Redirect::to(Said::ExportAgain.at(HERE)))
}

#[post("/system/export/<id>/remove", data = "<form>")]
pub(super) async fn remove(id: Id<Export>, desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(move |tx| export::remove(&tx.administer(Verb::ExportRemove)?, &id.0)).await?;
    Ok(Redirect::to(Said::ExportRemoved.at(HERE)))
}

/// The file itself, whole or from any byte on. That it is fetched is on disk before the first byte leaves.
#[get("/system/export/<id>/file")]
pub(super) async fn file(id: Id<Export>, desk: Desk<'_>, wanted: Wanted<'_>) -> Result<Download, Oops> {
    let (made, blob) = desk.write(move |tx| export::file(&tx.administer(Verb::ExportFetch)?, &id.0)).await?;
    let name = format!("{} export {}.zip", desk.site().firm().name, made.date(&desk.site().firm().zone));
    Ok(Download::open(desk.site(), desk.site().exports(), name, blob, &wanted).await?)
}
