//! The calendar of nights: 13 weeks of seven days as a picture, and the nights that were not proven as a list.

use crate::backup::Standing;
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use rules::Moment;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use store::destination::{DrillRow, Schedule};

/// Weeks shown.
const WEEKS: i32 = 13;
/// A cell and what lies between two.
const CELL: i32 = 28;
/// Room for the names of days and months.
const LEFT: i32 = 36;
const TOP: i32 = 22;

/// What became of a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Night {
    /// Restored, and every check passed.
    Verified,
    /// Everything was brought to every place, and no drill says whether it can be restored.
    Made,
    /// A place that should have had everything did not.
    Late,
    /// What was there could not be restored, or failed a check.
    Failed,
}

impl Night {
    const fn word(self) -> &'static str {
        match self {
            Night::Verified => "restored in a drill, every check passed",
            Night::Made => "brought everywhere, not tried in a drill",
            Night::Late => "a place did not have everything",
            Night::Failed => "a drill failed",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Night::Verified => "verified",
            Night::Made => "made",
            Night::Late => "late",
            Night::Failed => "failed",
        }
    }
}

/// A cell of the picture.
#[derive(Debug, Serialize)]
pub(super) struct Cell {
    x: i32,
    y: i32,
    kind: &'static str,
    title: String,
}

/// The name of a month above its first week.
#[derive(Debug, Serialize)]
pub(super) struct Label {
    x: i32,
    text: String,
}

/// The picture with its words.
#[derive(Debug, Serialize)]
pub(super) struct Calendar {
    width: i32,
    height: i32,
    cells: Vec<Cell>,
    labels: Vec<Label>,
    /// What it shows, for those who do not see it.
    title: String,
    /// Some of them lie before the first backup.
    before: bool,
    /// The nights that were not verified, the newest first.
    open: Vec<Open>,
}

/// A night that was not verified.
#[derive(Debug, Serialize)]
pub(super) struct Open {
    day: String,
    kind: &'static str,
    why: String,
}

/// What became of the nights, by the drills and by what every place had. The worst that a day saw counts.
pub(super) fn nights(places: &[Standing], drills: &[DrillRow], now: Moment, zone: &TimeZone) -> Calendar {
    let (mut days, mut brought) = (BTreeMap::new(), BTreeSet::new());
    let mut seen = BTreeSet::new();
    // The newest first: of several drills of one day the last one counts.
    for row in drills.iter().filter(|row| seen.insert((&row.destination, row.site, row.ended.date(zone)))) {
        let night = match row.outcome.as_str() {
            "passed" => Night::Verified,
            "failed" => Night::Failed,
            _ => Night::Made,
        };
        let day = row.ended.date(zone);
        let why = match night {
            Night::Verified => String::new(),
            Night::Failed => format!("The drill from {} failed.", row.destination),
            _ => format!("The drill from {} did not come to its end.", row.destination),
        };
        worse(&mut days, day, night, why);
        if night == Night::Verified {
            brought.insert((row.destination.as_str(), day));
        }
    }
    let should = || places.iter().filter(|row| row.schedule != Schedule::ByHand);
    brought.extend(should().flat_map(|row| row.brought.iter().map(|at| (row.name.as_str(), at.date(zone)))));
    let first = drills.iter().map(|row| row.ended).chain(should().map(|row| row.added)).min().map(|at| at.date(zone));
    let mut day = first.unwrap_or_else(|| now.date(zone));
    while first.is_some() && day < now.date(zone) {
        let mut late = should().filter(|row| row.added.date(zone) < day && !brought.contains(&(row.name.as_str(), day)));
        match late.next() {
            Some(row) => worse(&mut days, day, Night::Late, format!("{} did not have everything.", row.name)),
            None => drop(days.entry(day).or_insert((Night::Made, String::new()))),
        }
        day = day.saturating_add(1.day());
    }
    calendar(now.date(zone), first, &days)
}

/// The worst that a day saw counts.
fn worse(days: &mut BTreeMap<Date, (Night, String)>, day: Date, night: Night, why: String) {
    let kept = days.entry(day).or_insert_with(|| (night, why.clone()));
    if night > kept.0 {
        *kept = (night, why);
    }
}

