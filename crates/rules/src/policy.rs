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
    /// The most that was granted to a team of theirs.
    pub by_team: Level,
    /// A wall keeps the person out, or a team of theirs.
    pub walled: bool,
}

/// Wall ? none : max(granted, granted to a team, owner or supervisor), never above what the role can have; nothing for those who are suspended or have left.
pub fn level(facts: Facts) -> Level {
    if facts.walled || !facts.state.counts() {
        return Level::None;
    }
    let by_role = match facts.owner || facts.supervisor {
        true => Level::Manage,
        false => Level::None,
    };
    by_role.max(facts.granted).max(facts.by_team).min(facts.role.most())
}

/// What somebody may do to a contact. `cases` is the highest of their levels on the cases in which the contact plays a part or did, none when there
/// never was one: then it is known to everybody who works on cases. Whoever only knows of its cases does not know of the contact.
pub fn of_contact(role: Role, state: UserState, cases: Option<Level>) -> Level {
    if !state.counts() || matches!(role, Role::Client | Role::Administrator) {
        return Level::None;
    }
    match cases.unwrap_or(Level::Contribute).min(role.most()) {
        Level::Know => Level::None,
        level => level,
    }
}

/// One of the causes of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Owns the case.
    Owner,
    /// Supervises it.
    Supervisor,
    /// Was granted a level.
    Granted,
    /// Is in a team that was.
    Team,
}

/// Why a person has a level, for "who can see this, and why". Empty when they have none.
pub fn reasons(facts: Facts) -> Vec<Why> {
    if level(facts) == Level::None {
        return Vec::new();
    }
    let causes = [(Why::Owner, facts.owner), (Why::Supervisor, facts.supervisor), (Why::Granted, facts.granted > Level::None), (Why::Team, facts.by_team > Level::None)];
    causes.into_iter().filter(|(_, holds)| *holds).map(|(why, _)| why).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Facts = Facts { role: Role::Staff, state: UserState::Active, owner: false, supervisor: false, granted: Level::None, by_team: Level::None, walled: false };

    #[test]
    fn contacts() {
        use Level::*;
        use UserState::{Active, Left};
        for (role, state, cases, expected) in [
            (Role::Staff, Active, Option::None, Contribute),
            (Role::Auditor, Active, Option::None, Read),
            (Role::Staff, Active, Some(None), None),
            (Role::Staff, Active, Some(Know), None),
            (Role::Staff, Active, Some(Read), Read),
            (Role::Manager, Active, Some(Manage), Manage),
            (Role::Client, Active, Some(Contribute), None),
            (Role::Client, Active, Option::None, None),
            (Role::Administrator, Active, Option::None, None),
            (Role::Staff, Left, Some(Manage), None),
        ] {
            assert_eq!(of_contact(role, state, cases), expected, "{role:?} {state:?} {cases:?}");
        }
    }

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
            ("granted to a team", Facts { by_team: Contribute, ..NOBODY }, Contribute),
            ("the higher of both counts", Facts { granted: Read, by_team: Contribute, ..NOBODY }, Contribute),
            ("a wall beats a team", Facts { by_team: Manage, walled: true, ..NOBODY }, None),
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
