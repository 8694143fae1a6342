//! What a write is worth when something goes wrong.

use super::*;

#[test]
fn a_refused_write_changes_nothing_and_is_in_the_trail() {
    let house = House::new();
    let id = house.open("Before");
    let (stranger, typed) = (id.clone(), house.typed("After", 0));
    let change = case::Change { typed, status: Status::Open, outcome: String::new(), reason: String::new(), version: 2 };
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
        open(tx, &typed)?;
        panic!("on purpose");
    });
    assert!(fault.is_err());
    house.open("Whole");
    let titles: Vec<_> = house.read(0, |tx| case_list::list(tx, &Filter::default())).unwrap().rows.into_iter().map(|row| row.summary.map(|seen| seen.title)).collect();
    assert_eq!(titles, [Some("Whole".to_owned())]);
}

/// Spoils every page of the database but the first, which hold the schema and the accounts.
fn damage(house: &House) {
    let entry = house.appliance.sites()[0].0.clone();
    let path = house.appliance.dir().join("sites").join(keys::nonce::hex(&entry.id)).join("site.db");
    let sql = rusqlite::Connection::open(&path).unwrap();
    sql.pragma_update(None, "key", house.site().keys().database_pragma().expose()).unwrap();
    let busy: i64 = sql.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    assert!(length > 100 * 4096, "too few pages: {length} bytes");
    for page in (125 * 4096..length).step_by(4096) {
        file.write_all_at(&[0xAA; 64], page + 1000).unwrap();
    }
}

#[test]
fn damage_that_a_read_meets_stops_all_writes_and_no_other_read() {
    let house = House::new();
    lists::many_cases(&house);
    let typed = house.typed("Refused", 0);
    damage(&house);
    let met = house.read(0, |tx| case_list::list(tx, &Filter::default()).map(drop));
    assert!(matches!(met, Err(Refusal::Damaged(_))), "{met:?}");
    assert!(house.site().trouble().unwrap().contains("damaged"));
    let refused = house.write(0, move |tx| open(tx, &typed).map(drop));
    assert!(matches!(refused, Err(Refusal::Stopped)), "{refused:?}");
    assert!(house.read(0, |tx| user::own_email(&tx.own(Verb::AccountView)).map(drop)).is_ok());
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
                site.write(actor, move |tx| open(tx, &typed)).await
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
