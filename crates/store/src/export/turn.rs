//! An export that takes its turn: it is taken, made, kept for a while and removed. And those of the console, which asks like a person but
//! has nobody's account.

use super::{
    Scope, Source, Stage,
    request::{self, KEPT, LAPSES, others, tell, tell_asked},
    scope,
};
use crate::{
    Site, Writing,
    blob::{Blob, Kept},
    charge::Administer,
    error::Refuse,
    site::Core,
    trail::Event,
};
use rules::{Kind, LetterKind, Moment, Refusal, Verb, document::size_words};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// How far an export is that is being made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Row id of the export.
    pub number: i64,
    /// Bytes of documents that passed through.
    pub done: u64,
    /// Bytes of all of them.
    pub total: u64,
    stop: bool,
}

/// Where the maker tells how far it is, and hears that it is to stop.
#[derive(Default)]
pub(crate) struct Goes(Mutex<Option<Progress>>);

impl Goes {
    fn now(&self) -> MutexGuard<'_, Option<Progress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stop(&self, number: i64) {
        if let Some(progress) = self.now().as_mut().filter(|progress| progress.number == number) {
            progress.stop = true;
        }
    }
}

/// An export whose turn has come: proof that it may be made.
pub struct Taken {
    number: i64,
    contact: Option<i64>,
    /// Who asked.
    pub by: String,
    /// The second person; `None` where there was none.
    pub second: Option<String>,
    /// Why.
    pub reason: String,
}

impl Taken {
    /// What it is of.
    pub fn scope(&self) -> Scope {
        self.contact.map_or(Scope::Everything, |contact| Scope::Client { contact, export: self.number })
    }
}

/// Names of the prepared files that are to be there.
pub(crate) fn files(sql: &Connection) -> rusqlite::Result<Vec<String>> {
    sql.prepare("select blob from export where stage = 'ready' and blob is not null")?.query_map([], |row| row.get(0))?.collect()
}

/// Whether there is room for a prepared file, with a sentence if not.
pub(super) fn fits(sql: &Connection, core: &Core, contact: Option<i64>) -> Result<(), Refusal> {
    const SQL: &str = "select coalesce(sum(v.size), 0) from version v join document d on d.id = v.document_id
        where ?1 is null or d.case_id in (select s.case_id from sight s join user_contact l on l.user_id = s.user_id where l.contact_id = ?1 and s.level >= ?2)";
    let documents: u64 = sql.query_row(SQL, params![contact, scope::READ], |row| row.get(0)).refuse()?;
    let rows = std::fs::metadata(core.folder.join("site.db")).map_or(0, |meta| meta.len());
    let (needed, room) = (documents.saturating_add(rows.saturating_mul(2)), core.exports.room());
    match needed <= room {
        true => Ok(()),
        false => Err(Refusal::invalid("", format!("There is too little room on the disk of this server. The export needs about {}, and {} are free. Make room, or ask for one client alone.", size_words(needed), size_words(room)))),
    }
}

pub(super) fn removed(sql: &Connection, number: i64, now: Moment) -> Result<(), Refusal> {
    sql.execute("update export set stage = 'removed', blob = null, blob_key = null, ended = ?2 where id = ?1", params![number, now.0]).map(drop).refuse()
}

/// Writes down that it is fetched; gives when it was made, and the file.
pub(super) fn fetched(sql: &Connection, number: i64, now: Moment) -> Result<(Moment, Blob), Refusal> {
    sql.execute("update export set fetched = ?2 where id = ?1", params![number, now.0]).refuse()?;
    kept(sql, number)
}

fn kept(sql: &Connection, number: i64) -> Result<(Moment, Blob), Refusal> {
    const SQL: &str = "select ended, blob, blob_key, size, sha256 from export where id = ? and stage = 'ready'";
    let blob = |row: &Row<'_>| Ok((Moment(row.get(0)?), Blob { name: row.get(1)?, wrapped: row.get(2)?, size: row.get(3)?, sha256: row.get(4)? }));
    sql.query_row(SQL, [number], blob).refuse()
}

/// What Strongroom itself did.
fn by_itself(core: &Core, verb: Verb, number: i64) -> Event {
    Event { at: core.now(), actor: None, verb, case: None, object: Some((Kind::Export, number)), detail: None, origin: "".into(), session: None, refused: false }
}

impl Site {
    /// Rings when an export was approved.
    pub fn export_bell(&self) -> Arc<Notify> {
        Arc::clone(&self.core.export_bell)
    }

