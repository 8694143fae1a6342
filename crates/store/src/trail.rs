//! The trail (audit log): every decision, allow and refuse, append-only, each event linked to the one before.
//!
//! A write's events stand in its own transaction, so that no event means no action. A read's events go to the writer's bounded
//! queue and are on disk within 200 ms (ASVS 16.2.1, 16.4.2). Events carry ids and codes, never a name or a title.

use crate::{Access, error::Refuse};
use keys::site::Chain;
use rules::{Case, Contact, Contribute, Covers, Document, Kind, Manage, Moment, Refusal, Sealed, Verb};
use rusqlite::{Connection, Row, params};

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// Who: row id of the user; `None` when unknown.
    pub actor: Option<i64>,
    /// What.
    pub verb: Verb,
    /// In which case.
    pub case: Option<i64>,
    /// With what.
    pub object: Option<(Kind, i64)>,
    /// Version, level or user concerned, by verb.
    pub detail: Option<i64>,
    /// Client address.
    pub origin: Box<str>,
    /// Row id of the session.
    pub session: Option<i64>,
    /// It was refused.
    pub refused: bool,
}

/// One event as it is linked: every field with its length or presence, so that no two events have the same bytes.
fn canonical(seq: i64, event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    let mut number = |n: Option<i64>| match n {
        Some(n) => {
            out.push(1);
            out.extend_from_slice(&n.to_be_bytes());
        }
        None => out.push(0),
    };
    [Some(seq), Some(event.at.0), event.actor, event.case, event.object.map(|(kind, _)| i64::from(kind.tag())), event.object.map(|(_, id)| id)]
        .into_iter()
        .chain([event.detail, event.session, Some(i64::from(event.refused))])
        .for_each(&mut number);
    for text in [event.verb.value(), &event.origin] {
        out.extend_from_slice(&(text.len() as u64).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// The end of the chain: number and link of the newest event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the newest event; 0 when there is none.
    pub seq: i64,
    /// Its link; zeros when there is none.
    pub link: [u8; 32],
}

pub(crate) const START: Head = Head { seq: 0, link: [0; 32] };

pub(crate) fn head(sql: &Connection) -> rusqlite::Result<Head> {
    let newest = sql.query_row("select seq, link from event order by seq desc limit 1", [], |row| Ok(Head { seq: row.get(0)?, link: row.get(1)? }));
    match newest {
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(START),
        found => found,
    }
}

/// Appends events in the open transaction of the writer; the new head is returned and valid once the transaction has committed.
pub(crate) fn append<'e>(sql: &Connection, chain: &Chain, mut head: Head, events: impl Iterator<Item = &'e Event>) -> rusqlite::Result<Head> {
    const SQL: &str = "insert into event (seq, at, actor, verb, case_id, kind, object, detail, origin, session, refused, link) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut insert = sql.prepare_cached(SQL)?;
    for event in events {
        let seq = head.seq + 1;
        let link = chain.link(&head.link, &canonical(seq, event));
        let (kind, object) = event.object.map(|(kind, id)| (kind.tag(), id)).unzip();
        insert.execute(params![seq, event.at.0, event.actor, event.verb.value(), event.case, kind, object, event.detail, event.origin, event.session, event.refused, link])?;
        head = Head { seq, link };
    }
    Ok(head)
}

const COLUMNS: &str = "seq, at, actor, verb, case_id, kind, object, detail, origin, session, refused, link";

/// An event as it stands in the database, with its number and link. An unknown code, which only a change from outside can cause,
/// reads as [`Verb::Unreadable`], to which no link fits.
fn stored(row: &Row<'_>) -> rusqlite::Result<(i64, Event, Vec<u8>)> {
    let (verb, kind): (String, Option<u8>) = (row.get(3)?, row.get(5)?);
    let kinds = (kind, kind.and_then(Kind::from_tag));
    let verb = match (Verb::from_value(&verb), kinds) {
        (None, _) | (_, (Some(_), None)) => Verb::Unreadable,
        (Some(verb), _) => verb,
    };
    let event = Event {
        at: Moment(row.get(1)?),
        actor: row.get(2)?,
        verb,
        case: row.get(4)?,
        object: kinds.1.zip(row.get(6)?),
        detail: row.get(7)?,
        origin: row.get::<_, String>(8)?.into(),
        session: row.get(9)?,
        refused: row.get(10)?,
    };
    Ok((row.get(0)?, event, row.get(11)?))
}

/// What checking the whole chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Unbroken up to this head.
    Unbroken(Head),
    /// The first event that does not fit, by number.
    Broken(i64),
}

