//! The access matrix: everybody who has to do with the cases that the one who asks manages, by case.

use crate::{Tx, case, error::Refuse, user};
use rules::{Case, Level, Refusal, Role, Sealed, UserKind, Verb, case::Status};
use rusqlite::params;
use std::collections::BTreeMap;

/// Cases on a page: as many columns as can be taken in at once.
pub const PAGE: usize = 10;

/// A case of the matrix.
pub struct Column {
    /// Opaque id.
    pub id: Sealed<Case>,
    /// "PH-2026-0147".
    pub reference: String,
    /// Title.
    pub title: String,
    /// Status.
    pub status: Status,
}

/// A person of the matrix.
pub struct Line {
    /// Name.
    pub name: String,
    /// What they are called in the firm.
    pub words: String,
    /// What the account is there for.
    pub role: Role,
    /// One for each case.
    pub cells: Vec<Cell>,
}

/// What one person has on one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The level.
    pub level: Level,
    /// A wall keeps the person out.
    pub walled: bool,
}

/// People × cases.
pub struct Matrix {
    /// The cases, newest first.
    pub cases: Vec<Column>,
    /// The people: of the firm first, then clients, each by name.
    pub people: Vec<Line>,
    /// The last case of this page, if more follow.
    pub next: Option<Sealed<Case>>,
}

/// A page of the cases that the one who asks manages and that are still worked on, below `after`.
pub fn page<M>(tx: &Tx<'_, M>, after: Option<&Sealed<Case>>) -> Result<Matrix, Refusal> {
    tx.note(Verb::AccessMatrix);
    const MANAGED: &str = "select c.id, c.reference, c.title, c.status from sight s cross join cases c on c.id = s.case_id
        where s.user_id = ?1 and s.level = 4 and s.case_id < ?2 and s.status in ('enquiry', 'open', 'on_hold') order by s.case_id desc limit ?3";
    let below = after.and_then(|id| tx.core.keys.ids.open(id).ok()).unwrap_or(i64::MAX);
    let mut find = tx.sql.prepare_cached(MANAGED).refuse()?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, case::status(row.get_ref(3)?.as_str()?)?));
    let mut found: Vec<(i64, String, String, Status)> = find.query_map(params![tx.actor().user, below, PAGE + 1], row).refuse()?.collect::<Result<_, _>>().refuse()?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| more).map(|(id, ..)| tx.seal(*id)).transpose()?;
    let people = lines(tx, &found.iter().map(|(id, ..)| *id).collect::<Vec<_>>())?;
    let cases = found.into_iter().map(|(id, reference, title, status)| Ok(Column { id: tx.seal(id)?, reference, title, status })).collect::<Result<_, Refusal>>()?;
    Ok(Matrix { cases, people, next })
}

/// Everybody with a level on one of these cases, or kept out of one.
fn lines<M>(tx: &Tx<'_, M>, cases: &[i64]) -> Result<Vec<Line>, Refusal> {
    const SEEN: &str = "select u.id, u.name, u.words, u.role, s.level, 0 from sight s join user u on u.id = s.user_id where s.case_id = ?1
        union all select u.id, u.name, u.words, u.role, 0, 1 from kept_out k join user u on u.id = k.user_id where k.case_id = ?1";
    let mut find = tx.sql.prepare_cached(SEEN).refuse()?;
    let nothing = Cell { level: Level::None, walled: false };
    let mut people: BTreeMap<i64, Line> = BTreeMap::new();
    for (n, case) in cases.iter().enumerate() {
        let mut rows = find.query([case]).refuse()?;
        while let Some(row) = rows.next().refuse()? {
            let line = Line { name: row.get(1).refuse()?, words: row.get(2).refuse()?, role: user::role_at(row, 3).refuse()?, cells: vec![nothing; cases.len()] };
            let line = people.entry(row.get(0).refuse()?).or_insert(line);
            if let Some(cell) = line.cells.get_mut(n) {
                *cell = Cell { level: Level::from_number(row.get(4).refuse()?), walled: row.get(5).refuse()? };
            }
        }
    }
    let mut people: Vec<Line> = people.into_values().collect();
    people.sort_by_cached_key(|line| (line.role.kind() != UserKind::Staff, line.name.to_lowercase()));
    Ok(people)
}
