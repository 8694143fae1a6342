//! How many refusals of strangers are written down: the trail keeps everything for good, and nobody who is unknown must be able to fill it.

use rules::Moment;
use std::sync::{Mutex, PoisonError};

/// Counts the refusals of strangers in this second.
#[derive(Default)]
pub(crate) struct Strangers(Mutex<(i64, u32)>);

impl Strangers {
    /// Refusals of strangers that are written down in one second.
    const A_SECOND: u32 = 10;

    /// Whether one more is written down.
    pub(crate) fn admit(&self, now: Moment) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let second = now.0.div_euclid(1000);
        if counted.0 != second {
            *counted = (second, 0);
        }
        counted.1 += 1;
        if counted.1 == Self::A_SECOND + 1 {
            tracing::warn!("strangers are refused more than {} times a second; the rest is not in the trail", Self::A_SECOND);
        }
        counted.1 <= Self::A_SECOND
    }
}
