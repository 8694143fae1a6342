//! The calendar of nights: 13 weeks of seven days as a picture, and the nights that were not proven as a list.

use jiff::{ToSpan, civil::Date};
use serde::Serialize;
use std::collections::BTreeMap;

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
    /// Restored from some places, not from others that could not be reached.
    Unsure,
    /// Nothing was tried.
    Untried,
    /// What was there could not be restored, or failed a check.
    Failed,
}

impl Night {
    const fn word(self) -> &'static str {
        match self {
            Night::Verified => "restored in a drill, every check passed",
            Night::Unsure => "a place could not be reached for the drill",
            Night::Untried => "no drill was made",
            Night::Failed => "a drill failed",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Night::Verified => "verified",
            Night::Unsure => "unsure",
            Night::Untried => "untried",
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

/// The worst that a day saw counts. Days before `first` had nothing to be tried.
pub(super) fn calendar(today: Date, first: Option<Date>, days: &BTreeMap<Date, (Night, String)>) -> Calendar {
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
            continue;
        }
        if first.is_none_or(|first| day < first) {
            cells.push(Cell { x, y, kind: "before", title: String::new() });
            continue;
        }
        // Today's night may still come.
        let found = days.get(&day).cloned().or_else(|| (day < today).then(|| (Night::Untried, String::new())));
        let Some((night, why)) = found else { continue };
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
        "Drills of the last 13 weeks. On {} days everything was restored, on {} a place could not be reached, on {} no drill was made, on {} one failed.",
        count(Night::Verified),
        count(Night::Unsure),
        count(Night::Untried),
        count(Night::Failed)
    );
    Calendar { width: LEFT + WEEKS * CELL + 12, height: TOP + 7 * CELL, cells, labels, title, open }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_day_has_its_cell_and_nothing_before_the_first_or_after_today() {
        let (today, first) = (date(2026, 11, 25), date(2026, 11, 20));
        let days = BTreeMap::from([(first, (Night::Verified, String::new())), (date(2026, 11, 22), (Night::Failed, "the disk was full".into())), (date(2026, 11, 23), (Night::Unsure, String::new()))]);
        let calendar = calendar(today, Some(first), &days);
        let shown: Vec<&Cell> = calendar.cells.iter().filter(|cell| cell.kind != "before").collect();
        let kinds: Vec<&str> = shown.iter().map(|cell| cell.kind).collect();
        assert_eq!(calendar.cells.len(), 12 * 7 + 2);
        assert_eq!(kinds, ["verified", "untried", "failed", "unsure", "untried"]);
        // A Wednesday: the last week is the thirteenth, and Friday the 20th stands in the one before.
        assert_eq!((shown[0].x, shown[0].y), (LEFT + 11 * CELL, TOP + 4 * CELL));
        assert_eq!((shown[4].x, shown[4].y), (LEFT + 12 * CELL, TOP + CELL));
        assert_eq!(calendar.open.iter().map(|open| open.why.as_str()).collect::<Vec<_>>(), ["no drill was made", "a place could not be reached for the drill", "the disk was full", "no drill was made"]);
        assert!(calendar.title.contains("On 1 days everything") && calendar.labels.len() == 4);
        assert!(super::calendar(today, None, &days).cells.iter().all(|cell| cell.kind == "before"));
    }
}
