//! Disks at the other end: one that is full, and those that are carried away and brought back.

use crate::{
    backups::{Ground, command},
    world::Server,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A small file system in memory, mounted as if from this device.
struct Mounted(PathBuf);

impl Mounted {
    fn new(device: &Path, at: &Path, size: &str) -> Mounted {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700")]).args([device, at]).status().unwrap();
        assert!(mounted.success(), "this test mounts small file systems and must run as root");
        Mounted(at.into())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// The row of a destination in `dest list`, once `fits` says so.
fn until(ground: &Ground, name: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..100 {
        let list = ground.run(&["dest", "list"]);
        last = list["destinations"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
        if fits(&last) {
            return last;
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    panic!("{name} is not {what}: {last}");
}

fn cases_in(place: &[&str], ground: &Ground) -> u64 {
    let (code, out, error) = command(&[&["restore"][..], place, &["--kit", ground.kit.to_str().unwrap(), "--dry-run", "--json"]].concat(), "");
    assert_eq!(code, 0, "{error}");
    serde_json::from_str::<Value>(&out).unwrap()["sites"][0]["cases"].as_u64().unwrap()
}

#[test]
fn a_full_destination_is_named_and_gets_the_rest_when_there_is_room() {
    let ground = Ground::new();
    let small = Mounted::new(Path::new("tmpfs"), &ground.there, "24m");
    let server = Server::at(&ground.data, &["--cases", "2"]);
    ground.add();
    ground.print_kit();
    ground.now();
    let priya = server.signed_in("Priya");
    let stuffing = ground.there.join("somebody elses.iso");
    let stat = rustix::fs::statvfs(&ground.there).unwrap();
    fs::write(&stuffing, vec![0; usize::try_from(stat.f_bavail * stat.f_frsize).unwrap() - 100_000]).unwrap();
    let case = priya.open_case("Disks: while it is full");
    assert_eq!(priya.upload(&format!("{case}/documents"), vec![("large.bin", (0..2_000_000u32).flat_map(u32::to_le_bytes).take(3 << 20).collect())]).status, 303);
    let row = until(&ground, "office", "failing", |row| row["state"] == "failing");
    assert!(row["error"].as_str().is_some_and(|why| why.contains("full")), "{row}");
    // What is done goes on being served and kept here.
    assert_eq!(priya.get(&case).status, 200);
    fs::remove_file(&stuffing).unwrap();
    ground.now();
    until(&ground, "office", "good", |row| row["state"] == "good");
    assert_eq!(cases_in(&["--dir", ground.there.to_str().unwrap()], &ground), 3);
    let (code, out, error) = ground.restore(&["--json"]);
    assert!(code == 0 && out.contains("\"lost\":[]"), "{out} {error}");
    assert!(server.stop().success());
    drop(small);
}

/// A disk with a label, as the system shows it: a link by its label to the device.
struct Labelled {
    device: PathBuf,
    link: PathBuf,
    at: PathBuf,
    /// What lies on it, kept between one mount and the next.
    kept: PathBuf,
}

impl Labelled {
    fn new(ground: &Ground, label: &str) -> Labelled {
        let beside = |end: &str| ground.there.with_file_name(format!("{label}-{end}"));
        let disk = Labelled { device: beside("device"), link: Path::new("/dev/disk/by-label").join(label), at: beside("mounted"), kept: beside("kept") };
        fs::write(&disk.device, "").unwrap();
        fs::create_dir_all("/dev/disk/by-label").unwrap();
        fs::create_dir_all(disk.kept.join("strongroom")).unwrap();
        disk
    }

    /// Plugged in: the folder that is kept stands where it is mounted, and the system names the device as its source.
    fn plug(&self) -> Plugged<'_> {
        std::os::unix::fs::symlink(&self.device, &self.link).unwrap();
        let mounted = Mounted::new(&self.device, &self.at, "64m");
        copy(&self.kept, &self.at);
        Plugged { disk: self, _mounted: mounted }
    }
}

struct Plugged<'d> {
    disk: &'d Labelled,
    _mounted: Mounted,
}

impl Drop for Plugged<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.disk.link);
        copy(&self.disk.at, &self.disk.kept);
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(copied.success());
}

#[test]
fn two_disks_by_their_labels_take_turns() {
    let ground = Ground::new();
    let label = |day: &str| format!("sr{day}{}", std::process::id());
    let (monday, friday) = (Labelled::new(&ground, &label("mon")), Labelled::new(&ground, &label("fri")));
    let server = Server::at(&ground.data, &["--cases", "2"]);
    let (first, second) = (monday.plug(), friday.plug());
    for (name, day) in [("monday", label("mon")), ("friday", label("fri"))] {
        ground.run(&["dest", "add", name, "--disk", &day, "--folder", "strongroom"]);
    }
    ground.print_kit();
    for name in ["monday", "friday"] {
        until(&ground, name, "good", |row| row["state"] == "good");
    }
    // Friday's is carried away: that is no fault, and nothing is written where it was.
    drop(second);
    let priya = server.signed_in("Priya");
    priya.open_case("Disks: friday is away");
    until(&ground, "friday", "away", |row| row["state"] == "away");
    let _ = command(&["backup", "now", "--data", ground.data.to_str().unwrap()], "");
    until(&ground, "monday", "good", |row| row["state"] == "good");
    assert_eq!(fs::read_dir(&friday.at).unwrap().count(), 0);
    // They change places: what came meanwhile is brought.
    drop(first);
    let again = friday.plug();
    priya.open_case("Disks: monday is away");
    until(&ground, "monday", "away", |row| row["state"] == "away");
    let mut cases = 0;
    for _ in 0..60 {
        cases = cases_in(&["--disk", &label("fri"), "--folder", "strongroom"], &ground);
        if cases == 4 {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(cases, 4);
    let (code, _, error) = command(&["restore", "--disk", &label("mon"), "--folder", "strongroom", "--kit", ground.kit.to_str().unwrap(), "--dry-run"], "");
    assert!(code != 0 && error.contains(&label("mon")), "{code} {error}");
    assert!(server.stop().success());
    drop(again);
}
