//! The one writer of a site: a thread that takes work from a bounded queue and commits it in groups.
//!
//! Each piece of work runs in a savepoint of its own: it is in whole or not at all. One commit, with one fsync, carries the group,
//! and only then are the replies sent. Events of reads wait at most [`GATHER`] for company.

use crate::{
    error,
    follow,
    health::Health,
    site::Core,
    trail::{self, Event, Head},
};
use rules::{Moment, Refusal};
use rusqlite::Connection;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Pieces of work that may wait; more are told to come back.
const QUEUE: usize = 2048;
/// Pieces in one commit.
const GROUP: usize = 256;
/// How long the events of reads may wait for a commit; with the commit itself they are on disk within 200 ms.
const GATHER: Duration = Duration::from_millis(100);
/// The write-ahead log is checkpointed when it is larger than this, in bytes, or after [`REST`].
const WAL_LIMIT: u64 = 4 << 20;
const REST: Duration = Duration::from_secs(60);
/// How often what is owed to the trail is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What became of a group's commit, told to each piece of work.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    Durable,
    Full,
    Lost,
}

impl Fate {
    pub(crate) fn check(self) -> Result<(), Refusal> {
        match self {
            Fate::Durable => Ok(()),
            Fate::Full => Err(Refusal::Full),
            Fate::Lost => Err(Refusal::Stopped),
        }
    }
}

/// Sends the reply once the fate of the commit is known.
type Reply = Box<dyn FnOnce(Fate) + Send>;
/// Runs in the open transaction; gives the events to append and the reply to send.
pub(crate) type Work = Box<dyn FnOnce(&Connection) -> (Vec<Event>, Reply) + Send>;

pub(crate) enum Job {
    /// A write. `essential` ones (sign-in, sessions) go on when the disk is nearly full.
    Write { work: Work, refuse: Box<dyn FnOnce(Refusal) + Send>, essential: bool },
    /// Events of a read.
    Trail(Vec<Event>),
    /// The session was used at this moment.
    Seen(i64, Moment),
    /// The session was found too old, or unused for too long, at this moment.
    Expired(i64, Moment),
    /// Empty the write-ahead log as far as can be, then say so.
    Checkpoint(SyncSender<()>),
    /// Commit what there is, checkpoint nothing, end.
    Stop,
}

/// The way to the writer. The last clone to go ends it.
#[derive(Clone)]
pub(crate) struct Queue(Arc<Way>);

struct Way {
    jobs: SyncSender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Queue {
    pub(crate) fn send(&self, job: Job) -> Result<(), (Refusal, Job)> {
        self.0.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(job) => (Refusal::Busy, job),
            TrySendError::Disconnected(job) => (Refusal::Stopped, job),
        })
    }

    /// Ends the writer after what is queued, and waits for it.
    pub(crate) fn stop(&self) {
        self.0.stop();
    }
}

