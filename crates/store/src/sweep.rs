//! What is over does not stay for ever: sessions, browsers, links, letters, visits and counters that count for nothing any more are taken
//! away. What was done stands in the trail, which names them by their numbers and keeps everything.

use crate::{Site, error::Refuse};
use rules::{Refusal, Role, when};
use rusqlite::params;

/// How long what is over can still be looked up, in milliseconds: what became of a link or a letter, when somebody was last here.
const AFTERWARDS: i64 = 90 * when::DAY;
/// A session, from its beginning; it ends by itself after the longest that any role has.
const SESSION: i64 = AFTERWARDS + Role::Staff.absolute_hours() * when::HOUR;
/// A browser, from its last use. Who comes back with one later is told of it like of a new one.
const DEVICE: i64 = 400 * when::DAY;
/// A visit, from its beginning: none goes on for longer.
const VISIT: i64 = when::DAY;
/// Rows of one table that are taken away at once, so that nobody waits long for the writer.
const MOST: usize = 1_000;

/// How long each is kept, and the statement that takes it away. Visits and letters come before the links that they refer to.
///
/// The last session and the last browser of an account stay: the one says when it was last used, the other that its next browser is not the
/// first. So do the links of those who have not set up their account.
const SWEEPS: [(i64, &str); 6] = [
    (VISIT, "delete from visit where digest in (select digest from visit where started < ?1 limit ?2)"),
    (0, "delete from throttle where key in (select key from throttle where ends < ?1 limit ?2)"),
    (
        SESSION,
        "delete from session where id in (select s.id from session s where s.started < ?1
            and exists (select 1 from session n where n.user_id = s.user_id and n.id > s.id) limit ?2)",
    ),
    (
        DEVICE,
        "delete from device where id in (select d.id from device d where d.last < ?1
            and exists (select 1 from device n where n.user_id = d.user_id and (n.last > d.last or n.last = d.last and n.id > d.id)) limit ?2)",
    ),
    (AFTERWARDS, "delete from letter where id in (select id from letter where made < ?1 and coalesce(sent, given_up) < ?1 limit ?2)"),
    (
        AFTERWARDS,
        "delete from ticket where id in (select t.id from ticket t
            where t.ends < ?1 and (select state from user u where u.id = t.user_id) not in ('invited', 'enrolling')
            and not exists (select 1 from visit v where v.ticket = t.id) and not exists (select 1 from letter l where l.ticket_id = t.id) limit ?2)",
    ),
];

