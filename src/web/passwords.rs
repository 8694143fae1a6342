//! Passwords on their way to the slots in which they are hashed, and back.

use super::Inside;
use keys::password::Verdict;
use rules::{Refusal, Secret};
use store::Site;
use tokio::sync::oneshot;

/// Waits for a slot and its verdict. Without a stored hash the same work is done.
pub(super) async fn check(inside: &Inside, site: &Site, password: &Secret<String>, stored: Option<&str>) -> Result<Verdict, Refusal> {
    let (tell, told) = oneshot::channel();
    let taken = inside.passwords.check(&site.keys().pepper, password, stored, move |verdict| {
        let _ = tell.send(verdict);
    });
    match taken {
        true => told.await.map_err(Refusal::fault),
        false => Err(Refusal::Busy),
    }
}

/// Waits for a slot and the hash made in it, at the cost of today.
pub(super) async fn hash(inside: &Inside, site: &Site, password: &Secret<String>) -> Result<String, Refusal> {
    let (tell, told) = oneshot::channel();
    let taken = inside.passwords.hash(&site.keys().pepper, password, move |hash| {
        let _ = tell.send(hash);
    });
    match taken {
        true => told.await.map_err(Refusal::fault)?.map_err(Refusal::fault),
        false => Err(Refusal::Busy),
    }
}
