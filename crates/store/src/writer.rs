//! The one writer of a site: a thread that takes work from a bounded queue and commits it in groups.
//!
//! Each piece of work runs in a savepoint of its own: it is in whole or not at all. One commit, with one fsync, carries the group,
//! and only then are the replies sent. Events of reads wait at most [`GATHER`] for company.

use crate::{
    error,
    site::{Core, Health},
    trail::{self, Event, Head},
};
use rules::{Moment, Refusal};
use rusqlite::{Connection, DEFAULT_NAME, wal::CheckpointMode};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread,
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
    /// Commit what there is, checkpoint nothing, end.
    Stop(SyncSender<()>),
}

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Queue(SyncSender<Job>);

impl Queue {
    pub(crate) fn send(&self, job: Job) -> Result<(), (Refusal, Job)> {
        self.0.try_send(job).map_err(|error| match error {
            TrySendError::Full(job) => (Refusal::Busy, job),
            TrySendError::Disconnected(job) => (Refusal::Stopped, job),
        })
    }

    /// Ends the writer after what is queued, and waits for it.
    pub(crate) fn stop(&self) {
        let (tell, told) = sync_channel(1);
        if self.0.send(Job::Stop(tell)).is_ok() {
            let _ = told.recv();
        }
    }
}

pub(crate) fn start(sql: Connection, core: Arc<Core>) -> std::io::Result<Queue> {
    let (queue, jobs) = sync_channel(QUEUE);
    let head = trail::head(&sql).map_err(std::io::Error::other)?;
    let mut writer = Writer { sql, core, head, stopping: None };
    thread::Builder::new().name("writer".into()).spawn(move || writer.serve(&jobs))?;
    Ok(Queue(queue))
}

struct Writer {
    sql: Connection,
    core: Arc<Core>,
    head: Head,
    stopping: Option<SyncSender<()>>,
}

impl Writer {
    fn serve(&mut self, jobs: &Receiver<Job>) {
        let mut rested = false;
        while self.stopping.is_none() {
            match jobs.recv_timeout(REST) {
                Ok(first) => {
                    let group = gather(first, jobs);
                    self.commit(group);
                    rested = false;
                    if self.wal_size() > WAL_LIMIT {
                        self.checkpoint();
                    }
                }
                Err(RecvTimeoutError::Timeout) if !rested => {
                    self.checkpoint();
                    self.core.disk.refill();
                    rested = true;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        if let Some(tell) = self.stopping.take() {
            let _ = tell.send(());
        }
    }

    /// One transaction for the whole group. On a full disk the ballast is given up and the essential part is tried once more.
    fn commit(&mut self, group: Vec<Job>) {
        let low = self.core.disk.is_low();
        let mut replies = Vec::new();
        let mut events = Vec::new();
        let begun = self.core.health.writable() && self.sql.execute_batch("begin immediate").is_ok();
        for job in group {
            match job {
                Job::Stop(tell) => self.stopping = Some(tell),
                Job::Trail(more) => events.extend(more),
                Job::Seen(session, at) => self.seen(begun, session, at),
                Job::Write { refuse, .. } if !begun => refuse(Refusal::Stopped),
                Job::Write { refuse, essential: false, .. } if low => refuse(Refusal::Full),
                Job::Write { work, refuse, .. } => match self.run(work) {
                    Ok((more, reply)) => {
                        events.extend(more);
                        replies.push(reply);
                    }
                    Err(refusal) => refuse(refusal),
                },
            }
        }
        let fate = if begun { self.finish(&events) } else { Fate::Lost };
        if matches!(fate, Fate::Full) && self.core.disk.drop_ballast() && !events.is_empty() {
            self.save_events(&events);
        }
        self.core.health.trail_written(matches!(fate, Fate::Durable) || events.is_empty());
        replies.into_iter().for_each(|reply| reply(fate));
    }

    fn seen(&self, begun: bool, session: i64, at: Moment) {
        if begun && let Ok(mut update) = self.sql.prepare_cached("update session set seen = max(seen, ?2) where id = ?1") {
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

    fn finish(&mut self, events: &[Event]) -> Fate {
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

    /// After a full disk: the events alone, so that what was done and refused is still written down.
    fn save_events(&mut self, events: &[Event]) {
        if self.sql.execute_batch("begin immediate").is_ok() {
            self.finish(events);
        }
    }

    fn wal_size(&self) -> u64 {
        std::fs::metadata(&self.core.wal).map_or(0, |meta| meta.len())
    }

    /// The only checkpointer. Readers in the way make it partial; the next one goes on.
    fn checkpoint(&self) {
        let _ = self.sql.busy_timeout(Duration::from_millis(100));
        if let Err(error) = self.sql.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::TRUNCATE)
            && error::is_damage(&error)
        {
            self.core.health.stop(Health::DAMAGED, &error.to_string());
        }
        let _ = self.sql.busy_timeout(Duration::from_secs(5));
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
    matches!(job, Job::Write { .. } | Job::Stop(_))
}
