//! Who may see a case: grants and walls, and the answer to "who can see this, and why".

use crate::{Access, Writing, error::Refuse, user};
use rules::{Case, Covers, Kind, Level, Manage, Moment, Read, Refusal, Role, Sealed, User, UserKind, UserState, policy, policy::Facts, text};
use rusqlite::params;

/// Longest reason, in characters.
pub const REASON_MAX: usize = 200;

/// Somebody who can see the case, or would but for a wall.
pub struct Seer {
    /// Opaque id.
    pub id: Sealed<User>,
    /// Name.
    pub name: String,
    /// What they are called in the firm.
    pub words: String,
    /// What decides.
    pub facts: Facts,
    /// Level that comes of it.
    pub level: Level,
    /// The grant, if there is one: by whom, when, why.
    pub grant: Option<Given>,
    /// The wall, if there is one.
    pub wall: Option<Given>,
}

/// Who did something, when, and why.
pub struct Given {
    /// Name of who did it.
    pub by: String,
    /// When.
    pub at: Moment,
    /// Why.
    pub reason: Option<String>,
}

/// Everybody who has to do with access to the case: staff first, by level, then by name.
pub fn seers<P: Covers<Read>, E, M>(at: &Access<'_, P, E, M>) -> Result<Vec<Seer>, Refusal> {
    const SQL: &str = "select u.id, u.name, u.words, u.role, u.state, c.owner_id = u.id, c.supervisor_id is u.id, coalesce(g.level, 0), gb.name, g.at, g.reason, wb.name, w.at, w.reason
        from cases c join user u on u.id in (
            select user_id from sight where case_id = c.id union select user_id from walls where case_id = c.id
            union select user_id from grants where case_id = c.id)
        left join grants g on g.case_id = c.id and g.user_id = u.id left join user gb on gb.id = g.by_id
        left join walls w on w.case_id = c.id and w.user_id = u.id left join user wb on wb.id = w.by_id
        where c.id = ? order by u.kind = 'client', u.name";
    let tx = at.tx();
    let mut statement = at.sql().prepare_cached(SQL).refuse()?;
    let mut rows = statement.query([at.case_id()]).refuse()?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().refuse()? {
        let id = tx.seal(row.get(0).refuse()?)?;
        let read = || -> rusqlite::Result<Seer> {
            let given = |by: usize| -> rusqlite::Result<Option<Given>> {
                let name: Option<String> = row.get(by)?;
                name.map(|by_name| Ok(Given { by: by_name, at: Moment(row.get(by + 1)?), reason: row.get(by + 2)? })).transpose()
            };
            let (grant, wall) = (given(8)?, given(11)?);
            let role = Role::from_value(row.get_ref(3)?.as_str()?).unwrap_or(Role::Administrator);
            let state = UserState::from_value(row.get_ref(4)?.as_str()?).unwrap_or(UserState::Left);
            let facts = Facts { role, state, owner: row.get(5)?, supervisor: row.get(6)?, granted: Level::from_number(row.get(7)?), walled: wall.is_some() };
            Ok(Seer { id, name: row.get(1)?, words: row.get(2)?, facts, level: policy::level(facts), grant, wall })
        };
        out.push(read().refuse()?);
    }
    out.sort_by_key(|seer| (seer.facts.role.kind() == UserKind::Client, std::cmp::Reverse(seer.level)));
    Ok(out)
}

