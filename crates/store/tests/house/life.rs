//! The life of an account: the sessions it has, the link that leads into it, what it hands over, and what its contacts are.

use super::{
    accounts::{ADMINISTRATOR, HOUR, invite},
    *,
};
use keys::{nonce::Token, totp};
use std::sync::atomic::{AtomicI64, Ordering};
use store::{
    belong::{self, Which},
    charge::Confirmed,
    people::{self, Link},
    person, recovery,
    session::{self, Arrival},
    settings::{self, Recovery, TypedFirm},
    setup::Claim,
    sign::{Entry, Proof},
    team,
};

const CLIENT: usize = 4;
const MINUTE: i64 = 60_000;

/// Signs a person in with the code of now; gives the token of the session.
fn signed_in(house: &House, n: usize) -> Token {
    let (visit, fresh, site) = (Token::new().unwrap(), Token::new().unwrap(), house.site());
    let account = site.account(&format!("p{n}@firm.example")).unwrap().unwrap();
    let code = totp::code_at(&[n as u8; 20], site.now().seconds());
    let arrival = Arrival::new(&fresh, &Token::new().unwrap(), "192.0.2.7", "Firefox on Linux");
    house.runtime.block_on(async {
        site.start_visit(&account, &visit).await.unwrap();
        assert_eq!(site.enter(&visit, Proof::Code(Some(code)), arrival).await.unwrap(), Entry::Granted);
    });
    fresh
}

/// Who acts in the session of this token, as of now.
fn actor_of(house: &House, token: &Token) -> Actor {
    house.site().session(token).unwrap().unwrap().actor("192.0.2.7", house.site().now())
}

/// In a transaction that writes, so that what was seen of sessions before is written down by then.
fn details(house: &House, who: Sealed<User>) -> people::Details {
    house.write(ADMINISTRATOR, move |tx| people::details(&tx.person(&who, Verb::PersonView)?)).unwrap()
}

#[test]
fn sessions_that_nobody_came_back_to_are_not_counted_listed_or_kept_for_live_ones() {
    static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000);
    let pass = |time: i64| NOW.fetch_add(time, Ordering::Relaxed);
    let house = House::with(|| Moment(NOW.load(Ordering::Relaxed)));
    let first = signed_in(&house, 1);
    for _ in 0..4 {
        pass(MINUTE);
        signed_in(&house, 1);
    }
    assert_eq!(details(&house, house.person(1)).sessions, 5);
    // Only the first and oldest is used; the four younger ones are idle for too long.
    for counted in [5, 1] {
        pass(20 * MINUTE);
        assert!(house.site().session(&first).unwrap().is_some());
        assert_eq!(details(&house, house.person(1)).sessions, counted);
    }
    let last = signed_in(&house, 1);
    assert!(house.site().session(&first).unwrap().is_some(), "it gave way to none that was over");
    assert_eq!(details(&house, house.person(1)).sessions, 2);
    // The absolute end: the first is used all day, the last is begun later.
    for _ in 0..33 {
        pass(20 * MINUTE);
        assert!(house.site().session(&first).unwrap().is_some() && house.site().session(&last).unwrap().is_some());
        assert_eq!(details(&house, house.person(1)).sessions, 2);
    }
    pass(MINUTE);
    let late = signed_in(&house, 1);
    pass(19 * MINUTE);
    let me = actor_of(&house, &late);
    let listed = house.runtime.block_on(house.site().read(me, |tx| session::list(&tx.own(Verb::AccountView)))).unwrap();
    assert_eq!((listed.len(), listed[0].current), (2, true), "twelve hours are over for the first");
    assert_eq!(details(&house, house.person(1)).sessions, 2);
}

