//! What is done to the accounts of a site by those who look after them: inviting, changing, suspending, resetting, leaving.
//!
//! No password is ever seen or set here: whoever looks after an account makes a link, and the person does the rest.

use crate::{
    Tx, Writing,
    case,
    charge::{Charge, InCharge},
    belong::{self, Which},
    error::Refuse,
    factor, notice, session, team,
    ticket::{self, Made, Purpose},
    user,
};
use rules::{LetterKind, Problem, Refusal, Role, Sealed, User, UserState, Verb, text};
use rusqlite::{Connection, OptionalExtension, params};

/// Longest word for what somebody is in the firm, in characters.
pub const WORDS_MAX: usize = 40;
/// Longest description of how it was made sure who somebody is, in characters.
pub const CHECK_MAX: usize = 300;
/// Fewest characters of it.
pub const CHECK_MIN: usize = 15;
/// A new account, as it was typed.
#[derive(Clone, Debug)]
pub struct New {
    /// What it is there for.
    pub role: Role,
    /// Name.
    pub name: String,
    /// What they are called in the firm; the role's own word when empty.
    pub words: String,
    /// E-mail address; programs have none.
    pub email: String,
    /// Whom a client's account belongs to.
    pub contact: Option<Which>,
}

/// An account that was made, and the link that leads into it. A program gets none.
pub struct Invited {
    /// Opaque id.
    pub id: Sealed<User>,
    /// Its link, to be shown once; the letter holds it too, when mail is on.
    pub made: Option<Made>,
}

/// Invites somebody: the account is there, and a link leads to setting it up. `base` is the address of the site.
pub fn invite(charge: &Charge<'_, Writing>, new: &New, base: &str) -> Result<Invited, Refusal> {
    let tx = charge.tx();
    if !charge.over(new.role) {
        tx.record(Verb::PersonInvite, None, None, None, true);
        return Err(Refusal::Forbidden(format!("You cannot invite somebody as “{}”. Ask a system administrator.", new.role.words())));
    }
    if new.role == Role::Client && !tx.core.kit_is_on_paper() {
        return Err(Refusal::Forbidden("No clients are invited before the recovery kit is on paper: their documents could not be brought back. Ask a system administrator to print it.".into()));
    }
    let (name, words, email) = meant(tx, new)?;
    let id = match &email {
        Some(email) => user::insert(tx.sql, tx.core, new.role, &name, &words, email)?,
        None => insert_service(tx, &name, &words)?,
    };
    let person = tx.person_at(id, Verb::PersonInvite)?;
    if let Some(which) = &new.contact {
        belong::link(&person, which)?;
    }
    person.record(Verb::PersonInvite, None, false);
    let made = email.is_some().then(|| send(&person, Purpose::Invite, base)).transpose()?;
    Ok(Invited { id: tx.seal(id)?, made })
}

fn insert_service(tx: &Tx<'_, Writing>, name: &str, words: &str) -> Result<i64, Refusal> {
    const SQL: &str = "insert into user (kind, role, state, name, words, email, password, created) values ('service', 'service', 'active', ?, ?, zeroblob(0), '', ?)";
    tx.sql.execute(SQL, params![name, words, tx.now().0]).refuse()?;
    Ok(tx.sql.last_insert_rowid())
}

/// Name, words and address, or all mistakes at once.
fn meant(tx: &Tx<'_, Writing>, new: &New) -> Result<(String, String, Option<String>), Refusal> {
    let mut problems = Vec::new();
    let mut keep = |problem: Problem| problems.push(problem);
    let name = text::line("name", "The name", &new.name, user::NAME_MAX).map_err(&mut keep).unwrap_or_default();
    let words = text::optional_line("words", "The word for what they do", &new.words, WORDS_MAX).map_err(&mut keep).unwrap_or_default();
    let email = match new.role {
        Role::Service => None,
        _ => text::new_email("email", &new.email).map_err(&mut keep).ok(),
    };
    if let Some(email) = &email
        && user::has_email(tx.sql, tx.core, email)?
    {
        keep(Problem::new("email", "There is an account with this address already. Look for it in the list; one person has one account."));
    }
    if new.role == Role::Client && new.contact.is_none() {
        keep(Problem::new("contact", "Say whom this account belongs to: choose a contact, or type the name of a new one."));
    }
    match problems.is_empty() {
        true => Ok((name, words.unwrap_or_else(|| new.role.words().to_owned()), email)),
        false => Err(Refusal::Invalid(problems)),
    }
}

