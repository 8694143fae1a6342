//! Documents of a case: listing, adding, the page of one, its content, trash and undo.

use super::{
    access::why,
    desk::Desk,
    download::{Download, Wanted},
    link::{self, Id},
    oops::Oops,
    page::{Page, View},
    posted::{Button, Posted},
    said::Said,
    upload::{Arrived, Upload},
    view::{Calendar, CaseFile, DocRow, LevelView, Mistake, When, mistakes},
};
use rocket::{Either, Request, get, http::Status, post, request::FromRequest, response::Redirect, serde::json::Json};
use rules::{Case, Contribute, Document, Moment, Problem, Read, Refusal, Sealed, Verb, document as names, text};
use serde::Serialize;
use store::{case, document, seers, version};

#[derive(Serialize)]
struct Trashed {
    name: String,
    at: When,
    by: String,
    restore_href: String,
    days_left: i64,
}

/// A file of the upload just made that was kept.
#[derive(Serialize, Clone)]
pub(super) struct KeptRow {
    name: String,
    size_words: String,
    receipt: String,
    sha256: String,
}

/// A file of the upload just made that was not kept.
#[derive(Serialize, Clone)]
pub(super) struct RefusedRow {
    name: String,
    why: String,
}

#[derive(Serialize)]
pub(super) struct DocumentsView {
    file: CaseFile,
    sentence: String,
    documents: Vec<DocRow>,
    next: Option<String>,
    trashed: Vec<Trashed>,
    trash_words: String,
    action: String,
    limit_words: String,
    people_words: String,
    kept: Vec<KeptRow>,
    refused: Vec<RefusedRow>,
}

impl View for DocumentsView {
    const TEMPLATE: &'static str = "case/documents.html";
}

/// How many there are, since when, and that they stay inside.
fn sentence(count: usize, newest: Option<Moment>, calendar: &Calendar) -> String {
    let newest = |head: &str| newest.map_or_else(String::new, |at| format!("{head} {}", calendar.day_within(at)));
    match count {
        0 => String::new(),
        1 => format!("One document{}. No client sees it.", newest(", from")),
        n => format!("{}{}. No client sees any of them.", text::count_head(n, "document", "documents"), newest(", the newest from")),
    }
}