#[test]
fn every_change_of_a_way_in_ends_the_other_sessions() {
    static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000);
    let house = House::with(|| Moment(NOW.load(Ordering::Relaxed)));
    house.write(ADMINISTRATOR, |tx| settings::set_recovery(&tx.administer(Verb::SettingsChange)?, Recovery { on: true, delay: 24 })).unwrap();
    type Change = fn(&Confirmed<'_>) -> Result<(), Refusal>;
    fn codes(own: &Confirmed<'_>) -> Result<(), Refusal> {
        recovery::make(own, &Token::new().unwrap())
    }
    fn answers(own: &Confirmed<'_>) -> Result<(), Refusal> {
        recovery::set_answers(own, ["First school", "First street"], ["one".into(), "two".into()])
    }
    fn password(own: &Confirmed<'_>) -> Result<(), Refusal> {
        user::set_password(own, "hash")
    }
    let changes: [(&str, Change); 3] = [("codes", codes), ("answers", answers), ("password", password)];
    for (what, change) in changes {
        let [mine, other] = [(); 2].map(|()| {
            NOW.fetch_add(MINUTE, Ordering::Relaxed);
            signed_in(&house, 1)
        });
        let me = actor_of(&house, &mine);
        house.runtime.block_on(house.site().write(me, move |tx| change(&tx.own_confirmed(Verb::AccountChange)?))).unwrap();
        let live = |token: &Token| house.site().session(token).unwrap().is_some();
        assert_eq!((live(&mine), live(&other)), (true, false), "{what}");
    }
}

#[test]
fn a_link_that_was_used_is_not_one_that_has_run_out() {
    static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000);
    let house = House::with(|| Moment(NOW.load(Ordering::Relaxed)));
    let (id, token) = invite(&house, Role::Staff, "new@firm.example").unwrap();
    let link = || details(&house, id.clone()).link;
    assert_eq!(link(), Link::Waits(clock().plus(72 * HOUR)));
    NOW.fetch_add(HOUR, Ordering::Relaxed);
    house.runtime.block_on(house.site().use_ticket(&token, &Token::new().unwrap(), "::1")).unwrap().unwrap();
    assert_eq!(link(), Link::Used(clock().plus(25 * HOUR)));
    NOW.fetch_add(24 * HOUR, Ordering::Relaxed);
    assert_eq!(link(), Link::Late);
    let (id, _) = invite(&house, Role::Staff, "other@firm.example").unwrap();
    NOW.fetch_add(72 * HOUR, Ordering::Relaxed);
    assert_eq!(details(&house, id).link, Link::Late);
}

#[test]
fn the_only_administrator_is_rescued_and_not_reset_on_the_console() {
    let house = House::new();
    let me = house.person(ADMINISTRATOR);
    let reset = |who: Sealed<User>| {
        let done = house.site().write(Actor::console(), move |tx| person::reset(&tx.person(&who, Verb::PersonReset)?, "saw his passport at the office", "https://x"));
        house.runtime.block_on(done).map(drop)
    };
    assert!(reset(me.clone()).unwrap_err().to_string().contains("strongroom rescue"));
    let who = me.clone();
    house.runtime.block_on(house.site().write(Actor::console(), move |tx| store::console::rescue(&tx.person(&who, Verb::Rescue)?))).unwrap();
    assert!(reset(me).unwrap_err().to_string().contains("strongroom rescue"), "nor while a rescue is under way");
    assert!(reset(house.person(1)).is_ok());
}

