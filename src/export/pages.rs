//! The pages of an export: one for each case, one for each client, and the first one, which leads to them.

use super::{
    About, Counted, Failed,
    bundle::Bundle,
    html::Html,
    shelf::{self, Placed},
};
use rules::{
    document::size_words,
    filename::{Folder, safe},
    text,
};
use std::{collections::BTreeMap, io};
use store::export::{CaseRow, Chosen, Paper, Scope, Snapshot};

/// A case in a list.
pub(super) struct Line {
    id: i64,
    reference: String,
    title: String,
    status: &'static str,
    opened: String,
    owner: String,
    page: String,
    documents: usize,
}

/// A client in a list.
pub(super) struct Client {
    name: String,
    page: String,
    cases: usize,
}

/// Writes the page of each case, and finds a place for each document.
pub(super) fn cases(snapshot: &Snapshot<'_>, chosen: &Chosen, about: &About<'_>, bundle: &mut Bundle<'_>, tell: &mut dyn FnMut(usize) -> Result<(), Failed>) -> Result<(Vec<Line>, Vec<Placed>), Failed> {
    let (mut lines, mut placed, mut folders) = (Vec::new(), Vec::new(), Folder::default());
    for id in snapshot.case_ids(chosen)? {
        let (case, papers) = (snapshot.case_row(id)?, snapshot.papers(id)?);
        let folder = shelf::folder(&case, &mut folders);
        let places = shelf::places(&format!("documents/{folder}/"), &papers);
        let page = format!("cases/{folder}.html");
        write_case(snapshot, chosen, about, bundle, (&case, &page), &papers, &places)?;
        let documents = papers.iter().filter(|paper| paper.newest && paper.trashed.is_none()).count();
        let opened = case.opened.day(&about.zone);
        lines.push(Line { id, reference: case.reference, title: case.title, status: case.status, opened, owner: case.owner, page, documents });
        placed.extend(places);
        tell(lines.len())?;
    }
    Ok((lines, placed))
}

fn write_case(snapshot: &Snapshot<'_>, chosen: &Chosen, about: &About<'_>, bundle: &mut Bundle<'_>, (case, path): (&CaseRow, &str), papers: &[Paper], places: &[Placed]) -> Result<(), Failed> {
    let mut page = Html::begin(bundle, path, about, &case.title)?;
    let closed = case.closed.map(|at| at.day(&about.zone)).unwrap_or_default();
    page.facts(&[
        ("Reference", &case.reference),
        ("Type", &case.type_name),
        ("Status", case.status),
        ("Outcome", case.outcome.as_deref().unwrap_or_default()),
        ("Owner", &case.owner),
        ("Supervisor", case.supervisor.as_deref().unwrap_or_default()),
        ("Opened", &case.opened.day(&about.zone)),
        ("Closed", &closed),
    ]);
    if let Some(summary) = &case.summary {
        page.raw("<pre>").text(summary).raw("</pre>\n");
    }
    page.section("Documents");
    documents(&mut page, about, papers, places)?;
    page.section("People and access");
    match snapshot.seers(case.id, chosen)?.as_slice() {
        [] => drop(page.says("Nobody was given access besides its owner and supervisor.")),
        seers => {
            page.table(&["Person", "Level", "Why", "By", "When"]);
            for seer in seers {
                let level = seer.level.map_or("Kept out by a wall", |level| level.word());
                page.row().cell(&seer.name).cell(level).cell(seer.reason.as_deref().unwrap_or_default()).cell(&seer.by).cell(&about.moment(seer.at));
                page.row_end()?;
            }
            page.table_end();
        }
    }
    page.section("What was changed");
    page.table(&["When", "Who", "What"]);
    for happened in snapshot.changes(case.id, chosen)? {
        let what = happened.thing.map_or(happened.what.clone(), |thing| format!("{}: {thing}", happened.what));
        page.row().cell(&about.moment(happened.at)).cell(&happened.who).cell(&what);
        page.row_end()?;
    }
    page.table_end().raw("<p class=\"m\">Who looked at it stands in ").link("data/history.csv", "data/history.csv").raw(".</p>\n");
    Ok(page.end(about)?)
}

/// The documents of a case: those in use, then those in the trash.
fn documents(page: &mut Html<'_, '_>, about: &About<'_>, papers: &[Paper], places: &[Placed]) -> io::Result<()> {
    if papers.is_empty() {
        page.says("There are none.");
        return Ok(());
    }
    page.table(&["Document", "Version", "Size", "Added", "By"]);
    for (paper, place) in papers.iter().zip(places) {
        let version = match (paper.trashed, paper.newest) {
            (Some(_), true) => format!("{}, in the trash", paper.n),
            (_, true) => paper.n.to_string(),
            (_, false) => format!("{}, earlier", paper.n),
        };
        page.row().linked(&place.path, &paper.name).cell(&version).cell(&size_words(paper.blob.size)).cell(&about.moment(paper.at)).cell(&paper.by);
        page.row_end()?;
    }
    page.table_end();
    Ok(())
}

