//! Teams: several people of the firm under one name.

use crate::{
    Writing,
    charge::Charge,
    error::Refuse,
    user::{self, Person},
};
use rules::{Kind, Problem, Refusal, Role, Sealed, Team, User, Verb, text};
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

/// Puts somebody of the firm into a team.
pub fn add(charge: &Charge<'_, Writing>, team: &Sealed<Team>, person: &Sealed<User>) -> Result<(), Refusal> {
    let id = open(charge, team)?;
    let user = user::chosen_staff(charge.tx(), person)?.ok_or_else(|| Refusal::invalid("user", "Choose a colleague who works on cases"))?;
    charge.tx().sql.execute("insert into team_member (team_id, user_id) values (?, ?) on conflict do nothing", params![id, user]).refuse()?;
    record(charge, id, Some(user));
    Ok(())
}

/// Takes somebody out of a team.
pub fn take_out(charge: &Charge<'_, Writing>, team: &Sealed<Team>, person: &Sealed<User>) -> Result<(), Refusal> {
    let id = open(charge, team)?;
    let user = charge.tx().core.keys.ids.open(person).map_err(|_| Refusal::NotFound)?;
    charge.tx().sql.execute("delete from team_member where team_id = ? and user_id = ?", params![id, user]).refuse()?;
    record(charge, id, Some(user));
    Ok(())
}

/// Removes a team; its people stay.
pub fn remove(charge: &Charge<'_, Writing>, team: &Sealed<Team>) -> Result<(), Refusal> {
    let id = open(charge, team)?;
    charge.tx().sql.execute("delete from team_member where team_id = ?", [id]).refuse()?;
    charge.tx().sql.execute("delete from team where id = ?", [id]).refuse()?;
    record(charge, id, None);
    Ok(())
}

fn open(charge: &Charge<'_, Writing>, team: &Sealed<Team>) -> Result<i64, Refusal> {
    let tx = charge.tx();
    let found = tx.core.keys.ids.open(team).ok();
    let there = |id: i64| tx.sql.prepare_cached("select 1 from team where id = ?").refuse()?.exists([id]).refuse();
    match found {
        Some(id) if there(id)? => Ok(id),
        _ => {
            tx.record(Verb::TeamChange, None, Some((Kind::Team, 0)), None, true);
            Err(Refusal::NotFound)
        }
    }
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
