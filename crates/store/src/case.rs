//! A case: opening one, reading it, changing it.

use crate::{
    Access, Tx, Writing,
    access::OfCase,
    conflict::{self, Standing},
    error::Refuse,
    user,
};
use rules::{Case, Contribute, Covers, Kind, Level, Manage, Moment, Problem, Read, Refusal, Sealed, User, Verb, case::Status, text};
use rusqlite::{OptionalExtension, params};

/// Longest title, in characters.
pub const TITLE_MAX: usize = 120;
/// Longest summary, in characters.
pub const SUMMARY_MAX: usize = 2000;

/// What the header of every page of a case shows.
pub struct File {
    /// Opaque id.
    pub id: Sealed<Case>,
    /// "PH-2026-0147".
    pub reference: String,
    /// Title.
    pub title: String,
    /// Status.
    pub status: Status,
    /// Type of case.
    pub type_name: String,
    /// Name of the owner.
    pub owner: String,
    /// Name of the supervisor.
    pub supervisor: Option<String>,
    /// When it was opened.
    pub opened: Moment,
    /// When it was closed.
    pub closed: Option<Moment>,
    /// How many people in the firm can read it.
    pub people: usize,
    /// How many are kept out by a wall.
    pub walls: usize,
    /// Documents not in the trash.
    pub documents: usize,
    /// Level of the one who asks.
    pub level: Level,
}

/// The rest of the case page.
pub struct Details {
    /// What the clients want.
    pub summary: Option<String>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Why it was opened again.
    pub reopened: Option<String>,
    /// When it was last changed.
    pub changed: Moment,
    /// By whom.
    pub changed_by: String,
    /// Counts changes.
    pub version: i64,
    /// Opaque id of the owner.
    pub owner: Sealed<User>,
    /// Opaque id of the supervisor.
    pub supervisor: Option<Sealed<User>>,
    /// Row id of the type, as forms use it.
    pub type_id: i64,
}

/// The header of a case.
pub fn file<P: Covers<Read>, E: OfCase, M>(at: &Access<'_, P, E, M>) -> Result<File, Refusal> {
    const SQL: &str = "select c.reference, c.title, c.status, t.name, o.name, s.name, c.opened, c.closed,
            (select count(*) from sight v join user u on u.id = v.user_id where v.case_id = c.id and v.level >= 2 and u.kind = 'staff'),
            c.walls, c.documents
        from cases c join case_type t on t.id = c.type_id join user o on o.id = c.owner_id left join user s on s.id = c.supervisor_id where c.id = ?";
    let (id, level) = (at.tx().seal(at.case_id())?, at.level());
    let mut statement = at.sql().prepare_cached(SQL).refuse()?;
    let found = statement.query_row([at.case_id()], |row| {
        Ok(File {
            id,
            reference: row.get(0)?,
            title: row.get(1)?,
            status: status(row.get_ref(2)?.as_str()?)?,
            type_name: row.get(3)?,
            owner: row.get(4)?,
            supervisor: row.get(5)?,
            opened: Moment(row.get(6)?),
            closed: row.get::<_, Option<i64>>(7)?.map(Moment),
            people: row.get(8)?,
            walls: row.get(9)?,
            documents: row.get(10)?,
            level,
        })
    });
    found.refuse()
}

pub(crate) fn status(value: &str) -> rusqlite::Result<Status> {
    Status::from_value(value).ok_or(rusqlite::Error::InvalidQuery)
}

/// The rest of the case page.
pub fn details<P: Covers<Read>, M>(case: &Access<'_, P, Case, M>) -> Result<Details, Refusal> {
    const SQL: &str = "select c.summary, c.outcome, c.changed, u.name, c.version, c.owner_id, c.supervisor_id, c.type_id, c.reopened
        from cases c join user u on u.id = c.changed_by where c.id = ?";
    let tx = case.tx();
    let mut statement = case.sql().prepare_cached(SQL).refuse()?;
    let (details, owner, supervisor) = statement
        .query_row([case.id()], |row| {
            let half = (row.get(0)?, row.get(1)?, Moment(row.get(2)?), row.get(3)?, row.get(4)?, row.get(7)?, row.get(8)?);
            Ok((half, row.get::<_, i64>(5)?, row.get::<_, Option<i64>>(6)?))
        })
        .refuse()?;
    let (summary, outcome, changed, changed_by, version, type_id, reopened) = details;
    let supervisor = supervisor.map(|id| tx.seal(id)).transpose()?;
    Ok(Details { summary, outcome, reopened, changed, changed_by, version, owner: tx.seal(owner)?, supervisor, type_id })
}

