//! The door: signing in, before there is an actor. Password first, then a factor; what proves somebody counts once.
//!
//! What this module reads and writes is done without a proof of access, because nobody is known yet: review it like unsafe code.

use crate::{
    Site,
    error::Refuse,
    factor::{self, Passkey},
    notice, recovery,
    session::{self, Arrival},
    site::Core,
    throttle,
    trail::Event,
    user,
};
use keys::nonce::Token;
use rules::{Actor, LetterKind, Moment, Refusal, Secret, Verb, text, when};
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

/// What is shown after the password.
pub enum Proof {
    /// Six digits of the authenticator; `None` when what was typed cannot be some.
    Code(Option<String>),
    /// A recovery code in the form of [`keys::code::normal`].
    Recovery(Secret<String>),
    /// A passkey whose signature was found right, with what is to be remembered of it.
    Passkey(Passkey),
}

/// What came of a proof.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    /// In: the session is on disk.
    Granted,
    /// Wrong, or used already; one may try again.
    Wrong,
    /// Too many tries or too late: start with the password.
    Over,
}

/// Somebody between password and code.
pub struct Visitor {
    /// Row id of the user.
    pub user: i64,
    /// The address with all but its head and host hidden.
    pub hint: String,
    /// The address itself, by which tries are counted.
    pub email: Secret<String>,
    /// Whether there is a passkey to use instead of a code.
    pub has_passkey: bool,
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

    /// The hash of one's own password, for checking it before something dangerous.
    pub fn own_hash(&self, actor: &Actor) -> Result<String, Refusal> {
        self.door(|sql| sql.prepare_cached("select password from user where id = ?").refuse()?.query_row([actor.user], |row| row.get(0)).refuse())
    }

    /// The password was right: remembers it under `token` until the code comes, unless it was changed while it was checked.
    pub async fn start_visit(&self, account: &Account, token: &Token) -> Result<(), Refusal> {
        let (user, hash, digest) = (account.user, account.password.clone(), token.digest());
        const SQL: &str = "insert into visit (digest, user_id, purpose, started) select ?1, id, 'code', ?3 from user where id = ?2 and password = ?4";
        self.submit(true, move |sql, core| (sql.execute(SQL, params![digest, user, core.now().0, hash]).map(drop).refuse(), Vec::new())).await
    }

    /// Whose code is awaited under `token`; `None` when nobody's is.
    pub fn visitor(&self, token: &Token) -> Result<Option<Visitor>, Refusal> {
        let found = self.door(|sql| {
            let Some(user) = visit(sql, &token.digest(), self.now()).refuse()? else { return Ok(None) };
            let sealed: Vec<u8> = sql.query_row("select email from user where id = ?", [user], |row| row.get(0)).refuse()?;
            let passkey = sql.prepare_cached("select 1 from factor where user_id = ? and kind = 'passkey' and confirmed is not null").refuse()?.exists([user]).refuse()?;
            Ok(Some((user, sealed, passkey)))
        })?;
        let Some((user, sealed, has_passkey)) = found else { return Ok(None) };
        let email = user::open_email(&self.core, user, &sealed)?;
        Ok(Some(Visitor { user, hint: text::email_hint(email.expose()), email, has_passkey }))
    }

    /// The passkeys of the visitor, for asking the browser for one of them.
    pub fn passkeys_of(&self, visitor: &Visitor) -> Result<Vec<Passkey>, Refusal> {
        self.door(|sql| factor::passkeys(sql, &self.core, visitor.user))
    }

    /// The passkey with this public id (hexadecimal), whoever's it is.
    pub fn passkey(&self, credential: &str) -> Result<Option<Passkey>, Refusal> {
        self.door(|sql| factor::passkey_of(sql, &self.core, credential))
    }

    /// Takes the proof of the visit under `token`. When right, a session begins and the visit is over.
    pub async fn enter(&self, token: &Token, proof: Proof, arrival: Arrival) -> Result<Entry, Refusal> {
        let digest = token.digest();
        self.submit(true, move |sql, core| told(enter(sql, core, &digest, &proof, &arrival))).await
    }

    /// Lets in whoever showed a passkey that asks its owner for more than being there: it stands for password and code (ASVS 6.3.3).
    pub async fn enter_by_passkey(&self, passkey: Passkey, arrival: Arrival) -> Result<Entry, Refusal> {
        self.submit(true, move |sql, core| {
            let entered = || -> Result<(Entry, Option<Event>), Refusal> {
                let active: bool = sql.query_row("select exists (select 1 from user where id = ? and state = 'active')", [passkey.user], |row| row.get(0)).refuse()?;
                if !active || !factor::passkey_used(sql, core, &passkey)? {
                    return Ok((Entry::Wrong, Some(event(core, Verb::SignInFailed, Some(passkey.user), None, &arrival.origin))));
                }
                granted(sql, core, passkey.user, Verb::SignIn, &arrival)
            };
            told(entered())
        })
        .await
    }

