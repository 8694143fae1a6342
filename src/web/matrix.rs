//! Who sees which cases: people × the cases that the one who asks manages.

use super::{
    desk::Desk,
    link,
    oops::Oops,
    page::{Page, View},
    view::{LevelView, State},
};
use rocket::get;
use rules::{Level, Sealed, text};
use serde::Serialize;
use store::matrix::{self, Cell, Column, Line};

#[derive(Serialize)]
struct Head {
    href: String,
    reference: String,
    title: String,
    status: State,
}

#[derive(Serialize)]
struct CellView {
    level: Option<LevelView>,
    walled: bool,
}

#[derive(Serialize)]
struct Row {
    name: String,
    words: String,
    cells: Vec<CellView>,
}

#[derive(Serialize)]
pub(super) struct MatrixView {
    sentence: String,
    cases: Vec<Head>,
    rows: Vec<Row>,
    first: Option<&'static str>,
    next: Option<String>,
}

impl View for MatrixView {
    const TEMPLATE: &'static str = "case/matrix.html";
}

fn head(column: Column) -> Head {
    Head { href: link::case(&column.id, "access"), reference: column.reference, title: column.title, status: State::of(column.status) }
}

fn row(line: Line) -> Row {
    let cell = |cell: Cell| CellView { level: (cell.level > Level::None).then(|| cell.level.into()), walled: cell.walled };
    Row { name: line.name, words: line.words, cells: line.cells.into_iter().map(cell).collect() }
}

fn sentence(cases: usize, people: usize, more: bool) -> String {
    match (cases, more) {
        (0, _) => "You manage no case that is still worked on.".into(),
        (n, true) => format!("{} in {n} of the cases that you manage, newest first.", text::count_head(people, "person", "people")),
        (n, false) => format!("{} in {} that you manage, newest first.", text::count_head(people, "person", "people"), text::count(n, "case", "cases")),
    }
}

#[get("/access?<after>")]
pub(super) async fn page(after: Option<&str>, desk: Desk<'_>) -> Result<Page<MatrixView>, Oops> {
    let after = after.map(Sealed::from_url);
    let first = after.is_some().then_some("/access");
    let matrix = desk.read(move |tx| matrix::page(tx, after.as_ref())).await?;
    let view = MatrixView {
        sentence: sentence(matrix.cases.len(), matrix.people.len(), matrix.next.is_some() || first.is_some()),
        first,
        next: matrix.next.as_ref().map(|id| format!("/access?after={id}")),
        cases: matrix.cases.into_iter().map(head).collect(),
        rows: matrix.people.into_iter().map(row).collect(),
    };
    Ok(Page::new(desk.shell("cases"), view))
}
