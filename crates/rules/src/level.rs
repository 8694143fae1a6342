//! How much a person may do on a case: five ordered levels.

use serde::{Deserialize, Serialize};

/// `none < know < read < contribute < manage`; each has all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Level {
    /// Nothing: the case does not exist for this person.
    None = 0,
    /// That the case exists, by its reference only.
    Know = 1,
    /// Everything in it.
    Read = 2,
    /// Add documents and change what the case says.
    Contribute = 3,
    /// Access, status and closing.
    Manage = 4,
}

impl Level {
    /// The levels that can be granted, lowest first.
    pub const GRANTABLE: [Level; 4] = [Level::Know, Level::Read, Level::Contribute, Level::Manage];

    /// From the number kept in the database; an unknown number is [`Level::None`] (errors deny).
    pub const fn from_number(n: i64) -> Level {
        match n {
            1 => Level::Know,
            2 => Level::Read,
            3 => Level::Contribute,
            4 => Level::Manage,
            _ => Level::None,
        }
    }

    /// From the word used in forms and commands.
    pub fn from_word(word: &str) -> Option<Level> {
        Level::GRANTABLE.into_iter().find(|level| level.value() == word)
    }

    /// The word used in forms and commands.
    pub const fn value(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Know => "know",
            Level::Read => "read",
            Level::Contribute => "contribute",
            Level::Manage => "manage",
        }
    }

    /// The word shown on pages.
    pub const fn word(self) -> &'static str {
        match self {
            Level::None => "None",
            Level::Know => "Know",
            Level::Read => "Read",
            Level::Contribute => "Contribute",
            Level::Manage => "Manage",
        }
    }

    /// What the level lets a person do, in a few words.
    pub const fn hint(self) -> &'static str {
        match self {
            Level::None => "nothing: for this person the case does not exist",
            Level::Know => "that the case exists, by its reference",
            Level::Read => "everything in the case",
            Level::Contribute => "add documents and change what the case says",
            Level::Manage => "access, status and closing",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_come_back() {
        for level in Level::GRANTABLE {
            assert_eq!(Level::from_word(level.value()), Some(level));
            assert_eq!(Level::from_number(level as i64), level);
        }
        assert_eq!(Level::from_word("none"), None);
        assert_eq!(Level::from_number(9), Level::None);
    }
}
