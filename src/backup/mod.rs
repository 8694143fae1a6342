//! Backups: every database under watch, every destination on its thread, and what is known of both. The way of a change:
//! writer → bell → [`line`] → spool → [`runner`] → destination.

mod alarm;
mod bell;
mod documents;
mod doing;
mod drill;
mod drills;
mod heal;
mod image;
mod line;
mod look;
mod marker;
mod memory;
mod others;
pub(crate) mod place;
mod portion;
mod restore;
mod runner;
mod retention;
mod status;
mod tidy;
mod watched;

pub(crate) use alarm::{Alarm, PROVEN};
pub(crate) use doing::Ask;
pub(crate) use drill::Rehearse;
#[cfg(test)]
pub(crate) use heal::Damage;
pub(crate) use look::{Found, Held, Looked};
pub(crate) use portion::{Portion, bring, list};
pub(crate) use retention::Pruned;
#[cfg(test)]
pub(crate) use status::Trouble;
pub(crate) use status::{Standing, Status};
pub(crate) use restore::{Asked, CONFIG, Failed, kit, preview, restore};

use bell::Bell;
use doing::Waits;
use line::Line;
use place::Place;
use runner::Runner;
use marker::Tried;
use ship::{ShipError, head::Hex};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use store::{Appliance, Clock, destination::Schedule, error::OpenError};

/// How often databases are looked at when nobody rings.
const LOOK: Duration = Duration::from_secs(1);
/// What is committed within this time is taken together.
const TOGETHER: Duration = Duration::from_millis(600);
/// How far those who serve pages come first: of a core that both want, these threads get a tenth, drills next to nothing (nice(2)).
const YIELD: i32 = 10;
const YIELD_ALL: i32 = 19;
/// How long a stop waits for what is new to be brought away; the rest is brought after the next start.
const LAST: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(50);
/// How often it is asked whether a drill or a letter is due, and how soon who waits for that sees that the server stops.
const MINUTE: Duration = Duration::from_secs(60);
const BREATH: Duration = Duration::from_millis(500);
/// How often what is owed after a visit, because a base had to be made first, is brought within one call.
const ROUNDS: u32 = 3;
/// How often the spool is tidied, in looks.
const TIDY: u32 = 300;

/// The backups of an installation.
pub(crate) struct Backups {
    appliance: Arc<Appliance>,
    folder: PathBuf,
    lines: RwLock<Vec<Arc<Line>>>,
    runners: RwLock<Vec<Arc<Runner>>>,
    /// The threads that follow, drill and raise the alarm, and those of the destinations.
    workers: Mutex<Vec<JoinHandle<()>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    bell: Arc<Bell>,
    stopping: AtomicBool,
    /// Shows the sign-in page of a copy; there is none where no pages are.
    rehearse: OnceLock<Rehearse>,
    /// Writes to the system administrators.
    alarm: OnceLock<Alarm>,
    /// Held while databases are looked at: two at once could follow one that is another by now.
    looking: Mutex<()>,
    /// One drill at a time.
    drilling: Mutex<()>,
    /// What is being done that takes long, in words.
    doing: Mutex<Option<String>>,
    waits: Waits,
    clock: Clock,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backups {
    /// What there is to back up and where, as the registry says. Nothing runs yet.
    pub(crate) fn of(appliance: &Arc<Appliance>, clock: Clock) -> Result<Arc<Backups>, OpenError> {
        let backups = Backups::idle(appliance, clock);
        backups.reload()?;
        Ok(backups)
    }

    /// Backups of nothing, for a copy that is only looked at.
    pub(crate) fn idle(appliance: &Arc<Appliance>, clock: Clock) -> Arc<Backups> {
        Arc::new(Backups {
            appliance: Arc::clone(appliance),
            folder: appliance.dir().join("ship"),
            lines: RwLock::default(),
            runners: RwLock::default(),
            workers: Mutex::default(),
            threads: Mutex::default(),
            bell: Arc::default(),
            stopping: AtomicBool::new(false),
            rehearse: OnceLock::new(),
            alarm: OnceLock::new(),
            looking: Mutex::default(),
            drilling: Mutex::default(),
            doing: Mutex::default(),
            waits: Waits::default(),
            clock,
        })
    }

    /// Follows, ships and drills until [`Backups::stop`].
    pub(crate) fn start(self: &Arc<Backups>, rehearse: Rehearse, alarm: Alarm) -> Result<(), OpenError> {
        let _ = (self.rehearse.set(rehearse), self.alarm.set(alarm));
        for (name, yielding, work) in [("follow", YIELD, Backups::follow as fn(&Backups)), ("drill", YIELD_ALL, Backups::drill_nightly), ("alarm", YIELD_ALL, Backups::watch_over)] {
            let me = Arc::clone(self);
            let thread = thread::Builder::new().name(name.into()).spawn(move || behind(yielding, || work(&me))).map_err(|error| thread_error(&error))?;
            lock(&self.workers).push(thread);
        }
        let runners = self.runners();
        runners.iter().try_for_each(|runner| self.run(runner))
    }

    /// Does this once a minute until the server stops.
    fn each_minute(&self, work: impl Fn()) {
        let mut waited = Duration::ZERO;
        while !self.stopping.load(Ordering::SeqCst) {
            thread::sleep(BREATH);
            waited += BREATH;
            if waited >= MINUTE {
                waited = Duration::ZERO;
                work();
            }
        }
    }

    fn is_running(&self) -> bool {
        !lock(&self.workers).is_empty()
    }

    fn run(self: &Arc<Backups>, runner: &Arc<Runner>) -> Result<(), OpenError> {
        let (me, its) = (Arc::clone(self), Arc::clone(runner));
        let thread = thread::Builder::new().name("ship".into()).spawn(move || behind(YIELD, || its.serve(&|| me.lines()))).map_err(|error| thread_error(&error))?;
        lock(&self.threads).push(thread);
        runner.bell.ring();
        Ok(())
    }

    /// Takes what there is a last time, brings it where everything goes at once, and ends the threads. What cannot be brought in time is
    /// brought after the next start.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.bell.ring();
        let join = |threads: &Mutex<Vec<JoinHandle<()>>>| std::mem::take(&mut *lock(threads)).into_iter().for_each(|thread| drop(thread.join()));
        join(&self.workers);
        let runners = self.runners();
        runners.iter().filter(|runner| runner.schedule() == Schedule::Continuous && runner.state().failing.is_none()).for_each(|runner| runner.ask());
        let mut steps = LAST.as_millis() / STEP.as_millis();
        while steps > 0 && runners.iter().any(|runner| runner.is_busy()) {
            thread::sleep(STEP);
            steps -= 1;
        }
        for runner in runners {
            runner.stop.store(true, Ordering::SeqCst);
            runner.bell.ring();
        }
        join(&self.threads);
    }

