//! Identity documents of a contact. Their numbers are encrypted; a page shows the last signs only, and the whole number when it is asked for.

use crate::{Access, Writing, contact, error::Refuse};
use keys::field::Place;
use rules::{Contact, Contribute, Covers, Identity, Kind, Problem, Read, Refusal, Sealed, Verb, contact::IdentityKind, date, text};
use rusqlite::{OptionalExtension, params};

/// An identity document.
pub struct Listed {
    /// Opaque id.
    pub id: Sealed<Identity>,
    /// What it is.
    pub kind: IdentityKind,
    /// Its number, or its last signs behind dots.
    pub number: String,
    /// The number is whole.
    pub whole: bool,
    /// Who issued it.
    pub country: String,
    /// The last day on which it counts.
    pub expires: Option<jiff::civil::Date>,
}

/// What was typed into the form.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// What it is.
    pub kind: String,
    /// Its number.
    pub number: String,
    /// Who issued it.
    pub country: String,
    /// The last day on which it counts.
    pub expires: String,
}

fn place(row: i64) -> Place {
    Place { table: "identity_document", column: "number", row }
}

/// A number with all but its last three signs hidden.
fn hidden(number: &str) -> String {
    let signs: Vec<char> = number.chars().collect();
    let shown = if signs.len() > 5 { 3 } else { 0 };
    format!("••••{}", signs.iter().skip(signs.len() - shown).collect::<String>())
}

/// The identity documents of a contact, those that end first at the head. The number of `shown` is whole, which is written down.
pub fn list<P: Covers<Read>, M>(contact: &Access<'_, P, Contact, M>, shown: Option<&Sealed<Identity>>) -> Result<Vec<Listed>, Refusal> {
    let tx = contact.tx();
    let shown = shown.and_then(|id| tx.core.keys.ids.open(id).ok());
    const SQL: &str = "select id, kind, number, country, expires from identity_document where contact_id = ? order by expires is null, expires, id";
    let mut statement = tx.sql.prepare_cached(SQL).refuse()?;
    let rows = statement.query_map([contact.id()], |row| {
        let kind = IdentityKind::from_value(row.get_ref(1)?.as_str()?).ok_or(rusqlite::Error::InvalidQuery)?;
        Ok((row.get::<_, i64>(0)?, kind, row.get::<_, Vec<u8>>(2)?, row.get(3)?, row.get::<_, Option<String>>(4)?))
    });
    let rows: Vec<_> = rows.refuse()?.collect::<Result<_, _>>().refuse()?;
    let mut out = Vec::with_capacity(rows.len());
    for (id, kind, number, country, expires) in rows {
        let number = tx.core.keys.fields.open_text(&number, place(id)).refuse()?.expose().clone();
        let whole = shown == Some(id);
        if whole {
            tx.record(Verb::IdentityShow, None, Some((Kind::Contact, contact.id())), Some(id), false);
        }
        let number = if whole { number } else { hidden(&number) };
        out.push(Listed { id: tx.seal(id)?, kind, number, whole, country, expires: expires.as_deref().and_then(date::stored) });
    }
    Ok(out)
}

/// Adds an identity document.
pub fn add<P: Covers<Contribute>>(contact: &Access<'_, P, Contact, Writing>, typed: &Typed) -> Result<(), Refusal> {
    let mut problems = Vec::new();
    let mut keep = |problem: Problem| problems.push(problem);
    let kind = IdentityKind::from_value(&typed.kind);
    if kind.is_none() {
        keep(Problem::new("identity_kind", "Choose what sort of document it is"));
    }
    let number = text::line("identity_number", "The number of the document", &typed.number, 60).map_err(&mut keep).ok();
    let country = text::optional_line("identity_country", "Who issued it", &typed.country, 60).map_err(&mut keep).ok();
    let expires = date::typed("identity_expires", "The day it ends", &typed.expires).map_err(&mut keep).ok();
    let (Some(kind), Some(number), Some(country), Some(expires)) = (kind, number, country, expires) else { return Err(Refusal::Invalid(problems)) };
    let tx = contact.tx();
    const SQL: &str = "insert into identity_document (contact_id, kind, number, country, expires, by_id, at) values (?, ?, zeroblob(0), ?, ?, ?, ?)";
    tx.sql.execute(SQL, params![contact.id(), kind.value(), country.unwrap_or_default(), expires.map(|date| date.to_string()), tx.actor().user, tx.now().0]).refuse()?;
    let id = tx.sql.last_insert_rowid();
    let sealed = tx.core.keys.fields.seal(number.as_bytes(), place(id)).refuse()?;
    tx.sql.execute("update identity_document set number = ?2 where id = ?1", params![id, sealed]).refuse()?;
    contact::touch(contact, None)
}

/// Takes an identity document away.
pub fn remove<P: Covers<Contribute>>(contact: &Access<'_, P, Contact, Writing>, identity: &Sealed<Identity>) -> Result<(), Refusal> {
    let tx = contact.tx();
    let id = tx.core.keys.ids.open(identity).ok();
    let found: Option<i64> = tx.sql.query_row("select id from identity_document where id = ? and contact_id = ?", params![id, contact.id()], |row| row.get(0)).optional().refuse()?;
    let id = found.ok_or(Refusal::NotFound)?;
    tx.sql.execute("delete from identity_document where id = ?", [id]).refuse()?;
    contact::touch(contact, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_are_hidden_whole() {
        assert_eq!(hidden("C0123482"), "••••482");
        assert_eq!(hidden("12345"), "••••");
        assert_eq!(hidden(""), "••••");
    }
}