/// The types of case of the site: row id and name, by name.
pub fn types<M>(tx: &Tx<'_, M>) -> Result<Vec<(i64, String)>, Refusal> {
    let mut statement = tx.sql.prepare_cached("select id, name from case_type order by name").refuse()?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.refuse()?.collect::<Result<_, _>>().refuse()
}

/// What was typed into the form of a case, new or old.
#[derive(Clone, Debug)]
pub struct Typed {
    /// Title.
    pub title: String,
    /// Summary.
    pub summary: String,
    /// Row id of the type.
    pub type_id: String,
    /// Owner.
    pub owner: Sealed<User>,
    /// Supervisor; empty for none.
    pub supervisor: Sealed<User>,
}

/// What it means.
struct Meant {
    title: String,
    summary: Option<String>,
    type_id: i64,
    owner: i64,
    supervisor: Option<i64>,
}

impl Typed {
    /// All mistakes at once; a fault of the database is none of the person's.
    fn meant<M>(&self, tx: &Tx<'_, M>) -> Result<Result<Meant, Vec<Problem>>, Refusal> {
        let mut problems = Vec::new();
        let mut keep = |problem: Problem| problems.push(problem);
        let title = text::line("title", "The title", &self.title, TITLE_MAX).map_err(&mut keep).ok();
        let summary = text::prose("summary", "The summary", &self.summary, SUMMARY_MAX).map_err(&mut keep).ok();
        let known = |id: i64| tx.sql.query_row("select id from case_type where id = ?", [id], |row| row.get::<_, i64>(0)).optional().refuse();
        let type_id = self.type_id.parse().ok().map(known).transpose()?.flatten();
        if type_id.is_none() {
            keep(Problem::new("type", "Choose the type of case"));
        }
        let owner = user::chosen_staff(tx, &self.owner)?;
        if owner.is_none() {
            keep(Problem::new("owner", "Choose who owns this case"));
        }
        let supervisor = match self.supervisor.as_str() {
            "" => Some(None),
            _ => user::chosen_staff(tx, &self.supervisor)?.map(Some),
        };
        if supervisor.is_none() {
            keep(Problem::new("supervisor", "Choose a supervisor from the list, or nobody"));
        }
        Ok(match (title, summary, type_id, owner, supervisor) {
            (Some(title), Some(summary), Some(type_id), Some(owner), Some(supervisor)) => Ok(Meant { title, summary, type_id, owner, supervisor }),
            _ => Err(problems),
        })
    }
}

/// Keeps an enquiry; a decision about conflicts makes it a case ([`open`]). Staff only. Whoever does it for another owner keeps a level of their
/// own: `manage`.
pub fn enquire(tx: &Tx<'_, Writing>, typed: &Typed) -> Result<Sealed<Case>, Refusal> {
    if !tx.actor().role.works() {
        tx.record(Verb::CaseOpen, None, None, None, true);
        return Err(Refusal::Forbidden("Your account opens no cases. Ask a colleague who works on them.".into()));
    }
    let meant = typed.meant(tx)?.map_err(Refusal::Invalid)?;
    let (me, now) = (tx.actor().user, tx.now().0);
    let reference = next_reference(tx)?;
    const SQL: &str = "insert into cases (reference, title, summary, type_id, status, owner_id, supervisor_id, opened, changed, changed_by) values (?, ?, ?, ?, 'enquiry', ?, ?, ?, ?, ?)";
    tx.sql.execute(SQL, params![reference, meant.title, meant.summary, meant.type_id, meant.owner, meant.supervisor, now, now, me]).refuse()?;
    let id = tx.sql.last_insert_rowid();
    if meant.owner != me && meant.supervisor != Some(me) {
        const GRANT: &str = "insert into grants (case_id, user_id, level, reason, by_id, at) values (?, ?, 4, 'Opened the case', ?, ?)";
        tx.sql.execute(GRANT, params![id, me, me, now]).refuse()?;
    }
    tx.record(Verb::CaseOpen, Some(id), None, None, false);
    handed(tx, id, (me, None), (meant.owner, meant.supervisor));
    tx.seal(id)
}

