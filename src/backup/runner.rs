//! One destination, on a thread of its own: goes there when its schedule says so, brings what is new, and remembers how that went.

use super::{bell::Bell, heal::Damage, line::Line, marker, memory::{State, read, write}, others, place::Place, watched::Watched};
use rules::Moment;
use ship::{
    Reach, ShipError,
    deliver::{Cursor, Delivery, Done, SPOILED, Steps},
    head::{Chain, Hex, Why},
    spool::Spool,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use store::{
    Clock,
    destination::{Destination, Retained, Schedule},
};

/// How long to rest after a failure, at first and at most.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
const LONGEST_REST: Duration = Duration::from_secs(300);
/// How often a destination is visited without anything new: a disk that went away is noticed, one that came back is found.
const VISIT: Duration = Duration::from_secs(60);
/// How often it is looked whether another server sends there too, in milliseconds.
const OTHERS: i64 = 15 * 60 * 1000;
/// Two hours and a day, in milliseconds.
const TWO_HOURS: i64 = 2 * 3600 * 1000;
const DAY: i64 = 24 * 3600 * 1000;

/// A destination with its thread's memory.
pub(crate) struct Runner {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) added: Moment,
    terms: Mutex<(Schedule, Retained)>,
    folder: PathBuf,
    instance: Hex<16>,
    state: Mutex<State>,
    pub(crate) bell: Bell,
    pub(crate) stop: AtomicBool,
    /// It was removed: nothing is written down of it any more.
    gone: AtomicBool,
    /// Somebody asked for it now, whatever the schedule says.
    asked: AtomicBool,
    /// It is at work.
    busy: AtomicBool,
    /// Bytes brought by the visit that is under way.
    sent: AtomicU64,
    /// When it was last looked whether another server sends there: milliseconds since 1970.
    looked: AtomicI64,
    /// Held while something is brought there or taken away: a base may name what has lain there for long.
    alone: Mutex<()>,
    clock: Clock,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Somebody is at work until this goes.
struct AtWork<'w>(&'w AtomicBool);

impl AtWork<'_> {
    fn begin(busy: &AtomicBool) -> AtWork<'_> {
        busy.store(true, Ordering::SeqCst);
        AtWork(busy)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// A thread has ended when this goes.
struct Ended<'e>(&'e AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Runner {
    /// Remembers what it knew; its memory lies below `folder`.
    pub(crate) fn new(of: &Destination, place: Place, folder: &Path, instance: [u8; 16], clock: Clock) -> io::Result<Runner> {
        let folder = folder.join("destinations").join(&of.name);
        fs::create_dir_all(&folder)?;
        let state = read(&folder.join("state.json")).unwrap_or_default();
        Ok(Runner {
            name: of.name.clone(),
            place,
            added: of.added,
            terms: Mutex::new((of.schedule, of.retained)),
            folder,
            instance: Hex(instance),
            state: Mutex::new(state),
            bell: Bell::default(),
            stop: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            looked: AtomicI64::new(0),
            alone: Mutex::default(),
            clock,
        })
    }

    /// When it is to have what is new.
    pub(crate) fn schedule(&self) -> Schedule {
        lock(&self.terms).0
    }

    /// What is kept there.
    pub(crate) fn retained(&self) -> Retained {
        lock(&self.terms).1
    }

    /// From now on so.
    pub(crate) fn agree(&self, schedule: Schedule, retained: Retained) {
        *lock(&self.terms) = (schedule, retained);
    }

