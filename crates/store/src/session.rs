//! Sessions: server-side rows behind a random token in a cookie (ASVS 7.2). Looked up at every request.

use crate::{
    Site, Tx, Writing,
    charge::{Confirmed, Own},
    error::Refuse,
    notice,
    site::Core,
    user::role_at,
};
use keys::nonce::{Token, sha256};
use rules::{Actor, LetterKind, Moment, Refusal, Role, Sealed, Verb, when};
use rusqlite::{Connection, OptionalExtension, params};

/// Sessions of one user at once; the oldest gives way.
const AT_ONCE: i64 = 5;
/// What goes on of the sessions of one account: not ended, used lately, begun not too long ago. Its parameters are those of [`alive`].
const ALIVE: &str = "user_id = ?1 and ended is null and seen >= ?2 and started >= ?3";
/// The last use is written down when it is older than this, in milliseconds.
const SEEN_EVERY: i64 = when::MINUTE;

/// A live session and whose it is.
#[derive(Clone, Debug)]
pub struct Session {
    /// Row id.
    pub id: i64,
    /// Row id of the user.
    pub user: i64,
    /// What the account is there for.
    pub role: Role,
    /// Name of the user.
    pub name: String,
    /// What they are called in the firm.
    pub words: String,
    /// "", "light" or "dark".
    pub theme: String,
    /// When a factor was last shown in it.
    pub stepped: Moment,
    /// When it ends whatever happens.
    pub ends: Moment,
}

impl Session {
    /// Who asks, with the address and the moment of this request.
    pub fn actor(&self, from: &str, now: Moment) -> Actor {
        let since = now.0 - self.stepped.0;
        let confirmed = (0..=Actor::STEP_UP * when::MINUTE).contains(&since);
        Actor { user: self.user, role: self.role, session: self.id, from: from.into(), confirmed }
    }
}

/// A session as the account page shows it.
pub struct Listed {
    /// Opaque id.
    pub id: Sealed<rules::Session>,
    /// When it began.
    pub started: Moment,
    /// When it was last used, to the minute.
    pub seen: Moment,
    /// Where it was started from.
    pub origin: String,
    /// "Firefox on Linux"; empty when the browser said nothing that is known.
    pub words: String,
    /// It is the one that asks.
    pub current: bool,
}

/// Who comes with a right password and factor, or a finished set-up: from where and with what browser.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Token of the new session: SHA-256.
    pub fresh: [u8; 32],
    /// The client's address.
    pub origin: Box<str>,
    /// What the browser is, in words.
    pub words: Box<str>,
    /// Token of the device cookie: SHA-256.
    pub device: [u8; 32],
}

impl Arrival {
    /// From the tokens of the two cookies that will be set.
    pub fn new(fresh: &Token, device: &Token, origin: &str, words: &str) -> Arrival {
        Arrival { fresh: fresh.digest(), origin: origin.into(), words: words.into(), device: device.digest() }
    }
}

impl Site {
    /// The live session of this token: not ended, not idle for too long, not too old, its user active.
    ///
    /// One indexed read, quick enough (microseconds while its pages are in memory) to be done where the request stands.
    pub fn session(&self, token: &Token) -> Result<Option<Session>, Refusal> {
        let now = self.now();
        let found = self.door(|sql| find(sql, &token.digest()).refuse())?;
        let Some((session, seen)) = found else { return Ok(None) };
        let idle = now.0 - seen.0 > session.role.idle_minutes() * when::MINUTE;
        if idle || now > session.ends {
            // For good: a clock that is set back does not bring it to life again.
            self.expired(session.id);
            return Ok(None);
        }
        if now.0 - seen.0 > SEEN_EVERY {
            self.seen(session.id, now);
        }
        Ok(Some(session))
    }

    /// Ends the session that asks. Goes on when the disk is nearly full: nobody is kept signed in for want of room.
    pub async fn end_session(&self, actor: Actor) -> Result<(), Refusal> {
        self.submit(true, move |sql, core| {
            let tx: Tx<'_, Writing> = Tx::new(sql, core, &actor);
            let ended = sql.execute("update session set ended = ?2 where id = ?1", params![actor.session, tx.now().0]).map(drop).refuse();
            tx.note(Verb::SignOut);
            (ended, tx.into_events())
        })
        .await
    }
}

fn find(sql: &Connection, digest: &[u8; 32]) -> rusqlite::Result<Option<(Session, Moment)>> {
    const SQL: &str = "select s.id, u.id, u.role, u.name, u.words, u.theme, s.started, s.seen, s.stepped
        from session s join user u on u.id = s.user_id where s.digest = ? and s.ended is null and u.state = 'active'";
    let row = sql.prepare_cached(SQL)?.query_row([digest], |row| {
        let role = role_at(row, 2)?;
        let ends = Moment(row.get(6)?).plus(role.absolute_hours() * when::HOUR);
        let session = Session { id: row.get(0)?, user: row.get(1)?, role, name: row.get(3)?, words: row.get(4)?, theme: row.get(5)?, stepped: Moment(row.get(8)?), ends };
        Ok((session, Moment(row.get(7)?)))
    });
    row.optional()
}

/// Whose sessions, and since when they must have been used and begun.
fn alive(user: i64, role: Role, now: Moment) -> [i64; 3] {
    [user, now.0 - role.idle_minutes() * when::MINUTE, now.0 - role.absolute_hours() * when::HOUR]
}

/// How many sessions of an account go on.
pub(crate) fn count(sql: &Connection, user: i64, role: Role, now: Moment) -> rusqlite::Result<usize> {
    sql.prepare_cached(&format!("select count(*) from session where {ALIVE}"))?.query_row(alive(user, role, now), |row| row.get(0))
}

