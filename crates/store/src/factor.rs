//! Factors: what somebody proves themselves with, besides the password. A TOTP secret for everybody, passkeys for those who like.
//!
//! A factor counts from the moment it was shown to work (`confirmed`). Its secret is a private column: encrypted for its row.

use crate::{
    charge::{Confirmed, Own},
    error::Refuse,
    notice, session,
    site::Core,
    ticket,
};
use keys::{field::Place, totp};
use rules::{Factor, Kind, LetterKind, Moment, Problem, Refusal, Sealed, Secret, Verb, text, when};
use rusqlite::{Connection, OptionalExtension, params};

/// Longest name of a factor, in characters.
pub const NAME_MAX: usize = 40;
/// How long a new authenticator waits to be shown to work, in milliseconds.
const WAITS: i64 = 10 * when::MINUTE;
/// Passkeys of one account.
pub const PASSKEYS: i64 = 8;

/// A factor as its owner sees it.
pub struct Listed {
    /// Opaque id.
    pub id: Sealed<Factor>,
    /// It is a passkey, not an authenticator app.
    pub passkey: bool,
    /// What its owner calls it.
    pub name: String,
    /// When it was set up.
    pub created: Moment,
    /// When it last let its owner in.
    pub used: Option<Moment>,
}

/// A passkey of an account, for checking what a browser presents.
pub struct Passkey {
    /// Row id.
    pub id: i64,
    /// Row id of the account.
    pub user: i64,
    /// What the passkey library keeps of it, as JSON: no secret of the person, but private all the same.
    pub kept: Secret<String>,
}

fn place(row: i64) -> Place {
    Place { table: "factor", column: "secret", row }
}

fn insert(sql: &Connection, core: &Core, user: i64, kind: &str, name: &str, secret: &[u8], confirmed: Option<i64>) -> Result<i64, Refusal> {
    const SQL: &str = "insert into factor (user_id, kind, name, secret, confirmed, created) values (?, ?, ?, zeroblob(0), ?, ?)";
    sql.execute(SQL, params![user, kind, name, confirmed, core.now().0]).refuse()?;
    let id = sql.last_insert_rowid();
    let sealed = core.keys.fields.seal(secret, place(id)).refuse()?;
    sql.execute("update factor set secret = ? where id = ?", params![sealed, id]).refuse()?;
    Ok(id)
}

pub(crate) fn insert_totp(sql: &Connection, core: &Core, user: i64, secret: &Secret<[u8; 20]>, confirmed: Option<i64>) -> Result<i64, Refusal> {
    insert(sql, core, user, "totp", "Authenticator app", secret.expose(), confirmed)
}

/// Whether the account has an authenticator app that counts: everybody needs one, whatever passkeys there are.
pub(crate) fn has_authenticator(sql: &Connection, user: i64) -> rusqlite::Result<bool> {
    sql.prepare_cached("select 1 from factor where user_id = ? and kind = 'totp' and confirmed is not null")?.exists([user])
}

/// A new TOTP secret that waits to be shown to work. One that waited before is gone: nobody knows who has seen it.
pub(crate) fn begin_totp(sql: &Connection, core: &Core, user: i64) -> Result<(), Refusal> {
    sql.execute("delete from factor where user_id = ? and kind = 'totp' and confirmed is null", [user]).refuse()?;
    insert_totp(sql, core, user, &totp::new_secret().map_err(Refusal::fault)?, None).map(drop)
}

/// Row id and secret of a TOTP factor.
pub(crate) type Waiting = (i64, Secret<[u8; 20]>);

/// The TOTP factor that waits to be shown to work.
pub(crate) fn waiting(sql: &Connection, core: &Core, user: i64) -> Result<Option<Waiting>, Refusal> {
    const SQL: &str = "select id, secret from factor where user_id = ? and kind = 'totp' and confirmed is null order by id desc limit 1";
    let found: Option<(i64, Vec<u8>)> = sql.prepare_cached(SQL).refuse()?.query_row([user], |row| Ok((row.get(0)?, row.get(1)?))).optional().refuse()?;
    found.map(|(id, sealed)| Ok((id, secret(core, id, &sealed)?))).transpose()
}

fn secret(core: &Core, id: i64, sealed: &[u8]) -> Result<Secret<[u8; 20]>, Refusal> {
    let plain = core.keys.fields.open(sealed, place(id)).refuse()?;
    <[u8; 20]>::try_from(plain.expose().as_slice()).map(Secret::new).map_err(|_| Refusal::fault("a TOTP secret has the wrong length"))
}

/// Takes the first code of the waiting factor. When right, it counts from now and takes the place of the one before.
pub(crate) fn confirm_totp(sql: &Connection, core: &Core, user: i64, code: &str) -> Result<bool, Refusal> {
    let Some((id, secret)) = waiting(sql, core, user)? else { return Ok(false) };
    let Some(step) = totp::step_of(secret.expose(), code, core.now().seconds()) else { return Ok(false) };
    let now = core.now().0;
    let won = sql.execute("update factor set confirmed = ?2, last_step = ?3 where id = ?1 and confirmed is null", params![id, now, step]).refuse()?;
    sql.execute("delete from factor where user_id = ?1 and kind = 'totp' and id != ?2", params![user, id]).refuse()?;
    Ok(won == 1)
}

