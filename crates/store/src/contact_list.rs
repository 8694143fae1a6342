//! Lists of contacts: those that the one who asks may see, by name, a page at a time.

use crate::{Tx, error::Refuse};
use rules::{Contact, Level, Refusal, Sealed, UserState, Verb, name, policy};
use rusqlite::params_from_iter;

/// Rows on a page.
pub const PAGE: usize = 50;
/// Most words of a search that count.
const WORDS: usize = 6;

/// A contact as lists show it.
pub struct Listed {
    /// Opaque id.
    pub id: Sealed<Contact>,
    /// Name.
    pub name: String,
    /// Other names, one after the other.
    pub also: Option<String>,
    /// It is an organisation, not a person.
    pub organisation: bool,
    /// In how many cases that the one who asks may read it plays a part now.
    pub cases: usize,
}

/// A page of contacts.
pub struct Page {
    /// The rows, by name.
    pub rows: Vec<Listed>,
    /// The last one of this page, if more follow.
    pub next: Option<Sealed<Contact>>,
}

/// Whether the contact `c` is to be seen (from its few parties to the sight of the one who asks, never the other way round: that would walk all their cases) by the user `?1`, as [`policy::of_contact`] decides; `?2` says whether they see those on no case.
const SEEN: &str = "c.removed is null and c.merged_into is null and (
    exists (select 1 from party p cross join sight v on v.case_id = p.case_id and v.user_id = ?1 and v.level >= 2 where p.contact_id = c.id)
    or ?2 and not exists (select 1 from party where contact_id = c.id))";

/// Whether the one who asks sees contacts that are on no case.
fn sees_free<M>(tx: &Tx<'_, M>) -> bool {
    policy::of_contact(tx.actor().role, UserState::Active, None) >= Level::Read
}

/// A page of contacts, with every one of `words` at the head of a word of one of their names.
pub fn list<M>(tx: &Tx<'_, M>, words: &str, after: Option<&Sealed<Contact>>) -> Result<Page, Refusal> {
    tx.note(Verb::ContactList);
    let folded = name::fold(words);
    let heads: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).take(WORDS).collect();
    if heads.is_empty() && !words.trim().is_empty() {
        return Ok(Page { rows: Vec::new(), next: None });
    }
    let below = after.and_then(|id| tx.core.keys.ids.open(id).ok());
    // The words are bound from ?4 on; each pair is a part of the index of names.
    let among = (0..heads.len()).map(|n| format!("select contact_id from name_part where fold >= ?{} and fold < ?{} || '{{'", n + 4, n + 4)).collect::<Vec<_>>().join(" intersect ");
    let among = if heads.is_empty() { String::new() } else { format!("and c.id in ({among})") };
    // The names are walked in their order, or the few that have the words are sorted; what a row says besides is read for those of the page only.
    let by_name = if heads.is_empty() { "indexed by contact_by_name" } else { "" };
    let query = format!(
        "select c.id, c.name, (select group_concat(name, ' · ') from contact_name where contact_id = c.id), c.kind = 'organisation',
            (select count(distinct p.case_id) from party p cross join sight v on v.case_id = p.case_id and v.user_id = ?1 and v.level >= 2 where p.contact_id = c.id and p.ended is null)
         from (select c.id from contact c {by_name} where {SEEN} {among} and (?3 is null or (c.name collate nocase, c.id) > (select name collate nocase, id from contact where id = ?3))
            order by c.name collate nocase, c.id limit {}) f cross join contact c on c.id = f.id order by c.name collate nocase, c.id",
        PAGE + 1
    );
    let mut bound: Vec<Box<dyn rusqlite::ToSql>> = vec![Box::new(tx.actor().user), Box::new(sees_free(tx)), Box::new(below)];
    bound.extend(heads.iter().map(|head| Box::new((*head).to_owned()) as Box<dyn rusqlite::ToSql>));
    let mut statement = tx.sql.prepare_cached(&query).refuse()?;
    let mut found = statement.query(params_from_iter(bound)).refuse()?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().refuse()? {
        let read = || -> rusqlite::Result<(String, Option<String>, bool, usize)> { Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)) };
        let (name, also, organisation, cases) = read().refuse()?;
        rows.push(Listed { id: tx.seal(row.get(0).refuse()?)?, name, also, organisation, cases });
    }
    let next = match rows.len() > PAGE {
        true => {
            rows.truncate(PAGE);
            rows.last().map(|row| row.id.clone())
        }
        false => None,
    };
    Ok(Page { rows, next })
}
