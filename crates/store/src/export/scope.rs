//! What an export is of: everything, all that is kept of one client, or one case.

use super::Snapshot;
use crate::error::Refuse;
use rules::{Level, Refusal, text};
use rusqlite::{Connection, params};

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole site.
    Everything,
    /// What is kept of one client, with the accounts that belonged to them when it was asked for.
    Client {
        /// Row id of the contact: see [`client`].
        contact: i64,
        /// Row id of the export.
        export: i64,
    },
    /// One case, by its row id: see [`Snapshot::case`].
    Case(i64),
}

/// A scope with the rows that belong to it. Lists are JSON arrays of row ids; `None` is all there are.
pub struct Chosen {
    /// What was chosen.
    pub scope: Scope,
    /// Name of the client, or reference of the case; empty for everything.
    pub name: String,
    pub(super) cases: Option<String>,
    /// Everybody who is named in what is exported.
    pub(super) people: Option<String>,
    /// Those of them whose own data it is.
    pub(super) own: Option<String>,
    pub(super) contacts: Option<String>,
}

impl Chosen {
    /// Whether what the firm notes for itself is in it: why access was given, walls, teams. In the data of a client it is not, because it may
    /// speak of others.
    pub fn is_inside(&self) -> bool {
        !matches!(self.scope, Scope::Client { .. })
    }
}

const OF_CASES: &str = "select owner_id from cases where id in (select value from json_each(?1))
    union select supervisor_id from cases where id in (select value from json_each(?1))
    union select changed_by from cases where id in (select value from json_each(?1))
    union select g.user_id from grants g join user u on u.id = g.user_id where g.case_id in (select value from json_each(?1)) and (?3 or u.kind != 'client')
    union select by_id from grants where case_id in (select value from json_each(?1))
    union select v.by_id from version v join document d on d.id = v.document_id where d.case_id in (select value from json_each(?1))
    union select trashed_by from document where case_id in (select value from json_each(?1))
    union select value from json_each(?2)";

/// The accounts of an export: those that belonged to the client when it was asked for, and still do.
pub(super) const ACCOUNTS: &str = "select a.user_id from export_account a join export e on e.id = a.export_id join user_contact l on l.contact_id = e.contact_id and l.user_id = a.user_id where a.export_id = ?1";

/// The level from which on somebody reads what is in a case.
pub(super) const READ: u8 = Level::Read as u8;

/// The client that somebody typed: by name, whatever its capitals, or as `#12` by the number that lists and exports give it.
pub fn client(sql: &Connection, typed: &str) -> Result<i64, Refusal> {
    let wrong = |text: String| Err(Refusal::invalid("client", text));
    let mut find = sql.prepare_cached("select id, name from contact where removed is null and merged_into is null order by name collate nocase, id").refuse()?;
    let all: Vec<(i64, String)> = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).refuse()?.collect::<Result<_, _>>().refuse()?;
    let typed = typed.trim();
    if let Some(number) = typed.strip_prefix('#').and_then(|number| number.split(' ').next()?.parse::<i64>().ok()) {
        return match all.iter().any(|(id, _)| *id == number) {
            true => Ok(number),
            false => wrong(format!("There is no client #{number}.")),
        };
    }
    let even = text::even(typed);
    let fits: Vec<&(i64, String)> = all.iter().filter(|(_, name)| !even.is_empty() && text::even(name) == even).collect();
    match fits.as_slice() {
        [(id, _)] => Ok(*id),
        [] if typed.is_empty() => wrong("Type the name of the client.".into()),
        [] => wrong(format!("There is no client with the name “{typed}”.")),
        several => {
            let numbers = several.iter().map(|(id, _)| format!("#{id}")).collect::<Vec<_>>().join(", ");
            wrong(format!("There are {} clients with the name “{typed}”. Give the number of one of them instead: {numbers}.", text::number(several.len())))
        }
    }
}

impl Snapshot<'_> {
    /// The case with this reference.
    pub fn case(&self, reference: &str) -> Result<Scope, Refusal> {
        let found = self.sql().query_row("select id from cases where reference = ? collate nocase", [reference.trim()], |row| row.get(0)).refuse();
        match found {
            Err(Refusal::NotFound) => Err(Refusal::invalid("case", format!("There is no case with the reference “{reference}”."))),
            found => found.map(Scope::Case),
        }
    }

    /// The rows that belong to a scope. A client has the cases that an account of theirs may read, by the same decision as on every page: a
    /// wall keeps a case out.
    pub fn choose(&self, scope: Scope) -> Result<Chosen, Refusal> {
        let list = |query: &str, id: i64| self.sql().query_row(query, [id], |row| row.get::<_, String>(0)).refuse();
        let named = |query: &str, id: i64| self.sql().query_row(query, [id], |row| row.get::<_, String>(0)).refuse();
        let (name, cases, own, contacts) = match scope {
            Scope::Everything => return Ok(Chosen { scope, name: String::new(), cases: None, people: None, own: None, contacts: None }),
            Scope::Client { contact, export } => (
                named("select name from contact where id = ?", contact)?,
                list(&format!("select json_group_array(distinct s.case_id) from sight s join ({ACCOUNTS}) a on a.user_id = s.user_id where s.level >= {READ}"), export)?,
                list(&format!("select json_group_array(user_id) from ({ACCOUNTS})"), export)?,
                format!("[{contact}]"),
            ),
            Scope::Case(id) => (
                named("select reference from cases where id = ?", id)?,
                format!("[{id}]"),
                list("select json_group_array(u.id) from user u join sight s on s.user_id = u.id where s.case_id = ? and u.kind = 'client'", id)?,
                list(
                    "select json_group_array(contact_id) from (select l.contact_id from sight s join user_contact l on l.user_id = s.user_id where s.case_id = ?1
                        union select contact_id from party where case_id = ?1)",
                    id,
                )?,
            ),
        };
        let people = self.sql().query_row(&format!("select json_group_array(owner_id) from ({OF_CASES}) where owner_id is not null"), params![cases, own, !matches!(scope, Scope::Client { .. })], |row| row.get(0)).refuse()?;
        Ok(Chosen { scope, name, cases: Some(cases), people: Some(people), own: Some(own), contacts: Some(contacts) })
    }
}
