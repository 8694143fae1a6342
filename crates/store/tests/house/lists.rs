//! Lists of cases: filters and pages.

use super::*;

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
pub(crate) fn many_cases(house: &House) {
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
        teams: Vec::new(),
        walls: Vec::new(),
        parties: Vec::new(),
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
    let change = case::Change { typed: house.typed("Moves", 0), status: Status::Closed, outcome: "Granted".into(), reason: String::new(), version: 2 };
    house.write(0, move |tx| case::change(&tx.open::<Contribute, Case>(&id, Verb::CaseChange)?, &change)).unwrap();
    assert_eq!(pages(&house, 0, &closed).len(), 1);
    assert!(pages(&house, 0, &Filter { statuses: vec![Status::Open], ..Filter::default() }).is_empty());
}