/// Makes the link and, when mail is on, its letter.
fn send(person: &InCharge<'_, Writing>, purpose: Purpose, base: &str) -> Result<Made, Refusal> {
    let tx = person.tx();
    let made = ticket::make(tx.sql, tx.core, person.id(), purpose, tx.actor().user, tx.now())?;
    let kind = if purpose == Purpose::Invite { LetterKind::Invite } else { LetterKind::Reset };
    let by: Option<String> = tx.sql.query_row("select name from user where id = ?", [tx.actor().user], |row| row.get(0)).optional().refuse()?;
    let by = by.unwrap_or_else(|| "the system administrator".into());
    notice::tell_link(tx.sql, tx.core, kind, &made, base, &[("by", &by)])?;
    Ok(made)
}

/// Sends a new link to somebody who has not finished setting up, for what the one before was for; that one is void.
pub fn resend(person: &InCharge<'_, Writing>, base: &str) -> Result<Made, Refusal> {
    if !matches!(person.state(), UserState::Invited | UserState::Enrolling) {
        return Err(person.refuse(Verb::PersonResend, "This account is set up already. To let its owner begin anew, reset it."));
    }
    person.record(Verb::PersonResend, None, false);
    // Whoever began with the link before is put out: "it was used already" is what somebody says whose letter another one read.
    factor::strip(person.tx().sql, person.tx().core, person.id())?;
    send(person, ticket::last_to_set_up(person.tx().sql, person.id())?, base)
}

/// Takes an invitation back: the account is closed before it was used, and its address is free again.
pub fn revoke(person: &InCharge<'_, Writing>) -> Result<(), Refusal> {
    if person.state() != UserState::Invited {
        return Err(person.refuse(Verb::PersonRevoke, "The invitation was used already. Suspend the account instead."));
    }
    person.record(Verb::PersonRevoke, None, false);
    close(person)
}

/// Changes name, words and e-mail address.
pub fn change(person: &InCharge<'_, Writing>, name: &str, words: &str, email: &str) -> Result<(), Refusal> {
    let tx = person.tx();
    if person.state() == UserState::Left {
        return Err(person.refuse(Verb::PersonChange, "This person has left. Nothing of the account changes any more."));
    }
    let (name, words) = match (text::line("name", "The name", name, user::NAME_MAX), text::line("words", "The word for what they do", words, WORDS_MAX)) {
        (Ok(name), Ok(words)) => (name, words),
        (name, words) => return Err(Refusal::Invalid(name.err().into_iter().chain(words.err()).collect())),
    };
    tx.sql.execute("update user set name = ?2, words = ?3 where id = ?1", params![person.id(), name, words]).refuse()?;
    person.record(Verb::PersonChange, None, false);
    match person.role() {
        Role::Service => Ok(()),
        _ => readdress(person, email),
    }
}

/// Gives an account another e-mail address, if it is another. Both addresses are told; links that were sent to the one before are void, and
/// whoever signed in with it signs in again.
fn readdress(person: &InCharge<'_, Writing>, typed: &str) -> Result<(), Refusal> {
    let (tx, id) = (person.tx(), person.id());
    let email = text::new_email("email", typed).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    if *user::email_of(tx.sql, tx.core, id)?.expose() == email {
        return Ok(());
    }
    if user::has_email(tx.sql, tx.core, &email)? {
        return Err(Refusal::invalid("email", "There is an account with this address already."));
    }
    let what = format!("Its e-mail address is another one now: {}", text::email_hint(&email));
    let tell = || notice::tell(tx.sql, tx.core, id, LetterKind::FactorChanged, &[("what", &what), ("where", &tx.actor().from)]);
    ticket::void_all(tx.sql, tx.core, id)?;
    tell()?;
    user::set_email(tx.sql, tx.core, id, &email)?;
    tell()?;
    session::end_others(tx.sql, tx.core, id, tx.actor().session)?;
    person.record(Verb::PersonAddress, None, false);
    Ok(())
}

/// Gives another role, within staff. Every session of the account ends, so that the new rights begin with a new sign-in. Who works on no
/// cases any more is in no team.
pub fn set_role(person: &InCharge<'_, Writing>, role: Role) -> Result<(), Refusal> {
    let tx = person.tx();
    refuse_self(person, Verb::PersonRole)?;
    if person.state() == UserState::Left {
        return Err(person.refuse(Verb::PersonRole, "This person has left. Nothing of the account changes any more."));
    }
    if role.kind() != person.role().kind() || !tx.actor().role.looks_after(role) {
        return Err(person.refuse(Verb::PersonRole, "An account stays what it is: staff, client or program. Invite the person anew as what they are."));
    }
    refuse_last(person, Verb::PersonRole, ANOTHER_FIRST)?;
    if person.role().works() && !role.works() {
        refuse_owner(person, Verb::PersonRole)?;
        leave_teams(person)?;
    }
    tx.sql.execute("update user set role = ?2, role_by = ?3, role_at = ?4 where id = ?1", params![person.id(), role.value(), (tx.actor().user != 0).then_some(tx.actor().user), tx.now().0]).refuse()?;
    session::end_others(tx.sql, tx.core, person.id(), 0)?;
    person.record(Verb::PersonRole, None, false);
    Ok(())
}

