//! How long is waited: for a server that is silent a minute, for one that is only slow as long as it takes. These take minutes themselves:
//! `cargo test -p strongroom-ship --test servers patience -- --ignored`.

use crate::{
    body::{MIB, noise},
    front::Front,
    s3s::S3s,
    sshd::Sshd,
};
use std::{
    io,
    time::{Duration, Instant},
};
use strongroom_ship::{
    Put, ShipError, Target,
    s3::{S3, S3Config},
    sftp::{Sftp, SftpConfig},
};

fn gives_up(target: &impl Target, after: u64) {
    let begun = Instant::now();
    let error = target.put_new("b", 1, &mut &b"b"[..]).unwrap_err();
    assert!(matches!(&error, ShipError::Io(error) if error.kind() == io::ErrorKind::TimedOut), "{error:?}");
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(60) && waited < Duration::from_secs(after), "{waited:?}");
}

/// A little more than what is on the way at once, so slowly that the last of it waits longer than a silent server is given.
fn takes_its_time(target: &impl Target) {
    let bytes = noise(3 * MIB, 1);
    let begun = Instant::now();
    assert_eq!(target.put_new("a", bytes.len() as u64, &mut &bytes[..]).unwrap(), Put::Created);
    assert!(begun.elapsed() > Duration::from_secs(75), "this is about a slow line: {:?}", begun.elapsed());
    assert!(target.get("a", 0, bytes.len() as u64).unwrap() == bytes);
}

#[test]
#[ignore = "takes 80 seconds"]
fn a_silent_ssh_server_is_given_up() {
    let sshd = Sshd::start();
    let target = sshd.connect();
    sshd.pause();
    gives_up(&target, 90);
}

#[test]
#[ignore = "takes 60 seconds"]
fn a_silent_s3_server_is_given_up() {
    let server = S3s::start();
    let target = server.connect();
    server.pause();
    gives_up(&target, 130);
}

#[test]
#[ignore = "takes minutes"]
fn a_slow_ssh_server_is_not_cut() {
    let sshd = Sshd::start();
    let config = sshd.config();
    let front = Front::slow(config.port, 32 * 1024);
    takes_its_time(&Sftp::connect(&SftpConfig { port: front.port, ..config }).unwrap());
}

#[test]
#[ignore = "takes minutes"]
fn a_slow_s3_server_is_not_cut() {
    let server = S3s::start();
    let front = Front::slow(server.port, 32 * 1024);
    takes_its_time(&S3::connect(&S3Config { endpoint: format!("http://127.0.0.1:{}", front.port), ..server.config() }).unwrap());
}
