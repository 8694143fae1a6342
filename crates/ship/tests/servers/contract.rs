//! What every destination promises, asked of all of them alike.

use crate::{
    body::{MIB, noise},
    s3s::S3s,
    sshd::Sshd,
};
use std::io::{self, Read};
use strongroom_ship::{Pruner, Put, ShipError, Target, dir::Directory};

#[test]
fn a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let target = Directory::open(dir.path()).unwrap();
    keeps(&target);
    assert!(target.free_space().unwrap().unwrap() > 0);
}

#[test]
fn a_folder_on_an_ssh_server() {
    let sshd = Sshd::start();
    let target = sshd.connect();
    keeps(&target);
    assert!(target.free_space().unwrap().unwrap() > 0);
}

#[test]
fn a_bucket() {
    let server = S3s::start();
    let target = server.connect();
    keeps(&target);
    keeps_large(&target, 70 * MIB);
    assert_eq!(target.free_space().unwrap(), None);
    assert_eq!(target.locks().unwrap(), None);
}

fn keeps(target: &(impl Target + Pruner)) {
    puts_once(target);
    gives_ranges(target);
    lists(target);
    refuses_names(target);
    takes_only_whole_bodies(target);
    keeps_large(target, 20 * MIB);
    assert!(target.list("").unwrap().is_empty());
}

fn puts_once(target: &(impl Target + Pruner)) {
    assert_eq!(target.put_new("blob/ab/abcd", 3, &mut &b"one"[..]).unwrap(), Put::Created);
    assert_eq!(target.put_new("blob/ab/abcd", 3, &mut &b"two"[..]).unwrap(), Put::Exists);
    assert_eq!(target.get("blob/ab/abcd", 0, 10).unwrap(), b"one");
    assert_eq!(target.put_new("empty", 0, &mut &b""[..]).unwrap(), Put::Created);
    assert_eq!(target.get("empty", 0, 10).unwrap(), b"");
    for name in ["blob/ab/abcd", "empty"] {
        target.remove(name).unwrap();
        target.remove(name).unwrap();
        assert!(matches!(target.get(name, 0, 1), Err(ShipError::Missing(missing)) if missing == name));
    }
    assert!(matches!(target.get("never/was", 0, 1), Err(ShipError::Missing(_))));
}

fn gives_ranges(target: &(impl Target + Pruner)) {
    let bytes = noise(200_000, 1);
    target.put_new("ranges", 200_000, &mut &bytes[..]).unwrap();
    for (start, length) in [(0_u64, 200_000), (0, 1), (1, 32_768), (32_767, 32_770), (199_999, 1), (100_000, 500_000), (5, u64::MAX)] {
        let from = usize::try_from(start).unwrap();
        let to = usize::try_from(start.saturating_add(length)).unwrap().min(bytes.len());
        assert!(target.get("ranges", start, length).unwrap() == bytes[from..to], "{length} from {start}");
    }
    for (start, length) in [(200_000, 1), (1 << 40, 10), (7, 0)] {
        assert!(target.get("ranges", start, length).unwrap().is_empty(), "{length} from {start}");
    }
    target.remove("ranges").unwrap();
}

fn lists(target: &(impl Target + Pruner)) {
    let names = ["blob/aa/one", "blob/aa/two", "blob/ab/three", "log/1", "log/2-x", "top"];
    for (size, name) in names.iter().enumerate() {
        target.put_new(name, size as u64, &mut &vec![7; size][..]).unwrap();
    }
    let listed = |prefix| target.list(prefix).unwrap().into_iter().map(|object| object.name).collect::<Vec<_>>();
    assert_eq!(listed(""), names);
    assert_eq!(listed("blob/"), names[..3]);
    assert_eq!(listed("blob/a"), names[..3]);
    assert_eq!(listed("blob/aa/t"), names[1..2]);
    assert_eq!(listed("lo"), names[3..5]);
    for none in ["nothing/", "blob/zz/", "blob/aa/x", "x"] {
        assert!(listed(none).is_empty(), "{none}");
    }
    for (size, object) in target.list("").unwrap().iter().enumerate() {
        assert_eq!(object.size, size as u64);
        assert!(object.arrived.unwrap() > 1_700_000_000);
    }
    for name in names {
        target.remove(name).unwrap();
    }
}

fn refuses_names(target: &(impl Target + Pruner)) {
    for bad in ["../x", "/x", "a//b", "a/.hidden", "", "a\\b", "ä", "a/", "a\nb", "a b", &"x".repeat(513)] {
        assert!(matches!(target.put_new(bad, 0, &mut &b""[..]), Err(ShipError::Name(_))), "{bad}");
        assert!(matches!(target.get(bad, 0, 1), Err(ShipError::Name(_))), "{bad}");
        assert!(matches!(target.remove(bad), Err(ShipError::Name(_))), "{bad}");
    }
}

fn takes_only_whole_bodies(target: &impl Target) {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
    let bytes = noise(20 * MIB, 2);
    for said in [bytes.len() - 1, bytes.len() + 1, bytes.len() + 20 * MIB] {
        assert!(target.put_new("whole", said as u64, &mut &bytes[..]).is_err(), "{said}");
    }
    assert!(target.put_new("whole", 5, &mut &b"four"[..]).is_err());
    assert!(target.put_new("whole", 3, &mut &b"four"[..]).is_err());
    assert!(target.put_new("whole", 30 * MIB as u64, &mut bytes.chain(Broken)).is_err());
    assert!(target.list("").unwrap().is_empty());
}

fn keeps_large(target: &(impl Target + Pruner), length: usize) {
    let bytes = noise(length, 3);
    assert_eq!(target.put_new("large/one", length as u64, &mut &bytes[..]).unwrap(), Put::Created);
    assert_eq!(target.put_new("large/one", 3, &mut &b"two"[..]).unwrap(), Put::Exists);
    assert!(target.get("large/one", 0, length as u64).unwrap() == bytes);
    let piece = (length / 2) as u64;
    assert!(target.get("large/one", piece, 4 << 20).unwrap() == bytes[length / 2..length / 2 + 4 * MIB]);
    assert_eq!(target.list("large/").unwrap()[0].size, length as u64);
    target.remove("large/one").unwrap();
}
