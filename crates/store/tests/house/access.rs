//! Who may do what: the table of decisions against the deciding function, and what a proof of a level is worth.

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Give(usize, Level),
    Revoke(usize),
    Raise(usize),
    Lower(usize),
    Hand(usize, Option<usize>),
}

fn step() -> impl Strategy<Value = Step> {
    let person = 0..ROLES.len();
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
    let to = |n: usize| house.whom(n);
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
                typed.supervisor = house.person(n);
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
        let manager = house.whom(3);
        let grant_id = id.clone();
        house.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&grant_id, Verb::AccessView)?, &manager, Level::Manage, "")).unwrap();
        for step in steps {
            apply(&house, &id, step);
            let seers_of = id.clone();
            let told = house.read(3, move |tx| {
                let seers = seers::people(&tx.open::<Manage, Case>(&seers_of, Verb::AccessView)?)?;
                Ok(seers.into_iter().map(|seer| (seer.id.to_string(), seer.level)).collect::<Vec<_>>())
            }).unwrap();
            for n in 0..ROLES.len() {
                let me = house.person(n).to_string();
                let said = told.iter().find(|(id, _)| *id == me).map_or(Level::None, |(_, level)| *level);
                prop_assert_eq!(house.level(n, &id), said, "person {}", n);
                let listed = house.read(n, |tx| case_list::list(tx, &Filter::default())).unwrap().rows.len();
                prop_assert_eq!(listed, usize::from(said >= Level::Know));
            }
        }
    }
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
fn reading_is_not_allowed_to_reach_higher() {
    let house = House::new();
    let id = house.open("Levels");
    let (reader, case_id) = (house.whom(1), id.clone());
    house.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&case_id, Verb::AccessView)?, &reader, Level::Read, "")).unwrap();
    let (a, b) = (id.clone(), id);
    assert!(house.read(1, move |tx| tx.open::<Read, Case>(&a, Verb::CaseView).map(|_| ())).is_ok());
    assert!(matches!(house.read(1, move |tx| tx.open::<Manage, Case>(&b, Verb::AccessView).map(|_| ())), Err(Refusal::Forbidden(_))));
}

#[test]
fn nobody_behind_a_wall_becomes_owner_or_supervisor_and_the_trail_names_who_did() {
    let house = House::new();
    let id = house.open("Handed");
    let hand = |to: usize, supervisor: Option<usize>, version: i64| {
        let mut typed = house.typed("Handed", to);
        typed.supervisor = supervisor.map_or(Sealed::from_url(""), |n| house.person(n));
        let (id, change) = (id.clone(), case::Change { typed, status: Status::Open, outcome: String::new(), reason: String::new(), version });
        house.write(0, move |tx| case::change(&tx.open::<Contribute, Case>(&id, Verb::CaseChange)?, &change))
    };
    let (walled, case_id) = (house.whom(1), id.clone());
    house.write(0, move |tx| grant::raise_wall(&tx.open::<Manage, Case>(&case_id, Verb::WallRaise)?, &walled, "conflict")).unwrap();
    for (owner, supervisor) in [(1, None), (0, Some(1))] {
        let Err(Refusal::Invalid(problems)) = hand(owner, supervisor, 2) else { panic!("a walled person was taken") };
        assert!(problems[0].text.contains("wall"), "{problems:?}");
    }
    hand(0, Some(2), 2).unwrap();
    hand(0, None, 3).unwrap();
    hand(3, Some(0), 4).unwrap();
    let case_id = id.clone();
    let events = house.read(3, move |tx| trail::of_case(&tx.open::<Manage, Case>(&case_id, Verb::HistoryView)?, trail::Which::Changes, i64::MAX, 20)).unwrap();
    let said: Vec<_> = events.iter().rev().filter(|told| matches!(told.event.verb, Verb::CaseHand | Verb::SupervisionBegin | Verb::SupervisionEnd)).map(|told| (told.event.verb, told.object.clone().unwrap())).collect();
    let name = |n: usize| format!("Person {n}");
    assert_eq!(said, [(Verb::SupervisionBegin, name(2)), (Verb::SupervisionEnd, name(2)), (Verb::CaseHand, name(3)), (Verb::SupervisionBegin, name(0))]);
}

