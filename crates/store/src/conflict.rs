//! The check for conflicts of interest: names are looked for among all contacts, their other names, the titles of cases and the people of the firm,
//! however they are spelled. What the one who asks may not see is told only as "there may be something, ask …": a conflict must not be missed
//! because of a wall, and a wall must not be opened by a check.

use crate::{Access, Tx, Writing, access, error::Refuse, party::PartIn};
use rules::{Case, Contact, Covers, Level, Manage, Moment, Problem, Read, Refusal, Sealed, Verb, conflict::Decision, name, text};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use serde::Serialize;

/// Names looked for at once.
pub const TERMS: usize = 40;
/// Contacts that are compared for one name.
const CANDIDATES: usize = 300;
/// Matches shown for one name; more are only said to be there.
pub const SHOWN: usize = 25;

/// Something that was found for a name.
pub enum Match {
    /// A contact that the one who asks may see.
    Contact {
        /// Opaque id.
        id: Sealed<Contact>,
        /// Its name.
        name: String,
        /// The name that fits, when it is another one.
        by: Option<String>,
        /// It is an organisation, not a person.
        organisation: bool,
        /// Its parts in cases that the one who asks may read.
        parts: Vec<PartIn>,
    },
    /// A case whose title has the name.
    Title {
        /// Opaque id.
        id: Sealed<Case>,
        /// "PH-2026-0147".
        reference: String,
        /// Title.
        title: String,
    },
    /// Somebody of the firm.
    Colleague {
        /// Name.
        name: String,
    },
    /// Something that the one who asks may not see, and who can tell.
    Hidden {
        /// Name of whom to ask.
        ask: String,
    },
}

/// What was found for one name.
pub struct Found {
    /// The name that was looked for.
    pub term: String,
    /// What fits, the likest first.
    pub matches: Vec<Match>,
    /// There is more than is shown.
    pub more: bool,
}

/// What is kept of a match: row ids, never a name, because whoever reads the case may see less than who decided.
#[derive(Serialize, Default)]
struct Kept<'a> {
    term: &'a str,
    contacts: Vec<i64>,
    cases: Vec<i64>,
    colleagues: usize,
    hidden: usize,
}

/// A match on its way to being shown: row ids with it.
struct Raw {
    shown: Match,
    contact: Option<i64>,
    case: Option<i64>,
}

/// Looks for names, without a case. It is written down that somebody did.
pub fn look<M>(tx: &Tx<'_, M>, terms: &[String]) -> Result<Vec<Found>, Refusal> {
    if !tx.actor().role.works() {
        tx.record(Verb::ConflictLook, None, None, None, true);
        return Err(Refusal::NotFound);
    }
    tx.note(Verb::ConflictLook);
    let found = terms.iter().take(TERMS).map(|term| search(tx, term, 0).map(|(raw, more)| shown(term, raw, more)));
    found.collect()
}

/// Looks for the parties of a case and further names. What only this case has is no match. That further names were looked for is written down.
pub fn look_for<P: Covers<Read>, M>(case: &Access<'_, P, Case, M>, more: &[String]) -> Result<Vec<Found>, Refusal> {
    if !more.is_empty() {
        case.tx().record(Verb::ConflictLook, Some(case.id()), None, None, false);
    }
    let found = terms(case, more)?.into_iter().map(|term| search(case.tx(), &term, case.id()).map(|(raw, more)| shown(&term, raw, more)));
    found.collect()
}

fn shown(term: &str, raw: Vec<Raw>, more: bool) -> Found {
    Found { term: term.to_owned(), matches: raw.into_iter().map(|raw| raw.shown).collect(), more }
}

/// Names and other names of the parties of a case, then the further ones, each once.
fn terms<P: Covers<Read>, M>(case: &Access<'_, P, Case, M>, more: &[String]) -> Result<Vec<String>, Refusal> {
    const SQL: &str = "select c.name from party p join contact c on c.id = p.contact_id where p.case_id = ?1
        union select n.name from party p join contact_name n on n.contact_id = p.contact_id where p.case_id = ?1";
    let mut statement = case.sql().prepare_cached(SQL).refuse()?;
    let names: Vec<String> = statement.query_map([case.id()], |row| row.get(0)).refuse()?.collect::<Result<_, _>>().refuse()?;
    let mut terms: Vec<String> = Vec::new();
    for name in names.into_iter().chain(more.iter().cloned()) {
        if !name::parts(&name).is_empty() && !terms.iter().any(|known| name::fold(known) == name::fold(&name)) {
            terms.push(name);
        }
    }
    terms.truncate(TERMS);
    Ok(terms)
}