    pub(crate) fn lines(&self) -> Vec<Arc<Line>> {
        self.lines.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn runners(&self) -> Vec<Arc<Runner>> {
        self.runners.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads destinations and sites again. Without a destination nothing is followed.
    fn reload(&self) -> Result<(), OpenError> {
        let known = self.runners();
        let mut runners = Vec::new();
        for destination in self.appliance.destinations()? {
            if let Some(runner) = known.iter().find(|runner| runner.name == destination.name) {
                runner.agree(destination.schedule, destination.retained);
                runners.push(Arc::clone(runner));
                continue;
            }
            let place = Place::read(destination.place.expose()).map_err(OpenError::config)?;
            let made = Runner::new(&destination, place, &self.folder, self.appliance.instance(), self.clock);
            runners.push(Arc::new(made.map_err(|error| OpenError::file(&self.folder, &error))?));
        }
        let _alone = lock(&self.looking);
        let any = !runners.is_empty();
        *self.runners.write().unwrap_or_else(PoisonError::into_inner) = runners;
        match any {
            true => self.watch(),
            false => self.unwatch(),
        }
    }

    /// Follows every database that is not followed yet.
    fn watch(&self) -> Result<(), OpenError> {
        let (instance, known) = (self.appliance.instance(), self.lines());
        let mut lines = Vec::new();
        let registry = known.iter().find(|line| line.site.is_none());
        lines.push(match registry {
            Some(line) if !line.is_outlived(&self.appliance)? => Arc::clone(line),
            _ => Line::of_registry(&self.appliance, &self.folder, &self.bell, self.clock)?,
        });
        for (entry, site) in self.appliance.sites().iter() {
            lines.push(match known.iter().find(|line| line.of().chain == Hex(entry.id)) {
                Some(line) => Arc::clone(line),
                None => Line::of_site(site, instance, &self.folder, &self.bell, self.clock)?,
            });
        }
        *self.lines.write().unwrap_or_else(PoisonError::into_inner) = lines;
        Ok(())
    }

    /// Follows nothing: the write-ahead logs are emptied as they come, and what waited here is thrown away.
    fn unwatch(&self) -> Result<(), OpenError> {
        self.lines.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.appliance.sites().iter().for_each(|(_, site)| site.follow(None));
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(OpenError::file(&self.folder, &error)),
            _ => Ok(()),
        }
    }

    /// The thread that takes what is committed.
    fn follow(&self) {
        let mut looks = 0u32;
        while !self.stopping.load(Ordering::SeqCst) {
            if self.bell.wait(LOOK) && !self.stopping.load(Ordering::SeqCst) {
                thread::sleep(TOGETHER);
            }
            self.look();
            looks = looks.wrapping_add(1);
            if looks.is_multiple_of(TIDY) {
                self.tidy();
            }
        }
        self.look();
    }

    /// Looks at every database once, and wakes the destinations when something is new.
    fn look(&self) {
        if self.runners().is_empty() {
            return;
        }
        let _alone = lock(&self.looking);
        if let Err(error) = self.watch() {
            tracing::error!("backups cannot follow every database: {}", error.text);
        }
        let new = self.lines().iter().filter(|line| line.look(&self.appliance)).count();
        if new > 0 {
            self.runners().iter().filter(|runner| runner.schedule() == Schedule::Continuous || runner.state().owed).for_each(|runner| runner.bell.ring());
        }
    }

    /// Has everything taken and brought everywhere now; waits until that was tried. For a server that runs and for one that does not.
    pub(crate) fn now(&self) {
        let runners = self.runners();
        self.bring(&runners.iter().map(Arc::as_ref).collect::<Vec<_>>());
    }

    /// The same for some destinations.
    fn bring(&self, to: &[&Runner]) {
        let running = self.is_running();
        for round in 0..ROUNDS {
            // The second look takes what the base of the first let through.
            self.look();
            self.look();
            let owed = |runner: &&&Runner| round == 0 || (runner.state().owed && runner.state().failing.is_none());
            let these: Vec<&&Runner> = to.iter().filter(owed).collect();
            for runner in &these {
                match running {
                    true => runner.ask(),
                    false => drop(runner.visit(&mut None, &self.lines())),
                }
            }
            while running && these.iter().any(|runner| runner.is_busy()) && !self.stopping.load(Ordering::SeqCst) {
                thread::sleep(STEP);
            }
        }
    }

    /// The destinations are others now.
    pub(crate) fn changed(self: &Arc<Backups>) -> Result<(), OpenError> {
        let before = self.runners();
        self.reload()?;
        let after = self.runners();
        for runner in before.iter().filter(|old| !after.iter().any(|new| Arc::ptr_eq(old, new))) {
            let _ = runner.forget();
        }
        if self.is_running() {
            after.iter().filter(|new| !before.iter().any(|old| Arc::ptr_eq(old, new))).try_for_each(|runner| self.run(runner))?;
        }
        self.bell.ring();
        Ok(())
    }
}

/// Does this thread's work behind that of others (Linux applies it to the thread alone); where it may not, they merely compete.
fn behind(yielding: i32, work: impl FnOnce()) {
    let _ = rustix::process::setpriority_process(None, yielding);
    work();
}

fn thread_error(error: &std::io::Error) -> OpenError {
    OpenError { exit: 71, text: format!("No thread can be started: {error}.") }
}

/// Why a destination is not as it should be: a sentence, and the exit code of a command.
#[derive(Debug)]
pub(crate) struct Failing {
    pub(crate) exit: u8,
    pub(crate) text: String,
}

/// Whether nobody answered, or not to the end.
fn is_unreached(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable, TimedOut};
    matches!(kind, ConnectionAborted | ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable | TimedOut)
}