#[test]
fn leaving_tells_the_trail_whose_supervision_began_and_whose_ended() {
    let house = House::new();
    let open = |title: &str, owner: usize, supervisor: usize| {
        let mut typed = house.typed(title, owner);
        typed.supervisor = house.person(supervisor);
        house.write(2, move |tx| open(tx, &typed)).unwrap()
    };
    let cases = [open("Supervised by the leaver, owned by the successor", 1, 0), open("Owned by the leaver, supervised by the successor", 0, 1), open("Supervised by the leaver alone", 3, 0)];
    let (who, to) = (house.person(0), house.person(1));
    house.write(ADMINISTRATOR, move |tx| person::leave(&tx.person(&who, Verb::PersonLeave)?, &to)).unwrap();
    let told = cases.map(|id| {
        let events = house.read(2, move |tx| trail::of_case(&tx.open::<Manage, Case>(&id, Verb::HistoryView)?, trail::Which::Changes, i64::MAX, 20)).unwrap();
        let by_leaving = events.into_iter().rev().filter(|told| told.event.actor == Some(house.ids[ADMINISTRATOR]));
        by_leaving.map(|told| (told.event.verb, told.object.unwrap())).collect::<Vec<_>>()
    });
    let name = |n: usize| format!("Person {n}");
    assert_eq!(told[0], [(Verb::SupervisionEnd, name(0))]);
    assert_eq!(told[1], [(Verb::CaseHand, name(1)), (Verb::SupervisionEnd, name(1))]);
    assert_eq!(told[2], [(Verb::SupervisionBegin, name(1))]);
}

#[test]
fn who_works_on_no_cases_any_more_is_in_no_team() {
    let house = House::new();
    let (who, moved) = (house.person(1), house.person(1));
    house.write(ADMINISTRATOR, |tx| team::make(&tx.charge(Verb::TeamChange)?, "Appeals")).unwrap();
    let teams = || house.read(ADMINISTRATOR, |tx| team::list(&tx.charge(Verb::TeamView)?)).unwrap();
    let id = teams().remove(0).id;
    house.write(ADMINISTRATOR, move |tx| team::add(&tx.charge(Verb::TeamChange)?, &id, &who)).unwrap();
    let role = |role: Role| {
        let who = moved.clone();
        house.write(ADMINISTRATOR, move |tx| person::set_role(&tx.person(&who, Verb::PersonRole)?, role)).unwrap();
    };
    role(Role::Manager);
    assert_eq!(teams()[0].people.len(), 1);
    role(Role::Auditor);
    assert!(teams()[0].people.is_empty());
}

#[test]
fn a_contact_beyond_the_first_five_hundred_is_found_by_its_name() {
    let house = House::new();
    let who = house.person(CLIENT);
    house
        .write(ADMINISTRATOR, move |tx| {
            let person = tx.person(&who, Verb::PersonLink)?;
            let mut names = (0..belong::OFFERED).map(|n| format!("Client {n:03}")).chain(["Żółć, Zoë".into()]);
            names.try_for_each(|name| belong::link(&person, &Which::New { name, organisation: false }))
        })
        .unwrap();
    let offered = |text: &'static str| house.read(ADMINISTRATOR, move |tx| belong::list(&tx.charge(Verb::PeopleView)?, text)).unwrap();
    let all = offered("");
    assert!(all.more && all.contacts.len() == belong::OFFERED && all.contacts[0].name == "Client 000");
    let found = offered(" żÓŁ ");
    assert_eq!((found.more, found.contacts.len(), found.contacts[0].name.as_str()), (false, 1, "Żółć, Zoë"));
    let named = house.write(ADMINISTRATOR, |tx| belong::named(&tx.charge(Verb::PersonInvite)?, "żółć  ZOË")).unwrap();
    assert_eq!(named.len(), 1);
}

#[test]
fn names_stand_in_one_order_whatever_their_capitals() {
    let house = House::new();
    for (name, email) in [("de Vries, Jan", "jan@firm.example"), ("Zimmer, Eva", "eva@firm.example")] {
        let new = person::New { role: Role::Staff, name: name.into(), words: String::new(), email: email.into(), contact: None };
        house.write(ADMINISTRATOR, move |tx| person::invite(&tx.charge(Verb::PersonInvite)?, &new, "https://x").map(drop)).unwrap();
    }
    let names: Vec<String> = house.read(ADMINISTRATOR, |tx| people::list(&tx.charge(Verb::PeopleView)?, &people::Filter::default())).unwrap().into_iter().map(|listed| listed.name).collect();
    let at = |name: &str| names.iter().position(|n| n == name).unwrap();
    assert!(at("de Vries, Jan") < at("Person 0") && at("Person 5") < at("Zimmer, Eva"), "{names:?}");
}

