//! The store from outside: the table of decisions against the deciding function, and what a write is worth.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use rules::{Actor, Case, Contribute, Know, Level, Manage, Moment, Read, Refusal, Sealed, Secret, User, UserKind, Verb, case::Status};
use keys::ring;
use strongroom_store as store;
use store::{
    Appliance, Firm, Site, case,
    case_list::{self, Filter},
    fill, grant, trail,
    user::{self, NewUser},
};

const KINDS: [UserKind; 6] = [UserKind::Staff, UserKind::Staff, UserKind::Staff, UserKind::Staff, UserKind::Client, UserKind::Administrator];

struct House {
    appliance: Appliance,
    runtime: tokio::runtime::Runtime,
    ids: Vec<i64>,
    _dir: tempfile::TempDir,
}

fn clock() -> Moment {
    Moment(1_800_000_000_000)
}

impl House {
    fn new() -> House {
        let dir = tempfile::tempdir().unwrap();
        let zone = jiff::tz::TimeZone::UTC;
        let firm = Firm { name: "Firm".into(), prefix: "F".into(), zone_name: "UTC".into(), zone, phone: None };
        let data = dir.path().join("data");
        let unlock = ring::create_key_file(&dir.path().join("key")).unwrap();
        let appliance = Appliance::create(&data, &[unlock], &firm, clock).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let person = |(n, kind): (usize, UserKind)| NewUser {
            kind,
            name: format!("Person {n}"),
            words: "Adviser".into(),
            email: format!("p{n}@firm.example"),
            password: String::new(),
            totp: Secret::new([n as u8; 20]),
        };
        let people = KINDS.into_iter().enumerate().map(person).collect();
        let site = appliance.sites()[0].1.clone();
        let ids = runtime.block_on(site.fill_people(people)).unwrap();
        runtime.block_on(site.fill_types(&["Visit"])).unwrap();
        House { appliance, runtime, ids, _dir: dir }
    }

    fn site(&self) -> &Site {
        &self.appliance.sites()[0].1
    }

    fn actor(&self, n: usize) -> Actor {
        Actor { user: self.ids[n], kind: KINDS[n], session: 0, from: "::1".into() }
    }

    fn read<T: Send + 'static>(&self, n: usize, work: impl for<'t> FnOnce(&'t store::Tx<'t, store::Reading>) -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
        self.runtime.block_on(self.site().read(self.actor(n), work))
    }

    fn write<T: Send + 'static>(&self, n: usize, work: impl for<'t> FnOnce(&'t store::Tx<'t, store::Writing>) -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
        self.runtime.block_on(self.site().write(self.actor(n), work))
    }

    /// Opaque id of a person.
    fn person(&self, n: usize) -> Sealed<User> {
        self.read(n, user::own_id).unwrap()
    }

    fn typed(&self, title: &str, owner: usize) -> case::Typed {
        case::Typed { title: title.into(), summary: String::new(), type_id: "1".into(), owner: self.person(owner), supervisor: Sealed::from_url("") }
    }

    fn open(&self, title: &str) -> Sealed<Case> {
        let typed = self.typed(title, 0);
        self.write(0, move |tx| case::open(tx, &typed, Status::Open)).unwrap()
    }

    fn level(&self, n: usize, id: &Sealed<Case>) -> Level {
        let id = id.clone();
        self.read(n, move |tx| tx.open::<Know, Case>(&id, Verb::CaseView).map(|case| case.level())).unwrap_or(Level::None)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Give(usize, Level),
    Revoke(usize),
    Raise(usize),
    Lower(usize),
    Hand(usize, Option<usize>),
}

fn step() -> impl Strategy<Value = Step> {
    let person = 0..KINDS.len();
    prop_oneof![
        (person.clone(), 1..=4i64).prop_map(|(n, level)| Step::Give(n, Level::from_number(level))),
        person.clone().prop_map(Step::Revoke),
        person.clone().prop_map(Step::Raise),
        person.clone().prop_map(Step::Lower),
        (0..4usize, proptest::option::of(0..4usize)).prop_map(|(owner, supervisor)| Step::Hand(owner, supervisor)),
    ]
}

