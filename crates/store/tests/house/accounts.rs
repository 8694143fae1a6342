//! The door: links, codes and counters, each of which counts once; who may do what to an account; what is undone by leaving.

use super::*;
use keys::{code, nonce::Token, totp};
use rules::{LetterKind, Role, UserState};
use std::sync::atomic::{AtomicI64, Ordering};
use store::{
    charge::Own,
    belong::Which,
    enrol, factor,
    letter::{Security, Smtp},
    people, person, recovery,
    session::Arrival,
    settings::{self, Recovery},
    setup::Claim,
    sign::{Entry, Proof},
    ticket::{Purpose, Spoilt},
};

pub(crate) const HOUR: i64 = 3_600_000;

fn arrival(fresh: &Token) -> Arrival {
    Arrival::new(fresh, &Token::new().unwrap(), "192.0.2.7", "Firefox on Linux")
}

/// What twenty tasks at once bring about.
fn at_once<T: Send + 'static>(house: &House, how: impl Fn(usize) -> std::pin::Pin<Box<dyn Future<Output = T> + Send>>) -> Vec<T> {
    house.runtime.block_on(async {
        let tasks: Vec<_> = (0..20).map(|n| tokio::spawn(how(n))).collect();
        let mut out = Vec::new();
        for task in tasks {
            out.push(task.await.unwrap());
        }
        out
    })
}

fn new(role: Role, email: &str) -> person::New {
    let contact = (role == Role::Client).then(|| Which::New { name: "Adeyemi, Folake".into(), organisation: false });
    person::New { role, name: "New Person".into(), words: String::new(), email: email.into(), contact }
}

/// Invites as the system administrator; gives the link's token.
pub(crate) fn invite(house: &House, role: Role, email: &str) -> Result<(Sealed<User>, Token), Refusal> {
    let new = new(role, email);
    let invited = house.write(ADMINISTRATOR, move |tx| person::invite(&tx.charge(Verb::PersonInvite)?, &new, "https://x.example"))?;
    Ok((invited.id, invited.made.unwrap().token))
}

pub(crate) const ADMINISTRATOR: usize = 5;
const CLIENT: usize = 4;

#[test]
fn of_many_who_bring_a_link_at_once_one_begins_and_the_steps_lead_to_a_session() {
    let house = House::new();
    let (id, token) = invite(&house, Role::Staff, "new@firm.example").unwrap();
    let (site, token) = (house.site().clone(), std::sync::Arc::new(token));
    let used = at_once(&house, |_| {
        let (site, token, visit) = (site.clone(), token.clone(), Token::new().unwrap());
        Box::pin(async move { (site.use_ticket(&token, &visit, "::1").await.unwrap(), visit) })
    });
    let winners: Vec<&Token> = used.iter().filter(|(used, _)| *used == Ok(Purpose::Invite)).map(|(_, visit)| visit).collect();
    assert_eq!(winners.len(), 1);
    assert!(used.iter().filter(|(used, _)| used.is_err()).all(|(used, _)| *used == Err(Spoilt::Used)));
    let visit = winners[0];
    let step = || site.enrolment(visit).unwrap().map(|enrolment| enrolment.step);
    house.runtime.block_on(async {
        assert_eq!(step(), Some(enrol::Step::Password));
        assert!(matches!(site.enrol_factor(visit, "123456".into(), "::1").await, Err(Refusal::Conflict)));
        site.enrol_password(visit, "hash".into(), "::1").await.unwrap();
        let secret = site.enrolment(visit).unwrap().unwrap().totp.unwrap();
        assert!(!site.enrol_factor(visit, "000000".into(), "::1").await.unwrap());
        assert!(site.enrol_factor(visit, totp::code_at(secret.expose(), clock().seconds()), "::1").await.unwrap());
        assert_eq!(step(), Some(enrol::Step::Codes));
        let codes = recovery::set_of(visit, recovery::AT_ENROLMENT).unwrap();
        assert!(!site.enrol_codes(visit, Secret::new("0000".into()), "::1").await.unwrap());
        assert!(site.enrol_codes(visit, Secret::new(codes[3].expose().to_lowercase()), "::1").await.unwrap());
        let fresh = Token::new().unwrap();
        assert_eq!(site.enrol_terms(visit, arrival(&fresh)).await.unwrap(), Entry::Granted);
        assert!(site.enrolment(visit).unwrap().is_none());
        assert_eq!(site.session(&fresh).unwrap().unwrap().role, Role::Staff);
    });
    let state = house.read(ADMINISTRATOR, move |tx| tx.person(&id, Verb::PersonView).map(|person| person.state())).unwrap();
    assert_eq!(state, UserState::Active);
}

