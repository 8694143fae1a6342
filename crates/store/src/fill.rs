//! Filling a new site quickly with people and cases: for the demo and for tests. Everything goes through the writer, many cases to a commit.

use crate::{
    Site, Tx, Writing, alias,
    blob::Blob,
    error::Refuse,
    setup,
    site::Core,
    user::{self, NewUser},
};
use rules::{Actor, Level, Moment, Refusal, UserKind, case::Status, contact::Part};
use rusqlite::{Connection, OptionalExtension, params};

/// A case to be made, with everything known.
pub struct NewCase {
    /// Reference.
    pub reference: String,
    /// Title.
    pub title: String,
    /// Summary.
    pub summary: String,
    /// Name of the type.
    pub type_name: &'static str,
    /// Status.
    pub status: Status,
    /// How it ended.
    pub outcome: Option<&'static str>,
    /// Row id of the owner.
    pub owner: i64,
    /// Row id of the supervisor.
    pub supervisor: Option<i64>,
    /// When it was opened.
    pub opened: Moment,
    /// Grants: user, level, reason.
    pub grants: Vec<(i64, Level, Option<&'static str>)>,
    /// Grants to teams: row id of the team, level, reason.
    pub teams: Vec<(i64, Level, Option<&'static str>)>,
    /// Walls: user, reason.
    pub walls: Vec<(i64, &'static str)>,
    /// Who plays which part.
    pub parties: Vec<NewParty>,
    /// Documents: name, content, who added it and when.
    pub documents: Vec<(String, Blob, i64, Moment)>,
}

/// A contact and its part in a case.
pub struct NewParty {
    /// Name. One that an account belongs to is taken where there is one, else a new contact is made.
    pub name: String,
    /// It is an organisation, not a person.
    pub organisation: bool,
    /// Which part.
    pub part: Part,
    /// The firm acts for them.
    pub is_client: bool,
}

impl Site {
    /// Makes accounts; gives their row ids in order. One whose address is there already stays as it is. The site counts as set up.
    pub async fn fill_people(&self, people: Vec<NewUser>) -> Result<Vec<i64>, Refusal> {
        self.submit(false, move |sql, core| {
            core.settings_changed();
            let filled = setup::skip(sql).refuse().and_then(|()| people.iter().map(|person| put_person(sql, core, person)).collect());
            (filled, Vec::new())
        })
        .await
    }

    /// Makes teams of these people; gives their row ids in order. Those that are there already stay as they are.
    pub async fn fill_teams(&self, teams: Vec<(&'static str, Vec<i64>)>) -> Result<Vec<i64>, Refusal> {
        let put = move |sql: &Connection, now: Moment| -> rusqlite::Result<Vec<i64>> { teams.iter().map(|(name, people)| put_team(sql, now, name, people)).collect() };
        self.submit(false, move |sql, core| (put(sql, core.now()).refuse(), Vec::new())).await
    }

    /// Makes the types of case; those that are there already stay.
    pub async fn fill_types(&self, names: &'static [&'static str]) -> Result<(), Refusal> {
        let put = move |sql: &Connection| names.iter().try_for_each(|name| sql.execute("insert or ignore into case_type (name) values (?)", [name]).map(drop));
        self.submit(false, move |sql, _| (put(sql).refuse(), Vec::new())).await
    }

    /// Keeps a setting.
    pub async fn set(&self, key: &'static str, value: String) -> Result<(), Refusal> {
        const SQL: &str = "insert into setting (key, value) values (?1, ?2) on conflict (key) do update set value = ?2";
        self.submit(false, move |sql, _| (sql.execute(SQL, (key, value)).map(drop).refuse(), Vec::new())).await
    }

    /// Whether there is no case with this reference: files are made only for those that are to be put in.
    pub fn lacks_case(&self, reference: &str) -> Result<bool, Refusal> {
        self.door(|sql| Ok(!sql.prepare_cached("select 1 from cases where reference = ?").refuse()?.exists([reference]).refuse()?))
    }

    /// Makes cases in one commit; those whose reference is there already are left out, so that an interrupted filling can go on.
    pub async fn fill_cases(&self, cases: Vec<NewCase>) -> Result<(), Refusal> {
        self.submit(false, move |sql, core| {
            let actor = Actor::console();
            let tx: Tx<'_, Writing> = Tx::new(sql, core, &actor);
            let done = cases.iter().try_for_each(|case| put_case(sql, core, &tx, case));
            (done, tx.into_events())
        })
        .await
    }

    /// Sets the counter of references of a year, so that new cases go on after the filled ones.
    pub async fn fill_counter(&self, year: i64, last: i64) -> Result<(), Refusal> {
        const SQL: &str = "insert into counter (name, last) values (?1, ?2) on conflict (name) do update set last = max(last, ?2)";
        self.submit(false, move |sql, _| (sql.execute(SQL, (format!("case.{year}"), last)).map(drop).refuse(), Vec::new())).await
    }
}

fn put_person(sql: &Connection, core: &Core, person: &NewUser) -> Result<i64, Refusal> {
    let index = core.keys.fields.index("email", &person.email);
    match sql.query_row("select id from user where email_index = ?", [index], |row| row.get(0)).optional().refuse()? {
        Some(id) => Ok(id),
        None => {
            let id = user::create(sql, core, person)?;
            if person.role.kind() == UserKind::Client {
                put_contact(sql, core, id, &person.name).refuse()?;
            }
            Ok(id)
        }
    }
}

fn put_team(sql: &Connection, now: Moment, name: &str, people: &[i64]) -> rusqlite::Result<i64> {
    if sql.execute("insert or ignore into team (name, created) values (?, ?)", params![name, now.0])? > 0 {
        let team = sql.last_insert_rowid();
        people.iter().try_for_each(|person| sql.execute("insert into team_member (team_id, user_id) values (?, ?)", [team, *person]).map(drop))?;
    }
    sql.query_row("select id from team where name = ?", [name], |row| row.get(0))
}

/// An account of a client belongs to a contact.
fn put_contact(sql: &Connection, core: &Core, user: i64, name: &str) -> rusqlite::Result<()> {
    sql.execute("insert into contact (kind, name, created, changed) values ('person', ?1, ?2, ?2)", params![name, core.now().0])?;
    let contact = sql.last_insert_rowid();
    sql.execute("insert into user_contact (user_id, contact_id) values (?, ?)", [user, contact])?;
    alias::index(sql, contact)
}

/// The parties of a case, and the decision about conflicts where there was one.
fn put_parties(sql: &Connection, case: &NewCase, id: i64) -> rusqlite::Result<()> {
    for party in &case.parties {
        const THERE: &str = "select c.id from contact c join user_contact u on u.contact_id = c.id where c.name = ? collate nocase limit 1";
        let contact = match sql.prepare_cached(THERE)?.query_row([&party.name], |row| row.get(0)).optional()? {
            Some(contact) => contact,
            None => {
                let kind = if party.organisation { "organisation" } else { "person" };
                sql.prepare_cached("insert into contact (kind, name, created, changed) values (?1, ?2, ?3, ?3)")?.execute(params![kind, party.name, case.opened.0])?;
                let contact = sql.last_insert_rowid();
                alias::index(sql, contact)?;
                contact
            }
        };
        const PARTY: &str = "insert into party (case_id, contact_id, role, is_client, by_id, at) values (?, ?, ?, ?, ?, ?)";
        sql.prepare_cached(PARTY)?.execute(params![id, contact, party.part.value(), party.is_client, case.owner, case.opened.0])?;
    }
    if matches!(case.status, Status::Enquiry | Status::Declined) || case.parties.is_empty() {
        return Ok(());
    }
    const CHECK: &str = "insert into conflict_check (case_id, terms, parties, found, decision, by_id, at)
        select ?1, (select json_group_array(c.name) from party p join contact c on c.id = p.contact_id where p.case_id = ?1), (select json_group_array(contact_id) from party where case_id = ?1), '[]', 'clear', ?2, ?3";
    sql.prepare_cached(CHECK)?.execute(params![id, case.owner, case.opened.0]).map(drop)
}

fn put_case(sql: &Connection, core: &Core, tx: &Tx<'_, Writing>, case: &NewCase) -> Result<(), Refusal> {
    if crate::case::exists(sql, &case.reference).refuse()? {
        return Ok(());
    }
    let type_id: i64 = sql.prepare_cached("select id from case_type where name = ?").refuse()?.query_row([case.type_name], |row| row.get(0)).refuse()?;
    let closed = (!case.status.is_live()).then(|| case.opened.plus(rules::when::DAY * 60).0.min(core.now().0));
    const CASE: &str = "insert into cases (reference, title, summary, type_id, status, outcome, owner_id, supervisor_id, opened, closed, changed, changed_by) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut put = sql.prepare_cached(CASE).refuse()?;
    let row = params![case.reference, case.title, case.summary, type_id, case.status.value(), case.outcome, case.owner, case.supervisor, case.opened.0, closed, case.opened.0, case.owner];
    put.execute(row).refuse()?;
    let id = sql.last_insert_rowid();
    let mut grant = sql.prepare_cached("insert into grants (case_id, user_id, level, reason, by_id, at) values (?, ?, ?, ?, ?, ?)").refuse()?;
    for (user, level, reason) in &case.grants {
        grant.execute(params![id, user, *level as i64, reason, case.owner, case.opened.0]).refuse()?;
    }
    for (team, level, reason) in &case.teams {
        const TEAM: &str = "insert into team_grant (case_id, team_id, level, reason, by_id, at) values (?, ?, ?, ?, ?, ?)";
        sql.execute(TEAM, params![id, team, *level as i64, reason, case.owner, case.opened.0]).refuse()?;
    }
    for (user, reason) in &case.walls {
        sql.execute("insert into walls (case_id, user_id, reason, by_id, at) values (?, ?, ?, ?, ?)", params![id, user, reason, case.owner, case.opened.0]).refuse()?;
    }
    put_parties(sql, case, id).refuse()?;
    for (name, blob, by, at) in &case.documents {
        sql.execute("insert into document (case_id, name, added) values (?, ?, ?)", params![id, name, at.0]).refuse()?;
        let document = sql.last_insert_rowid();
        const VERSION: &str = "insert into version (document_id, n, sha256, size, blob, blob_key, by_id, at) values (?, 1, ?, ?, ?, ?, ?, ?)";
        sql.execute(VERSION, params![document, blob.sha256, blob.size.cast_signed(), blob.name, blob.wrapped, by, at.0]).refuse()?;
    }
    tx.record(rules::Verb::CaseOpen, Some(id), None, None, false);
    Ok(())
}