/// Person 3 manages by a grant throughout, so that there is always somebody who can act.
fn apply(house: &House, id: &Sealed<Case>, step: Step) {
    let case_id = id.clone();
    let to = |n: usize| house.person(n);
    let done = match step {
        Step::Give(n, level) if n != 3 => {
            let to = to(n);
            house.write(3, move |tx| grant::give(&tx.open::<Manage, Case>(&case_id, Verb::AccessView)?, &to, level, "because"))
        }
        Step::Revoke(n) if n != 3 => {
            let to = to(n);
            house.write(3, move |tx| grant::revoke(&tx.open::<Manage, Case>(&case_id, Verb::AccessView)?, &to))
        }
        Step::Raise(n) if n != 3 => {
            let to = to(n);
            house.write(3, move |tx| grant::raise_wall(&tx.open::<Manage, Case>(&case_id, Verb::AccessView)?, &to, "conflict"))
        }
        Step::Lower(n) => {
            let to = to(n);
            house.write(3, move |tx| grant::lower_wall(&tx.open::<Manage, Case>(&case_id, Verb::AccessView)?, &to, "settled"))
        }
        Step::Hand(owner, supervisor) => {
            let mut typed = house.typed("Handed over", owner);
            if let Some(n) = supervisor {
                typed.supervisor = to(n);
            }
            house.write(3, move |tx| {
                let case = tx.open::<Manage, Case>(&case_id, Verb::CaseChange)?;
                let version = case::details(&case)?.version;
                case::change(&case, &case::Change { typed, status: Status::Open, outcome: String::new(), reason: String::new(), version })
            })
        }
        _ => Ok(()),
    };
    assert!(matches!(done, Ok(()) | Err(Refusal::Invalid(_))), "{done:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_store_allows_is_what_the_deciding_function_says(steps in proptest::collection::vec(step(), 1..25)) {
        let house = House::new();
        let id = house.open("Property");
        let manager = house.person(3);
        let grant_id = id.clone();
        house.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&grant_id, Verb::AccessView)?, &manager, Level::Manage, "")).unwrap();
        for step in steps {
            apply(&house, &id, step);
            let seers_of = id.clone();
            let told = house.read(3, move |tx| {
                let seers = grant::seers(&tx.open::<Manage, Case>(&seers_of, Verb::AccessView)?)?;
                Ok(seers.into_iter().map(|seer| (seer.id.to_string(), seer.level)).collect::<Vec<_>>())
            }).unwrap();
            for n in 0..KINDS.len() {
                let me = house.person(n).to_string();
                let said = told.iter().find(|(id, _)| *id == me).map_or(Level::None, |(_, level)| *level);
                prop_assert_eq!(house.level(n, &id), said, "person {}", n);
                let listed = house.read(n, |tx| case_list::list(tx, &Filter::default())).unwrap().rows.len();
                prop_assert_eq!(listed, usize::from(said >= Level::Know));
            }
        }
    }
}

/// References of all pages of a list, in its order.
fn pages(house: &House, n: usize, filter: &Filter) -> Vec<String> {
    let (mut filter, mut all) = (filter.clone(), Vec::new());
    for _ in 0..20 {
        let asked = filter.clone();
        let page = house.read(n, move |tx| case_list::list(tx, &asked)).unwrap();
        all.extend(page.rows.into_iter().map(|row| row.reference));
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return all,
        }
    }
    panic!("a list without an end");
}

/// 400 cases in turn of each status and of three owners; person 3 reads those whose number is no multiple of four, and may only know of the others.
fn many_cases(house: &House) {
    let case = |n: usize| fill::NewCase {
        reference: format!("F-{n:04}"),
        title: format!("Visit {n}"),
        summary: String::new(),
        type_name: "Visit",
        status: Status::ALL[n % 5],
        outcome: None,
        owner: house.ids[n % 3],
        supervisor: None,
        opened: clock(),
        grants: vec![(house.ids[3], if n.is_multiple_of(4) { Level::Know } else { Level::Read }, None)],
        walls: Vec::new(),
        documents: Vec::new(),
    };
    house.runtime.block_on(house.site().fill_cases((0..400).map(case).collect())).unwrap();
}

