//! The pages. Everything here runs behind the gate and reaches data only through [`desk::Desk`].
//!
//! `table.rs` is the map of the site: every route with the class of people who may reach it.

mod access;
mod account;
mod assets;
mod cases;
mod class;
mod desk;
mod device;
mod documents;
mod download;
mod headers;
mod help;
mod history;
mod home;
mod link;
mod oops;
mod page;
mod posted;
mod probe;
mod said;
mod sign;
mod sink;
mod system;
pub(crate) mod table;
mod today;
mod turns;
mod unsent;
mod upload;
mod view;

use keys::password::Passwords;
use rocket::{Build, Config, Rocket, config::Ident, data::Limits, shield::Shield};
use std::sync::Arc;
use store::Appliance;

/// What the pages need from the rest of the house.
pub(crate) struct Inside {
    /// The installation.
    pub(crate) appliance: Arc<Appliance>,
    /// The slots in which passwords are checked.
    pub(crate) passwords: Passwords,
    /// Requests without it are answered as if nothing were here.
    pub(crate) secret: String,
    /// Largest file that is taken, in bytes.
    pub(crate) upload_limit: u64,
    /// The certificate is one that browsers trust: promise https for a year (HSTS).
    pub(crate) promise_https: bool,
    /// What the system page says of the appliance.
    pub(crate) facts: Facts,
}

/// Facts of the appliance, asked for whenever they are shown: label and words.
pub(crate) type Facts = Box<dyn Fn() -> Vec<(&'static str, String)> + Send + Sync>;

/// The inner server, to be launched on loopback on a port of the kernel's choosing.
pub(crate) fn build(inside: Inside) -> Result<Rocket<Build>, String> {
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
    let assets = assets::Assets::load();
    let templates = page::Templates::load(&assets)?;
    let rocket = rocket::custom(config).attach(Shield::new()).attach(headers::Headers::new(inside.promise_https)).attach(class::method_as_sent());
    Ok(table::mount(rocket.manage(assets).manage(templates).manage(inside).manage(turns::Turns::default())).register("/", oops::catchers()))
}
