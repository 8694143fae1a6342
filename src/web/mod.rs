//! The pages. Everything here runs behind the gate and reaches data only through [`desk::Desk`].
//!
//! `table.rs` is the map of the site: every route with the class of people who may reach it.

mod access;
mod account;
mod answers;
mod assets;
mod backups;
mod case_form;
mod cases;
mod class;
mod confirm;
mod conflicts;
mod contact;
mod contacts;
mod desk;
mod device;
mod documents;
mod durations;
mod download;
mod enrol;
mod export;
mod factors;
mod headers;
mod help;
mod history;
mod home;
mod intake;
mod kit;
mod link;
mod mail;
mod matrix;
mod merge;
mod metrics;
pub(crate) mod locked;
mod networks;
mod nights;
mod oops;
mod page;
mod parties;
mod passkey_state;
mod passkeys;
mod passwords;
mod people;
mod person;
mod posted;
mod probe;
mod qr;
mod recover;
mod rights;
mod said;
mod settings;
mod setup;
mod start_key;
mod sign;
mod sink;
mod system;
pub(crate) mod table;
mod teams;
mod ticket;
mod today;
mod turns;
mod unsent;
mod upload;
mod versions;
mod view;

use crate::backup::Backups;
use keys::password::Passwords;
use rocket::{Build, Config, Rocket, config::Ident, data::Limits, shield::Shield};
use std::{pin::Pin, sync::Arc};
use store::{Appliance, Site, error::OpenError};

/// What the pages need from the rest of the house.
pub(crate) struct Inside {
    /// The installation.
    pub(crate) appliance: Arc<Appliance>,
    /// Its backups.
    pub(crate) backups: Arc<Backups>,
    /// The slots in which passwords are checked.
    pub(crate) passwords: Passwords,
    /// Largest file that is taken, in bytes.
    pub(crate) upload_limit: u64,
    /// The certificate is one that browsers trust: promise https for a year (HSTS).
    pub(crate) promise_https: bool,
    /// What the system page says of the appliance.
    pub(crate) facts: Facts,
    /// Sends a letter at once, to try the mail server.
    pub(crate) test_letter: TestLetter,
    /// Something else opens the keyring at a start now: what depends on that is seen to.
    pub(crate) start_changed: Arc<dyn Fn() -> Result<(), OpenError> + Send + Sync>,
}

/// Sends a test letter of a site to an address, with the address of the site in it: the server's answer word for word, whether it took the
/// letter or not.
pub(crate) type TestLetter = Box<dyn Fn(Site, String, String) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>> + Send + Sync>;

/// What every request through the gate carries.
pub(crate) struct GateSecret(pub(crate) String);

/// Facts of the appliance as far as they concern a site, asked for whenever they are shown: label and words.
pub(crate) type Facts = Box<dyn Fn(&Site) -> Vec<(&'static str, String)> + Send + Sync>;

/// The inner server, to be launched on loopback on a port of the kernel's choosing.
pub(crate) fn build(inside: Inside, secret: GateSecret) -> Result<Rocket<Build>, String> {
    let assets = assets::Assets::load();
    let templates = page::Templates::load(&assets)?;
    let rocket = bare(inside.promise_https).manage(assets).manage(templates).manage(secret).manage(inside).manage(turns::Turns::default()).manage(passkey_state::Ceremonies::default());
    Ok(table::mount(rocket).register("/", oops::catchers()))
}

/// A server on loopback, with nothing on it yet.
fn bare(promise_https: bool) -> Rocket<Build> {
    let config = Config {
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        port: 0,
        ident: Ident::none(),
        ip_header: Some("X-Real-IP".into()),
        keep_alive: 30,
        log_level: rocket::config::LogLevel::Off,
        limits: Limits::new().limit("form", rocket::data::ByteUnit::Kibibyte(64)),
        shutdown: rocket::config::Shutdown { ctrlc: false, signals: Default::default(), grace: 5, mercy: 2, ..Default::default() },
        cli_colors: false,
        ..Config::release_default()
    };
    rocket::custom(config).attach(Shield::new()).attach(headers::Headers::new(promise_https)).attach(class::method_as_sent())
}
