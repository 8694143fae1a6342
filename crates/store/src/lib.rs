//! Where everything is kept: one SQLCipher database and one folder of encrypted files per site. All SQL of Strongroom is in this crate.
//!
//! The way in is [`Site::read`] and [`Site::write`]: a closure gets a [`Tx`], opens what it needs with [`Tx::open`] and receives an
//! [`Access`], the proof that the actor may. Functions that touch an object ask for that proof; there is no other way to make one.
#![warn(missing_docs)]

mod access;
pub mod alias;
pub mod appliance;
pub mod belong;
pub mod blob;
pub mod case;
pub mod case_list;
pub mod charge;
pub mod conflict;
pub mod console;
pub mod contact;
pub mod contact_list;
pub mod destination;
mod disk;
pub mod document;
pub mod enrol;
pub mod error;
pub mod export;
pub mod factor;
pub mod fill;
pub mod follow;
pub mod grant;
#[cfg(test)]
mod firms;
mod health;
pub mod identity;
pub mod intake;
pub mod kit;
pub mod letter;
pub mod matrix;
pub mod merge;
mod migrate;
mod notice;
mod open;
pub mod party;
pub mod people;
pub mod person;
mod readers;
pub mod relation;
pub mod recovery;
pub mod restored;
pub mod seers;
pub mod session;
pub mod settings;
pub mod setup;
pub mod sign;
pub mod site;
mod sites;
pub mod startkey;
mod strangers;
mod sweep;
pub mod team;
pub mod throttle;
pub mod ticket;
pub mod trail;
mod tx;
pub mod user;
pub mod version;
pub mod who;
mod writer;

pub use access::{Access, OfCase};
pub use appliance::Appliance;
pub use site::{Firm, Site};
pub use tx::{Mode, Reading, Tx, Writing};

/// Gives the time. Passed in by the binary, so that tests can set it.
pub type Clock = fn() -> rules::Moment;
