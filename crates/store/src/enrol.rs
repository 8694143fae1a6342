//! Setting up one's ways in: password, authenticator, recovery codes, terms. The same steps for an invitation, after a reset, on the
//! optional way back in, and for the first system administrator.
//!
//! Whoever holds the cookie of the visit is at it; which step comes next is read from what the account has, so that a kill or a closed
//! browser loses nothing. The account becomes active in the one transaction in which nothing is missing any more.

use crate::{
    Site,
    error::Refuse,
    factor, notice, recovery,
    session::{self, Arrival},
    setup,
    sign::{Entry, event, granted, told},
    site::Core,
    ticket::{self, Purpose, Spoilt},
    trail::Event,
    user,
};
use keys::nonce::Token;
use rules::{LetterKind, Moment, Refusal, Role, Secret, UserState, Verb, when};
use rusqlite::{Connection, OptionalExtension, params};

/// How long one may take from the link to the end.
pub(crate) const VISIT: i64 = 24 * when::HOUR;

/// A step that is still to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Choose a password.
    Password,
    /// Set up an authenticator app and type its first code.
    Factor,
    /// Keep the recovery codes and type one back.
    Codes,
    /// Accept the terms.
    Terms,
    /// Nothing is missing.
    Done,
}

/// Somebody setting up their ways in.
pub struct Enrolment {
    /// Row id of the account.
    pub user: i64,
    /// Name.
    pub name: String,
    /// Address.
    pub email: Secret<String>,
    /// What the account is there for.
    pub role: Role,
    /// What is to be done next.
    pub step: Step,
    /// The secret that waits to be put into an app, at that step.
    pub totp: Option<Secret<[u8; 20]>>,
}

impl Site {
    /// Uses a link: of many who bring it at once, one begins. The visit goes on under `visit`, which becomes a cookie.
    pub async fn use_ticket(&self, token: &Token, visit: &Token, origin: &str) -> Result<Result<Purpose, Spoilt>, Refusal> {
        let (digest, visit, origin) = (token.digest(), visit.digest(), Box::<str>::from(origin));
        self.submit(true, move |sql, core| told(use_ticket(sql, core, &digest, &visit, &origin))).await
    }

    /// Who sets up their ways in under this cookie, and what comes next.
    pub fn enrolment(&self, visit: &Token) -> Result<Option<Enrolment>, Refusal> {
        let (digest, now) = (visit.digest(), self.now());
        self.door(|sql| {
            let Some(user) = holder(sql, &digest, now).refuse()? else { return Ok(None) };
            let step = next_step(sql, user).refuse()?;
            let (name, role) = sql.query_row("select name, role from user where id = ?", [user], |row| Ok((row.get(0)?, user::role_at(row, 1)?))).refuse()?;
            let email = user::email_of(sql, &self.core, user)?;
            let totp = match step {
                Step::Factor => factor::waiting(sql, &self.core, user)?.map(|(_, secret)| secret),
                _ => None,
            };
            Ok(Some(Enrolment { user, name, email, role, step, totp }))
        })
    }

    /// Keeps the hash of the password that was chosen, and begins the authenticator.
    pub async fn enrol_password(&self, visit: &Token, hash: String, origin: &str) -> Result<(), Refusal> {
        self.at_step(visit, Step::Password, Verb::PasswordSet, origin, move |sql, core, user| {
            sql.execute("update user set password = ?2 where id = ?1", params![user, hash]).refuse()?;
            factor::begin_totp(sql, core, user).map(|()| true)
        })
        .await
        .map(drop)
    }

    /// Takes the first code of the authenticator. When right, recovery codes are made from `visit`: see [`recovery`].
    pub async fn enrol_factor(&self, visit: &Token, code: String, origin: &str) -> Result<bool, Refusal> {
        let codes = recovery::set_of(visit, recovery::AT_ENROLMENT)?;
        self.at_step(visit, Step::Factor, Verb::FactorAdd, origin, move |sql, core, user| {
            let right = factor::confirm_totp(sql, core, user, &code)?;
            if right {
                recovery::replace(sql, core, user, (&codes, core.now()))?;
            }
            Ok(right)
        })
        .await
    }

    /// One of the recovery codes was typed back: they are on paper. It is not used up by that.
    pub async fn enrol_codes(&self, visit: &Token, typed: Secret<String>, origin: &str) -> Result<bool, Refusal> {
        self.at_step(visit, Step::Codes, Verb::CodesMake, origin, move |sql, core, user| {
            let right = recovery::has(sql, core, user, &typed)?;
            if right {
                sql.execute("update user set terms = iif(terms is null, 0, terms) where id = ?", [user]).refuse()?;
            }
            Ok(right)
        })
        .await
    }

