//! Letters that the house writes by itself, in the transaction of what they tell: the act and its letter are one.

use crate::{
    error::Refuse,
    letter::{self, Fields, NewLetter},
    site::Core,
    user,
};
use rules::{LetterKind, Moment, Refusal, UserState};
use rusqlite::Connection;

/// Puts a letter to the owner of an account into the queue. Without a mail server there is none, and nothing happens.
pub(crate) fn tell(sql: &Connection, core: &Core, user: i64, kind: LetterKind, fields: &[(&'static str, &str)]) -> Result<(), Refusal> {
    tell_at(sql, core, user, kind, core.now(), fields)
}

/// The same, to be sent at a later moment. `fields` adds to what every letter has: the name of the person, the moment, the address of the site.
pub(crate) fn tell_at(sql: &Connection, core: &Core, user: i64, kind: LetterKind, due: Moment, fields: &[(&'static str, &str)]) -> Result<(), Refusal> {
    let settings = core.settings();
    if settings.smtp.is_none() {
        return Ok(());
    }
    let (name, state): (String, String) = sql.query_row("select name, state from user where id = ?", [user], |row| Ok((row.get(0)?, row.get(1)?))).refuse()?;
    let address = user::email_of(sql, core, user)?;
    if address.expose().is_empty() || state == UserState::Left.value() {
        return Ok(());
    }
    let home = settings.url.clone().unwrap_or_else(|| "https://localhost".into());
    let given = fields.iter().fold(Fields::new(), |all, (key, value)| all.with(key, *value));
    let fields = given.or("name", &name).or("at", &moment(core, core.now())).or("link", &home);
    letter::put(sql, core, &NewLetter { user: Some(user), kind, address, fields, due })?;
    core.bell.notify_one();
    Ok(())
}

/// A moment in words: "26 November 2026, 14:05 London".
pub(crate) fn moment(core: &Core, at: Moment) -> String {
    let settings = core.settings();
    let city = settings.firm.zone_name.rsplit('/').next().unwrap_or("UTC").replace('_', " ");
    format!("{}, {} {city}", at.day(&settings.firm.zone), at.hour(&settings.firm.zone))
}
