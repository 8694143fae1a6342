//! A site: one firm, with its own database, keys and folder of files. Everything a request does goes through here.

use crate::{
    Clock, Reading, Tx, Writing,
    blob::Blobs,
    disk::Disk,
    export::{self, Goes},
    follow::Followed,
    health::Health,
    settings::{self, Settings},
    setup,
    strangers::Strangers,
    error::{self, OpenError, Refuse},
    migrate::{self, migrate},
    open::{Role, open},
    readers::Readers,
    trail::{self, Checked, Event},
    writer::{self, Fate, Job, Queue},
};
use jiff::tz::TimeZone;
use keys::SiteKeys;
use rules::{Actor, Moment, Refusal};
use rusqlite::{Connection, OptionalExtension};
use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::{Notify, oneshot};

/// What the pages say of the firm.
#[derive(Clone, Debug)]
pub struct Firm {
    /// "Pell & Harrow".
    pub name: String,
    /// "immigration", "solicitor", "auditor" or "other"; empty until it was chosen.
    pub kind: String,
    /// Head of references: "PH".
    pub prefix: String,
    /// Time zone in which dates are shown, by its IANA name.
    pub zone_name: String,
    /// The same, for computing.
    pub zone: TimeZone,
    /// Telephone number shown to people who cannot sign in.
    pub phone: Option<String>,
}

/// What all parts of a site share.
pub(crate) struct Core {
    pub(crate) keys: SiteKeys,
    settings: RwLock<Arc<Settings>>,
    changed: AtomicBool,
    posted: AtomicBool,
    approved: AtomicBool,
    set_up: AtomicBool,
    /// Whether the kit is on paper, as the site knows that looks after it: one for all sites of an installation.
    kit: OnceLock<Arc<AtomicBool>>,
    pub(crate) folder: PathBuf,
    pub(crate) disk: Disk,
    pub(crate) health: Health,
    pub(crate) followed: Arc<Followed>,
    pub(crate) door: Mutex<Connection>,
    pub(crate) bell: Arc<Notify>,
    /// Rings when an export was approved.
    pub(crate) export_bell: Arc<Notify>,
    /// How far the export is that is being made.
    pub(crate) goes: Goes,
    /// The folder of prepared exports.
    pub(crate) exports: Blobs,
    clock: Clock,
}

impl Core {
    pub(crate) fn now(&self) -> Moment {
        (self.clock)()
    }

    /// The settings that count now.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A setting was written in the transaction that is open: they are read again once it is on disk.
    pub(crate) fn settings_changed(&self) {
        self.changed.store(true, Ordering::SeqCst);
    }

    /// A letter was put in the transaction that is open: the bell rings once it is on disk.
    pub(crate) fn letter_put(&self) {
        self.posted.store(true, Ordering::SeqCst);
    }

    /// An export was approved in the transaction that is open: its bell rings once that is on disk.
    pub(crate) fn export_approved(&self) {
        self.approved.store(true, Ordering::SeqCst);
    }

    /// Whether the recovery kit of the installation is on paper.
    pub(crate) fn kit_is_on_paper(&self) -> bool {
        let settings = self.settings();
        match settings.keeps_keyring {
            true => settings.kit_confirmed,
            false => self.kit.get().is_some_and(|kit| kit.load(Ordering::Relaxed)),
        }
    }

    pub(crate) fn is_set_up(&self) -> bool {
        self.set_up.load(Ordering::Relaxed)
    }

    /// The other sites hear of the kit from the one that looks after it.
    fn tell_kit(&self, fresh: &Settings) {
        if let Some(kit) = self.kit.get().filter(|_| fresh.keeps_keyring) {
            kit.store(fresh.kit_confirmed, Ordering::Relaxed);
        }
    }

    /// What was written is on disk: settings are read again, and the bell rings, before anybody is answered. Called by the writer alone.
    pub(crate) fn committed(&self, sql: &Connection) {
        if self.posted.swap(false, Ordering::SeqCst) {
            self.bell.notify_one();
        }
        if self.approved.swap(false, Ordering::SeqCst) {
            self.export_bell.notify_one();
        }
        if !self.changed.swap(false, Ordering::SeqCst) {
            return;
        }
        let read = settings::load(sql, &self.keys).map_err(|error| error.text);
        match read.and_then(|fresh| Ok((fresh, setup::is_done(sql).map_err(|error| error.to_string())?))) {
            Ok((fresh, done)) => {
                self.set_up.store(done, Ordering::Relaxed);
                self.tell_kit(&fresh);
                *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
            }
            Err(cause) => {
                tracing::error!(cause, "the settings cannot be read again; those from before count on");
                self.settings_changed();
            }
        }
    }
}

/// One firm. Clones share it.
#[derive(Clone)]
pub struct Site {
    pub(crate) core: Arc<Core>,
    readers: Arc<Readers>,
    pub(crate) queue: Queue,
    blobs: Blobs,
    strangers: Arc<Strangers>,
}