#[test]
fn an_outcome_is_changed_by_those_who_manage() {
    let house = House::new();
    let id = house.open("Closed");
    let close = |n: usize, outcome: &str, version: i64| {
        let (id, typed, outcome) = (id.clone(), house.typed("Closed", 0), outcome.to_owned());
        let change = case::Change { typed, status: Status::Closed, outcome, reason: String::new(), version };
        house.write(n, move |tx| case::change(&tx.open::<Contribute, Case>(&id, Verb::CaseChange)?, &change))
    };
    close(0, "Refused", 2).unwrap();
    let (helper, case_id) = (house.whom(1), id.clone());
    house.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&case_id, Verb::AccessGrant)?, &helper, Level::Contribute, "")).unwrap();
    assert!(matches!(close(1, "Granted in full", 3), Err(Refusal::Forbidden(_))));
    close(1, "Refused", 3).unwrap();
}

#[test]
fn reasons_outlive_what_they_were_given_for() {
    let house = House::new();
    let id = house.open("Reasons");
    let person = house.whom(1);
    let (a, b, c, p, q) = (id.clone(), id.clone(), id.clone(), person.clone(), person.clone());
    house.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&a, Verb::AccessGrant)?, &p, Level::Read, "covers for Marta")).unwrap();
    house.write(0, move |tx| grant::revoke(&tx.open::<Manage, Case>(&b, Verb::AccessRevoke)?, &q)).unwrap();
    let events = house.read(0, move |tx| trail::of_case(&tx.open::<Manage, Case>(&c, Verb::HistoryView)?, trail::Which::Changes, i64::MAX, 10)).unwrap();
    let given = events.iter().find(|told| told.event.verb == Verb::AccessGrant).unwrap();
    assert_eq!((given.reason.as_deref(), given.object.as_deref(), given.event.detail), (Some("covers for Marta"), Some("Person 1"), Some(2)));
}

/// Opaque id of a team that the administrator makes.
fn team(house: &House, name: &'static str) -> Sealed<rules::Team> {
    house.write(ADMINISTRATOR, move |tx| team::make(&tx.charge(Verb::TeamChange)?, name)).unwrap();
    let teams = house.read(ADMINISTRATOR, |tx| team::list(&tx.charge(Verb::TeamView)?)).unwrap();
    teams.into_iter().find(|team| team.name == name).unwrap().id
}

fn join(house: &House, team: &Sealed<rules::Team>, n: usize) -> Result<(), Refusal> {
    let (team, person) = (team.clone(), house.person(n));
    house.write(ADMINISTRATOR, move |tx| team::add(&tx.charge(Verb::TeamChange)?, &team, &person))
}

#[test]
fn what_a_team_is_given_counts_for_its_people_until_they_leave_and_its_walls_stay_with_them() {
    let house = House::new();
    let (open, shut) = (house.open("Given"), house.open("Kept out"));
    let housing = team(&house, "Housing");
    join(&house, &housing, 1).unwrap();
    let whom = grant::Whom::from_form(housing.as_str());
    let (a, w) = (open.clone(), whom.clone());
    house.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&a, Verb::AccessGrant)?, &w, Level::Contribute, "the team covers")).unwrap();
    let (b, one) = (shut.clone(), house.whom(1));
    house.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&b, Verb::AccessGrant)?, &one, Level::Manage, "")).unwrap();
    let (b, w) = (shut.clone(), whom);
    house.write(0, move |tx| grant::raise_wall(&tx.open::<Manage, Case>(&b, Verb::WallRaise)?, &w, "acted for the other side")).unwrap();
    assert_eq!((house.level(1, &open), house.level(1, &shut)), (Level::Contribute, Level::None), "a wall of the team beats the grant of one's own");
    join(&house, &housing, 2).unwrap();
    assert_eq!(house.level(2, &open), Level::Contribute, "whoever joins has it at once");
    let a = open.clone();
    let seers = house.read(0, move |tx| seers::people(&tx.open::<Read, Case>(&a, Verb::AccessView)?)).unwrap();
    assert_eq!(seers.iter().find(|seer| seer.name == "Person 2").unwrap().teams, [("Housing".to_owned(), Level::Contribute)]);

    let (t, p) = (housing.clone(), house.person(1));
    house.write(ADMINISTRATOR, move |tx| team::take_out(&tx.charge(Verb::TeamChange)?, &t, &p)).unwrap();
    assert_eq!((house.level(1, &open), house.level(1, &shut)), (Level::None, Level::None), "who leaves a team loses its access and keeps its walls");
    let b = shut.clone();
    let events = house.read(0, move |tx| trail::of_case(&tx.open::<Manage, Case>(&b, Verb::HistoryView)?, trail::Which::Changes, i64::MAX, 1)).unwrap();
    assert_eq!((events[0].event.verb, events[0].object.as_deref()), (Verb::WallRaise, Some("Person 1")), "the history of the case names whom the wall stays against");

    house.write(ADMINISTRATOR, move |tx| team::remove(&tx.charge(Verb::TeamChange)?, &housing)).unwrap();
    assert_eq!(house.level(2, &open), Level::None);
    let (b, two) = (shut.clone(), house.whom(2));
    house.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&b, Verb::AccessGrant)?, &two, Level::Read, "")).unwrap();
    assert_eq!(house.level(2, &shut), Level::None, "the wall outlives the team");
}