/// Whether `code` is right for the user's authenticator; its step is used up in the same statement, so that of many who bring the
/// same code at once exactly one gets in (ASVS 6.5.1).
pub(crate) fn use_code(sql: &Connection, core: &Core, user: i64, code: &str) -> Result<bool, Refusal> {
    let mut factors = sql.prepare_cached("select id, secret from factor where user_id = ? and kind = 'totp' and confirmed is not null").refuse()?;
    let rows: Vec<(i64, Vec<u8>)> = factors.query_map([user], |row| Ok((row.get(0)?, row.get(1)?))).refuse()?.collect::<Result<_, _>>().refuse()?;
    for (id, sealed) in rows {
        if let Some(step) = totp::step_of(secret(core, id, &sealed)?.expose(), code, core.now().seconds()) {
            let used = sql.execute("update factor set last_step = ?2, used = ?3 where id = ?1 and last_step < ?2", params![id, step, core.now().0]).refuse()?;
            return Ok(used == 1);
        }
    }
    Ok(false)
}

/// One's own factors that count, oldest first.
pub fn list<M>(own: &Own<'_, M>) -> Result<Vec<Listed>, Refusal> {
    const SQL: &str = "select id, kind = 'passkey', name, created, used from factor where user_id = ? and confirmed is not null order by id";
    let tx = own.tx();
    let mut statement = tx.sql.prepare_cached(SQL).refuse()?;
    let rows = statement.query_map([own.user()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)));
    let rows: Vec<(i64, bool, String, i64, Option<i64>)> = rows.refuse()?.collect::<Result<_, _>>().refuse()?;
    let listed = |(id, passkey, name, created, used): (i64, bool, String, i64, Option<i64>)| {
        Ok(Listed { id: tx.seal(id)?, passkey, name, created: Moment(created), used: used.map(Moment) })
    };
    rows.into_iter().map(listed).collect()
}

/// The secret of the authenticator that one is about to set up; `None` when none was begun in the last [`WAITS`].
pub fn waiting_totp<M>(own: &Own<'_, M>) -> Result<Option<Secret<[u8; 20]>>, Refusal> {
    let tx = own.tx();
    match was_begun(tx.sql, tx.core, own.user())? {
        true => Ok(waiting(tx.sql, tx.core, own.user())?.map(|(_, secret)| secret)),
        false => Ok(None),
    }
}

/// Whether one has begun to set up another authenticator so short a time ago that it is still going on.
fn was_begun(sql: &Connection, core: &Core, user: i64) -> Result<bool, Refusal> {
    const SQL: &str = "select 1 from factor where user_id = ?1 and kind = 'totp' and confirmed is null and created > ?2";
    sql.prepare_cached(SQL).refuse()?.exists(params![user, core.now().plus(-WAITS).0]).refuse()
}

/// Begins to set up another authenticator. The one in use goes on until the new one was shown to work.
pub fn begin(own: &Confirmed<'_>) -> Result<(), Refusal> {
    let tx = own.tx();
    tx.note(Verb::FactorBegin);
    begin_totp(tx.sql, tx.core, own.user())
}

/// Takes the first code of the new authenticator; every other session ends.
pub fn confirm(own: &Confirmed<'_>, typed: &str) -> Result<(), Refusal> {
    let tx = own.tx();
    let wrong = || Refusal::invalid("code", "The code is not right. Wait for the next one and type that; if it is wrong again, compare the clock of your phone.");
    let code = text::code(typed).ok_or_else(|| Refusal::invalid("code", "Type the six digits that your app shows"))?;
    if !was_begun(tx.sql, tx.core, own.user())? {
        return Err(Refusal::invalid("code", "Ten minutes have passed, or it was begun elsewhere. Begin again."));
    }
    match confirm_totp(tx.sql, tx.core, own.user(), &code)? {
        true => changed(own, Verb::FactorAdd, None, "Another authenticator app was set up"),
        false => {
            tx.record(Verb::FactorAdd, None, None, None, true);
            Err(wrong())
        }
    }
}

