//! The decision about a conflict of interest, and what it lets a case do.

/// What was decided about a check for conflicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing stands against acting.
    Clear,
    /// Something was found, and the firm may act nevertheless.
    Accepted,
    /// The firm may not act.
    Conflict,
}

impl Decision {
    /// All, in the order in which they are offered.
    pub const ALL: [Decision; 3] = [Decision::Clear, Decision::Accepted, Decision::Conflict];

    /// The word kept in the database and used in forms.
    pub const fn value(self) -> &'static str {
        match self {
            Decision::Clear => "clear",
            Decision::Accepted => "accepted",
            Decision::Conflict => "conflict",
        }
    }

    /// From the word.
    pub fn from_value(value: &str) -> Option<Decision> {
        Decision::ALL.into_iter().find(|decision| decision.value() == value)
    }

    /// The words shown on pages.
    pub const fn words(self) -> &'static str {
        match self {
            Decision::Clear => "No conflict",
            Decision::Accepted => "Something was found, and the firm may act",
            Decision::Conflict => "Conflict: the firm may not act",
        }
    }

    /// What it means, for the form that asks.
    pub const fn hint(self) -> &'static str {
        match self {
            Decision::Clear => "nothing found concerns this case",
            Decision::Accepted => "for example with consent, or behind a wall; say why",
            Decision::Conflict => "say why; an enquiry can then only be declined",
        }
    }

    /// Whether the case may be worked on.
    pub const fn lets_act(self) -> bool {
        matches!(self, Decision::Clear | Decision::Accepted)
    }

    /// Whether it needs a reason: always, unless nothing was found.
    pub const fn needs_reason(self, found: usize) -> bool {
        match self {
            Decision::Clear => found > 0,
            Decision::Accepted | Decision::Conflict => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_never_waved_through_without_a_word() {
        for decision in Decision::ALL {
            assert_eq!(Decision::from_value(decision.value()), Some(decision));
            assert!(decision.needs_reason(1));
        }
        assert!(!Decision::Clear.needs_reason(0));
        assert!(!Decision::Conflict.lets_act());
    }
}
