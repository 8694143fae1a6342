//! The one deciding function: what level a person has on a case, and why.
//!
//! The database keeps its answer for every (user, case) in the `sight` table, which triggers maintain; a property test in the
//! store holds that table against this function. Lists, searches and proofs all read that table, so they cannot disagree.

use crate::{Level, Role, UserState};

/// All that decides a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What the person's account is there for.
    pub role: Role,
    /// Where the account is in its life.
    pub state: UserState,
    /// The person owns the case.
    pub owner: bool,
    /// The person supervises the case.
    pub supervisor: bool,
    /// What was granted to the person on this case.
    pub granted: Level,
    /// A wall keeps the person out.
    pub walled: bool,
}

/// Wall ? none : max(granted, owner or supervisor), never above what the role can have; nothing for those who are suspended or have left.
pub fn level(facts: Facts) -> Level {
    if facts.walled || !facts.state.counts() {
        return Level::None;
    }
    let by_role = match facts.owner || facts.supervisor {
        true => Level::Manage,
        false => Level::None,
    };
    by_role.max(facts.granted).min(facts.role.most())
}

/// Why a person has a level, in words for "who can see this, and why". Empty when they have none.
pub fn reasons(facts: Facts) -> Vec<&'static str> {
    if level(facts) == Level::None {
        return Vec::new();
    }
    let mut why = Vec::new();
    if facts.owner {
        why.push("Owner of the case");
    }
    if facts.supervisor {
        why.push("Supervisor of the case");
    }
    if facts.granted > Level::None {
        why.push("Granted");
    }
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Facts = Facts { role: Role::Staff, state: UserState::Active, owner: false, supervisor: false, granted: Level::None, walled: false };

    #[test]
    fn table() {
        use Level::*;
        use Role::*;
        use UserState::{Invited, Left, Suspended};
        let rows = [
            ("nobody", NOBODY, None),
            ("owner", Facts { owner: true, ..NOBODY }, Manage),
            ("supervisor", Facts { supervisor: true, ..NOBODY }, Manage),
            ("granted read", Facts { granted: Read, ..NOBODY }, Read),
            ("owner with a lower grant", Facts { owner: true, granted: Know, ..NOBODY }, Manage),
            ("a wall beats a grant", Facts { granted: Manage, walled: true, ..NOBODY }, None),
            ("a wall beats ownership", Facts { owner: true, walled: true, ..NOBODY }, None),
            ("the administrator has no content", Facts { role: Administrator, granted: Manage, ..NOBODY }, None),
            ("not even as owner", Facts { role: Administrator, owner: true, ..NOBODY }, None),
            ("a client never manages", Facts { role: Client, granted: Manage, ..NOBODY }, Contribute),
            ("an auditor reads at most", Facts { role: Auditor, granted: Manage, ..NOBODY }, Read),
            ("a program never manages", Facts { role: Service, granted: Manage, ..NOBODY }, Contribute),
            ("a case manager is staff", Facts { role: Manager, owner: true, ..NOBODY }, Manage),
            ("who is suspended has nothing", Facts { state: Suspended, owner: true, granted: Manage, ..NOBODY }, None),
            ("who has left has nothing", Facts { state: Left, granted: Read, ..NOBODY }, None),
            ("who is invited has what waits for them", Facts { state: Invited, granted: Read, ..NOBODY }, Read),
            ("a client reads", Facts { role: Client, granted: Read, ..NOBODY }, Read),
        ];
        for (what, facts, expected) in rows {
            assert_eq!(level(facts), expected, "{what}");
            assert_eq!(reasons(facts).is_empty(), expected == None, "{what}");
        }
    }
}
