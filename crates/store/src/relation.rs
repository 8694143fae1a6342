//! Ties between contacts: spouse, parent, employer. One row tells both directions.

use crate::{Access, Tx, Writing, contact, error::Refuse};
use rules::{Contact, Contribute, Covers, Read, Refusal, Sealed, contact::LinkKind};
use rusqlite::params;

/// A tie, seen from one contact.
pub struct Tie {
    /// Opaque id of the other contact.
    pub id: Sealed<Contact>,
    /// Name of the other contact.
    pub name: String,
    /// How this contact stands to the other.
    pub words: &'static str,
    /// What it is.
    pub kind: LinkKind,
    /// This contact is the left one.
    pub left: bool,
}

/// The ties of a contact to others that the one who asks may see; to more than those there may be.
pub fn list<P: Covers<Read>, M>(contact: &Access<'_, P, Contact, M>) -> Result<Vec<Tie>, Refusal> {
    const SQL: &str = "select right_id, kind, 1 from contact_link where left_id = ?1 union all select left_id, kind, 0 from contact_link where right_id = ?1";
    let tx = contact.tx();
    let mut statement = tx.sql.prepare_cached(SQL).refuse()?;
    let rows = statement.query_map([contact.id()], |row| Ok((row.get::<_, i64>(0)?, LinkKind::from_value(row.get_ref(1)?.as_str()?).ok_or(rusqlite::Error::InvalidQuery)?, row.get::<_, bool>(2)?)));
    let rows: Vec<_> = rows.refuse()?.collect::<Result<_, _>>().refuse()?;
    let mut out = Vec::with_capacity(rows.len());
    for (other, kind, left) in rows {
        if let Some(name) = seen_name(tx, other)? {
            out.push(Tie { id: tx.seal(other)?, name, words: if left { kind.words() } else { kind.back() }, kind, left });
        }
    }
    Ok(out)
}

/// The name of a contact, if the one who asks may see it.
pub(crate) fn seen_name<M>(tx: &Tx<'_, M>, id: i64) -> Result<Option<String>, Refusal> {
    let found = crate::access::level_on::<Contact>(tx.sql, tx.actor().user, id).refuse()?;
    match found >= rules::Level::Read {
        true => tx.sql.prepare_cached("select name from contact where id = ?").refuse()?.query_row([id], |row| row.get(0)).map(Some).refuse(),
        false => Ok(None),
    }
}

/// Ties a contact to another: the first is `kind` of the second. Both must be seen by whoever says so.
pub fn add<P: Covers<Contribute>, Q: Covers<Read>>(contact: &Access<'_, P, Contact, Writing>, other: &Access<'_, Q, Contact, Writing>, kind: LinkKind, left: bool) -> Result<(), Refusal> {
    let (tx, mine, theirs) = (contact.tx(), contact.id(), other.id());
    if mine == theirs {
        return Err(Refusal::invalid("link", "A contact has no tie to itself. Choose another one."));
    }
    // What says the same from both sides is kept once.
    let (left, right) = match kind.is_mutual() {
        true => (mine.min(theirs), mine.max(theirs)),
        false if left => (mine, theirs),
        false => (theirs, mine),
    };
    if kind.is_an_order() && leads_back(tx, kind, left, right)? {
        return Err(Refusal::invalid("link", format!("The other way round is known already, if through others: nobody {} somebody who comes before them. Look at the ties of both.", kind.words())));
    }
    const SQL: &str = "insert or ignore into contact_link (left_id, right_id, kind, by_id, at) values (?, ?, ?, ?, ?)";
    tx.sql.execute(SQL, params![left, right, kind.value(), tx.actor().user, tx.now().0]).refuse()?;
    contact::touch(contact, None)
}

/// Whether a way of ties of this kind leads from `right` to `left` already.
fn leads_back(tx: &Tx<'_, Writing>, kind: LinkKind, left: i64, right: i64) -> Result<bool, Refusal> {
    const SQL: &str = "with recursive reach(id) as (select ?1 union select l.right_id from reach r join contact_link l on l.left_id = r.id and l.kind = ?3)
        select exists (select 1 from reach where id = ?2)";
    tx.sql.query_row(SQL, params![right, left, kind.value()], |row| row.get(0)).refuse()
}

/// Ends a tie.
pub fn remove<P: Covers<Contribute>>(contact: &Access<'_, P, Contact, Writing>, other: &Sealed<Contact>, kind: LinkKind) -> Result<(), Refusal> {
    let tx = contact.tx();
    let other = tx.core.keys.ids.open(other).map_err(|_| Refusal::NotFound)?;
    const SQL: &str = "delete from contact_link where kind = ?3 and (left_id = ?1 and right_id = ?2 or left_id = ?2 and right_id = ?1)";
    match tx.sql.execute(SQL, params![contact.id(), other, kind.value()]).refuse()? {
        0 => Err(Refusal::NotFound),
        _ => contact::touch(contact, None),
    }
}
