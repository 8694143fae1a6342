//! How long drills took: the last ones as bars, so that people see when restoring becomes slow before they need it.

use super::backups::span;
use serde::Serialize;

/// Drills shown, at most and at least: fewer show no trend. And the room of each.
const MOST: usize = 60;
const FEWEST: usize = 7;
const STEP: i32 = 6;
const HEIGHT: i32 = 60;

/// A bar.
#[derive(Debug, Serialize)]
struct Bar {
    x: i32,
    y: i32,
    height: i32,
    title: String,
}

/// The picture with its words.
#[derive(Debug, Serialize)]
pub(super) struct Durations {
    width: i32,
    height: i32,
    bars: Vec<Bar>,
    /// What it shows, for those who do not see it.
    title: String,
    /// The longest, in words: the height of the picture.
    longest: String,
}

/// The drills that passed: when, in words, and how many milliseconds; the newest first. Nothing for less than [`FEWEST`].
pub(super) fn durations(passed: &[(String, i64)]) -> Option<Durations> {
    let shown: Vec<&(String, i64)> = passed.iter().take(MOST).rev().collect();
    let longest = shown.iter().map(|(_, took)| *took).max().filter(|longest| *longest > 0 && shown.len() >= FEWEST)?;
    let newest = shown.last().map_or(0, |(_, took)| *took);
    let bar = |(n, (when, took)): (i32, &&(String, i64))| {
        let height = i32::try_from(i64::from(HEIGHT) * took / longest).unwrap_or(HEIGHT).max(1);
        Bar { x: n * STEP, y: HEIGHT - height, height, title: format!("{when}: {}", span(*took)) }
    };
    Some(Durations {
        width: STEP * i32::try_from(MOST).unwrap_or(0),
        height: HEIGHT,
        bars: (0..).zip(&shown).map(bar).collect(),
        title: format!("How long the last {} drills that passed took: the longest {}, the newest {}.", shown.len(), span(longest), span(newest)),
        longest: span(longest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stands_at_the_right_and_the_longest_fills_the_height() {
        let drills: Vec<(String, i64)> = (1..=70).map(|n| (format!("day {n}"), n * 1000)).collect();
        let picture = durations(&drills).unwrap();
        assert_eq!(picture.bars.len(), MOST);
        let (first, last) = (&picture.bars[0], &picture.bars[MOST - 1]);
        assert_eq!((first.y, first.height, first.title.as_str()), (0, HEIGHT, "day 60: 60 seconds"));
        assert_eq!((last.x, last.height), (STEP * 59, 1));
        assert!(picture.title.contains("longest 60 seconds, the newest one second"), "{}", picture.title);
        assert!(durations(&drills[..1]).is_none() && durations(&[]).is_none());
    }
}
