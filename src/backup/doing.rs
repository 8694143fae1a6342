//! What is being done that takes long: said in words while it lasts, and begun once, however often somebody asks for it.

use super::{Backups, YIELD, behind, lock};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// What can be asked for on a page.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// Everything brought everywhere.
    Backup,
    /// A drill from every place, for every site.
    Drill,
}

/// What was asked for and is not done yet.
#[derive(Default)]
pub(super) struct Waits {
    backup: AtomicBool,
    drill: AtomicBool,
}

impl Waits {
    fn of(&self, ask: Ask) -> &AtomicBool {
        match ask {
            Ask::Backup => &self.backup,
            Ask::Drill => &self.drill,
        }
    }
}

/// Something is being done until this goes, however it ends.
pub(crate) struct Doing<'b>(&'b Backups);

impl Drop for Doing<'_> {
    fn drop(&mut self) {
        *lock(&self.0.doing) = None;
    }
}

/// It may be asked for again when this goes.
struct Done(Arc<Backups>, Ask);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.waits.of(self.1).store(false, Ordering::SeqCst);
    }
}

impl Backups {
    /// Says what is being done now.
    pub(super) fn doing(&self, words: &str) {
        *lock(&self.doing) = Some(words.into());
    }

    /// The same, and it is done when what this gives goes.
    pub(super) fn begin(&self, words: &str) -> Doing<'_> {
        self.doing(words);
        Doing(self)
    }

    /// What is being done that takes long, in words.
    pub(crate) fn progress(&self) -> Option<String> {
        let bringing = || {
            let busy = self.runners().into_iter().find(|runner| runner.is_busy())?;
            let far = if busy.sent() > 0 { format!(", {} so far", rules::document::size_words(busy.sent())) } else { String::new() };
            Some(format!("bringing what is new to {}{far}", busy.name))
        };
        lock(&self.doing).clone().or_else(bringing)
    }

    /// Does it on a thread of its own. Asked for again before it is done, it is done once: whoever asks a thousand times holds nothing up.
    pub(crate) fn ask(self: &Arc<Backups>, ask: Ask) {
        if self.waits.of(ask).swap(true, Ordering::SeqCst) {
            return;
        }
        let done = Done(Arc::clone(self), ask);
        let work = move || {
            behind(YIELD, || match ask {
                Ask::Backup => done.0.now(),
                Ask::Drill => drop(done.0.drill_all()),
            });
        };
        if let Err(error) = thread::Builder::new().name("asked".into()).spawn(work) {
            tracing::error!("what was asked for cannot be begun: {error}");
        }
    }
}
