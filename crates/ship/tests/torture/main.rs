//! The shipper against a real encrypted database: random work, kills, and everything that must be noticed. Seeds and rounds come from the
//! environment, so that one command runs it for longer: `STRONGROOM_TORTURE=200 cargo test -p strongroom-ship --release --test torture`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod breaks;
mod house;
mod journey;
mod keep;
mod kills;
mod lies;
mod points;
mod random;
mod tamper;
