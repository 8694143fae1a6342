//! Sessions: server-side rows behind a random token in a cookie (ASVS 7.2). Looked up at every request.

use crate::{Site, Tx, Writing, error::Refuse, site::Core};
use keys::nonce::Token;
use rules::{Actor, Moment, Refusal, UserKind, when};
use rusqlite::{Connection, OptionalExtension, params};

/// Sessions of one user at once; the oldest gives way.
const AT_ONCE: i64 = 5;
/// The last use is written down when it is older than this, in milliseconds.
const SEEN_EVERY: i64 = when::MINUTE;

/// A live session and whose it is.
#[derive(Clone, Debug)]
pub struct Session {
    /// Row id.
    pub id: i64,
    /// Row id of the user.
    pub user: i64,
    /// What sort of account.
    pub kind: UserKind,
    /// Name of the user.
    pub name: String,
    /// What they are called in the firm.
    pub words: String,
    /// "", "light" or "dark".
    pub theme: String,
}

impl Session {
    /// Who asks, with the address of this request.
    pub fn actor(&self, from: &str) -> Actor {
        Actor { user: self.user, kind: self.kind, session: self.id, from: from.into() }
    }
}

/// A session as the account page shows it.
pub struct Listed {
    /// When it began.
    pub started: Moment,
    /// When it was last used, to the minute.
    pub seen: Moment,
    /// Where it was started from.
    pub origin: String,
    /// It is the one that asks.
    pub current: bool,
}

impl Site {
    /// The live session of this token: not ended, not idle for too long, not too old, its user active.
    ///
    /// One indexed read, quick enough (microseconds while its pages are in memory) to be done where the request stands.
    pub fn session(&self, token: &Token) -> Result<Option<Session>, Refusal> {
        let now = self.now();
        let found = self.door(|sql| find(sql, &token.digest()).refuse())?;
        let Some((session, started, seen)) = found else { return Ok(None) };
        let idle = now.0 - seen.0 > session.kind.idle_minutes() * when::MINUTE;
        let old = now.0 - started.0 > session.kind.absolute_hours() * when::HOUR;
        if idle || old {
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
            tx.note(rules::Verb::SignOut);
            (ended, tx.into_events())
        })
        .await
    }
}

fn find(sql: &Connection, digest: &[u8; 32]) -> rusqlite::Result<Option<(Session, Moment, Moment)>> {
    const SQL: &str = "select s.id, u.id, u.kind, u.name, u.words, u.theme, s.started, s.seen
        from session s join user u on u.id = s.user_id where s.digest = ? and s.ended is null and u.state = 'active'";
    let row = sql.prepare_cached(SQL)?.query_row([digest], |row| {
        let kind = UserKind::from_value(row.get_ref(2)?.as_str()?);
        let session = kind.map(|kind| -> rusqlite::Result<Session> {
            Ok(Session { id: row.get(0)?, user: row.get(1)?, kind, name: row.get(3)?, words: row.get(4)?, theme: row.get(5)? })
        });
        Ok((session.transpose()?, Moment(row.get(6)?), Moment(row.get(7)?)))
    });
    Ok(row.optional()?.and_then(|(session, started, seen)| Some((session?, started, seen))))
}

/// Starts a session; the oldest beyond [`AT_ONCE`] end. Gives its row id.
pub(crate) fn start(sql: &Connection, core: &Core, user: i64, token: &[u8; 32], origin: &str) -> rusqlite::Result<i64> {
    let now = core.now().0;
    sql.execute("insert into session (digest, user_id, started, seen, origin) values (?, ?, ?, ?, ?)", params![token, user, now, now, origin])?;
    let id = sql.last_insert_rowid();
    const OLDEST: &str = "update session set ended = ?2 where user_id = ?1 and ended is null and id not in
        (select id from session where user_id = ?1 and ended is null order by started desc, id desc limit ?3)";
    sql.execute(OLDEST, params![user, now, AT_ONCE])?;
    Ok(id)
}

/// The live sessions of the one who asks, newest first.
pub fn list<M>(tx: &Tx<'_, M>) -> Result<Vec<Listed>, Refusal> {
    const SQL: &str = "select started, seen, origin, id from session where user_id = ?1 and ended is null and seen > ?2 order by started desc";
    let idle = tx.now().plus(-tx.actor().kind.idle_minutes() * when::MINUTE);
    let mut statement = tx.sql.prepare_cached(SQL).refuse()?;
    let rows = statement.query_map(params![tx.actor().user, idle.0], |row| {
        Ok(Listed { started: Moment(row.get(0)?), seen: Moment(row.get(1)?), origin: row.get(2)?, current: row.get::<_, i64>(3)? == tx.actor().session })
    });
    rows.refuse()?.collect::<Result<_, _>>().refuse()
}
