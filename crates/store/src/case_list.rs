//! Lists of cases. Every one of them starts from the `sight` rows of the one who asks, so that nothing else can appear in it.
//!
//! Pages go by keyset (the row id of the last case), never by offset, so that page 1,000 costs what page 1 costs.

use crate::{Tx, case, error::Refuse};
use rules::{Case, Level, Moment, Refusal, Sealed, User, Verb, case::Status};
use rusqlite::{Row, params};

/// Rows on a page.
pub const PAGE: usize = 50;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Words to look for in reference and title.
    pub words: String,
    /// Only these; empty for all.
    pub statuses: Vec<Status>,
    /// Only those owned by this person.
    pub owner: Option<Sealed<User>>,
    /// Only those below this case: the last of the page before.
    pub after: Option<Sealed<Case>>,
}

/// One row.
pub struct Listed {
    /// Opaque id.
    pub id: Sealed<Case>,
    /// "PH-2026-0147".
    pub reference: String,
    /// The rest; `None` for those who may only know that the case exists.
    pub summary: Option<Summary>,
}

/// What a row says to those who may read the case.
pub struct Summary {
    /// Title.
    pub title: String,
    /// Type of case.
    pub type_name: String,
    /// Status.
    pub status: Status,
    /// Name of the owner.
    pub owner: String,
    /// When it was opened.
    pub opened: Moment,
    /// A wall keeps somebody out.
    pub restricted: bool,
    /// Documents not in the trash.
    pub documents: usize,
}

/// A page of a list.
pub struct Page {
    /// The rows, newest case first.
    pub rows: Vec<Listed>,
    /// The last case of this page, if more follow.
    pub next: Option<Sealed<Case>>,
}

const COLUMNS: &str = "c.id, c.reference, c.title, t.name, c.status, o.name, c.opened, c.walls, c.documents, s.level";
const JOINS: &str = "join case_type t on t.id = c.type_id join user o on o.id = c.owner_id";

/// A page of the cases that the one who asks may know of.
pub fn list<M>(tx: &Tx<'_, M>, filter: &Filter) -> Result<Page, Refusal> {
    tx.note(Verb::CaseList);
    let open = |sealed: &Option<Sealed<Case>>| sealed.as_ref().and_then(|id| tx.core.keys.ids.open(id).ok());
    let below = open(&filter.after).unwrap_or(i64::MAX);
    let owner = filter.owner.as_ref().map(|id| tx.core.keys.ids.open(id).unwrap_or(0));
    let user = tx.actor().user;
    let limit = PAGE + 1;
    let mut rows = match search_terms(&filter.words) {
        None => collect(tx, &by_status(&filter.statuses, owner.is_some()), params![user, below, owner, limit])?,
        Some(terms) => collect(tx, &by_words(&filter.statuses), params![user, below, owner, limit, terms, filter.words.trim()])?,
    };
    let next = match rows.len() > PAGE {
        true => {
            rows.truncate(PAGE);
            rows.last().map(|row| row.id.clone())
        }
        false => None,
    };
    Ok(Page { rows, next })
}

/// The query without words. Each wanted status walks its own part of an index from its newest case, and their newest make the page:
/// it costs the same however many cases have another status or owner.
fn by_status(statuses: &[Status], owned: bool) -> String {
    let arm = |status: Option<&Status>| {
        let is = |column: &str| status.map(|status| format!("and {column} = '{}'", status.value())).unwrap_or_default();
        match owned {
            false => format!("select case_id, level from sight where user_id = ?1 {} and case_id < ?2 order by case_id desc limit ?4", is("status")),
            true => format!(
                "select c.id as case_id, v.level from cases c cross join sight v on v.user_id = ?1 and v.case_id = c.id and v.level >= 2
                 where c.owner_id = ?3 {} and c.id < ?2 order by c.id desc limit ?4",
                is("c.status")
            ),
        }
    };
    let wanted: &[Status] = if statuses.is_empty() { &Status::ALL } else { statuses };
    let arms: Vec<String> = match statuses.is_empty() && !owned {
        true => vec![arm(None)],
        false => wanted.iter().map(|status| arm(Some(status))).collect(),
    };
    let arms = arms.iter().map(|arm| format!("select * from ({arm})")).collect::<Vec<_>>().join(" union all ");
    format!("select {COLUMNS} from ({arms} order by 1 desc limit ?4) s cross join cases c on c.id = s.case_id {JOINS} order by s.case_id desc")
}

