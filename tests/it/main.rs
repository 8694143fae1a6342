//! The one integration binary: a real server, real HTTPS, real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

extern crate ship as strongroom_ship;

mod access;
mod accounts;
mod backups;
#[allow(dead_code)] // its own tests use the rest
#[path = "../../crates/ship/tests/servers/body.rs"]
mod body;
mod breaks;
mod cases;
mod commands;
mod contacts;
mod control;
mod database;
mod disks;
mod documents;
mod doors;
mod export;
mod faults;
mod founding;
mod gate;
mod heals;
mod kill;
mod leak;
mod mail;
mod older;
mod places;
mod portion;
mod recovery;
#[allow(dead_code)] // its own tests use the rest
#[path = "../../crates/ship/tests/servers/s3s.rs"]
mod s3s;
mod shape;
mod sign;
mod sink;
mod sites;
#[allow(dead_code)] // its own tests use the rest
#[path = "../../crates/ship/tests/servers/sshd.rs"]
mod sshd;
mod states;
mod throttle;
mod two_people;
mod uploads;
mod world;
