//! Versions of a document: each kept as it came, with who, when and why; and the hold of whoever works on the next one.

use crate::{Access, Writing, blob::Blob, error::Refuse};
use rules::{Contribute, Covers, Document, Kind, Level, Moment, Problem, Read, Refusal, Verb, document, text};
use rusqlite::{OptionalExtension, params};

/// Most versions of one document.
const MOST: i64 = 1000;
/// Longest reason, in characters.
pub const REASON_MAX: usize = 200;

/// A version.
pub struct Listed {
    /// Its number, from 1.
    pub n: i64,
    /// Plaintext bytes.
    pub size: u64,
    /// SHA-256 of the plaintext.
    pub sha256: [u8; 32],
    /// Who added it.
    pub by: String,
    /// When.
    pub at: Moment,
    /// Why it came.
    pub reason: Option<String>,
}

/// Who works on the next version.
pub struct Hold {
    /// Name.
    pub by: String,
    /// It is the one who asks.
    pub own: bool,
    /// Since when.
    pub at: Moment,
}

/// The versions of a document, newest first.
pub fn list<P: Covers<Read>, M>(document: &Access<'_, P, Document, M>) -> Result<Vec<Listed>, Refusal> {
    const SQL: &str = "select v.n, v.size, v.sha256, u.name, v.at, v.reason from version v join user u on u.id = v.by_id where v.document_id = ? order by v.n desc";
    let mut statement = document.sql().prepare_cached(SQL).refuse()?;
    let rows = statement.query_map([document.id()], |row| {
        let size: i64 = row.get(1)?;
        Ok(Listed { n: row.get(0)?, size: size.cast_unsigned(), sha256: row.get(2)?, by: row.get(3)?, at: Moment(row.get(4)?), reason: row.get(5)? })
    });
    rows.refuse()?.collect::<Result<_, _>>().refuse()
}

/// Name and content of a version, the newest when none is named; "not found" while the document is in the trash.
pub fn content<P: Covers<Read>, M>(document: &Access<'_, P, Document, M>, n: Option<i64>) -> Result<(String, Blob), Refusal> {
    const SQL: &str = "select d.name, v.blob, v.blob_key, v.size, v.sha256 from document d join version v on v.document_id = d.id
        where d.id = ?1 and d.trashed is null and v.n = coalesce(?2, (select max(n) from version where document_id = ?1))";
    let mut statement = document.sql().prepare_cached(SQL).refuse()?;
    let found = statement.query_row(params![document.id(), n], |row| {
        let size: i64 = row.get(3)?;
        Ok((row.get(0)?, Blob { name: row.get(1)?, wrapped: row.get(2)?, size: size.cast_unsigned(), sha256: row.get(4)? }))
    });
    found.refuse()
}

/// Who holds a document, if somebody does.
pub fn hold<P: Covers<Read>, M>(document: &Access<'_, P, Document, M>) -> Result<Option<Hold>, Refusal> {
    const SQL: &str = "select u.name, u.id = ?2, d.held_at from document d join user u on u.id = d.held_by where d.id = ?1";
    let mut statement = document.sql().prepare_cached(SQL).refuse()?;
    statement.query_row([document.id(), document.tx().actor().user], |row| Ok(Hold { by: row.get(0)?, own: row.get(1)?, at: Moment(row.get(2)?) })).optional().refuse()
}

/// Refuses while somebody else holds the document.
pub(crate) fn refuse_held<P: Covers<Read>>(document: &Access<'_, P, Document, Writing>, field: &'static str) -> Result<(), Refusal> {
    match hold(document)? {
        Some(hold) if !hold.own => Err(Refusal::invalid(field, format!("{} has this document checked out. Ask them to check it in, or ask somebody who manages the case to end it.", hold.by))),
        _ => Ok(()),
    }
}

/// Adds a version whose content is durable already; `given` is the name of the file. Ends the hold of whoever adds it. Gives its number.
pub fn add<P: Covers<Contribute> + Covers<Read>>(document: &Access<'_, P, Document, Writing>, given: &str, blob: &Blob, reason: &str) -> Result<i64, Refusal> {
    refuse_held(document, "file")?;
    let reason = text::optional_line("reason", "The reason", reason, REASON_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    let tx = document.tx();
    let (name, trashed): (String, bool) = tx.sql.query_row("select name, trashed is not null from document where id = ?", [document.id()], |row| Ok((row.get(0)?, row.get(1)?))).refuse()?;
    let newest = list(document)?.into_iter().next().ok_or(Refusal::NotFound)?;
    let wrong = |sentence: String| Err(Refusal::Invalid(vec![Problem::new("file", sentence)]));
    if trashed {
        return wrong("The document is in the trash. Bring it back first.".into());
    }
    if document::ending(given) != document::ending(&name) {
        return wrong(format!("“{given}” is another sort of file than “{name}”. Add it to the case as a document of its own."));
    }
    if newest.sha256 == blob.sha256 {
        return wrong(format!("This is the same file as version {}, byte for byte. Nothing was kept.", newest.n));
    }
    if newest.n >= MOST {
        return wrong(format!("A document has at most {MOST} versions. Add it to the case as a document of its own."));
    }
    let n = newest.n + 1;
    const SQL: &str = "insert into version (document_id, n, sha256, size, blob, blob_key, by_id, at, reason) values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    tx.sql.execute(SQL, params![document.id(), n, blob.sha256, blob.size.cast_signed(), blob.name, blob.wrapped, tx.actor().user, tx.now().0, reason]).refuse()?;
    tx.sql.execute("update document set held_by = null, held_at = null where id = ?", [document.id()]).refuse()?;
    tx.record(Verb::DocumentVersion, Some(document.case_id()), Some((Kind::Document, document.id())), Some(n), false);
    Ok(n)
}

/// Checks a document out: until it is checked in, nobody else adds a version or moves it to the trash.
pub fn check_out<P: Covers<Contribute> + Covers<Read>>(document: &Access<'_, P, Document, Writing>) -> Result<(), Refusal> {
    refuse_held(document, "hold")?;
    let tx = document.tx();
    const SQL: &str = "update document set held_by = ?2, held_at = ?3 where id = ?1 and trashed is null and held_by is null";
    if tx.sql.execute(SQL, params![document.id(), tx.actor().user, tx.now().0]).refuse()? > 0 {
        tx.record(Verb::DocumentCheckOut, Some(document.case_id()), Some((Kind::Document, document.id())), None, false);
    }
    Ok(())
}

/// Checks it in, without a new version. Whoever manages the case may do so for somebody else.
pub fn check_in<P: Covers<Contribute> + Covers<Read>>(document: &Access<'_, P, Document, Writing>) -> Result<(), Refusal> {
    let tx = document.tx();
    match hold(document)? {
        None => return Ok(()),
        Some(hold) if !hold.own && document.level() < Level::Manage => {
            tx.record(Verb::DocumentCheckIn, Some(document.case_id()), Some((Kind::Document, document.id())), None, true);
            return Err(Refusal::Forbidden(format!("{} has it checked out. They end that themselves, or somebody who manages the case does.", hold.by)));
        }
        Some(_) => {}
    }
    tx.sql.execute("update document set held_by = null, held_at = null where id = ?", [document.id()]).refuse()?;
    tx.record(Verb::DocumentCheckIn, Some(document.case_id()), Some((Kind::Document, document.id())), None, false);
    Ok(())
}