/// Keeps a passkey that was shown to work. `credential` is its public id in hexadecimal.
pub fn add_passkey(own: &Confirmed<'_>, name: &str, credential: &str, kept: &Secret<String>) -> Result<(), Refusal> {
    let tx = own.tx();
    let name = text::line("name", "The name", name, NAME_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    let many: i64 = tx.sql.query_row("select count(*) from factor where user_id = ? and kind = 'passkey'", [own.user()], |row| row.get(0)).refuse()?;
    if many >= PASSKEYS {
        return Err(Refusal::Invalid(vec![Problem::new("name", format!("You have {PASSKEYS} passkeys already. Remove one first."))]));
    }
    let handle = tx.core.keys.fields.index("passkey", credential);
    if tx.sql.prepare_cached("select 1 from factor where handle = ?").refuse()?.exists([handle]).refuse()? {
        return Err(Refusal::invalid("name", "This passkey is set up already."));
    }
    let id = insert(tx.sql, tx.core, own.user(), "passkey", &name, kept.expose().as_bytes(), Some(tx.now().0))?;
    tx.sql.execute("update factor set handle = ? where id = ?", params![handle, id]).refuse()?;
    changed(own, Verb::FactorAdd, Some(id), "A passkey was set up")
}

/// The passkeys of an account.
pub(crate) fn passkeys(sql: &Connection, core: &Core, user: i64) -> Result<Vec<Passkey>, Refusal> {
    let mut find = sql.prepare_cached("select id, secret from factor where user_id = ? and kind = 'passkey' and confirmed is not null").refuse()?;
    let rows: Vec<(i64, Vec<u8>)> = find.query_map([user], |row| Ok((row.get(0)?, row.get(1)?))).refuse()?.collect::<Result<_, _>>().refuse()?;
    let passkey = |(id, sealed): (i64, Vec<u8>)| Ok(Passkey { id, user, kept: core.keys.fields.open_text(&sealed, place(id)).refuse()? });
    rows.into_iter().map(passkey).collect()
}

/// One's own passkeys.
pub fn own_passkeys<M>(own: &Own<'_, M>) -> Result<Vec<Passkey>, Refusal> {
    passkeys(own.tx().sql, own.tx().core, own.user())
}

/// The passkey with this public id, of an account that may sign in.
pub(crate) fn passkey_of(sql: &Connection, core: &Core, credential: &str) -> Result<Option<Passkey>, Refusal> {
    const SQL: &str = "select f.id, f.user_id, f.secret from factor f join user u on u.id = f.user_id where f.handle = ? and f.confirmed is not null and u.state = 'active'";
    let handle = core.keys.fields.index("passkey", credential);
    let found: Option<(i64, i64, Vec<u8>)> = sql.prepare_cached(SQL).refuse()?.query_row([handle], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional().refuse()?;
    found.map(|(id, user, sealed)| Ok(Passkey { id, user, kept: core.keys.fields.open_text(&sealed, place(id)).refuse()? })).transpose()
}

/// Keeps what the passkey library has to remember after a use (its counter), and when that was; false when it was removed meanwhile.
pub(crate) fn passkey_used(sql: &Connection, core: &Core, passkey: &Passkey) -> Result<bool, Refusal> {
    const SQL: &str = "update factor set secret = ?3, used = ?4 where id = ?1 and user_id = ?2 and kind = 'passkey' and confirmed is not null";
    let sealed = core.keys.fields.seal(passkey.kept.expose().as_bytes(), place(passkey.id)).refuse()?;
    Ok(sql.execute(SQL, params![passkey.id, passkey.user, sealed, core.now().0]).refuse()? == 1)
}

/// Removes one of one's own passkeys. The authenticator app is replaced, never removed: everybody has one.
pub fn remove(own: &Confirmed<'_>, id: &Sealed<Factor>) -> Result<(), Refusal> {
    let tx = own.tx();
    let id = tx.core.keys.ids.open(id).map_err(|_| Refusal::NotFound)?;
    let gone = tx.sql.execute("delete from factor where id = ? and user_id = ? and kind = 'passkey'", params![id, own.user()]).refuse()?;
    match gone {
        0 => Err(Refusal::invalid("", "That passkey was removed already. Nothing was changed.")),
        _ => changed(own, Verb::FactorRemove, Some(id), "A passkey was removed"),
    }
}

/// What belongs to every change of one's own ways in: it is written down, every other session ends (ASVS 7.4.3), a way back in that somebody
/// else may have begun is void, and the owner is told.
pub(crate) fn changed(own: &Confirmed<'_>, verb: Verb, factor: Option<i64>, what: &str) -> Result<(), Refusal> {
    let tx = own.tx();
    tx.record(verb, None, factor.map(|id| (Kind::Factor, id)), None, false);
    session::end_others(tx.sql, tx.core, own.user(), tx.actor().session)?;
    ticket::void_way_back(tx.sql, tx.core, Some(own.user()))?;
    notice::tell(tx.sql, tx.core, own.user(), LetterKind::FactorChanged, &[("what", what), ("where", &tx.actor().from)])
}

/// Takes every way in away: password, factors, recovery codes, answers, links, devices and sessions.
pub(crate) fn strip(sql: &Connection, core: &Core, user: i64) -> Result<(), Refusal> {
    for statement in [
        "update user set password = '' where id = ?",
        "delete from factor where user_id = ?",
        "delete from recovery_code where user_id = ?",
        "delete from answer where user_id = ?",
        "delete from device where user_id = ?",
        "delete from visit where user_id = ?",
    ] {
        sql.execute(statement, [user]).refuse()?;
    }
    sql.execute("update ticket set void = ?2 where user_id = ?1 and used is null and void is null", params![user, core.now().0]).refuse()?;
    session::end_others(sql, core, user, 0)
}
