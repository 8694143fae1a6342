//! Contacts from a file (CSV, RFC 4180): looked at row by row first, kept only when somebody accepts, and taken back at once as long as they are unused.

use crate::{Tx, Writing, alias, contact, error::Refuse, who};
use keys::field::Place;
use rules::{Import, Moment, Refusal, Sealed, Verb, contact::AliasKind, name, text};
use rusqlite::{OptionalExtension, params};
use std::collections::HashSet;

/// Largest file, in bytes.
pub const LARGEST: usize = 4 << 20;
/// Most rows of one file.
pub const ROWS: usize = 20_000;
/// How long a file waits to be accepted, in milliseconds.
pub const WAITS: i64 = rules::when::DAY;

/// The columns that are known, as the head of the file names them; several words for one are taken.
const COLUMNS: [(&str, &[&str]); 9] = [
    ("name", &["name", "full name", "contact", "client"]),
    ("kind", &["kind", "type", "sort"]),
    ("born", &["born", "date of birth", "dob", "birthday"]),
    ("number", &["number", "company number", "register number", "registration"]),
    ("email", &["email", "e-mail", "e-mail address", "email address"]),
    ("phone", &["phone", "telephone", "tel", "mobile"]),
    ("address", &["address"]),
    ("note", &["note", "notes", "remarks"]),
    ("other names", &["other names", "also known as", "aka", "alias", "aliases"]),
];

/// A row that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// Its line in the file, the head being line 1.
    pub line: u64,
    /// What is wrong, in sentences.
    pub why: String,
}

/// A row that can.
struct Good {
    line: u64,
    typed: contact::Typed,
    also: Vec<String>,
}

/// What a file holds.
struct Read {
    good: Vec<Good>,
    bad: Vec<Bad>,
    /// Columns that are not known.
    unknown: Vec<String>,
}

/// What would come of a file.
pub struct Preview {
    /// Opaque id of the import that waits.
    pub id: Sealed<Import>,
    /// Name of the file.
    pub name: String,
    /// How many contacts it would make.
    pub good: usize,
    /// Rows that cannot be taken.
    pub bad: Vec<Bad>,
    /// Rows whose name is like one that is there already: line and name. They are taken nevertheless.
    pub alike: Vec<(u64, String)>,
    /// Columns that are not known, and left out.
    pub unknown: Vec<String>,
    /// The first names, to see whether the columns fit.
    pub first: Vec<String>,
}

/// An import that was accepted.
pub struct Done {
    /// Opaque id.
    pub id: Sealed<Import>,
    /// Name of the file.
    pub name: String,
    /// How many contacts it made.
    pub rows: usize,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Moment,
    /// When it was taken back.
    pub undone: Option<Moment>,
}

fn wrong(sentence: impl Into<String>) -> Refusal {
    Refusal::invalid("file", sentence)
}

/// Text of a file: UTF-8, with or without its mark, or UTF-16 as spreadsheets write it.
fn decode(bytes: &[u8]) -> Result<String, Refusal> {
    let units = |little: bool| bytes.get(2..).unwrap_or_default().chunks_exact(2).map(move |pair| match (pair, little) {
        ([a, b], true) => u16::from_le_bytes([*a, *b]),
        ([a, b], _) => u16::from_be_bytes([*a, *b]),
        _ => 0,
    });
    let utf16 = |little| char::decode_utf16(units(little)).collect::<Result<String, _>>().ok();
    let text = match bytes {
        [0xFF, 0xFE, ..] => utf16(true),
        [0xFE, 0xFF, ..] => utf16(false),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    };
    text.filter(|text| !text.contains('\0')).ok_or_else(|| wrong("This file is no text in UTF-8. Save it as “CSV UTF-8” and choose it again."))
}

/// The sign between the columns: the one of which the head has most.
fn delimiter(text: &str) -> u8 {
    let head = text.lines().next().unwrap_or_default();
    [b',', b';', b'\t'].into_iter().max_by_key(|sign| head.bytes().filter(|byte| byte == sign).count()).unwrap_or(b',')
}

/// Reads a file. Mistakes of a row are told with its line; a file that is none at all is refused.
fn read(bytes: &[u8]) -> Result<Read, Refusal> {
    let text = decode(bytes)?;
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter(&text)).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let head: Vec<String> = reader.headers().map_err(|_| wrong("The first line of the file cannot be read as names of columns."))?.iter().map(str::to_lowercase).collect();
    let place = |column: &str| COLUMNS.iter().find(|(name, _)| *name == column).and_then(|(_, words)| head.iter().position(|head| words.contains(&head.as_str())));
    if place("name").is_none() {
        return Err(wrong("The first line must name the columns, and one of them must be called “name”."));
    }
    let unknown = head.iter().filter(|head| !head.is_empty() && !COLUMNS.iter().any(|(_, words)| words.contains(&head.as_str()))).cloned().collect();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                bad.push(Bad { line: error.position().map_or(0, csv::Position::line), why: "The line cannot be read: a quotation mark is not closed.".into() });
                continue;
            }
        };
        let line = record.position().map_or(0, |at| line_of(&text, at));
        let of = |column: &str| place(column).and_then(|at| record.get(at)).unwrap_or_default().to_owned();
        if record.iter().all(str::is_empty) {
            continue;
        }
        match row(&of) {
            Ok((typed, also)) => good.push(Good { line, typed, also }),
            Err(why) => bad.push(Bad { line, why }),
        }
        if good.len() + bad.len() > ROWS {
            return Err(wrong(format!("The file has more than {ROWS} rows. Split it.")));
        }
    }
    Ok(Read { good, bad, unknown })
}

