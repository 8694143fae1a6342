//! A thousand generated firms: after every step of each, the kept decision of every person about every case is what the deciding function
//! makes of the rows. Steps go at the rows themselves, so that also what no page does today is covered.

use crate::migrate;
use proptest::prelude::*;
use rules::{Level, Role, UserState, policy};
use rusqlite::{Connection, params};

const PEOPLE: i64 = 6;
const CASES: i64 = 4;
const TEAMS: i64 = 3;

#[derive(Clone, Debug)]
enum Step {
    Give(i64, i64, i64),
    Revoke(i64, i64),
    Raise(i64, i64),
    Lower(i64, i64),
    GiveTeam(i64, i64, i64),
    RevokeTeam(i64, i64),
    RaiseTeam(i64, i64),
    LowerTeam(i64, i64),
    Join(i64, i64),
    Leave(i64, i64),
    Hand(i64, i64, Option<i64>),
    Role(i64, usize),
    State(i64, usize),
    Status(i64, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (case, person, team, level) = (1..=CASES, 1..=PEOPLE, 1..=TEAMS, 1..=4_i64);
    prop_oneof![
        (case.clone(), person.clone(), level.clone()).prop_map(|(c, p, l)| Step::Give(c, p, l)),
        (case.clone(), person.clone()).prop_map(|(c, p)| Step::Revoke(c, p)),
        (case.clone(), person.clone()).prop_map(|(c, p)| Step::Raise(c, p)),
        (case.clone(), person.clone()).prop_map(|(c, p)| Step::Lower(c, p)),
        (case.clone(), team.clone(), level).prop_map(|(c, t, l)| Step::GiveTeam(c, t, l)),
        (case.clone(), team.clone()).prop_map(|(c, t)| Step::RevokeTeam(c, t)),
        (case.clone(), team.clone()).prop_map(|(c, t)| Step::RaiseTeam(c, t)),
        (case.clone(), team.clone()).prop_map(|(c, t)| Step::LowerTeam(c, t)),
        (team.clone(), person.clone()).prop_map(|(t, p)| Step::Join(t, p)),
        (team, person.clone()).prop_map(|(t, p)| Step::Leave(t, p)),
        (case.clone(), person.clone(), proptest::option::of(person.clone())).prop_map(|(c, o, s)| Step::Hand(c, o, s)),
        (person.clone(), 0..5_usize).prop_map(|(p, r)| Step::Role(p, r)),
        (person, 0..UserState::ALL.len()).prop_map(|(p, s)| Step::State(p, s)),
        (case, 0..3_usize).prop_map(|(c, s)| Step::Status(c, s)),
    ]
}

/// Roles that an account of a firm's people can have (a client stays one).
const ROLES: [Role; 5] = [Role::Administrator, Role::Manager, Role::Staff, Role::Auditor, Role::Staff];

fn firm() -> Connection {
    let mut sql = Connection::open_in_memory().unwrap();
    migrate::migrate(&mut sql, migrate::SITE).unwrap();
    sql.execute_batch("insert into case_type (id, name) values (1, 'Visit')").unwrap();
    for person in 1..=PEOPLE {
        let role = if person == PEOPLE { Role::Client } else { Role::Staff };
        const USER: &str = "insert into user (id, kind, role, state, name, words, email, password, created) values (?, ?, ?, 'active', 'N', 'N', zeroblob(0), '', 0)";
        sql.execute(USER, params![person, role.kind().value(), role.value()]).unwrap();
    }
    for case in 1..=CASES {
        const CASE: &str = "insert into cases (id, reference, title, type_id, status, owner_id, opened, changed, changed_by) values (?1, 'F-' || ?1, 'T', 1, 'open', 1, 0, 0, 1)";
        sql.execute(CASE, [case]).unwrap();
    }
    for team in 1..=TEAMS {
        sql.execute("insert into team (id, name, created) values (?1, 'Team ' || ?1, 0)", [team]).unwrap();
    }
    sql
}

fn apply(sql: &Connection, step: &Step) -> rusqlite::Result<usize> {
    let run = |query: &str, values: &[&dyn rusqlite::ToSql]| sql.execute(query, values);
    match step {
        Step::Give(c, p, l) => run("insert into grants (case_id, user_id, level, by_id, at) values (?, ?, ?, 1, 0) on conflict do update set level = excluded.level", params![c, p, l]),
        Step::Revoke(c, p) => run("delete from grants where case_id = ? and user_id = ?", params![c, p]),
        Step::Raise(c, p) => run("insert or ignore into walls (case_id, user_id, reason, by_id, at) values (?, ?, '', 1, 0)", params![c, p]),
        Step::Lower(c, p) => run("delete from walls where case_id = ? and user_id = ?", params![c, p]),
        Step::GiveTeam(c, t, l) => run("insert into team_grant (case_id, team_id, level, by_id, at) values (?, ?, ?, 1, 0) on conflict do update set level = excluded.level", params![c, t, l]),
        Step::RevokeTeam(c, t) => run("delete from team_grant where case_id = ? and team_id = ?", params![c, t]),
        Step::RaiseTeam(c, t) => run("insert or ignore into team_wall (case_id, team_id, reason, by_id, at) values (?, ?, '', 1, 0)", params![c, t]),
        Step::LowerTeam(c, t) => run("delete from team_wall where case_id = ? and team_id = ?", params![c, t]),
        Step::Join(t, p) => run("insert or ignore into team_member (team_id, user_id) values (?, ?)", params![t, p]),
        Step::Leave(t, p) => run("delete from team_member where team_id = ? and user_id = ?", params![t, p]),
        Step::Hand(c, o, s) => run("update cases set owner_id = ?2, supervisor_id = ?3 where id = ?1", params![c, o, s]),
        Step::Role(p, r) => run("update user set role = ?2 where id = ?1 and kind = 'staff'", params![p, ROLES[*r].value()]),
        Step::State(p, s) => run("update user set state = ?2 where id = ?1", params![p, UserState::ALL[*s].value()]),
        Step::Status(c, s) => run("update cases set status = ?2 where id = ?1", params![c, ["open", "on_hold", "closed"][*s]]),
    }
}

/// The facts about one person and one case, from the rows alone.
fn facts(sql: &Connection, person: i64, case: i64) -> policy::Facts {
    let number = |query: &str| -> i64 { sql.prepare_cached(query).unwrap().query_row([case, person], |row| row.get::<_, Option<i64>>(0)).unwrap().unwrap_or(0) };
    let word = |column: &str| -> String { sql.query_row(&format!("select {column} from user where id = ?"), [person], |row| row.get(0)).unwrap() };
    let teams: Vec<i64> = sql.prepare_cached("select team_id from team_member where user_id = ?").unwrap().query_map([person], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let of_teams = |query: &str| -> i64 {
        teams.iter().map(|team| sql.prepare_cached(query).unwrap().query_row([case, *team], |row| row.get::<_, Option<i64>>(0)).unwrap().unwrap_or(0)).max().unwrap_or(0)
    };
    policy::Facts {
        role: Role::from_value(&word("role")).unwrap(),
        state: UserState::from_value(&word("state")).unwrap(),
        owner: number("select owner_id = ?2 from cases where id = ?1") == 1,
        supervisor: number("select supervisor_id is ?2 from cases where id = ?1") == 1,
        granted: Level::from_number(number("select max(level) from grants where case_id = ?1 and user_id = ?2")),
        by_team: Level::from_number(of_teams("select max(level) from team_grant where case_id = ?1 and team_id = ?2")),
        walled: number("select count(*) from walls where case_id = ?1 and user_id = ?2") + of_teams("select count(*) from team_wall where case_id = ?1 and team_id = ?2") > 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_decision_of_a_thousand_firms_is_the_one_of_the_deciding_function(steps in proptest::collection::vec(step(), 1..60)) {
        let sql = firm();
        let mut kept_out: Vec<(i64, i64)> = Vec::new();
        for (n, step) in steps.iter().enumerate() {
            apply(&sql, step).unwrap();
            // Leaving a team opens nothing.
            if let Step::Leave(_, person) = step {
                for (case, walled) in &kept_out {
                    prop_assert!(*walled != *person || facts(&sql, *person, *case).walled, "step {} let {} through a wall of {}", n, person, case);
                }
            }
            kept_out.clear();
            for person in 1..=PEOPLE {
                for case in 1..=CASES {
                    let facts = facts(&sql, person, case);
                    let expected = policy::level(facts);
                    let kept: Option<(i64, String)> = sql.prepare_cached("select level, status from sight where user_id = ? and case_id = ?").unwrap()
                        .query_map([person, case], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).next();
                    prop_assert_eq!(Level::from_number(kept.as_ref().map_or(0, |(level, _)| *level)), expected, "person {}, case {}, after step {}: {:?}", person, case, n, step);
                    let status: String = sql.query_row("select status from cases where id = ?", [case], |row| row.get(0)).unwrap();
                    if let Some((level, seen)) = kept {
                        let told = if level >= 2 { status.as_str() } else { "open" };
                        prop_assert_eq!(seen.as_str(), told, "the status beside the decision");
                    }
                    if facts.walled {
                        kept_out.push((case, person));
                    }
                }
            }
        }
    }
}
