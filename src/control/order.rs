//! What a command can ask of an installation, and how it is answered: one line of JSON each way.

use rules::{Refusal, Role, Secret};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::pin::Pin;
use store::error::OpenError;

/// One thing to be done. A `site` is a name or a host name; it may be empty where there is one site.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Order {
    /// A new link with which the site is set up.
    SetupLink { site: String },
    /// The passphrase for which a start waits.
    Unlock { passphrase: Confided },
    /// A new account and the link to it. `contact` is the name of whom a client's account belongs to.
    UserInvite { site: String, role: Role, name: String, words: String, email: String, contact: Option<String> },
    /// Every account that has not left.
    UserList { site: String },
    /// All ways in taken away; `check` says how it was made sure who asks.
    UserReset { site: String, email: String, check: String },
    /// No way in until taken back.
    UserSuspend { site: String, email: String },
    /// A new site.
    SiteAdd { name: String, hosts: Vec<String> },
    /// Every site.
    SiteList,
    /// Another name for a site.
    SiteRename { site: String, name: String },
    /// Another host name for a site.
    HostAdd { site: String, host: String },
    /// The last way back in for a system administrator.
    Rescue { site: String, email: Option<String> },
    /// What opens the keyring.
    KeyStatus,
    /// The recovery kit that waits to be on paper, or a new one.
    KeyKit,
    /// The trail of every site, checked.
    AuditVerify,
    /// A new destination; `place` is JSON, with what lets us in.
    DestAdd { name: String, place: Confided, schedule: String },
    /// The public half of the key with which this installation goes to SSH servers; made when there is none.
    DestKey,
    /// A destination tried: written, read, removed.
    DestTest { name: String },
    /// Every destination, and how it goes.
    DestList,
    /// Another schedule for a destination.
    DestSchedule { name: String, schedule: String },
    /// What is kept at a destination: days of changes, hours and days, images, and whether the rest is taken away. What is not given stays.
    DestKeep { name: String, changes: Option<u32>, hours: Option<u32>, days: Option<u32>, images: Option<u32>, prunes: Option<bool> },
    /// How a destination is reached, with what lets us in: for a restore on this machine.
    DestPlace { name: String },
    /// A destination given up. What lies there stays.
    DestRemove { name: String },
    /// Everything taken and brought everywhere now.
    BackupNow,
    /// How the backups stand.
    BackupStatus,
    /// Every destination tried now, by restoring from it.
    BackupDrill,
    /// An export of everything, or of all that is kept of one client: asked for, or found if it was asked for before.
    Export { site: String, client: Option<String>, reason: String, alone: bool },
    /// How far it is.
    ExportStanding { site: String, number: i64 },
    /// A piece of it, from this byte on.
    ExportPiece { site: String, number: i64, from: u64 },
    /// It arrived whole: the prepared file goes.
    ExportDelivered { site: String, number: i64 },
    /// Which states lie at the destinations, or at this one.
    BackupList { name: Option<String> },
    /// Whether what lies there is whole; every byte of it is read when it is to be deep.
    BackupVerify { name: Option<String>, deep: bool },
    /// What need not be kept, taken away when `apply` says so; `with` is another way there.
    BackupPrune { name: Option<String>, with: Option<Confided>, apply: bool },
    /// A new root key.
    KeyRotate { passphrase: Option<Confided> },
}

impl Order {
    /// Whether doing it changes which sites there are or the names under which they are reached.
    pub(crate) const fn changes_sites(&self) -> bool {
        matches!(self, Order::SiteAdd { .. } | Order::SiteRename { .. } | Order::HostAdd { .. })
    }
}

/// A secret on its way from one process of this user to another, such as a passphrase: written out only into that socket.
#[derive(Debug)]
pub(crate) struct Confided(pub(crate) Secret<String>);

impl Serialize for Confided {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Confided {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Confided(Secret::new(text)))
    }
}

/// What comes back.
pub(crate) type Answer = Result<Value, Failure>;

/// Why an order was not carried out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// Exit code of the command.
    pub(crate) code: u8,
    /// What is wrong and what to do.
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(code: u8, text: impl Into<String>) -> Failure {
        Failure { code, text: text.into() }
    }

    /// For every order but [`Order::Unlock`] while a start waits for its passphrase.
    pub(crate) fn locked() -> Failure {
        Failure::new(75, "The server waits for its passphrase. Type it with: strongroom unlock")
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Failure { code: error.exit, text: error.text }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Failure::new(1, "It is not there."),
            Refusal::Invalid(problems) => Failure::new(2, problems.into_iter().map(|problem| problem.text).collect::<Vec<_>>().join(" ")),
            Refusal::Conflict => Failure::new(75, "Somebody else changed it in the meantime. Try again."),
            Refusal::Forbidden(why) => Failure::new(1, why),
            Refusal::Busy => Failure::new(75, "Too much is going on. Try again in a moment."),
            Refusal::Full => Failure::new(73, "The disk is full. Make room, then try again."),
            Refusal::Stopped => Failure::new(1, "The site takes no changes; the health page and the log of the server say why."),
            Refusal::Damaged(cause) | Refusal::Fault(cause) => Failure::new(1, format!("Something went wrong inside: {cause}.")),
        }
    }
}

/// Who carries orders out: a server that is open, or one that waits for its passphrase.
pub(crate) trait Doer: Send + Sync {
    /// Does one thing, and answers.
    fn perform(&self, order: Order) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>>;

    /// What it is at, in words, while an order takes long.
    fn progress(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_comes_back_and_its_form_never_changes() {
        let order = Order::Unlock { passphrase: Confided(Secret::new("four words of mine".into())) };
        let line = serde_json::to_string(&order).unwrap();
        assert_eq!(line, r#"{"unlock":{"passphrase":"four words of mine"}}"#);
        assert!(!format!("{order:?}").contains("four"));
        let Order::Unlock { passphrase } = serde_json::from_str(&line).unwrap() else { panic!("another order") };
        assert_eq!(passphrase.0.expose(), "four words of mine");
        assert!(matches!(serde_json::from_str(r#""site-list""#), Ok(Order::SiteList)));
        let invite = r#"{"user-invite":{"site":"","role":"staff","name":"A","words":"","email":"a@b.example","contact":null}}"#;
        assert!(matches!(serde_json::from_str(invite), Ok(Order::UserInvite { role: Role::Staff, contact: None, .. })));
        for wrong in ["{}", r#""unlock""#, r#"{"user-list":{"site":"","more":1}}"#, r#"{"erase":{}}"#] {
            assert!(serde_json::from_str::<Order>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_answer_comes_back() {
        for answer in [Ok(serde_json::json!({ "link": "x" })), Err(Failure::locked())] {
            let line = serde_json::to_string(&answer).unwrap();
            let back: Answer = serde_json::from_str(&line).unwrap();
            assert_eq!(format!("{answer:?}"), format!("{back:?}"));
        }
    }

    #[test]
    fn only_changes_of_sites_change_sites() {
        assert!(Order::HostAdd { site: String::new(), host: String::new() }.changes_sites());
        assert!(!Order::SiteList.changes_sites() && !Order::KeyKit.changes_sites());
    }
}