#[test]
fn pages_of_a_filtered_list_hold_each_fitting_case_once_newest_first() {
    let house = House::new();
    many_cases(&house);
    let owners: Vec<_> = [None, Some(0), Some(2)].into();
    let wanted: [&[Status]; 4] = [&[], &[Status::Closed], &[Status::Closed, Status::Declined], &[Status::Enquiry, Status::Open, Status::OnHold]];
    for (owner, statuses, words) in owners.iter().flat_map(|o| wanted.iter().flat_map(move |s| ["", "visit"].map(|w| (*o, *s, w)))) {
        let filter = Filter { words: words.into(), statuses: statuses.to_vec(), owner: owner.map(|n| house.person(n)), after: None };
        // What one may only know of has no owner, no title and no status but "open".
        let fits = |n: &usize| {
            let reads = !n.is_multiple_of(4);
            let status = if reads { Status::ALL[n % 5] } else { Status::Open };
            (statuses.is_empty() || statuses.contains(&status)) && owner.is_none_or(|o| reads && n % 3 == o) && (words.is_empty() || reads)
        };
        let expected: Vec<_> = (0..400).rev().filter(fits).map(|n| format!("F-{n:04}")).collect();
        assert_eq!(pages(&house, 3, &filter), expected, "{filter:?}");
    }
}

#[test]
fn a_change_of_status_moves_the_case_between_lists() {
    let house = House::new();
    let id = house.open("Moves");
    let closed = Filter { statuses: vec![Status::Closed], ..Filter::default() };
    assert!(pages(&house, 0, &closed).is_empty());
    let change = case::Change { typed: house.typed("Moves", 0), status: Status::Closed, outcome: "Granted".into(), reason: String::new(), version: 1 };
    house.write(0, move |tx| case::change(&tx.open::<Contribute, Case>(&id, Verb::CaseChange)?, &change)).unwrap();
    assert_eq!(pages(&house, 0, &closed).len(), 1);
    assert!(pages(&house, 0, &Filter { statuses: vec![Status::Open], ..Filter::default() }).is_empty());
}

#[test]
fn an_id_of_another_kind_another_site_or_nobody_is_not_found() {
    let (house, other) = (House::new(), House::new());
    let (mine, theirs) = (house.open("Mine"), other.open("Theirs"));
    for id in [theirs, Sealed::from_url(house.person(0).as_str()), Sealed::from_url(""), Sealed::from_url("x")] {
        let refused = house.read(0, move |tx| tx.open::<Know, Case>(&id, Verb::CaseView).map(|_| ()));
        assert!(matches!(refused, Err(Refusal::NotFound)));
    }
    assert_eq!(house.level(0, &mine), Level::Manage);
}

#[test]
fn a_refused_write_changes_nothing_and_is_in_the_trail() {
    let house = House::new();
    let id = house.open("Before");
    let (stranger, typed) = (id.clone(), house.typed("After", 0));
    let change = case::Change { typed, status: Status::Open, outcome: String::new(), reason: String::new(), version: 1 };
    let refused = house.write(1, move |tx| case::change(&tx.open::<Contribute, Case>(&stranger, Verb::CaseChange)?, &change));
    assert!(matches!(refused, Err(Refusal::NotFound)));
    let again = id.clone();
    let (title, events) = house
        .read(0, move |tx| {
            let case = tx.open::<Manage, Case>(&again, Verb::HistoryView)?;
            Ok((case::file(&case)?.title, trail::of_case(&case, trail::Which::Every, i64::MAX, 50)?))
        })
        .unwrap();
    assert_eq!(title, "Before");
    let refusal = events.iter().find(|told| told.event.refused).unwrap();
    assert_eq!((refusal.event.verb, refusal.who.as_deref()), (Verb::CaseChange, Some("Person 1")));
    assert!(events.iter().all(|told| told.holds));
}

#[test]
fn a_panic_in_a_write_undoes_that_write_alone() {
    let house = House::new();
    let typed = house.typed("Half done", 0);
    let fault = house.write(0, move |tx| -> Result<(), Refusal> {
        case::open(tx, &typed, Status::Open)?;
        panic!("on purpose");
    });
    assert!(fault.is_err());
    house.open("Whole");
    let titles: Vec<_> = house.read(0, |tx| case_list::list(tx, &Filter::default())).unwrap().rows.into_iter().map(|row| row.title).collect();
    assert_eq!(titles, [Some("Whole".to_owned())]);
}