/// Starts a session; those that ended by themselves and the oldest beyond [`AT_ONCE`] end for good. A browser that this account was never
/// used in before is told to its owner by letter. Gives its row id.
pub(crate) fn start(sql: &Connection, core: &Core, user: i64, arrival: &Arrival) -> Result<i64, Refusal> {
    let now = core.now().0;
    const SQL: &str = "insert into session (digest, user_id, started, seen, stepped, origin, words) values (?1, ?2, ?3, ?3, ?3, ?4, ?5)";
    sql.execute(SQL, params![arrival.fresh, user, now, arrival.origin, arrival.words]).refuse()?;
    let id = sql.last_insert_rowid();
    let role = sql.prepare_cached("select role from user where id = ?").refuse()?.query_row([user], |row| role_at(row, 0)).refuse()?;
    let [user, used, begun] = alive(user, role, core.now());
    let rest = format!(
        "update session set ended = ?4 where user_id = ?1 and ended is null and id not in
        (select id from session where {ALIVE} order by started desc, id desc limit ?5)"
    );
    sql.prepare_cached(&rest).refuse()?.execute(params![user, used, begun, now, AT_ONCE]).refuse()?;
    know_device(sql, core, user, arrival)?;
    Ok(id)
}

/// Remembers the browser. The first one of an account is no news; each later one is.
fn know_device(sql: &Connection, core: &Core, user: i64, arrival: &Arrival) -> Result<(), Refusal> {
    let now = core.now();
    let known = sql.execute("update device set last = ?3, words = ?4 where user_id = ?1 and digest = ?2", params![user, arrival.device, now.0, arrival.words]).refuse()?;
    if known == 1 {
        return Ok(());
    }
    let others: bool = sql.query_row("select exists (select 1 from device where user_id = ?)", [user], |row| row.get(0)).refuse()?;
    const SQL: &str = "insert into device (digest, user_id, words, first, last) values (?1, ?2, ?3, ?4, ?4)";
    sql.execute(SQL, params![arrival.device, user, arrival.words, now.0]).refuse()?;
    match others {
        true => notice::tell(sql, core, user, LetterKind::NewDevice, &[("device", &arrival.words), ("where", &arrival.origin)]),
        false => Ok(()),
    }
}

/// Whether this browser is one in which the account was used before.
pub(crate) fn knows_device(sql: &Connection, user: i64, device: &[u8; 32]) -> rusqlite::Result<bool> {
    sql.prepare_cached("select 1 from device where user_id = ? and digest = ?")?.exists(params![user, device])
}

/// Ends every session of an account but one; 0 spares none. Any change of password, factor or role does this (ASVS 7.4.3).
pub(crate) fn end_others(sql: &Connection, core: &Core, user: i64, spare: i64) -> Result<(), Refusal> {
    sql.execute("update session set ended = ?3 where user_id = ?1 and id != ?2 and ended is null", params![user, spare, core.now().0]).map(drop).refuse()
}

/// The live sessions of the one who asks, newest first.
pub fn list<M>(own: &Own<'_, M>) -> Result<Vec<Listed>, Refusal> {
    let tx = own.tx();
    let mut statement = tx.sql.prepare_cached(&format!("select started, seen, origin, id, words from session where {ALIVE} order by started desc")).refuse()?;
    let rows = statement.query_map(alive(own.user(), tx.actor().role, tx.now()), |row| Ok((Moment(row.get(0)?), Moment(row.get(1)?), row.get(2)?, row.get(3)?, row.get(4)?)));
    let rows: Vec<(Moment, Moment, String, i64, String)> = rows.refuse()?.collect::<Result<_, _>>().refuse()?;
    let listed = |(started, seen, origin, id, words)| Ok(Listed { id: tx.seal(id)?, started, seen, origin, words, current: id == tx.actor().session });
    rows.into_iter().map(listed).collect()
}

/// Ends one session of one's own.
pub fn end(own: &Confirmed<'_>, id: &Sealed<rules::Session>) -> Result<(), Refusal> {
    let tx = own.tx();
    let id = tx.core.keys.ids.open(id).map_err(|_| Refusal::NotFound)?;
    let ended = tx.sql.execute("update session set ended = ?3 where id = ?1 and user_id = ?2 and ended is null", params![id, own.user(), tx.now().0]).refuse()?;
    if ended == 0 {
        return Err(Refusal::invalid("", "That session was over already. Nothing was changed."));
    }
    tx.record(Verb::SessionEnd, None, Some((rules::Kind::Session, id)), None, false);
    Ok(())
}

/// Ends all sessions of one's own but this one.
pub fn end_all_others(own: &Confirmed<'_>) -> Result<(), Refusal> {
    let tx = own.tx();
    end_others(tx.sql, tx.core, own.user(), tx.actor().session)?;
    tx.note(Verb::SessionEnd);
    Ok(())
}

/// A factor was shown again: the session counts as confirmed, under a new token (ASVS 7.2.4).
pub(crate) fn confirm(sql: &Connection, core: &Core, session: i64, fresh: &[u8; 32]) -> Result<(), Refusal> {
    sql.execute("update session set digest = ?2, stepped = ?3, seen = ?3 where id = ?1 and ended is null", params![session, fresh, core.now().0]).map(drop).refuse()
}

/// The digest of a device cookie that may be absent: of none, that of nothing, which is never kept.
pub fn device_digest(token: Option<&Token>) -> [u8; 32] {
    token.map_or_else(|| sha256(b""), Token::digest)
}
