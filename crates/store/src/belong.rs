//! Whom an account of a client belongs to: one contact or more. For those who look after accounts, who may know names of contacts and nothing else of them.

use crate::{
    Mode, Tx, Writing,
    charge::{Charge, InCharge},
    contact,
    error::Refuse,
};
use rules::{Contact, Refusal, Sealed, UserKind, UserState, Verb, text};
use rusqlite::params;

/// Contacts offered to choose from at once.
pub const OFFERED: usize = 500;

/// A contact as lists and choices show it.
pub struct Listed {
    /// Opaque id.
    pub id: Sealed<Contact>,
    /// Name.
    pub name: String,
    /// It is an organisation, not a person.
    pub organisation: bool,
}

/// Contacts to choose from.
pub struct Offered {
    /// The first of them by name.
    pub contacts: Vec<Listed>,
    /// There are more: a part of the name is needed to come to the others.
    pub more: bool,
}

/// Those for whom the firm acts, and those on no case: whoever looks after accounts has no need of the other side’s names.
const ALL: &str = "select id, name, kind = 'organisation' from contact where removed is null and merged_into is null
    and (not exists (select 1 from party p where p.contact_id = contact.id) or exists (select 1 from party p where p.contact_id = contact.id and p.is_client = 1))
    order by name collate nocase, id";

/// Those of a query whose name fits. The database knows the capitals of ASCII only, so that names are looked through here.
fn rows<M>(tx: &Tx<'_, M>, (query, parameters): (&str, impl rusqlite::Params), fits: impl Fn(&str) -> bool, most: usize) -> Result<Vec<Listed>, Refusal> {
    let mut statement = tx.sql.prepare_cached(query).refuse()?;
    let mut found = statement.query(parameters).refuse()?;
    let mut out = Vec::new();
    while let Some(row) = found.next().refuse()?.filter(|_| out.len() < most) {
        let name: String = row.get(1).refuse()?;
        if fits(&name) {
            out.push(Listed { id: tx.seal(row.get(0).refuse()?)?, name, organisation: row.get(2).refuse()? });
        }
    }
    Ok(out)
}

/// Those to choose from, with `text` in the name.
pub fn list<M>(charge: &Charge<'_, M>, text: &str) -> Result<Offered, Refusal> {
    let text = text.trim().to_lowercase();
    let mut contacts = rows(charge.tx(), (ALL, []), |name| name.to_lowercase().contains(&text), OFFERED + 1)?;
    let more = contacts.len() > OFFERED;
    contacts.truncate(OFFERED);
    Ok(Offered { contacts, more })
}

/// All of this name, whatever its capitals and commas.
pub fn named<M>(charge: &Charge<'_, M>, name: &str) -> Result<Vec<Listed>, Refusal> {
    let even = text::even(name);
    rows(charge.tx(), (ALL, []), |name| text::even(name) == even, usize::MAX)
}

/// Those that an account belongs to.
pub fn of_person<M>(person: &InCharge<'_, M>) -> Result<Vec<Listed>, Refusal> {
    const SQL: &str = "select c.id, c.name, c.kind = 'organisation' from user_contact l join contact c on c.id = l.contact_id where l.user_id = ? order by c.name collate nocase";
    rows(person.tx(), (SQL, [person.id()]), |_| true, usize::MAX)
}

/// Row id of a contact chosen in a form.
pub(crate) fn chosen<M: Mode>(tx: &Tx<'_, M>, id: &Sealed<Contact>) -> Result<Option<i64>, Refusal> {
    let Ok(id) = tx.core.keys.ids.open(id) else { return Ok(None) };
    Ok(tx.sql.prepare_cached("select 1 from contact where id = ? and removed is null and merged_into is null").refuse()?.exists([id]).refuse()?.then_some(id))
}

/// What an account of a client is to belong to.
#[derive(Clone, Debug)]
pub enum Which {
    /// A contact that is there.
    There(Sealed<Contact>),
    /// A new one.
    New {
        /// Its name.
        name: String,
        /// It is an organisation, not a person.
        organisation: bool,
    },
}

/// Lets an account of a client belong to a contact.
pub fn link(person: &InCharge<'_, Writing>, which: &Which) -> Result<(), Refusal> {
    let tx = person.tx();
    if person.role().kind() != UserKind::Client || person.state() == UserState::Left {
        return Err(Refusal::invalid("contact", "Only accounts of clients belong to contacts."));
    }
    let contact = match which {
        Which::There(id) => chosen(tx, id)?.ok_or_else(|| Refusal::invalid("contact", "Choose a contact from the list"))?,
        Which::New { name, organisation } => contact::insert(tx, contact::name("contact_name", name)?, *organisation)?,
    };
    tx.sql.execute("insert into user_contact (user_id, contact_id) values (?, ?) on conflict do nothing", params![person.id(), contact]).refuse()?;
    person.record(Verb::PersonLink, Some(contact), false);
    Ok(())
}

/// Ends that. The last one stays: an account of a client belongs to somebody.
pub fn unlink(person: &InCharge<'_, Writing>, contact: &Sealed<Contact>) -> Result<(), Refusal> {
    let tx = person.tx();
    let contact = chosen(tx, contact)?.ok_or(Refusal::NotFound)?;
    let others: bool = tx.sql.query_row("select exists (select 1 from user_contact where user_id = ? and contact_id != ?)", params![person.id(), contact], |row| row.get(0)).refuse()?;
    if !others {
        return Err(Refusal::invalid("contact", "This is the only contact that the account belongs to. Add another first."));
    }
    tx.sql.execute("delete from user_contact where user_id = ? and contact_id = ?", params![person.id(), contact]).refuse()?;
    person.record(Verb::PersonLink, Some(contact), false);
    Ok(())
}
