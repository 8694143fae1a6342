//! What is known of the backups, for pages, commands and gauges.

use super::{Backups, heal::Damage, line::Line, runner::Runner};
use rules::Moment;
use ship::{deliver::Cursor, name::Named};
use store::destination::{Retained, Schedule};

/// How old what is not brought there may be before it is a fault, in milliseconds.
const LATE: i64 = 5 * 60 * 1000;
const LATE_TWO_HOURLY: i64 = 2 * 3600 * 1000 + LATE;
const LATE_NIGHTLY: i64 = 24 * 3600 * 1000 + LATE;

/// A destination as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) schedule: Schedule,
    pub(crate) retained: Retained,
    /// When it was added.
    pub(crate) added: Moment,
    /// When everything there was had been brought there.
    pub(crate) good: Option<Moment>,
    /// Age of the oldest change that is not there, in milliseconds; zero when everything is.
    pub(crate) behind: i64,
    /// Nothing is there yet.
    pub(crate) empty: bool,
    /// Since when it fails, and why.
    pub(crate) failing: Option<(Moment, String)>,
    pub(crate) away: bool,
    /// What the last visit was to bring is not all there.
    pub(crate) owed: bool,
    /// What is wrong with what lies there.
    pub(crate) damage: Option<Damage>,
    /// Moments of the last weeks, some hours apart, at which everything had been brought there.
    pub(crate) brought: Vec<Moment>,
    pub(crate) busy: bool,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
}

impl Standing {
    /// Whether it is as it should be.
    pub(crate) fn is_well(&self) -> bool {
        self.failing.is_none() && !self.empty && !self.owed && !self.is_damaged() && self.behind <= overdue(self.schedule)
    }

    /// Whether what lies there is not what was brought there, and something is to be done about it.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damage.as_ref().is_some_and(Damage::is_open)
    }

    /// In one word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Standing { failing: Some(_), .. } => "failing",
            Standing { away: true, .. } => "away",
            Standing { empty: true, .. } => "empty",
            _ if self.is_damaged() => "damaged",
            _ if !self.is_well() => "late",
            Standing { busy: true, .. } => "busy",
            _ => "good",
        }
    }
}

/// How old what is not there may be under a schedule, in milliseconds.
pub(super) const fn overdue(schedule: Schedule) -> i64 {
    match schedule {
        Schedule::Continuous => LATE,
        Schedule::TwoHourly => LATE_TWO_HOURLY,
        Schedule::Nightly => LATE_NIGHTLY,
        Schedule::ByHand => i64::MAX,
    }
}

/// Something about a database that is not as it should be, and when that was, if it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) at: Option<Moment>,
    pub(crate) words: String,
}

impl Trouble {
    /// As one sentence; `when` says when it was.
    pub(crate) fn told(&self, when: impl Fn(Moment) -> String) -> String {
        let sentence = match self.at {
            Some(at) => format!("{}: {}", rules::text::capital(&when(at)), self.words),
            None => rules::text::capital(&self.words),
        };
        if sentence.ends_with('.') { sentence } else { sentence + "." }
    }
}

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) destinations: Vec<Standing>,
    /// What keeps databases from being followed, and what broke their lines since the start.
    pub(crate) troubles: Vec<Trouble>,
    /// What is being done that takes long.
    pub(crate) doing: Option<String>,
}

impl Backups {
    /// How everything stands now.
    pub(crate) fn status(&self) -> Status {
        let now = (self.clock)();
        let destinations = self.runners().iter().map(|runner| self.standing(runner, now)).collect();
        let mut troubles = Vec::new();
        for line in self.lines() {
            troubles.extend(line.trouble().map(|words| Trouble { at: None, words }));
            troubles.extend(line.breaks().into_iter().map(|(at, why)| Trouble { at: Some(Moment(at)), words: why.words().into() }));
        }
        Status { destinations, troubles, doing: self.progress() }
    }

    /// The commands that bring everything back, one for each place; those that are reached come first.
    pub(crate) fn commands(&self) -> Vec<String> {
        let mut runners = self.runners();
        runners.sort_by_key(|runner| {
            let state = runner.state();
            (state.failing.is_some(), state.away)
        });
        runners.iter().map(|runner| format!("strongroom restore {} --kit - --to /var/lib/strongroom", runner.place.flags())).collect()
    }

    fn standing(&self, runner: &Runner, now: Moment) -> Standing {
        let state = runner.state();
        let (mut oldest, mut empty, mut damage) = (None, false, None);
        for line in self.lines() {
            empty |= runner.cursor(&line.of()).generation == 0;
            damage = match (damage, runner.damage(&line.of())) {
                (Some(damage), Some(other)) if Damage::is_open(&other) && !Damage::is_open(&damage) => Some(other),
                (known, other) => known.or(other),
            };
            oldest = oldest.into_iter().chain(missing_since(runner, &line)).min();
        }
        Standing {
            name: runner.name.clone(),
            place: runner.place.words(),
            schedule: runner.schedule(),
            retained: runner.retained(),
            added: runner.added,
            good: state.good.map(Moment),
            behind: oldest.map_or(0, |made: i64| (now.0 - made).max(0)),
            empty,
            failing: state.failing.map(|(since, why)| (Moment(since), why)),
            away: state.away,
            owed: state.owed,
            damage,
            brought: state.brought.iter().copied().map(Moment).collect(),
            busy: runner.is_busy(),
            objects: state.objects,
            bytes: state.bytes,
        }
    }
}

/// When the first change of a database that a destination does not have was taken: milliseconds since 1970.
pub(super) fn missing_since(runner: &Runner, line: &Line) -> Option<i64> {
    let log = line.watch.source().spool.log(&line.of()).unwrap_or_default();
    first_missing(&log, &runner.cursor(&line.of()))
}

/// When the first change that a destination does not have was taken. What was put together of changes that are there is none.
fn first_missing(log: &[Named], cursor: &Cursor) -> Option<i64> {
    let there = |named: &Named| (named.fence, named.generation) == (cursor.fence, cursor.generation) && named.last <= cursor.last;
    log.iter().filter(|named| !there(named) && !cursor.has(named)).map(|named| named.made).min()
}