#[test]
fn a_link_that_is_old_taken_back_or_unknown_says_so() {
    static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000);
    let house = House::with(|| Moment(NOW.load(Ordering::Relaxed)));
    let bring = |token: &Token| house.runtime.block_on(house.site().use_ticket(token, &Token::new().unwrap(), "::1")).unwrap();
    assert_eq!(bring(&Token::new().unwrap()), Err(Spoilt::Unknown));
    let (id, first) = invite(&house, Role::Staff, "late@firm.example").unwrap();
    let again = id.clone();
    let second = house.write(ADMINISTRATOR, move |tx| person::resend(&tx.person(&again, Verb::PersonResend)?, "https://x.example")).unwrap();
    assert_eq!(bring(&first), Err(Spoilt::Void));
    NOW.fetch_add(72 * HOUR, Ordering::Relaxed);
    assert_eq!(bring(&second.token), Err(Spoilt::Late));
    NOW.fetch_sub(HOUR, Ordering::Relaxed);
    house.write(ADMINISTRATOR, move |tx| person::revoke(&tx.person(&id, Verb::PersonRevoke)?)).unwrap();
    assert_eq!(bring(&second.token), Err(Spoilt::Void));
    assert!(invite(&house, Role::Staff, "late@firm.example").is_ok(), "the address is free again");
}

/// Password given, and a code of the authenticator of person `n`.
pub(crate) fn visit(house: &House, n: usize) -> (Token, String) {
    let token = Token::new().unwrap();
    let account = house.site().account(&format!("p{n}@firm.example")).unwrap().unwrap();
    house.runtime.block_on(house.site().start_visit(&account, &token)).unwrap();
    (token, totp::code_at(&[n as u8; 20], clock().seconds()))
}

#[test]
fn of_twenty_who_bring_one_code_at_once_one_gets_in() {
    let house = House::new();
    let visits: Vec<Token> = (0..20).map(|_| visit(&house, 1).0).collect();
    let code = visit(&house, 1).1;
    let (site, visits) = (house.site().clone(), std::sync::Arc::new(visits));
    let entries = at_once(&house, |n| {
        let (site, visits, code) = (site.clone(), visits.clone(), code.clone());
        Box::pin(async move { site.enter(&visits[n], Proof::Code(Some(code)), arrival(&Token::new().unwrap())).await.unwrap() })
    });
    assert_eq!(entries.iter().filter(|entry| **entry == Entry::Granted).count(), 1);
}

#[test]
fn of_twenty_who_bring_one_recovery_code_at_once_one_gets_in() {
    let house = House::new();
    let session = Token::new().unwrap();
    let seed = Token::presented(session.expose()).unwrap();
    house.write(1, move |tx| recovery::make(&tx.own_confirmed(Verb::CodesMake)?, &seed)).unwrap();
    let codes = house.read(1, move |tx| recovery::just_made(&tx.own(Verb::AccountView), &session)).unwrap().unwrap();
    let visits: std::sync::Arc<Vec<Token>> = std::sync::Arc::new((0..20).map(|_| visit(&house, 1).0).collect());
    let (site, typed) = (house.site().clone(), codes[0].expose().clone());
    let entries = at_once(&house, |n| {
        let (site, visits, code) = (site.clone(), visits.clone(), code::normal(&typed).unwrap());
        Box::pin(async move { site.enter(&visits[n], Proof::Recovery(code), arrival(&Token::new().unwrap())).await.unwrap() })
    });
    assert_eq!(entries.iter().filter(|entry| **entry == Entry::Granted).count(), 1);
    assert_eq!(house.read(1, |tx| recovery::own_left(&tx.own(Verb::AccountView))).unwrap(), 9);
    let stranger = Token::new().unwrap();
    assert!(house.read(1, move |tx| recovery::just_made(&tx.own(Verb::AccountView), &stranger)).unwrap().is_none());
}

