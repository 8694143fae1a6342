//! How fast the destinations are on this machine: `cargo test -p strongroom-ship --release --test servers speed -- --ignored --nocapture`.

use crate::{
    body::{MIB, noise},
    s3s::S3s,
    sshd::Sshd,
};
use std::time::Instant;
use strongroom_ship::{Pruner, Target, dir::Directory};

#[test]
#[ignore = "prints figures"]
fn speed() {
    let dir = tempfile::tempdir().unwrap();
    measure("directory", &Directory::open(dir.path()).unwrap());
    let sshd = Sshd::start();
    measure("sftp", &sshd.connect());
    let server = S3s::start();
    measure("s3", &server.connect());
}

fn measure(name: &str, target: &(impl Target + Pruner)) {
    let bytes = noise(64 * MIB, 1);
    let begun = Instant::now();
    target.put_new("large", bytes.len() as u64, &mut &bytes[..]).unwrap();
    let put = begun.elapsed();
    let begun = Instant::now();
    assert!(target.get("large", 0, bytes.len() as u64).unwrap() == bytes);
    let get = begun.elapsed();
    let begun = Instant::now();
    for piece in 0..16 {
        target.get("large", piece << 22, 1 << 22).unwrap();
    }
    let pieces = begun.elapsed();
    let begun = Instant::now();
    for number in 0..100 {
        target.put_new(&format!("small/{number}"), 8192, &mut &bytes[..8192]).unwrap();
    }
    let small = begun.elapsed();
    let rate = |time: std::time::Duration| 67.1 / time.as_secs_f64();
    println!(
        "{name}: put {:.0} MB/s, get {:.0} MB/s, in pieces of 4 MiB {:.0} MB/s, 8 KiB {:.0}/s",
        rate(put),
        rate(get),
        rate(pieces),
        100.0 / small.as_secs_f64()
    );
}
