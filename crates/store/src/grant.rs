//! Who may see a case: grants and walls, of people and of teams. Who can see it, and why, is in [`crate::seers`].

use crate::{Access, Writing, error::Refuse, team, user};
use rules::{Case, Covers, Kind, Level, Manage, Refusal, Role, Sealed, Team, User, Verb, text};
use rusqlite::params;

/// Longest reason, in characters.
pub const REASON_MAX: usize = 200;

/// A person or a team, as a form names one: an opaque id that is genuine for one of the two.
#[derive(Clone, Debug)]
pub struct Whom {
    person: Sealed<User>,
    team: Sealed<Team>,
}

impl Whom {
    /// Takes what stood in the form.
    pub fn from_form(text: &str) -> Whom {
        Whom { person: Sealed::from_url(text), team: Sealed::from_url(text) }
    }
}

/// Somebody whom a grant or a wall is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Party {
    Person(i64),
    Team(i64),
}

impl Party {
    fn object(self) -> (Kind, i64) {
        match self {
            Party::Person(id) => (Kind::User, id),
            Party::Team(id) => (Kind::Team, id),
        }
    }

    /// Table of grants, table of walls, and the column that names whom they are about.
    const fn tables(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Party::Person(_) => ("grants", "walls", "user_id"),
            Party::Team(_) => ("team_grant", "team_wall", "team_id"),
        }
    }

    /// Whether it is this person, or has them in it.
    fn holds<P>(self, case: &Access<'_, P, Case, Writing>, user: i64) -> Result<bool, Refusal> {
        match self {
            Party::Person(id) => Ok(id == user),
            Party::Team(id) => case.sql().prepare_cached("select 1 from team_member where team_id = ? and user_id = ?").refuse()?.exists([id, user]).refuse(),
        }
    }
}

/// Whom a form chose, with the most that they can be given; `None` when it chose nobody who could be.
fn chosen<P>(case: &Access<'_, P, Case, Writing>, whom: &Whom) -> Result<Option<(Party, Role)>, Refusal> {
    if let Some((id, role)) = user::chosen_grantable(case.tx(), &whom.person)? {
        return Ok(Some((Party::Person(id), role)));
    }
    Ok(team::chosen(case.tx(), &whom.team)?.map(|id| (Party::Team(id), Role::Staff)))
}

/// Whom a button names: whoever has a grant or wall, whatever became of their account.
fn named<P>(case: &Access<'_, P, Case, Writing>, whom: &Whom) -> Result<Party, Refusal> {
    let ids = &case.tx().core.keys.ids;
    match (ids.open(&whom.person), ids.open(&whom.team)) {
        (Ok(id), _) => Ok(Party::Person(id)),
        (_, Ok(id)) => Ok(Party::Team(id)),
        _ => Err(Refusal::NotFound),
    }
}

fn record<P>(case: &Access<'_, P, Case, Writing>, verb: Verb, party: Party, detail: Option<i64>) {
    case.tx().record(verb, Some(case.id()), Some(party.object()), detail, false);
}