#[test]
fn of_two_claims_one_wins_and_five_wrong_ones_void_the_link() {
    let dir = tempfile::tempdir().unwrap();
    let keys = || keys::SiteKeys::new(&Secret::new([1; 32]), [2; 16]).unwrap();
    let firm = Firm { name: String::new(), kind: String::new(), prefix: String::new(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None };
    Site::create(dir.path(), &keys(), &firm, true).unwrap();
    let site = Site::open(dir.path(), keys(), clock).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        assert!(!site.is_set_up());
        let link = site.new_setup_link().await.unwrap();
        let (one, two) = (Token::new().unwrap(), Token::new().unwrap());
        let (a, b) = tokio::join!(site.claim(Some(&link), &one, "https://x", "::1"), site.claim(Some(&link), &two, "https://x", "::1"));
        let mut both = [a.unwrap(), b.unwrap()];
        both.sort_by_key(|claim| *claim != Claim::Won);
        assert_eq!(both, [Claim::Won, Claim::Closed]);
        let holder = if site.setup(&one).unwrap().is_some() { &one } else { &two };
        let link = site.new_setup_link().await.unwrap();
        assert!(site.setup(holder).unwrap().is_some(), "the browser that claimed it goes on");
        for left in [4, 3, 2, 1] {
            assert_eq!(site.claim(None, &Token::new().unwrap(), "https://x", "::1").await.unwrap(), Claim::Wrong(left));
        }
        assert_eq!(site.claim(Some(&Token::new().unwrap()), &Token::new().unwrap(), "https://x", "::1").await.unwrap(), Claim::Closed);
        assert_eq!(site.claim(Some(&link), &Token::new().unwrap(), "https://x", "::1").await.unwrap(), Claim::Closed);
        assert!(site.setup(holder).unwrap().is_some());
    });
    site.close();
}

#[test]
fn nobody_acts_on_themselves_and_the_last_administrator_stays() {
    let house = House::new();
    let me = house.person(ADMINISTRATOR);
    let (id, other) = (me.clone(), me.clone());
    let said = |refusal: Result<(), Refusal>| refusal.unwrap_err().to_string();
    assert!(said(house.write(ADMINISTRATOR, move |tx| person::suspend(&tx.person(&id, Verb::PersonSuspend)?))).contains("their own rights"));
    assert!(said(house.write(ADMINISTRATOR, move |tx| person::set_role(&tx.person(&other, Verb::PersonRole)?, Role::Staff))).contains("their own rights"));
    let console = house.runtime.block_on(house.site().write(Actor::console(), move |tx| person::suspend(&tx.person(&me, Verb::PersonSuspend)?)));
    assert!(said(console).contains("only system administrator"));
}

#[test]
fn who_looks_after_whom_and_only_with_a_factor_just_shown() {
    let house = House::new();
    let (client, staff) = (house.person(CLIENT), house.person(1));
    let as_role = |role: Role, confirmed: bool| Actor { user: house.ids[0], role, session: 0, from: "::1".into(), confirmed };
    for role in Role::ALL {
        for (id, is_client) in [(&client, true), (&staff, false)] {
            let id = id.clone();
            let found = house.runtime.block_on(house.site().read(as_role(role, false), move |tx| tx.person(&id, Verb::PersonView).map(|_| ())));
            let expected = role == Role::Administrator || (role == Role::Manager && is_client);
            assert_eq!(found.is_ok(), expected, "{role:?}");
            assert!(expected || matches!(found, Err(Refusal::NotFound)), "{role:?}");
        }
    }
    let id = client.clone();
    let unconfirmed = house.runtime.block_on(house.site().write(as_role(Role::Administrator, false), move |tx| person::suspend(&tx.person(&id, Verb::PersonSuspend)?)));
    assert!(matches!(unconfirmed, Err(Refusal::Forbidden(_))));
    let manager = house.runtime.block_on(house.site().write(as_role(Role::Manager, true), |tx| person::invite(&tx.charge(Verb::PersonInvite)?, &new(Role::Staff, "x@y.example"), "https://x").map(|_| ())));
    assert!(manager.unwrap_err().to_string().contains("Staff"));
}

#[test]
fn an_address_is_taken_once_whatever_its_capitals_or_letters() {
    let house = House::new();
    let refused = |email: &str| match invite(&house, Role::Staff, email) {
        Err(Refusal::Invalid(problems)) => problems[0].text.clone(),
        other => panic!("{email}: {:?}", other.map(|_| ())),
    };
    for same in ["p1@firm.example", "P1@FIRM.example", " ｐ1@firm.example "] {
        assert!(refused(same).contains("already"), "{same}");
    }
    assert!(refused("р1@firm.example").contains("“р”"), "a Cyrillic letter");
    assert!(invite(&house, Role::Client, "client@x.example").map(drop).unwrap_err().to_string().contains("recovery kit"));
    assert!(invite(&house, Role::Manager, "manager@firm.example").is_ok());
}

