//! Who asks.

use serde::{Deserialize, Serialize};

/// What sort of account it is. It decides which class of pages can be reached at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserKind {
    /// Runs the appliance; has no level on any case.
    Administrator,
    /// Works in the firm.
    Staff,
    /// A client of the firm.
    Client,
}

impl UserKind {
    /// The word kept in the database.
    pub const fn value(self) -> &'static str {
        match self {
            UserKind::Administrator => "administrator",
            UserKind::Staff => "staff",
            UserKind::Client => "client",
        }
    }

    /// From the word kept in the database.
    pub fn from_value(value: &str) -> Option<UserKind> {
        [UserKind::Administrator, UserKind::Staff, UserKind::Client].into_iter().find(|kind| kind.value() == value)
    }

    /// The most that a person of this kind can be granted on a case: the administrator nothing, clients no more than `contribute`.
    pub const fn most(self) -> crate::Level {
        match self {
            UserKind::Administrator => crate::Level::None,
            UserKind::Staff => crate::Level::Manage,
            UserKind::Client => crate::Level::Contribute,
        }
    }

    /// Minutes without a request after which a session ends: staff 30, administrator 15, client 20 (ASVS 7.3.1).
    pub const fn idle_minutes(self) -> i64 {
        match self {
            UserKind::Administrator => 15,
            UserKind::Staff => 30,
            UserKind::Client => 20,
        }
    }

    /// Hours after which a session ends whatever happens: staff 12, administrator 4, client 8 (ASVS 7.3.2).
    pub const fn absolute_hours(self) -> i64 {
        match self {
            UserKind::Administrator => 4,
            UserKind::Staff => 12,
            UserKind::Client => 8,
        }
    }
}

/// Who asks, from where, in which session. Every transaction has one, and every event of the trail names it.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Row id of the user.
    pub user: i64,
    /// What sort of account.
    pub kind: UserKind,
    /// Row id of the session; 0 for work done by the appliance itself.
    pub session: i64,
    /// The client's address as the gate saw it.
    pub from: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_unknown_ones_do_not() {
        for kind in [UserKind::Administrator, UserKind::Staff, UserKind::Client] {
            assert_eq!(UserKind::from_value(kind.value()), Some(kind));
        }
        assert_eq!(UserKind::from_value("root"), None);
    }
}
