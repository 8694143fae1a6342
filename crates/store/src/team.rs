//! Teams: several people of the firm under one name.

use crate::{
    Access, Tx, Writing,
    charge::Charge,
    error::Refuse,
    user::{self, Person},
};
use rules::{Case, Covers, Kind, Manage, Problem, Refusal, Role, Sealed, Team, User, Verb, text};
use rusqlite::params;

/// Longest name of a team, in characters.
pub const NAME_MAX: usize = 60;

/// A team with its people.
pub struct Listed {
    /// Opaque id.
    pub id: Sealed<Team>,
    /// Name.
    pub name: String,
    /// Who is in it, by name.
    pub people: Vec<Person>,
}

/// All teams by name.
pub fn list<M>(charge: &Charge<'_, M>) -> Result<Vec<Listed>, Refusal> {
    let tx = charge.tx();
    let mut teams = tx.sql.prepare_cached("select id, name from team order by name").refuse()?;
    let rows: Vec<(i64, String)> = teams.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).refuse()?.collect::<Result<_, _>>().refuse()?;
    const MEMBERS: &str = "select u.id, u.name, u.words, u.role from team_member m join user u on u.id = m.user_id where m.team_id = ? order by u.name collate nocase, u.id";
    let mut members = tx.sql.prepare_cached(MEMBERS).refuse()?;
    let mut out = Vec::with_capacity(rows.len());
    for (id, name) in rows {
        let people: Vec<(i64, String, String, Role)> = members
            .query_map([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, user::role_at(row, 3)?)))
            .refuse()?
            .collect::<Result<_, _>>()
            .refuse()?;
        let people = people.into_iter().map(|(id, name, words, role)| Ok(Person { id: tx.seal(id)?, name, words, role })).collect::<Result<_, Refusal>>()?;
        out.push(Listed { id: tx.seal(id)?, name, people });
    }
    Ok(out)
}

/// All teams by name, for whoever manages a case and may give them access: opaque id and name.
pub fn offered<P: Covers<Manage>, M>(case: &Access<'_, P, Case, M>) -> Result<Vec<(Sealed<Team>, String)>, Refusal> {
    let tx = case.tx();
    let mut teams = tx.sql.prepare_cached("select id, name from team order by name").refuse()?;
    let rows: Vec<(i64, String)> = teams.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).refuse()?.collect::<Result<_, _>>().refuse()?;
    rows.into_iter().map(|(id, name)| Ok((tx.seal(id)?, name))).collect()
}

/// Row id of a team chosen in a form.
pub(crate) fn chosen<M>(tx: &Tx<'_, M>, team: &Sealed<Team>) -> Result<Option<i64>, Refusal> {
    let Ok(id) = tx.core.keys.ids.open(team) else { return Ok(None) };
    Ok(tx.sql.prepare_cached("select 1 from team where id = ?").refuse()?.exists([id]).refuse()?.then_some(id))
}

/// Makes a team without anybody in it.
pub fn make(charge: &Charge<'_, Writing>, name: &str) -> Result<(), Refusal> {
    let tx = charge.tx();
    let name = meant(charge, name, None)?;
    tx.sql.execute("insert into team (name, created) values (?, ?)", params![name, tx.now().0]).refuse()?;
    record(charge, tx.sql.last_insert_rowid(), None);
    Ok(())
}

/// Renames a team.
pub fn rename(charge: &Charge<'_, Writing>, team: &Sealed<Team>, name: &str) -> Result<(), Refusal> {
    let id = open(charge, team)?;
    let name = meant(charge, name, Some(id))?;
    charge.tx().sql.execute("update team set name = ?2 where id = ?1", params![id, name]).refuse()?;
    record(charge, id, None);
    Ok(())
}