#[test]
fn leaving_hands_over_what_is_owned_and_takes_every_way_in() {
    let house = House::new();
    let case = house.open("Of somebody who leaves");
    let walled = house.open("With a wall");
    let (two, id) = (house.whom(2), walled.clone());
    house.write(0, move |tx| grant::raise_wall(&tx.open::<Manage, Case>(&id, Verb::WallRaise)?, &two, "conflict")).unwrap();
    let leave = |to: usize| {
        let (who, to) = (house.person(0), house.person(to));
        house.write(ADMINISTRATOR, move |tx| person::leave(&tx.person(&who, Verb::PersonLeave)?, &to))
    };
    assert!(leave(2).unwrap_err().to_string().contains("wall"));
    assert!(leave(CLIENT).unwrap_err().to_string().contains("colleague"));
    assert_eq!(house.level(0, &case), Level::Manage, "nothing was done by halves");
    leave(1).unwrap();
    assert_eq!((house.level(0, &case), house.level(1, &case)), (Level::None, Level::Manage));
    assert!(house.site().account("p0@firm.example").unwrap().is_none());
    assert!(leave(1).unwrap_err().to_string().contains("left already"));
}

#[test]
fn who_is_suspended_sees_nothing_and_gets_it_back() {
    let house = House::new();
    let case = house.open("Kept");
    let change = |what: fn(&store::charge::InCharge<'_, store::Writing>) -> Result<(), Refusal>| {
        let who = house.person(0);
        house.write(ADMINISTRATOR, move |tx| what(&tx.person(&who, Verb::PersonSuspend)?)).unwrap();
    };
    change(person::suspend);
    assert_eq!(house.level(0, &case), Level::None);
    change(person::restore);
    assert_eq!(house.level(0, &case), Level::Manage);
}

#[test]
fn a_reset_takes_the_ways_in_and_keeps_how_it_was_made_sure_who_it_is() {
    let house = House::new();
    let (visit, code) = visit(&house, 1);
    let fresh = Token::new().unwrap();
    house.runtime.block_on(house.site().enter(&visit, Proof::Code(Some(code)), arrival(&fresh))).unwrap();
    assert!(house.site().session(&fresh).unwrap().is_some());
    let reset = |check: &'static str| {
        let who = house.person(1);
        house.write(ADMINISTRATOR, move |tx| person::reset(&tx.person(&who, Verb::PersonReset)?, check, "https://x.example"))
    };
    assert!(reset("looked fine").map(drop).unwrap_err().to_string().contains("15 characters"));
    let made = reset("Came to the office with her passport").unwrap();
    assert!(house.site().session(&fresh).unwrap().is_none());
    assert!(house.site().account("p1@firm.example").unwrap().is_none());
    let who = house.person(1);
    let vouched = house.read(ADMINISTRATOR, move |tx| people::details(&tx.person(&who, Verb::PersonView)?)).unwrap().vouched;
    assert_eq!(vouched[0].2, "Came to the office with her passport");
    let begun = house.runtime.block_on(house.site().use_ticket(&made.token, &Token::new().unwrap(), "::1")).unwrap();
    assert_eq!(begun, Ok(Purpose::Reset));
}

/// Opens the way back in by questions, with a delay in hours, and sets the answers of person 1.
pub(crate) fn with_questions(house: &House, delay: i64) {
    house.write(ADMINISTRATOR, move |tx| settings::set_recovery(&tx.administer(Verb::SettingsChange)?, Recovery { on: true, delay })).unwrap();
    house.write(1, |tx| recovery::set_answers(&tx.own_confirmed(Verb::AnswersSet)?, ["First school", "First street"], ["one".into(), "two".into()])).unwrap();
}

/// Lets letters be put; nothing sends them here.
pub(crate) fn with_mail(house: &House) {
    let smtp = Smtp { host: "127.0.0.1".into(), port: 25, security: Security::None, user: None, password: None, from: "firm@firm.example".into(), helo: None };
    house.write(ADMINISTRATOR, move |tx| settings::set_mail(&tx.administer(Verb::SettingsChange)?, Some(&smtp))).unwrap();
}

/// The letters that are due, taken out of the queue: what they are and the token of their link.
pub(crate) fn letters(house: &House) -> Vec<(LetterKind, Option<Token>)> {
    let mut out = Vec::new();
    while let Some(due) = house.site().next_letter().unwrap() {
        let letter = due.letter.unwrap();
        out.push((letter.kind, letter.fields.get("link").and_then(|link| Token::presented(link.split("#k=").nth(1)?))));
        house.runtime.block_on(house.site().letter_sent(due.id, "250 ok".into())).unwrap();
    }
    out
}

