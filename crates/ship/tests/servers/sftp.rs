//! What an SSH server may do to us.

use crate::{
    body::{Eventful, MIB, noise},
    sshd::Sshd,
};
use std::{cell::RefCell, fs, io, process::Command};
use strongroom_ship::{
    Pruner, Put, ShipError, Target,
    sftp::{Sftp, SftpConfig, host_key, new_key},
};

fn refusal(config: &SftpConfig) -> String {
    match Sftp::connect(config) {
        Err(ShipError::Refused(why)) => why,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("let in"),
    }
}

#[test]
fn another_server_is_refused_and_both_fingerprints_are_named() {
    let mut sshd = Sshd::start();
    let mut config = sshd.config();
    let expected = config.fingerprint.clone();
    let target = sshd.connect();
    target.put_new("a", 1, &mut &b"a"[..]).unwrap();
    sshd.kill();
    sshd.new_host_key();
    sshd.resume();
    let shown = host_key("127.0.0.1", config.port).unwrap();
    assert!(shown.starts_with("SHA256:") && shown != expected);
    let why = refusal(&config);
    assert!(why.contains(&shown) && why.contains(&expected), "{why}");
    let again = target.get("a", 0, 1).unwrap_err();
    assert!(matches!(&again, ShipError::Refused(why) if why.contains(&shown)), "nor when it comes back: {again:?}");
    config.fingerprint = shown;
    assert_eq!(Sftp::connect(&config).unwrap().get("a", 0, 1).unwrap(), b"a");
}

#[test]
fn another_key_is_refused_and_what_to_do_is_said() {
    let sshd = Sshd::start();
    let (key, line) = new_key().unwrap();
    let config = SftpConfig { key, ..sshd.config() };
    let why = refusal(&config);
    assert!(why.contains("authorized_keys") && why.contains(&config.user) && why.contains(&line), "{why}");
    let config = SftpConfig { key: String::from("no key").into(), ..sshd.config() };
    assert!(refusal(&config).contains("not a private key"));
    let shown = format!("{:?}", sshd.config());
    assert!(!shown.contains("PRIVATE"), "{shown}");
}

#[test]
fn a_server_that_is_not_there_and_a_folder_that_is_not_are_said() {
    let mut sshd = Sshd::start();
    let config = sshd.config();
    let missing = SftpConfig { path: "/no/such/folder".into(), ..config.clone() };
    assert!(matches!(Sftp::connect(&missing), Err(ShipError::Missing(what)) if what == "the folder /no/such/folder on 127.0.0.1"));
    let below = SftpConfig { path: "no/such".into(), ..config.clone() };
    assert!(matches!(Sftp::connect(&below), Err(ShipError::Missing(what)) if what.starts_with("the folder no/such in the home of")));
    let target = sshd.connect();
    fs::rename(sshd.folder(), sshd.folder().with_extension("away")).unwrap();
    assert!(matches!(target.list("log/"), Err(ShipError::Missing(_))), "a folder that went away is not an empty one");
    assert!(matches!(target.put_new("log/1", 1, &mut &b"a"[..]), Err(ShipError::Missing(_))));
    sshd.kill();
    assert!(matches!(Sftp::connect(&config), Err(ShipError::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused));
    assert!(matches!(host_key("127.0.0.1", config.port), Err(ShipError::Io(_))));
}

/// A key pair as somebody else makes one: the private key, and the line for `authorized_keys`.
fn made(arguments: &[&str]) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    assert!(Command::new("ssh-keygen").args(arguments).args(["-q", "-f"]).arg(&file).status().unwrap().success());
    (fs::read_to_string(&file).unwrap(), fs::read_to_string(file.with_extension("pub")).unwrap())
}

#[test]
fn a_key_that_somebody_made_lets_in_or_it_is_said_why_it_cannot() {
    let sshd = Sshd::start();
    for (kind, passphrase, why) in [("ed25519", "", None), ("ecdsa", "", None), ("rsa", "", Some("is an RSA key")), ("ed25519", "some words", Some("protected by a passphrase"))] {
        let (key, line) = made(&["-t", kind, "-N", passphrase]);
        sshd.let_in(&line);
        let config = SftpConfig { key: key.into(), ..sshd.config() };
        match why {
            Some(why) => assert!(refusal(&config).contains(why), "{kind}"),
            None => drop(Sftp::connect(&config).unwrap()),
        }
    }
}

#[test]
fn a_path_may_be_below_home_and_nothing_is_written_beside_it() {
    let sshd = Sshd::start();
    // The home of this account is not ours to write to, so the way leads out of it again.
    let path = format!("{}{}", "../".repeat(8), sshd.folder().display().to_string().trim_start_matches('/'));
    let target = Sftp::connect(&SftpConfig { path, ..sshd.config() }).unwrap();
    target.put_new("a/b/c", 1, &mut &b"a"[..]).unwrap();
    assert_eq!(fs::read(sshd.folder().join("a/b/c")).unwrap(), b"a");
    assert_eq!(target.list("a/").unwrap()[0].name, "a/b/c");
}

