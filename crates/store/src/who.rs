//! Whom a form means by a name: a contact that is there, or a new one. Nobody makes a second contact of one person without having been asked.

use crate::{Access, Tx, Writing, access, conflict, contact, error::Refuse};
use rules::{Contact, Level, Read, Refusal, Sealed, Verb};

/// Contacts offered as "is it one of these".
const OFFERED: usize = 8;

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// A name.
    pub name: String,
    /// If it is new: an organisation, not a person.
    pub organisation: bool,
    /// What was chosen: the opaque id of a contact, "new", or nothing yet.
    pub is: String,
}

/// A contact with a name like the one that was typed.
pub struct Similar {
    /// Opaque id.
    pub id: Sealed<Contact>,
    /// Name.
    pub name: String,
    /// It is an organisation, not a person.
    pub organisation: bool,
    /// The day a person was born, to tell them apart.
    pub born: Option<jiff::civil::Date>,
}

/// Contacts with a name like this one that the one who asks may see.
pub fn similar<M>(tx: &Tx<'_, M>, name: &str) -> Result<Vec<Similar>, Refusal> {
    let mut out = Vec::new();
    for (id, _) in conflict::alike(tx.sql, name).refuse()? {
        if out.len() == OFFERED {
            break;
        }
        if access::level_on::<Contact>(tx.sql, tx.actor().user, id).refuse()? >= Level::Read {
            let mut find = tx.sql.prepare_cached("select name, kind = 'organisation', born from contact where id = ?").refuse()?;
            let (name, organisation, born) = find.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<String>>(2)?))).refuse()?;
            out.push(Similar { id: tx.seal(id)?, name, organisation, born: born.as_deref().and_then(rules::date::stored) });
        }
    }
    Ok(out)
}

/// The contact that is meant; a new one is made. Asks (as a mistake in the field `who_is`) when the name is like one that is there.
pub fn settle<'t>(tx: &'t Tx<'t, Writing>, who: &Who, verb: Verb) -> Result<Access<'t, Read, Contact, Writing>, Refusal> {
    let is_new = match who.is.as_str() {
        "" if !similar(tx, &who.name)?.is_empty() => return Err(Refusal::invalid("who_is", "A contact of a name like this is there already. Say whether it is the same one.")),
        "" | "new" => true,
        _ => false,
    };
    if !is_new {
        return tx.open(&Sealed::from_url(&who.is), verb);
    }
    contact::may_make(tx, Verb::ContactAdd)?;
    let id = contact::insert(tx, contact::name("who", &who.name)?, who.organisation)?;
    tx.open(&tx.seal(id)?, verb)
}
