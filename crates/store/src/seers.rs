//! The answer to "who can see this, and why": the people of a case and its teams, each with what decides.

use crate::{Access, OfCase, error::Refuse, user};
use rules::{Covers, Level, Moment, Read, Refusal, Sealed, Team, User, UserKind, policy, policy::Facts};
use rusqlite::Row;
use std::{cmp::Reverse, collections::HashMap};

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
    /// The grant of their own, if there is one: by whom, when, why.
    pub grant: Option<Given>,
    /// The wall of their own, if there is one.
    pub wall: Option<Given>,
    /// Names of the teams that give them a level, and which.
    pub teams: Vec<(String, Level)>,
}

/// A team that was given access to the case, or is kept out of it.
pub struct SeeingTeam {
    /// Opaque id.
    pub id: Sealed<Team>,
    /// Name.
    pub name: String,
    /// How many people are in it.
    pub size: usize,
    /// What was granted.
    pub level: Level,
    /// The grant, if there is one.
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

/// A grant or wall from three columns on: who, when, why; none where nobody did.
fn given(row: &Row<'_>, by: usize) -> rusqlite::Result<Option<Given>> {
    let name: Option<String> = row.get(by)?;
    name.map(|name| Ok(Given { by: name, at: Moment(row.get(by + 1)?), reason: row.get(by + 2)? })).transpose()
}

/// Everybody who has to do with access to the case: staff first, by level, then by name.
pub fn people<P: Covers<Read>, E: OfCase, M>(at: &Access<'_, P, E, M>) -> Result<Vec<Seer>, Refusal> {
    const SQL: &str = "select u.id, u.name, u.words, u.role, u.state, c.owner_id = u.id, c.supervisor_id is u.id, coalesce(g.level, 0), gb.name, g.at, g.reason, wb.name, w.at, w.reason,
            exists (select 1 from kept_out k where k.case_id = c.id and k.user_id = u.id)
        from cases c join user u on u.id in (
            select user_id from sight where case_id = c.id union select user_id from kept_out where case_id = c.id
            union select user_id from grants where case_id = c.id
            union select m.user_id from team_grant t join team_member m on m.team_id = t.team_id where t.case_id = c.id)
        left join grants g on g.case_id = c.id and g.user_id = u.id left join user gb on gb.id = g.by_id
        left join walls w on w.case_id = c.id and w.user_id = u.id left join user wb on wb.id = w.by_id
        where c.id = ? order by u.kind = 'client', u.name";
    let tx = at.tx();
    let mut through = by_team(at)?;
    let mut statement = at.sql().prepare_cached(SQL).refuse()?;
    let mut rows = statement.query([at.case_id()]).refuse()?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().refuse()? {
        let id: i64 = row.get(0).refuse()?;
        let teams = through.remove(&id).unwrap_or_default();
        out.push(seer(row, tx.seal(id)?, teams).refuse()?);
    }
    out.sort_by_key(|seer| (seer.facts.role.kind() == UserKind::Client, Reverse(seer.level)));
    Ok(out)
}

fn seer(row: &Row<'_>, id: Sealed<User>, teams: Vec<(String, Level)>) -> rusqlite::Result<Seer> {
    let facts = Facts {
        role: user::role_at(row, 3)?,
        state: user::state_at(row, 4)?,
        owner: row.get(5)?,
        supervisor: row.get(6)?,
        granted: Level::from_number(row.get(7)?),
        by_team: teams.iter().map(|(_, level)| *level).max().unwrap_or(Level::None),
        walled: row.get(14)?,
    };
    Ok(Seer { id, name: row.get(1)?, words: row.get(2)?, level: policy::level(facts), facts, grant: given(row, 8)?, wall: given(row, 11)?, teams })
}

/// The teams through which people have a level on the case, by row id of the person.
fn by_team<P, E: OfCase, M>(at: &Access<'_, P, E, M>) -> Result<HashMap<i64, Vec<(String, Level)>>, Refusal> {
    const SQL: &str = "select m.user_id, t.name, g.level from team_grant g join team t on t.id = g.team_id join team_member m on m.team_id = g.team_id
        where g.case_id = ? order by g.level desc, t.name";
    let mut statement = at.sql().prepare_cached(SQL).refuse()?;
    let mut rows = statement.query([at.case_id()]).refuse()?;
    let mut out: HashMap<i64, Vec<(String, Level)>> = HashMap::new();
    while let Some(row) = rows.next().refuse()? {
        let (name, level) = (row.get(1).refuse()?, Level::from_number(row.get(2).refuse()?));
        out.entry(row.get(0).refuse()?).or_default().push((name, level));
    }
    Ok(out)
}

/// The teams that were given access to the case or are kept out of it, by name.
pub fn teams<P: Covers<Read>, E: OfCase, M>(at: &Access<'_, P, E, M>) -> Result<Vec<SeeingTeam>, Refusal> {
    const SQL: &str = "select t.id, t.name, (select count(*) from team_member m where m.team_id = t.id), coalesce(g.level, 0), gb.name, g.at, g.reason, wb.name, w.at, w.reason
        from team t left join team_grant g on g.case_id = ?1 and g.team_id = t.id left join user gb on gb.id = g.by_id
        left join team_wall w on w.case_id = ?1 and w.team_id = t.id left join user wb on wb.id = w.by_id
        where g.team_id is not null or w.team_id is not null order by t.name";
    let tx = at.tx();
    let mut statement = at.sql().prepare_cached(SQL).refuse()?;
    let mut rows = statement.query([at.case_id()]).refuse()?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().refuse()? {
        let id = tx.seal(row.get(0).refuse()?)?;
        let read = || -> rusqlite::Result<SeeingTeam> {
            Ok(SeeingTeam { id, name: row.get(1)?, size: row.get(2)?, level: Level::from_number(row.get(3)?), grant: given(row, 4)?, wall: given(row, 7)? })
        };
        out.push(read().refuse()?);
    }
    Ok(out)
}
