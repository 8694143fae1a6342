//! Tickets: links that let one person do one thing once. An invitation, a new start after a reset, the optional way back in, its stop.
//!
//! The database keeps only the SHA-256 of the token; the token itself stands in the letter (encrypted until it is sent) or on the page
//! of the one who made it, and in the fragment of the link, which reaches no log.

use crate::{error::Refuse, site::Core, user::state_at};
use keys::nonce::Token;
use rules::{Moment, Refusal, UserState, when};
use rusqlite::{Connection, OptionalExtension, params};

/// What a ticket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// First set-up of an account.
    Invite,
    /// Set-up anew, after a colleague made sure who it is.
    Reset,
    /// The optional way back in, by two answers.
    Recover,
    /// Stops that.
    Cancel,
}

impl Purpose {
    const ALL: [Purpose; 4] = [Purpose::Invite, Purpose::Reset, Purpose::Recover, Purpose::Cancel];

    pub(crate) const fn value(self) -> &'static str {
        match self {
            Purpose::Invite => "invite",
            Purpose::Reset => "reset",
            Purpose::Recover => "recover",
            Purpose::Cancel => "cancel",
        }
    }

    fn from_value(value: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.value() == value)
    }

    /// How long it works, in milliseconds: an invitation 72 hours, the rest a day.
    pub const fn lasts(self) -> i64 {
        match self {
            Purpose::Invite => 72 * when::HOUR,
            Purpose::Reset | Purpose::Recover | Purpose::Cancel => 24 * when::HOUR,
        }
    }
}

/// A ticket that was just made. The token is shown or sent now, or never.
pub struct Made {
    /// What stands in the link.
    pub token: Token,
    /// Until when it works.
    pub ends: Moment,
}

/// A ticket as somebody came with it.
pub(crate) struct Found {
    pub(crate) id: i64,
    pub(crate) user: i64,
    pub(crate) purpose: Purpose,
    pub(crate) state: UserState,
}

/// Why a ticket does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoilt {
    /// There is none with this token.
    Unknown,
    /// It was used.
    Used,
    /// It was taken back, or a newer one was sent.
    Void,
    /// Its time is over.
    Late,
    /// Its time has not come: from this moment it works.
    Early(Moment),
}

impl Spoilt {
    /// What to say to the one who came with it.
    pub fn sentence(self, clock: impl FnOnce(Moment) -> String) -> String {
        match self {
            Spoilt::Unknown => "This link is not one of ours, or only a part of it was copied. Open it from the letter again, or ask for a new one.".into(),
            Spoilt::Used => "This link was used already. If that was not you, tell the firm now; otherwise sign in, or ask for a new link.".into(),
            Spoilt::Void => "This link no longer works: it was taken back, or a newer one was sent. Use the newest letter, or ask for a new link.".into(),
            Spoilt::Late => "This link has run out. Ask for a new one.".into(),
            Spoilt::Early(at) => format!("This link works from {}. Keep the letter, and open it again then.", clock(at)),
        }
    }
}

/// Makes a ticket; an older one of the same purpose is void from now.
pub(crate) fn make(sql: &Connection, core: &Core, user: i64, purpose: Purpose, by: i64, starts: Moment) -> Result<Made, Refusal> {
    let (token, now) = (Token::new().map_err(Refusal::fault)?, core.now());
    // A new link takes the place of those that lead to the same: both an invitation and a reset lead to setting up.
    const VOID: &str = "update ticket set void = ?3 where user_id = ?1 and (purpose = ?2 or (purpose in ('invite', 'reset') and ?2 in ('invite', 'reset'))) and used is null and void is null";
    sql.execute(VOID, params![user, purpose.value(), now.0]).refuse()?;
    let ends = starts.plus(purpose.lasts());
    const SQL: &str = "insert into ticket (digest, user_id, purpose, by_id, made, starts, ends) values (?, ?, ?, ?, ?, ?, ?)";
    sql.execute(SQL, params![token.digest(), user, purpose.value(), (by != 0).then_some(by), now.0, starts.0, ends.0]).refuse()?;
    Ok(Made { token, ends })
}

/// The ticket of this token, if it works now.
pub(crate) fn find(sql: &Connection, digest: &[u8; 32], now: Moment) -> Result<Result<Found, Spoilt>, Refusal> {
    const SQL: &str = "select t.id, t.user_id, t.purpose, t.starts, t.ends, t.used is not null, t.void is not null, u.state from ticket t join user u on u.id = t.user_id where t.digest = ?";
    let row = sql.prepare_cached(SQL).refuse()?.query_row([digest], |row| {
        let purpose = Purpose::from_value(row.get_ref(2)?.as_str()?).ok_or(rusqlite::Error::InvalidQuery)?;
        let found = Found { id: row.get(0)?, user: row.get(1)?, purpose, state: state_at(row, 7)? };
        Ok((found, Moment(row.get(3)?), Moment(row.get(4)?), row.get::<_, bool>(5)?, row.get::<_, bool>(6)?))
    });
    let Some((found, starts, ends, used, void)) = row.optional().refuse()? else { return Ok(Err(Spoilt::Unknown)) };
    let gone = matches!(found.state, UserState::Left | UserState::Suspended);
    Ok(match () {
        () if used => Err(Spoilt::Used),
        () if void || gone => Err(Spoilt::Void),
        () if now >= ends => Err(Spoilt::Late),
        () if now < starts => Err(Spoilt::Early(starts)),
        () => Ok(found),
    })
}

/// Uses it up. Of many who bring it at once one wins.
pub(crate) fn spend(sql: &Connection, id: i64, now: Moment) -> Result<bool, Refusal> {
    Ok(sql.execute("update ticket set used = ?2 where id = ?1 and used is null and void is null", params![id, now.0]).refuse()? == 1)
}
