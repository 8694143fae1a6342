//! The door: signing in, before there is an actor. Password first, then the code; a step of time counts once.
//!
//! What this module reads and writes is done without a proof of access, because nobody is known yet: review it like unsafe code.

use crate::{Site, error::Refuse, session, site::Core, trail::Event};
use keys::{field::Place, nonce::Token, totp};
use rules::{Moment, Refusal, Verb, text, when};
use rusqlite::{Connection, OptionalExtension, params};

/// How long one may take between password and code.
const VISIT: i64 = 10 * when::MINUTE;
/// Codes one may try before the password is asked for again.
const TRIES: i64 = 5;

/// An account that may sign in.
pub struct Account {
    /// Row id of the user.
    pub user: i64,
    /// The stored hash of the password.
    pub password: String,
}

/// What came of a code.
#[derive(Debug)]
pub enum Entry {
    /// In: the session is on disk.
    Granted,
    /// Wrong, or used already; one may try again.
    Wrong,
    /// Too many tries or too late: start with the password.
    Over,
}

impl Site {
    /// The account with this e-mail address, found by its blind index. `None` also for people who may not sign in.
    pub fn account(&self, email: &str) -> Result<Option<Account>, Refusal> {
        let index = self.core.keys.fields.index("email", email);
        self.door(|sql| {
            let mut find = sql.prepare_cached("select id, password from user where email_index = ? and state = 'active'").refuse()?;
            find.query_row([index], |row| Ok(Account { user: row.get(0)?, password: row.get(1)? })).optional().refuse()
        })
    }

    /// The password was right: remembers it under `token` until the code comes.
    pub async fn start_visit(&self, user: i64, token: &Token) -> Result<(), Refusal> {
        let digest = token.digest();
        self.submit(true, move |sql, core| {
            let now = core.now();
            let done = sql
                .execute("delete from visit where started < ?", [now.plus(-VISIT).0])
                .and_then(|_| sql.execute("insert into visit (digest, user_id, started) values (?, ?, ?)", params![digest, user, now.0]));
            (done.map(drop).refuse(), Vec::new())
        })
        .await
    }

    /// The hint of the address for which a code is awaited under `token`; `None` when none is.
    pub fn visitor(&self, token: &Token) -> Result<Option<String>, Refusal> {
        let found = self.door(|sql| {
            let Some(user) = visit(sql, &token.digest(), self.now()).refuse()? else { return Ok(None) };
            let sealed: Vec<u8> = sql.query_row("select email from user where id = ?", [user], |row| row.get(0)).refuse()?;
            Ok(Some((user, sealed)))
        })?;
        let Some((user, sealed)) = found else { return Ok(None) };
        let email = self.core.keys.fields.open_text(&sealed, Place { table: "user", column: "email", row: user }).refuse()?;
        Ok(Some(text::email_hint(email.expose())))
    }

    /// Takes the code of the visit under `token`. When right, `fresh` becomes the token of a new session and the visit is over.
    pub async fn enter(&self, token: &Token, code: Option<String>, fresh: &Token, origin: &str) -> Result<Entry, Refusal> {
        let (digest, fresh, origin) = (token.digest(), fresh.digest(), Box::<str>::from(origin));
        self.submit(true, move |sql, core| match enter(sql, core, &digest, code.as_deref(), &fresh, &origin) {
            Ok((entry, event)) => (Ok(entry), event.into_iter().collect()),
            Err(refusal) => (Err(refusal), Vec::new()),
        })
        .await
    }

    /// Writes a failed password into the trail.
    pub async fn refuse_password(&self, user: Option<i64>, origin: &str) -> Result<(), Refusal> {
        let origin = Box::<str>::from(origin);
        self.submit(true, move |_, core| (Ok(()), vec![event(core, Verb::SignInFailed, user, None, origin)])).await
    }

    /// Keeps the new hash of a password after its cost was raised.
    pub async fn rehash(&self, user: i64, hash: String) -> Result<(), Refusal> {
        self.submit(true, move |sql, _| (sql.execute("update user set password = ?2 where id = ?1", params![user, hash]).map(drop).refuse(), Vec::new())).await
    }
}

fn visit(sql: &Connection, digest: &[u8; 32], now: Moment) -> rusqlite::Result<Option<i64>> {
    const SQL: &str = "select v.user_id from visit v join user u on u.id = v.user_id
        where v.digest = ?1 and v.started > ?2 and v.tries < ?3 and u.state = 'active'";
    sql.prepare_cached(SQL)?.query_row(params![digest, now.plus(-VISIT).0, TRIES], |row| row.get(0)).optional()
}

fn event(core: &Core, verb: Verb, actor: Option<i64>, session: Option<i64>, origin: Box<str>) -> Event {
    let refused = verb == Verb::SignInFailed;
    Event { at: core.now(), actor, verb, case: None, object: None, detail: None, origin, session, refused }
}

fn enter(sql: &Connection, core: &Core, digest: &[u8; 32], code: Option<&str>, fresh: &[u8; 32], origin: &str) -> Result<(Entry, Option<Event>), Refusal> {
    let Some(user) = visit(sql, digest, core.now()).refuse()? else { return Ok((Entry::Over, None)) };
    let right = match code {
        Some(code) => use_code(sql, core, user, code)?,
        None => false,
    };
    if right {
        sql.execute("delete from visit where digest = ?", [digest]).refuse()?;
        let session = session::start(sql, core, user, fresh, origin).refuse()?;
        return Ok((Entry::Granted, Some(event(core, Verb::SignIn, Some(user), Some(session), origin.into()))));
    }
    sql.execute("update visit set tries = tries + 1 where digest = ?", [digest]).refuse()?;
    let more = visit(sql, digest, core.now()).refuse()?.is_some();
    let entry = if more { Entry::Wrong } else { Entry::Over };
    Ok((entry, Some(event(core, Verb::SignInFailed, Some(user), None, origin.into()))))
}

/// Whether `code` is right for one of the user's factors; its step is used up in the same statement, so that of many who bring the
/// same code at once exactly one gets in (ASVS 6.5.1).
fn use_code(sql: &Connection, core: &Core, user: i64, code: &str) -> Result<bool, Refusal> {
    let mut factors = sql.prepare_cached("select id, secret from factor where user_id = ? and kind = 'totp'").refuse()?;
    let rows: Vec<(i64, Vec<u8>)> = factors.query_map([user], |row| Ok((row.get(0)?, row.get(1)?))).refuse()?.collect::<Result<_, _>>().refuse()?;
    for (id, sealed) in rows {
        let secret = core.keys.fields.open(&sealed, Place { table: "factor", column: "secret", row: id }).refuse()?;
        let Ok(secret) = <&[u8; 20]>::try_from(secret.expose().as_slice()) else { continue };
        if let Some(step) = totp::step_of(secret, code, core.now().seconds()) {
            let used = sql.execute("update factor set last_step = ?2 where id = ?1 and last_step < ?2", params![id, step]).refuse()?;
            return Ok(used == 1);
        }
    }
    Ok(false)
}