fn case_table<'l>(page: &mut Html<'_, '_>, lines: impl Iterator<Item = &'l Line>) -> io::Result<()> {
    page.table(&["Case", "Title", "Status", "Opened", "Owner", "Documents"]);
    for line in lines {
        page.row().linked(&line.page, &line.reference).cell(&line.title).cell(line.status).cell(&line.opened).cell(&line.owner).cell(&line.documents.to_string());
        page.row_end()?;
    }
    page.table_end();
    Ok(())
}

/// Writes the page of each client.
pub(super) fn clients(snapshot: &Snapshot<'_>, chosen: &Chosen, about: &About<'_>, lines: &[Line], bundle: &mut Bundle<'_>) -> Result<Vec<Client>, Failed> {
    let by_id: BTreeMap<i64, &Line> = lines.iter().map(|line| (line.id, line)).collect();
    let (mut out, mut folder) = (Vec::new(), Folder::default());
    for of_one in snapshot.clients(chosen)?.chunk_by(|one, other| one.0 == other.0) {
        let Some((_, name, organisation, ..)) = of_one.first() else { continue };
        let accounts: Vec<(i64, &str)> = of_one.iter().filter_map(|(.., id, name)| Some(((*id)?, name.as_deref()?))).collect();
        let mut cases: Vec<&Line> = Vec::new();
        for (account, _) in &accounts {
            cases.extend(snapshot.cases_of(*account)?.iter().filter_map(|id| by_id.get(id)).copied());
        }
        cases.sort_by_key(|line| line.id);
        cases.dedup_by_key(|line| line.id);
        let path = format!("clients/{}.html", folder.place(safe(name, 60)));
        let mut page = Html::begin(bundle, &path, about, name)?;
        let names = accounts.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
        page.facts(&[("Kind", if *organisation { "Organisation" } else { "Person" }), ("Accounts", &names)]);
        page.section("Cases");
        match cases.is_empty() {
            true => drop(page.says("No account of this client has access to a case.")),
            false => case_table(&mut page, cases.iter().copied())?,
        }
        page.end(about)?;
        out.push(Client { name: name.clone(), page: path, cases: cases.len() });
    }
    Ok(out)
}

/// Writes the first page.
pub(super) fn index(about: &About<'_>, lines: &[Line], clients: &[Client], counted: &[Counted], bundle: &mut Bundle<'_>) -> Result<(), Failed> {
    let mut page = Html::begin(bundle, "index.html", about, &about.what())?;
    let made = about.moment(about.order.made);
    let documents = lines.iter().map(|line| line.documents).sum::<usize>();
    page.says(&format!("{} and {}, as they stood on {made}.", text::count_head(lines.len(), "case", "cases"), text::count(documents, "document", "documents")));
    page.facts(&[("Made", &made), ("Asked for by", about.order.by), ("Approved by", about.order.second.unwrap_or_default()), ("Because", if about.inside { about.order.reason } else { "" })]);
    page.raw("<p>Every document was checked while this was made. If there is a file PROBLEMS.txt beside this page, it names those that were not whole. ");
    page.link("README.txt", "README.txt").raw(" says how to check that nothing was changed since.</p>\n");
    page.section("Cases");
    match (lines, about.order.scope) {
        ([], Scope::Client { .. }) => drop(page.says("No account of this client may read a case: there is none to return.")),
        ([], _) => drop(page.says("There are none.")),
        _ => case_table(&mut page, lines.iter())?,
    }
    if !clients.is_empty() {
        page.section("Clients").table(&["Client", "Cases"]);
        for client in clients {
            page.row().linked(&client.page, &client.name).cell(&client.cases.to_string());
            page.row_end()?;
        }
        page.table_end();
    }
    page.section("Tables").says("The same and more, row by row.").table(&["Table", "Rows", "A row is", "For spreadsheets", "For programs"]);
    for table in counted {
        let path = |end: &str| format!("data/{}.{end}", table.name);
        page.row().cell(&table.name.replace('_', " ")).cell(&table.rows.to_string()).cell(table.about).linked(&path("csv"), "CSV").linked(&path("json"), "JSON");
        page.row_end()?;
    }
    page.table_end();
    page.section("Left out").raw("<p>Passwords, keys, codes and what nobody can do anything with are left out: ").link("README.txt", "README.txt").raw(" names every table and column.</p>\n");
    Ok(page.end(about)?)
}
