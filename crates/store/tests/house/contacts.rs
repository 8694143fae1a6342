//! Contacts: who sees them, how they are found, joined and brought in, and what a check for conflicts says to whom.

use super::*;
use rules::{Contact, contact::{LinkKind, Part}};
use store::{
    alias, conflict::Match, contact::{self, Typed}, contact_list, identity, intake, merge, party, relation,
    who::{self, Who},
};

impl House {
    fn contact(&self, n: usize, name: &str) -> Sealed<Contact> {
        let typed = Typed { name: name.into(), ..Typed::default() };
        self.write(n, move |tx| contact::make(tx, &typed)).unwrap()
    }

    fn party(&self, n: usize, case: &Sealed<Case>, contact: &Sealed<Contact>, part: Part) {
        let (case, contact) = (case.clone(), contact.clone());
        self.write(n, move |tx| party::add(&tx.open::<Contribute, Case>(&case, Verb::PartyAdd)?, &tx.open::<Read, Contact>(&contact, Verb::PartyAdd)?, part, part == Part::Client)).unwrap();
    }

    fn contact_level(&self, n: usize, contact: &Sealed<Contact>) -> Level {
        let contact = contact.clone();
        self.read(n, move |tx| tx.open::<Read, Contact>(&contact, Verb::ContactView).map(|contact| contact.level())).unwrap_or(Level::None)
    }

    /// Names on the list, but for that of the client with an account.
    fn listed(&self, n: usize, words: &'static str) -> Vec<String> {
        let rows = self.read(n, move |tx| contact_list::list(tx, words, None)).unwrap().rows.into_iter();
        rows.map(|row| row.name).filter(|name| name != "Person 4").collect()
    }

    fn give(&self, case: &Sealed<Case>, n: usize, level: Level) {
        let (case, whom) = (case.clone(), self.whom(n));
        self.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&case, Verb::AccessGrant)?, &whom, level, "")).unwrap();
    }
}

#[test]
fn a_contact_on_a_case_is_seen_by_those_who_read_one_of_its_cases_and_nobody_else() {
    let house = House::new();
    let (free, case) = (house.contact(0, "Folake Adeyemi"), house.open("A matter"));
    let levels = |contact: &Sealed<Contact>| [0, 1, 2, 4, ADMINISTRATOR].map(|n| house.contact_level(n, contact));
    use Level::{Contribute, Know, Manage, None, Read};
    assert_eq!(levels(&free), [Contribute, Contribute, Contribute, None, None]);
    house.party(0, &case, &free, Part::Client);
    assert_eq!(levels(&free), [Manage, None, None, None, None]);
    assert!(house.listed(1, "").is_empty() && house.listed(1, "adeyemi").is_empty());
    house.give(&case, 1, Read);
    house.give(&case, 2, Know);
    house.give(&case, 4, Read);
    assert_eq!(levels(&free), [Manage, Read, None, None, None], "a client of the case and one who knows its reference see nothing of its parties");
    assert_eq!(house.listed(1, "ade"), ["Folake Adeyemi"]);
    assert!(house.listed(2, "ade").is_empty());

    // A part that is over opens nothing to everybody.
    let (c, k) = (case.clone(), free.clone());
    house.write(0, move |tx| party::end(&tx.open::<rules::Contribute, Case>(&c, Verb::PartyEnd)?, &k, Part::Client)).unwrap();
    assert_eq!(levels(&free), [Manage, Read, None, None, None]);

    let (c, whom) = (case.clone(), house.whom(1));
    house.write(0, move |tx| grant::raise_wall(&tx.open::<rules::Manage, Case>(&c, Verb::WallRaise)?, &whom, "Other side")).unwrap();
    assert_eq!(levels(&free), [Manage, None, None, None, None], "a wall against the case hides the contact at once");
}

#[test]
fn a_check_finds_every_spelling_and_says_of_what_is_hidden_only_whom_to_ask() {
    let house = House::new();
    let (mine, walled) = (house.open("A matter"), house.open("Kovalenko: appeal"));
    let olena = house.contact(0, "Olena Kovalenko");
    house.party(0, &walled, &olena, Part::OtherSide);
    let look = |n: usize, case: Option<&Sealed<Case>>, name: &str| {
        let (case, name) = (case.cloned(), [name.to_owned()]);
        let found = house.read(n, move |tx| match &case {
            Some(case) => conflict::look_for(&tx.open::<Read, Case>(case, Verb::ConflictLook)?, &name),
            None => conflict::look(tx, &name),
        });
        found.unwrap().into_iter().flat_map(|found| found.matches).collect::<Vec<_>>()
    };
    for spelling in ["Олена Коваленко", "KOVALENKO, Olena", "Olena Kowalenko", "kovalenko"] {
        let found = look(0, Some(&mine), spelling);
        assert!(matches!(&found[..], [Match::Contact { name, parts, .. }] if name == "Olena Kovalenko" && parts.len() == 1), "{spelling}: {}", found.len());
        let hidden = look(1, None, spelling);
        assert!(matches!(&hidden[..], [Match::Hidden { ask }] if ask == "Person 0"), "{spelling}: {}", hidden.len());
    }
    assert!(look(0, Some(&walled), "Olena Kovalenko").is_empty(), "what only this case has is no match");
    assert!(look(0, Some(&mine), "Peter Smith").is_empty());
    assert!(matches!(&look(0, Some(&mine), "Person 3")[..], [Match::Colleague { .. }]));
    assert!(house.read(4, |tx| conflict::look(tx, &["Kovalenko".into()]).map(drop)).is_err(), "clients look for nobody");
}