impl Site {
    /// Makes the database and folder of a new site below `folder`. The first site of an installation (`first`) looks after its keyring.
    pub fn create(folder: &Path, keys: &SiteKeys, firm: &Firm, first: bool) -> Result<(), OpenError> {
        fs::DirBuilder::new().mode(0o700).recursive(true).create(folder).map_err(|e| OpenError::file(folder, &e))?;
        let mut sql = open(&folder.join("site.db"), &keys.database_pragma(), Role::Builder)?;
        migrate(&mut sql, migrate::SITE)?;
        let mut put = sql.prepare("insert into setting (key, value) values (?, ?)")?;
        for (key, value) in [("firm.name", &firm.name), ("firm.kind", &firm.kind), ("firm.prefix", &firm.prefix), ("firm.zone", &firm.zone_name)] {
            put.execute((key, value))?;
        }
        if !first {
            put.execute(("kit.elsewhere", "1"))?;
        }
        if let Some(phone) = &firm.phone {
            put.execute(("firm.phone", phone))?;
        }
        Blobs::create(folder).map_err(|e| OpenError::file(folder, &e))
    }

    /// Opens a site, brings its database up to date and starts its writer.
    pub fn open(folder: &Path, keys: SiteKeys, clock: Clock) -> Result<Site, OpenError> {
        let path = folder.join("site.db");
        if !path.exists() {
            return Err(OpenError::config(format!("{} is missing. Restore it from a backup.", path.display())));
        }
        let pragma = keys.database_pragma();
        migrate(&mut open(&path, &pragma, Role::Builder)?, migrate::SITE)?;
        let (door, pen) = (open(&path, &pragma, Role::Reader)?, open(&path, &pragma, Role::Writer)?);
        let followed = Arc::<Followed>::default();
        let exports = Blobs::apart(folder, &export::files(&door)?).map_err(|e| OpenError::file(folder, &e))?;
        let core = Arc::new(Core {
            settings: RwLock::new(Arc::new(settings::load(&door, &keys)?)),
            changed: AtomicBool::new(false),
            posted: AtomicBool::new(false),
            approved: AtomicBool::new(false),
            set_up: AtomicBool::new(setup::is_done(&door)?),
            kit: OnceLock::new(),
            folder: folder.into(),
            disk: Disk::new(folder),
            health: Health::default(),
            followed: Arc::clone(&followed),
            door: Mutex::new(door),
            bell: Arc::default(),
            export_bell: Arc::default(),
            goes: Goes::default(),
            exports,
            keys,
            clock,
        });
        core.disk.refill();
        let queue = writer::start(pen, Arc::clone(&core)).map_err(|e| OpenError::file(&path, &e))?;
        let count = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
        let readers = Arc::new(Readers::new(path, pragma, count));
        let blobs = Blobs::open(folder, followed).map_err(|e| OpenError::file(folder, &e))?;
        Ok(Site { core, readers, queue, blobs, strangers: Arc::default() })
    }

    /// What the pages say of the firm.
    pub fn firm(&self) -> Firm {
        self.core.settings().firm.clone()
    }

    /// The settings that count now.
    pub fn settings(&self) -> Arc<Settings> {
        self.core.settings()
    }

    /// Whether the recovery kit of the installation is on paper. Without one no clients are invited, in none of its sites.
    pub fn kit_is_on_paper(&self) -> bool {
        self.core.kit_is_on_paper()
    }

    /// Joins the sites of an installation, which share what is known of the kit.
    pub(crate) fn share_kit(&self, kit: &Arc<AtomicBool>) {
        if self.core.kit.set(Arc::clone(kit)).is_ok() {
            self.core.tell_kit(&self.settings());
        }
    }

    /// Rings when a letter was put into the queue.
    pub fn post_bell(&self) -> Arc<Notify> {
        Arc::clone(&self.core.bell)
    }

    /// The time.
    pub fn now(&self) -> Moment {
        self.core.now()
    }

    /// The folder of encrypted files.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// The site's keys, for encrypting files and checking passwords.
    pub fn keys(&self) -> &SiteKeys {
        &self.core.keys
    }

