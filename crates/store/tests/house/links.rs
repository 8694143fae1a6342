//! Letters with a link: a letter whose link is void or used is not sent any more, and a link that takes another's place is for the same.

use super::{
    accounts::{ADMINISTRATOR, HOUR, invite, letters, with_mail, with_questions},
    *,
};
use keys::{nonce::Token, totp};
use rules::LetterKind;
use store::{
    factor, person, recovery,
    session::Arrival,
    settings::{self, Recovery},
    sign::Entry,
    ticket::{Made, Purpose},
};

fn resend(house: &House, who: &Sealed<User>) -> Made {
    let who = who.clone();
    house.write(ADMINISTRATOR, move |tx| person::resend(&tx.person(&who, Verb::PersonResend)?, "https://x.example")).unwrap()
}

fn reset(house: &House, who: &Sealed<User>) -> Made {
    let who = who.clone();
    house.write(ADMINISTRATOR, move |tx| person::reset(&tx.person(&who, Verb::PersonReset)?, "Came to the office with her passport", "https://x.example")).unwrap()
}

/// The letters that are due, taken out of the queue, with the text of their links' tokens.
fn sent(house: &House) -> Vec<(LetterKind, String)> {
    letters(house).into_iter().map(|(kind, token)| (kind, token.map(|token| token.expose().to_owned()).unwrap_or_default())).collect()
}

fn bring(house: &House, token: &Token, visit: &Token) -> Purpose {
    house.runtime.block_on(house.site().use_ticket(token, visit, "::1")).unwrap().unwrap()
}

#[test]
fn a_letter_whose_link_is_void_or_used_is_taken_back() {
    let house = House::new();
    with_mail(&house);
    let (id, _) = invite(&house, Role::Staff, "new@firm.example").unwrap();
    let newer = resend(&house, &id);
    assert_eq!(sent(&house), [(LetterKind::Invite, newer.token.expose().to_owned())], "only the newer one");
    let (_, shown) = invite(&house, Role::Staff, "shown@firm.example").unwrap();
    assert_eq!(bring(&house, &shown, &Token::new().unwrap()), Purpose::Invite);
    assert!(sent(&house).is_empty(), "it was handed over and used before the letter went");
    with_questions(&house, 24);
    letters(&house);
    house.runtime.block_on(house.site().ask_way_back(Some("p1@firm.example".into()), "https://x", "::1")).unwrap();
    let made = reset(&house, &house.person(1));
    assert_eq!(sent(&house), [(LetterKind::Reset, made.token.expose().to_owned())], "the way back in is void after a reset");
}

#[test]
fn what_became_of_a_letter_that_was_taken_back_is_not_said_of_another() {
    let house = House::new();
    with_mail(&house);
    let (id, _) = invite(&house, Role::Staff, "new@firm.example").unwrap();
    let in_hands = house.site().next_letter().unwrap().unwrap().id;
    resend(&house, &id);
    house.runtime.block_on(house.site().letter_sent(in_hands, "250 ok".into())).unwrap();
    assert_eq!(house.site().post_state().unwrap().waiting, 1, "the newer letter still waits");
}

#[test]
fn a_link_sent_again_is_for_what_the_one_before_was_for() {
    let house = House::new();
    with_mail(&house);
    let (id, _) = invite(&house, Role::Staff, "new@firm.example").unwrap();
    assert_eq!(resend(&house, &id).ends, clock().plus(72 * HOUR));
    letters(&house);
    let who = house.person(1);
    reset(&house, &who);
    let again = resend(&house, &who);
    assert_eq!(again.ends, clock().plus(24 * HOUR));
    assert_eq!(sent(&house), [(LetterKind::Reset, again.token.expose().to_owned())]);
    assert_eq!(bring(&house, &again.token, &Token::new().unwrap()), Purpose::Reset);
}

#[test]
fn the_letter_that_stops_the_way_back_in_says_from_where_and_takes_back_the_one_that_waits() {
    let house = House::new();
    with_mail(&house);
    with_questions(&house, 168);
    letters(&house);
    let (site, run, visit) = (house.site(), &house.runtime, Token::new().unwrap());
    run.block_on(site.ask_way_back(Some("p1@firm.example".into()), "https://x", "::1")).unwrap();
    let link = letters(&house).remove(0).1.unwrap();
    assert_eq!(bring(&house, &link, &visit), Purpose::Recover);
    let way = run.block_on(site.answered(&visit, true, "https://x", "192.0.2.9")).unwrap();
    assert!(matches!(way, Some(recovery::Way::Later(at)) if at == clock().plus(168 * HOUR)));
    let soon = site.next_letter().unwrap().unwrap().letter.unwrap();
    assert_eq!((soon.kind, soon.fields.get("where")), (LetterKind::RecoverSoon, Some("192.0.2.9")));
    let stop = letters(&house).remove(0).1.unwrap();
    assert_eq!(site.post_state().unwrap().waiting, 1, "the letter with the way in waits for its time");
    assert_eq!(bring(&house, &stop, &Token::new().unwrap()), Purpose::Cancel);
    assert_eq!(site.post_state().unwrap().waiting, 0);
}