async fn documents_page(desk: &Desk<'_>, id: Sealed<Case>, after: Option<Sealed<Document>>, outcome: Outcome) -> Result<Page<DocumentsView>, Oops> {
    let first_page = after.is_none();
    let (file, page, trashed) = desk
        .read(move |tx| {
            let case = tx.open::<Read, Case>(&id, Verb::DocumentList)?;
            let trashed = case.as_contributor().map_or(Ok(Vec::new()), |case| document::in_trash(&case))?;
            Ok((case::file(&case)?, document::of_case(&case, after.as_ref(), document::PAGE)?, trashed))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let action = link::case(&file.id, "documents");
    let in_trash = |row: document::Listed| {
        let at = row.trashed.unwrap_or(desk.now);
        let (restore_href, days_left) = (link::document(&row.id, "restore"), document::days_left(at, desk.now));
        Trashed { name: row.name, at: calendar.when(at), by: row.trashed_by.unwrap_or_default(), restore_href, days_left }
    };
    let status = if outcome.refused.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    let newest = page.rows.first().filter(|_| first_page).map(|row| row.at);
    let view = DocumentsView {
        sentence: sentence(file.documents, newest, &calendar),
        documents: page.rows.into_iter().map(|row| DocRow::new(row, &calendar)).collect(),
        next: page.next.map(|id| format!("{action}?after={id}")),
        trashed: trashed.into_iter().map(in_trash).collect(),
        trash_words: format!("kept for {} days", document::TRASH_DAYS),
        limit_words: names::size_words(desk.inside().upload_limit),
        people_words: text::count(file.people, "person", "people"),
        action,
        file: CaseFile::new(file, &calendar),
        kept: outcome.kept,
        refused: outcome.refused,
    };
    Ok(Page::new(desk.shell("cases"), view).with(status))
}

#[get("/cases/<id>/documents?<after>")]
pub(super) async fn of_case(id: Id<Case>, after: Option<&str>, desk: Desk<'_>) -> Result<Page<DocumentsView>, Oops> {
    documents_page(&desk, id.0, after.map(Sealed::from_url), Outcome::default()).await
}

/// What came of an upload.
#[derive(Serialize, Default, Clone)]
pub(super) struct Outcome {
    kept: Vec<KeptRow>,
    refused: Vec<RefusedRow>,
}

/// Whether the script of the page sends the form, which shows the outcome in its own place.
pub(super) struct Scripted(bool);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Scripted {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> rocket::request::Outcome<Self, Self::Error> {
        rocket::request::Outcome::Success(Scripted(super::oops::wants_json(request)))
    }
}

type Added = Either<Redirect, Either<Page<DocumentsView>, (Status, Json<Outcome>)>>;

#[post("/cases/<id>/documents", data = "<upload>")]
pub(super) async fn add(id: Id<Case>, desk: Desk<'_>, scripted: Scripted, mut upload: Upload<'_>) -> Result<Added, Oops> {
    let taken = take(&desk, &id.0, &mut upload).await;
    if taken.is_err() {
        upload.drain().await;
    }
    let outcome = taken?;
    match (scripted.0, outcome.refused.is_empty()) {
        (true, true) => Ok(Either::Right(Either::Right((Status::Created, Json(outcome))))),
        (true, false) => Ok(Either::Right(Either::Right((Status::UnprocessableEntity, Json(outcome))))),
        (false, true) => Ok(Either::Left(Redirect::to(Said::FilesKept(outcome.kept.len()).at(&link::case(&id.0, "documents"))))),
        (false, false) => Ok(Either::Right(Either::Left(documents_page(&desk, id.0, None, outcome).await?))),
    }
}

/// Takes the files of an upload one by one; those that were kept before a mistake stay kept.
async fn take(desk: &Desk<'_>, id: &Sealed<Case>, upload: &mut Upload<'_>) -> Result<Outcome, Refusal> {
    // The right is checked before the first byte is taken, and again with each row. That is no look at the case: nothing of it is shown.
    let case = id.clone();
    desk.write(move |tx| tx.open::<Contribute, Case>(&case, Verb::DocumentAdd).map(drop)).await?;
    let mut outcome = Outcome::default();
    loop {
        match upload.next(desk.site()).await {
            Ok(None) => break,
            Ok(Some(Arrived::Refused { name, why })) => outcome.refused.push(RefusedRow { name, why }),
            Ok(Some(Arrived::Failed { name, refusal })) => outcome.fail(name, refusal)?,
            Ok(Some(Arrived::File { name, kept })) => match keep(desk, id, &name, kept).await {
                Ok(row) => outcome.kept.push(row),
                Err(refusal) => outcome.fail(name, refusal)?,
            },
            Err(refusal) => {
                outcome.refused.push(RefusedRow { name: "The rest".into(), why: why_not(refusal) });
                break;
            }
        }
    }
    if outcome.kept.is_empty() && outcome.refused.is_empty() {
        outcome.refused.push(RefusedRow { name: "No file".into(), why: "Choose one or more files first, then send them.".into() });
    }
    Ok(outcome)
}

impl Outcome {
    /// Trouble with one file. If others were kept before it, it becomes a row, so that their receipts are shown all the same.
    fn fail(&mut self, name: String, refusal: Refusal) -> Result<(), Refusal> {
        if self.kept.is_empty() {
            return Err(refusal);
        }
        self.refused.push(RefusedRow { name, why: why_not(refusal) });
        Ok(())
    }
}

/// Why a file was not kept, for its row.
fn why_not(refusal: Refusal) -> String {
    match refusal {
        Refusal::Invalid(problems) => problems.into_iter().map(|problem| problem.text).collect::<Vec<_>>().join(" "),
        Refusal::Forbidden(why) => why,
        Refusal::NotFound | Refusal::Conflict => "You can no longer add documents to this case. It was not kept.".into(),
        Refusal::Busy => "The server is busy. It was not kept. Try again in a moment.".into(),
        Refusal::Full => "The disk is full. It was not kept. Tell your system administrator now.".into(),
        Refusal::Stopped => "The server stopped taking changes before it could say that the file is kept. Tell your system administrator now.".into(),
        Refusal::Damaged(cause) | Refusal::Fault(cause) => {
            tracing::error!(cause, "a file of an upload failed");
            "Something went wrong here, not with you. It was not kept. Send it again.".into()
        }
    }
}

/// Puts a durable file into the case. If the row does not commit, the file goes.
async fn keep(desk: &Desk<'_>, id: &Sealed<Case>, name: &str, kept: store::blob::Kept) -> Result<KeptRow, Refusal> {
    let (id, blob, given) = (id.clone(), kept.blob().clone(), name.to_owned());
    let (size_words, sha256) = (names::size_words(blob.size), keys::nonce::hex(&blob.sha256));
    let added = desk.write(move |tx| document::add(&tx.open::<Contribute, Case>(&id, Verb::DocumentAdd)?, &given, &blob)).await;
    kept.settle(&added);
    Ok(KeptRow { name: name.to_owned(), size_words, receipt: receipt(&added?), sha256 })
}

/// A number to be read out, the same whenever it is asked for: 40 bits of the hash of the id, in letters and digits that are not mistaken
/// for each other (Crockford's base 32).
fn receipt(id: &Sealed<Document>) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let bits = keys::nonce::sha256(id.as_str().as_bytes()).iter().take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let digit = |place: u64| LETTERS.get((bits >> (place * 5) & 31) as usize).map_or('0', |letter| char::from(*letter));
    let text: String = (0..8).rev().map(digit).collect();
    text.split_at_checked(4).map_or_else(|| text.clone(), |(head, tail)| format!("{head}-{tail}"))
}

#[derive(Serialize)]
struct VersionRow {
    n: i64,
    size_words: String,
    sha256: String,
    by: String,
    at: When,
    reason: Option<String>,
    /// Where its content is.
    href: String,
}

/// Who has the document checked out.
#[derive(Serialize)]
struct Held {
    by: String,
    own: bool,
    at: When,
    can_end: bool,
}

#[derive(Serialize)]
struct Reader {
    name: String,
    level: LevelView,
    why: Vec<String>,
}

#[derive(Serialize)]
struct InTrash {
    at: When,
    by: String,
    restore_href: String,
}

#[derive(Serialize)]
pub(super) struct DocumentView {
    file: CaseFile,
    name: String,
    kind_words: &'static str,
    receipt: String,
    href: String,
    problems: Vec<Mistake>,
    held: Option<Held>,
    content_href: String,
    trash_href: Option<String>,
    versions: Vec<VersionRow>,
    readers: Vec<Reader>,
    trashed: Option<InTrash>,
}

impl View for DocumentView {
    const TEMPLATE: &'static str = "document/view.html";
}

#[get("/documents/<id>")]
pub(super) async fn page(id: Id<Document>, desk: Desk<'_>) -> Result<Page<DocumentView>, Oops> {
    document_page(&desk, id.0, Vec::new()).await
}

/// The page of a document, with what was wrong in one of its forms.
pub(super) async fn document_page(desk: &Desk<'_>, id: Sealed<Document>, problems: Vec<Problem>) -> Result<Page<DocumentView>, Oops> {
    let (file, row, versions, hold, seers) = desk
        .read(move |tx| {
            let document = tx.open::<Read, Document>(&id, Verb::DocumentView)?;
            Ok((case::file(&document)?, document::one(&document)?, version::list(&document)?, version::hold(&document)?, seers::people(&document)?))
        })
        .await?;
    let status = if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    let calendar = Calendar::of(desk.site(), desk.now);
    let may_manage = file.level >= rules::Level::Manage;
    let reads = |seer: &seers::Seer| seer.level >= rules::Level::Read && seer.facts.role.kind() == rules::UserKind::Staff;
    let reader = |seer: seers::Seer| Reader { level: seer.level.into(), why: why(&seer, &calendar, may_manage), name: seer.name };
    let may_change = file.level >= rules::Level::Contribute;
    let trashed = row.trashed.map(|at| InTrash { at: calendar.when(at), by: row.trashed_by.clone().unwrap_or_default(), restore_href: link::document(&row.id, "restore") });
    let content_href = link::document(&row.id, "content");
    let version = |version: version::Listed| VersionRow {
        href: format!("{content_href}?version={}", version.n),
        n: version.n,
        size_words: names::size_words(version.size),
        sha256: keys::nonce::hex(&version.sha256),
        by: version.by,
        at: calendar.when(version.at),
        reason: version.reason,
    };
    let held = hold.map(|hold| Held { at: calendar.when(hold.at), can_end: may_change && (hold.own || may_manage), by: hold.by, own: hold.own });
    let view = DocumentView {
        file: CaseFile::new(file, &calendar),
        kind_words: names::form(&row.name).words,
        receipt: receipt(&row.id),
        href: link::document(&row.id, ""),
        problems: mistakes(problems),
        trash_href: (may_change && trashed.is_none() && held.as_ref().is_none_or(|held| held.own)).then(|| link::document(&row.id, "trash")),
        name: row.name,
        held,
        versions: versions.into_iter().map(version).collect(),
        content_href,
        readers: seers.into_iter().filter(reads).map(reader).collect(),
        trashed,
    };
    Ok(Page::new(desk.shell("cases"), view).with(status))
}

#[get("/documents/<id>/content?<version>")]
pub(super) async fn content(id: Id<Document>, version: Option<i64>, desk: Desk<'_>, wanted: Wanted<'_>) -> Result<Download, Oops> {
    let (name, blob) = desk.read(move |tx| version::content(&tx.open::<Read, Document>(&id.0, Verb::DocumentFetch)?, version)).await?;
    Ok(Download::open(desk.site(), desk.site().blobs(), name, blob, &wanted).await?)
}

#[post("/documents/<id>/trash", data = "<form>")]
pub(super) async fn trash(id: Id<Document>, desk: Desk<'_>, form: Posted<Button>) -> Result<Either<Redirect, Page<DocumentView>>, Oops> {
    let Button = form.into_inner();
    let sealed = id.0.clone();
    let moved = desk
        .write(move |tx| {
            let document = tx.open::<Contribute, Document>(&sealed, Verb::DocumentTrash)?;
            Ok((document::trash(&document)?, document::case_of(&document)?))
        })
        .await;
    let (said, case) = match moved {
        Ok((true, case)) => (Said::Trashed(id.0), case),
        Ok((false, case)) => (Said::TrashedAlready, case),
        Err(Refusal::Invalid(problems)) => return document_page(&desk, id.0, problems).await.map(Either::Right),
        Err(refusal) => return Err(refusal.into()),
    };
    Ok(Either::Left(Redirect::to(said.at(&link::case(&case, "documents")))))
}

#[post("/documents/<id>/restore", data = "<form>")]
pub(super) async fn restore(id: Id<Document>, desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    let (moved, case) = desk
        .write(move |tx| {
            let document = tx.open::<Contribute, Document>(&id.0, Verb::DocumentRestore)?;
            Ok((document::restore(&document)?, document::case_of(&document)?))
        })
        .await?;
    let said = if moved { Said::Restored } else { Said::RestoredAlready };
    Ok(Redirect::to(said.at(&link::case(&case, "documents"))))
}