/// Gives `level` to a person, or changes what they were given.
pub fn give<P: Covers<Manage>>(case: &Access<'_, P, Case, Writing>, to: &Sealed<User>, level: Level, reason: &str) -> Result<(), Refusal> {
    let tx = case.tx();
    let reason = text::optional_line("reason", "The reason", reason, REASON_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    let (user, role) = user::chosen_grantable(tx, to)?.ok_or_else(|| Refusal::invalid("user", "Choose a person from the list"))?;
    if user == owner_of(case)? {
        return Err(Refusal::invalid("user", "The owner manages the case already. Choose somebody else."));
    }
    if level == Level::None || level > role.most() {
        return Err(Refusal::invalid("level", match role {
            _ if level == Level::None => "Choose a level",
            Role::Client => "A client can be given “Know”, “Read” or “Contribute”",
            Role::Service => "A program can be given “Know”, “Read” or “Contribute”",
            Role::Auditor => "A read-only auditor can be given “Know” or “Read”",
            Role::Administrator | Role::Manager | Role::Staff => "Choose a level",
        }));
    }
    const SQL: &str = "insert into grants (case_id, user_id, level, reason, by_id, at) values (?, ?, ?, ?, ?, ?)
        on conflict (case_id, user_id) do update set level = excluded.level, reason = excluded.reason, by_id = excluded.by_id, at = excluded.at";
    tx.sql.execute(SQL, params![case.id(), user, level as i64, reason, tx.actor().user, tx.now().0]).refuse()?;
    keep_reason(case, user, reason.as_deref())?;
    tx.record(rules::Verb::AccessGrant, Some(case.id()), Some((Kind::User, user)), Some(level as i64), false);
    Ok(())
}

/// Keeps what was said for the history. Of two changes in one millisecond the first reason stands.
fn keep_reason<P>(case: &Access<'_, P, Case, Writing>, user: i64, reason: Option<&str>) -> Result<(), Refusal> {
    let Some(reason) = reason else { return Ok(()) };
    const SQL: &str = "insert into reason (case_id, user_id, at, text) values (?, ?, ?, ?) on conflict do nothing";
    case.sql().execute(SQL, params![case.id(), user, case.tx().now().0, reason]).map(drop).refuse()
}

fn owner_of<P>(case: &Access<'_, P, Case, Writing>) -> Result<i64, Refusal> {
    case.sql().query_row("select owner_id from cases where id = ?", [case.id()], |row| row.get(0)).refuse()
}

/// Takes a grant back. Owner and supervisor keep what they have by that.
pub fn revoke<P: Covers<Manage>>(case: &Access<'_, P, Case, Writing>, from: &Sealed<User>) -> Result<(), Refusal> {
    let tx = case.tx();
    let user = tx.core.keys.ids.open(from).map_err(|_| Refusal::NotFound)?;
    let gone = tx.sql.execute("delete from grants where case_id = ? and user_id = ?", params![case.id(), user]).refuse()?;
    if gone == 0 {
        return Err(Refusal::invalid("user", "This person has no grant on the case any more. Look at the list again."));
    }
    tx.record(rules::Verb::AccessRevoke, Some(case.id()), Some((Kind::User, user)), None, false);
    Ok(())
}

/// Puts up a wall: the person is kept out, whatever they were granted. Nobody walls off the owner or themselves.
pub fn raise_wall<P: Covers<Manage>>(case: &Access<'_, P, Case, Writing>, against: &Sealed<User>, reason: &str) -> Result<(), Refusal> {
    let tx = case.tx();
    let reason = text::line("wall_reason", "The reason", reason, REASON_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    let (user, _) = user::chosen_grantable(tx, against)?.ok_or_else(|| Refusal::invalid("wall_user", "Choose a person from the list"))?;
    if user == owner_of(case)? || user == tx.actor().user {
        return Err(Refusal::invalid("wall_user", "The owner cannot be kept out, and nobody keeps themselves out. Choose another owner first."));
    }
    const SQL: &str = "insert into walls (case_id, user_id, reason, by_id, at) values (?, ?, ?, ?, ?) on conflict do nothing";
    let raised = tx.sql.execute(SQL, params![case.id(), user, reason, tx.actor().user, tx.now().0]).refuse()?;
    if raised == 0 {
        return Err(Refusal::invalid("wall_user", "This person is kept out already. Look at the list again."));
    }
    keep_reason(case, user, Some(&reason))?;
    tx.record(rules::Verb::WallRaise, Some(case.id()), Some((Kind::User, user)), None, false);
    Ok(())
}

/// Takes a wall down; what the person was granted counts again.
pub fn lower_wall<P: Covers<Manage>>(case: &Access<'_, P, Case, Writing>, against: &Sealed<User>, reason: &str) -> Result<(), Refusal> {
    let tx = case.tx();
    let reason = text::line("unwall_reason", "The reason", reason, REASON_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    let user = tx.core.keys.ids.open(against).map_err(|_| Refusal::NotFound)?;
    let gone = tx.sql.execute("delete from walls where case_id = ? and user_id = ?", params![case.id(), user]).refuse()?;
    if gone == 0 {
        return Err(Refusal::invalid("wall_user", "There is no wall against this person any more. Look at the list again."));
    }
    keep_reason(case, user, Some(&reason))?;
    tx.record(rules::Verb::WallLower, Some(case.id()), Some((Kind::User, user)), None, false);
    Ok(())
}
