//! A contact: a person or organisation of the outside world, not an account. Its e-mail address, telephone number and address are encrypted.

use crate::{Access, Tx, Writing, alias, error::Refuse};
use keys::field::Place;
use rules::{Contact, Contribute, Covers, Kind, Level, Moment, Problem, Read, Refusal, Sealed, Verb, date, text};
use rusqlite::params;

/// Longest name, in characters.
pub const NAME_MAX: usize = 120;
/// Longest note and address, in characters.
pub const NOTE_MAX: usize = 2000;

/// What a contact's page says.
#[derive(Clone, Debug)]
pub struct File {
    /// Opaque id.
    pub id: Sealed<Contact>,
    /// Name.
    pub name: String,
    /// It is an organisation, not a person.
    pub organisation: bool,
    /// The day a person was born.
    pub born: Option<jiff::civil::Date>,
    /// The number of an organisation in its register.
    pub number: String,
    /// E-mail address.
    pub email: String,
    /// Telephone number.
    pub phone: String,
    /// Address, in lines.
    pub address: String,
    /// What the firm notes about them.
    pub note: String,
    /// When it was last changed.
    pub changed: Moment,
    /// Counts changes.
    pub version: i64,
    /// Level of the one who asks.
    pub level: Level,
    /// It plays no part in any case, and never did: everybody who works on cases sees it.
    pub free: bool,
}

/// What was typed into the form of a contact, new or old.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// Name.
    pub name: String,
    /// It is an organisation, not a person.
    pub organisation: bool,
    /// Birthday of a person.
    pub born: String,
    /// Number of an organisation.
    pub number: String,
    /// E-mail address.
    pub email: String,
    /// Telephone number.
    pub phone: String,
    /// Address.
    pub address: String,
    /// Note.
    pub note: String,
}

/// What it means.
pub(crate) struct Meant {
    name: String,
    organisation: bool,
    born: Option<String>,
    number: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    note: Option<String>,
}

/// A name as it is kept.
pub(crate) fn name(field: &'static str, typed: &str) -> Result<String, Refusal> {
    text::line(field, "The name of the contact", typed, NAME_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))
}

impl Typed {
    /// All mistakes at once. What does not belong to a person, or to an organisation, is left out.
    pub(crate) fn meant(&self) -> Result<Meant, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: Problem| problems.push(problem);
        let name = text::line("name", "The name", &self.name, NAME_MAX).map_err(&mut keep).ok();
        let born = date::typed("born", "Date of birth", &self.born).map_err(&mut keep).ok();
        let number = text::optional_line("number", "The number", &self.number, 40).map_err(&mut keep).ok();
        let phone = text::optional_line("phone", "The telephone number", &self.phone, 40).map_err(&mut keep).ok();
        let address = text::prose("address", "The address", &self.address, 400).map_err(&mut keep).ok();
        let note = text::prose("note", "The note", &self.note, NOTE_MAX).map_err(&mut keep).ok();
        let email = match self.email.trim() {
            "" => Some(None),
            typed => text::email(typed).map(Some),
        };
        if email.is_none() {
            keep(Problem::new("email", "This is no e-mail address. It looks like name@firm.example."));
        }
        match (name, born, number, phone, address, note, email) {
            (Some(name), Some(born), Some(number), Some(phone), Some(address), Some(note), Some(email)) => {
                let organisation = self.organisation;
                let (born, number) = (born.filter(|_| !organisation).map(|date| date.to_string()), number.filter(|_| organisation));
                Ok(Meant { name, organisation, born, number, email, phone, address, note })
            }
            _ => Err(problems),
        }
    }
}

/// What a contact's page says. The encrypted columns are opened here.
pub fn file<P: Covers<Read>, M>(contact: &Access<'_, P, Contact, M>) -> Result<File, Refusal> {
    const SQL: &str = "select name, kind = 'organisation', born, number, email, phone, address, note, changed, version, not exists (select 1 from party where contact_id = c.id)
        from contact c where id = ?";
    let (tx, row_id) = (contact.tx(), contact.id());
    let mut statement = contact.sql().prepare_cached(SQL).refuse()?;
    let mut rows = statement.query([row_id]).refuse()?;
    let row = rows.next().refuse()?.ok_or(Refusal::NotFound)?;
    let open = |n: usize, column: &'static str| -> Result<String, Refusal> {
        let sealed: Option<Vec<u8>> = row.get(n).refuse()?;
        let plain = sealed.map(|sealed| tx.core.keys.fields.open_text(&sealed, Place { table: "contact", column, row: row_id })).transpose().refuse()?;
        Ok(plain.map(|plain| plain.expose().clone()).unwrap_or_default())
    };
    Ok(File {
        id: tx.seal(row_id)?,
        name: row.get(0).refuse()?,
        organisation: row.get(1).refuse()?,
        born: row.get::<_, Option<String>>(2).refuse()?.as_deref().and_then(date::stored),
        number: row.get::<_, Option<String>>(3).refuse()?.unwrap_or_default(),
        email: open(4, "email")?,
        phone: open(5, "phone")?,
        address: open(6, "address")?,
        note: row.get::<_, Option<String>>(7).refuse()?.unwrap_or_default(),
        changed: Moment(row.get(8).refuse()?),
        version: row.get(9).refuse()?,
        free: row.get(10).refuse()?,
        level: contact.level(),
    })
}

/// Makes a contact of nothing but a name. Gives its row id.
pub(crate) fn insert(tx: &Tx<'_, Writing>, name: String, organisation: bool) -> Result<i64, Refusal> {
    keep(tx, Meant { name, organisation, born: None, number: None, email: None, phone: None, address: None, note: None }, None)
}