#[test]
fn an_enquiry_opens_only_after_a_decision_that_covers_every_party() {
    let house = House::new();
    let typed = house.typed("Somebody new", 0);
    let case = house.write(0, move |tx| case::enquire(tx, &typed)).unwrap();
    let open = |case: &Sealed<Case>| {
        let case = case.clone();
        house.write(0, move |tx| case::open(&tx.open::<Manage, Case>(&case, Verb::CaseChange)?))
    };
    let decide = |decision: Decision, reason: &'static str, matches: usize| {
        let case = case.clone();
        house.write(0, move |tx| conflict::decide(&tx.open::<Manage, Case>(&case, Verb::ConflictDecide)?, &[], Some(decision), reason, matches))
    };
    assert!(matches!(open(&case), Err(Refusal::Invalid(_))), "opened without a check");
    assert!(matches!(decide(Decision::Clear, "", 0), Err(Refusal::Invalid(_))), "decided about nobody");
    house.party(0, &case, &house.contact(0, "Zaynab Quartey"), Part::Client);
    assert!(matches!(decide(Decision::Clear, "", 1), Err(Refusal::Invalid(_))), "decided about something else than is there");
    decide(Decision::Clear, "", 0).unwrap();
    house.party(0, &case, &house.contact(0, "Ingrid Solheim"), Part::OtherSide);
    assert!(matches!(open(&case), Err(Refusal::Invalid(_))), "a party came since");
    decide(Decision::Conflict, "We act for her sister", 0).unwrap();
    assert!(matches!(open(&case), Err(Refusal::Invalid(_))), "opened in spite of a conflict");
    decide(Decision::Clear, "", 0).unwrap();
    open(&case).unwrap();
    let decisions = house.read(0, move |tx| conflict::decisions(&tx.open::<Read, Case>(&case, Verb::CaseView)?)).unwrap();
    assert_eq!(decisions.iter().map(|decided| decided.decision).collect::<Vec<_>>(), [Decision::Clear, Decision::Conflict, Decision::Clear]);
    assert_eq!(decisions[0].terms, ["Ingrid Solheim", "Zaynab Quartey"]);
}

#[test]
fn nobody_makes_a_second_contact_of_one_person_without_having_been_asked() {
    let house = House::new();
    let first = house.contact(0, "Catherine Phillips");
    let settle = |is: &str| {
        let who = Who { name: "Kathryn Philips".into(), organisation: false, is: is.into() };
        house.write(0, move |tx| who::settle(tx, &who, Verb::PartyAdd).map(drop))
    };
    assert!(matches!(settle(""), Err(Refusal::Invalid(problems)) if problems[0].field == "who_is"));
    settle(first.as_str()).unwrap();
    assert_eq!(house.listed(0, "").len(), 1);
    settle("new").unwrap();
    assert_eq!(house.listed(0, "").len(), 2);
}

#[test]
fn a_duplicate_that_is_joined_loses_nothing_and_its_address_leads_on() {
    let house = House::new();
    let (stays, duplicate) = (house.contact(0, "Anne Bell"), house.contact(0, "Ann Bell"));
    let case = house.open("A matter");
    house.party(0, &case, &duplicate, Part::Witness);
    let id = duplicate.clone();
    house
        .write(0, move |tx| {
            let contact = tx.open::<Contribute, Contact>(&id, Verb::ContactChange)?;
            alias::add(&contact, "Anna Glocke", "before")?;
            identity::add(&contact, &identity::Typed { kind: "passport".into(), number: "C01234567".into(), country: "Ghana".into(), expires: "1 Feb 2030".into() })
        })
        .unwrap();
    let (to, from) = (stays.clone(), duplicate.clone());
    house.write(0, move |tx| merge::join(&tx.open::<Contribute, Contact>(&to, Verb::ContactMerge)?, &tx.open::<Contribute, Contact>(&from, Verb::ContactMerge)?)).unwrap();
    let (name, names, papers, parts) = house
        .read(0, move |tx| {
            let contact = tx.open::<Read, Contact>(&duplicate, Verb::ContactView)?;
            let shown = identity::list(&contact, None)?.into_iter().next().unwrap();
            let whole = identity::list(&contact, Some(&shown.id))?.into_iter().next().unwrap();
            Ok((contact::file(&contact)?.name, alias::list(&contact)?, [shown.number, whole.number], party::of_contact(&contact)?.len()))
        })
        .unwrap();
    assert_eq!((name.as_str(), parts, papers), ("Anne Bell", 1, ["••••567".to_owned(), "C01234567".to_owned()]));
    assert_eq!(names.iter().map(|alias| alias.name.as_str()).collect::<Vec<_>>(), ["Anna Glocke", "Ann Bell"]);
    assert_eq!(house.listed(0, "glocke"), ["Anne Bell"]);
    assert_eq!(house.listed(0, "bell").len(), 1);
}