    /// Accepts the terms, which is the last step: the account is active and signed in.
    pub async fn enrol_terms(&self, visit: &Token, arrival: Arrival) -> Result<Entry, Refusal> {
        let (digest, now) = (visit.digest(), self.now());
        self.submit(true, move |sql, core| {
            let finished = || -> Result<(Entry, Vec<Event>), Refusal> {
                let Some(user) = holder(sql, &digest, now).refuse()? else { return Ok((Entry::Over, Vec::new())) };
                if next_step(sql, user).refuse()? != Step::Terms {
                    return Ok((Entry::Wrong, Vec::new()));
                }
                let accepted = event(core, Verb::TermsAccept, Some(user), None, &arrival.origin);
                sql.execute("update user set terms = ?2 where id = ?1", params![user, now.0]).refuse()?;
                user::set_state(sql, user, UserState::Active)?;
                let anew = ticket::of_visit(sql, &digest)?.is_some_and(|purpose| purpose != Purpose::Invite);
                sql.execute("delete from visit where user_id = ?", [user]).refuse()?;
                if anew {
                    let fields = [("what", "Password, app and recovery codes were set up anew"), ("where", &*arrival.origin)];
                    notice::tell(sql, core, user, LetterKind::FactorChanged, &fields)?;
                }
                ticket::void_all(sql, core, user)?;
                setup::finish(sql, core, user)?;
                let (entry, signed) = granted(sql, core, user, Verb::SignIn, &arrival)?;
                Ok((entry, [Some(accepted), signed].into_iter().flatten().collect()))
            };
            match finished() {
                Ok((entry, events)) => (Ok(entry), events),
                Err(refusal) => (Err(refusal), Vec::new()),
            }
        })
        .await
    }

    /// Does the work of one step, if that step is the next one and the visit goes on. False when the work says so.
    async fn at_step(&self, visit: &Token, step: Step, verb: Verb, origin: &str, work: impl FnOnce(&Connection, &Core, i64) -> Result<bool, Refusal> + Send + 'static) -> Result<bool, Refusal> {
        let (digest, origin) = (visit.digest(), Box::<str>::from(origin));
        self.submit(true, move |sql, core| {
            let done = || -> Result<(bool, Option<Event>), Refusal> {
                let user = holder(sql, &digest, core.now()).refuse()?.ok_or(Refusal::NotFound)?;
                if next_step(sql, user).refuse()? != step {
                    return Err(Refusal::Conflict);
                }
                let right = work(sql, core, user)?;
                let mut event = event(core, verb, Some(user), None, &origin);
                event.refused = !right;
                Ok((right, Some(event)))
            };
            told(done())
        })
        .await
    }
}

/// Whose visit it is, if it goes on.
fn holder(sql: &Connection, digest: &[u8; 32], now: Moment) -> rusqlite::Result<Option<i64>> {
    const SQL: &str = "select v.user_id from visit v join user u on u.id = v.user_id
        where v.digest = ?1 and v.purpose = 'enrol' and v.started > ?2 and u.state = 'enrolling'";
    sql.prepare_cached(SQL)?.query_row(params![digest, now.plus(-VISIT).0], |row| row.get(0)).optional()
}

/// What comes next. `terms` tells two steps apart: null before the codes were typed back, 0 between that and accepting.
fn next_step(sql: &Connection, user: i64) -> rusqlite::Result<Step> {
    let (password, terms): (String, Option<i64>) = sql.prepare_cached("select password, terms from user where id = ?")?.query_row([user], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(match terms {
        _ if password.is_empty() => Step::Password,
        _ if !factor::has_authenticator(sql, user)? => Step::Factor,
        None => Step::Codes,
        Some(0) => Step::Terms,
        Some(_) => Step::Done,
    })
}

/// Begins setting up under the cookie with this digest. Whatever ways in there were are gone.
pub(crate) fn begin(sql: &Connection, core: &Core, user: i64, visit: &[u8; 32], ticket: Option<i64>) -> Result<(), Refusal> {
    factor::strip(sql, core, user)?;
    session::end_others(sql, core, user, 0)?;
    sql.execute("update user set terms = null where id = ?", [user]).refuse()?;
    user::set_state(sql, user, UserState::Enrolling)?;
    const SQL: &str = "insert into visit (digest, user_id, purpose, ticket, started) values (?, ?, 'enrol', ?, ?)";
    sql.execute(SQL, params![visit, user, ticket, core.now().0]).map(drop).refuse()
}

fn use_ticket(sql: &Connection, core: &Core, digest: &[u8; 32], visit: &[u8; 32], origin: &str) -> Result<(Result<Purpose, Spoilt>, Option<Event>), Refusal> {
    let refused = |user: Option<i64>| {
        let mut event = event(core, Verb::TicketUse, user, None, origin);
        event.refused = true;
        Some(event)
    };
    let found = match ticket::find(sql, digest, core.now())? {
        Ok(found) => found,
        Err(spoilt) => return Ok((Err(spoilt), refused(None))),
    };
    match found.purpose {
        Purpose::Recovered if !core.settings().recovery.on => return Ok((Err(Spoilt::Void), refused(Some(found.user)))),
        Purpose::Invite | Purpose::Reset | Purpose::Recovered => {
            if !ticket::spend(sql, found.id, core.now())? {
                return Ok((Err(Spoilt::Used), refused(Some(found.user))));
            }
            begin(sql, core, found.user, visit, Some(found.id))?;
        }
        Purpose::Recover => recovery::use_ticket(sql, core, &found, visit)?,
        Purpose::Cancel => {
            ticket::spend(sql, found.id, core.now())?;
            recovery::cancel(sql, core, found.user)?;
            return Ok((Ok(Purpose::Cancel), Some(event(core, Verb::RecoverCancel, Some(found.user), None, origin))));
        }
    }
    Ok((Ok(found.purpose), Some(event(core, Verb::TicketUse, Some(found.user), None, origin))))
}