    /// Nothing is brought there while this is held.
    pub(crate) fn alone(&self) -> MutexGuard<'_, ()> {
        lock(&self.alone)
    }

    /// Bytes brought by the visit that is under way.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How it goes.
    pub(crate) fn state(&self) -> State {
        lock(&self.state).clone()
    }

    /// Whether this image of the program is known to be there.
    pub(crate) fn has_image(&self, name: &str) -> bool {
        fs::read_to_string(self.folder.join("image")).is_ok_and(|known| known == name)
    }

    /// This image of the program is there.
    pub(crate) fn image_is_there(&self, name: &str) {
        let _ = fs::write(self.folder.join("image"), name);
    }

    /// How far it has a database.
    pub(crate) fn cursor(&self, of: &Chain) -> Cursor {
        read(&self.folder.join(format!("{}.json", of.chain))).unwrap_or_default()
    }

    /// What is known to be wrong with a database there.
    pub(crate) fn damage(&self, of: &Chain) -> Option<Damage> {
        read(&self.damage_file(of))
    }

    /// From now on this is known to be wrong with it.
    pub(crate) fn keep_damage(&self, of: &Chain, damage: Option<&Damage>) {
        let file = self.damage_file(of);
        let kept = match damage {
            Some(damage) => write(&file, damage).and_then(|()| fs::File::open(&file)?.sync_all()),
            None => fs::remove_file(&file).or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }),
        };
        if let Err(error) = kept {
            tracing::warn!(destination = self.name, "what is damaged there cannot be written down: {error}");
        }
    }

    fn damage_file(&self, of: &Chain) -> PathBuf {
        self.folder.join(format!("{}.damage", of.chain))
    }

    /// What is there is not what was brought: everything is compared once more, from a new base. What is spoiled is taken away first, where
    /// that is allowed; where it is not, the drills go on failing, and people hear of it.
    pub(crate) fn compare_again(&self, line: &Line, spoiled: &[String]) {
        // A visit under way would write down again how far it was.
        let _alone = self.alone();
        if !spoiled.is_empty() && let Ok(target) = self.place.open() {
            for name in spoiled {
                if let Err(error) = target.remove(name) {
                    tracing::error!(destination = self.name, object = name, "what is spoiled there cannot be replaced: {error}");
                }
            }
        }
        let _ = fs::remove_file(self.folder.join(format!("{}.json", line.of().chain)));
        line.want_base(Why::Due);
        self.bell.ring();
    }

    /// Whether it is at work, or about to be.
    pub(crate) fn is_busy(&self) -> bool {
        // In this order: a visit begins to be at work before it forgets that it was asked for. Nobody comes to one that was told to stop.
        let asked = self.asked.load(Ordering::SeqCst);
        !self.stop.load(Ordering::SeqCst) && (asked || self.busy.load(Ordering::SeqCst))
    }

    /// Asks for a visit now.
    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    /// Visits until it is told to stop.
    pub(crate) fn serve(&self, lines: &dyn Fn() -> Vec<Arc<Line>>) {
        // Whatever ends this thread, nobody waits for it after that.
        let _ended = Ended(&self.stop);
        let (mut rest, mut there) = (Duration::ZERO, None);
        while !self.stop.load(Ordering::SeqCst) {
            match rest.is_zero() {
                true => drop(self.bell.wait(VISIT)),
                // While it fails, what is new does not make it try sooner; somebody who asks does.
                false => self.rest(rest),
            }
            if self.stop.load(Ordering::SeqCst) || !self.is_due() {
                continue;
            }
            let failed = self.visit(&mut there, &lines());
            rest = match failed {
                false => Duration::ZERO,
                true => (rest * 2).clamp(AFTER_FAILURE, LONGEST_REST),
            };
        }
    }

    fn rest(&self, rest: Duration) {
        let mut left = rest;
        while !left.is_zero() && !self.stop.load(Ordering::SeqCst) && !self.asked.load(Ordering::SeqCst) {
            let step = left.min(Duration::from_millis(200));
            std::thread::sleep(step);
            left -= step;
        }
    }

    fn is_due(&self) -> bool {
        let now = (self.clock)().0;
        self.asked.load(Ordering::SeqCst)
            || match self.schedule() {
                Schedule::Continuous => true,
                Schedule::TwoHourly => self.state().good.is_none_or(|good| good / TWO_HOURS < now / TWO_HOURS),
                Schedule::Nightly => self.state().good.is_none_or(|good| good / DAY < now / DAY),
                Schedule::ByHand => {
                    let (state, away) = (self.state(), self.place.is_away());
                    state.away != away || (state.owed && !away)
                }
            }
    }

    /// Goes there once. True when it failed.
    pub(crate) fn visit(&self, there: &mut Option<Box<dyn Reach>>, lines: &[Arc<Line>]) -> bool {
        let alone = self.alone();
        let _busy = AtWork::begin(&self.busy);
        self.asked.store(false, Ordering::SeqCst);
        self.sent.store(0, Ordering::Relaxed);
        let done = self.bring(there, lines);
        drop(alone);
        if let (Err(ShipError::NotGenuine { object, why }), Some(target)) = (&done, &there)
            && why == SPOILED
            && target.remove(object).is_ok()
        {
            tracing::error!(destination = self.name, object, "what was spoiled there was taken away, and is put there again");
        }
        if done.is_err() {
            *there = None;
        }
        let failed = done.is_err();
        // What was broken off because the server stops is no failure.
        let broken_off = failed && self.stop.load(Ordering::SeqCst);
        if !(broken_off || self.gone.load(Ordering::SeqCst)) {
            self.remember(done);
        }
        failed
    }

    fn bring(&self, there: &mut Option<Box<dyn Reach>>, lines: &[Arc<Line>]) -> Result<Done, ShipError> {
        let now = (self.clock)().0;
        let target = match there.take() {
            Some(target) => there.insert(target),
            None => {
                self.looked.store(0, Ordering::Relaxed);
                there.insert(self.place.open()?)
            }
        };
        marker::check(target.as_ref(), self.instance)?;
        if now - self.looked.load(Ordering::Relaxed) > OTHERS {
            lines.iter().try_for_each(|line| others::check(target.as_ref(), line))?;
            self.looked.store(now, Ordering::Relaxed);
        }
        let watched = Watched { inner: target.as_ref(), sent: &self.sent, stop: &self.stop };
        let (mut all, folder) = (Done::default(), self.folder.join("together"));
        let _ = fs::remove_dir_all(&folder);
        let together = Spool::open(&folder)?;
        for line in lines {
            let source = line.watch.source();
            let steps = match self.schedule() {
                Schedule::Continuous => Steps::Each,
                Schedule::TwoHourly | Schedule::Nightly | Schedule::ByHand => Steps::One(&together, &source.signer),
            };
            let file = self.folder.join(format!("{}.json", source.of.chain));
            let mut cursor: Cursor = self.cursor(&source.of);
            let delivery = Delivery { target: &watched, spool: &source.spool, files: source.files.as_ref(), of: source.of, key: source.signer.public(), steps };
            let done = delivery.run(&mut cursor, &mut |cursor, _| !self.gone.load(Ordering::SeqCst) && write(&file, cursor).is_ok() && !self.stop.load(Ordering::SeqCst))?;
            all.objects += done.objects;
            all.bytes += done.bytes;
            all.needs_base |= done.needs_base;
            if done.needs_base && line.watch.state().is_some() {
                line.want_base(Why::Due);
            }
        }
        Ok(all)
    }

    fn remember(&self, done: Result<Done, ShipError>) {
        let now = (self.clock)().0;
        let mut state = lock(&self.state);
        let before = state.clone();
        match done {
            Ok(done) => {
                (state.failing, state.away) = (None, false);
                state.objects += done.objects;
                state.bytes += done.bytes;
                state.owed = done.needs_base;
                if !done.needs_base {
                    state.good = Some(now);
                    state.mark(now);
                }
            }
            Err(_) if self.place.is_away() => (state.failing, state.away) = (None, true),
            Err(error) => {
                (state.away, state.owed) = (false, true);
                let since = state.failing.as_ref().map_or(now, |(since, _)| *since);
                state.failing = Some((since, error.to_string()));
            }
        }
        if let (None, Some((_, why))) = (&before.failing, &state.failing) {
            tracing::error!(destination = self.name, "backups do not get there: {why}");
        }
        // The moment of the last visit alone is worth no write: an idle site writes nothing.
        let moved = before.bytes != state.bytes || before.brought != state.brought || before.away != state.away || before.owed != state.owed || before.failing.is_some() != state.failing.is_some() || before.good.is_none();
        if moved && let Err(error) = write(&self.folder.join("state.json"), &*state) {
            tracing::warn!(destination = self.name, "what is known of it cannot be written down: {error}");
        }
    }

    /// Ends, and forgets everything: it was removed.
    pub(crate) fn forget(&self) -> io::Result<()> {
        self.gone.store(true, Ordering::SeqCst);
        self.stop.store(true, Ordering::SeqCst);
        self.bell.ring();
        fs::remove_dir_all(&self.folder)
    }
}
