//! What was found spoiled or missing at a destination: remembered until it is well again, told, and healed. Healing takes away what is not what
//! was put there and brings everything from a new base; states that only the destination had stay lost, and are named.

use super::{Backups, line::Line, runner::Runner};
use rules::{Moment, text::count};
use serde::{Deserialize, Serialize};
use ship::verify::{Depth, Findings, Wrong};
use store::destination::DrillRow;

const DAY: i64 = 24 * 3600 * 1000;

/// What is wrong with a database at a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Damage {
    /// When it was found: milliseconds since 1970.
    pub(crate) found: i64,
    /// It was tried to heal it: what is still named is what could not be.
    pub(crate) healed: bool,
    pub(crate) wrong: Vec<Wrong>,
}

impl Damage {
    /// Whether anything is to be done about it. What is missing after everything was brought again are older states: they are lost there, and
    /// what is new does not need them.
    pub(crate) fn is_open(&self) -> bool {
        !self.healed || self.wrong.iter().any(|wrong| wrong.spoiled)
    }

    /// A sentence about it.
    pub(crate) fn words(&self) -> String {
        let first = self.wrong.first().map_or_else(String::new, |wrong| format!("{}: {}", wrong.object, wrong.why.trim_end_matches('.')));
        let (number, found) = (count(self.wrong.len(), "object", "objects"), Moment(self.found).iso());
        match (self.healed, self.is_open()) {
            (false, _) => format!("{number} found damaged on {found} ({first}). What can be healed is brought again by the next drill"),
            (true, true) => format!("{number} found damaged on {found} ({first}) cannot be replaced with the credential that is used here. Remove what is damaged there; the next drill brings it again"),
            (true, false) => format!("older states that need {number} are lost since {found} ({first}); everything since is there"),
        }
    }
}

impl Backups {
    /// Remembers what a look has found. One at everything that found nothing ends what was remembered.
    pub(super) fn remember(&self, runner: &Runner, line: &Line, depth: Depth, findings: &Findings) {
        let (known, now) = (runner.damage(&line.of()), (self.clock)().0);
        match (&findings.wrong, known) {
            (wrong, Some(_)) if wrong.is_empty() && depth == Depth::Everything => runner.keep_damage(&line.of(), None),
            (wrong, Some(known)) if wrong.iter().all(|wrong| known.wrong.contains(wrong)) => {}
            (wrong, None) if wrong.is_empty() => {}
            (wrong, _) => {
                tracing::error!(destination = runner.name, objects = wrong.len(), "what lies there is not what was brought there");
                runner.keep_damage(&line.of(), Some(&Damage { found: now, healed: false, wrong: wrong.clone() }));
            }
        }
    }

    /// Whether something was found damaged since the last drill, and nobody has tried to heal it.
    pub(super) fn awaits_healing(&self, runner: &Runner, line: &Line, last: Option<&DrillRow>) -> bool {
        let since = last.map_or(0, |row| row.ended.0);
        self.of_drill(line).iter().any(|line| runner.damage(&line.of()).is_some_and(|damage| !damage.healed && damage.found > since))
    }

    /// Whether something is to be healed before a drill can say anything new. What is lost for good is forgotten when it would have been
    /// removed by now.
    pub(super) fn is_damaged(&self, runner: &Runner, line: &Line) -> bool {
        let (kept, now) = (runner.retained(), (self.clock)().0);
        let longest = i64::from(kept.changes.max(kept.hours).max(kept.days));
        self.of_drill(line).iter().any(|line| match runner.damage(&line.of()) {
            Some(damage) if damage.is_open() => true,
            Some(damage) if kept.prunes && now - damage.found > longest * DAY => {
                runner.keep_damage(&line.of(), None);
                false
            }
            _ => false,
        })
    }

    /// Reads everything there, takes away what is spoiled, brings all of it once more from a new base, and reads it again: what is wrong then
    /// stays remembered.
    pub(super) fn heal(&self, runner: &Runner, line: &Line, mut spoiled: Vec<String>) {
        let lines = self.of_drill(line);
        for line in &lines {
            spoiled.extend(self.look_at(runner, line).into_iter().flatten().filter(|wrong| wrong.spoiled).map(|wrong| wrong.object));
            runner.compare_again(line, &std::mem::take(&mut spoiled));
        }
        self.bring(&[runner]);
        for line in &lines {
            let Some(wrong) = self.look_at(runner, line) else { continue };
            let damage = Damage { found: (self.clock)().0, healed: true, wrong };
            runner.keep_damage(&line.of(), Some(&damage).filter(|damage| !damage.wrong.is_empty()));
        }
    }

    fn look_at(&self, runner: &Runner, line: &Line) -> Option<Vec<Wrong>> {
        match self.verify_line(runner, line, Depth::Everything) {
            Ok(findings) => Some(findings.wrong),
            Err(failing) => {
                tracing::warn!(destination = runner.name, "not everything there could be read: {}", failing.text);
                None
            }
        }
    }

    /// The databases that a drill of a site needs: its own, and the registry.
    fn of_drill(&self, line: &Line) -> Vec<std::sync::Arc<Line>> {
        self.lines().into_iter().filter(|known| known.site.is_none() || known.of() == line.of()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_people_can_do_something_about_is_open() {
        let wrong = |spoiled| Wrong { object: "log/x".into(), why: "it is cut off.".into(), spoiled };
        let damage = |healed, spoiled| Damage { found: 0, healed, wrong: vec![wrong(spoiled)] };
        for (damage, open, words) in [
            (damage(false, false), true, "brought again by the next drill"),
            (damage(true, true), true, "cannot be replaced with the credential"),
            (damage(true, false), false, "older states that need one object are lost"),
        ] {
            assert_eq!(damage.is_open(), open);
            assert!(damage.words().contains(words) && damage.words().contains("(log/x: it is cut off)"), "{}", damage.words());
        }
    }
}
