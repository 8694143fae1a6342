//! What a running server does when a command asks it to: whatever it can before it is unlocked, and everything after.

use super::{House, locked::Lock};
use crate::backup::Backups;
use crate::control::order::{Answer, Doer, Failure, Order};
use std::{
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
};
use store::Appliance;

/// How far the start has come.
#[derive(Clone)]
enum State {
    Starting,
    Locked(Arc<Lock>),
    Open(Arc<Appliance>, Arc<House>, Arc<Backups>),
}

/// Takes orders from start to stop.
pub(super) struct Orders(RwLock<State>);

impl Orders {
    pub(super) fn new() -> Arc<Orders> {
        Arc::new(Orders(RwLock::new(State::Starting)))
    }

    fn set(&self, state: State) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// It waits for its passphrase.
    pub(super) fn lock(&self, lock: Arc<Lock>) {
        self.set(State::Locked(lock));
    }

    /// It is open.
    pub(super) fn open(&self, appliance: &Arc<Appliance>, house: &Arc<House>, backups: &Arc<Backups>) {
        self.set(State::Open(Arc::clone(appliance), Arc::clone(house), Arc::clone(backups)));
    }

    async fn carry_out(&self, order: Order) -> Answer {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        match (state, order) {
            (State::Starting, _) => Err(Failure::new(75, "The server is starting. Try again in a moment.")),
            (State::Locked(lock), Order::Unlock { passphrase }) => lock.unlock(passphrase.0).await.map(|()| serde_json::json!({ "already": false })).map_err(Failure::from),
            (State::Locked(_), _) => Err(Failure::locked()),
            (State::Open(appliance, house, backups), order) => {
                let changes = order.changes_sites();
                let answer = crate::control::perform::perform(&appliance, &backups, &house.url, order).await?;
                if changes {
                    house.sites_changed(&appliance).await?;
                }
                Ok(answer)
            }
        }
    }
}

impl Doer for Orders {
    fn perform(&self, order: Order) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        Box::pin(self.carry_out(order))
    }

    fn progress(&self) -> Option<String> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            State::Open(_, _, backups) => backups.progress(),
            State::Starting | State::Locked(_) => None,
        }
    }
}
