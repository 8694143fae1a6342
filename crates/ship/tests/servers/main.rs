//! The destinations against the servers they are made for: a real sshd and a real S3 server, started here on 127.0.0.1 and ended by their id.
//! `tests/servers` of the checkout installs them; without them these tests fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod body;
mod contract;
mod front;
mod patience;
mod s3;
mod s3s;
mod sftp;
mod speed;
mod sshd;