/// Everything that fits one name.
fn search<M>(tx: &Tx<'_, M>, term: &str, own: i64) -> Result<(Vec<Raw>, bool), Refusal> {
    let mut out = Vec::new();
    let mut hidden: Vec<(i64, i64)> = Vec::new();
    let mut titled: Vec<i64> = Vec::new();
    for (contact, by) in alike(tx.sql, term).refuse()? {
        let cases = cases_of(tx.sql, tx.actor().user, contact, own).refuse()?;
        let on_this = tx.sql.prepare_cached("select 1 from party where case_id = ? and contact_id = ?").refuse()?.exists([own, contact]).refuse()?;
        titled.extend(cases.iter().map(|(case, _)| *case));
        hidden.extend(cases.iter().filter(|(_, level)| *level < Level::Read).map(|(case, _)| (contact, *case)));
        let seen = access::level_on::<Contact>(tx.sql, tx.actor().user, contact).refuse()? >= Level::Read;
        let elsewhere = cases.iter().any(|(_, level)| *level >= Level::Read);
        if seen && (elsewhere || !on_this) {
            out.push(contact_match(tx, contact, by, &cases)?);
        }
    }
    for (case, level) in titles(tx, term).refuse()? {
        if case == own || titled.contains(&case) {
            continue;
        }
        match level >= Level::Read {
            true => out.push(title_match(tx, case)?),
            false => hidden.push((0, case)),
        }
    }
    out.extend(colleagues(tx.sql, term).refuse()?.into_iter().map(|name| Raw { shown: Match::Colleague { name }, contact: None, case: None }));
    let more = out.len() > SHOWN;
    out.truncate(SHOWN);
    out.extend(asking(tx, &hidden)?);
    Ok((out, more))
}