/// Walks the whole chain and names the first event that was changed, removed or put in. Memory use is one event.
pub(crate) fn check(sql: &Connection, chain: &Chain) -> Result<Checked, Refusal> {
    let mut statement = sql.prepare(&format!("select {COLUMNS} from event order by seq")).refuse()?;
    let mut rows = statement.query([]).refuse()?;
    let mut head = START;
    while let Some(row) = rows.next().refuse()? {
        let (seq, event, link) = stored(row).refuse()?;
        let expected = chain.link(&head.link, &canonical(seq, &event));
        if seq != head.seq + 1 || link != expected || event.verb == Verb::Unreadable {
            return Ok(Checked::Broken(head.seq + 1));
        }
        head = Head { seq, link: expected };
    }
    Ok(Checked::Unbroken(head))
}

/// An event of a case with the name of who did it, and whether its link holds.
pub struct Told {
    /// Number in the trail.
    pub seq: i64,
    /// The event.
    pub event: Event,
    /// Name of the actor; `None` when unknown.
    pub who: Option<String>,
    /// Name of the document or user concerned.
    pub object: Option<String>,
    /// Why, where a reason was given: for access and walls.
    pub reason: Option<String>,
    /// Opaque id of the document concerned.
    pub document: Option<Sealed<Document>>,
    /// Whether the link to the event before it holds.
    pub holds: bool,
}

/// Which events of a case are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All, reads and refusals too.
    Every,
    /// Only what changed something.
    Changes,
}

/// The newest events of one case below number `before`, each checked against the event that precedes it in the trail.
pub fn of_case<P: Covers<Manage>, M>(case: &Access<'_, P, Case, M>, which: Which, before: i64, limit: usize) -> Result<Vec<Told>, Refusal> {
    let (sql, keys) = (case.sql(), &case.tx().core.keys);
    let mut found = select(sql, &keys.audit, OF_CASE, params![case.id(), before, limit, changes(which)])?;
    for told in &mut found {
        if let Some((Kind::Document, id)) = told.event.object {
            told.document = Some(keys.ids.seal(id).refuse()?);
        }
    }
    Ok(found)
}

/// The newest events of one contact, likewise. The case of an event is named to those who may read it.
pub fn of_contact<P: Covers<Contribute>, M>(contact: &Access<'_, P, Contact, M>, before: i64, limit: usize) -> Result<Vec<Told>, Refusal> {
    let tx = contact.tx();
    select(contact.sql(), &tx.core.keys.audit, OF_CONTACT, params![contact.id(), before, limit, tx.actor().user])
}

/// What the object is called, and which events: of a case all or those whose verb is in a list.
const OF_CASE: (&str, &str) = (
    "case e.kind when 2 then (select name from document where id = e.object) when 3 then (select name from user where id = e.object)
        when 6 then coalesce((select 'the team ' || name from team where id = e.object), 'a team that was removed')
        when 7 then (select coalesce(nullif(k.name, ''), 'a contact that was removed') from contact m join contact k on k.id = coalesce(m.merged_into, m.id) where m.id = e.object) end",
    "case_id = ?1 and seq < ?2 and (?4 = '' or refused = 0 and instr(?4, ',' || verb || ',') > 0)",
);
const OF_CONTACT: (&str, &str) = (
    "(select c.reference from cases c join sight v on v.case_id = c.id and v.user_id = ?4 and v.level >= 2 where c.id = e.case_id)",
    "kind = 7 and object = ?1 and seq < ?2 and (case_id is null or exists (select 1 from sight v where v.case_id = e.case_id and v.user_id = ?4 and v.level >= 2))",
);

fn changes(which: Which) -> String {
    match which {
        Which::Every => String::new(),
        Which::Changes => Verb::ALL.iter().filter(|verb| verb.changes_a_case()).fold(",".to_owned(), |list, verb| list + verb.value() + ","),
    }
}