/// Gives `level` to a person or a team, or changes what they were given.
pub fn give<P: Covers<Manage>>(case: &Access<'_, P, Case, Writing>, to: &Whom, level: Level, reason: &str) -> Result<(), Refusal> {
    let tx = case.tx();
    let reason = text::optional_line("reason", "The reason", reason, REASON_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    let (party, role) = chosen(case, to)?.ok_or_else(|| Refusal::invalid("user", "Choose a person or a team from the list"))?;
    if party == Party::Person(owner_of(case)?) {
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
    let (grants, _, column) = party.tables();
    let query = format!(
        "insert into {grants} (case_id, {column}, level, reason, by_id, at) values (?, ?, ?, ?, ?, ?)
        on conflict (case_id, {column}) do update set level = excluded.level, reason = excluded.reason, by_id = excluded.by_id, at = excluded.at"
    );
    let mut put = tx.sql.prepare_cached(&query).refuse()?;
    put.execute(params![case.id(), party.object().1, level as i64, reason, tx.actor().user, tx.now().0]).refuse()?;
    keep_reason(case, party, reason.as_deref())?;
    record(case, Verb::AccessGrant, party, Some(level as i64));
    Ok(())
}

/// Keeps what was said for the history. Of two changes in one millisecond the first reason stands.
fn keep_reason<P>(case: &Access<'_, P, Case, Writing>, party: Party, reason: Option<&str>) -> Result<(), Refusal> {
    let Some(reason) = reason else { return Ok(()) };
    const SQL: &str = "insert into reason (case_id, kind, object, at, text) values (?, ?, ?, ?, ?) on conflict do nothing";
    let (kind, object) = party.object();
    case.sql().execute(SQL, params![case.id(), kind.tag(), object, case.tx().now().0, reason]).map(drop).refuse()
}

fn owner_of<P>(case: &Access<'_, P, Case, Writing>) -> Result<i64, Refusal> {
    case.sql().query_row("select owner_id from cases where id = ?", [case.id()], |row| row.get(0)).refuse()
}

/// Removes the row about somebody from a table of grants or walls; gives how many there were.
fn take_away<P>(case: &Access<'_, P, Case, Writing>, table: &str, party: Party) -> Result<usize, Refusal> {
    let query = format!("delete from {table} where case_id = ? and {} = ?", party.tables().2);
    case.sql().prepare_cached(&query).refuse()?.execute([case.id(), party.object().1]).refuse()
}

/// Takes a grant back. Owner and supervisor keep what they have by that, and people what a team of theirs was given.
pub fn revoke<P: Covers<Manage>>(case: &Access<'_, P, Case, Writing>, from: &Whom) -> Result<(), Refusal> {
    let party = named(case, from)?;
    if take_away(case, party.tables().0, party)? == 0 {
        return Err(Refusal::invalid("user", "There is no such grant on the case any more. Look at the list again."));
    }
    record(case, Verb::AccessRevoke, party, None);
    Ok(())
}

/// Puts up a wall: the person, or everybody in the team, is kept out, whatever they were granted. Nobody walls off the owner or
/// themselves.
pub fn raise_wall<P: Covers<Manage>>(case: &Access<'_, P, Case, Writing>, against: &Whom, reason: &str) -> Result<(), Refusal> {
    let tx = case.tx();
    let reason = text::line("wall_reason", "The reason", reason, REASON_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    let (party, _) = chosen(case, against)?.ok_or_else(|| Refusal::invalid("wall_user", "Choose a person or a team from the list"))?;
    if party.holds(case, owner_of(case)?)? || party.holds(case, tx.actor().user)? {
        return Err(Refusal::invalid("wall_user", match party {
            Party::Person(_) => "The owner cannot be kept out, and nobody keeps themselves out. Choose another owner first.",
            Party::Team(_) => "The owner or you yourself are in this team. Keep its other people out one by one, or choose another owner first.",
        }));
    }
    let (_, walls, column) = party.tables();
    let query = format!("insert into {walls} (case_id, {column}, reason, by_id, at) values (?, ?, ?, ?, ?) on conflict do nothing");
    let raised = tx.sql.prepare_cached(&query).refuse()?.execute(params![case.id(), party.object().1, reason, tx.actor().user, tx.now().0]).refuse()?;
    if raised == 0 {
        return Err(Refusal::invalid("wall_user", "There is such a wall already. Look at the list again."));
    }
    keep_reason(case, party, Some(&reason))?;
    record(case, Verb::WallRaise, party, None);
    Ok(())
}

/// Takes a wall down; what was granted counts again.
pub fn lower_wall<P: Covers<Manage>>(case: &Access<'_, P, Case, Writing>, against: &Whom, reason: &str) -> Result<(), Refusal> {
    let reason = text::line("unwall_reason", "The reason", reason, REASON_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    let party = named(case, against)?;
    if take_away(case, party.tables().1, party)? == 0 {
        return Err(Refusal::invalid("wall_user", "There is no such wall any more. Look at the list again."));
    }
    keep_reason(case, party, Some(&reason))?;
    record(case, Verb::WallLower, party, None);
    Ok(())
}