/// Suspends an account: no way in, and nothing is seen, until [`restore`].
pub fn suspend(person: &InCharge<'_, Writing>) -> Result<(), Refusal> {
    refuse_self(person, Verb::PersonSuspend)?;
    refuse_last(person, Verb::PersonSuspend, ANOTHER_FIRST)?;
    if person.state() != UserState::Active {
        return Err(person.refuse(Verb::PersonSuspend, "Only an account that is in use can be suspended."));
    }
    user::set_state(person.tx().sql, person.id(), UserState::Suspended)?;
    session::end_others(person.tx().sql, person.tx().core, person.id(), 0)?;
    ticket::void_way_back(person.tx().sql, person.tx().core, Some(person.id()))?;
    person.record(Verb::PersonSuspend, None, false);
    Ok(())
}

/// Ends every session of an account, and leaves its ways in as they are (ASVS 7.4.5).
pub fn end_sessions(person: &InCharge<'_, Writing>) -> Result<(), Refusal> {
    refuse_self(person, Verb::SessionEnd)?;
    session::end_others(person.tx().sql, person.tx().core, person.id(), 0)?;
    person.record(Verb::SessionEnd, None, false);
    Ok(())
}

/// Ends a suspension. Password and factors are as they were.
pub fn restore(person: &InCharge<'_, Writing>) -> Result<(), Refusal> {
    refuse_self(person, Verb::PersonRestore)?;
    if person.state() != UserState::Suspended {
        return Err(person.refuse(Verb::PersonRestore, "This account is not suspended."));
    }
    user::set_state(person.tx().sql, person.id(), UserState::Active)?;
    person.record(Verb::PersonRestore, None, false);
    Ok(())
}