impl From<ShipError> for Failing {
    fn from(error: ShipError) -> Failing {
        let exit = match &error {
            ShipError::Full | ShipError::NoRoomHere(_) => 73,
            ShipError::Refused(_) => 77,
            ShipError::Missing(_) => 69,
            ShipError::Io(error) if is_unreached(error.kind()) => 69,
            _ => 1,
        };
        let text = rules::text::capital(&error.to_string());
        Failing { exit, text: if text.ends_with('.') { text } else { text + "." } }
    }
}

impl Backups {
    /// Makes a place ours and tries it, for a destination of this name.
    pub(crate) fn claim(&self, name: &str, place: &Place) -> Result<Tried, Failing> {
        if self.runners().iter().any(|runner| runner.name == name) {
            return Err(Failing { exit: 2, text: format!("There is a destination “{name}” already. Choose another name, or remove that one first.") });
        }
        // Two names of one place would count as two copies.
        if let Some(same) = self.runners().iter().find(|runner| runner.place.is_that_of(place)) {
            return Err(Failing { exit: 2, text: format!("That is where “{}” is already: {}. A second copy needs another place.", same.name, same.place.words()) });
        }
        let target = place.open()?;
        marker::claim(target.as_ref(), Hex(self.appliance.instance()))?;
        Ok(marker::probe(target.as_ref())?)
    }

    /// Tries a destination.
    pub(crate) fn test(&self, name: &str) -> Result<Tried, Failing> {
        let runner = self.runners().into_iter().find(|runner| runner.name == name).ok_or_else(|| Failing { exit: 2, text: format!("There is no destination “{name}”. See: strongroom dest list") })?;
        let target = runner.place.open()?;
        marker::check(target.as_ref(), Hex(self.appliance.instance()))?;
        Ok(marker::probe(target.as_ref())?)
    }
}
