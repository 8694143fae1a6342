//! Changing what opens the keyring, the kit, a new root key, and more sites than one.

use super::*;
use keys::{kit::RecoveryKey, slot::Unlock};
use store::{
    Writing,
    charge::Leave,
    kit,
    startkey::{self, Start},
};

fn firm() -> Firm {
    Firm { name: "Firm".into(), kind: String::new(), prefix: "F".into(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None }
}

/// An installation whose key lies beside its data.
fn beside() -> (tempfile::TempDir, std::path::PathBuf, Appliance) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    Appliance::make_room(&data).unwrap();
    let unlock = ring::create_key_file(&startkey::beside(&data)).unwrap();
    let appliance = Appliance::create(&data, &[ring::NewSlot { unlock: &unlock, place: Start::Beside.place(), made: 1 }], &firm(), clock).unwrap();
    (dir, data, appliance)
}

/// Leave to change the keyring, as the console gets it.
fn leave(appliance: &Appliance) -> Leave<Writing> {
    let site = appliance.sites()[0].1.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(site.write(Actor::console(), |tx| Ok(startkey::changing(&tx.keeper(Verb::KeyStart)?)))).unwrap()
}

fn reopen(data: &std::path::Path, place: &std::path::Path) -> Result<Appliance, store::error::OpenError> {
    let mut last = None;
    for unlock in startkey::read_key(place).unwrap() {
        match Appliance::open(data, &unlock, clock) {
            Ok(appliance) => return Ok(appliance),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap())
}

#[test]
fn the_key_moves_to_another_medium_and_to_a_passphrase_and_back() {
    let (dir, data, appliance) = beside();
    assert_eq!(appliance.start().unwrap(), Start::Beside);
    let may = leave(&appliance);
    let usb = dir.path().join("usb");
    let said = appliance.use_key_file(&usb.join("s.key"), &may).unwrap_err().text;
    assert!(said.contains("There is no directory"), "{said}");
    assert!(appliance.use_key_file(&data.join("inside.key"), &may).unwrap_err().text.contains("data directory"));
    std::fs::create_dir(&usb).unwrap();
    appliance.use_key_file(&usb.join("s.key"), &may).unwrap();
    assert_eq!(appliance.start().unwrap(), Start::KeyFile(usb.join("s.key")));
    assert!(!data.join("root.key").exists());
    appliance.close();
    drop(appliance);
    let appliance = reopen(&data, &usb.join("s.key")).unwrap();
    appliance.use_passphrase(&Secret::new("lantern orbit velvet cactus".into()), &leave(&appliance)).unwrap();
    assert_eq!(Start::of(&data).unwrap(), Start::Passphrase);
    appliance.close();
    drop(appliance);
    assert!(reopen(&data, &usb.join("s.key")).is_err());
    let appliance = Appliance::open(&data, &Unlock::Passphrase(Secret::new("lantern orbit velvet cactus".into())), clock).unwrap();
    appliance.stay_beside(&leave(&appliance)).unwrap();
    appliance.close();
    drop(appliance);
    assert!(reopen(&data, &data.join("root.key")).is_ok());
    let moved = dir.path().join("moved");
    std::fs::rename(&data, &moved).unwrap();
    assert_eq!(Start::of(&moved).unwrap(), Start::Beside, "the directory may be moved");
}

#[test]
fn a_kit_is_the_same_until_it_is_on_paper_and_opens_everything() {
    let (_dir, data, appliance) = beside();
    let may = leave(&appliance);
    assert!(appliance.waiting_kit(&may).unwrap().is_none(), "looking makes none");
    let kit = appliance.make_kit(&may).unwrap();
    assert_eq!((kit.number, kit.groups.len()), (1, 14));
    let waiting = appliance.waiting_kit(&may).unwrap().unwrap();
    assert_eq!(waiting.groups, kit.groups);
    let asked = kit.asked.map(|n| kit.groups[n - 1].clone());
    assert!(waiting.fits([&format!(" {}-", asked[0].to_lowercase()), &asked[1]]));
    assert!(!waiting.fits([&asked[1], &asked[0]]) && !waiting.fits(["", ""]));
    appliance.forget_kit(&may).unwrap();
    assert!(appliance.waiting_kit(&may).unwrap().is_none(), "nor does looking once more");
    assert!(!appliance.key_status(&may).unwrap().kit_waits);
    appliance.close();
    drop(appliance);
    let key = RecoveryKey::parse(&kit.groups.join(" ")).unwrap();
    let appliance = Appliance::open(&data, &key.unlock(), clock).unwrap();
    let second = appliance.make_kit(&leave(&appliance)).unwrap();
    assert!(second.number == 2 && second.groups != kit.groups);
    appliance.close();
    drop(appliance);
    assert!(Appliance::open(&data, &key.unlock(), clock).is_err());
}

#[test]
fn a_new_root_key_opens_everything_and_the_old_one_nothing() {
    let (_dir, data, appliance) = beside();
    let may = leave(&appliance);
    appliance.make_kit(&may).unwrap();
    appliance.hold("tls", b"kept").unwrap();
    let old = ring::read_key_file(&data.join("root.key")).unwrap();
    appliance.rotate(None, &may).unwrap();
    assert_eq!(appliance.held("tls").unwrap().unwrap().expose(), b"kept");
    let status = appliance.key_status(&may).unwrap();
    assert!(!status.kit_waits && status.kit_made.is_none());
    appliance.rotate(None, &may).unwrap();
    appliance.close();
    drop(appliance);
    assert!(Appliance::open(&data, &old, clock).is_err());
    let appliance = reopen(&data, &data.join("root.key")).unwrap();
    assert_eq!(appliance.held("tls").unwrap().unwrap().expose(), b"kept");
    appliance.close();
}

#[test]
fn a_change_of_the_root_key_that_was_cut_off_is_finished_at_the_next_start() {
    let (_dir, data, appliance) = beside();
    appliance.make_kit(&leave(&appliance)).unwrap();
    appliance.hold("tls", b"kept").unwrap();
    appliance.close();
    drop(appliance);
    // As a crash leaves it after the keyring was replaced: neither registry nor site key knows of it, and the key file lies beside the old one.
    let old = ring::read_key_file(&data.join("root.key")).unwrap();
    let ring = keys::Ring::open(&data.join("keyring.json"), &old).unwrap();
    let next = ring::create_key_file(&data.join("root.key.next")).unwrap();
    ring.rotate(&[ring::NewSlot { unlock: &next, place: Start::Beside.place(), made: 2 }]).map(drop).unwrap();
    assert_eq!(Appliance::inspect(&data, &next).unwrap().len(), 1);
    for _ in 0..2 {
        let appliance = reopen(&data, &data.join("root.key")).unwrap();
        assert_eq!(appliance.held("tls").unwrap().unwrap().expose(), b"kept");
        assert!(!data.join("root.key.next").exists(), "the new key file is in its place");
        assert!(appliance.waiting_kit(&leave(&appliance)).unwrap().is_none(), "a kit that opens nothing is not shown");
        appliance.close();
    }
    assert!(Appliance::open(&data, &old, clock).is_err());
    assert!(!std::fs::read_to_string(data.join("keyring.json")).unwrap().contains("previous"));
    let in_force = std::fs::read(data.join("root.key")).unwrap();
    let appliance = reopen(&data, &data.join("root.key")).unwrap();
    appliance.rotate(None, &leave(&appliance)).unwrap();
    appliance.close();
    assert_ne!(std::fs::read(data.join("root.key")).unwrap(), in_force, "the next change has a key of its own");
}

#[test]
fn the_kit_of_the_installation_counts_for_every_site() {
    let (_dir, data, appliance) = beside();
    let second = appliance.add_site("Second", &["two.example".into()]).unwrap();
    let first = appliance.sites()[0].1.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let on_paper = || (first.kit_is_on_paper(), second.kit_is_on_paper());
    assert_eq!(on_paper(), (false, false));
    runtime.block_on(first.write(Actor::console(), |tx| kit::confirmed(&tx.keeper(Verb::KeyKit)?, "Ann", "Ben").map(drop))).unwrap();
    assert_eq!(on_paper(), (true, true));
    assert!(runtime.block_on(second.write(Actor::console(), |tx| tx.keeper(Verb::KeyKit).map(drop))).is_err(), "it is not theirs to change");
    appliance.close();
    drop(appliance);
    let appliance = reopen(&data, &data.join("root.key")).unwrap();
    assert!(appliance.sites().iter().all(|(_, site)| site.kit_is_on_paper()));
    appliance.close();
}

#[test]
fn a_second_site_has_its_own_everything_and_names_that_nobody_else_has() {
    let (_dir, data, appliance) = beside();
    assert!(appliance.site_of_host("anything.example").is_some());
    assert!(appliance.add_site("Second", &[]).map(drop).unwrap_err().text.contains("--host"));
    let second = appliance.add_site("Second", &["Two.Example".into()]).unwrap();
    assert!(!second.is_set_up());
    assert!(appliance.add_site("second", &["x.example".into()]).is_err());
    assert!(appliance.add_host("Firm", "two.example").unwrap_err().text.contains("Second"));
    assert!(appliance.add_host("Firm", "https://x").unwrap_err().text.contains("no host name"));
    let is_second = |host: &str| appliance.site_of_host(host).map(|site| site.keys().database.expose() == second.keys().database.expose());
    assert_eq!((is_second("two.example"), is_second("else.example")), (Some(true), Some(false)));
    appliance.add_host("Firm", "one.example").unwrap();
    assert_eq!((is_second("one.example"), is_second("else.example")), (Some(false), None));
    appliance.rename_site("Second", "Zweite").unwrap();
    assert!(appliance.site("").map(drop).unwrap_err().text.contains("“Zweite”"));
    assert!(appliance.site("zweite").is_ok() && appliance.site("two.example").is_ok());
    appliance.close();
    drop(appliance);
    let appliance = reopen(&data, &data.join("root.key")).unwrap();
    let names: Vec<(String, Vec<String>)> = appliance.sites().iter().map(|(entry, _)| (entry.name.clone(), entry.hosts.clone())).collect();
    assert!(names.contains(&("Zweite".into(), vec!["two.example".into()])) && names.contains(&("Firm".into(), vec!["one.example".into()])));
    appliance.close();
}
