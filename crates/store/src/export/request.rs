//! Exports that people ask for on the page. Whoever runs the site has no level on any case, so that nobody gets one alone: one asks and says
//! why, and a second person, who looks after accounts too, approves. Both have shown a factor just before.

use super::{scope, turn};
use crate::{
    Writing,
    blob::Blob,
    charge::{Administer, Charge},
    error::Refuse,
    notice,
    site::Core,
};
use rules::{Export, Kind, LetterKind, Moment, Refusal, Sealed, Verb, text, when};
use rusqlite::{Connection, Row, params};

/// A request that nobody answers comes to nothing after so long, in milliseconds.
pub const LAPSES: i64 = 7 * when::DAY;
/// A prepared file is removed after so long, in milliseconds.
pub const KEPT: i64 = 7 * when::DAY;
/// How many exports somebody asks for within a day, at most.
const A_DAY: usize = 20;
/// Longest reason, in characters.
pub const REASON_MAX: usize = 500;

/// Where an export is: `asked → approved → making → ready → removed`; `asked → refused | withdrawn | lapsed`; `making → failed → approved`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waits for the second person.
    Asked,
    /// Waits for its turn.
    Approved,
    /// Is being prepared.
    Making,
    /// Waits to be fetched.
    Ready,
    /// Could not be prepared.
    Failed,
    /// The second person said no.
    Refused,
    /// Taken back.
    Withdrawn,
    /// Nobody answered in time.
    Lapsed,
    /// The file is no longer here.
    Removed,
}

impl Stage {
    /// All of them.
    pub const ALL: [Stage; 9] = [Stage::Asked, Stage::Approved, Stage::Making, Stage::Ready, Stage::Failed, Stage::Refused, Stage::Withdrawn, Stage::Lapsed, Stage::Removed];

    /// The word kept in the database and printed by commands.
    pub const fn value(self) -> &'static str {
        match self {
            Stage::Asked => "asked",
            Stage::Approved => "approved",
            Stage::Making => "making",
            Stage::Ready => "ready",
            Stage::Failed => "failed",
            Stage::Refused => "refused",
            Stage::Withdrawn => "withdrawn",
            Stage::Lapsed => "lapsed",
            Stage::Removed => "removed",
        }
    }

    /// Stage from column `n`, for a request asked for then: an unknown word, which only a change from outside can cause, is an error.
    pub(super) fn at(row: &Row<'_>, n: usize, asked: Moment, now: Moment) -> rusqlite::Result<Stage> {
        let word = row.get_ref(n)?.as_str()?;
        let stage = Stage::ALL.into_iter().find(|stage| stage.value() == word).ok_or(rusqlite::Error::InvalidQuery)?;
        Ok(if stage == Stage::Asked && now.0 - asked.0 >= LAPSES { Stage::Lapsed } else { stage })
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The client as typed, by name or `#12`; `None` for everything.
    pub client: Option<String>,
    /// Why.
    pub reason: String,
}

/// An export as the page shows it.
pub struct Listed {
    /// Opaque id.
    pub id: Sealed<Export>,
    /// Row id: by it the progress is told.
    pub number: i64,
    /// Name of the client; `None` for everything.
    pub client: Option<String>,
    /// Names of the accounts of the client that it is about.
    pub accounts: Vec<String>,
    /// Why it was asked for.
    pub reason: String,
    /// Where it is.
    pub stage: Stage,
    /// Who asked; `None` for the console.
    pub by: Option<String>,
    /// It is the one who looks.
    pub mine: bool,
    /// When.
    pub asked: Moment,
    /// It needs no second person.
    pub alone: bool,
    /// Who answered.
    pub second: Option<String>,
    /// When it was ready, or came to nothing.
    pub ended: Option<Moment>,
    /// Why it failed.
    pub why: Option<String>,
    /// What could not be read whole.
    pub problems: i64,
    /// When it was last fetched.
    pub fetched: Option<Moment>,
    /// Bytes of the file.
    pub size: Option<u64>,
}

const NOBODY: &str = "Nobody else could approve it. Invite a second system administrator, or make the export at the server: strongroom export";

/// Who was invited, reset or given their role by the one who asks within so long, in milliseconds, cannot approve it: nobody makes their own
/// second person in an afternoon.
const NEW: i64 = 3 * when::DAY;

/// Everybody who could approve what the one who looks asks for: active system administrators and case managers.
pub fn second_persons<M>(charge: &Charge<'_, M>) -> Result<Vec<String>, Refusal> {
    let tx = charge.tx();
    Ok(seconds(tx.sql, tx.actor().user, tx.now())?.into_iter().map(|(_, name, _)| name).collect())
}

/// Row id, name, and whether they are a system administrator.
type Person = (i64, String, bool);

