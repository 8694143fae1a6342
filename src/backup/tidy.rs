//! What is done now and then with what waits here: changes put together by hours and days, what nobody needs thrown away, a new base when
//! the last one is old.

use super::{Backups, line::Line, runner::Runner};
use ship::{
    ShipError,
    compact::{compact, due},
    deliver::{Cursor, clear},
    head::Why,
};

const HOUR: i64 = 3600 * 1000;
const DAY: i64 = 24 * HOUR;
/// How long changes stay here at least, in milliseconds: until their day is put together.
const KEEP: i64 = 26 * HOUR;
/// A destination that had nothing for so long gets a new base when it comes back; nothing is kept here for it.
const GIVEN_UP: i64 = 35 * DAY;
/// A new base is made when the last one is so old, and something has changed since.
const OLD: i64 = 14 * DAY;

impl Backups {
    /// Tidies the spool of every database.
    pub(super) fn tidy(&self) {
        let now = (self.clock)().0;
        for line in self.lines() {
            if let Err(error) = self.tidy_line(&line, now) {
                tracing::warn!(chain = %line.of().chain, "what waits to be brought away cannot be tidied: {error}");
            }
        }
    }

    fn tidy_line(&self, line: &Line, now: i64) -> Result<(), ShipError> {
        let source = line.watch.source();
        let log = source.spool.log(&source.of)?;
        let mut made = 0;
        for group in due(&log, now) {
            compact(&source.spool, &source.spool, &source.of, &source.signer, &group)?;
            made += 1;
        }
        if made > 0 {
            self.runners().iter().for_each(|runner| runner.bell.ring());
        }
        let cursors: Vec<Cursor> = self.runners().iter().filter(|runner| !is_given_up(runner, now)).map(|runner| runner.cursor(&source.of)).collect();
        clear(&source.spool, &source.of, &cursors, now - KEEP)?;
        if line.based().is_some_and(|(at, last)| now - at > OLD && line.watch.state().is_some_and(|(_, change)| change > last)) {
            line.want_base(Why::Due);
        }
        Ok(())
    }
}

/// Whether nothing is kept here for this destination.
fn is_given_up(runner: &Runner, now: i64) -> bool {
    let state = runner.state();
    let since = match (&state.failing, state.away) {
        (Some((since, _)), _) => Some(*since),
        (None, true) => state.good,
        (None, false) => None,
    };
    since.is_some_and(|since| now - since > GIVEN_UP)
}
