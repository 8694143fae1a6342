//! What sorts of account there are, what each may do, and the states an account goes through.

use crate::Level;
use serde::{Deserialize, Serialize};

/// Which side of the house an account belongs to. It decides which pages can be reached at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserKind {
    /// Works in the firm.
    Staff,
    /// A client of the firm.
    Client,
    /// A program; it never signs in by a page.
    Service,
}

impl UserKind {
    /// The word kept in the database.
    pub const fn value(self) -> &'static str {
        match self {
            UserKind::Staff => "staff",
            UserKind::Client => "client",
            UserKind::Service => "service",
        }
    }
}

/// What an account is there for. One account has one role; a person who needs two has two accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the appliance and the accounts; has no level on any case.
    Administrator,
    /// Staff who also looks after client users and teams.
    Manager,
    /// Works on cases.
    Staff,
    /// Reads what was granted, changes nothing.
    Auditor,
    /// A client of the firm.
    Client,
    /// A program.
    Service,
}

impl Role {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Role; 6] = [Role::Administrator, Role::Manager, Role::Staff, Role::Auditor, Role::Client, Role::Service];

    /// The word kept in the database and used in forms and commands.
    pub const fn value(self) -> &'static str {
        match self {
            Role::Administrator => "administrator",
            Role::Manager => "manager",
            Role::Staff => "staff",
            Role::Auditor => "auditor",
            Role::Client => "client",
            Role::Service => "service",
        }
    }

    /// From the word.
    pub fn from_value(value: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.value() == value)
    }

    /// The words shown on pages.
    pub const fn words(self) -> &'static str {
        match self {
            Role::Administrator => "System administrator",
            Role::Manager => "Case manager",
            Role::Staff => "Staff",
            Role::Auditor => "Read-only auditor",
            Role::Client => "Client",
            Role::Service => "Service",
        }
    }

    /// The rights of the role in one sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Role::Administrator => "Runs the server, the accounts and the settings, and can open no case.",
            Role::Manager => "Works on cases, invites and suspends client users, and looks after teams.",
            Role::Staff => "Opens cases, and works on those they own or were given access to.",
            Role::Auditor => "Reads the cases they were given access to, and changes nothing.",
            Role::Client => "Sees what the firm releases to them, and sends documents.",
            Role::Service => "A program that works through the interface with what it was given, and never signs in by a page.",
        }
    }

    /// Staff, client or service.
    pub const fn kind(self) -> UserKind {
        match self {
            Role::Administrator | Role::Manager | Role::Staff | Role::Auditor => UserKind::Staff,
            Role::Client => UserKind::Client,
            Role::Service => UserKind::Service,
        }
    }

    /// The most that an account of this role can have on a case, whatever is granted.
    pub const fn most(self) -> Level {
        match self {
            Role::Administrator => Level::None,
            Role::Auditor => Level::Read,
            Role::Client | Role::Service => Level::Contribute,
            Role::Manager | Role::Staff => Level::Manage,
        }
    }

    /// Whether it works on cases: opens, owns and supervises them.
    pub const fn works(self) -> bool {
        matches!(self, Role::Manager | Role::Staff)
    }

    /// Whether it looks after accounts of `other`: invites, suspends and resets them.
    pub const fn looks_after(self, other: Role) -> bool {
        match self {
            Role::Administrator => true,
            Role::Manager => matches!(other, Role::Client),
            _ => false,
        }
    }

    /// Minutes without a request after which a session ends: staff 30, administrator 15, client 20 (ASVS 7.3.1).
    pub const fn idle_minutes(self) -> i64 {
        match self {
            Role::Administrator => 15,
            Role::Client => 20,
            _ => 30,
        }
    }

    /// Hours after which a session ends whatever happens: staff 12, administrator 4, client 8 (ASVS 7.3.2).
    pub const fn absolute_hours(self) -> i64 {
        match self {
            Role::Administrator => 4,
            Role::Client => 8,
            _ => 12,
        }
    }
}

/// Where an account is in its life: `invited → enrolling → active ⇄ suspended → left`. A reset, the way back in and a rescue lead from
/// active back to enrolling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserState {
    /// A link was sent; nobody has come with it yet.
    Invited,
    /// The link was used: password and factor are being set up.
    Enrolling,
    /// Can sign in.
    Active,
    /// Cannot sign in and sees nothing, until taken back.
    Suspended,
    /// Has left the firm. Nothing leads back.
    Left,
}

impl UserState {
    /// All of them.
    pub const ALL: [UserState; 5] = [UserState::Invited, UserState::Enrolling, UserState::Active, UserState::Suspended, UserState::Left];

    /// The word kept in the database.
    pub const fn value(self) -> &'static str {
        match self {
            UserState::Invited => "invited",
            UserState::Enrolling => "enrolling",
            UserState::Active => "active",
            UserState::Suspended => "suspended",
            UserState::Left => "left",
        }
    }

    /// From the word kept in the database.
    pub fn from_value(value: &str) -> Option<UserState> {
        UserState::ALL.into_iter().find(|state| state.value() == value)
    }

    /// The word shown on pages.
    pub const fn word(self) -> &'static str {
        match self {
            UserState::Invited => "Invited",
            UserState::Enrolling => "Setting up",
            UserState::Active => "Active",
            UserState::Suspended => "Suspended",
            UserState::Left => "Left",
        }
    }

    /// Whether grants and ownership of the account count.
    pub const fn counts(self) -> bool {
        !matches!(self, UserState::Suspended | UserState::Left)
    }

    /// The states that can follow: by those who look after it, or by its owner setting it up.
    pub const fn next(self) -> &'static [UserState] {
        match self {
            UserState::Invited => &[UserState::Enrolling, UserState::Left],
            // Whoever is setting up can be made to begin again.
            UserState::Enrolling => &[UserState::Enrolling, UserState::Active, UserState::Left],
            UserState::Active => &[UserState::Enrolling, UserState::Suspended, UserState::Left],
            UserState::Suspended => &[UserState::Active, UserState::Left],
            UserState::Left => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_unknown_ones_do_not() {
        for role in Role::ALL {
            assert_eq!(Role::from_value(role.value()), Some(role));
        }
        for state in UserState::ALL {
            assert_eq!(UserState::from_value(state.value()), Some(state));
        }
        assert_eq!((Role::from_value("root"), UserState::from_value("")), (None, None));
    }

    #[test]
    fn only_the_administrator_looks_after_staff_and_nobody_else_but_managers_after_clients() {
        for role in Role::ALL {
            for other in Role::ALL {
                let expected = role == Role::Administrator || (role == Role::Manager && other == Role::Client);
                assert_eq!(role.looks_after(other), expected, "{role:?} {other:?}");
            }
        }
    }

    #[test]
    fn nothing_leads_back_from_having_left() {
        assert!(UserState::Left.next().is_empty());
        assert!(UserState::ALL.into_iter().filter(|state| *state != UserState::Left).all(|state| state.next().contains(&UserState::Left)));
    }

    #[test]
    fn a_reset_leads_back_to_setting_up_and_nothing_to_having_been_invited() {
        assert!(UserState::Active.next().contains(&UserState::Enrolling));
        assert!(!UserState::Suspended.next().contains(&UserState::Enrolling), "a reset ends no suspension");
        assert!(UserState::ALL.into_iter().all(|state| !state.next().contains(&UserState::Invited)));
    }
}
