//! The states of a case and the moves between them.

use serde::{Deserialize, Serialize};

/// Fixed for every firm; the *stage* of a case type is another thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not yet a case.
    Enquiry,
    /// Being worked on.
    Open,
    /// Waiting, on purpose.
    OnHold,
    /// Finished, with an outcome.
    Closed,
    /// An enquiry that went nowhere.
    Declined,
}

impl Status {
    /// All, in the order in which they are offered.
    pub const ALL: [Status; 5] = [Status::Enquiry, Status::Open, Status::OnHold, Status::Closed, Status::Declined];

    /// The word kept in the database and used in forms.
    pub const fn value(self) -> &'static str {
        match self {
            Status::Enquiry => "enquiry",
            Status::Open => "open",
            Status::OnHold => "on_hold",
            Status::Closed => "closed",
            Status::Declined => "declined",
        }
    }

    /// From the word kept in the database and used in forms.
    pub fn from_value(value: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.value() == value)
    }

    /// The word shown on pages.
    pub const fn word(self) -> &'static str {
        match self {
            Status::Enquiry => "Enquiry",
            Status::Open => "Open",
            Status::OnHold => "On hold",
            Status::Closed => "Closed",
            Status::Declined => "Declined",
        }
    }

    /// What the status means, for the form that changes it.
    pub const fn hint(self) -> &'static str {
        match self {
            Status::Enquiry => "not yet a case",
            Status::Open => "being worked on",
            Status::OnHold => "waiting, on purpose",
            Status::Closed => "finished; needs an outcome",
            Status::Declined => "the enquiry went nowhere",
        }
    }

    /// The statuses that may follow this one, itself first.
    pub const fn next(self) -> &'static [Status] {
        match self {
            Status::Enquiry => &[Status::Enquiry, Status::Open, Status::Declined],
            Status::Open => &[Status::Open, Status::OnHold, Status::Closed],
            Status::OnHold => &[Status::OnHold, Status::Open, Status::Closed],
            Status::Closed => &[Status::Closed, Status::Open],
            Status::Declined => &[Status::Declined],
        }
    }

    /// Whether a case in this status still has work in it.
    pub const fn is_live(self) -> bool {
        matches!(self, Status::Enquiry | Status::Open | Status::OnHold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back() {
        for status in Status::ALL {
            assert_eq!(Status::from_value(status.value()), Some(status));
            assert_eq!(status.next().first(), Some(&status));
        }
        assert_eq!(Status::from_value("archived"), None);
    }

    #[test]
    fn a_declined_enquiry_stays_declined_and_nothing_returns_to_enquiry() {
        assert_eq!(Status::Declined.next(), [Status::Declined]);
        for status in Status::ALL.into_iter().filter(|s| *s != Status::Enquiry) {
            assert!(!status.next().contains(&Status::Enquiry));
        }
    }
}
