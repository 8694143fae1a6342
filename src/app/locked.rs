//! The time between a start and the passphrase: one page, and the command that types it.

use super::{House, Running, Serving, open, pages::Pages};
use crate::{gate::Inner, web::locked};
use rules::Secret;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Appliance, error::OpenError};
use tokio::sync::{Semaphore, oneshot};

/// Tries passphrases, one at a time: each costs 256 MiB and a second.
pub(super) struct Lock {
    house: Arc<House>,
    turn: Semaphore,
    opened: Mutex<Option<oneshot::Sender<Arc<Appliance>>>>,
}

impl Lock {
    fn new(house: &Arc<House>) -> (Arc<Lock>, oneshot::Receiver<Arc<Appliance>>) {
        let (opened, waiting) = oneshot::channel();
        (Arc::new(Lock { house: Arc::clone(house), turn: Semaphore::new(1), opened: Mutex::new(Some(opened)) }), waiting)
    }

    /// Tries one. The sentence says why it does not open.
    pub(super) async fn unlock(self: Arc<Self>, words: Secret<String>) -> Result<(), OpenError> {
        let busy = OpenError { exit: 75, text: "Another passphrase is being tried. Wait a moment, then try again.".into() };
        let Ok(_turn) = self.turn.try_acquire() else { return Err(busy) };
        let settings = self.house.settings.clone();
        let tried = tokio::task::spawn_blocking(move || open::open_with(&settings, &words)).await;
        let appliance = tried.map_err(|error| OpenError { exit: 1, text: error.to_string() })??;
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).take();
        match opened.map(|opened| opened.send(Arc::new(appliance))) {
            Some(Ok(())) => Ok(()),
            _ => Err(OpenError { exit: 75, text: "It is unlocked already.".into() }),
        }
    }
}

/// Serves the page until the right passphrase came; gives what it opened.
pub(super) async fn wait(house: &Arc<House>, ready: &impl Fn(&str, &Serving), running: &mut Running) -> Result<Arc<Appliance>, OpenError> {
    let (lock, opened) = Lock::new(house);
    house.orders.lock(Arc::clone(&lock));
    let unlock: locked::Unlock = Box::new(move |words| {
        let lock = Arc::clone(&lock);
        Box::pin(async move { lock.unlock(words).await.map_err(|error| error.text) })
    });
    let rocket = locked::build(unlock, house.secret(), house.settings.tls_cert.is_some());
    let pages = running.pages.insert(Pages::launch(rocket, &house.place).await?);
    let ended = pages.ended();
    running.begin(house);
    ready(&house.url, &Serving { fingerprint: house.certificate.fingerprint(), ca_file: house.ca_file.clone(), setup: None, locked: true });
    let appliance = tokio::select! {
        opened = opened => opened.map_err(|_| super::died(None))?,
        why = ended => return Err(super::died(why)),
    };
    let _ = house.place.send(Inner::Away);
    if let Some(pages) = running.pages.take() {
        pages.end().await;
    }
    Ok(appliance)
}