#[test]
fn writes_of_many_at_once_all_commit_and_the_trail_stays_whole() {
    let house = House::new();
    let owner = house.person(0);
    let all = house.runtime.block_on(async {
        let writes = (0..200).map(|n| {
            let (site, actor, owner) = (house.site().clone(), house.actor(0), owner.clone());
            tokio::spawn(async move {
                let typed = case::Typed { title: format!("Case {n}"), summary: String::new(), type_id: "1".into(), owner, supervisor: Sealed::from_url("") };
                site.write(actor, move |tx| case::open(tx, &typed, Status::Open)).await
            })
        });
        let mut done = Vec::new();
        for write in writes.collect::<Vec<_>>() {
            done.push(write.await.unwrap());
        }
        done
    });
    assert!(all.iter().all(Result::is_ok));
    let checked = house.runtime.block_on(house.site().check_trail()).unwrap();
    let trail::Checked::Unbroken(head) = checked else { panic!("{checked:?}") };
    assert!(head.seq >= 200);
}

#[test]
fn private_columns_are_hidden_from_whoever_has_the_key_of_the_database() {
    let house = House::new();
    let (entry, _) = &house.appliance.sites()[0];
    let site = house.appliance.dir().join("sites").join(keys::nonce::hex(&entry.id));
    let sql = rusqlite::Connection::open(site.join("site.db")).unwrap();
    let pragma = house.site().keys().database_pragma();
    sql.pragma_update(None, "key", pragma.expose()).unwrap();
    let rows: Vec<(String, Vec<u8>, Vec<u8>)> = {
        let mut all = sql.prepare("select u.name, u.email, f.secret from user u join factor f on f.user_id = u.id").unwrap();
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(rows.len(), KINDS.len());
    for (n, (name, email, secret)) in rows.iter().enumerate() {
        assert_eq!(name, &format!("Person {n}"));
        assert!(!email.windows(12).any(|w| w == b"firm.example") && !secret.windows(20).any(|w| w == [n as u8; 20]));
        assert_eq!(email[0], keys::VERSION, "every ciphertext begins with its version");
    }
    // Moved to another row, a value does not open.
    sql.execute_batch("update user set email = (select email from user where id = 2) where id = 1").unwrap();
    drop(sql);
    assert!(house.read(0, |tx| user::own_email(tx).map(|_| ())).is_err());
}

#[test]
fn reading_is_not_allowed_to_reach_higher() {
    let house = House::new();
    let id = house.open("Levels");
    let (reader, case_id) = (house.person(1), id.clone());
    house.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&case_id, Verb::AccessView)?, &reader, Level::Read, "")).unwrap();
    let (a, b) = (id.clone(), id);
    assert!(house.read(1, move |tx| tx.open::<Read, Case>(&a, Verb::CaseView).map(|_| ())).is_ok());
    assert!(matches!(house.read(1, move |tx| tx.open::<Manage, Case>(&b, Verb::AccessView).map(|_| ())), Err(Refusal::Forbidden(_))));
}

#[test]
fn reasons_outlive_what_they_were_given_for() {
    let house = House::new();
    let id = house.open("Reasons");
    let person = house.person(1);
    let (a, b, c, p, q) = (id.clone(), id.clone(), id.clone(), person.clone(), person.clone());
    house.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&a, Verb::AccessGrant)?, &p, Level::Read, "covers for Marta")).unwrap();
    house.write(0, move |tx| grant::revoke(&tx.open::<Manage, Case>(&b, Verb::AccessRevoke)?, &q)).unwrap();
    let events = house.read(0, move |tx| trail::of_case(&tx.open::<Manage, Case>(&c, Verb::HistoryView)?, trail::Which::Changes, i64::MAX, 10)).unwrap();
    let given = events.iter().find(|told| told.event.verb == Verb::AccessGrant).unwrap();
    assert_eq!((given.reason.as_deref(), given.object.as_deref(), given.event.detail), (Some("covers for Marta"), Some("Person 1"), Some(2)));
}