/// Opens an enquiry as a case: the decision about conflicts must let it.
pub fn open<P: Covers<Manage>>(case: &Access<'_, P, Case, Writing>) -> Result<(), Refusal> {
    let tx = case.tx();
    if let Some(problem) = kept_back(tx.sql, case.id()).refuse()? {
        return Err(Refusal::Invalid(vec![problem]));
    }
    const SQL: &str = "update cases set status = 'open', changed = ?2, changed_by = ?3, version = version + 1 where id = ?1 and status = 'enquiry'";
    match tx.sql.execute(SQL, params![case.id(), tx.now().0, tx.actor().user]).refuse()? {
        0 => Err(Refusal::Conflict),
        _ => {
            tx.record(Verb::CaseChange, Some(case.id()), None, None, false);
            Ok(())
        }
    }
}

/// What keeps an enquiry from becoming a case.
fn kept_back(sql: &rusqlite::Connection, case: i64) -> rusqlite::Result<Option<Problem>> {
    Ok(match conflict::standing_of(sql, case)? {
        Standing::Decided(decision) if decision.lets_act() => None,
        Standing::Decided(_) => Some(Problem::new("status", "A conflict was found for this enquiry. It can be declined, or decided anew under “Parties & conflicts”.")),
        Standing::Outdated => Some(Problem::new("status", "A party was added since conflicts were decided about. Look once more under “Parties & conflicts”, then open it.")),
        Standing::Open => Some(Problem::new("status", "A case is opened after a check for conflicts. Make it under “Parties & conflicts”, then open it.")),
    })
}

/// The next reference of the year: PREFIX-YEAR-NNNN.
pub(crate) fn next_reference(tx: &Tx<'_, Writing>) -> Result<String, Refusal> {
    let settings = tx.core.settings();
    let firm = &settings.firm;
    let year = tx.now().year(&firm.zone);
    const SQL: &str = "insert into counter (name, last) values (?, 1) on conflict (name) do update set last = last + 1 returning last";
    let n: i64 = tx.sql.query_row(SQL, [format!("case.{year}")], |row| row.get(0)).refuse()?;
    Ok(format!("{}-{year}-{n:04}", firm.prefix))
}

/// A change to a case: everything the form holds.
#[derive(Clone, Debug)]
pub struct Change {
    /// The typed part.
    pub typed: Typed,
    /// Status.
    pub status: Status,
    /// How it ended; needed for closing.
    pub outcome: String,
    /// Why it is open again; needed for that, and kept with the case.
    pub reason: String,
    /// The version that the form was made from.
    pub version: i64,
}

