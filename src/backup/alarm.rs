//! What system administrators are written to about: backups that do not arrive, drills that fail, and both of them failing to happen. One
//! letter a day for as long as something is wrong, and one at once when something else is.

use super::{
    Backups, Status,
    status::{Standing, overdue},
};
use jiff::tz::TimeZone;
use rules::Moment;
use std::{collections::BTreeMap, fs};
use store::destination::{DrillRow, Schedule};

const HOUR: i64 = 3600 * 1000;
const DAY: i64 = 24 * HOUR;
/// A destination may fail for so long before anybody is written to: most that fails heals by itself.
const PATIENCE: i64 = HOUR;
/// A drill must have passed within so long.
pub(crate) const PROVEN: i64 = 36 * HOUR;
/// A disk that is carried should come back within so long.
const CARRIED: i64 = 35 * DAY;

/// Writes to the system administrators: a paragraph for each thing that is wrong.
pub(crate) type Alarm = std::sync::Arc<dyn Fn(&[String]) -> Result<(), String> + Send + Sync>;

/// "24 Nov 2026 at 14:05": a letter may be read days later.
fn on(at: Moment, zone: &TimeZone) -> String {
    format!("{} at {}", at.day(zone), at.hour(zone))
}

/// What is wrong now, each under a name by which it is known again. Objects and hashes are for the page, not for a letter.
pub(crate) fn wrong(status: &Status, drills: &[DrillRow], now: Moment, zone: &TimeZone) -> BTreeMap<String, String> {
    let mut wrong: BTreeMap<String, String> = status.destinations.iter().filter_map(|row| Some((format!("place {}", row.name), place(row, now, zone)?))).collect();
    for row in &status.destinations {
        let damage = row.damage.as_ref().filter(|damage| damage.is_open());
        wrong.extend(damage.map(|damage| (format!("damage {}", row.name), damage.words(&row.name, &format!("on {}", on(Moment(damage.found), zone))))));
        wrong.extend(drill(row, drills, now, zone).map(|words| (format!("drill {}", row.name), words)));
    }
    wrong.extend(status.troubles.iter().map(|trouble| (format!("line {}", trouble.told(Moment::iso)), trouble.told(|at| on(at, zone)))));
    wrong
}

fn place(row: &Standing, now: Moment, zone: &TimeZone) -> Option<String> {
    match &row.failing {
        Some((since, why)) if now.0 - since.0 > PATIENCE => Some(format!("Nothing arrives at {} since {}: {}.", row.name, on(*since, zone), why.trim_end_matches('.'))),
        _ if row.away => row.good.filter(|good| now.0 - good.0 > CARRIED).map(|good| format!("The disk {} was last here on {}. Put it in, then take it away again.", row.name, good.day(zone))),
        None if row.behind > overdue(row.schedule).saturating_add(PATIENCE) => Some(format!("{} has not had everything for {} hours.", row.name, row.behind / HOUR)),
        _ => None,
    }
}

fn drill(row: &Standing, drills: &[DrillRow], now: Moment, zone: &TimeZone) -> Option<String> {
    if row.schedule == Schedule::ByHand || row.away || now.0 - row.added.0 <= PROVEN {
        return None;
    }
    let mut of_this = drills.iter().filter(|drill| drill.destination == row.name);
    let failed = of_this.clone().find(|drill| drill.outcome != "inconclusive").filter(|drill| drill.outcome == "failed");
    match (failed, of_this.find(|drill| drill.outcome == "passed")) {
        (Some(failed), _) => Some(format!("The drill from {} failed on {}: {}.", row.name, on(failed.ended, zone), first_failure(failed))),
        (None, Some(passed)) if now.0 - passed.ended.0 <= PROVEN => None,
        (None, Some(passed)) => Some(format!("No drill from {} has passed since {}.", row.name, on(passed.ended, zone))),
        (None, None) => Some(format!("No drill from {} has passed yet.", row.name)),
    }
}

/// The first check of a drill that did not pass.
fn first_failure(row: &DrillRow) -> String {
    let report: serde_json::Value = serde_json::from_str(&row.report).unwrap_or_default();
    let checks = report.get("checks").and_then(|checks| checks.as_array()).cloned().unwrap_or_default();
    let failed = checks.iter().find(|check| check.get("ok").and_then(serde_json::Value::as_bool) == Some(false));
    let text = |name: &str| failed.and_then(|check| check.get(name)?.as_str()).unwrap_or_default().trim_end_matches('.').to_owned();
    match text("why").is_empty() {
        true => format!("“{}” did not pass", text("check")),
        false => format!("“{}” did not pass: {}", text("check"), text("why")),
    }
}

/// What was written of already, and when: milliseconds since 1970.
type Told = BTreeMap<String, i64>;

/// Whether it is time for a letter; `told` is what then counts as told.
fn is_due(wrong: &BTreeMap<String, String>, told: &mut Told, now: Moment) -> bool {
    told.retain(|name, _| wrong.contains_key(name));
    let due = wrong.keys().any(|name| told.get(name).is_none_or(|at| now.0 - at >= DAY));
    if due {
        told.extend(wrong.keys().map(|name| (name.clone(), now.0)));
    }
    due
}

impl Backups {
    /// The thread that watches over all of it. It is not the one that drills: a drill that never ends is one of the things to be told.
    pub(super) fn watch_over(&self) {
        self.each_minute(|| self.raise_alarm());
    }

    /// The zone of the firm that looks after the installation.
    fn zone(&self) -> TimeZone {
        let sites = self.appliance.sites();
        let keeper = sites.iter().map(|(_, site)| site).find(|site| site.settings().keeps_keyring);
        keeper.map_or(TimeZone::UTC, |site| site.firm().zone)
    }

