//! Contacts from a file: chosen, looked at row by row, accepted or dropped, and taken back at once.

use super::{
    desk::Desk,
    link::Id,
    oops::Oops,
    page::{Page, View},
    posted::{Button, Posted},
    said::Said,
    upload::Upload,
    view::{Calendar, Mistake, When, mistakes},
};
use rocket::{Either, get, http::Status, post, response::Redirect};
use rules::{Import, Problem, Refusal, Sealed};
use serde::Serialize;
use store::intake;

/// Rows of a kind shown; more are counted.
const SHOWN: usize = 100;

#[derive(Serialize)]
struct DoneRow {
    href: String,
    name: String,
    rows: usize,
    at: When,
    undone: Option<When>,
}

#[derive(Serialize)]
pub(super) struct ImportView {
    problems: Vec<Mistake>,
    done: Vec<DoneRow>,
}

impl View for ImportView {
    const TEMPLATE: &'static str = "contact/import.html";
}

#[derive(Serialize)]
struct BadRow {
    line: u64,
    why: String,
}

#[derive(Serialize)]
pub(super) struct PreviewView {
    href: String,
    name: String,
    good: usize,
    bad: Vec<BadRow>,
    more_bad: usize,
    alike: Vec<BadRow>,
    more_alike: usize,
    unknown: String,
    first: Vec<String>,
}

impl View for PreviewView {
    const TEMPLATE: &'static str = "contact/preview.html";
}

fn path(id: &Sealed<Import>) -> String {
    format!("/imports/{id}")
}

async fn import_page(desk: &Desk<'_>, problems: Vec<Problem>) -> Result<Page<ImportView>, Oops> {
    let done = desk.read(intake::list).await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let row = |done: intake::Done| DoneRow { href: path(&done.id), name: done.name, rows: done.rows, at: calendar.when(done.at), undone: done.undone.map(|at| calendar.when(at)) };
    let status = if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    Ok(Page::new(desk.shell("contacts"), ImportView { problems: mistakes(problems), done: done.into_iter().map(row).collect() }).with(status))
}

#[get("/contacts/import")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<ImportView>, Oops> {
    import_page(&desk, Vec::new()).await
}

#[post("/contacts/import", data = "<upload>")]
pub(super) async fn take(desk: Desk<'_>, mut upload: Upload<'_>) -> Result<Either<Redirect, Page<ImportView>>, Oops> {
    let (name, bytes) = upload.whole(intake::LARGEST).await?;
    match desk.write(move |tx| intake::take(tx, &name, &bytes)).await {
        Ok(id) => Ok(Either::Left(Redirect::to(path(&id)))),
        Err(Refusal::Invalid(problems)) => import_page(&desk, problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

#[get("/imports/<id>")]
pub(super) async fn preview(id: Id<Import>, desk: Desk<'_>) -> Result<Page<PreviewView>, Oops> {
    let seen = desk.read(move |tx| intake::preview(tx, &id.0)).await?;
    let view = PreviewView {
        href: path(&seen.id),
        name: seen.name,
        good: seen.good,
        more_bad: seen.bad.len().saturating_sub(SHOWN),
        bad: seen.bad.into_iter().take(SHOWN).map(|bad| BadRow { line: bad.line, why: bad.why }).collect(),
        more_alike: seen.alike.len().saturating_sub(SHOWN),
        alike: seen.alike.into_iter().take(SHOWN).map(|(line, why)| BadRow { line, why }).collect(),
        unknown: seen.unknown.join(", "),
        first: seen.first,
    };
    Ok(Page::new(desk.shell("contacts"), view))
}

#[post("/imports/<id>/accept", data = "<form>")]
pub(super) async fn accept(id: Id<Import>, desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(move |tx| intake::accept(tx, &id.0).map(drop)).await?;
    Ok(Redirect::to(Said::ImportDone.at("/contacts/import")))
}

#[post("/imports/<id>/drop", data = "<form>")]
pub(super) async fn drop_file(id: Id<Import>, desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(move |tx| intake::drop_file(tx, &id.0)).await?;
    Ok(Redirect::to(Said::ImportDropped.at("/contacts/import")))
}

#[post("/imports/<id>/undo", data = "<form>")]
pub(super) async fn undo(id: Id<Import>, desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(move |tx| intake::undo(tx, &id.0).map(drop)).await?;
    Ok(Redirect::to(Said::ImportUndone.at("/contacts/import")))
}