#[test]
fn a_team_is_no_way_past_a_wall_and_none_into_ones_own_hands() {
    let house = House::new();
    let id = house.open("Owned");
    let housing = team(&house, "Housing");
    let against = || grant::Whom::from_form(housing.as_str());
    join(&house, &housing, 0).unwrap();
    let raise = |against: grant::Whom| {
        let id = id.clone();
        house.write(0, move |tx| grant::raise_wall(&tx.open::<Manage, Case>(&id, Verb::WallRaise)?, &against, "conflict"))
    };
    let Err(Refusal::Invalid(problems)) = raise(against()) else { panic!("a wall against the owner's own team") };
    assert!(problems[0].text.contains("team"), "{problems:?}");
    let (t, p) = (housing.clone(), house.person(0));
    house.write(ADMINISTRATOR, move |tx| team::take_out(&tx.charge(Verb::TeamChange)?, &t, &p)).unwrap();
    raise(against()).unwrap();
    let Err(Refusal::Invalid(problems)) = join(&house, &housing, 0) else { panic!("the owner joined a team that is kept out") };
    assert!(problems[0].text.contains("handed over"), "{problems:?}");

    let manager = Actor { role: Role::Manager, ..house.actor(1) };
    let (t, me) = (housing.clone(), house.person(1));
    let joined = house.runtime.block_on(house.site().write(manager, move |tx| team::add(&tx.charge(Verb::TeamChange)?, &t, &me)));
    assert!(matches!(joined, Err(Refusal::Invalid(_))), "a case manager put themselves into a team");
}

#[test]
fn the_matrix_holds_the_cases_that_one_manages_and_nobody_elses() {
    let house = House::new();
    let cases: Vec<_> = (0..matrix::PAGE + 2).map(|n| house.open(&format!("Case {n}"))).collect();
    let typed = house.typed("Of another", 1);
    house.write(1, move |tx| open(tx, &typed)).unwrap();
    let give = |case: &Sealed<Case>, n: usize, level: Level| {
        let (id, whom) = (case.clone(), house.whom(n));
        house.write(0, move |tx| grant::give(&tx.open::<Manage, Case>(&id, Verb::AccessGrant)?, &whom, level, "")).unwrap();
    };
    give(&cases[0], 1, Level::Read);
    give(&cases[1], 1, Level::Manage);
    let (id, whom) = (cases[1].clone(), house.whom(2));
    house.write(0, move |tx| grant::raise_wall(&tx.open::<Manage, Case>(&id, Verb::WallRaise)?, &whom, "conflict")).unwrap();

    let titles = |page: &matrix::Matrix| page.cases.iter().map(|case| case.title.clone()).collect::<Vec<_>>();
    let first = house.read(0, |tx| matrix::page(tx, None)).unwrap();
    assert_eq!((first.cases.len(), titles(&first)[0].as_str(), first.next.is_some()), (matrix::PAGE, "Case 11", true));
    let after = first.next.clone();
    let rest = house.read(0, move |tx| matrix::page(tx, after.as_ref())).unwrap();
    assert_eq!((titles(&rest), rest.next.is_some()), (vec!["Case 1".to_owned(), "Case 0".to_owned()], false));
    let cells = |name: &str| rest.people.iter().find(|line| line.name == name).map(|line| line.cells.iter().map(|cell| (cell.level, cell.walled)).collect::<Vec<_>>());
    assert_eq!(cells("Person 0").unwrap(), [(Level::Manage, false), (Level::Manage, false)]);
    assert_eq!(cells("Person 1").unwrap(), [(Level::Manage, false), (Level::Read, false)]);
    assert_eq!(cells("Person 2").unwrap(), [(Level::None, true), (Level::None, false)]);
    assert_eq!(cells("Person 3"), None);

    let theirs = house.read(1, |tx| matrix::page(tx, None)).unwrap();
    assert_eq!(titles(&theirs), ["Of another", "Case 1"], "reading a case is not managing it");
    assert!(house.read(2, |tx| matrix::page(tx, None)).unwrap().cases.is_empty());
}
