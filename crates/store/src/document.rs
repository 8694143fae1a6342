//! Documents of a case: adding, listing, trash and undo. Content is in [`crate::blob`].

use crate::{Access, Tx, Writing, blob::Blob, error::Refuse, version};
use rules::{Case, Contribute, Covers, Document, Kind, Moment, Read, Refusal, Sealed, Verb, document, when};
use rusqlite::{Row, params};

/// Rows on a page.
pub const PAGE: usize = 50;
/// Days for which a document can be brought back from the trash.
pub const TRASH_DAYS: i64 = 30;

/// A document as lists show it.
pub struct Listed {
    /// Opaque id.
    pub id: Sealed<Document>,
    /// File name.
    pub name: String,
    /// Number of the newest version.
    pub version: i64,
    /// Its plaintext size in bytes.
    pub size: u64,
    /// SHA-256 of its plaintext.
    pub sha256: [u8; 32],
    /// Who added it.
    pub by: String,
    /// When.
    pub at: Moment,
    /// Title of the case, for lists over several cases.
    pub case_title: String,
    /// Opaque id of the case.
    pub case: Sealed<Case>,
    /// When it was moved to the trash.
    pub trashed: Option<Moment>,
    /// By whom.
    pub trashed_by: Option<String>,
}

/// A page of documents, newest first.
pub struct Page {
    /// The rows.
    pub rows: Vec<Listed>,
    /// The last one of this page, if more follow.
    pub next: Option<Sealed<Document>>,
}

const COLUMNS: &str = "d.id, d.name, v.n, v.size, v.sha256, u.name, v.at, d.trashed, tu.name, c.title, c.id";
const JOINS: &str = "join version v on v.document_id = d.id and v.n = (select max(n) from version where document_id = d.id)
    join user u on u.id = v.by_id join cases c on c.id = d.case_id left join user tu on tu.id = d.trashed_by";

fn listed<M>(tx: &Tx<'_, M>, row: &Row<'_>) -> Result<Listed, Refusal> {
    let (id, case) = (tx.seal(row.get(0).refuse()?)?, tx.seal(row.get(10).refuse()?)?);
    let read = || -> rusqlite::Result<Listed> {
        let size: i64 = row.get(3)?;
        Ok(Listed {
            id,
            name: row.get(1)?,
            version: row.get(2)?,
            size: size.cast_unsigned(),
            sha256: row.get(4)?,
            by: row.get(5)?,
            at: Moment(row.get(6)?),
            trashed: row.get::<_, Option<i64>>(7)?.map(Moment),
            trashed_by: row.get(8)?,
            case_title: row.get(9)?,
            case,
        })
    };
    read().refuse()
}

fn collect<M>(tx: &Tx<'_, M>, query: &str, params: &[&dyn rusqlite::ToSql]) -> Result<Vec<Listed>, Refusal> {
    let mut statement = tx.sql.prepare_cached(query).refuse()?;
    let mut rows = statement.query(params).refuse()?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().refuse()? {
        out.push(listed(tx, row)?);
    }
    Ok(out)
}

/// A page of the documents of a case that are not in the trash, newest first.
pub fn of_case<P: Covers<Read>, M>(case: &Access<'_, P, Case, M>, after: Option<&Sealed<Document>>, limit: usize) -> Result<Page, Refusal> {
    let tx = case.tx();
    let below = after.and_then(|id| tx.core.keys.ids.open(id).ok()).unwrap_or(i64::MAX);
    let query = format!("select {COLUMNS} from document d {JOINS} where d.case_id = ?1 and d.trashed is null and d.id < ?2 order by d.id desc limit ?3");
    let mut rows = collect(tx, &query, params![case.id(), below, limit + 1])?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.id.clone());
    Ok(Page { rows, next })
}

/// The documents of a case in the trash, latest first.
pub fn in_trash<P: Covers<Contribute>, M>(case: &Access<'_, P, Case, M>) -> Result<Vec<Listed>, Refusal> {
    let query = format!("select {COLUMNS} from document d {JOINS} where d.case_id = ?1 and d.trashed is not null order by d.trashed desc limit 50");
    collect(case.tx(), &query, params![case.id()])
}

