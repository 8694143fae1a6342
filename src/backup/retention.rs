//! Retention: what lies at a destination for longer than was asked for is taken away, every night after a drill or on demand. Nothing goes
//! when the last drill failed, and never the newest state that one restored.

use super::{Backups, Failing, Found, line::Line, marker, others, place::Place, runner::Runner};
use ship::{
    Reach,
    prune::{Of, Removal, Retention, apply},
    restore::Trust,
    retain::{Keep, Point},
};
use std::{collections::BTreeSet, sync::atomic::Ordering};
use store::destination::{DrillRow, Retained};

const DAY: i64 = 86_400;
/// Nothing goes that came less than so many days ago.
const GRACE: i64 = 7;

/// What may go from a destination, or went.
pub(crate) struct Pruned {
    pub(crate) destination: String,
    pub(crate) removal: Removal,
    pub(crate) applied: bool,
}

fn keep(retained: &Retained) -> Keep {
    let days = |days: u32| i64::from(days) * DAY;
    Keep { changes: days(retained.changes), hours: days(retained.hours), days: days(retained.days), grace: GRACE * DAY }
}

impl Backups {
    /// What may go from every destination, or from this one; taken away when `apply` says so. `with` is another way there, with a credential
    /// that may remove.
    pub(crate) fn prune(&self, name: Option<&str>, with: Option<&Place>, apply: bool) -> Result<Found<Pruned>, Failing> {
        let _alone = super::lock(&self.drilling);
        self.at_each(name, |runner| Ok(vec![self.prune_one(runner, with.unwrap_or(&runner.place), apply)?]))
    }

    /// The destinations, or the one of this name.
    pub(super) fn named(&self, name: Option<&str>) -> Result<Vec<std::sync::Arc<Runner>>, Failing> {
        let runners = self.runners();
        let Some(name) = name else { return Ok(runners) };
        let found: Vec<_> = runners.into_iter().filter(|runner| runner.name == name).collect();
        match found.is_empty() {
            true => Err(Failing { exit: 2, text: format!("There is no destination “{name}”. See: strongroom dest list") }),
            false => Ok(found),
        }
    }

    fn prune_one(&self, runner: &Runner, place: &Place, go: bool) -> Result<Pruned, Failing> {
        let (drills, lines) = (self.drills(), self.lines());
        let of: Vec<Of> = lines.iter().map(|line| verified(&drills, runner, line)).collect::<Result<_, _>>()?;
        let mut here = BTreeSet::new();
        for line in &lines {
            if let Some(files) = &line.watch.source().files {
                here.extend(files.all()?.iter().map(ship::payload::FileRecord::object));
            }
        }
        let target = place.open()?;
        marker::check(target.as_ref(), ship::head::Hex(self.appliance.instance()))?;
        for line in &lines {
            others::check_ours(target.as_ref(), runner, line)?;
        }
        let tried = marker::probe(target.as_ref())?;
        if go && !tried.removes {
            return Err(Failing { exit: 77, text: format!("{} lets nothing be removed with the credential it has here. That is as it should be; to make room, give one that may: strongroom backup prune {} --apply --access-key KEY", runner.name, runner.name) });
        }
        let now = tried.clock.ok_or_else(|| Failing { exit: 1, text: format!("{} does not tell when things arrived there; nothing can be pruned safely.", runner.name) })?;
        let retained = runner.retained();
        let _alone = runner.alone();
        let images = usize::try_from(retained.images).unwrap_or(usize::MAX);
        let removal = Retention { target: target.as_ref(), of: &of, keep: keep(&retained), images, here: &here, now }.plan()?;
        if go {
            self.take_away(runner, target.as_ref(), &removal)?;
        }
        Ok(Pruned { destination: runner.name.clone(), removal, applied: go })
    }

    fn take_away(&self, runner: &Runner, target: &dyn Reach, removal: &Removal) -> Result<(), Failing> {
        let whole = removal.go.len();
        let _doing = self.begin(&format!("removing what {} need not keep", runner.name));
        apply(target, removal, &mut |done| {
            self.doing(&format!("removing what {} need not keep: {done} of {whole}", runner.name));
            !self.stopping.load(Ordering::SeqCst)
        })?;
        if whole > 0 {
            tracing::info!(destination = runner.name, objects = whole, bytes = removal.freed(), "what need not be kept was taken away");
        }
        Ok(())
    }

    /// After a night's drills: what is to be pruned without being asked.
    pub(super) fn prune_nightly(&self) {
        for runner in self.runners().iter().filter(|runner| runner.retained().prunes && !runner.state().away) {
            match self.prune(Some(&runner.name), None, true) {
                Ok((_, failed)) => failed.iter().for_each(|(_, failing)| match failing.exit {
                    // One that keeps everything is no fault.
                    77 => tracing::info!(destination = runner.name, "{}", failing.text),
                    _ => tracing::warn!(destination = runner.name, "nothing was pruned: {}", failing.text),
                }),
                Err(failing) => tracing::warn!(destination = runner.name, "nothing was pruned: {}", failing.text),
            }
        }
    }
}

/// A database at a destination with the newest state that was restored from there. Refused unless the last drill that came to an end passed.
fn verified(drills: &[DrillRow], runner: &Runner, line: &Line) -> Result<Of, Failing> {
    let source = line.watch.source();
    let trust = Trust { of: source.of, key: source.signer.public() };
    if line.site.is_none() {
        return Ok(Of { trust, verified: None });
    }
    let of_this = |row: &&DrillRow| row.destination == runner.name && row.site == source.of.chain.0 && row.outcome != "inconclusive";
    match drills.iter().find(of_this) {
        Some(row) if row.outcome == "passed" => Ok(Of { trust, verified: point(row) }),
        Some(_) => Err(Failing { exit: 1, text: format!("The last drill from {} failed: nothing is removed there until one passes. See: strongroom backup drill", runner.name) }),
        None => Err(Failing { exit: 1, text: format!("No drill from {} has passed yet: nothing is removed there before. Make one with: strongroom backup drill", runner.name) }),
    }
}

/// The state that a drill restored.
fn point(row: &DrillRow) -> Option<Point> {
    let report: serde_json::Value = serde_json::from_str(&row.report).ok()?;
    let number = |name: &str| report.get("point")?.get(name)?.as_u64();
    Some((u32::try_from(number("generation")?).ok()?, number("change")?))
}
