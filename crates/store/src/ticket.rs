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
    /// The optional way back in: leads to the two questions.
    Recover,
    /// Set-up anew, after both answers were right.
    Recovered,
    /// Stops that.
    Cancel,
}

impl Purpose {
    const ALL: [Purpose; 5] = [Purpose::Invite, Purpose::Reset, Purpose::Recover, Purpose::Recovered, Purpose::Cancel];

    pub(crate) const fn value(self) -> &'static str {
        match self {
            Purpose::Invite => "invite",
            Purpose::Reset => "reset",
            Purpose::Recover => "recover",
            Purpose::Recovered => "recovered",
            Purpose::Cancel => "cancel",
        }
    }

    fn from_value(value: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.value() == value)
    }

    /// Whether it works for an account in this state: a link that was overtaken by events opens nothing.
    const fn fits(self, state: UserState) -> bool {
        match self {
            Purpose::Invite => matches!(state, UserState::Invited | UserState::Enrolling),
            Purpose::Reset => matches!(state, UserState::Enrolling),
            Purpose::Recover | Purpose::Recovered | Purpose::Cancel => matches!(state, UserState::Active),
        }
    }

    /// How long it works, in milliseconds: an invitation 72 hours, the rest a day.
    pub const fn lasts(self) -> i64 {
        match self {
            Purpose::Invite => 72 * when::HOUR,
            Purpose::Reset | Purpose::Recover | Purpose::Recovered | Purpose::Cancel => 24 * when::HOUR,
        }
    }
}

/// A ticket that was just made. The token is shown or sent now, or never.
pub struct Made {
    /// What stands in the link.
    pub token: Token,
    /// Until when it works.
    pub ends: Moment,
    pub(crate) id: i64,
    pub(crate) user: i64,
    pub(crate) starts: Moment,
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
    /// It was taken back, a newer one was sent, or the account was set up otherwise.
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

/// Makes a ticket; an older one of the same purpose is void from now. The trigger `ticket_gone` takes back the letter of one that is void
/// or used, wherever that is done.
pub(crate) fn make(sql: &Connection, core: &Core, user: i64, purpose: Purpose, by: i64, starts: Moment) -> Result<Made, Refusal> {
    let (token, now) = (Token::new().map_err(Refusal::fault)?, core.now());
    // A new link takes the place of those that lead to the same: both an invitation and a reset lead to setting up.
    const VOID: &str = "update ticket set void = ?3 where user_id = ?1 and (purpose = ?2 or (purpose in ('invite', 'reset') and ?2 in ('invite', 'reset'))) and used is null and void is null";
    sql.execute(VOID, params![user, purpose.value(), now.0]).refuse()?;
    let ends = starts.plus(purpose.lasts());
    const SQL: &str = "insert into ticket (digest, user_id, purpose, by_id, made, starts, ends) values (?, ?, ?, ?, ?, ?, ?)";
    sql.execute(SQL, params![token.digest(), user, purpose.value(), (by != 0).then_some(by), now.0, starts.0, ends.0]).refuse()?;
    Ok(Made { token, ends, id: sql.last_insert_rowid(), user, starts })
}

/// What the last link to setting up this account was for: one that takes its place is for the same.
pub(crate) fn last_to_set_up(sql: &Connection, user: i64) -> Result<Purpose, Refusal> {
    const SQL: &str = "select purpose from ticket where user_id = ? and purpose in ('invite', 'reset', 'recovered') order by id desc limit 1";
    let last: Option<String> = sql.prepare_cached(SQL).refuse()?.query_row([user], |row| row.get(0)).optional().refuse()?;
    Ok(last.filter(|value| value != Purpose::Invite.value()).map_or(Purpose::Invite, |_| Purpose::Reset))
}

/// What the link was for with which the visit under this cookie began; none for the first system administrator.
pub(crate) fn of_visit(sql: &Connection, visit: &[u8; 32]) -> Result<Option<Purpose>, Refusal> {
    let mut find = sql.prepare_cached("select t.purpose from visit v join ticket t on t.id = v.ticket where v.digest = ?").refuse()?;
    let value: Option<String> = find.query_row([visit], |row| row.get(0)).optional().refuse()?;
    Ok(value.and_then(|value| Purpose::from_value(&value)))
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
    let overtaken = !found.purpose.fits(found.state);
    Ok(match () {
        () if used => Err(Spoilt::Used),
        () if void || overtaken => Err(Spoilt::Void),
        () if now >= ends => {
            // For good: a clock that is set back does not bring it to life again.
            sql.execute("update ticket set void = ends where id = ?", [found.id]).refuse()?;
            Err(Spoilt::Late)
        }
        () if now < starts => Err(Spoilt::Early(starts)),
        () => Ok(found),
    })
}

/// Makes every open link of an account void: it is set up, and none of them is to set it up again.
pub(crate) fn void_all(sql: &Connection, core: &Core, user: i64) -> Result<(), Refusal> {
    const SQL: &str = "update ticket set void = ?2 where user_id = ?1 and used is null and void is null";
    sql.execute(SQL, params![user, core.now().0]).map(drop).refuse()
}

/// Makes the optional way back in void wherever it has come to, for one account or for all: it is closed, or what it is for was changed
/// by somebody who was let in.
pub(crate) fn void_way_back(sql: &Connection, core: &Core, user: Option<i64>) -> Result<(), Refusal> {
    const SQL: &str = "update ticket set void = ?2 where (?1 is null or user_id = ?1) and purpose in ('recover', 'recovered', 'cancel') and used is null and void is null";
    sql.execute(SQL, params![user, core.now().0]).map(drop).refuse()
}

/// Uses it up. Of many who bring it at once one wins.
pub(crate) fn spend(sql: &Connection, id: i64, now: Moment) -> Result<bool, Refusal> {
    Ok(sql.execute("update ticket set used = ?2 where id = ?1 and used is null and void is null", params![id, now.0]).refuse()? == 1)
}
