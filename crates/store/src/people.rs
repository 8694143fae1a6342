//! The accounts of a site as those who look after them see them: the list, the numbers, and everything about one.

use crate::{
    Tx,
    charge::{Charge, InCharge},
    error::Refuse,
    enrol, recovery, session, user,
};
use rules::{Moment, Refusal, Role, Sealed, Secret, User, UserState};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Accounts on one page.
pub const PAGE: usize = 100;

/// An account in the list.
pub struct Listed {
    /// Opaque id.
    pub id: Sealed<User>,
    /// Name.
    pub name: String,
    /// What they are called in the firm.
    pub words: String,
    /// What the account is there for.
    pub role: Role,
    /// Where it is in its life.
    pub state: UserState,
    /// Address; empty for programs.
    pub email: Secret<String>,
    /// Last use of a session.
    pub last: Option<Moment>,
    /// Until when the newest link works, if one waits to be used.
    pub link_ends: Option<Moment>,
}

/// Which accounts to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this role only.
    pub role: Option<Role>,
    /// In this state only; those who have left are listed only when asked for.
    pub state: Option<UserState>,
    /// Whose name has this in it.
    pub text: String,
    /// So many are left out at the head, for the next page.
    pub skip: usize,
}

const LISTED: &str = "select u.id, u.name, u.words, u.role, u.state, u.email, (select max(seen) from session s where s.user_id = u.id),
    (select max(ends) from ticket t where t.user_id = u.id and t.used is null and t.void is null and t.purpose in ('invite', 'reset')) from user u";

type Raw = (i64, String, String, Role, UserState, Vec<u8>, Option<i64>, Option<i64>);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, user::role_at(row, 3)?, user::state_at(row, 4)?, row.get(5)?, row.get(6)?, row.get(7)?))
}

fn listed<M>(tx: &Tx<'_, M>, (id, name, words, role, state, email, last, ends): Raw) -> Result<Listed, Refusal> {
    let email = user::open_email(tx.core, id, &email)?;
    Ok(Listed { id: tx.seal(id)?, name, words, role, state, email, last: last.map(Moment), link_ends: ends.map(Moment).filter(|ends| *ends > tx.now()) })
}

/// A page of the accounts that the actor looks after, by name.
pub fn list<M>(charge: &Charge<'_, M>, filter: &Filter) -> Result<Vec<Listed>, Refusal> {
    const WHERE: &str = "where (?1 is null or role = ?1) and iif(?2 is null, state != 'left', state = ?2) and (?3 or role = 'client') order by name collate nocase, id";
    let tx = charge.tx();
    let parameters = params![filter.role.map(Role::value), filter.state.map(UserState::value), charge.over(Role::Staff)];
    let mut statement = tx.sql.prepare_cached(&format!("{LISTED} {WHERE}")).refuse()?;
    // The database knows the capitals of ASCII only; a firm has some hundred accounts, so that names are looked through here.
    let text = filter.text.trim().to_lowercase();
    let fits = |row: &rusqlite::Result<Raw>| row.as_ref().map_or(true, |raw| raw.1.to_lowercase().contains(&text));
    let rows: Vec<Raw> = statement.query_map(parameters, raw).refuse()?.filter(fits).skip(filter.skip).take(PAGE + 1).collect::<Result<_, _>>().refuse()?;
    rows.into_iter().map(|row| listed(tx, row)).collect()
}

/// How many accounts there are, by role and state; for the heading and the health page.
pub fn count<M>(charge: &Charge<'_, M>) -> Result<Vec<(Role, UserState, usize)>, Refusal> {
    let mut statement = charge.tx().sql.prepare_cached("select role, state, count(*) from user group by role, state").refuse()?;
    let rows = statement.query_map([], |row| Ok((user::role_at(row, 0)?, user::state_at(row, 1)?, row.get(2)?)));
    rows.refuse()?.collect::<Result<_, _>>().refuse()
}

/// What became of the newest link that leads into setting up an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It waits to be used, until this moment.
    Waits(Moment),
    /// It was used, and setting up can go on until this moment.
    Used(Moment),
    /// It leads nowhere any more.
    Late,
}

/// One account with all that is known of it.
pub struct Details {
    /// As in the list.
    pub listed: Listed,
    /// Its link.
    pub link: Link,
    /// When it was made.
    pub created: Moment,
    /// When the authenticator app was set up.
    pub authenticator: Option<Moment>,
    /// Passkeys.
    pub passkeys: usize,
    /// Recovery codes that are left.
    pub codes: usize,
    /// The optional way back in is set up.
    pub answers: bool,
    /// Cases owned.
    pub owns: usize,
    /// Cases supervised.
    pub supervises: usize,
    /// Sessions in use.
    pub sessions: usize,
    /// How it was made sure who they are, at each reset: when, by whom, and what was said.
    pub vouched: Vec<(Moment, Option<String>, String)>,
}

/// Everything about one account.
pub fn details<M>(person: &InCharge<'_, M>) -> Result<Details, Refusal> {
    let tx = person.tx();
    let number = |query: &str| tx.sql.prepare_cached(query).refuse()?.query_row([person.id()], |row| row.get::<_, usize>(0)).refuse();
    let row = tx.sql.prepare_cached(&format!("{LISTED} where u.id = ?")).refuse()?.query_row([person.id()], raw).refuse()?;
    let (created, authenticator) = tx
        .sql
        .query_row("select created, (select confirmed from factor where user_id = u.id and kind = 'totp' and confirmed is not null) from user u where id = ?", [person.id()], |row| Ok((Moment(row.get(0)?), row.get::<_, Option<i64>>(1)?)))
        .refuse()?;
    let mut vouched = tx.sql.prepare_cached("select v.at, b.name, v.text from vouch v left join user b on b.id = v.by_id where v.user_id = ? order by v.id desc limit 20").refuse()?;
    let vouched = vouched.query_map([person.id()], |row| Ok((Moment(row.get(0)?), row.get(1)?, row.get(2)?))).refuse()?.collect::<Result<_, _>>().refuse()?;
    Ok(Details {
        listed: listed(tx, row)?,
        link: link_of(tx.sql, person.id(), tx.now()).refuse()?,
        created,
        authenticator: authenticator.map(Moment),
        passkeys: number("select count(*) from factor where user_id = ? and kind = 'passkey' and confirmed is not null")?,
        codes: recovery::left(tx.sql, person.id()).refuse()?,
        answers: number("select count(*) from answer where user_id = ?")? == 2,
        owns: number("select count(*) from cases where owner_id = ?")?,
        supervises: number("select count(*) from cases where supervisor_id = ?")?,
        sessions: session::count(tx.sql, person.id(), person.role(), tx.now()).refuse()?,
        vouched,
    })
}

fn link_of(sql: &Connection, user: i64, now: Moment) -> rusqlite::Result<Link> {
    const SQL: &str = "select ends, used from ticket where user_id = ? and purpose in ('invite', 'reset', 'recovered') and void is null order by id desc limit 1";
    let newest: Option<(i64, Option<i64>)> = sql.prepare_cached(SQL)?.query_row([user], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(match newest {
        Some((ends, None)) if ends > now.0 => Link::Waits(Moment(ends)),
        Some((_, Some(used))) if used + enrol::VISIT > now.0 => Link::Used(Moment(used + enrol::VISIT)),
        _ => Link::Late,
    })
}
