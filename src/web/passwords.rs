//! Passwords on their way to the slots in which they are hashed, and back.

use super::Inside;
use keys::password::Verdict;
use rules::{Refusal, Secret, network::neighbourhood};
use store::{Site, throttle::Counted};
use tokio::sync::oneshot;

/// Waits for a slot and its verdict, for somebody at the address `from`. Without a stored hash the same work is done.
pub(super) async fn check(inside: &Inside, site: &Site, from: &str, password: &Secret<String>, stored: Option<&str>) -> Result<Verdict, Refusal> {
    let (tell, told) = oneshot::channel();
    let taken = inside.passwords.check(&network(from), &site.keys().pepper, password, stored, move |verdict| {
        let _ = tell.send(verdict);
    });
    match taken {
        true => told.await.map_err(Refusal::fault),
        false => Err(Refusal::Busy),
    }
}

/// [`check`] of a try that was counted. If it cannot be judged now, it is taken back: that nobody has time is no fault of who asks.
pub(super) async fn judge(inside: &Inside, site: &Site, from: &str, (password, stored): (&Secret<String>, Option<&str>), counted: Counted) -> Result<(Verdict, Counted), Refusal> {
    match check(inside, site, from, password, stored).await {
        Err(Refusal::Busy) => site.give_back(counted).await.and(Err(Refusal::Busy)),
        verdict => Ok((verdict?, counted)),
    }
}

/// The network to which an address belongs: no one of them fills the queue.
fn network(from: &str) -> String {
    from.parse().map_or_else(|_| from.to_owned(), |address| neighbourhood(address).to_string())
}

/// Waits for a slot and the hash made in it, at the cost of today.
pub(super) async fn hash(inside: &Inside, site: &Site, from: &str, password: &Secret<String>) -> Result<String, Refusal> {
    let (tell, told) = oneshot::channel();
    let taken = inside.passwords.hash(&network(from), &site.keys().pepper, password, move |hash| {
        let _ = tell.send(hash);
    });
    match taken {
        true => told.await.map_err(Refusal::fault)?.map_err(Refusal::fault),
        false => Err(Refusal::Busy),
    }
}