/// Keeps a new contact. Gives its row id.
pub(crate) fn keep(tx: &Tx<'_, Writing>, meant: Meant, import: Option<i64>) -> Result<i64, Refusal> {
    let kind = if meant.organisation { "organisation" } else { "person" };
    let now = tx.now().0;
    tx.sql.prepare_cached("insert into contact (kind, name, created, changed, import_id) values (?1, ?2, ?3, ?3, ?4)").refuse()?.execute(params![kind, meant.name, now, import]).refuse()?;
    let id = tx.sql.last_insert_rowid();
    write(tx, id, &meant)?;
    tx.record(Verb::ContactAdd, None, Some((Kind::Contact, id)), None, false);
    Ok(id)
}

/// Writes all that was typed into the row, and its names into the index of names.
fn write(tx: &Tx<'_, Writing>, id: i64, meant: &Meant) -> Result<(), Refusal> {
    let seal = |text: &Option<String>, column: &'static str| text.as_ref().map(|text| tx.core.keys.fields.seal(text.as_bytes(), Place { table: "contact", column, row: id })).transpose().refuse();
    const SQL: &str = "update contact set kind = ?2, name = ?3, born = ?4, number = ?5, email = ?6, phone = ?7, address = ?8, note = ?9 where id = ?1";
    let kind = if meant.organisation { "organisation" } else { "person" };
    let row = params![id, kind, meant.name, meant.born, meant.number, seal(&meant.email, "email")?, seal(&meant.phone, "phone")?, seal(&meant.address, "address")?, meant.note];
    tx.sql.prepare_cached(SQL).refuse()?.execute(row).refuse()?;
    alias::index(tx.sql, id).refuse()
}

/// Makes a contact. Those who work on cases may.
pub fn make(tx: &Tx<'_, Writing>, typed: &Typed) -> Result<Sealed<Contact>, Refusal> {
    may_make(tx, Verb::ContactAdd)?;
    let meant = typed.meant().map_err(Refusal::Invalid)?;
    tx.seal(keep(tx, meant, None)?)
}

/// Refuses whoever does not work on cases.
pub(crate) fn may_make<M>(tx: &Tx<'_, M>, verb: Verb) -> Result<(), Refusal> {
    match tx.actor().role.works() {
        true => Ok(()),
        false => {
            tx.record(verb, None, None, None, true);
            Err(Refusal::Forbidden("Your account changes no contacts. Ask a colleague who works on cases.".into()))
        }
    }
}

/// Changes a contact, if nobody else has since the form was made ([`Refusal::Conflict`] otherwise).
pub fn change<P: Covers<Contribute>>(contact: &Access<'_, P, Contact, Writing>, typed: &Typed, version: i64) -> Result<(), Refusal> {
    let tx = contact.tx();
    let meant = typed.meant().map_err(Refusal::Invalid)?;
    touch(contact, Some(version))?;
    write(tx, contact.id(), &meant)
}

/// Counts a change, and writes it into the trail.
pub(crate) fn touch<P: Covers<Contribute>>(contact: &Access<'_, P, Contact, Writing>, version: Option<i64>) -> Result<(), Refusal> {
    let tx = contact.tx();
    let changed = tx.sql.execute("update contact set version = version + 1, changed = ?2 where id = ?1 and version = coalesce(?3, version)", params![contact.id(), tx.now().0, version]).refuse()?;
    if changed == 0 {
        return Err(Refusal::Conflict);
    }
    tx.record(Verb::ContactChange, None, Some((Kind::Contact, contact.id())), None, false);
    Ok(())
}

/// Removes a contact that was made by mistake: only its number is left. One that plays a part in a case, or did, stays, and so does one to whom an
/// account belongs.
pub fn remove<P: Covers<Contribute>>(contact: &Access<'_, P, Contact, Writing>) -> Result<(), Refusal> {
    let tx = contact.tx();
    if is_used(tx, contact.id())? {
        return Err(Refusal::invalid("remove", "This contact plays a part in a case, or did, or an account belongs to it. It stays."));
    }
    erase(tx, contact.id())?;
    tx.record(Verb::ContactRemove, None, Some((Kind::Contact, contact.id())), None, false);
    Ok(())
}

/// Whether a contact plays a part in a case, or did, is linked, has duplicates that lead to it, or has an account.
pub(crate) fn is_used<M>(tx: &Tx<'_, M>, id: i64) -> Result<bool, Refusal> {
    const SQL: &str = "select exists (select 1 from party where contact_id = ?1) or exists (select 1 from user_contact where contact_id = ?1)
        or exists (select 1 from contact where merged_into = ?1) or exists (select 1 from export where contact_id = ?1)";
    tx.sql.prepare_cached(SQL).refuse()?.query_row([id], |row| row.get(0)).refuse()
}

/// Takes everything out of a contact but its row.
pub(crate) fn erase(tx: &Tx<'_, Writing>, id: i64) -> Result<(), Refusal> {
    for table in ["delete from contact_name where contact_id = ?", "delete from identity_document where contact_id = ?", "delete from name_part where contact_id = ?"] {
        tx.sql.prepare_cached(table).refuse()?.execute([id]).refuse()?;
    }
    tx.sql.prepare_cached("delete from contact_link where left_id = ?1 or right_id = ?1").refuse()?.execute([id]).refuse()?;
    const SQL: &str = "update contact set name = '', born = null, number = null, email = null, phone = null, address = null, note = null, removed = ?2 where id = ?1";
    tx.sql.prepare_cached(SQL).refuse()?.execute(params![id, tx.now().0]).map(drop).refuse()
}