/// Every active system administrator and case manager but this one.
pub(super) fn others(sql: &Connection, but: i64) -> Result<Vec<Person>, Refusal> {
    const SQL: &str = "select id, name, role = 'administrator' from user where state = 'active' and role in ('administrator', 'manager') and id != ? order by role, name collate nocase, id";
    sql.prepare_cached(SQL).refuse()?.query_map([but], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).refuse()?.collect::<Result<_, _>>().refuse()
}

/// Those of them who could approve what this one asks for.
pub(super) fn seconds(sql: &Connection, by: i64, now: Moment) -> Result<Vec<Person>, Refusal> {
    const NEW_BY: &str = "select exists (select 1 from ticket where user_id = ?1 and purpose in ('invite', 'reset') and by_id = ?2 and made > ?3)
        or exists (select 1 from user where id = ?1 and role_by = ?2 and role_at > ?3)";
    let mut is_new = sql.prepare_cached(NEW_BY).refuse()?;
    let mut out = Vec::new();
    for person in others(sql, by)? {
        if !is_new.query_row(params![person.0, by, now.plus(-NEW).0], |row| row.get::<_, bool>(0)).refuse()? {
            out.push(person);
        }
    }
    Ok(out)
}

/// The newest exports, newest first.
pub fn list<M>(charge: &Charge<'_, M>, most: usize) -> Result<Vec<Listed>, Refusal> {
    const SQL: &str = "select e.id, c.name, e.reason, e.stage, b.name, e.by_id, e.asked, e.alone, s.name, e.ended, e.why, e.problems, e.fetched, e.size from export e
        left join contact c on c.id = e.contact_id left join user b on b.id = e.by_id left join user s on s.id = e.second_id order by e.id desc limit ?";
    let tx = charge.tx();
    let (now, me) = (tx.now(), tx.actor().user);
    let mut find = tx.sql.prepare_cached(SQL).refuse()?;
    let mut rows = find.query([most]).refuse()?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().refuse()? {
        let number: i64 = row.get(0).refuse()?;
        let (id, accounts) = (tx.seal(number)?, accounts_of(tx.sql, number)?);
        out.push(Listed { accounts, ..listed(row, id, number, me, now).refuse()? });
    }
    Ok(out)
}

fn accounts_of(sql: &Connection, export: i64) -> Result<Vec<String>, Refusal> {
    let mut find = sql.prepare_cached("select u.name from export_account a join user u on u.id = a.user_id where a.export_id = ? order by u.name collate nocase, u.id").refuse()?;
    find.query_map([export], |row| row.get(0)).refuse()?.collect::<Result<_, _>>().refuse()
}

fn listed(row: &Row<'_>, id: Sealed<Export>, number: i64, me: i64, now: Moment) -> rusqlite::Result<Listed> {
    let (asked, moment) = (Moment(row.get(6)?), |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(Moment)));
    Ok(Listed {
        id,
        number,
        client: row.get(1)?,
        accounts: Vec::new(),
        reason: row.get(2)?,
        stage: Stage::at(row, 3, asked, now)?,
        by: row.get(4)?,
        mine: row.get::<_, Option<i64>>(5)? == Some(me),
        asked,
        alone: row.get(7)?,
        second: row.get(8)?,
        ended: moment(9)?,
        why: row.get(10)?,
        problems: row.get(11)?,
        fetched: moment(12)?,
        size: row.get(13)?,
    })
}

/// Asks for an export. It waits for a second person, who is told.
pub fn ask(site: &Administer<'_, Writing>, asked: &Asked) -> Result<(), Refusal> {
    let tx = site.tx();
    let (sql, core, me) = (tx.sql, tx.core, tx.actor().user);
    let (reason, contact) = match (reason(&asked.reason), asked.client.as_deref().map(|typed| scope::client(sql, typed)).transpose()) {
        (Ok(reason), Ok(contact)) => (reason, contact),
        // Both mistakes are said at once.
        (Err(Refusal::Invalid(why)), Err(Refusal::Invalid(who))) => return Err(Refusal::Invalid(who.into_iter().chain(why).collect())),
        (Err(refusal), _) | (_, Err(refusal)) => return Err(refusal),
    };
    if seconds(sql, me, tx.now())?.is_empty() {
        return Err(Refusal::invalid("", NOBODY));
    }
    const OPEN: &str = "select 1 from export where by_id = ? and contact_id is ? and (stage = 'asked' and asked > ? or stage in ('approved', 'making'))";
    if sql.prepare_cached(OPEN).refuse()?.exists(params![me, contact, tx.now().plus(-LAPSES).0]).refuse()? {
        return Err(Refusal::invalid("reason", "You have asked for the same export already. It is in the list above."));
    }
    let asked: usize = sql.query_row("select count(*) from export where by_id = ? and asked > ?", params![me, tx.now().plus(-when::DAY).0], |row| row.get(0)).refuse()?;
    if asked >= A_DAY {
        return Err(Refusal::invalid("", format!("You have asked for {asked} exports within a day, and each is told by letter. Wait until tomorrow, or ask for everything at once.")));
    }
    turn::fits(sql, core, contact)?;
    sql.execute("insert into export (contact_id, reason, stage, by_id, asked) values (?, ?, 'asked', ?, ?)", params![contact, reason, me, tx.now().0]).refuse()?;
    let id = sql.last_insert_rowid();
    name_accounts(sql, id, contact)?;
    tx.record(Verb::ExportAsk, None, Some((Kind::Export, id)), contact, false);
    tell_asked(sql, core, me, contact)
}