/// Documents lately added to cases that the one who asks owns or supervises, newest first.
pub fn lately<M>(tx: &Tx<'_, M>, limit: usize) -> Result<Vec<Listed>, Refusal> {
    let query = format!(
        "select {COLUMNS} from (select id from document where trashed is null order by id desc limit 500) n join document d on d.id = n.id {JOINS}
         join sight s on s.case_id = d.case_id and s.user_id = ?1 and s.level >= 2
         where c.owner_id = ?1 or c.supervisor_id = ?1 order by v.at desc, d.id desc limit ?2"
    );
    collect(tx, &query, params![tx.actor().user, limit])
}

/// One document.
pub fn one<P: Covers<Read>, M>(document: &Access<'_, P, Document, M>) -> Result<Listed, Refusal> {
    let query = format!("select {COLUMNS} from document d {JOINS} where d.id = ?1");
    collect(document.tx(), &query, params![document.id()])?.into_iter().next().ok_or(Refusal::NotFound)
}

/// Adds a document whose content is durable already.
pub fn add<P: Covers<Contribute>>(case: &Access<'_, P, Case, Writing>, name: &str, blob: &Blob) -> Result<Sealed<Document>, Refusal> {
    let tx = case.tx();
    let name = document::clean_name(name).ok_or_else(|| Refusal::invalid("file", "The file has no name. Give it one and send it again."))?;
    let (now, me) = (tx.now().0, tx.actor().user);
    tx.sql.execute("insert into document (case_id, name, added) values (?, ?, ?)", params![case.id(), name, now]).refuse()?;
    let id = tx.sql.last_insert_rowid();
    const SQL: &str = "insert into version (document_id, n, sha256, size, blob, blob_key, by_id, at) values (?, 1, ?, ?, ?, ?, ?, ?)";
    tx.sql.execute(SQL, params![id, blob.sha256, blob.size.cast_signed(), blob.name, blob.wrapped, me, now]).refuse()?;
    tx.record(Verb::DocumentAdd, Some(case.id()), Some((Kind::Document, id)), Some(1), false);
    tx.seal(id)
}

/// Moves a document to the trash; false when it was there already. Not while somebody else has it checked out.
pub fn trash<P: Covers<Contribute> + Covers<Read>>(document: &Access<'_, P, Document, Writing>) -> Result<bool, Refusal> {
    version::refuse_held(document, "hold")?;
    let tx = document.tx();
    const SQL: &str = "update document set trashed = ?2, trashed_by = ?3, held_by = null, held_at = null where id = ?1 and trashed is null";
    let moved = tx.sql.execute(SQL, params![document.id(), tx.now().0, tx.actor().user]).refuse()?;
    Ok(moved_is_told(document, Verb::DocumentTrash, moved))
}

/// Brings a document back from the trash; false when it was not there.
pub fn restore<P: Covers<Contribute>>(document: &Access<'_, P, Document, Writing>) -> Result<bool, Refusal> {
    const SQL: &str = "update document set trashed = null, trashed_by = null where id = ? and trashed is not null";
    let moved = document.sql().execute(SQL, [document.id()]).refuse()?;
    Ok(moved_is_told(document, Verb::DocumentRestore, moved))
}

fn moved_is_told<P>(document: &Access<'_, P, Document, Writing>, verb: Verb, moved: usize) -> bool {
    if moved > 0 {
        document.tx().record(verb, Some(document.case_id()), Some((Kind::Document, document.id())), None, false);
    }
    moved > 0
}

/// The case that a document belongs to.
pub fn case_of<P: Covers<Read>, M>(document: &Access<'_, P, Document, M>) -> Result<Sealed<Case>, Refusal> {
    document.tx().seal(document.case_id())
}

/// Whole days for which a document trashed at `then` can still be brought back.
pub fn days_left(then: Moment, now: Moment) -> i64 {
    (TRASH_DAYS - (now.0 - then.0) / when::DAY).max(0)
}