/// The line on which a record begins: its position is before the empty lines above it.
fn line_of(text: &str, at: &csv::Position) -> u64 {
    let rest = usize::try_from(at.byte()).ok().and_then(|byte| text.as_bytes().get(byte..)).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).filter(|byte| **byte == b'\n').count();
    at.line() + empty as u64
}

/// One row, or what is wrong with it.
fn row(of: &dyn Fn(&str) -> String) -> Result<(contact::Typed, Vec<String>), String> {
    let organisation = match of("kind").to_lowercase().as_str() {
        "" | "person" | "individual" | "p" => false,
        "organisation" | "organization" | "company" | "o" => true,
        other => return Err(format!("“{}” is no sort of contact. Write person or organisation.", other.chars().take(40).collect::<String>())),
    };
    let typed = contact::Typed { name: of("name"), organisation, born: of("born"), number: of("number"), email: of("email"), phone: of("phone"), address: of("address"), note: of("note") };
    let also: Vec<String> = of("other names").split([';', '|']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let problems = typed.meant().err().into_iter().flatten().map(|problem| problem.text);
    let aliases = also.iter().filter_map(|name| text::line("alias", "Another name", name, contact::NAME_MAX).err()).map(|problem| problem.text);
    let why: Vec<String> = problems.chain(aliases).collect();
    if why.is_empty() { Ok((typed, also)) } else { Err(why.join(" ")) }
}

fn place(row: i64) -> Place {
    Place { table: "contact_import", column: "file", row }
}

/// Takes a file in to be looked at. No contact is made.
pub fn take(tx: &Tx<'_, Writing>, name: &str, bytes: &[u8]) -> Result<Sealed<Import>, Refusal> {
    contact::may_make(tx, Verb::ContactImport)?;
    if bytes.is_empty() {
        return Err(wrong("Choose a file first."));
    }
    if bytes.len() > LARGEST {
        return Err(wrong("The file is larger than 4 MB. Split it."));
    }
    let found = read(bytes)?;
    if found.good.is_empty() && found.bad.is_empty() {
        return Err(wrong("The file has no rows below the names of its columns."));
    }
    let name = text::optional_line("file", "The name of the file", name, 200).ok().flatten().unwrap_or_else(|| "file.csv".into());
    // One file of each person waits, for a day at most.
    tx.sql.execute("delete from contact_import where accepted is null and (by_id = ? or at < ?)", [tx.actor().user, tx.now().0 - WAITS]).refuse()?;
    tx.sql.execute("insert into contact_import (name, rows, by_id, at) values (?, ?, ?, ?)", params![name, found.good.len(), tx.actor().user, tx.now().0]).refuse()?;
    let id = tx.sql.last_insert_rowid();
    let sealed = tx.core.keys.fields.seal(bytes, place(id)).refuse()?;
    tx.sql.execute("update contact_import set file = ?2 where id = ?1", params![id, sealed]).refuse()?;
    tx.seal(id)
}

/// The file of an import that waits, of whoever took it in.
fn waiting<M>(tx: &Tx<'_, M>, import: &Sealed<Import>) -> Result<(i64, String, Vec<u8>), Refusal> {
    let id = tx.core.keys.ids.open(import).map_err(|_| Refusal::NotFound)?;
    let mut find = tx.sql.prepare_cached("select name, file from contact_import where id = ? and by_id = ? and file is not null").refuse()?;
    let found: Option<(String, Vec<u8>)> = find.query_row([id, tx.actor().user], |row| Ok((row.get(0)?, row.get(1)?))).optional().refuse()?;
    let (name, sealed) = found.ok_or(Refusal::NotFound)?;
    Ok((id, name, tx.core.keys.fields.open(&sealed, place(id)).refuse()?.expose().clone()))
}

/// What would come of a file that waits.
pub fn preview<M>(tx: &Tx<'_, M>, import: &Sealed<Import>) -> Result<Preview, Refusal> {
    let (_, name, bytes) = waiting(tx, import)?;
    let found = read(&bytes)?;
    let mut alike = Vec::new();
    let mut seen = HashSet::new();
    for good in &found.good {
        let twice = !seen.insert(name::fold(&good.typed.name));
        // Looking at every row of a long file would take too long for a page: the first thousand are compared with what is there.
        if twice || good.line <= 1000 && !who::similar(tx, &good.typed.name)?.is_empty() {
            alike.push((good.line, good.typed.name.clone()));
        }
    }
    let first = found.good.iter().take(5).map(|good| good.typed.name.clone()).collect();
    Ok(Preview { id: import.clone(), name, good: found.good.len(), bad: found.bad, alike, unknown: found.unknown, first })
}

/// Makes the contacts of a file that waits, all rows that can be taken.
pub fn accept(tx: &Tx<'_, Writing>, import: &Sealed<Import>) -> Result<usize, Refusal> {
    contact::may_make(tx, Verb::ContactImport)?;
    let (id, _, bytes) = waiting(tx, import)?;
    let found = read(&bytes)?;
    for good in &found.good {
        let made = contact::keep(tx, good.typed.meant().map_err(Refusal::Invalid)?, Some(id))?;
        for name in &good.also {
            alias::put(tx.sql, made, name, AliasKind::Other).refuse()?;
        }
    }
    tx.sql.execute("update contact_import set file = null, accepted = ?2 where id = ?1", params![id, tx.now().0]).refuse()?;
    tx.record(Verb::ContactImport, None, Some((rules::Kind::Import, id)), i64::try_from(found.good.len()).ok(), false);
    Ok(found.good.len())
}

/// Forgets a file that waits.
pub fn drop_file(tx: &Tx<'_, Writing>, import: &Sealed<Import>) -> Result<(), Refusal> {
    let (id, ..) = waiting(tx, import)?;
    tx.sql.execute("delete from contact_import where id = ?", [id]).map(drop).refuse()
}

/// Takes back the contacts of an import that nobody has used or changed since. Gives how many.
pub fn undo(tx: &Tx<'_, Writing>, import: &Sealed<Import>) -> Result<usize, Refusal> {
    contact::may_make(tx, Verb::ContactImportUndo)?;
    let id = tx.core.keys.ids.open(import).map_err(|_| Refusal::NotFound)?;
    if tx.sql.execute("update contact_import set undone = ?3 where id = ?1 and by_id = ?2 and accepted is not null and undone is null", params![id, tx.actor().user, tx.now().0]).refuse()? == 0 {
        return Err(Refusal::NotFound);
    }
    let mut find = tx.sql.prepare_cached("select id from contact where import_id = ? and version = 1 and removed is null and merged_into is null").refuse()?;
    let made: Vec<i64> = find.query_map([id], |row| row.get(0)).refuse()?.collect::<Result<_, _>>().refuse()?;
    let mut gone = 0;
    for contact in made {
        if !contact::is_used(tx, contact)? {
            contact::erase(tx, contact)?;
            gone += 1;
        }
    }
    tx.record(Verb::ContactImportUndo, None, Some((rules::Kind::Import, id)), i64::try_from(gone).ok(), false);
    Ok(gone)
}

/// The newest imports of the one who asks.
pub fn list<M>(tx: &Tx<'_, M>) -> Result<Vec<Done>, Refusal> {
    const SQL: &str = "select i.id, i.name, i.rows, u.name, i.accepted, i.undone from contact_import i join user u on u.id = i.by_id where i.by_id = ? and i.accepted is not null order by i.id desc limit 10";
    let mut statement = tx.sql.prepare_cached(SQL).refuse()?;
    let rows = statement.query_map([tx.actor().user], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, Moment(row.get(4)?), row.get::<_, Option<i64>>(5)?.map(Moment))));
    let rows: Vec<_> = rows.refuse()?.collect::<Result<_, _>>().refuse()?;
    rows.into_iter().map(|(id, name, rows, by, at, undone)| Ok(Done { id: tx.seal(id)?, name, rows, by, at, undone })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_cannot_be_taken_are_told_by_line_and_reason() {
        let file = "Name;DOB;Email;Type\nAnn Bell;24/11/1980;ann@example.com;person\nBen;31/02/1980;;\n;1/1/1990;;\n\nNorth Ltd;;info@@x;company\nCara;;;alien\n";
        let found = read(file.as_bytes()).unwrap();
        assert_eq!(found.good.len(), 1);
        assert_eq!(found.good[0].typed.born, "24/11/1980");
        let lines: Vec<u64> = found.bad.iter().map(|bad| bad.line).collect();
        assert_eq!(lines, [3, 4, 6, 7], "{:?}", found.bad);
        assert!(found.bad[0].why.contains("no 31 Feb 1980") && found.bad[3].why.contains("alien"));
    }

    #[test]
    fn files_of_spreadsheets_are_read_and_what_is_none_is_refused() {
        let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain("Name\tPhone\nZoë\t1\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let found = read(&utf16).unwrap();
        assert_eq!((found.good[0].typed.name.as_str(), found.good[0].typed.phone.as_str()), ("Zoë", "1"));
        assert_eq!(read(b"\xEF\xBB\xBFname,shoe size\n\"Bell, Ann\",38\n").unwrap().unknown, ["shoe size"]);
        for none in [&b"PK\x03\x04\x00"[..], b"first,last\na,b\n", b"\xE9"] {
            assert!(matches!(read(none), Err(Refusal::Invalid(_))));
        }
    }
}