#[test]
fn the_way_back_in_by_questions_is_counted_delayed_and_can_be_stopped() {
    static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000);
    let house = House::with(|| Moment(NOW.load(Ordering::Relaxed)));
    with_mail(&house);
    with_questions(&house, 24);
    letters(&house);
    let (site, run) = (house.site(), &house.runtime);
    let ask = |email: &str| run.block_on(site.ask_way_back(Some(email.into()), "https://x", "::1")).unwrap();
    ask("nobody@firm.example");
    ask("p2@firm.example");
    assert!(letters(&house).is_empty(), "nobody, or without questions");
    let begin = || {
        ask("p1@firm.example");
        let [(LetterKind::Recover, Some(link))] = <[_; 1]>::try_from(letters(&house)).map_err(drop).unwrap() else { panic!("no letter") };
        let visit = Token::new().unwrap();
        assert_eq!(run.block_on(site.use_ticket(&link, &visit, "::1")).unwrap(), Ok(Purpose::Recover));
        visit
    };
    let visit = begin();
    let questions = site.questions(&visit).unwrap().unwrap();
    assert_eq!((questions.questions.clone(), questions.hashes()), (["First school".into(), "First street".into()], ["one", "two"]));
    let tries: Vec<bool> = (0..4).map(|_| run.block_on(site.try_answers(&questions)).unwrap()).collect();
    assert_eq!(tries, [true, true, true, false], "three tries a day");
    NOW.fetch_add(HOUR, Ordering::Relaxed);
    run.block_on(site.sweep()).unwrap();
    assert!(!run.block_on(site.try_answers(&questions)).unwrap(), "an hour later, after the sweep, it is still the same day");
    assert!(run.block_on(site.answered(&visit, false, "https://x", "::1")).unwrap().is_none());
    let Some(recovery::Way::Later(at)) = run.block_on(site.answered(&visit, true, "https://x", "::1")).unwrap() else { panic!("no way") };
    assert_eq!(at.0, NOW.load(Ordering::Relaxed) + 24 * HOUR);
    assert!(site.questions(&visit).unwrap().is_none(), "answered once");
    let [(LetterKind::RecoverSoon, Some(stop))] = <[_; 1]>::try_from(letters(&house)).map_err(drop).unwrap() else { panic!("no letter that stops it") };
    NOW.fetch_add(24 * HOUR + 1, Ordering::Relaxed);
    let [(LetterKind::Reset, Some(way))] = <[_; 1]>::try_from(letters(&house)).map_err(drop).unwrap() else { panic!("no letter with the way") };
    let bring = |token: &Token| run.block_on(site.use_ticket(token, &Token::new().unwrap(), "::1")).unwrap();
    assert_eq!(bring(&stop), Ok(Purpose::Cancel));
    assert_eq!(bring(&way), Err(Spoilt::Void));
    assert!(site.account("p1@firm.example").unwrap().is_some(), "nothing of the account was touched");
    // Once more, and nobody stops it: a new start, with everything set up anew.
    house.write(1, |tx| recovery::set_answers(&tx.own_confirmed(Verb::AnswersSet)?, ["First school", "First street"], ["one".into(), "two".into()])).unwrap();
    letters(&house);
    NOW.fetch_add(24 * HOUR, Ordering::Relaxed);
    let visit = begin();
    assert!(matches!(run.block_on(site.answered(&visit, true, "https://x", "::1")).unwrap(), Some(recovery::Way::Later(_))));
    letters(&house);
    NOW.fetch_add(24 * HOUR + 1, Ordering::Relaxed);
    let way = letters(&house).remove(0).1.unwrap();
    let visit = Token::new().unwrap();
    assert_eq!(run.block_on(site.use_ticket(&way, &visit, "::1")).unwrap(), Ok(Purpose::Recovered));
    assert_eq!(site.enrolment(&visit).unwrap().unwrap().step, enrol::Step::Password);
    assert!(site.account("p1@firm.example").unwrap().is_none());
}

#[test]
fn one_s_own_account_is_one_s_own() {
    let house = House::new();
    fn name(own: &Own<'_, store::Writing>) -> Result<(), Refusal> {
        user::set_name(own, " Ann\tBell ")
    }
    house.write(1, |tx| name(&tx.own(Verb::AccountChange))).unwrap();
    let who = house.person(1);
    assert_eq!(house.read(ADMINISTRATOR, move |tx| people::details(&tx.person(&who, Verb::PersonView)?)).unwrap().listed.name, "Ann Bell");
    let unconfirmed = Actor { confirmed: false, ..house.actor(1) };
    let refused = house.runtime.block_on(house.site().write(unconfirmed, |tx| factor::begin(&tx.own_confirmed(Verb::FactorAdd)?)));
    assert!(matches!(refused, Err(Refusal::Forbidden(_))));
}