/// What became of each day. Days before `first` had no backups, and a day that is not named was late.
fn calendar(today: Date, first: Option<Date>, days: &BTreeMap<Date, (Night, String)>) -> Calendar {
    let monday = today.saturating_sub((i64::from(today.weekday().to_monday_zero_offset()) + i64::from(7 * (WEEKS - 1))).days());
    let (mut cells, mut labels, mut open, mut counts) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::<Night, usize>::new());
    for n in 0..WEEKS * 7 {
        let day = monday.saturating_add(i64::from(n).days());
        let (week, weekday) = (n / 7, n % 7);
        let x = LEFT + week * CELL;
        if weekday == 0 && week % 4 == 0 {
            labels.push(Label { x, text: day.strftime("%-d %b").to_string() });
        }
        let y = TOP + weekday * CELL;
        if day > today {
            cells.push(Cell { x, y, kind: "coming", title: String::new() });
            continue;
        }
        if first.is_none_or(|first| day < first) {
            cells.push(Cell { x, y, kind: "before", title: String::new() });
            continue;
        }
        // Today's night may still come.
        let found = days.get(&day).cloned().or_else(|| (day < today).then(|| (Night::Late, String::new())));
        let Some((night, why)) = found else {
            cells.push(Cell { x, y, kind: "coming", title: String::new() });
            continue;
        };
        *counts.entry(night).or_default() += 1;
        let words = day.strftime("%a %-d %b").to_string();
        cells.push(Cell { x, y, kind: night.kind(), title: format!("{words}: {}", night.word()) });
        if night != Night::Verified {
            open.push(Open { day: words, kind: night.kind(), why: if why.is_empty() { night.word().into() } else { why } });
        }
    }
    open.reverse();
    let count = |night: Night| counts.get(&night).copied().unwrap_or(0);
    let title = format!(
        "Backups of the last 13 weeks. Days on which everything was restored in a drill: {}; brought, and not tried: {}; late: {}; failed: {}.",
        count(Night::Verified),
        count(Night::Made),
        count(Night::Late),
        count(Night::Failed)
    );
    Calendar { width: LEFT + WEEKS * CELL + 12, height: TOP + 7 * CELL, before: cells.iter().any(|cell| cell.kind == "before"), cells, labels, title, open }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_day_has_its_cell_and_nothing_before_the_first_or_after_today() {
        let (today, first) = (date(2026, 11, 25), date(2026, 11, 20));
        let days = BTreeMap::from([(first, (Night::Verified, String::new())), (date(2026, 11, 22), (Night::Failed, "the disk was full".into())), (date(2026, 11, 23), (Night::Made, String::new()))]);
        let calendar = calendar(today, Some(first), &days);
        let shown: Vec<&Cell> = calendar.cells.iter().filter(|cell| !matches!(cell.kind, "before" | "coming")).collect();
        let kinds: Vec<&str> = shown.iter().map(|cell| cell.kind).collect();
        assert_eq!((calendar.cells.len(), calendar.cells.iter().filter(|cell| cell.kind == "coming").count()), (13 * 7, 5));
        assert_eq!(kinds, ["verified", "late", "failed", "made", "late"]);
        // A Wednesday: the last week is the thirteenth, and Friday the 20th stands in the one before.
        assert_eq!((shown[0].x, shown[0].y), (LEFT + 11 * CELL, TOP + 4 * CELL));
        assert_eq!((shown[4].x, shown[4].y), (LEFT + 12 * CELL, TOP + CELL));
        assert_eq!(calendar.open.iter().map(|open| open.why.as_str()).collect::<Vec<_>>(), ["a place did not have everything", "brought everywhere, not tried in a drill", "the disk was full", "a place did not have everything"]);
        assert!(calendar.title.contains("restored in a drill: 1; brought, and not tried: 1; late: 2; failed: 1") && calendar.labels.len() == 4);
        assert!(super::calendar(today, None, &days).cells.iter().all(|cell| matches!(cell.kind, "before" | "coming")));
    }
}