/// Contacts with a name like this one, the likest first, with the name that fits.
pub(crate) fn alike(sql: &Connection, term: &str) -> rusqlite::Result<Vec<(i64, String)>> {
    let parts: Vec<name::Part> = name::parts(term).into_iter().take(8).collect();
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    // Each word is looked for as it is, by its sound and by its first three letters.
    let mut bound: Vec<String> = Vec::new();
    let mut arms = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        let mut bind = |text: &str| {
            bound.push(text.to_owned());
            bound.len()
        };
        arms.push(format!("select contact_id, {n} as k, 3 as x from name_part where fold = ?{}", bind(&part.fold)));
        if !part.sound.is_empty() {
            arms.push(format!("select contact_id, {n}, 2 from name_part where sound = ?{} and sound != ''", bind(&part.sound)));
        }
        if let Some(head) = part.fold.get(..3) {
            let place = bind(head);
            arms.push(format!("select contact_id, {n}, 1 from name_part where fold >= ?{place} and fold < ?{place} || '{{'"));
        }
    }
    let query = format!("select contact_id from ({}) group by contact_id order by count(distinct k) desc, max(x) desc, contact_id desc limit {CANDIDATES}", arms.join(" union all "));
    let mut statement = sql.prepare_cached(&query)?;
    let candidates: Vec<i64> = statement.query_map(params_from_iter(bound), |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut names = sql.prepare_cached("select name from contact where id = ?1 and removed is null and merged_into is null union all select name from contact_name where contact_id = ?1")?;
    let mut out = Vec::new();
    for contact in candidates {
        let names: Vec<String> = names.query_map([contact], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let best = names.into_iter().map(|name| (name::likeness(term, &name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
        out.extend(best.filter(|(likeness, _)| *likeness >= name::ALIKE).map(|(likeness, name)| (likeness, contact, name)));
    }
    out.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(out.into_iter().map(|(_, contact, name)| (contact, name)).collect())
}

/// The cases but this one in which a contact plays a part or did, with the level of the one who asks.
fn cases_of(sql: &Connection, user: i64, contact: i64, own: i64) -> rusqlite::Result<Vec<(i64, Level)>> {
    const SQL: &str = "select distinct p.case_id, coalesce(v.level, 0) from party p left join sight v on v.user_id = ?1 and v.case_id = p.case_id where p.contact_id = ?2 and p.case_id != ?3";
    let mut statement = sql.prepare_cached(SQL)?;
    let rows = statement.query_map([user, contact, own], |row| Ok((row.get(0)?, Level::from_number(row.get(1)?))))?;
    rows.collect()
}

fn contact_match<M>(tx: &Tx<'_, M>, contact: i64, by: String, cases: &[(i64, Level)]) -> Result<Raw, Refusal> {
    let (name, organisation): (String, bool) =
        tx.sql.prepare_cached("select name, kind = 'organisation' from contact where id = ?").refuse()?.query_row([contact], |row| Ok((row.get(0)?, row.get(1)?))).refuse()?;
    let mut parts = Vec::new();
    for (case, _) in cases.iter().filter(|(_, level)| *level >= Level::Read) {
        const SQL: &str = "select c.reference, c.title, c.status, p.role, p.is_client, p.ended is not null from party p join cases c on c.id = p.case_id where p.case_id = ? and p.contact_id = ?";
        let mut statement = tx.sql.prepare_cached(SQL).refuse()?;
        let id = tx.seal(*case)?;
        let rows = statement.query_map([*case, contact], |row| {
            let (status, part) = (crate::case::status(row.get_ref(2)?.as_str()?)?, crate::party::part(row, 3)?);
            Ok(PartIn { case: id.clone(), reference: row.get(0)?, title: row.get(1)?, status, part, is_client: row.get(4)?, ended: row.get(5)? })
        });
        for row in rows.refuse()? {
            parts.push(row.refuse()?);
        }
    }
    let by = Some(by).filter(|by| *by != name);
    Ok(Raw { shown: Match::Contact { id: tx.seal(contact)?, name, by, organisation, parts }, contact: Some(contact), case: None })
}

/// Cases that have half of the words of the name or more in their title, with the level of the one who asks.
fn titles<M>(tx: &Tx<'_, M>, term: &str) -> rusqlite::Result<Vec<(i64, Level)>> {
    let parts = name::parts(term);
    let words: Vec<String> = parts.iter().filter(|part| part.fold.len() > 2).map(|part| format!("\"{}\"", part.fold)).collect();
    if words.is_empty() {
        return Ok(Vec::new());
    }
    const SQL: &str = "select c.id, c.title, coalesce(v.level, 0) from case_text x join cases c on c.id = x.rowid left join sight v on v.user_id = ?2 and v.case_id = c.id
        where case_text match ?1 order by rank limit 100";
    let mut statement = tx.sql.prepare_cached(SQL)?;
    let rows = statement.query_map(params![format!("title : ({})", words.join(" OR ")), tx.actor().user], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, Level::from_number(row.get(2)?))))?;
    let mut out = Vec::new();
    for row in rows {
        let (case, title, level): (i64, String, Level) = row?;
        let title = name::parts(&title);
        let fitting = parts.iter().filter(|part| title.iter().any(|word| word.fold == part.fold)).count();
        if fitting * 2 >= parts.len() {
            out.push((case, level));
        }
    }
    Ok(out)
}

fn title_match<M>(tx: &Tx<'_, M>, case: i64) -> Result<Raw, Refusal> {
    let (reference, title) = tx.sql.prepare_cached("select reference, title from cases where id = ?").refuse()?.query_row([case], |row| Ok((row.get(0)?, row.get(1)?))).refuse()?;
    Ok(Raw { shown: Match::Title { id: tx.seal(case)?, reference, title }, contact: None, case: Some(case) })
}

/// People of the firm with a name like this one.
fn colleagues(sql: &Connection, term: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = sql.prepare_cached("select name from user where kind = 'staff' and state not in ('invited', 'left') order by name")?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    // A single word is not enough: half of a town shares a first name with somebody of the firm.
    Ok(names.into_iter().filter(|name| name::parts(term).len() > 1 && name::likeness(term, name) >= name::ALIKE).collect())
}

/// Whom to ask about what may not be seen: the owner of each case, each person once. Contacts are only seen through their cases, so that there is one.
fn asking<M>(tx: &Tx<'_, M>, hidden: &[(i64, i64)]) -> Result<Vec<Raw>, Refusal> {
    const SQL: &str = "select u.name, u.id from cases c join user u on u.id = iif(c.owner_id = ?2, coalesce(c.supervisor_id, c.owner_id), c.owner_id) where c.id = ?1";
    let mut out: Vec<Raw> = Vec::new();
    for (contact, case) in hidden {
        let ask: String = tx.sql.prepare_cached(SQL).refuse()?.query_row([*case, tx.actor().user], |row| row.get(0)).refuse()?;
        if !out.iter().any(|raw| matches!(&raw.shown, Match::Hidden { ask: known } if *known == ask)) {
            out.push(Raw { shown: Match::Hidden { ask }, contact: Some(*contact), case: Some(*case) });
        }
    }
    Ok(out)
}

/// A decision that was made.
pub struct Decided {
    /// The names that were looked for.
    pub terms: Vec<String>,
    /// How much was found.
    pub found: usize,
    /// What was decided.
    pub decision: Decision,
    /// Why.
    pub reason: Option<String>,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// The decisions of a case, newest first.
pub fn decisions<P: Covers<Read>, M>(case: &Access<'_, P, Case, M>) -> Result<Vec<Decided>, Refusal> {
    const SQL: &str = "select k.terms, k.found, k.decision, k.reason, u.name, k.at from conflict_check k join user u on u.id = k.by_id where k.case_id = ? order by k.id desc";
    let mut statement = case.sql().prepare_cached(SQL).refuse()?;
    let rows = statement.query_map([case.id()], |row| {
        let decision = Decision::from_value(row.get_ref(2)?.as_str()?).ok_or(rusqlite::Error::InvalidQuery)?;
        Ok(Decided { terms: json(&row.get::<_, String>(0)?), found: count(&row.get::<_, String>(1)?), decision, reason: row.get(3)?, by: row.get(4)?, at: Moment(row.get(5)?) })
    });
    rows.refuse()?.collect::<Result<_, _>>().refuse()
}

fn json(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

fn count(found: &str) -> usize {
    let rows: Vec<serde_json::Value> = serde_json::from_str(found).unwrap_or_default();
    let of = |row: &serde_json::Value| ["contacts", "cases"].iter().filter_map(|key| row[*key].as_array().map(Vec::len)).sum::<usize>() + ["colleagues", "hidden"].iter().filter_map(|key| row[*key].as_u64()).map(|n| usize::try_from(n).unwrap_or(0)).sum::<usize>();
    rows.iter().map(of).sum()
}

/// What stands about opening a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was decided yet.
    Open,
    /// It was, and a party came since.
    Outdated,
    /// It was, for all who are parties.
    Decided(Decision),
}

/// Whether there is a decision that counts.
pub(crate) fn standing_of(sql: &Connection, case: i64) -> rusqlite::Result<Standing> {
    const SQL: &str = "select k.decision, exists (select 1 from party p where p.case_id = ?1 and p.contact_id not in (select value from json_each(k.parties)))
        from conflict_check k where k.case_id = ?1 order by k.id desc limit 1";
    let newest: Option<(String, bool)> = sql.prepare_cached(SQL)?.query_row([case], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(match newest.and_then(|(decision, outdated)| Some((Decision::from_value(&decision)?, outdated))) {
        None => Standing::Open,
        Some((_, true)) => Standing::Outdated,
        Some((decision, false)) => Standing::Decided(decision),
    })
}

/// Whether there is a decision that counts.
pub fn standing<P: Covers<Read>, M>(case: &Access<'_, P, Case, M>) -> Result<Standing, Refusal> {
    standing_of(case.sql(), case.id()).refuse()
}

/// Decides. Everything is looked for once more, and what was found is kept as row ids; `matches` is how much the one who decides was shown.
pub fn decide<P: Covers<Manage> + Covers<Read>>(case: &Access<'_, P, Case, Writing>, more: &[String], decision: Option<Decision>, reason: &str, matches: usize) -> Result<(), Refusal> {
    let tx = case.tx();
    let mut problems = Vec::new();
    let terms = terms(case, more)?;
    if terms.is_empty() {
        problems.push(Problem::new("more", "There is nobody to look for. Add a party to the case, or type a name."));
    }
    let searched = terms.iter().map(|term| search(tx, term, case.id()).map(|(raw, _)| raw)).collect::<Result<Vec<_>, _>>()?;
    let found: usize = searched.iter().map(Vec::len).sum();
    if found != matches {
        problems.push(Problem::new("decision", "What was found has changed since the page was made. Look at it once more, then decide."));
    }
    let reason = text::prose("reason", "The reason", reason, 1000).map_err(|problem| problems.push(problem)).ok().flatten();
    match decision {
        None => problems.push(Problem::new("decision", "Choose what you decide")),
        Some(decision) if decision.needs_reason(found) && reason.is_none() && problems.is_empty() => problems.push(Problem::new("reason", "Say why, in a sentence. It is kept with the case.")),
        Some(_) => {}
    }
    let Some(decision) = decision.filter(|_| problems.is_empty()) else { return Err(Refusal::Invalid(problems)) };
    let kept: Vec<Kept<'_>> = terms.iter().zip(&searched).map(|(term, raw)| kept(term, raw)).collect();
    let (terms, kept) = (serde_json::to_string(&terms).map_err(Refusal::fault)?, serde_json::to_string(&kept).map_err(Refusal::fault)?);
    const SQL: &str = "insert into conflict_check (case_id, terms, parties, found, decision, reason, by_id, at)
        values (?1, ?2, (select json_group_array(distinct contact_id) from party where case_id = ?1), ?3, ?4, ?5, ?6, ?7)";
    tx.sql.execute(SQL, params![case.id(), terms, kept, decision.value(), reason, tx.actor().user, tx.now().0]).refuse()?;
    tx.record(Verb::ConflictDecide, Some(case.id()), None, None, false);
    Ok(())
}

fn kept<'a>(term: &'a str, raw: &[Raw]) -> Kept<'a> {
    let mut kept = Kept { term, ..Kept::default() };
    for match_ in raw {
        match &match_.shown {
            Match::Contact { .. } => kept.contacts.extend(match_.contact),
            Match::Title { .. } => kept.cases.extend(match_.case),
            Match::Colleague { .. } => kept.colleagues += 1,
            Match::Hidden { .. } => kept.hidden += 1,
        }
    }
    kept
}
