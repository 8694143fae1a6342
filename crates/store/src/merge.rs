//! Joining a duplicate to the contact that stays. Everything of the duplicate goes over, its name as another name, and its old address leads on.

use crate::{Access, Writing, alias, contact, error::Refuse};
use rules::{Contact, Contribute, Covers, Kind, Read, Refusal, Verb, contact::AliasKind};
use rusqlite::params;

/// Joins `duplicate` to `stays`. What both say differently is kept from the one that stays; what only the duplicate says is taken over.
pub fn join<P: Covers<Contribute> + Covers<Read>, Q: Covers<Contribute> + Covers<Read>>(stays: &Access<'_, P, Contact, Writing>, duplicate: &Access<'_, Q, Contact, Writing>) -> Result<(), Refusal> {
    let (tx, to, from) = (stays.tx(), stays.id(), duplicate.id());
    if to == from {
        return Err(Refusal::invalid("duplicate", "These are one contact already. Choose another one."));
    }
    let (kept, other) = (contact::file(stays)?, contact::file(duplicate)?);
    if kept.organisation != other.organisation {
        return Err(Refusal::invalid("duplicate", "One is a person and the other an organisation. Change one of them first, if that is wrong."));
    }
    let merged = contact::Typed {
        name: kept.name.clone(),
        organisation: kept.organisation,
        born: kept.born.or(other.born).map(|date| date.to_string()).unwrap_or_default(),
        number: first(kept.number, &other.number),
        email: first(kept.email, &other.email),
        phone: first(kept.phone, &other.phone),
        address: first(kept.address, &other.address),
        note: both(kept.note, &other.note),
    };
    for moved in MOVES {
        tx.sql.execute(moved, [to, from]).refuse()?;
    }
    take_over_papers(stays, from)?;
    if other.name != kept.name {
        alias::put(tx.sql, to, &other.name, AliasKind::Other).refuse()?;
    }
    contact::change(stays, &merged, kept.version)?;
    // The row of the duplicate keeps its number only, and leads on.
    contact::erase(tx, from)?;
    tx.sql.execute("update contact set removed = null, merged_into = ?1 where id = ?2", [to, from]).refuse()?;
    tx.record(Verb::ContactMerge, None, Some((Kind::Contact, to)), Some(from), false);
    Ok(())
}

/// What belongs to the duplicate `?2` goes over to `?1`; what both have once is enough.
const MOVES: [&str; 12] = [
    "update or ignore contact_name set contact_id = ?1 where contact_id = ?2",
    "delete from contact_name where contact_id = ?2",
    // A part that both play is not over as long as one of them plays it.
    "update party as p set ended = null, is_client = max(is_client, (select max(d.is_client) from party d where d.contact_id = ?2 and d.case_id = p.case_id and d.role = p.role))
        where contact_id = ?1 and exists (select 1 from party d where d.contact_id = ?2 and d.case_id = p.case_id and d.role = p.role and d.ended is null)",
    "update or ignore party set contact_id = ?1 where contact_id = ?2",
    "delete from party where contact_id = ?2",
    "delete from contact_link where left_id in (?1, ?2) and right_id in (?1, ?2)",
    "update or ignore contact_link set left_id = ?1 where left_id = ?2",
    "update or ignore contact_link set right_id = ?1 where right_id = ?2",
    "update or ignore user_contact set contact_id = ?1 where contact_id = ?2",
    "delete from user_contact where contact_id = ?2",
    "update contact set merged_into = ?1 where merged_into = ?2",
    "update export set contact_id = ?1 where contact_id = ?2",
];

/// Identity documents go over; their numbers are sealed for their own row, which stays.
fn take_over_papers<P: Covers<Contribute>>(stays: &Access<'_, P, Contact, Writing>, from: i64) -> Result<(), Refusal> {
    stays.sql().execute("update identity_document set contact_id = ? where contact_id = ?", params![stays.id(), from]).map(drop).refuse()
}

fn first(kept: String, other: &str) -> String {
    if kept.is_empty() { other.to_owned() } else { kept }
}

/// Two notes, one under the other.
fn both(kept: String, other: &str) -> String {
    match (kept.is_empty(), other.is_empty()) {
        (true, _) => other.to_owned(),
        (_, true) => kept,
        _ => format!("{kept}\n\n{other}").chars().take(contact::NOTE_MAX).collect(),
    }
}