/// Puts somebody of the firm into a team: what the team was given counts for them, and its walls keep them out. Nobody puts themselves in,
/// because that would give them access; nor anybody who owns or supervises a case that the team is kept out of.
pub fn add(charge: &Charge<'_, Writing>, team: &Sealed<Team>, person: &Sealed<User>) -> Result<(), Refusal> {
    let id = open(charge, team)?;
    let tx = charge.tx();
    let user = user::chosen_staff(tx, person)?.ok_or_else(|| Refusal::invalid("user", "Choose a colleague who works on cases"))?;
    if user == tx.actor().user {
        tx.record(Verb::TeamChange, None, Some((Kind::Team, id)), Some(user), true);
        return Err(Refusal::invalid("user", "Nobody puts themselves into a team, because a team gives access to cases. Ask somebody else who looks after accounts."));
    }
    const LEFT_ALONE: &str = "select exists (select 1 from team_wall w join cases c on c.id = w.case_id where w.team_id = ?1 and (c.owner_id = ?2 or c.supervisor_id = ?2))";
    if tx.sql.query_row(LEFT_ALONE, [id, user], |row| row.get(0)).refuse()? {
        return Err(Refusal::invalid("user", "This colleague owns or supervises a case that the team is kept out of. Have that case handed over first."));
    }
    tx.sql.execute("insert into team_member (team_id, user_id) values (?, ?) on conflict do nothing", params![id, user]).refuse()?;
    record(charge, id, Some(user));
    Ok(())
}

/// Takes somebody out of a team. What the team was kept out of, they stay kept out of, each by a wall of their own.
pub fn take_out(charge: &Charge<'_, Writing>, team: &Sealed<Team>, person: &Sealed<User>) -> Result<(), Refusal> {
    let id = open(charge, team)?;
    let user = charge.tx().core.keys.ids.open(person).map_err(|_| Refusal::NotFound)?;
    leave(charge.tx(), id, user)?;
    record(charge, id, Some(user));
    Ok(())
}

/// Ends a membership, and writes down the walls that stay.
pub(crate) fn leave(tx: &Tx<'_, Writing>, team: i64, user: i64) -> Result<(), Refusal> {
    const KEPT: &str = "select w.case_id from team_wall w join team_member m on m.team_id = w.team_id and m.user_id = ?2
        where w.team_id = ?1 and not exists (select 1 from walls o where o.case_id = w.case_id and o.user_id = ?2) order by w.case_id";
    let kept: Vec<i64> = tx.sql.prepare_cached(KEPT).refuse()?.query_map([team, user], |row| row.get(0)).refuse()?.collect::<Result<_, _>>().refuse()?;
    tx.sql.execute("delete from team_member where team_id = ? and user_id = ?", [team, user]).refuse()?;
    kept.into_iter().for_each(|case| tx.record(Verb::WallRaise, Some(case), Some((Kind::User, user)), None, false));
    Ok(())
}

/// Removes a team. Its people stay, and so do its walls, against each of them; what it was given is taken back.
pub fn remove(charge: &Charge<'_, Writing>, team: &Sealed<Team>) -> Result<(), Refusal> {
    let id = open(charge, team)?;
    let tx = charge.tx();
    let rows = |query: &str| -> rusqlite::Result<Vec<i64>> { tx.sql.prepare(query)?.query_map([id], |row| row.get(0))?.collect() };
    for user in rows("select user_id from team_member where team_id = ? order by user_id").refuse()? {
        leave(tx, id, user)?;
    }
    for (verb, table) in [(Verb::AccessRevoke, "team_grant"), (Verb::WallLower, "team_wall")] {
        for case in rows(&format!("delete from {table} where team_id = ? returning case_id")).refuse()? {
            tx.record(verb, Some(case), Some((Kind::Team, id)), None, false);
        }
    }
    tx.sql.execute("delete from team where id = ?", [id]).refuse()?;
    record(charge, id, None);
    Ok(())
}

fn open(charge: &Charge<'_, Writing>, team: &Sealed<Team>) -> Result<i64, Refusal> {
    let tx = charge.tx();
    let found = chosen(tx, team)?;
    if found.is_none() {
        tx.record(Verb::TeamChange, None, Some((Kind::Team, 0)), None, true);
    }
    found.ok_or(Refusal::NotFound)
}

fn meant(charge: &Charge<'_, Writing>, name: &str, but: Option<i64>) -> Result<String, Refusal> {
    let name = text::line("name", "The name of the team", name, NAME_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    let mut taken = charge.tx().sql.prepare_cached("select 1 from team where name = ? collate nocase and id is not ?").refuse()?;
    match taken.exists(params![name, but]).refuse()? {
        true => Err(Refusal::Invalid(vec![Problem::new("name", format!("There is a team “{name}” already. Choose another name."))])),
        false => Ok(name),
    }
}

fn record(charge: &Charge<'_, Writing>, team: i64, person: Option<i64>) {
    charge.tx().record(Verb::TeamChange, None, Some((Kind::Team, team)), person, false);
}