    /// Why the site takes no writes, if it does not.
    pub fn trouble(&self) -> Option<&'static str> {
        let low = || self.core.disk.is_low().then_some("the disk is full; make room");
        self.core.health.stopped().or_else(low)
    }

    /// Reads. What the closure opened is written into the trail within 200 ms. While a full disk keeps the trail from being written,
    /// nothing is read; a site that takes no more writes is read on, and the log of the server holds what the trail cannot.
    pub async fn read<T: Send + 'static>(&self, actor: Actor, work: impl for<'t> FnOnce(&'t Tx<'t, Reading>) -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
        if self.core.health.is_trail_down() {
            return Err(Refusal::Busy);
        }
        let turn = self.readers.turn().await?;
        let me = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut events = Vec::new();
            let out = me.readers.run(|sql| {
                let tx = Tx::new(sql, &me.core, &actor);
                let out = work(&tx);
                events = tx.into_events();
                // What was not shown was not looked at, but it was tried.
                events.iter_mut().for_each(|event| event.refused |= out.is_err());
                out
            });
            drop(turn);
            me.tell(events)?;
            out
        });
        let out = done.await.unwrap_or_else(|panic| Err(Refusal::fault(panic)));
        self.watch(&out);
        out
    }

    /// Writes. The answer comes when the change and its trail are on disk.
    pub async fn write<T: Send + 'static>(&self, actor: Actor, work: impl for<'t> FnOnce(&'t Tx<'t, Writing>) -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
        self.submit(false, move |sql, core| {
            let tx = Tx::new(sql, core, &actor);
            let out = work(&tx);
            (out, tx.into_events())
        })
        .await
    }

    /// One piece of work for the writer: `(result, events)`. On a refusal its changes are undone and only refused events stay.
    pub(crate) async fn submit<T: Send + 'static>(&self, essential: bool, work: impl FnOnce(&Connection, &Core) -> (Result<T, Refusal>, Vec<Event>) + Send + 'static) -> Result<T, Refusal> {
        let (send, receive) = oneshot::channel::<Result<T, Refusal>>();
        let send = Arc::new(Mutex::new(Some(send)));
        let (refuse_with, core) = (Arc::clone(&send), Arc::clone(&self.core));
        let answer = |slot: &Mutex<Option<oneshot::Sender<Result<T, Refusal>>>>, out| {
            if let Some(send) = slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
                let _ = send.send(out);
            }
        };
        let job = Job::Write {
            essential,
            refuse: Box::new(move |refusal| answer(&refuse_with, Err(refusal))),
            work: Box::new(move |sql| {
                let begun = sql.execute_batch("savepoint work");
                let (mut out, mut events) = match begun {
                    Ok(()) => work(sql, &core),
                    Err(e) => (Err(error::from_sql(&e)), Vec::new()),
                };
                if out.is_err() {
                    events.retain(|event| event.refused);
                    if let Err(e) = sql.execute_batch("rollback to work") {
                        out = Err(error::from_sql(&e));
                    }
                }
                let _ = sql.execute_batch("release work");
                (events, Box::new(move |fate: Fate| answer(&send, fate.check().and(out))))
            }),
        };
        self.queue.send(job).map_err(|(refusal, _)| refusal)?;
        let out = receive.await.unwrap_or_else(|_| Err(Refusal::Stopped));
        self.watch(&out);
        out
    }

    /// Hands events of a read to the writer.
    fn tell(&self, events: Vec<Event>) -> Result<(), Refusal> {
        match events.is_empty() {
            true => Ok(()),
            false => self.queue.send(Job::Trail(events)).map_err(|(refusal, _)| refusal),
        }
    }

    /// Writes down a refusal that no transaction saw: a page of another class, a forged form. Of those that nobody signed in sent, only
    /// the first few of each second: the trail keeps everything for good, and strangers must not be able to fill it.
    pub fn tell_refusal(&self, actor: Option<&Actor>, origin: &str, verb: rules::Verb) -> Result<(), Refusal> {
        if actor.is_none() && !self.strangers.admit(self.now()) {
            return Ok(());
        }
        let session = actor.map(|actor| actor.session);
        let event = Event { at: self.now(), actor: actor.map(|actor| actor.user), verb, case: None, object: None, detail: None, origin: origin.into(), session, refused: true };
        self.tell(vec![event])
    }

    pub(crate) fn expired(&self, session: i64) {
        let _ = self.queue.send(Job::Expired(session, self.now()));
    }

    pub(crate) fn seen(&self, session: i64, at: Moment) {
        let _ = self.queue.send(Job::Seen(session, at));
    }

    /// A fault that says the database is damaged stops the writes of the site.
    fn watch<T>(&self, out: &Result<T, Refusal>) {
        if let Err(Refusal::Damaged(cause)) = out {
            self.core.health.stop(Health::DAMAGED, cause);
        }
    }

    /// Walks the whole trail: for `audit verify` and the system page.
    pub async fn check_trail(&self) -> Result<Checked, Refusal> {
        let _turn = self.readers.turn().await?;
        let me = self.clone();
        let done = tokio::task::spawn_blocking(move || me.readers.run(|sql| trail::check(sql, &me.core.keys.audit)));
        let checked = done.await.unwrap_or_else(|panic| Err(Refusal::fault(panic)));
        self.watch(&checked);
        checked
    }

    /// Commits what is queued and ends the writer.
    pub fn close(&self) {
        self.queue.stop();
    }
}

impl Site {
    /// A setting of the site; `None` when it was never set.
    pub fn setting(&self, key: &str) -> Result<Option<String>, Refusal> {
        self.door(|sql| sql.query_row("select value from setting where key = ?", [key], |row| row.get(0)).optional().refuse())
    }

    /// A short read by an index, done where the request stands, on a connection of its own: who asks is found out here, before there is
    /// a transaction. What it may do is to look up one row.
    pub(crate) fn door<T>(&self, look: impl FnOnce(&Connection) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let found = look(&self.core.door.lock().unwrap_or_else(PoisonError::into_inner));
        self.watch(&found);
        found
    }
}