/// Keeps which accounts the client has now: the second person approves these, and no other comes in afterwards.
pub(super) fn name_accounts(sql: &Connection, export: i64, contact: Option<i64>) -> Result<(), Refusal> {
    sql.execute("insert into export_account select ?1, user_id from user_contact where contact_id = ?2", params![export, contact]).map(drop).refuse()
}

pub(super) fn reason(typed: &str) -> Result<String, Refusal> {
    let reason = text::prose("reason", "The reason", typed, REASON_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    reason.ok_or_else(|| Refusal::invalid("reason", "Say why: whoever approves it reads this, and it stays on record."))
}

/// What an export is of, as letters say it: never a name.
pub(super) const fn what(contact: Option<i64>) -> &'static str {
    match contact {
        None => "everything that is kept there",
        Some(_) => "all that is kept of one client",
    }
}

/// Told to everybody who could approve it: to tell only some would let the one who asks choose who hears of it.
pub(super) fn tell_asked(sql: &Connection, core: &Core, by: i64, contact: Option<i64>) -> Result<(), Refusal> {
    let name = notice::name_of(sql, by)?;
    seconds(sql, by, core.now())?.into_iter().try_for_each(|(id, ..)| tell(sql, core, id, LetterKind::ExportAsked, &name, contact))
}

pub(super) fn tell(sql: &Connection, core: &Core, to: i64, kind: LetterKind, by: &str, contact: Option<i64>) -> Result<(), Refusal> {
    let link = format!("{}/system/export", core.settings().url.clone().unwrap_or_else(|| "https://localhost".into()));
    let ends = notice::moment(core, core.now().plus(KEPT));
    notice::tell(sql, core, to, kind, &[("by", by), ("what", what(contact)), ("link", &link), ("ends", &ends)])
}

/// An export that something is to be done to.
struct Found {
    id: i64,
    contact: Option<i64>,
    by: Option<i64>,
    stage: Stage,
    blob: Option<String>,
}

fn find(sql: &Connection, core: &Core, id: &Sealed<Export>) -> Result<Found, Refusal> {
    let id = core.keys.ids.open(id).map_err(|_| Refusal::NotFound)?;
    let mut one = sql.prepare_cached("select contact_id, by_id, stage, asked, blob from export where id = ?").refuse()?;
    let row = |row: &Row<'_>| Ok(Found { id, contact: row.get(0)?, by: row.get(1)?, stage: Stage::at(row, 2, Moment(row.get(3)?), core.now())?, blob: row.get(4)? });
    one.query_row([id], row).refuse()
}

const OVER: &str = "This export is not where it was when the page was made. Open the page again to see what became of it.";

/// Whether the one who asked has let this person in just now.
fn is_of_asker(sql: &Connection, by: Option<i64>, second: i64, now: Moment) -> Result<bool, Refusal> {
    let could = by.map(|by| seconds(sql, by, now)).transpose()?;
    Ok(could.is_some_and(|could| !could.iter().any(|(id, ..)| *id == second)))
}

fn answerable(charge: &Charge<'_, Writing>, id: &Sealed<Export>, verb: Verb) -> Result<Found, Refusal> {
    let tx = charge.tx();
    let row = find(tx.sql, tx.core, id)?;
    let why = match row.stage {
        Stage::Asked if row.by == Some(tx.actor().user) => "You asked for this export yourself. Another person has to answer.",
        Stage::Asked if verb == Verb::ExportApprove && is_of_asker(tx.sql, row.by, tx.actor().user, tx.now())? => {
            "Whoever asked for this export invited you, reset your ways in or gave you your role less than three days ago. Somebody else has to approve it, or you after that."
        }
        Stage::Asked => return Ok(row),
        Stage::Lapsed => "Seven days have passed without an answer. Whoever needs the export asks again.",
        _ => OVER,
    };
    tx.record(verb, None, Some((Kind::Export, row.id)), None, true);
    Err(Refusal::Forbidden(why.into()))
}