/// Goes through the whole enrolment under this cookie; false when it does not go on.
fn enrol(house: &House, visit: &Token) -> bool {
    let (site, run) = (house.site(), &house.runtime);
    if run.block_on(site.enrol_password(visit, "hash".into(), "::1")).is_err() {
        return false;
    }
    let secret = site.enrolment(visit).unwrap().unwrap().totp.unwrap();
    assert!(run.block_on(site.enrol_factor(visit, totp::code_at(secret.expose(), clock().seconds()), "::1")).unwrap());
    let codes = recovery::set_of(visit, recovery::AT_ENROLMENT).unwrap();
    assert!(run.block_on(site.enrol_codes(visit, Secret::new(codes[0].expose().clone()), "::1")).unwrap());
    let arrival = Arrival::new(&Token::new().unwrap(), &Token::new().unwrap(), "::1", "");
    run.block_on(site.enrol_terms(visit, arrival)).unwrap() == Entry::Granted
}

#[test]
fn a_new_link_puts_out_whoever_began_with_the_one_before() {
    let house = House::new();
    with_mail(&house);
    let (id, first) = invite(&house, Role::Staff, "new@firm.example").unwrap();
    let thief = Token::new().unwrap();
    bring(&house, &first, &thief);
    let second = resend(&house, &id);
    assert!(!enrol(&house, &thief), "the link was read by somebody else");
    let owner = Token::new().unwrap();
    bring(&house, &second.token, &owner);
    assert!(enrol(&house, &owner));
    assert!(house.site().account("new@firm.example").unwrap().is_some());
}

#[test]
fn a_way_back_in_that_was_begun_ends_when_it_is_closed_or_its_owner_changes_something() {
    let ends: [fn(&House); 3] = [
        |house| house.write(ADMINISTRATOR, |tx| settings::set_recovery(&tx.administer(Verb::SettingsChange)?, Recovery { on: false, delay: 24 })).unwrap(),
        |house| house.write(1, |tx| user::set_password(&tx.own_confirmed(Verb::PasswordSet)?, "another hash")).unwrap(),
        |house| {
            let who = house.person(1);
            house.write(ADMINISTRATOR, move |tx| person::suspend(&tx.person(&who, Verb::PersonSuspend)?)).unwrap();
        },
    ];
    for end in ends {
        let house = House::new();
        with_mail(&house);
        with_questions(&house, 24);
        letters(&house);
        let (site, run, visit) = (house.site(), &house.runtime, Token::new().unwrap());
        run.block_on(site.ask_way_back(Some("p1@firm.example".into()), "https://x", "::1")).unwrap();
        bring(&house, &letters(&house).remove(0).1.unwrap(), &visit);
        run.block_on(site.answered(&visit, true, "https://x", "::1")).unwrap().unwrap();
        letters(&house);
        assert_eq!(site.post_state().unwrap().waiting, 1, "the letter with the way in");
        end(&house);
        letters(&house);
        assert_eq!(site.post_state().unwrap().waiting, 0, "is taken back");
    }
}

#[test]
fn who_asks_for_the_way_back_in_again_and_again_sends_one_letter_and_spoils_no_link() {
    let house = House::new();
    with_mail(&house);
    with_questions(&house, 24);
    letters(&house);
    let ask = || house.runtime.block_on(house.site().ask_way_back(Some("p1@firm.example".into()), "https://x", "::1")).unwrap();
    ask();
    let link = letters(&house).remove(0).1.unwrap();
    (0..20).for_each(|_| ask());
    assert!(letters(&house).is_empty());
    assert_eq!(bring(&house, &link, &Token::new().unwrap()), Purpose::Recover, "the first link still works");
}

#[test]
fn a_new_authenticator_that_waited_is_never_shown_to_the_next_who_begins() {
    let house = House::new();
    let begin = || {
        house.write(1, |tx| factor::begin(&tx.own_confirmed(Verb::FactorAdd)?)).unwrap();
        house.read(1, |tx| factor::waiting_totp(&tx.own(Verb::AccountView))).unwrap().unwrap().expose().to_vec()
    };
    assert_ne!(begin(), begin());
}
