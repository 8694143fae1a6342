//! The one integration binary: a real server, real HTTPS, real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod accounts;
mod cases;
mod commands;
mod control;
mod database;
mod documents;
mod doors;
mod faults;
mod founding;
mod gate;
mod kill;
mod leak;
mod mail;
mod recovery;
mod shape;
mod sign;
mod sink;
mod sites;
mod states;
mod throttle;
mod uploads;
mod world;
