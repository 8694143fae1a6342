//! Whoever holds a destination can change everything at it. Each such change is noticed, and nothing comes out.

use crate::house::{CHAIN, House, KEYS, Rng, SEED, open, request, schema, truncate};
use keys::sign::Signer;
use std::{fs, path::PathBuf};
use strongroom_ship::{ShipError, head::{Head, Hex, Why}, name::Named, route::When};

/// A destination with a base and some changes.
fn shipped() -> House {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let mut rng = Rng(23);
    (0..50).for_each(|n| request(&mut sql, &mut rng, n));
    let watch = house.watch();
    house.base(&watch, &sql, Why::First);
    for n in 0..8 {
        request(&mut sql, &mut rng, n);
        watch.take(house.tick()).unwrap();
    }
    house
}

fn refused(house: &House, what: &str) -> String {
    let error = house.restore(When::Latest, "r.db").err().unwrap_or_else(|| panic!("{what}: not noticed"));
    assert!(!house.path("r.db").exists(), "{what}: something came out");
    error.to_string()
}

fn log(house: &House) -> Vec<Named> {
    house.spool().log(&CHAIN).unwrap()
}

fn place(house: &House, named: &Named) -> PathBuf {
    house.spool().place(&named.text)
}

#[test]
fn a_flipped_bit_anywhere() {
    let house = shipped();
    let mut rng = Rng(7);
    for name in house.spool().list("").unwrap() {
        let place = house.spool().place(&name);
        let whole = fs::read(&place).unwrap();
        let mut places: Vec<usize> = (0..whole.len()).step_by(whole.len() / 40 + 1).collect();
        places.extend((0..20).map(|_| rng.below(whole.len() as u64) as usize));
        for at in places {
            let mut wrong = whole.clone();
            wrong[at] ^= 1 << rng.below(8);
            fs::write(&place, wrong).unwrap();
            refused(&house, &format!("byte {at} of {name}"));
        }
        fs::write(&place, whole).unwrap();
    }
    house.restore(When::Latest, "r.db").unwrap();
}

#[test]
fn a_cut_object_anywhere_and_one_that_grew() {
    let house = shipped();
    for name in house.spool().list("").unwrap() {
        let place = house.spool().place(&name);
        let whole = fs::read(&place).unwrap();
        for end in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
            fs::write(&place, &whole[..end]).unwrap();
            refused(&house, &format!("{name} cut at {end}"));
        }
        if name.starts_with("part/") {
            fs::write(&place, [&whole[..], b"x"].concat()).unwrap();
            refused(&house, &format!("{name} grew"));
        }
        fs::write(&place, whole).unwrap();
    }
}

#[test]
fn a_dropped_object() {
    let house = shipped();
    let all = house.spool().list("").unwrap();
    let newest = log(&house).pop().unwrap().text;
    for name in all.into_iter().filter(|name| *name != newest) {
        let place = house.spool().place(&name);
        let whole = fs::read(&place).unwrap();
        fs::remove_file(&place).unwrap();
        refused(&house, &format!("{name} dropped"));
        fs::write(&place, whole).unwrap();
    }
}

#[test]
fn swapped_reordered_and_replayed_objects() {
    let house = shipped();
    let log = log(&house);
    let (one, two) = (place(&house, &log[3]), place(&house, &log[4]));
    let (first, second) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
    fs::write(&one, &second).unwrap();
    fs::write(&two, &first).unwrap();
    assert!(refused(&house, "swapped").contains("under the name of another"));
    fs::write(&one, &first).unwrap();
    // An old change again, under the number of the one that would come next.
    fs::write(&two, &second).unwrap();
    let last = log.last().unwrap();
    let next = last.text.replace(&format!("{:08}-{:08}", last.first, last.last), &format!("{:08}-{:08}", last.first + 1, last.last + 1));
    fs::write(house.spool().place(&next), &first).unwrap();
    refused(&house, "replayed");
    fs::remove_file(house.spool().place(&next)).unwrap();
    house.restore(When::Latest, "r.db").unwrap();
}

