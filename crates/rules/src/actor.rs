//! Who asks.

use crate::Role;

/// Who asks, from where, in which session. Every transaction has one, and every event of the trail names it.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Row id of the user; 0 for the appliance itself (a command on its console).
    pub user: i64,
    /// What the account is there for.
    pub role: Role,
    /// Row id of the session; 0 for work done by the appliance itself.
    pub session: i64,
    /// The client's address as the gate saw it.
    pub from: Box<str>,
    /// A factor was shown in this session within the last [`Actor::STEP_UP`] minutes: what is dangerous may be done (ASVS 7.5.1).
    pub confirmed: bool,
}

impl Actor {
    /// Minutes for which a factor that was shown counts for dangerous acts.
    pub const STEP_UP: i64 = 5;

    /// The appliance itself, on behalf of whoever sits at its console and owns its data directory.
    pub fn console() -> Actor {
        Actor { user: 0, role: Role::Administrator, session: 0, from: "console".into(), confirmed: true }
    }
}