#[test]
fn a_server_that_dies_during_a_put_leaves_nothing_that_is_listed() {
    let sshd = RefCell::new(Sshd::start());
    let target = sshd.borrow().connect();
    let bytes = noise(20 * MIB, 5);
    let mut body = Eventful::new(&bytes, 8 * MIB, || sshd.borrow_mut().kill());
    let error = target.put_new("log/one", bytes.len() as u64, &mut body).unwrap_err();
    assert!(matches!(error, ShipError::Io(_)), "{error:?}");
    sshd.borrow_mut().resume();
    let half = sshd.borrow().folder().join("log/.log_one.part");
    assert!(half.exists(), "this is about a half file");
    assert!(target.list("").unwrap().is_empty());
    assert_eq!(target.put_new("log/one", bytes.len() as u64, &mut &bytes[..]).unwrap(), Put::Created);
    assert!(!half.exists() && target.get("log/one", 0, u64::MAX).unwrap() == bytes);
}

#[test]
fn after_a_restart_every_call_connects_again() {
    let mut sshd = Sshd::start();
    let target = sshd.connect();
    target.put_new("a", 1, &mut &b"a"[..]).unwrap();
    let mut after_restart = |call: &dyn Fn() -> bool| {
        sshd.kill();
        sshd.resume();
        assert!(call());
    };
    after_restart(&|| target.get("a", 0, 1).unwrap() == b"a");
    after_restart(&|| target.list("").unwrap().len() == 1);
    after_restart(&|| target.free_space().unwrap().is_some());
    after_restart(&|| target.put_new("b", 1, &mut &b"b"[..]).unwrap() == Put::Created);
    after_restart(&|| target.put_new("b", 1, &mut &b"c"[..]).unwrap() == Put::Exists);
    after_restart(&|| target.remove("b").is_ok() && target.list("").unwrap().len() == 1);
}

#[test]
fn what_is_not_an_object_is_not_listed() {
    let sshd = Sshd::start();
    let target = sshd.connect();
    let folder = sshd.folder();
    fs::write(folder.join(".half.part"), "x").unwrap();
    fs::write(folder.join("with space"), "x").unwrap();
    fs::create_dir(folder.join(".snapshots")).unwrap();
    fs::write(folder.join(".snapshots/old"), "x").unwrap();
    std::os::unix::fs::symlink(&folder, folder.join("loop")).unwrap();
    target.put_new("real", 1, &mut &b"a"[..]).unwrap();
    let listed: Vec<_> = target.list("").unwrap().into_iter().map(|object| object.name).collect();
    assert_eq!(listed, ["real"]);
}

#[test]
fn two_who_put_the_same_name_agree_on_one() {
    let sshd = Sshd::start();
    let target = sshd.connect();
    let other = sshd.connect();
    let bytes = noise(MIB, 6);
    let mut first = Eventful::new(&bytes, MIB / 2, || assert_eq!(other.put_new("x", 5, &mut &b"other"[..]).unwrap(), Put::Created));
    let put = target.put_new("x", bytes.len() as u64, &mut first);
    assert!(!matches!(put, Ok(Put::Created)), "{put:?}");
    assert_eq!(target.get("x", 0, 10).unwrap(), b"other");
    assert_eq!(fs::read_dir(sshd.folder()).unwrap().count(), 1);
}

#[test]
fn the_connection_changes_its_keys_on_the_way() {
    let sshd = Sshd::start_with("RekeyLimit 1M");
    let target = sshd.connect();
    let bytes = noise(20 * MIB, 8);
    assert_eq!(target.put_new("x", bytes.len() as u64, &mut &bytes[..]).unwrap(), Put::Created);
    assert!(target.get("x", 0, u64::MAX).unwrap() == bytes);
}

#[test]
#[ignore = "carries 2.4 GB, so that it is we who change the keys"]
fn a_connection_carries_as_much_as_there_is() {
    let sshd = Sshd::start();
    let target = sshd.connect();
    let bytes = noise(100 * MIB, 8);
    for round in 0..12 {
        target.put_new("x", bytes.len() as u64, &mut &bytes[..]).unwrap();
        assert!(target.get("x", 0, u64::MAX).unwrap() == bytes, "{round}");
        target.remove("x").unwrap();
    }
}

#[test]
fn a_full_disk_is_said() {
    let sshd = Sshd::start();
    // A file system of 1 MiB.
    let _small = Small::mount(sshd.folder());
    let target = sshd.connect();
    let bytes = noise(4 * MIB, 7);
    let error = target.put_new("x", bytes.len() as u64, &mut &bytes[..]).unwrap_err();
    assert!(matches!(error, ShipError::Full), "{error:?}");
    assert!(fs::read_dir(sshd.folder()).unwrap().next().is_none(), "the half file is gone");
    assert_eq!(target.put_new("x", 3, &mut &b"one"[..]).unwrap(), Put::Created);
}

struct Small(std::path::PathBuf);

impl Small {
    fn mount(at: std::path::PathBuf) -> Small {
        let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&at).status();
        assert!(mounted.is_ok_and(|status| status.success()), "this test mounts a small file system and must run as root");
        Small(at)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