impl Way {
    /// Waits for the thread itself, so that its connection is closed before the process ends: SQLCipher tears its memory down at exit,
    /// whoever still uses it.
    fn stop(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.jobs.send(Job::Stop);
            let _ = thread.join();
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn start(sql: Connection, core: Arc<Core>) -> std::io::Result<Queue> {
    let (queue, jobs) = sync_channel(QUEUE);
    let head = trail::head(&sql).map_err(std::io::Error::other)?;
    let mut writer = Writer { sql, core, head, stopping: false, owed: Vec::new(), asked: Vec::new() };
    let thread = thread::Builder::new().name("writer".into()).spawn(move || writer.serve(&jobs))?;
    Ok(Queue(Arc::new(Way { jobs: queue, thread: Mutex::new(Some(thread)) })))
}

struct Writer {
    sql: Connection,
    core: Arc<Core>,
    head: Head,
    stopping: bool,
    /// Looks and refusals that a full disk kept out of the trail. Nothing is read until they are in it.
    owed: Vec<Event>,
    /// Who waits for a checkpoint.
    asked: Vec<SyncSender<()>>,
}

/// What one transaction carries.
#[derive(Default)]
struct Group {
    /// True whatever becomes of the transaction: looks and refusals.
    facts: Vec<Event>,
    /// True only if it commits: changes.
    claims: Vec<Event>,
    replies: Vec<Reply>,
}

impl Group {
    fn take(&mut self, events: Vec<Event>, reply: Reply) {
        let (refused, done) = events.into_iter().partition::<Vec<_>, _>(|event| event.refused);
        self.facts.extend(refused);
        self.claims.extend(done);
        self.replies.push(reply);
    }
}

impl Writer {
    fn serve(&mut self, jobs: &Receiver<Job>) {
        let mut rested = false;
        while !self.stopping {
            let wait = if self.owed.is_empty() { REST } else { RETRY };
            match jobs.recv_timeout(wait) {
                Ok(first) => {
                    let group = gather(first, jobs);
                    self.commit(group);
                    rested = false;
                    if self.wal_size() > WAL_LIMIT || !self.asked.is_empty() {
                        self.checkpoint();
                    }
                    for asked in self.asked.drain(..) {
                        let _ = asked.send(());
                    }
                }
                Err(RecvTimeoutError::Timeout) if !self.owed.is_empty() => self.commit(Vec::new()),
                Err(RecvTimeoutError::Timeout) if !rested => {
                    self.checkpoint();
                    self.core.disk.refill();
                    rested = true;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// One transaction for the whole group.
    fn commit(&mut self, jobs: Vec<Job>) {
        let low = self.core.disk.is_low();
        let mut group = Group { facts: std::mem::take(&mut self.owed), ..Group::default() };
        let mut fate = self.begin();
        for job in jobs {
            match (job, fate.check()) {
                (Job::Stop, _) => self.stopping = true,
                (Job::Checkpoint(asked), _) => self.asked.push(asked),
                (Job::Trail(more), _) => group.facts.extend(more),
                (Job::Seen(session, at), Ok(())) => self.note("update session set seen = max(seen, ?2) where id = ?1", session, at),
                (Job::Expired(session, at), Ok(())) => self.note("update session set ended = ?2 where id = ?1 and ended is null", session, at),
                (Job::Seen(..) | Job::Expired(..), Err(_)) => {}
                (Job::Write { refuse, .. }, Err(refusal)) => refuse(refusal),
                (Job::Write { refuse, essential: false, .. }, _) if low => refuse(Refusal::Full),
                (Job::Write { work, refuse, .. }, _) => match self.run(work) {
                    Ok((events, reply)) => group.take(events, reply),
                    Err(refusal) => refuse(refusal),
                },
            }
            if matches!(fate, Fate::Durable) && self.sql.is_autocommit() {
                fate = self.undone();
            }
        }
        if let Fate::Durable = fate {
            fate = self.finish(group.facts.iter().chain(&group.claims));
        }
        if let Fate::Durable = fate {
            self.core.committed(&self.sql);
            self.core.followed.committed();
        }
        group.replies.into_iter().for_each(|reply| reply(fate));
        match fate {
            Fate::Durable => {}
            Fate::Full => self.owe(group.facts),
            Fate::Lost => log(&group.facts),
        }
        self.core.health.trail_written(self.owed.is_empty());
    }

    /// Durable so far.
    fn begin(&self) -> Fate {
        if !self.core.health.writable() {
            return Fate::Lost;
        }
        match self.sql.execute_batch("begin immediate") {
            Ok(()) => Fate::Durable,
            Err(error) if matches!(error::from_sql(&error), Refusal::Full) => Fate::Full,
            Err(_) => Fate::Lost,
        }
    }

    /// SQLite undid the whole transaction by itself, as it does when the disk is full or fails in the middle of a statement: what
    /// follows in the group would commit alone, without its trail.
    fn undone(&self) -> Fate {
        if self.core.disk.is_low() {
            return Fate::Full;
        }
        self.core.health.stop(Health::WRITE_FAILED, "SQLite undid a transaction in the middle of it");
        Fate::Lost
    }

    /// What is true all the same after a full disk, looks and refusals, is written once the ballast is given up, or later.
    fn owe(&mut self, facts: Vec<Event>) {
        self.core.disk.drop_ballast();
        if facts.is_empty() {
            return;
        }
        let fate = match self.begin() {
            Fate::Durable => self.finish(facts.iter()),
            other => other,
        };
        match fate {
            Fate::Durable => {}
            Fate::Full => self.owed = facts,
            Fate::Lost => log(&facts),
        }
    }

    /// Something about a session that nobody waits for.
    fn note(&self, update: &str, session: i64, at: Moment) {
        if let Ok(mut update) = self.sql.prepare_cached(update) {
            let _ = update.execute((session, at.0));
        }
    }

    /// One piece of work in its savepoint. A panic in it is a fault of that piece alone.
    fn run(&self, work: Work) -> Result<(Vec<Event>, Reply), Refusal> {
        self.sql.execute_batch("savepoint piece").map_err(|e| error::from_sql(&e))?;
        let done = catch_unwind(AssertUnwindSafe(|| work(&self.sql)));
        let ended = match done.is_ok() {
            true => self.sql.execute_batch("release piece"),
            false => self.sql.execute_batch("rollback to piece; release piece"),
        };
        ended.map_err(|e| error::from_sql(&e))?;
        done.map_err(|_| Refusal::fault("panic in a write"))
    }

    fn finish<'e>(&mut self, events: impl Iterator<Item = &'e Event>) -> Fate {
        let done = trail::append(&self.sql, &self.core.keys.audit, self.head, events).and_then(|head| {
            self.sql.execute_batch("commit")?;
            Ok(head)
        });
        match done {
            Ok(head) => {
                self.head = head;
                Fate::Durable
            }
            Err(error) => {
                let _ = self.sql.execute_batch("rollback");
                match error::from_sql(&error) {
                    Refusal::Full => Fate::Full,
                    _ => {
                        // After a failed fsync nothing that this process believes of the file can be relied on.
                        self.core.health.stop(Health::WRITE_FAILED, &error.to_string());
                        Fate::Lost
                    }
                }
            }
        }
    }

    fn wal_size(&self) -> u64 {
        std::fs::metadata(self.core.folder.join("site.db-wal")).map_or(0, |meta| meta.len())
    }

    /// The only checkpointer. Readers in the way make it partial; the next one goes on.
    fn checkpoint(&self) {
        self.core.followed.checkpoint(&mut || match follow::empty(&self.sql) {
            Ok(emptied) => emptied,
            Err(error) => {
                if error::is_damage(&error) {
                    self.core.health.stop(Health::DAMAGED, &error.to_string());
                }
                false
            }
        });
    }
}

/// A site that takes no more writes can still be read. What is looked at then is told to the log of the server, event by event.
fn log(events: &[Event]) {
    for event in events {
        tracing::warn!(?event, "the trail cannot be written; this happened");
    }
}

/// What goes into one commit: everything that waits already; if that is only events of reads, also what comes within [`GATHER`].
fn gather(first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
    let until = Instant::now() + GATHER;
    let mut urgent = is_urgent(&first);
    let mut group = vec![first];
    while group.len() < GROUP {
        let next = match urgent {
            true => jobs.try_recv().ok(),
            false => jobs.recv_timeout(until.saturating_duration_since(Instant::now())).ok(),
        };
        let Some(job) = next else { break };
        urgent = urgent || is_urgent(&job);
        group.push(job);
    }
    group
}

fn is_urgent(job: &Job) -> bool {
    matches!(job, Job::Write { .. } | Job::Checkpoint(_) | Job::Stop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Firm, Site, open, trail::Checked};
    use rules::{Secret, Verb};
    use std::sync::mpsc::channel;

    fn site(dir: &std::path::Path) -> Site {
        let keys = || keys::SiteKeys::new(&Secret::new([1; 32]), [2; 16]).unwrap();
        let firm = Firm { name: "Firm".into(), kind: String::new(), prefix: "F".into(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None };
        Site::create(dir, &keys(), &firm, true).unwrap();
        Site::open(dir, keys(), || Moment(1)).unwrap()
    }

    fn event(refused: bool) -> Event {
        Event { at: Moment(1), actor: None, verb: Verb::CaseView, case: None, object: None, detail: None, origin: "::1".into(), session: None, refused }
    }

    /// A piece that runs `sql`, claims an event and tells its fate.
    fn piece(sql: &'static str, tell: &std::sync::mpsc::Sender<Result<(), Refusal>>) -> Job {
        let (told, refused) = (tell.clone(), tell.clone());
        let work = move |connection: &Connection| -> (Vec<Event>, Reply) {
            let done = connection.execute_batch(sql).map_err(|e| error::from_sql(&e));
            (vec![event(false)], Box::new(move |fate: Fate| told.send(fate.check().and(done)).unwrap()))
        };
        Job::Write { work: Box::new(work), refuse: Box::new(move |refusal| refused.send(Err(refusal)).unwrap()), essential: false }
    }

    /// SQLite undoes a whole transaction when a statement meets a full file in the middle of it. The test brings that about with a small
    /// limit of pages.
    #[test]
    fn when_sqlite_undoes_the_transaction_no_piece_of_the_group_is_in_and_nothing_is_claimed() {
        let dir = tempfile::tempdir().unwrap();
        let site = site(dir.path());
        let sql = open::open(&dir.path().join("site.db"), &site.keys().database_pragma(), open::Role::Builder).unwrap();
        let pages: i64 = sql.query_row("pragma page_count", [], |row| row.get(0)).unwrap();
        sql.query_row(&format!("pragma max_page_count = {}", pages + 2), [], |_| Ok(())).unwrap();
        let mut writer = Writer { sql, core: Arc::clone(&site.core), head: trail::START, stopping: false, owed: Vec::new(), asked: Vec::new() };
        let (tell, told) = channel();
        let first = piece("insert into setting (key, value) values ('first', '1')", &tell);
        let large = piece("insert into setting (key, value) values ('large', hex(zeroblob(200000)))", &tell);
        let last = piece("insert into setting (key, value) values ('last', '1')", &tell);
        writer.commit(vec![Job::Trail(vec![event(true)]), first, large, last]);
        let answers: Vec<_> = told.try_iter().collect();
        assert_eq!(answers.len(), 3);
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
        assert!(writer.sql.is_autocommit());
        let count = |what: &str| writer.sql.query_row(&format!("select count(*) from {what}"), [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("setting where key in ('first', 'large', 'last')"), 0);
        assert_eq!(count("event where refused = 0"), 0, "what was undone is not claimed");
        assert!(matches!(trail::check(&writer.sql, &site.keys().audit).unwrap(), Checked::Unbroken(_)));
        site.close();
    }

    #[test]
    fn what_is_owed_to_the_trail_is_written_with_the_next_group() {
        let dir = tempfile::tempdir().unwrap();
        let site = site(dir.path());
        let sql = open::open(&dir.path().join("site.db"), &site.keys().database_pragma(), open::Role::Writer).unwrap();
        let mut writer = Writer { sql, core: Arc::clone(&site.core), head: trail::START, stopping: false, owed: vec![event(true), event(false)], asked: Vec::new() };
        writer.commit(Vec::new());
        assert!(writer.owed.is_empty());
        assert_eq!(trail::head(&writer.sql).unwrap().seq, 2);
        site.close();
    }
}