#[test]
fn nobody_is_their_own_grandparent() {
    let house = House::new();
    let [a, b, c] = ["Ada One", "Bea Two", "Cid Three"].map(|name| house.contact(0, name));
    let tie = |left: &Sealed<Contact>, right: &Sealed<Contact>, kind: LinkKind| {
        let (left, right) = (left.clone(), right.clone());
        house.write(0, move |tx| relation::add(&tx.open::<Contribute, Contact>(&left, Verb::ContactChange)?, &tx.open::<Read, Contact>(&right, Verb::ContactView)?, kind, true))
    };
    tie(&a, &b, LinkKind::Parent).unwrap();
    tie(&b, &c, LinkKind::Parent).unwrap();
    assert!(matches!(tie(&c, &a, LinkKind::Parent), Err(Refusal::Invalid(_))));
    assert!(matches!(tie(&a, &a, LinkKind::Spouse), Err(Refusal::Invalid(_))));
    tie(&a, &b, LinkKind::Spouse).unwrap();
    tie(&b, &a, LinkKind::Spouse).unwrap();
    let ties = house.read(0, move |tx| relation::list(&tx.open::<Read, Contact>(&b, Verb::ContactView)?)).unwrap();
    let mut words: Vec<_> = ties.iter().map(|tie| format!("{} {}", tie.words, tie.name)).collect();
    words.sort();
    assert_eq!(words, ["is a child of Ada One", "is a parent of Cid Three", "is the spouse or partner of Ada One"]);
}

#[test]
fn a_file_is_looked_at_first_then_kept_and_taken_back_at_once() {
    let house = House::new();
    house.contact(0, "Ann Bell");
    let file = "name,born,other names\nAnn Bel,1/2/1980,Annie|Anna Bell\nNorthgate Care,,\nBad,32/1/2000,\n";
    let import = house.write(0, move |tx| intake::take(tx, "old.csv", file.as_bytes())).unwrap();
    assert_eq!(house.listed(0, "").len(), 1, "nothing is kept before it is accepted");
    let id = import.clone();
    let seen = house.read(0, move |tx| intake::preview(tx, &id)).unwrap();
    assert_eq!((seen.good, seen.bad.len(), seen.alike), (2, 1, vec![(2, "Ann Bel".to_owned())]));
    let id = import.clone();
    assert!(matches!(house.write(1, move |tx| intake::accept(tx, &id)), Err(Refusal::NotFound)), "another's file");
    let id = import.clone();
    assert_eq!(house.write(0, move |tx| intake::accept(tx, &id)).unwrap(), 2);
    assert_eq!(house.listed(0, "").len(), 3);
    let used = house.read(0, |tx| contact_list::list(tx, "northgate", None)).unwrap().rows.remove(0).id;
    house.party(0, &house.open("A matter"), &used, Part::Client);
    let id = import.clone();
    assert_eq!(house.write(0, move |tx| intake::undo(tx, &id)).unwrap(), 1, "what was used stays");
    assert_eq!(house.listed(0, ""), ["Ann Bell", "Northgate Care"]);
    assert!(matches!(house.write(0, move |tx| intake::undo(tx, &import)), Err(Refusal::NotFound)), "there is one undo");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn the_list_holds_exactly_the_contacts_that_open(grants in proptest::collection::vec((0usize..3, 1usize..4, 1u8..=4), 0..8), parties in proptest::collection::vec((0usize..3, 0usize..4), 0..8)) {
        let house = House::new();
        let cases: Vec<_> = (0..3).map(|n| house.open(&format!("Case {n}"))).collect();
        let contacts: Vec<_> = ["Ada One", "Bea Two", "Cid Three", "Dan Four"].map(|name| house.contact(0, name)).into();
        for (case, contact) in parties {
            house.party(0, &cases[case], &contacts[contact], Part::Client);
        }
        for (case, person, level) in grants {
            house.give(&cases[case], person, Level::from_number(level.into()));
        }
        for person in 0..=ADMINISTRATOR {
            let listed = house.listed(person, "").len();
            let opened = contacts.iter().filter(|contact| house.contact_level(person, contact) > Level::None).count();
            prop_assert_eq!(listed, opened, "person {}", person);
        }
    }
}