    /// The folder of prepared exports.
    pub fn exports(&self) -> &crate::blob::Blobs {
        &self.core.exports
    }

    /// How far the export is that is being made.
    pub fn export_progress(&self) -> Option<Progress> {
        *self.core.goes.now()
    }

    /// Tells how far it is; false when it is to stop.
    pub fn export_goes(&self, taken: &Taken, done: u64, total: u64) -> bool {
        let mut now = self.core.goes.now();
        let stop = now.is_some_and(|before| before.number == taken.number && before.stop);
        *now = Some(Progress { number: taken.number, done, total, stop });
        !stop
    }

    /// What was being made when the server ended has failed, and so has what is ready and not there: said before anything else is made.
    pub async fn exports_interrupted(&self) -> Result<(), Refusal> {
        const CUT: &str = "update export set stage = 'failed', ended = ?1, why = 'The server was stopped before it was done.' where stage = 'making'";
        const GONE: &str = "update export set stage = 'failed', ended = ?2, blob = null, blob_key = null, why = 'The prepared file is not on this server any more.' where blob = ?1";
        self.submit(false, |sql, core| {
            let now = core.now().0;
            let work = || -> Result<(), Refusal> {
                sql.execute(CUT, [now]).refuse()?;
                let gone = files(sql).refuse()?.into_iter().filter(|name| !core.exports.has(name));
                gone.into_iter().try_for_each(|name| sql.execute(GONE, params![name, now]).map(drop).refuse())
            };
            (work(), Vec::new())
        })
        .await
    }