impl Site {
    /// Takes away what is over, in each table at most a thousand rows. True when there may be more.
    pub async fn sweep(&self) -> Result<bool, Refusal> {
        let mut more = false;
        for (kept, statement) in SWEEPS {
            let swept = self.submit(false, move |sql, core| (sql.execute(statement, params![core.now().plus(-kept).0, MOST]).refuse(), Vec::new()));
            more |= swept.await? == MOST;
        }
        Ok(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Firm;
    use rules::{Moment, Secret};

    const NOW: i64 = 1_800_000_000_000;

    fn site(dir: &std::path::Path) -> Site {
        let keys = || keys::SiteKeys::new(&Secret::new([1; 32]), [2; 16]).unwrap();
        let firm = Firm { name: "Firm".into(), kind: String::new(), prefix: "F".into(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None };
        Site::create(dir, &keys(), &firm, true).unwrap();
        Site::open(dir, keys(), || Moment(NOW)).unwrap()
    }

    /// Runs statements in which `{90d}` stands for ninety days ago, and `{1h}` for an hour.
    async fn run(site: &Site, statements: &'static str) {
        let ago = |word: &str| {
            let (n, unit) = word.split_at(word.len() - 1);
            (NOW - n.parse::<i64>().unwrap() * if unit == "d" { when::DAY } else { when::HOUR }).to_string()
        };
        let pieces = statements.split('{').map(|piece| piece.split_once('}').map_or_else(|| piece.to_owned(), |(word, rest)| ago(word) + rest));
        let text: String = pieces.collect();
        site.submit(false, move |sql, _| (sql.execute_batch(&text).refuse(), Vec::new())).await.unwrap();
    }

    fn ids(site: &Site, query: &str) -> String {
        let query = format!("select coalesce(group_concat(name, ' '), '') from ({query})");
        site.door(|sql| sql.query_row(&query, [], |row| row.get(0)).refuse()).unwrap()
    }

    #[tokio::test]
    async fn what_is_over_goes_and_what_still_says_something_stays() {
        let dir = tempfile::tempdir().unwrap();
        let site = site(dir.path());
        run(
            &site,
            "insert into user (id, kind, role, state, name, words, email, password, created) values
                (1, 'staff', 'staff', 'active', 'In use', '', x'', '', 0), (2, 'staff', 'staff', 'invited', 'Invited', '', x'', '', 0);
            insert into session (id, digest, user_id, started, seen, ended, origin) values
                (1, x'01', 1, {91d}, {91d}, {91d}, ''), (2, x'02', 1, {91d}, {91d}, null, ''), (3, x'03', 1, {89d}, {89d}, {89d}, ''),
                (4, x'04', 2, {400d}, {400d}, {400d}, '');
            insert into device (id, digest, user_id, words, first, last) values
                (1, x'01', 1, '', {500d}, {401d}), (2, x'02', 1, '', {500d}, {399d}), (3, x'03', 2, '', {500d}, {500d});
            insert into ticket (id, digest, user_id, purpose, made, starts, ends, used) values
                (1, x'01', 1, 'invite', {94d}, {94d}, {91d}, {93d}), (2, x'02', 1, 'recover', {94d}, {94d}, {91d}, null),
                (3, x'03', 1, 'reset', {94d}, {94d}, {91d}, null), (4, x'04', 1, 'reset', {90d}, {90d}, {89d}, null),
                (5, x'05', 2, 'invite', {94d}, {94d}, {91d}, null);
            insert into letter (id, ticket_id, kind, address, fields, made, due, sent, given_up) values
                (1, 1, 'invite', x'', x'', {94d}, {94d}, {91d}, null), (2, null, 'test', x'', x'', {94d}, {94d}, {89d}, null),
                (3, 3, 'reset', x'', x'', {94d}, {94d}, null, null), (4, null, 'test', x'', x'', {94d}, {94d}, null, {91d});
            insert into visit (digest, user_id, purpose, ticket, started) values
                (x'01', 1, 'enrol', 1, {25h}), (x'02', 1, 'answer', 2, {23h}), (x'03', 1, 'code', null, {25h});
            insert into throttle (key, count, at, ends) values (x'01', 1, {25h}, {1h}), (x'02', 1, {25h}, {0h} + 1);",
        )
        .await;
        assert!(!site.sweep().await.unwrap());
        for (query, left) in [
            ("select id as name from session order by id", "3 4"),
            ("select id as name from device order by id", "2 3"),
            ("select id as name from ticket order by id", "2 3 4 5"),
            ("select id as name from letter order by id", "2 3"),
            ("select hex(digest) as name from visit", "02"),
            ("select hex(key) as name from throttle", "02"),
        ] {
            assert_eq!(ids(&site, query), left, "{query}");
        }
    }

    #[tokio::test]
    async fn a_flood_is_taken_away_in_portions_without_walking_a_table() {
        let dir = tempfile::tempdir().unwrap();
        let site = site(dir.path());
        run(
            &site,
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1500)
            insert into throttle (key, count, at, ends) select randomblob(32), 1, {25h}, {1h} from n;",
        )
        .await;
        let left = || ids(&site, "select count(*) as name from throttle");
        assert!(site.sweep().await.unwrap());
        assert_eq!(left(), "500");
        assert!(!site.sweep().await.unwrap());
        assert_eq!(left(), "0");
        let plans = site.submit(false, |sql, _| {
            let plan = |statement: &str| -> rusqlite::Result<Vec<String>> {
                let mut explain = sql.prepare(&format!("explain query plan {statement}"))?;
                explain.query_map(params![NOW, MOST], |row| row.get(3))?.collect()
            };
            (SWEEPS.iter().map(|(_, statement)| plan(statement)).collect::<rusqlite::Result<Vec<_>>>().refuse(), Vec::new())
        });
        for step in plans.await.unwrap().concat() {
            assert!(!step.starts_with("SCAN"), "{step}");
        }
    }

    #[test]
    fn no_session_outlives_the_time_that_sweeping_reckons_with() {
        assert!(Role::ALL.into_iter().all(|role| role.absolute_hours() <= Role::Staff.absolute_hours()));
    }
}