/// The query with words. Those who may only know of a case find it by its whole reference, never by its title.
fn by_words(statuses: &[Status]) -> String {
    let wanted: &[Status] = if statuses.is_empty() { &Status::ALL } else { statuses };
    let wanted = wanted.iter().map(|status| format!("'{}'", status.value())).collect::<Vec<_>>().join(", ");
    format!(
        "select {COLUMNS} from case_text x cross join sight s on s.user_id = ?1 and s.case_id = x.rowid cross join cases c on c.id = x.rowid {JOINS}
         where case_text match ?5 and x.rowid < ?2 and (s.level >= 2 or c.reference = ?6 collate nocase)
         and s.status in ({wanted}) and (?3 is null or (c.owner_id = ?3 and s.level >= 2)) order by x.rowid desc limit ?4"
    )
}

fn collect<M>(tx: &Tx<'_, M>, query: &str, params: &[&dyn rusqlite::ToSql]) -> Result<Vec<Listed>, Refusal> {
    let mut statement = tx.sql.prepare_cached(query).refuse()?;
    let mut rows = statement.query(params).refuse()?;
    let mut out = Vec::with_capacity(PAGE + 1);
    while let Some(row) = rows.next().refuse()? {
        out.push(listed(tx, row)?);
    }
    Ok(out)
}

fn listed<M>(tx: &Tx<'_, M>, row: &Row<'_>) -> Result<Listed, Refusal> {
    let id = tx.seal(row.get(0).refuse()?)?;
    let read = || -> rusqlite::Result<Listed> {
        let summary = || -> rusqlite::Result<Summary> {
            Ok(Summary {
                title: row.get(2)?,
                type_name: row.get(3)?,
                status: case::status(row.get_ref(4)?.as_str()?)?,
                owner: row.get(5)?,
                opened: Moment(row.get(6)?),
                restricted: row.get::<_, i64>(7)? > 0,
                documents: row.get(8)?,
            })
        };
        let reads = Level::from_number(row.get(9)?) >= Level::Read;
        Ok(Listed { id, reference: row.get(1)?, summary: reads.then(summary).transpose()? })
    };
    read().refuse()
}

/// What was typed, as a full-text query: every word must begin a word of reference or title. `None` when nothing was typed.
fn search_terms(typed: &str) -> Option<String> {
    let words: Vec<String> = typed.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(8).map(|w| format!("\"{w}\"*")).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The newest cases in one status that the one who asks owns.
pub fn mine<M>(tx: &Tx<'_, M>, status: Status, limit: usize) -> Result<Vec<Listed>, Refusal> {
    let query = format!(
        "select {COLUMNS} from cases c join sight s on s.case_id = c.id and s.user_id = ?1 {JOINS}
         where c.owner_id = ?1 and c.status = ?2 and s.level >= 2 order by c.id desc limit ?3"
    );
    collect(tx, &query, params![tx.actor().user, status.value(), limit])
}

/// The cases that the one who asks looked at last, newest first, with the moment.
pub fn recent<M>(tx: &Tx<'_, M>, limit: usize) -> Result<Vec<(Listed, Moment)>, Refusal> {
    const LOOKED: &str = "select case_id, at from event where actor = ?1 and seq > (select max(seq) from event) - 5000
        and verb = ?2 and refused = 0 and case_id is not null order by seq desc limit 200";
    let mut statement = tx.sql.prepare_cached(LOOKED).refuse()?;
    let looked: Vec<(i64, i64)> = statement.query_map(params![tx.actor().user, Verb::CaseView.value()], |row| Ok((row.get(0)?, row.get(1)?))).refuse()?.collect::<Result<_, _>>().refuse()?;
    let query = format!("select {COLUMNS} from cases c join sight s on s.case_id = c.id and s.user_id = ?1 {JOINS} where c.id = ?2 and s.level >= 2");
    let (mut out, mut seen) = (Vec::new(), Vec::new());
    for (case, at) in looked {
        if out.len() < limit && !seen.contains(&case) {
            seen.push(case);
            out.extend(collect(tx, &query, params![tx.actor().user, case])?.into_iter().map(|row| (row, Moment(at))));
        }
    }
    Ok(out)
}

/// The cases that a client is granted, newest first. What is in them stays inside until it is released.
pub fn of_client<M>(tx: &Tx<'_, M>) -> Result<Vec<Listed>, Refusal> {
    let query = format!("select {COLUMNS} from sight s cross join cases c on c.id = s.case_id {JOINS} where s.user_id = ?1 and s.level >= 2 order by s.case_id desc limit ?2");
    collect(tx, &query, params![tx.actor().user, PAGE])
}

#[cfg(test)]
mod tests {
    use super::search_terms;

    #[test]
    fn typed_words_become_a_harmless_query() {
        assert_eq!(search_terms("  "), None);
        assert_eq!(search_terms("PH-2026-01").as_deref(), Some("\"PH\"* \"2026\"* \"01\"*"));
        assert_eq!(search_terms("a\" OR NEAR(b) *").as_deref(), Some("\"a\"* \"OR\"* \"NEAR\"* \"b\"*"));
    }
}
