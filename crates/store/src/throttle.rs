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

/// Ten wrong tries on one account, passwords and codes together, one more every minute and a half: 970 guesses a day at the most.
const ACCOUNT: Bucket = Bucket { holds: 10.0, each: 90_000.0 };
/// The same for a browser in which the account was used before, on its own: whoever floods an account does not lock its owner out.
const DEVICE: Bucket = ACCOUNT;
/// A network address: an office behind one address signs in at nine without noticing.
const ADDRESS: Bucket = Bucket { holds: 40.0, each: 15_000.0 };
/// Three tries a day at the two answers of the optional way back in.
const ANSWERS: Bucket = Bucket { holds: 3.0, each: 28_800_000.0 };
/// Three letters with a way back in to one account, one more every eight hours: who asks for them may be anybody.
const WAY_BACK: Bucket = ANSWERS;
/// One letter a day that says of an account that somebody has its password.
const SUSPICION: Bucket = Bucket { holds: 1.0, each: 86_400_000.0 };
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

    /// Somebody is in, or has shown everything that was asked for: the account starts anew, and the others get the try back.
    pub async fn relieve(&self, counted: Counted) -> Result<(), Refusal> {
        self.submit(true, move |sql, _| (relieve(sql, &counted), Vec::<Event>::new())).await
    }

    /// The try was right, or could not be judged, but nobody is in by it: it is taken back, and what was wrong before stays counted.
    /// Otherwise a right password would forgive wrong codes.
    pub async fn give_back(&self, counted: Counted) -> Result<(), Refusal> {
        self.submit(true, move |sql, _| (give_back(sql, counted.account.iter().chain(&counted.others)), Vec::<Event>::new())).await
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
    for (key, bucket, level) in levels {
        put(sql, &key, bucket, level + 1.0, now)?;
    }
    Ok(Admission::Go(counted))
}

fn is_known(sql: &Connection, email: &[u8; 32], device: &[u8; 32]) -> Result<bool, Refusal> {
    let user: Option<i64> = sql.prepare_cached("select id from user where email_index = ?").refuse()?.query_row([email], |row| row.get(0)).optional().refuse()?;
    user.map_or(Ok(false), |user| session::knows_device(sql, user, device).refuse())
}

/// What is in a counter now. A clock that was set back takes nothing out, and the counter goes on from there.
fn level(sql: &Connection, key: &[u8; 32], bucket: Bucket, now: Moment) -> Result<f64, Refusal> {
    let found: Option<(f64, i64)> = sql.prepare_cached("select count, at from throttle where key = ?").refuse()?.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional().refuse()?;
    match found {
        None => Ok(0.0),
        Some((count, at)) if at > now.0 => put(sql, key, bucket, count, now).map(|()| count),
        Some((count, at)) => Ok((count - (now.0 - at) as f64 / bucket.each).max(0.0)),
    }
}

/// Keeps what is in a counter now, and when nothing will be left of it.
fn put(sql: &Connection, key: &[u8; 32], bucket: Bucket, level: f64, now: Moment) -> Result<(), Refusal> {
    const SQL: &str = "insert into throttle (key, count, at, ends) values (?1, ?2, ?3, ?4) on conflict (key) do update set count = ?2, at = ?3, ends = ?4";
    let ends = now.plus((level * bucket.each).ceil() as i64);
    sql.prepare_cached(SQL).refuse()?.execute(params![key, level, now.0, ends.0]).map(drop).refuse()
}

/// Counts a try in a counter of its own; false when there were too many.
fn count_one(sql: &Connection, core: &Core, name: &str, bucket: Bucket) -> Result<bool, Refusal> {
    let (key, now) = (core.keys.fields.index("throttle", name), core.now());
    let level = level(sql, &key, bucket, now)?;
    let goes = level + 1.0 <= bucket.holds;
    if goes {
        put(sql, &key, bucket, level + 1.0, now)?;
    }
    Ok(goes)
}

/// Counts a try at the answers of this account; false when there were too many.
pub(crate) fn count_answers(sql: &Connection, core: &Core, user: i64) -> Result<bool, Refusal> {
    count_one(sql, core, &format!("answers {user}"), ANSWERS)
}

/// A try at the answers could not be judged: it is taken back.
pub(crate) fn give_answers_back(sql: &Connection, core: &Core, user: i64) -> Result<(), Refusal> {
    give_back(sql, [core.keys.fields.index("throttle", &format!("answers {user}"))].iter())
}

/// Counts a letter with a way back in to this account; false when there were enough.
pub(crate) fn count_way_back(sql: &Connection, core: &Core, user: i64) -> Result<bool, Refusal> {
    count_one(sql, core, &format!("way back {user}"), WAY_BACK)
}

/// Counts a letter that says that somebody has the password of this account; false when there was one today.
pub(crate) fn count_suspicion(sql: &Connection, core: &Core, user: i64) -> Result<bool, Refusal> {
    count_one(sql, core, &format!("suspicion {user}"), SUSPICION)
}

fn give_back<'k>(sql: &Connection, mut keys: impl Iterator<Item = &'k [u8; 32]>) -> Result<(), Refusal> {
    let mut back = sql.prepare_cached("update throttle set count = max(count - 1, 0) where key = ?").refuse()?;
    keys.try_for_each(|key| back.execute([key]).map(drop).refuse())
}

fn relieve(sql: &Connection, counted: &Counted) -> Result<(), Refusal> {
    if let Some(account) = &counted.account {
        sql.execute("delete from throttle where key = ?", [account]).refuse()?;
    }
    give_back(sql, counted.others.iter())
}
