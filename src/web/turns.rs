//! How many uploads may be under way at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A user and their site: row ids are counted in each site anew.
type User = ([u8; 16], i64);

/// Uploads at once of one user, and of all.
const OF_ONE: usize = 8;
const OF_ALL: usize = 64;

/// The uploads under way, by user: each holds a connection, a temporary file and some memory for as long as its sender likes.
#[derive(Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<User, usize>>>);

/// One upload under way; over when dropped.
pub(super) struct Turn {
    user: User,
    all: Arc<Mutex<HashMap<User, usize>>>,
}

impl Turns {
    /// `None` when this user, or the house, has enough of them.
    pub(super) fn take(&self, user: User) -> Option<Turn> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.get(&user).copied().unwrap_or(0);
        if own >= OF_ONE || all.values().sum::<usize>() >= OF_ALL {
            return None;
        }
        all.insert(user, own + 1);
        Some(Turn { user, all: Arc::clone(&self.0) })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.get(&self.user).copied().unwrap_or(0).saturating_sub(1);
        match left {
            0 => drop(all.remove(&self.user)),
            left => drop(all.insert(self.user, left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_and_all_together_have_their_share_of_uploads() {
        let turns = Turns::default();
        let site = [1; 16];
        let mut own: Vec<_> = (0..OF_ONE).map(|_| turns.take((site, 1)).unwrap()).collect();
        assert!(turns.take((site, 1)).is_none());
        assert!(turns.take(([2; 16], 1)).is_some(), "the first user of another site is somebody else");
        own.pop();
        assert!(turns.take((site, 1)).is_some());
        let others: Vec<_> = (2..100).filter_map(|user| turns.take((site, user))).collect();
        assert_eq!(own.len() + others.len(), OF_ALL);
        drop((own, others));
        assert!(turns.0.lock().unwrap().is_empty());
    }
}