fn select(sql: &Connection, chain: &Chain, (object, which): (&str, &str), bound: &[&dyn rusqlite::ToSql]) -> Result<Vec<Told>, Refusal> {
    let query = format!(
        "select {COLUMNS}, (select link from event p where p.seq = e.seq - 1), (select name from user where id = e.actor), {object},
            (select text from reason r where r.case_id = e.case_id and r.kind = e.kind and r.object = e.object and r.at = e.at)
         from event e where {which} order by seq desc limit ?3"
    );
    let mut statement = sql.prepare_cached(&query).refuse()?;
    let rows = statement.query_map(bound, |row| {
        let (seq, event, link) = stored(row)?;
        let previous: [u8; 32] = row.get::<_, Option<[u8; 32]>>(12)?.unwrap_or_default();
        let holds = event.verb != Verb::Unreadable && link == chain.link(&previous, &canonical(seq, &event));
        Ok(Told { seq, event, who: row.get(13)?, object: row.get(14)?, reason: row.get(15)?, document: None, holds })
    });
    rows.refuse()?.collect::<Result<_, _>>().refuse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::Secret;

    fn trail(n: i64) -> (Connection, Chain) {
        let mut sql = Connection::open_in_memory().unwrap();
        crate::migrate::migrate(&mut sql, crate::migrate::SITE).unwrap();
        let chain = keys::SiteKeys::new(&Secret::new([1; 32]), [2; 16]).unwrap().audit;
        let events: Vec<Event> = (0..n).map(event).collect();
        append(&sql, &chain, START, events.iter()).unwrap();
        (sql, chain)
    }

    fn event(n: i64) -> Event {
        let object = (n % 3 != 0).then_some((Kind::Document, n));
        Event { at: Moment(n), actor: Some(1), verb: Verb::CaseView, case: Some(n % 2), object, detail: None, origin: "::1".into(), session: None, refused: n % 5 == 0 }
    }

    fn every(sql: &Connection, chain: &Chain, case: i64) -> Result<Vec<Told>, Refusal> {
        select(sql, chain, OF_CASE, params![case, i64::MAX, 100, changes(Which::Every)])
    }

    #[test]
    fn an_unbroken_chain_is_told_with_its_head() {
        let (sql, chain) = trail(50);
        let Checked::Unbroken(found) = check(&sql, &chain).unwrap() else { panic!() };
        assert_eq!(found, head(&sql).unwrap());
        assert_eq!(found.seq, 50);
        assert!(every(&sql, &chain, 1).unwrap().iter().all(|told| told.holds));
    }

    #[test]
    fn any_change_names_the_first_bad_event() {
        for (change, first) in [
            ("update event set origin = '::2' where seq = 20", 20),
            ("update event set refused = 1 - refused where seq = 7", 7),
            ("update event set verb = 'nonsense' where seq = 9", 9),
            ("update event set case_id = null where seq = 1", 1),
            ("delete from event where seq = 30", 30),
            ("update event set link = zeroblob(32) where seq = 50", 50),
        ] {
            let (sql, chain) = trail(50);
            sql.execute_batch("drop trigger event_stays; drop trigger event_remains").unwrap();
            sql.execute_batch(change).unwrap();
            assert_eq!(check(&sql, &chain).unwrap(), Checked::Broken(first), "{change}");
        }
    }

    #[test]
    fn a_changed_event_stays_in_the_history_and_is_marked() {
        for (change, bad) in [("update event set verb = 'nonsense' where seq = 9", 9), ("update event set kind = 99 where seq = 11", 11), ("update event set at = 0 where seq = 5", 5)] {
            let (sql, chain) = trail(20);
            sql.execute_batch("drop trigger event_stays").unwrap();
            sql.execute_batch(change).unwrap();
            let told = every(&sql, &chain, 0).unwrap();
            assert_eq!(told.len(), 10);
            let marked: Vec<i64> = told.iter().filter(|told| !told.holds).map(|told| told.seq).collect();
            assert!(marked == [bad], "{change}: {marked:?}");
        }
    }

    #[test]
    fn sql_alone_can_neither_change_nor_remove_an_event() {
        let (sql, _) = trail(3);
        assert!(sql.execute_batch("update event set at = 0").is_err());
        assert!(sql.execute_batch("delete from event").is_err());
    }

    #[test]
    fn another_key_makes_another_chain() {
        let (sql, _) = trail(3);
        let other = keys::SiteKeys::new(&Secret::new([9; 32]), [2; 16]).unwrap().audit;
        assert_eq!(check(&sql, &other).unwrap(), Checked::Broken(1));
    }
}
