//! Throttling: how often one may try. Counters stand in the database, so that a restart does not forget them.
//!
//! A try is counted before it is judged, so that many at once do not slip through, and given back when it was right. Counters run out
//! with time. Whether an address of e-mail belongs to an account makes no difference: it is counted by its blind index (ASVS 6.3.1, 6.3.8).

use crate::{Site, error::Refuse, session, site::Core, trail::Event};
use keys::nonce::Token;
use rules::{Moment, Refusal, Verb, network};
use rusqlite::{Connection, OptionalExtension, params};
use core::net::IpAddr;

/// How much a counter holds, and how long one try stays in it, in milliseconds.
#[derive(Clone, Copy)]
struct Bucket {
    holds: f64,
    each: f64,
}

/// Ten wrong tries on one account, one more every minute and a half: 970 guesses a day at the most.
const ACCOUNT: Bucket = Bucket { holds: 10.0, each: 90_000.0 };
/// The same for a browser in which the account was used before, on its own: whoever floods an account does not lock its owner out.
const DEVICE: Bucket = ACCOUNT;
/// A network address: an office behind one address signs in at nine without noticing.
const ADDRESS: Bucket = Bucket { holds: 40.0, each: 15_000.0 };
/// Three tries a day at the two answers of the optional way back in.
const ANSWERS: Bucket = Bucket { holds: 3.0, each: 28_800_000.0 };
/// The 64 bits before it, for IPv6.
const NETWORK: Bucket = Bucket { holds: 80.0, each: 7_500.0 };

/// Who tries.
pub struct Knock<'a> {
    /// Address of the account as it was typed, in the form of [`rules::text::email`], or whatever else names it.
    pub account: Option<&'a str>,
    /// Network address.
    pub from: &'a str,
    /// The device cookie, if one came.
    pub device: Option<&'a Token>,
}

/// What was counted, so that it can be given back.
#[derive(Clone, Debug)]
pub struct Counted {
    account: Option<[u8; 32]>,
    others: Vec<[u8; 32]>,
}

/// Whether one may try.
#[derive(Debug)]
pub enum Admission {
    /// Yes; the try is counted.
    Go(Counted),
    /// Not before this moment.
    Held(Moment),
}

impl Site {
    /// Counts a try, unless too many were counted already.
    pub async fn knock(&self, knock: Knock<'_>) -> Result<Admission, Refusal> {
        let fields = &self.core.keys.fields;
        let address = knock.from.parse::<IpAddr>().ok();
        let key = |kind: &str, what: &str| fields.index("throttle", &format!("{kind} {what}"));
        let account = knock.account.map(|account| (key("account", account), fields.index("email", account)));
        let device = knock.device.map(|device| (device.digest(), key("device", device.expose())));
        let mut places = vec![(key("address", knock.from), ADDRESS)];
        if let Some(address @ IpAddr::V6(_)) = address.map(|address| address.to_canonical()) {
            places.push((key("network", &network::neighbourhood(address).to_string()), NETWORK));
        }
        let origin: Box<str> = knock.from.into();
        let admission = self
            .submit(true, move |sql, core| (count(sql, core, account, device, &places), Vec::new()))
            .await?;
        if let Admission::Held(_) = admission {
            self.tell_refusal(None, &origin, Verb::HeldOff)?;
        }
        Ok(admission)
    }

    /// The try was right: the account starts anew, and the others get it back.
    pub async fn relieve(&self, counted: Counted) -> Result<(), Refusal> {
        self.submit(true, move |sql, core| (relieve(sql, core, &counted), Vec::<Event>::new())).await
    }
}

type Account = ([u8; 32], [u8; 32]);

fn count(sql: &Connection, core: &Core, account: Option<Account>, device: Option<Account>, places: &[([u8; 32], Bucket)]) -> Result<Admission, Refusal> {
    let now = core.now();
    let mut counters = places.to_vec();
    let mut counted = Counted { account: None, others: places.iter().map(|(key, _)| *key).collect() };
    if let Some((key, index)) = account {
        let known = match device {
            Some((digest, device)) if is_known(sql, &index, &digest)? => Some(device),
            _ => None,
        };
        let (key, bucket) = known.map_or((key, ACCOUNT), |device| (device, DEVICE));
        counted.account = Some(key);
        counters.push((key, bucket));
    }
    let levels: Vec<([u8; 32], Bucket, f64)> = counters.into_iter().map(|(key, bucket)| Ok((key, bucket, level(sql, &key, bucket, now)?))).collect::<Result<_, Refusal>>()?;
    let over = levels.iter().filter(|(_, bucket, level)| level + 1.0 > bucket.holds).map(|(_, bucket, level)| ((level + 1.0 - bucket.holds) * bucket.each).ceil());
    if let Some(longest) = over.max_by(f64::total_cmp) {
        return Ok(Admission::Held(now.plus(longest as i64)));
    }
    for (key, _, level) in levels {
        put(sql, &key, level + 1.0, now)?;
    }
    Ok(Admission::Go(counted))
}

fn is_known(sql: &Connection, email: &[u8; 32], device: &[u8; 32]) -> Result<bool, Refusal> {
    let user: Option<i64> = sql.prepare_cached("select id from user where email_index = ?").refuse()?.query_row([email], |row| row.get(0)).optional().refuse()?;
    user.map_or(Ok(false), |user| session::knows_device(sql, user, device).refuse())
}

/// What is in a counter now. A clock that was set back takes nothing out.
fn level(sql: &Connection, key: &[u8; 32], bucket: Bucket, now: Moment) -> Result<f64, Refusal> {
    let found: Option<(f64, i64)> = sql.prepare_cached("select count, at from throttle where key = ?").refuse()?.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional().refuse()?;
    Ok(found.map_or(0.0, |(count, at)| (count - (now.0 - at).max(0) as f64 / bucket.each).max(0.0)))
}

fn put(sql: &Connection, key: &[u8; 32], level: f64, now: Moment) -> Result<(), Refusal> {
    const SQL: &str = "insert into throttle (key, count, at) values (?1, ?2, ?3) on conflict (key) do update set count = ?2, at = max(at, ?3)";
    sql.prepare_cached(SQL).refuse()?.execute(params![key, level, now.0]).map(drop).refuse()
}

/// Counts a try at the answers of this account; false when there were too many.
pub(crate) fn count_answers(sql: &Connection, core: &Core, user: i64) -> Result<bool, Refusal> {
    let key = core.keys.fields.index("throttle", &format!("answers {user}"));
    let level = level(sql, &key, ANSWERS, core.now())?;
    let goes = level + 1.0 <= ANSWERS.holds;
    if goes {
        put(sql, &key, level + 1.0, core.now())?;
    }
    Ok(goes)
}

fn relieve(sql: &Connection, core: &Core, counted: &Counted) -> Result<(), Refusal> {
    if let Some(account) = &counted.account {
        sql.execute("delete from throttle where key = ?", [account]).refuse()?;
    }
    for key in &counted.others {
        sql.execute("update throttle set count = max(count - 1, 0) where key = ?", [key]).refuse()?;
    }
    // What has run out long ago is forgotten, a little at each right try.
    let old = core.now().plus(-(ACCOUNT.holds * ACCOUNT.each) as i64 * 2).0;
    sql.execute("delete from throttle where key in (select key from throttle where at < ? limit 64)", params![old]).map(drop).refuse()
}