/// An older page that is genuine by itself: SQLCipher takes it, the root does not.
#[test]
fn a_stale_page_in_a_base() {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let mut rng = Rng(29);
    (0..800).for_each(|n| request(&mut sql, &mut rng, n));
    let watch = house.watch();
    house.base(&watch, &sql, Why::First);
    let old = fs::read(house.db()).unwrap();
    (0..60).for_each(|n| request(&mut sql, &mut rng, n * 3 + 1));
    let now = house.tick();
    watch.checkpoint(now, || truncate(&sql)).unwrap();
    let new = fs::read(house.db()).unwrap();
    let base = watch.base(now, Why::Due, b"", &mut |_, _| {}).unwrap().unwrap();
    let part = house.spool().place(&strongroom_ship::payload::part_object(&Hex(keys::nonce::sha256(&new))));
    let stale = (0..old.len() / 4096).filter(|page| old[page * 4096..][..4096] != new[page * 4096..][..4096]).collect::<Vec<_>>();
    assert!(stale.len() >= 12, "{}", stale.len());
    for page in &stale {
        let mut mixed = new.clone();
        mixed[page * 4096..][..4096].copy_from_slice(&old[page * 4096..][..4096]);
        // Even if its name and its base are made to fit by somebody with the signing key, the root tells.
        fs::write(&part, &mixed).unwrap();
        refused(&house, "stale page");
        let name = house.spool().place(&strongroom_ship::payload::part_object(&Hex(keys::nonce::sha256(&mixed))));
        fs::create_dir_all(name.parent().unwrap()).unwrap();
        fs::write(&name, &mixed).unwrap();
        let forged = Head { sha256: Hex(keys::nonce::sha256(&keys::nonce::sha256(&mixed))), ..base.head.clone() };
        let (head, _) = forged.write(&Signer::of(&SEED).unwrap()).unwrap();
        let place = house.spool().place(&base.head.name());
        let genuine = fs::read(&place).unwrap();
        fs::write(&place, [&head[..], &keys::nonce::sha256(&mixed)].concat()).unwrap();
        assert!(refused(&house, "stale page").contains("does not give the state"));
        fs::write(&place, genuine).unwrap();
    }
    fs::write(&part, &new).unwrap();
    house.restore(When::Latest, "r.db").unwrap();
}

/// Rewrites a head with the genuine key, as a server that was taken over and is fenced off could.
fn resign(house: &House, named: &Named, change: impl FnOnce(&mut Head)) -> (PathBuf, Vec<u8>) {
    let bytes = fs::read(place(house, named)).unwrap();
    let signed = house.spool().head(&named.text, &CHAIN, &House::trust().key).unwrap();
    let mut head = signed.head.clone();
    change(&mut head);
    let (start, _) = head.write(&Signer::of(&SEED).unwrap()).unwrap();
    (house.spool().place(&head.name()), [&start[..], &bytes[signed.payload as usize..]].concat())
}

/// What a forged head says otherwise, and how.
type Forgery = (&'static str, fn(&mut Head));

#[test]
fn a_forged_time_a_lower_fence_and_another_database() {
    let house = shipped();
    let all = log(&house);
    let named = &all[4];
    let genuine = fs::read(place(&house, named)).unwrap();
    // Without the key: a time in the name alone.
    let renamed = house.spool().place(&named.text.replace(&format!("{:013}", named.made), &format!("{:013}", named.made + 1)));
    fs::rename(place(&house, named), &renamed).unwrap();
    assert!(refused(&house, "forged time").contains("under the name of another"));
    fs::remove_file(&renamed).unwrap();
    // With it: each of these breaks the links of all that follow.
    let changes: [Forgery; 5] = [
        ("an older time", |head| head.made -= 100_000),
        ("a lower fence", |head| head.fence = 0),
        ("another generation", |head| head.generation += 1),
        ("another link", |head| head.before.0[0] ^= 1),
        ("another root", |head| head.root.0[0] ^= 1),
    ];
    for (what, change) in changes {
        fs::write(place(&house, named), &genuine).unwrap();
        let (forged, bytes) = resign(&house, named, change);
        fs::remove_file(place(&house, named)).unwrap();
        fs::write(&forged, bytes).unwrap();
        refused(&house, what);
        fs::remove_file(forged).unwrap();
    }
    fs::write(place(&house, named), &genuine).unwrap();
    // The last change has no successor that would tell; the others do not fit to what was before.
    let last = all.last().unwrap();
    let genuine = fs::read(place(&house, last)).unwrap();
    for (what, change) in changes.iter().filter(|(what, _)| !matches!(*what, "a lower fence" | "another generation")) {
        let (forged, bytes) = resign(&house, last, *change);
        fs::remove_file(place(&house, last)).unwrap();
        fs::write(&forged, bytes).unwrap();
        refused(&house, what);
        fs::remove_file(forged).unwrap();
        fs::write(place(&house, last), &genuine).unwrap();
    }
    // A whole destination of another database, or of another installation.
    let trust = strongroom_ship::restore::Trust { of: strongroom_ship::head::Chain { instance: Hex([9; 16]), ..CHAIN }, ..House::trust() };
    let target = strongroom_ship::dir::Directory::open(&house.path("spool")).unwrap();
    let route = strongroom_ship::route::route(&house.names(), When::Latest).unwrap();
    let other = strongroom_ship::restore::database(&target, &route, When::Latest, &trust, &house.path("o.db"), &mut |_, _, _| {});
    assert!(matches!(other, Err(ShipError::NotGenuine { .. })) && !house.path("o.db").exists());
}

#[test]
fn what_was_there_is_never_overwritten() {
    let house = shipped();
    fs::write(house.path("r2.db"), "precious").unwrap();
    let target = strongroom_ship::dir::Directory::open(&house.path("spool")).unwrap();
    let route = strongroom_ship::route::route(&house.names(), When::Latest).unwrap();
    assert!(strongroom_ship::restore::database(&target, &route, When::Latest, &House::trust(), &house.path("r2.db"), &mut |_, _, _| {}).is_err());
    assert_eq!(fs::read(house.path("r2.db")).unwrap(), b"precious");
}
