//! The rules of the house, pure: no I/O, no clock, no web framework, no database.
//!
//! Everything here can be tested by calling it. What is decided in SQL for speed (the `sight` table of the store) is held against these
//! rules by a test.
#![warn(missing_docs)]

pub mod action;
pub mod actor;
pub mod case;
pub mod conflict;
pub mod contact;
pub mod date;
pub mod document;
pub mod entity;
pub mod filename;
pub mod letter;
pub mod level;
pub mod name;
pub mod network;
pub mod password;
pub mod policy;
pub mod refusal;
pub mod role;
pub mod secret;
pub mod text;
pub mod verb;
pub mod when;

pub use action::{Action, Contribute, Covers, Know, Manage, Read};
pub use actor::Actor;
pub use entity::{Case, Contact, Device, Document, Entity, Export, Factor, Import, Identity, Kind, Sealed, Session, Team, User};
pub use letter::LetterKind;
pub use level::Level;
pub use refusal::{Problem, Refusal};
pub use role::{Role, UserKind, UserState};
pub use secret::Secret;
pub use verb::Verb;
pub use when::Moment;
