//! Counters of tries: alike for everybody, not forgiven by half a sign-in, and kept as long as they count.

use super::{accounts::visit, *};
use keys::nonce::Token;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{
    session::Arrival,
    sign::{Entry, Proof},
    throttle::{Admission, Counted, Knock},
};

#[test]
fn tries_are_counted_alike_for_known_and_unknown_and_a_known_browser_gets_in() {
    static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000);
    let house = House::with(|| Moment(NOW.load(Ordering::Relaxed)));
    let device = Token::new().unwrap();
    let (entered, code) = visit(&house, 1);
    let known = Arrival::new(&Token::new().unwrap(), &device, "192.0.2.7", "");
    assert_eq!(house.runtime.block_on(house.site().enter(&entered, Proof::Code(Some(code)), known)).unwrap(), Entry::Granted);
    let knock = |email: &str, from: &str, device: Option<&Token>| house.runtime.block_on(house.site().knock(Knock { account: Some(email), from, device })).unwrap();
    for email in ["p1@firm.example", "nobody@firm.example"] {
        for n in 0..10 {
            assert!(matches!(knock(email, &format!("192.0.2.{n}"), None), Admission::Go(_)), "{email} {n}");
        }
        let Admission::Held(until) = knock(email, "192.0.2.99", None) else { panic!("{email}") };
        assert_eq!(until.0 - NOW.load(Ordering::Relaxed), 90_000, "{email}");
    }
    let Admission::Go(counted) = knock("p1@firm.example", "192.0.2.99", Some(&device)) else { panic!("a known browser is not held off") };
    assert!(matches!(knock("p1@firm.example", "192.0.2.98", Some(&Token::new().unwrap())), Admission::Held(_)));
    house.runtime.block_on(house.site().relieve(counted)).unwrap();
    NOW.fetch_add(90_001, Ordering::Relaxed);
    assert!(matches!(knock("nobody@firm.example", "192.0.2.99", None), Admission::Go(_)));
    for n in 0..100 {
        if matches!(knock(&format!("a{n}@x.example"), "2001:db8::1", None), Admission::Held(_)) {
            assert_eq!(n, 40, "forty from one address");
            return;
        }
    }
    panic!("never held off");
}

/// A try at an account from an address of its own; `None` when it is held off.
fn tried(house: &House, email: &str, n: u32) -> Option<Counted> {
    let from = format!("198.51.{}.{}", n / 200, n % 200);
    match house.runtime.block_on(house.site().knock(Knock { account: Some(email), from: &from, device: None })).unwrap() {
        Admission::Go(counted) => Some(counted),
        Admission::Held(_) => None,
    }
}

#[test]
fn a_right_password_forgives_no_wrong_codes() {
    let house = House::new();
    let wrong_codes = (0..100).find(|n| {
        let Some(password) = tried(&house, "p1@firm.example", *n) else { return true };
        house.runtime.block_on(house.site().give_back(password)).unwrap();
        tried(&house, "p1@firm.example", *n).is_none()
    });
    assert_eq!(wrong_codes, Some(10), "ten wrong codes, whatever comes between");
}

#[test]
fn a_clock_that_was_wrong_once_freezes_no_counter() {
    static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000);
    let house = House::with(|| Moment(NOW.load(Ordering::Relaxed)));
    let far = 365 * 24 * 3_600_000;
    NOW.fetch_add(far, Ordering::Relaxed);
    assert_eq!((0..11).filter(|n| tried(&house, "p1@firm.example", *n).is_some()).count(), 10);
    NOW.fetch_sub(far, Ordering::Relaxed);
    assert!(tried(&house, "p1@firm.example", 20).is_none(), "setting the clock back takes nothing out");
    NOW.fetch_add(10 * 90_000, Ordering::Relaxed);
    assert!(tried(&house, "p1@firm.example", 21).is_some(), "from there on time takes out what it always does");
}