    /// Writes to the system administrators when something is wrong. What was told outlives a restart.
    fn raise_alarm(&self) {
        let now = (self.clock)();
        let wrong = wrong(&self.status(), &self.drills(), now, &self.zone());
        let file = self.folder.join("told.json");
        let mut told: Told = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let before = told.clone();
        if is_due(&wrong, &mut told, now) {
            let paragraphs: Vec<String> = wrong.into_values().collect();
            paragraphs.iter().for_each(|words| tracing::error!("{words}"));
            if let Some(Err(why)) = self.alarm.get().map(|alarm| alarm(&paragraphs)) {
                tracing::error!("nobody could be written to about the backups: {why}");
                told = before.clone();
            }
        }
        if told != before
            && let Ok(text) = serde_json::to_vec(&told)
            && let Err(error) = fs::write(&file, text)
        {
            tracing::warn!("what was told of the backups cannot be written down: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::Damage;
    use ship::verify::Wrong;
    use store::destination::Retained;

    const NOW: Moment = Moment(1_800_000_000_000);

    fn row() -> Standing {
        Standing {
            name: "office".into(),
            place: String::new(),
            schedule: Schedule::Continuous,
            retained: Retained::default(),
            added: Moment(NOW.0 - 100 * DAY),
            good: Some(Moment(NOW.0 - 1000)),
            behind: 0,
            empty: false,
            failing: None,
            away: false,
            owed: false,
            damage: None,
            brought: Vec::new(),
            busy: false,
            objects: 1,
            bytes: 1,
        }
    }

    fn drilled(outcome: &str, ago: i64) -> DrillRow {
        let report = r#"{"checks":[{"check":"one","ok":true,"why":null},{"check":"two","ok":false,"why":"it is cut off."}]}"#;
        DrillRow { destination: "office".into(), site: [0; 16], ended: Moment(NOW.0 - ago), outcome: outcome.into(), report: report.into(), signature: Vec::new() }
    }

    fn said(row: Standing, drills: &[DrillRow]) -> Vec<String> {
        wrong(&Status { destinations: vec![row], troubles: Vec::new(), doing: None }, drills, NOW, &TimeZone::UTC).into_values().collect()
    }

    #[test]
    fn what_fails_and_what_does_not_happen_are_both_told() {
        let passed = [drilled("passed", HOUR)];
        assert_eq!(said(row(), &passed), Vec::<String>::new());
        let failing = |ago| Standing { failing: Some((Moment(NOW.0 - ago), "the destination is full.".into())), ..row() };
        assert_eq!(said(failing(HOUR / 2), &passed), Vec::<String>::new());
        assert_eq!(said(failing(2 * HOUR), &passed), [format!("Nothing arrives at office since {}: the destination is full.", on(Moment(NOW.0 - 2 * HOUR), &TimeZone::UTC))]);
        assert_eq!(said(Standing { behind: 5 * HOUR, ..row() }, &passed), ["office has not had everything for 5 hours."]);
        assert_eq!(said(Standing { behind: 5 * HOUR, schedule: Schedule::Nightly, ..row() }, &passed), Vec::<String>::new());
        // Absence is as bad as failure.
        assert_eq!(said(row(), &[]), ["No drill from office has passed yet."]);
        assert!(said(row(), &[drilled("inconclusive", 0), drilled("passed", 40 * HOUR)])[0].starts_with("No drill from office has passed since"));
        assert!(said(row(), &[drilled("failed", 0), drilled("passed", HOUR)])[0].ends_with("“two” did not pass: it is cut off."));
        assert_eq!(said(Standing { added: Moment(NOW.0 - HOUR), ..row() }, &[]), Vec::<String>::new());
        let damage = |healed| Some(Damage { found: NOW.0, tried: None, healed, wrong: vec![Wrong { object: "log/x".into(), why: "it is cut off".into(), spoiled: false }] });
        assert!(said(Standing { damage: damage(false), ..row() }, &passed)[0].starts_with("One file of the backup at office is damaged, found on"));
        // What is lost for good is told on the page, not by letter every day.
        assert_eq!(said(Standing { damage: damage(true), ..row() }, &passed), Vec::<String>::new());
        // A disk in a safe is no fault, one that is forgotten there is.
        let disk = |ago| Standing { away: true, schedule: Schedule::ByHand, behind: 20 * DAY, good: Some(Moment(NOW.0 - ago)), ..row() };
        assert_eq!(said(disk(20 * DAY), &[]), Vec::<String>::new());
        assert!(said(disk(40 * DAY), &[])[0].starts_with("The disk office was last here on"));
    }

    #[test]
    fn a_letter_comes_at_once_and_then_once_a_day() {
        let wrong = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), String::new())).collect::<BTreeMap<_, _>>();
        let mut told = Told::new();
        assert!(!is_due(&wrong(&[]), &mut told, NOW));
        assert!(is_due(&wrong(&["a"]), &mut told, NOW));
        assert!(!is_due(&wrong(&["a"]), &mut told, Moment(NOW.0 + HOUR)));
        assert!(is_due(&wrong(&["a", "b"]), &mut told, Moment(NOW.0 + HOUR)));
        assert!(is_due(&wrong(&["a", "b"]), &mut told, Moment(NOW.0 + 26 * HOUR)));
        assert!(!is_due(&wrong(&[]), &mut told, Moment(NOW.0 + 27 * HOUR)) && told.is_empty());
        assert!(is_due(&wrong(&["a"]), &mut told, Moment(NOW.0 + 28 * HOUR)), "what comes back is told again");
    }
}
