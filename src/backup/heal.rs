//! What was found spoiled or missing at a destination: remembered until it is well again, told, and healed. Healing takes away what is not what
//! was put there and brings everything from a new base; states that only the destination had stay lost, and are named.

use super::{Backups, line::Line, others, runner::Runner};
use rules::{Moment, text::count_head};
use serde::{Deserialize, Serialize};
use ship::verify::{Depth, Findings, Wrong};

const DAY: i64 = 24 * 3600 * 1000;
/// From one night to the next, give or take.
const NIGHT: i64 = 20 * 3600 * 1000;
/// Where that lies which may be taken away when it is spoiled.
const OURS: [&str; 4] = ["base/", "log/", "part/", "blob/"];

/// What is wrong with a database at a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Damage {
    /// When it was found: milliseconds since 1970.
    pub(crate) found: i64,
    /// When it was last tried to heal it.
    pub(crate) tried: Option<i64>,
    /// The newest state is whole again: what is still named is what could not be brought again.
    pub(crate) healed: bool,
    pub(crate) wrong: Vec<Wrong>,
}

impl Damage {
    /// Whether anything is to be done about it. What is missing after everything was brought again are older states: they are lost there, and
    /// what is new does not need them.
    pub(crate) fn is_open(&self) -> bool {
        !self.healed || self.wrong.iter().any(|wrong| wrong.spoiled)
    }

    /// Whether it is time to try again: everything there is read for that, and a base is made.
    fn is_due(&self, now: i64) -> bool {
        let rest = if self.healed { 7 * DAY } else { NIGHT };
        self.is_open() && self.tried.is_none_or(|tried| now - tried > rest)
    }

    /// What is to be known of it; `when` says when it was found, as "today at 14:05".
    pub(crate) fn words(&self, place: &str, when: &str) -> String {
        let number = self.wrong.len();
        let are = if number == 1 { "is" } else { "are" };
        let files = count_head(number, "file", "files");
        match (self.healed, self.is_open()) {
            (false, _) => format!("{files} of the backup at {place} {are} damaged, found {when}. A drill brings again what can be brought."),
            (true, true) => format!("{files} of the backup at {place} {are} damaged, found {when}, and cannot be replaced from here. Remove what is damaged there; a drill brings it again."),
            (true, false) => format!("{files} of the backup at {place} {are} lost, found {when}: older states need them. Everything since is there."),
        }
    }

    /// The same for letters and commands, with the first object.
    pub(crate) fn told(&self, place: &str) -> String {
        let words = self.words(place, &format!("on {}", Moment(self.found).iso()));
        self.wrong.first().map_or_else(|| words.clone(), |wrong| format!("{words} The first is {}: {}.", wrong.object, wrong.why.trim_end_matches('.')))
    }
}

impl Backups {
    /// Remembers what a look has found. One at everything that found nothing ends what was remembered. Where this server has brought nothing it
    /// is not for it to heal.
    pub(super) fn remember(&self, runner: &Runner, line: &Line, depth: Depth, findings: &Findings) {
        let (known, wrong) = (runner.damage(&line.of()), &findings.wrong);
        if runner.cursor(&line.of()).generation == 0 {
            return;
        }
        if wrong.is_empty() && depth == Depth::Everything {
            return runner.keep_damage(&line.of(), None);
        }
        if wrong.iter().any(|wrong| !known.as_ref().is_some_and(|known| known.wrong.contains(wrong))) {
            tracing::error!(destination = runner.name, objects = wrong.len(), "what lies there is not what was brought there");
            runner.keep_damage(&line.of(), Some(&Damage { found: (self.clock)().0, tried: None, healed: false, wrong: wrong.clone() }));
        }
    }

    /// Whether something was found damaged, and nobody has tried to heal it.
    pub(super) fn awaits_healing(&self, runner: &Runner, line: &Line) -> bool {
        self.of_drill(line).iter().any(|line| runner.damage(&line.of()).is_some_and(|damage| !damage.healed && damage.tried.is_none()))
    }

