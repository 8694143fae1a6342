//! Changing what opens the keyring, the kit, a new root key, and more sites than one.

use super::*;
use keys::{kit::RecoveryKey, slot::Unlock};
use store::startkey::{self, Start};

fn firm() -> Firm {
    Firm { name: "Firm".into(), kind: String::new(), prefix: "F".into(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None }
}

/// An installation whose key lies beside its data.
fn beside() -> (tempfile::TempDir, std::path::PathBuf, Appliance) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    Appliance::make_room(&data).unwrap();
    let place = startkey::beside(&data);
    let unlock = ring::create_key_file(&place).unwrap();
    let appliance = Appliance::create(&data, &[ring::NewSlot { unlock: &unlock, place: Some(&place), made: 1 }], &firm(), clock).unwrap();
    (dir, data, appliance)
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
    let usb = dir.path().join("usb");
    let said = appliance.use_key_file(&usb.join("s.key")).unwrap_err().text;
    assert!(said.contains("There is no directory"), "{said}");
    assert!(appliance.use_key_file(&data.join("inside.key")).unwrap_err().text.contains("data directory"));
    std::fs::create_dir(&usb).unwrap();
    appliance.use_key_file(&usb.join("s.key")).unwrap();
    assert_eq!(appliance.start().unwrap(), Start::KeyFile(usb.join("s.key")));
    assert!(!data.join("root.key").exists());
    appliance.close();
    drop(appliance);
    let appliance = reopen(&data, &usb.join("s.key")).unwrap();
    appliance.use_passphrase(&Secret::new("lantern orbit velvet cactus".into())).unwrap();
    assert_eq!(Start::of(&data).unwrap(), Start::Passphrase);
    appliance.close();
    drop(appliance);
    assert!(reopen(&data, &usb.join("s.key")).is_err());
    let appliance = Appliance::open(&data, &Unlock::Passphrase(Secret::new("lantern orbit velvet cactus".into())), clock).unwrap();
    appliance.stay_beside().unwrap();
    appliance.close();
    drop(appliance);
    assert!(reopen(&data, &data.join("root.key")).is_ok());
}

#[test]
fn a_kit_is_the_same_until_it_is_on_paper_and_opens_everything() {
    let (_dir, data, appliance) = beside();
    let kit = appliance.kit().unwrap();
    assert_eq!((kit.number, kit.groups.len()), (1, 14));
    assert_eq!(appliance.kit().unwrap().groups, kit.groups);
    let asked = kit.asked.map(|n| kit.groups[n - 1].clone());
    assert!(appliance.kit_fits([&asked[0].to_lowercase(), &asked[1]]).unwrap());
    assert!(!appliance.kit_fits([&asked[1], &asked[0]]).unwrap());
    appliance.confirm_kit().unwrap();
    assert!(!appliance.key_status().unwrap().kit_waits);
    appliance.close();
    drop(appliance);
    let key = RecoveryKey::parse(&kit.groups.join(" ")).unwrap();
    let appliance = Appliance::open(&data, &key.unlock(), clock).unwrap();
    let second = appliance.kit().unwrap();
    assert!(second.number == 2 && second.groups != kit.groups);
    appliance.close();
    drop(appliance);
    assert!(Appliance::open(&data, &key.unlock(), clock).is_err());
}

#[test]
fn a_new_root_key_opens_everything_and_the_old_one_nothing() {
    let (_dir, data, appliance) = beside();
    appliance.kit().unwrap();
    appliance.hold("tls", b"kept").unwrap();
    let old = ring::read_key_file(&data.join("root.key")).unwrap();
    appliance.rotate(None).unwrap();
    assert_eq!(appliance.held("tls").unwrap().unwrap().expose(), b"kept");
    assert!(!appliance.key_status().unwrap().kit_waits && appliance.key_status().unwrap().kit_made.is_none());
    appliance.rotate(None).unwrap();
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
    appliance.hold("tls", b"kept").unwrap();
    appliance.close();
    drop(appliance);
    // As a crash leaves it after the keyring was replaced: neither registry nor site key knows of it, and the key file lies beside the old one.
    let old = ring::read_key_file(&data.join("root.key")).unwrap();
    let ring = keys::Ring::open(&data.join("keyring.json"), &old).unwrap();
    let next = ring::create_key_file(&data.join("root.key.next")).unwrap();
    ring.rotate(&[ring::NewSlot { unlock: &next, place: Some(&data.join("root.key")), made: 2 }]).map(drop).unwrap();
    assert_eq!(Appliance::inspect(&data, &next).unwrap().len(), 1);
    for _ in 0..2 {
        let appliance = reopen(&data, &data.join("root.key")).unwrap();
        assert_eq!(appliance.held("tls").unwrap().unwrap().expose(), b"kept");
        appliance.close();
    }
    assert!(Appliance::open(&data, &old, clock).is_err());
    assert!(!std::fs::read_to_string(data.join("keyring.json")).unwrap().contains("previous"));
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