    /// Lets lapse what nobody answered, and removes files that were there for long enough.
    pub async fn sweep_exports(&self) -> Result<(), Refusal> {
        let due = |sql: &Connection, now: Moment| -> rusqlite::Result<Vec<(i64, Option<String>)>> {
            let mut find = sql.prepare_cached("select id, blob from export where stage = 'asked' and asked <= ?1 or stage = 'ready' and ended <= ?2")?;
            find.query_map([now.plus(-LAPSES).0, now.plus(-KEPT).0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        if self.door(|sql| due(sql, self.now()).refuse())?.is_empty() {
            return Ok(());
        }
        self.submit(false, move |sql, core| {
            let mut events = Vec::new();
            let mut work = || -> Result<(), Refusal> {
                for (number, blob) in due(sql, core.now()).refuse()? {
                    match blob {
                        Some(blob) => core.exports.remove(&blob).and_then(|()| removed(sql, number, core.now()))?,
                        None => sql.execute("update export set stage = 'lapsed', ended = ?2 where id = ?1", params![number, core.now().0]).map(drop).refuse()?,
                    }
                    events.push(by_itself(core, if sql_is_lapsed(sql, number)? { Verb::ExportLapse } else { Verb::ExportRemove }, number));
                }
                Ok(())
            };
            (work(), events)
        })
        .await
    }

    /// Takes the export that was approved first; `None` when there is none.
    pub async fn take_export(&self) -> Result<Option<Taken>, Refusal> {
        // Both are still who they were, or it comes to nothing.
        const OUTLIVED: &str = "update export set stage = 'failed', ended = ?1, why = 'Whoever asked for it, or approved it, may not do so any more.' where stage = 'approved'
            and (by_id is not null and by_id not in (select id from user where state = 'active' and role = 'administrator')
                or second_id is not null and second_id not in (select id from user where state = 'active' and role in ('administrator', 'manager')))";
        const NEXT: &str = "update export set stage = 'making' where id = (select id from export where stage = 'approved' order by answered, id limit 1) returning id";
        if !self.door(|sql| sql.prepare_cached("select 1 from export where stage = 'approved'").refuse()?.exists([]).refuse())? {
            return Ok(None);
        }
        let taken = self.submit(false, |sql, core| {
            let next = || -> Result<Option<Taken>, Refusal> {
                sql.execute(OUTLIVED, [core.now().0]).refuse()?;
                let number = sql.query_row(NEXT, [], |row| row.get::<_, i64>(0)).optional().refuse()?;
                number.map(|number| taken(sql, number)).transpose()
            };
            (next(), Vec::new())
        });
        taken.await
    }

    /// What an export reads from.
    pub fn export_source(&self, taken: &Taken) -> Result<Source, Refusal> {
        self.door(|sql| fits(sql, &self.core, taken.contact))?;
        Source::served(&self.core, self.blobs())
    }

    /// The same for one that is not kept on this server.
    pub fn straight_source(&self, _: &Taken) -> Result<Source, Refusal> {
        Source::served(&self.core, self.blobs())
    }

    /// It is made and durable: it waits to be fetched, and the one who asked is told. One that was stopped meanwhile is thrown away.
    pub async fn export_made(&self, taken: &Taken, file: Kept, problems: usize) -> Result<(), Refusal> {
        const MADE: &str = "update export set stage = 'ready', ended = ?2, problems = ?3, blob = ?4, blob_key = ?5, size = ?6, sha256 = ?7 where id = ?1 and stage = 'making'";
        let (number, contact, blob) = (taken.number, taken.contact, file.blob().clone());
        let made = self.submit(false, move |sql, core| {
            let work = || -> Result<(), Refusal> {
                let kept = sql.execute(MADE, params![number, core.now().0, problems, blob.name, blob.wrapped, blob.size.cast_signed(), blob.sha256]).refuse()?;
                if kept == 0 {
                    return Err(Refusal::Conflict);
                }
                let by: Option<i64> = sql.query_row("select by_id from export where id = ?", [number], |row| row.get(0)).refuse()?;
                by.map_or(Ok(()), |by| tell(sql, core, by, LetterKind::ExportReady, "", contact))
            };
            (work(), vec![by_itself(core, Verb::ExportMake, number)])
        });
        let made = made.await;
        file.settle(&made);
        *self.core.goes.now() = None;
        match made {
            Err(Refusal::Conflict) => Ok(()),
            made => made,
        }
    }

    /// It could not be made.
    pub async fn export_failed(&self, taken: &Taken, why: String) -> Result<(), Refusal> {
        const FAILED: &str = "update export set stage = 'failed', ended = ?2, why = ?3 where id = ?1 and stage = 'making'";
        let number = taken.number;
        *self.core.goes.now() = None;
        self.submit(false, move |sql, core| (sql.execute(FAILED, params![number, core.now().0, why]).map(drop).refuse(), Vec::new())).await
    }

    /// One of the console's was written to where it was to go, or not: `why` says what was in the way.
    pub async fn export_given(&self, taken: &Taken, problems: usize, why: Option<String>) -> Result<(), Refusal> {
        const GIVEN: &str = "update export set stage = 'removed', ended = ?2, problems = ?3, why = ?4, fetched = iif(?4 is null, ?2, null) where id = ?1";
        let number = taken.number;
        self.submit(false, move |sql, core| {
            let event = if why.is_none() { vec![by_itself(core, Verb::ExportFetch, number)] } else { Vec::new() };
            (sql.execute(GIVEN, params![number, core.now().0, problems, why]).map(drop).refuse(), event)
        })
        .await
    }
}

fn sql_is_lapsed(sql: &Connection, number: i64) -> Result<bool, Refusal> {
    sql.query_row("select stage = 'lapsed' from export where id = ?", [number], |row| row.get(0)).refuse()
}

fn taken(sql: &Connection, number: i64) -> Result<Taken, Refusal> {
    const SQL: &str = "select e.contact_id, coalesce(b.name, 'the console of the server'), s.name, e.reason from export e
        left join user b on b.id = e.by_id left join user s on s.id = e.second_id where e.id = ?";
    sql.query_row(SQL, [number], |row| Ok(Taken { number, contact: row.get(0)?, by: row.get(1)?, second: row.get(2)?, reason: row.get(3)? })).refuse()
}

/// How an export of the console stands.
pub struct Standing {
    /// Row id.
    pub number: i64,
    /// Where it is.
    pub stage: Stage,
    /// Bytes of the prepared file.
    pub size: Option<u64>,
    /// Their SHA-256.
    pub sha256: Option<Vec<u8>>,
    /// Why it failed.
    pub why: Option<String>,
    /// What could not be read whole.
    pub problems: i64,
    /// Who could approve it.
    pub waits_for: Vec<String>,
}

/// Asks for an export at the console, or finds the one that it asked for before. Where nobody could approve it, or with `alone`, it goes ahead,
/// which is told to every system administrator. Gives its number.
pub fn at_console(site: &Administer<'_, Writing>, asked: &request::Asked, alone: bool) -> Result<i64, Refusal> {
    let tx = site.tx();
    let (sql, core) = (tx.sql, tx.core);
    let contact = asked.client.as_deref().map(|typed| scope::client(sql, typed)).transpose()?;
    let alone = alone || others(sql, 0)?.is_empty();
    const BEFORE: &str = "select id, stage, asked from export where by_id is null and contact_id is ?1 and (alone = 0 or ?2) and stage in ('asked', 'approved', 'making', 'ready', 'failed') order by id desc limit 1";
    let before = sql.query_row(BEFORE, params![contact, alone], |row| Ok((row.get(0)?, Stage::at(row, 1, Moment(row.get(2)?), tx.now())?))).optional().refuse()?;
    match before {
        Some((number, Stage::Approved | Stage::Making | Stage::Ready)) => return Ok(number),
        Some((number, Stage::Asked)) if !alone => return Ok(number),
        Some((number, Stage::Failed)) => {
            fits(sql, core, contact)?;
            sql.execute("update export set stage = 'approved', why = null, ended = null where id = ?", [number]).refuse()?;
            tx.record(Verb::ExportAgain, None, Some((Kind::Export, number)), contact, false);
            core.export_approved();
            return Ok(number);
        }
        _ => {}
    }
    fits(sql, core, contact)?;
    let stage = if alone { Stage::Approved } else { Stage::Asked };
    let number = put(site, contact, &asked.reason, stage)?;
    match alone {
        true => core.export_approved(),
        false => tell_asked(sql, core, 0, contact)?,
    }
    Ok(number)
}

/// An export that is written at once to where it is to go, by a command on an installation that nobody serves.
pub fn straight(site: &Administer<'_, Writing>, asked: &request::Asked) -> Result<Taken, Refusal> {
    let contact = asked.client.as_deref().map(|typed| scope::client(site.tx().sql, typed)).transpose()?;
    let number = put(site, contact, &asked.reason, Stage::Making)?;
    taken(site.tx().sql, number)
}

/// A row of the console's. What needs no second person is told to every system administrator.
fn put(site: &Administer<'_, Writing>, contact: Option<i64>, reason: &str, stage: Stage) -> Result<i64, Refusal> {
    let tx = site.tx();
    let (reason, alone) = (request::reason(reason)?, stage != Stage::Asked);
    const PUT: &str = "insert into export (contact_id, reason, stage, asked, alone, answered) values (?1, ?2, ?3, ?4, ?5, iif(?5, ?4, null))";
    tx.sql.execute(PUT, params![contact, reason, stage.value(), tx.now().0, alone]).refuse()?;
    let number = tx.sql.last_insert_rowid();
    request::name_accounts(tx.sql, number, contact)?;
    let verb = if alone { Verb::ExportAlone } else { Verb::ExportAsk };
    tx.record(verb, None, Some((Kind::Export, number)), contact, false);
    if alone {
        let all = others(tx.sql, 0)?.into_iter().filter(|(_, _, administrator)| *administrator);
        all.into_iter().try_for_each(|(id, ..)| tell(tx.sql, tx.core, id, LetterKind::ExportAlone, "", contact))?;
    }
    Ok(number)
}

/// How an export of the console stands.
pub fn standing(site: &Administer<'_, Writing>, number: i64) -> Result<Standing, Refusal> {
    let tx = site.tx();
    const SQL: &str = "select stage, asked, size, sha256, why, problems from export where id = ? and by_id is null";
    let found = tx.sql.query_row(SQL, [number], |row| {
        let stage = Stage::at(row, 0, Moment(row.get(1)?), tx.now())?;
        Ok(Standing { number, stage, size: row.get(2)?, sha256: row.get(3)?, why: row.get(4)?, problems: row.get(5)?, waits_for: Vec::new() })
    });
    let waits_for = others(tx.sql, 0)?.into_iter().map(|(_, name, _)| name).collect();
    Ok(Standing { waits_for, ..found.refuse()? })
}

/// The prepared file of the console's; written down when it is asked for from its beginning.
pub fn piece(site: &Administer<'_, Writing>, number: i64, from: u64) -> Result<Blob, Refusal> {
    let tx = site.tx();
    let own = standing(site, number)?;
    if from == 0 {
        tx.record(Verb::ExportFetch, None, Some((Kind::Export, own.number)), None, false);
        return Ok(fetched(tx.sql, number, tx.now())?.1);
    }
    Ok(kept(tx.sql, number)?.1)
}

/// The console has it all: the prepared file goes.
pub fn delivered(site: &Administer<'_, Writing>, number: i64) -> Result<(), Refusal> {
    let tx = site.tx();
    let (_, blob) = kept(tx.sql, standing(site, number)?.number)?;
    tx.core.exports.remove(&blob.name)?;
    tx.record(Verb::ExportRemove, None, Some((Kind::Export, number)), None, false);
    removed(tx.sql, number, tx.now())
}
