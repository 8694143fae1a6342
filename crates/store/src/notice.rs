//! Letters that the house writes by itself, in the transaction of what they tell: the act and its letter are one.

use crate::{
    Site,
    error::Refuse,
    letter::{self, Fields, NewLetter},
    site::Core,
    ticket::Made,
    user,
};
use rules::{LetterKind, Moment, Refusal, UserState};
use rusqlite::{Connection, OptionalExtension};

/// Puts a letter to the owner of an account into the queue. Without a mail server there is none, and nothing happens.
pub(crate) fn tell(sql: &Connection, core: &Core, user: i64, kind: LetterKind, fields: &[(&'static str, &str)]) -> Result<(), Refusal> {
    put(sql, core, user, kind, None, given(fields))
}

/// The same with the link of a ticket to its owner; `base` is the address of the site. It is not sent before the link works.
pub(crate) fn tell_link(sql: &Connection, core: &Core, kind: LetterKind, made: &Made, base: &str, fields: &[(&'static str, &str)]) -> Result<(), Refusal> {
    let link = format!("{base}/link#k={}", made.token.expose());
    put(sql, core, made.user, kind, Some(made), given(fields).with("link", link).with("ends", moment(core, made.ends)))
}

/// Puts the same letter to every system administrator into the queue.
pub(crate) fn tell_administrators(sql: &Connection, core: &Core, kind: LetterKind, fields: &[(&'static str, &str)]) -> Result<(), Refusal> {
    let mut find = sql.prepare("select id from user where role = 'administrator' and state in ('active', 'enrolling')").refuse()?;
    let all: Vec<i64> = find.query_map([], |row| row.get(0)).refuse()?.collect::<Result<_, _>>().refuse()?;
    all.into_iter().try_for_each(|id| tell(sql, core, id, kind, fields))
}

impl Site {
    /// Tells every system administrator what is wrong with the backups, a paragraph for each thing.
    pub async fn tell_of_backups(&self, what: Vec<String>) -> Result<(), Refusal> {
        let what = what.join("\n");
        let tell = move |sql: &Connection, core: &Core| {
            let link = format!("{}/system/backups", core.settings().url.clone().unwrap_or_else(|| "https://localhost".into()));
            tell_administrators(sql, core, LetterKind::Backups, &[("what", &what), ("link", &link)])
        };
        self.submit(false, move |sql, core| (tell(sql, core), Vec::new())).await
    }
}

/// Who did it, for a letter.
pub(crate) fn name_of(sql: &Connection, user: i64) -> Result<String, Refusal> {
    let name = sql.query_row("select name from user where id = ?", [user], |row| row.get(0)).optional().refuse()?;
    Ok(name.unwrap_or_else(|| "Somebody at the server".into()))
}

fn given(fields: &[(&'static str, &str)]) -> Fields {
    fields.iter().fold(Fields::new(), |all, (key, value)| all.with(key, *value))
}

/// `fields` adds to what every letter has: the name of the person, the moment, the address of the site.
fn put(sql: &Connection, core: &Core, user: i64, kind: LetterKind, made: Option<&Made>, fields: Fields) -> Result<(), Refusal> {
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
    let fields = fields.or("name", &name).or("at", &moment(core, core.now())).or("link", &format!("{home}/account"));
    let (ticket, due) = made.map_or((None, core.now()), |made| (Some(made.id), made.starts));
    letter::put(sql, core, &NewLetter { user: Some(user), ticket, kind, address, fields, due })?;
    core.letter_put();
    Ok(())
}

/// A moment in words: "26 November 2026, 14:05 London".
pub(crate) fn moment(core: &Core, at: Moment) -> String {
    let settings = core.settings();
    let city = settings.firm.zone_name.rsplit('/').next().unwrap_or("UTC").replace('_', " ");
    format!("{}, {} {city}", at.day(&settings.firm.zone), at.hour(&settings.firm.zone))
}
