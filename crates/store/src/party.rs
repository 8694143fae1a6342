//! Who plays which part in a case. A part that is over stays as a row: conflicts look at it, and it still decides who sees the contact.

use crate::{Access, Writing, error::Refuse};
use rules::{Case, Contact, Contribute, Covers, Kind, Moment, Read, Refusal, Sealed, Verb, case::Status, contact::Part};
use rusqlite::params;

/// Most parties of one case.
const MOST: i64 = 200;

/// A party of a case.
pub struct Listed {
    /// Opaque id of the contact.
    pub contact: Sealed<Contact>,
    /// Its name.
    pub name: String,
    /// It is an organisation, not a person.
    pub organisation: bool,
    /// Which part it plays.
    pub part: Part,
    /// The firm acts for them.
    pub is_client: bool,
    /// Since when.
    pub at: Moment,
    /// Until when.
    pub ended: Option<Moment>,
}

/// A case in which a contact plays a part.
pub struct PartIn {
    /// Opaque id of the case.
    pub case: Sealed<Case>,
    /// "PH-2026-0147".
    pub reference: String,
    /// Title of the case.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// Which part.
    pub part: Part,
    /// The firm acts for them.
    pub is_client: bool,
    /// The part is over.
    pub ended: bool,
}

pub(crate) fn part(row: &rusqlite::Row<'_>, n: usize) -> rusqlite::Result<Part> {
    Part::from_value(row.get_ref(n)?.as_str()?).ok_or(rusqlite::Error::InvalidQuery)
}

/// The parties of a case: clients first, then the others, those whose part is over last.
pub fn of_case<P: Covers<Read>, M>(case: &Access<'_, P, Case, M>) -> Result<Vec<Listed>, Refusal> {
    const SQL: &str = "select c.id, c.name, c.kind = 'organisation', p.role, p.is_client, p.at, p.ended from party p join contact c on c.id = p.contact_id
        where p.case_id = ? order by p.ended is not null, p.is_client desc, p.at, c.id";
    let tx = case.tx();
    let mut statement = tx.sql.prepare_cached(SQL).refuse()?;
    let rows = statement.query_map([case.id()], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, part(row, 3)?, row.get(4)?, Moment(row.get(5)?), row.get::<_, Option<i64>>(6)?.map(Moment)))
    });
    let rows: Vec<_> = rows.refuse()?.collect::<Result<_, _>>().refuse()?;
    rows.into_iter().map(|(id, name, organisation, part, is_client, at, ended)| Ok(Listed { contact: tx.seal(id)?, name, organisation, part, is_client, at, ended })).collect()
}

/// The cases of a contact that the one who asks may read, newest first.
pub fn of_contact<P: Covers<Read>, M>(contact: &Access<'_, P, Contact, M>) -> Result<Vec<PartIn>, Refusal> {
    let tx = contact.tx();
    const SQL: &str = "select c.id, c.reference, c.title, c.status, p.role, p.is_client, p.ended is not null from party p cross join sight v on v.user_id = ?2 and v.case_id = p.case_id and v.level >= 2
        cross join cases c on c.id = p.case_id where p.contact_id = ?1 order by p.ended is not null, c.id desc";
    let mut statement = tx.sql.prepare_cached(SQL).refuse()?;
    let rows = statement.query_map([contact.id(), tx.actor().user], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, crate::case::status(row.get_ref(3)?.as_str()?)?, part(row, 4)?, row.get(5)?, row.get(6)?))
    });
    let rows: Vec<_> = rows.refuse()?.collect::<Result<_, _>>().refuse()?;
    rows.into_iter().map(|(id, reference, title, status, part, is_client, ended)| Ok(PartIn { case: tx.seal(id)?, reference, title, status, part, is_client, ended })).collect()
}

/// Gives a contact a part in a case. The same part again counts from now.
pub fn add<P: Covers<Contribute>, Q: Covers<Read>>(case: &Access<'_, P, Case, Writing>, contact: &Access<'_, Q, Contact, Writing>, part: Part, is_client: bool) -> Result<(), Refusal> {
    put(case, contact.id(), part, is_client)
}

/// The same for a contact that was made in this transaction.
pub(crate) fn put<P: Covers<Contribute>>(case: &Access<'_, P, Case, Writing>, contact: i64, part: Part, is_client: bool) -> Result<(), Refusal> {
    let tx = case.tx();
    let there: i64 = tx.sql.query_row("select count(*) from party where case_id = ?", [case.id()], |row| row.get(0)).refuse()?;
    if there >= MOST {
        return Err(Refusal::invalid("party", format!("A case has at most {MOST} parties, those whose part is over among them.")));
    }
    const SQL: &str = "insert into party (case_id, contact_id, role, is_client, by_id, at) values (?1, ?2, ?3, ?4, ?5, ?6)
        on conflict (case_id, contact_id, role) do update set is_client = ?4, by_id = ?5, at = ?6, ended = null";
    tx.sql.prepare_cached(SQL).refuse()?.execute(params![case.id(), contact, part.value(), is_client, tx.actor().user, tx.now().0]).refuse()?;
    tx.record(Verb::PartyAdd, Some(case.id()), Some((Kind::Contact, contact)), None, false);
    Ok(())
}

/// Ends a part.
pub fn end<P: Covers<Contribute>>(case: &Access<'_, P, Case, Writing>, contact: &Sealed<Contact>, part: Part) -> Result<(), Refusal> {
    let tx = case.tx();
    let contact = tx.core.keys.ids.open(contact).map_err(|_| Refusal::NotFound)?;
    const SQL: &str = "update party set ended = ?4 where case_id = ?1 and contact_id = ?2 and role = ?3 and ended is null";
    match tx.sql.execute(SQL, params![case.id(), contact, part.value(), tx.now().0]).refuse()? {
        0 => Err(Refusal::NotFound),
        _ => {
            tx.record(Verb::PartyEnd, Some(case.id()), Some((Kind::Contact, contact)), None, false);
            Ok(())
        }
    }
}