/// Resets every way in, after it was made sure who asks: sessions end, password, factors and codes are gone, and a link leads to new ones.
/// `check` says how it was made sure; it is kept. The only system administrator is rescued instead, which all of them are told.
pub fn reset(person: &InCharge<'_, Writing>, check: &str, base: &str) -> Result<Made, Refusal> {
    let tx = person.tx();
    refuse_self(person, Verb::PersonReset)?;
    if !matches!(person.state(), UserState::Active | UserState::Enrolling) || person.role() == Role::Service {
        return Err(person.refuse(Verb::PersonReset, "Only an account that is in use can be reset."));
    }
    refuse_last(person, Verb::PersonReset, "For a way back in use: strongroom rescue")?;
    let check = text::line("check", "How you made sure who it is", check, CHECK_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    if check.chars().count() < CHECK_MIN {
        return Err(Refusal::invalid("check", format!("Say in {CHECK_MIN} characters or more how you made sure who it is, such as “saw her passport, she was at the office”.")));
    }
    factor::strip(tx.sql, tx.core, person.id())?;
    user::set_state(tx.sql, person.id(), UserState::Enrolling)?;
    let by = (tx.actor().user != 0).then_some(tx.actor().user);
    tx.sql.execute("insert into vouch (user_id, by_id, at, text) values (?, ?, ?, ?)", params![person.id(), by, tx.now().0, check]).refuse()?;
    person.record(Verb::PersonReset, None, false);
    send(person, Purpose::Reset, base)
}

/// Records that somebody has left, for good. What they own goes to `successor`, who must work on cases and be kept out of none of them.
pub fn leave(person: &InCharge<'_, Writing>, successor: &Sealed<User>) -> Result<(), Refusal> {
    let tx = person.tx();
    refuse_self(person, Verb::PersonLeave)?;
    refuse_last(person, Verb::PersonLeave, ANOTHER_FIRST)?;
    if person.state() == UserState::Left {
        return Err(person.refuse(Verb::PersonLeave, "This person has left already."));
    }
    let (owns, supervises) = holds(tx.sql, person.id()).refuse()?;
    if owns + supervises > 0 {
        let to = user::chosen_staff(tx, successor)?.filter(|to| *to != person.id()).ok_or_else(|| Refusal::invalid("successor", "Choose the colleague who takes over their cases"))?;
        hand_over(person, to)?;
    }
    person.record(Verb::PersonLeave, None, false);
    close(person)
}

/// The successor becomes owner and supervisor of every case where they were that; nobody is both of one. A case that a wall keeps them
/// out of stops all of it.
fn hand_over(person: &InCharge<'_, Writing>, to: i64) -> Result<(), Refusal> {
    let (tx, from) = (person.tx(), person.id());
    const WALLED: &str = "select count(*) from cases c where exists (select 1 from kept_out w where w.case_id = c.id and w.user_id = ?2) and ( c.owner_id = ?1 or c.supervisor_id = ?1)";
    let walled: usize = tx.sql.query_row(WALLED, params![from, to], |row| row.get(0)).refuse()?;
    if walled > 0 {
        let cases = text::count(walled, "of the cases", "of the cases");
        return Err(Refusal::invalid("successor", format!("A wall keeps this colleague out of {cases}. Choose somebody else, or have the owner hand those over first.")));
    }
    let mut held = tx.sql.prepare("select id, owner_id, supervisor_id from cases where owner_id = ?1 or supervisor_id = ?1").refuse()?;
    let cases: Vec<(i64, i64, Option<i64>)> = held.query_map([from], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).refuse()?.collect::<Result<_, _>>().refuse()?;
    let mut hand = tx.sql.prepare("update cases set owner_id = ?2, supervisor_id = ?3, version = version + 1, changed = ?4 where id = ?1").refuse()?;
    let taken = |who: i64| if who == from { to } else { who };
    for (id, owner, supervisor) in cases {
        let next = (taken(owner), supervisor.map(taken).filter(|supervisor| *supervisor != taken(owner)));
        hand.execute(params![id, next.0, next.1, tx.now().0]).refuse()?;
        case::handed(tx, id, (owner, supervisor), next);
    }
    Ok(())
}

/// The account ends: no way in, no team, and its address is free for another.
fn close(person: &InCharge<'_, Writing>) -> Result<(), Refusal> {
    let tx = person.tx();
    factor::strip(tx.sql, tx.core, person.id())?;
    leave_teams(person)?;
    tx.sql.execute("update user set email_index = null where id = ?", [person.id()]).refuse()?;
    user::set_state(tx.sql, person.id(), UserState::Left)
}

fn leave_teams(person: &InCharge<'_, Writing>) -> Result<(), Refusal> {
    let tx = person.tx();
    let mut find = tx.sql.prepare("select team_id from team_member where user_id = ?").refuse()?;
    let teams: Vec<i64> = find.query_map([person.id()], |row| row.get(0)).refuse()?.collect::<Result<_, _>>().refuse()?;
    teams.into_iter().try_for_each(|id| team::leave(tx, id, person.id()))
}

fn holds(sql: &Connection, user: i64) -> rusqlite::Result<(usize, usize)> {
    const SQL: &str = "select (select count(*) from cases where owner_id = ?1), (select count(*) from cases where supervisor_id = ?1)";
    sql.query_row(SQL, [user], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn refuse_owner(person: &InCharge<'_, Writing>, verb: Verb) -> Result<(), Refusal> {
    match holds(person.tx().sql, person.id()).refuse()? {
        (0, 0) => Ok(()),
        _ => Err(person.refuse(verb, "This person owns or supervises cases, which the new role cannot. Have the cases handed over first.")),
    }
}

/// Nobody acts on their own rights.
fn refuse_self(person: &InCharge<'_, Writing>, verb: Verb) -> Result<(), Refusal> {
    match person.is_self() {
        true => Err(person.refuse(verb, "Nobody changes their own rights or ways in here. Ask another system administrator.")),
        false => Ok(()),
    }
}

const ANOTHER_FIRST: &str = "Invite another first, and wait until they have set up their account.";

/// A site keeps one system administrator who can sign in, or is setting up their ways in. `instead` says what to do.
fn refuse_last(person: &InCharge<'_, Writing>, verb: Verb, instead: &str) -> Result<(), Refusal> {
    const OTHERS: &str = "select exists (select 1 from user where role = 'administrator' and state = 'active' and id != ?)";
    let is_one = person.role() == Role::Administrator && matches!(person.state(), UserState::Active | UserState::Enrolling);
    if is_one && !person.tx().sql.query_row(OTHERS, [person.id()], |row| row.get::<_, bool>(0)).refuse()? {
        return Err(person.refuse(verb, format!("This is the only system administrator. {instead}")));
    }
    Ok(())
}
