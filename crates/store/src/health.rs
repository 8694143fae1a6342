//! Whether a site can be trusted to write.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// Whether the site can be trusted to write. Once stopped it stays so until restart: nothing is retried and then claimed.
#[derive(Default)]
pub(crate) struct Health {
    stopped: Mutex<Option<&'static str>>,
    trail_down: AtomicBool,
}

impl Health {
    pub(crate) const WRITE_FAILED: &'static str = "a write to the disk failed; check the disk, then restart";
    pub(crate) const DAMAGED: &'static str = "the database is damaged; restore it from a backup";

    pub(crate) fn writable(&self) -> bool {
        self.stopped().is_none()
    }

    pub(crate) fn stopped(&self) -> Option<&'static str> {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stop(&self, why: &'static str, cause: &str) {
        tracing::error!(cause, "the site takes no more writes: {why}");
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }

    pub(crate) fn trail_written(&self, ok: bool) {
        self.trail_down.store(!ok, Ordering::Relaxed);
    }

    pub(crate) fn is_trail_down(&self) -> bool {
        self.trail_down.load(Ordering::Relaxed)
    }
}