    /// A factor is shown once more in a session, before something dangerous. When right, the session goes on under `fresh`.
    pub async fn step_up(&self, actor: &Actor, proof: Proof, fresh: &Token) -> Result<bool, Refusal> {
        let (actor, fresh) = (actor.clone(), fresh.digest());
        self.submit(true, move |sql, core| {
            let stepped = || -> Result<(bool, Option<Event>), Refusal> {
                let right = proves(sql, core, actor.user, &proof)?;
                if right {
                    session::confirm(sql, core, actor.session, &fresh)?;
                }
                let mut event = event(core, Verb::StepUp, Some(actor.user), Some(actor.session), &actor.from);
                event.refused = !right;
                Ok((right, Some(event)))
            };
            told(stepped())
        })
        .await
    }

    /// Writes a failed password into the trail.
    pub async fn refuse_password(&self, user: Option<i64>, origin: &str) -> Result<(), Refusal> {
        let origin = Box::<str>::from(origin);
        self.submit(true, move |_, core| (Ok(()), vec![event(core, Verb::SignInFailed, user, None, &origin)])).await
    }

    /// Keeps the new hash of a password after its cost was raised, unless the password was changed meanwhile.
    pub async fn rehash(&self, account: &Account, hash: String) -> Result<(), Refusal> {
        let (user, before) = (account.user, account.password.clone());
        const SQL: &str = "update user set password = ?2 where id = ?1 and password = ?3";
        self.submit(true, move |sql, _| (sql.execute(SQL, params![user, hash, before]).map(drop).refuse(), Vec::new())).await
    }
}

/// Result and event as the writer takes them.
pub(crate) fn told<T>(done: Result<(T, Option<Event>), Refusal>) -> (Result<T, Refusal>, Vec<Event>) {
    match done {
        Ok((out, event)) => (Ok(out), event.into_iter().collect()),
        Err(refusal) => (Err(refusal), Vec::new()),
    }
}

fn visit(sql: &Connection, digest: &[u8; 32], now: Moment) -> rusqlite::Result<Option<i64>> {
    const SQL: &str = "select v.user_id from visit v join user u on u.id = v.user_id
        where v.digest = ?1 and v.purpose = 'code' and v.started > ?2 and v.tries < ?3 and u.state = 'active'";
    sql.prepare_cached(SQL)?.query_row(params![digest, now.plus(-VISIT).0, TRIES], |row| row.get(0)).optional()
}

/// An event of the door: nobody's, or that of somebody who is not an actor yet.
pub(crate) fn event(core: &Core, verb: Verb, actor: Option<i64>, session: Option<i64>, origin: &str) -> Event {
    let refused = verb == Verb::SignInFailed;
    Event { at: core.now(), actor, verb, case: None, object: None, detail: None, origin: origin.into(), session, refused }
}

/// Whether the proof is right; what counts once is used up by that.
fn proves(sql: &Connection, core: &Core, user: i64, proof: &Proof) -> Result<bool, Refusal> {
    match proof {
        Proof::Code(None) => Ok(false),
        Proof::Code(Some(code)) => factor::use_code(sql, core, user, code),
        Proof::Recovery(code) => recovery::use_code(sql, core, user, code),
        Proof::Passkey(passkey) if passkey.user == user => factor::passkey_used(sql, core, passkey),
        Proof::Passkey(_) => Ok(false),
    }
}

fn enter(sql: &Connection, core: &Core, digest: &[u8; 32], proof: &Proof, arrival: &Arrival) -> Result<(Entry, Option<Event>), Refusal> {
    let Some(user) = visit(sql, digest, core.now()).refuse()? else { return Ok((Entry::Over, None)) };
    if proves(sql, core, user, proof)? {
        sql.execute("delete from visit where digest = ?", [digest]).refuse()?;
        let by_code = matches!(proof, Proof::Recovery(_));
        if by_code {
            let left = recovery::left(sql, user).refuse()?;
            let what = format!("A recovery code was used to sign in, and {} left", text::count(left, "code is", "codes are"));
            notice::tell(sql, core, user, LetterKind::FactorChanged, &[("what", &what), ("where", &arrival.origin)])?;
        }
        return granted(sql, core, user, if by_code { Verb::CodeUse } else { Verb::SignIn }, arrival);
    }
    sql.execute("update visit set tries = tries + 1 where digest = ?", [digest]).refuse()?;
    let more = visit(sql, digest, core.now()).refuse()?.is_some();
    if !more && throttle::count_suspicion(sql, core, user)? {
        notice::tell(sql, core, user, LetterKind::CodesWrong, &[("where", &arrival.origin)])?;
    }
    let entry = if more { Entry::Wrong } else { Entry::Over };
    Ok((entry, Some(event(core, Verb::SignInFailed, Some(user), None, &arrival.origin))))
}

/// Begins a session and writes it down.
pub(crate) fn granted(sql: &Connection, core: &Core, user: i64, verb: Verb, arrival: &Arrival) -> Result<(Entry, Option<Event>), Refusal> {
    let session = session::start(sql, core, user, arrival)?;
    Ok((Entry::Granted, Some(event(core, verb, Some(user), Some(session), &arrival.origin))))
}