    /// Whether something is to be healed before a drill can say anything new. What is lost for good is forgotten when it would have been
    /// removed by now.
    pub(super) fn is_damaged(&self, runner: &Runner, line: &Line) -> bool {
        let (kept, now) = (runner.retained(), (self.clock)().0);
        let longest = i64::from(kept.changes.max(kept.hours).max(kept.days).max(7));
        self.of_drill(line).iter().filter(|line| {
            let damage = runner.damage(&line.of());
            if kept.prunes && damage.as_ref().is_some_and(|damage| !damage.is_open() && now - damage.found > longest * DAY) {
                runner.keep_damage(&line.of(), None);
            }
            damage.is_some_and(|damage| damage.is_due(now))
        }).count() > 0
    }

    /// Whether it is time to heal what a drill could not restore: nobody has tried since the night before, or somebody asks now.
    pub(super) fn may_try_again(&self, runner: &Runner, line: &Line, asked: bool) -> bool {
        let now = (self.clock)().0;
        asked || self.of_drill(line).iter().all(|line| runner.damage(&line.of()).and_then(|damage| damage.tried).is_none_or(|tried| now - tried > NIGHT))
    }

    /// Reads everything there, takes away what is spoiled, brings all of it once more from a new base, and reads it again: what is wrong then
    /// stays remembered. Nothing is done at a place that is not this server's.
    pub(super) fn heal(&self, runner: &Runner, line: &Line) {
        let lines = self.of_drill(line);
        if let Err(failing) = self.reach(runner).and_then(|target| Ok(lines.iter().try_for_each(|line| others::check_ours(target.as_ref(), runner, line))?)) {
            tracing::warn!(destination = runner.name, "what is damaged there is left alone: {}", failing.text);
            return;
        }
        for line in &lines {
            let (found, known) = (self.look_at(runner, line, Depth::Everything), runner.damage(&line.of()));
            let tried = Some((self.clock)().0);
            let known = known.unwrap_or(Damage { found: (self.clock)().0, tried, healed: false, wrong: Vec::new() });
            let wrong = found.unwrap_or_else(|| known.wrong.clone());
            let spoiled: Vec<String> = wrong.iter().filter(|wrong| wrong.spoiled && OURS.iter().any(|ours| wrong.object.starts_with(ours))).map(|wrong| wrong.object.clone()).collect();
            runner.keep_damage(&line.of(), Some(&Damage { tried, healed: false, wrong, ..known }));
            runner.compare_again(line, &spoiled);
        }
        self.bring(&[runner]);
        for line in &lines {
            let (Some(newest), Some(wrong), Some(known)) = (self.look_at(runner, line, Depth::Newest), self.look_at(runner, line, Depth::Everything), runner.damage(&line.of())) else { continue };
            let left = Damage { healed: newest.is_empty(), wrong, ..known };
            runner.keep_damage(&line.of(), Some(&left).filter(|left| !left.wrong.is_empty()));
        }
    }

    fn look_at(&self, runner: &Runner, line: &Line, depth: Depth) -> Option<Vec<Wrong>> {
        match self.verify_line(runner, line, depth) {
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
        let damage = |healed, spoiled| Damage { found: 0, tried: None, healed, wrong: vec![wrong(spoiled)] };
        for (damage, open, words) in [
            (damage(false, false), true, "One file of the backup at office is damaged, found today. A drill brings"),
            (damage(true, true), true, "cannot be replaced from here"),
            (damage(true, false), false, "One file of the backup at office is lost, found today: older states"),
        ] {
            assert_eq!(damage.is_open(), open);
            assert!(damage.words("office", "today").contains(words), "{}", damage.words("office", "today"));
            assert!(damage.told("office").ends_with(" The first is log/x: it is cut off."), "{}", damage.told("office"));
        }
    }

    #[test]
    fn what_cannot_be_healed_is_tried_again_after_a_night_or_a_week() {
        let wrong = vec![Wrong { object: "blob/x".into(), why: "it is another".into(), spoiled: true }];
        let due = |tried: Option<i64>, healed, now| Damage { found: 0, tried, healed, wrong: wrong.clone() }.is_due(now);
        assert!(due(None, false, 0));
        assert!(!due(Some(0), false, NIGHT) && due(Some(0), false, NIGHT + 1));
        assert!(!due(Some(0), true, 7 * DAY) && due(Some(0), true, 7 * DAY + 1));
    }
}
