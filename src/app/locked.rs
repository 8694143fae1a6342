//! The time between a start and the passphrase: one page, and the command that types it.

use super::{House, Running, Serving, open, pages::Pages};
use crate::{gate::Inner, web::locked};
use rules::{Secret, network::neighbourhood};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use store::{Appliance, error::OpenError};
use tokio::sync::{Semaphore, oneshot};

/// Wrong passphrases that one network may try on the page, and how long one stays counted.
const TRIES: u32 = 5;
const EACH: Duration = Duration::from_secs(30);
/// Networks that are remembered; the page hears no more of them for a while.
const NETWORKS: usize = 10_000;

/// Tries passphrases, one at a time: each costs 256 MiB and a second. The console waits for one try of the page at the most.
pub(super) struct Lock {
    house: Arc<House>,
    turn: Semaphore,
    page: Semaphore,
    wrong: Mutex<HashMap<IpAddr, (u32, Instant)>>,
    opened: Mutex<Option<oneshot::Sender<Arc<Appliance>>>>,
}

impl Lock {
    fn new(house: &Arc<House>) -> (Arc<Lock>, oneshot::Receiver<Arc<Appliance>>) {
        let (opened, waiting) = oneshot::channel();
        let lock = Lock { house: Arc::clone(house), turn: Semaphore::new(1), page: Semaphore::new(1), wrong: Mutex::default(), opened: Mutex::new(Some(opened)) };
        (Arc::new(lock), waiting)
    }

    /// Tries what was typed at the console of the machine. The sentence says why it does not open.
    pub(super) async fn unlock(self: Arc<Self>, words: Secret<String>) -> Result<(), OpenError> {
        self.try_one(words, None).await
    }

    /// Tries what was typed on the page by somebody at this address: a few times, then no more for a while.
    async fn unlock_from(self: Arc<Self>, words: Secret<String>, from: IpAddr) -> Result<(), OpenError> {
        let network = neighbourhood(from);
        if self.count(network, 0) >= TRIES {
            return Err(OpenError { exit: 75, text: format!("There were too many tries from your network. Wait {} seconds, or use the console: strongroom unlock", EACH.as_secs()) });
        }
        let busy = |_| OpenError { exit: 75, text: "Another passphrase is being tried. Wait a moment, then try again.".into() };
        let _page = tokio::time::timeout(EACH, self.page.acquire()).await.map_err(busy)?;
        self.try_one(words, Some(network)).await
    }

    async fn try_one(&self, words: Secret<String>, network: Option<IpAddr>) -> Result<(), OpenError> {
        let _turn = self.turn.acquire().await.map_err(|error| OpenError { exit: 1, text: error.to_string() })?;
        let settings = self.house.settings.clone();
        let tried = tokio::task::spawn_blocking(move || open::open_with(&settings, &words)).await;
        let tried = tried.map_err(|error| OpenError { exit: 1, text: error.to_string() })?;
        let appliance = tried.inspect_err(|error| {
            tracing::warn!(from = network.map_or_else(|| "the console".to_owned(), |network| network.to_string()), "a passphrase was refused: {}", error.text);
            if let Some(network) = network {
                self.count(network, 1);
            }
        })?;
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).take();
        match opened.map(|opened| opened.send(Arc::new(appliance))) {
            Some(Ok(())) => Ok(()),
            _ => Err(OpenError { exit: 75, text: "It is unlocked already.".into() }),
        }
    }

    /// The wrong tries of a network that still count, with so many more.
    fn count(&self, network: IpAddr, more: u32) -> u32 {
        let mut all = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= NETWORKS {
            all.retain(|_, (n, since)| since.elapsed() < EACH * *n);
        }
        let (n, since) = all.get(&network).copied().unwrap_or((0, Instant::now()));
        let gone = u32::try_from(since.elapsed().as_secs() / EACH.as_secs()).unwrap_or(u32::MAX);
        let left = n.saturating_sub(gone) + more;
        match left {
            0 => drop(all.remove(&network)),
            _ if more > 0 || gone > 0 => drop(all.insert(network, (left, Instant::now()))),
            _ => {}
        }
        left
    }
}

/// Serves the page until the right passphrase came; gives what it opened.
pub(super) async fn wait(house: &Arc<House>, ready: &impl Fn(&str, &Serving), running: &mut Running) -> Result<Arc<Appliance>, OpenError> {
    let (lock, opened) = Lock::new(house);
    house.orders.lock(Arc::clone(&lock));
    let unlock: locked::Unlock = Box::new(move |words, from| {
        let lock = Arc::clone(&lock);
        Box::pin(async move { lock.unlock_from(words, from).await.map_err(|error| error.text) })
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
