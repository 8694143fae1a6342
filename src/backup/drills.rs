//! When drills are made: every night, from every destination that is here, for every site; and whenever somebody asks.

use super::{Backups, drill::Drill, line::Line, lock, runner::Runner};
use jiff::tz::TimeZone;
use rules::Moment;
use std::sync::{Arc, atomic::Ordering};
use store::{
    destination::{DrillRow, Schedule},
    error::OpenError,
};

/// The hours of the firm's night in which drills begin.
const NIGHT: std::ops::Range<i8> = 2..5;
/// Between two drills of the same, in milliseconds: nights are a day apart, give or take.
const APART: i64 = 20 * 3600 * 1000;
/// One that was missed, because the server was off at night, is made at any hour, in milliseconds.
const MISSED: i64 = 30 * 3600 * 1000;
/// One that never was is made this long after everything was brought, without waiting for the night.
const FIRST: i64 = 60 * 1000;
/// Reports from so long ago count for what is known now.
const KNOWN: i64 = 120 * 24 * 3600 * 1000;

impl Backups {
    /// The thread that makes them.
    pub(super) fn drill_nightly(&self) {
        self.each_minute(|| self.drill_due());
    }

    fn drill_due(&self) {
        let done = self.drills();
        let due: Vec<_> = self.pairs().into_iter().filter(|(runner, line)| self.is_due(runner, line, &done)).collect();
        for (runner, line) in &due {
            if !self.stopping.load(Ordering::SeqCst)
                && let Err(error) = self.drill(runner, line, false)
            {
                tracing::error!(destination = runner.name, "a drill cannot be made: {}", error.text);
            }
        }
        if !due.is_empty() && !self.stopping.load(Ordering::SeqCst) {
            let _doing = self.begin("tidying up after the drills");
            self.bring_images();
            self.prune_nightly();
        }
    }

    fn is_due(&self, runner: &Runner, line: &Line, done: &[DrillRow]) -> bool {
        let now = (self.clock)();
        let last = done.iter().find(|row| row.destination == runner.name && row.site == line.of().chain.0);
        let zone = line.site.as_ref().map_or(TimeZone::UTC, |site| site.firm().zone);
        let good = runner.state().good;
        match last {
            // What was found damaged is healed at once, where that was not tried yet.
            _ if !runner.state().away && self.awaits_healing(runner, line) => true,
            _ if runner.schedule() == Schedule::ByHand || runner.state().away => false,
            None => good.is_some_and(|good| now.0 - good > FIRST),
            Some(row) => now.0 - row.ended.0 > APART && (NIGHT.contains(&now.hour_of_day(&zone)) || now.0 - row.ended.0 > MISSED),
        }
    }

    /// Every destination with every site.
    fn pairs(&self) -> Vec<(Arc<Runner>, Arc<Line>)> {
        let lines: Vec<Arc<Line>> = self.lines().into_iter().filter(|line| line.site.is_some()).collect();
        self.runners().into_iter().flat_map(|runner| lines.iter().map(move |line| (Arc::clone(&runner), Arc::clone(line))).collect::<Vec<_>>()).collect()
    }

    /// Drills everything now.
    pub(crate) fn drill_all(&self) -> Result<Vec<DrillRow>, OpenError> {
        let pairs = self.pairs();
        if pairs.is_empty() {
            return Err(OpenError { exit: 1, text: "There is no destination yet. Add one with: strongroom dest add NAME --dir PATH".into() });
        }
        pairs.iter().map(|(runner, line)| self.drill(runner, line, true)).collect()
    }

    fn drill(&self, runner: &Runner, line: &Line, asked: bool) -> Result<DrillRow, OpenError> {
        let _alone = lock(&self.drilling);
        let (lines, Some(site)) = (self.lines(), &line.site) else { return Err(OpenError::config("The registry is tried together with a site.")) };
        let Some(registry) = lines.iter().find(|line| line.site.is_none()) else { return Err(OpenError::config("The registry is not followed.")) };
        let scratch = self.folder.join("drill");
        let _doing = self.begin(&format!("a drill from {}", runner.name));
        if self.is_damaged(runner, line) {
            self.heal(runner, line);
        }
        let tried = Drill { runner, registry, line, site, scratch, rehearse: self.rehearse.get(), stop: &self.stopping, tell: &|words| self.doing(words), clock: self.clock }.run()?;
        if self.stopping.load(Ordering::SeqCst) {
            return Err(OpenError { exit: 75, text: "The server stopped before the drill came to its end.".into() });
        }
        let row = tried.row;
        match row.outcome.as_str() {
            "passed" => tracing::info!(destination = runner.name, "a drill passed"),
            outcome => tracing::error!(destination = runner.name, report = row.report, "a drill was {outcome}"),
        }
        self.appliance.keep_drill(&row)?;
        if tried.lost && self.may_try_again(runner, line, asked) {
            self.heal(runner, line);
        }
        Ok(row)
    }

    /// What came of the drills of the last months, the newest first.
    pub(crate) fn drills(&self) -> Vec<DrillRow> {
        let since = Moment((self.clock)().0 - KNOWN);
        let (mut drills, runners) = (self.appliance.drills(since).unwrap_or_default(), self.runners());
        // Those of a place that had the same name before say nothing of this one.
        drills.retain(|row| runners.iter().all(|runner| runner.name != row.destination || row.ended >= runner.added));
        drills
    }
}