/// Changes a case, if nobody else has since the form was made ([`Refusal::Conflict`] otherwise).
///
/// Whoever contributes may change the words; type, people, status and outcome need `manage`.
pub fn change<P: Covers<Contribute>>(case: &Access<'_, P, Case, Writing>, change: &Change) -> Result<(), Refusal> {
    let tx = case.tx();
    const NOW: &str = "select version, status, owner_id, supervisor_id, type_id, outcome, closed from cases where id = ?";
    let (version, old, owner, supervisor, type_id, before, closed) = tx
        .sql
        .query_row(NOW, [case.id()], |row| {
            let people: (i64, Option<i64>, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
            Ok((row.get::<_, i64>(0)?, status(row.get_ref(1)?.as_str()?)?, people.0, people.1, people.2, row.get::<_, Option<String>>(5)?, row.get::<_, Option<i64>>(6)?))
        })
        .refuse()?;
    if version != change.version {
        return Err(Refusal::Conflict);
    }
    let (meant, outcome) = match (change.typed.meant(tx)?, next_outcome(old, change, before.clone())) {
        (Ok(meant), Ok(outcome)) => (meant, outcome),
        (meant, outcome) => return Err(Refusal::Invalid(meant.err().into_iter().chain(outcome.err()).flatten().collect())),
    };
    if let Some(problem) = kept_back(tx.sql, case.id()).refuse()?.filter(|_| (old, change.status) == (Status::Enquiry, Status::Open)) {
        return Err(Refusal::Invalid(vec![problem]));
    }
    let (outcome, reopened) = outcome;
    let moved = (meant.owner, meant.supervisor, meant.type_id, &outcome) != (owner, supervisor, type_id, &before) || change.status != old;
    if moved && case.level() < Level::Manage {
        tx.record(Verb::CaseChange, Some(case.id()), None, None, true);
        return Err(Refusal::Forbidden("Type, people, status and outcome are changed by those who manage the case. Ask the owner.".into()));
    }
    refuse_walled(case, &meant)?;
    let closed = match change.status {
        same if same == old => closed,
        Status::Closed | Status::Declined => Some(tx.now().0),
        _ => None,
    };
    const SQL: &str = "update cases set title = ?2, summary = ?3, type_id = ?4, status = ?5, owner_id = ?6, supervisor_id = ?7, outcome = ?8, closed = ?9,
        changed = ?10, changed_by = ?11, reopened = coalesce(?12, reopened), version = version + 1 where id = ?1";
    let who = (tx.now().0, tx.actor().user);
    tx.sql
        .execute(SQL, params![case.id(), meant.title, meant.summary, meant.type_id, change.status.value(), meant.owner, meant.supervisor, outcome, closed, who.0, who.1, reopened])
        .refuse()?;
    tx.record(Verb::CaseChange, Some(case.id()), None, None, false);
    handed(tx, case.id(), (owner, supervisor), (meant.owner, meant.supervisor));
    Ok(())
}

/// Owner and supervisor manage the case by being that: the trail names who became it, and whose supervision ended.
pub(crate) fn handed(tx: &Tx<'_, Writing>, case: i64, before: (i64, Option<i64>), after: (i64, Option<i64>)) {
    let told = |verb: Verb, user: i64| tx.record(verb, Some(case), Some((Kind::User, user)), None, false);
    if before.0 != after.0 {
        told(Verb::CaseHand, after.0);
    }
    match (before.1, after.1) {
        (before, after) if before == after => {}
        (Some(before), None) => told(Verb::SupervisionEnd, before),
        (_, after) => after.into_iter().for_each(|after| told(Verb::SupervisionBegin, after)),
    }
}

/// Nobody becomes owner or supervisor of a case that a wall keeps them out of: it could be left with nobody who can open it.
fn refuse_walled<P>(case: &Access<'_, P, Case, Writing>, meant: &Meant) -> Result<(), Refusal> {
    let mut walled = case.sql().prepare_cached("select exists (select 1 from kept_out where case_id = ? and user_id = ?)").refuse()?;
    let mut problems = Vec::new();
    for (field, user) in [("owner", Some(meant.owner)), ("supervisor", meant.supervisor)] {
        if let Some(user) = user
            && walled.query_row([case.id(), user], |row| row.get(0)).refuse()?
        {
            problems.push(Problem::new(field, "This person is kept out of the case by a wall. Choose somebody else, or take the wall down first."));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Refusal::Invalid(problems)) }
}

/// Outcome and reason of reopening after a change of status, or what is missing for the change.
fn next_outcome(old: Status, change: &Change, outcome: Option<String>) -> Result<(Option<String>, Option<String>), Vec<Problem>> {
    let wrong = |field, sentence: String| Err(vec![Problem::new(field, sentence)]);
    let line = |field, label, typed: &str| text::optional_line(field, label, typed, TITLE_MAX).map_err(|problem| vec![problem]);
    if !old.next().contains(&change.status) {
        return wrong("status", format!("A case that is “{}” cannot become “{}”", old.word(), change.status.word()));
    }
    match (old, change.status) {
        (_, Status::Closed) => match line("outcome", "The outcome", &change.outcome)? {
            Some(outcome) => Ok((Some(outcome), None)),
            None => wrong("outcome", "Say how the case ended before you close it".into()),
        },
        (Status::Closed, Status::Open) => match line("reason", "The reason", &change.reason)? {
            Some(reason) => Ok((None, Some(reason))),
            None => wrong("reason", "Say why the case is open again".into()),
        },
        _ => Ok((outcome, None)),
    }
}

/// Whether a case with this reference exists; for filling.
pub(crate) fn exists(sql: &rusqlite::Connection, reference: &str) -> rusqlite::Result<bool> {
    Ok(sql.query_row("select 1 from cases where reference = ?", [reference], |_| Ok(())).optional()?.is_some())
}
