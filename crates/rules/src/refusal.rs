//! Why something was not done. A refusal rises by `?` and is turned into a page in one place of the web layer.
//!
//! Policy: what the person can mend carries a sentence for them; what they cannot know is `NotFound`; what went wrong inside is a
//! `Fault`, whose text goes to the log under an incident number and never to a page.

use std::fmt;

/// One thing wrong with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Name of the form field; empty when it concerns the whole form.
    pub field: &'static str,
    /// What is wrong and what to do, in one sentence.
    pub text: String,
}

impl Problem {
    /// A problem with one field.
    pub fn new(field: &'static str, text: impl Into<String>) -> Self {
        Problem { field, text: text.into() }
    }
}

/// Why something was not done.
#[derive(Debug)]
pub enum Refusal {
    /// It does not exist, or it is not this person's to see. The two are not told apart.
    NotFound,
    /// The form has mistakes; nothing was stored.
    Invalid(Vec<Problem>),
    /// Somebody else changed it in the meantime; nothing was stored.
    Conflict,
    /// The one who asks may see the thing but not do this to it. The sentence says why and what to do.
    Forbidden(String),
    /// Too much is going on; trying again in a moment will do.
    Busy,
    /// The disk is full: reading goes on, writing does not.
    Full,
    /// The site takes no writes, because its database was found damaged or its disk fails.
    Stopped,
    /// The database or the disk under it is damaged. The text is for the log only.
    Damaged(String),
    /// Something went wrong inside. The text is for the log only.
    Fault(String),
}

impl Refusal {
    /// A single problem with a form.
    pub fn invalid(field: &'static str, text: impl Into<String>) -> Self {
        Refusal::Invalid(vec![Problem::new(field, text)])
    }

    /// A fault with its cause.
    pub fn fault(cause: impl fmt::Display) -> Self {
        Refusal::Fault(cause.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotFound => f.write_str("not found"),
            Refusal::Invalid(problems) => {
                let words: Vec<&str> = problems.iter().map(|p| p.text.as_str()).collect();
                f.write_str(&words.join("; "))
            }
            Refusal::Conflict => f.write_str("somebody else changed it in the meantime"),
            Refusal::Forbidden(why) => f.write_str(why),
            Refusal::Busy => f.write_str("too much is going on, try again in a moment"),
            Refusal::Full => f.write_str("the disk is full"),
            Refusal::Stopped => f.write_str("the site takes no writes"),
            Refusal::Damaged(cause) | Refusal::Fault(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for Refusal {}