/// The second person agrees: it is prepared from now on. The one who asked, and every other system administrator, is told.
pub fn approve(charge: &Charge<'_, Writing>, id: &Sealed<Export>) -> Result<(), Refusal> {
    let (tx, row) = (charge.tx(), answerable(charge, id, Verb::ExportApprove)?);
    let (sql, core, me) = (tx.sql, tx.core, tx.actor().user);
    sql.execute("update export set stage = 'approved', second_id = ?2, answered = ?3 where id = ?1", params![row.id, me, tx.now().0]).refuse()?;
    tx.record(Verb::ExportApprove, None, Some((Kind::Export, row.id)), row.contact, false);
    core.export_approved();
    let name = notice::name_of(sql, me)?;
    let mut told = others(sql, me)?.into_iter().filter(|(id, _, administrator)| *administrator || row.by == Some(*id));
    told.try_for_each(|(id, ..)| tell(sql, core, id, LetterKind::ExportApproved, &name, row.contact))
}

/// The second person does not agree.
pub fn refuse(charge: &Charge<'_, Writing>, id: &Sealed<Export>) -> Result<(), Refusal> {
    let (tx, row) = (charge.tx(), answerable(charge, id, Verb::ExportRefuse)?);
    tx.sql.execute("update export set stage = 'refused', second_id = ?2, answered = ?3, ended = ?3 where id = ?1", params![row.id, tx.actor().user, tx.now().0]).refuse()?;
    tx.record(Verb::ExportRefuse, None, Some((Kind::Export, row.id)), row.contact, false);
    Ok(())
}

/// Takes a request back, or stops what is being prepared. Any system administrator may: it gives nothing to anybody.
pub fn withdraw(site: &Administer<'_, Writing>, id: &Sealed<Export>) -> Result<(), Refusal> {
    let tx = site.tx();
    let row = find(tx.sql, tx.core, id)?;
    if !matches!(row.stage, Stage::Asked | Stage::Approved | Stage::Making) {
        return Err(Refusal::Forbidden(OVER.into()));
    }
    tx.core.goes.stop(row.id);
    tx.sql.execute("update export set stage = 'withdrawn', ended = ?2 where id = ?1", params![row.id, tx.now().0]).refuse()?;
    tx.record(Verb::ExportWithdraw, None, Some((Kind::Export, row.id)), row.contact, false);
    Ok(())
}

/// Begins anew what was approved and then failed. Only the one who asked may, and only for as long as the answer is fresh.
pub fn again(site: &Administer<'_, Writing>, id: &Sealed<Export>) -> Result<(), Refusal> {
    let tx = site.tx();
    let row = find(tx.sql, tx.core, id)?;
    if row.stage != Stage::Failed || row.by != Some(tx.actor().user) {
        return Err(Refusal::Forbidden(OVER.into()));
    }
    let answered: Option<i64> = tx.sql.query_row("select answered from export where id = ?", [row.id], |row| row.get(0)).refuse()?;
    if answered.is_some_and(|answered| tx.now().0 - answered >= LAPSES) {
        return Err(Refusal::Forbidden("It was approved more than seven days ago. Ask for it again.".into()));
    }
    turn::fits(tx.sql, tx.core, row.contact)?;
    tx.sql.execute("update export set stage = 'approved', why = null, ended = null where id = ?", [row.id]).refuse()?;
    tx.record(Verb::ExportAgain, None, Some((Kind::Export, row.id)), row.contact, false);
    tx.core.export_approved();
    Ok(())
}

/// Removes the prepared file. Any system administrator may.
pub fn remove(site: &Administer<'_, Writing>, id: &Sealed<Export>) -> Result<(), Refusal> {
    let tx = site.tx();
    let row = find(tx.sql, tx.core, id)?;
    match (row.stage, &row.blob) {
        (Stage::Ready, Some(blob)) => tx.core.exports.remove(blob)?,
        _ => return Err(Refusal::Forbidden(OVER.into())),
    }
    turn::removed(tx.sql, row.id, tx.now())?;
    tx.record(Verb::ExportRemove, None, Some((Kind::Export, row.id)), row.contact, false);
    Ok(())
}

/// The prepared file, for the one who asked: nobody else gets it, and nobody learns that there is one.
pub fn file(site: &Administer<'_, Writing>, id: &Sealed<Export>) -> Result<(Moment, Blob), Refusal> {
    let tx = site.tx();
    let row = find(tx.sql, tx.core, id)?;
    if row.stage != Stage::Ready || row.by != Some(tx.actor().user) {
        tx.record(Verb::ExportFetch, None, Some((Kind::Export, row.id)), None, true);
        return Err(Refusal::NotFound);
    }
    tx.record(Verb::ExportFetch, None, Some((Kind::Export, row.id)), row.contact, false);
    turn::fetched(tx.sql, row.id, tx.now())
}
