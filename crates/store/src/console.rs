//! What is done to accounts from the console of the machine alone: finding one by its address, and the last way back in.

use crate::{
    Writing,
    charge::{Charge, InCharge},
    error::Refuse,
    factor, notice, settings,
    ticket::{self, Made, Purpose},
    user,
};
use rules::{LetterKind, Refusal, Role, Sealed, User, UserState, Verb, text};
use rusqlite::OptionalExtension;

/// The account with this address.
pub fn by_email(charge: &Charge<'_, Writing>, email: &str) -> Result<Option<Sealed<User>>, Refusal> {
    let tx = charge.tx();
    let Some(email) = text::email(email) else { return Ok(None) };
    let index = tx.core.keys.fields.index("email", &email);
    let found: Option<i64> = tx.sql.query_row("select id from user where email_index = ?", [index], |row| row.get(0)).optional().refuse()?;
    found.map(|id| tx.seal(id)).transpose()
}

/// The last way back in: a system administrator begins anew. It is told to all of them, and stands at the head of every page of theirs
/// until one of them has read it.
pub fn rescue(person: &InCharge<'_, Writing>) -> Result<Made, Refusal> {
    let tx = person.tx();
    if person.role() != Role::Administrator || !matches!(person.state(), UserState::Active | UserState::Enrolling) {
        return Err(person.refuse(Verb::Rescue, "Only a system administrator is rescued from the console. Others are reset by a system administrator."));
    }
    factor::strip(tx.sql, tx.core, person.id())?;
    user::set_state(tx.sql, person.id(), UserState::Enrolling)?;
    settings::put(tx.sql, tx.core, "rescue", Some(&tx.now().0.to_string()))?;
    person.record(Verb::Rescue, None, false);
    notice::tell_administrators(tx.sql, tx.core, LetterKind::Rescue, &[])?;
    ticket::make(tx.sql, tx.core, person.id(), Purpose::Reset, 0, tx.now())
}