#[test]
fn nobody_gets_the_id_of_an_account_that_was_named_by_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let keys = || keys::SiteKeys::new(&Secret::new([1; 32]), [2; 16]).unwrap();
    let firm = Firm { name: String::new(), kind: String::new(), prefix: String::new(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None };
    Site::create(dir.path(), &keys(), &firm, false).unwrap();
    let site = Site::open(dir.path(), keys(), clock).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (link, holder) = (site.new_setup_link().await.unwrap(), Token::new().unwrap());
        assert_eq!(site.claim(Some(&link), &holder, "https://x", "::1").await.unwrap(), Claim::Won);
        let typed = TypedFirm { name: "Firm".into(), kind: "other".into(), prefix: "F".into(), zone: "UTC".into(), phone: String::new() };
        site.setup_firm(&holder, typed, "::1").await.unwrap();
        let mut ids = Vec::new();
        for name in ["Anm Bell", "Ann Bell"] {
            let visit = Token::new().unwrap();
            site.setup_you(&holder, name.into(), "ann@firm.example".into(), &visit, "::1").await.unwrap();
            ids.push(site.enrolment(&visit).unwrap().unwrap().user);
        }
        assert_ne!(ids[0], ids[1]);
    });
    site.close();
}

#[test]
fn another_e_mail_address_counts_at_once_and_both_are_told() {
    let house = House::new();
    crate::accounts::with_mail(&house);
    let session = signed_in(&house, 1);
    let change = |email: &'static str| {
        let who = house.person(1);
        house.write(ADMINISTRATOR, move |tx| person::change(&tx.person(&who, Verb::PersonChange)?, "Person 1", "Adviser", email))
    };
    assert!(matches!(change("P2@firm.example"), Err(Refusal::Invalid(problems)) if problems[0].text.contains("already")));
    assert!(matches!(change("p1@fіrm.example"), Err(Refusal::Invalid(problems)) if problems[0].text.contains("plain letters")));
    change("P1@firm.example").unwrap();
    assert!(house.site().session(&session).unwrap().is_some(), "the same address changes nothing");
    change("new1@firm.example").unwrap();
    assert!(house.site().session(&session).unwrap().is_none());
    assert!(house.site().account("p1@firm.example").unwrap().is_none() && house.site().account("new1@firm.example").unwrap().is_some());
    let mut told = Vec::new();
    while let Some(due) = house.site().next_letter().unwrap() {
        told.push(due.letter.unwrap().address.expose().clone());
        house.runtime.block_on(house.site().letter_sent(due.id, "250 ok".into())).unwrap();
    }
    assert!(told.contains(&"p1@firm.example".to_owned()) && told.contains(&"new1@firm.example".to_owned()), "{told:?}");
}

#[test]
fn trouble_with_backups_is_told_to_every_system_administrator_and_to_nobody_else() {
    let house = House::new();
    crate::accounts::with_mail(&house);
    let tell = || house.runtime.block_on(house.site().tell_of_backups(vec!["Nothing arrives at office: the destination is full.".into(), "No drill from office has passed yet.".into()]));
    tell().unwrap();
    let mut told = 0;
    while let Some(due) = house.site().next_letter().unwrap() {
        let letter = due.letter.unwrap();
        assert_eq!((letter.kind, letter.fields.get("what")), (rules::LetterKind::Backups, Some("Nothing arrives at office: the destination is full.\nNo drill from office has passed yet.")));
        assert!(letter.fields.get("link").is_some_and(|link| link.ends_with("/system/backups")));
        told += 1;
        house.runtime.block_on(house.site().letter_sent(due.id, "250 ok".into())).unwrap();
    }
    assert_eq!(told, 1, "there is one of them");
}
