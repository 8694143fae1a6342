//! The other names of a contact, and the index of all names by which contacts are found however they are spelled.

use crate::{Access, Writing, contact, error::Refuse};
use rules::{Contact, Contribute, Covers, Read, Refusal, contact::AliasKind, name, text};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// Most other names of one contact.
const MOST: i64 = 20;

/// Another name.
pub struct Alias {
    /// The name.
    pub name: String,
    /// Why they have it.
    pub kind: AliasKind,
}

/// The other names of a contact, by kind.
pub fn list<P: Covers<Read>, M>(contact: &Access<'_, P, Contact, M>) -> Result<Vec<Alias>, Refusal> {
    let mut statement = contact.sql().prepare_cached("select name, kind from contact_name where contact_id = ? order by kind, name").refuse()?;
    let rows = statement.query_map([contact.id()], |row| Ok(Alias { name: row.get(0)?, kind: AliasKind::from_value(row.get_ref(1)?.as_str()?).ok_or(rusqlite::Error::InvalidQuery)? }));
    rows.refuse()?.collect::<Result<_, _>>().refuse()
}

/// Adds another name.
pub fn add<P: Covers<Contribute>>(contact: &Access<'_, P, Contact, Writing>, typed: &str, kind: &str) -> Result<(), Refusal> {
    let name = text::line("alias", "The other name", typed, contact::NAME_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    let kind = AliasKind::from_value(kind).ok_or_else(|| Refusal::invalid("alias_kind", "Choose what sort of name it is"))?;
    let there: i64 = contact.sql().query_row("select count(*) from contact_name where contact_id = ?", [contact.id()], |row| row.get(0)).refuse()?;
    if there >= MOST {
        return Err(Refusal::invalid("alias", format!("A contact has at most {MOST} other names. Remove one that is no longer needed.")));
    }
    put(contact.sql(), contact.id(), &name, kind).refuse()?;
    contact::touch(contact, None)
}

/// Keeps another name of a contact.
pub(crate) fn put(sql: &Connection, contact: i64, name: &str, kind: AliasKind) -> rusqlite::Result<()> {
    sql.prepare_cached("insert or replace into contact_name (contact_id, name, kind) values (?, ?, ?)")?.execute(params![contact, name, kind.value()])?;
    index(sql, contact)
}

/// Takes another name away.
pub fn remove<P: Covers<Contribute>>(contact: &Access<'_, P, Contact, Writing>, name: &str) -> Result<(), Refusal> {
    if contact.sql().execute("delete from contact_name where contact_id = ? and name = ?", params![contact.id(), name]).refuse()? == 0 {
        return Err(Refusal::NotFound);
    }
    index(contact.sql(), contact.id()).refuse()?;
    contact::touch(contact, None)
}

/// Writes the parts of all names of a contact into the index anew.
pub(crate) fn index(sql: &Connection, contact: i64) -> rusqlite::Result<()> {
    let mut names = sql.prepare_cached("select name from contact where id = ?1 union all select name from contact_name where contact_id = ?1")?;
    let names: Vec<String> = names.query_map([contact], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let parts: BTreeSet<name::Part> = names.iter().flat_map(|name| name::parts(name)).collect();
    sql.prepare_cached("delete from name_part where contact_id = ?")?.execute([contact])?;
    let mut put = sql.prepare_cached("insert or ignore into name_part (contact_id, fold, sound) values (?, ?, ?)")?;
    parts.iter().try_for_each(|part| put.execute(params![contact, part.fold, part.sound]).map(drop))
}
