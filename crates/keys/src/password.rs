//! Passwords: Argon2id (RFC 9106) over HMAC-SHA-256 under a pepper that the database does not hold.
//!
//! Hashing goes on in a fixed number of slots: threads of the lowest priority, each with its own memory, used again and again. So a
//! flood of sign-ins costs `slots × memory` and no more, and pages are served beside it. The queue before the slots is bounded.

use crate::{KeyError, nonce, site::KEY_ID};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use rules::Secret;
use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// Cost of a hash: memory in KiB, passes, lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes.
    pub passes: u32,
}

/// 64 MiB and three passes, the second recommendation of RFC 9106 with a single lane.
pub const COST: Cost = Cost { memory: 64 * 1024, passes: 3 };

/// Sign-ins that may wait before the slots; more are told to come back.
const QUEUE: usize = 64;
/// Those of them that one network may have waiting, or in a slot.
const OF_ONE: usize = 16;
/// A slot that has had no work for so long gives its memory back.
const IDLE: Duration = Duration::from_secs(20);

/// A hash as the database keeps it: a PHC string with the key id of the pepper.
#[derive(Clone, PartialEq, Eq)]
struct Stored {
    cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Stored {
    fn text(&self) -> String {
        let (salt, hash) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.hash));
        let key = STANDARD_NO_PAD.encode([KEY_ID]);
        format!("$argon2id$v=19$m={},t={},p=1,keyid={key}${salt}${hash}", self.cost.memory, self.cost.passes)
    }

    fn parse(text: &str) -> Option<Stored> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut cost = Cost { memory: 0, passes: 0 };
        for pair in costs.split(',') {
            match pair.split_once('=')? {
                ("m", n) => cost.memory = n.parse().ok()?,
                ("t", n) => cost.passes = n.parse().ok()?,
                ("p", "1") => {}
                ("keyid", id) => (STANDARD_NO_PAD.decode(id).ok()? == [KEY_ID]).then_some(())?,
                _ => return None,
            }
        }
        Some(Stored { cost, salt: STANDARD_NO_PAD.decode(salt).ok()?, hash: STANDARD_NO_PAD.decode(hash).ok()? })
    }
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right.
    Right,
    /// The password is right, but its hash is of an older cost: hash it again.
    Stale,
    /// The password is wrong, or there is no such account.
    Wrong,
}

type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

/// The slots. Clones share them.
#[derive(Clone)]
pub struct Passwords {
    queue: SyncSender<Job>,
    waiting: Arc<Mutex<HashMap<String, usize>>>,
    cost: Cost,
}

/// A place in the queue, by whom it is held; free again when dropped.
struct Place {
    by: String,
    all: Arc<Mutex<HashMap<String, usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&self.by) {
            Some(n) if *n > 1 => *n -= 1,
            _ => drop(all.remove(&self.by)),
        }
    }
}

impl Passwords {
    /// Starts `slots` threads. They end when the last clone is dropped.
    pub fn start(slots: usize, cost: Cost) -> Result<Passwords, KeyError> {
        let (queue, jobs) = sync_channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for n in 0..slots.max(1) {
            let jobs = Arc::clone(&jobs);
            let slot = thread::Builder::new().name(format!("password-{n}"));
            slot.spawn(move || work(&jobs)).map_err(|_| KeyError::Primitive("thread"))?;
        }
        Ok(Passwords { queue, waiting: Arc::default(), cost })
    }

    /// Checks `password` against what the database keeps, and calls `reply` from a slot. With no hash (an unknown account) the same
    /// work is done and the answer is [`Verdict::Wrong`], so that time does not tell the two apart (ASVS 6.3.8).
    ///
    /// `by` names the network that asks. False when the queue is full, or that network has its share of it; `reply` is then never called.
    pub fn check(&self, by: &str, pepper: &Secret<[u8; 32]>, password: &Secret<String>, stored: Option<&str>, reply: impl FnOnce(Verdict) + Send + 'static) -> bool {
        let input = peppered(pepper, password);
        let known = stored.and_then(Stored::parse);
        let (cost, real) = (self.cost, known.is_some());
        let against = known.unwrap_or(Stored { cost, salt: vec![0; 16], hash: vec![0; 32] });
        let job = move |memory: &mut Vec<Block>| {
            let hash = argon2(&input, &against.salt, against.cost, memory);
            let same = hash.is_ok_and(|hash| constant_time::verify_slices_are_equal(&hash, &against.hash).is_ok());
            reply(match (real && same, against.cost == cost) {
                (true, true) => Verdict::Right,
                (true, false) => Verdict::Stale,
                (false, _) => Verdict::Wrong,
            });
        };
        self.send(by, job)
    }

    /// Hashes a new password in a slot, at the cost of today, and calls `reply` from there with what the database is to keep.
    ///
    /// `by` and the answer are those of [`Passwords::check`].
    pub fn hash(&self, by: &str, pepper: &Secret<[u8; 32]>, password: &Secret<String>, reply: impl FnOnce(Result<String, KeyError>) + Send + 'static) -> bool {
        let (input, cost) = (peppered(pepper, password), self.cost);
        self.send(by, move |memory| reply(stored(&input, cost, memory)))
    }

    /// Puts a job into the queue, unless it is full or `by` has its share of it.
    fn send(&self, by: &str, job: impl FnOnce(&mut Vec<Block>) + Send + 'static) -> bool {
        let place = {
            let mut all = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let own = all.entry(by.to_owned()).or_default();
            if *own >= OF_ONE {
                return false;
            }
            *own += 1;
            Place { by: by.to_owned(), all: Arc::clone(&self.waiting) }
        };
        let whole = move |memory: &mut Vec<Block>| {
            job(memory);
            drop(place);
        };
        self.queue.try_send(Box::new(whole)).is_ok()
    }
}

/// The hash of a new password, in the form that the database keeps. Takes the memory it needs for itself: for commands and the demo,
/// never beside requests.
pub fn hash(pepper: &Secret<[u8; 32]>, password: &Secret<String>, cost: Cost) -> Result<String, KeyError> {
    stored(&peppered(pepper, password), cost, &mut Vec::new())
}

fn stored(input: &[u8], cost: Cost, memory: &mut Vec<Block>) -> Result<String, KeyError> {
    let salt = nonce::random::<16>()?.to_vec();
    let hash = argon2(input, &salt, cost, memory)?;
    Ok(Stored { cost, salt, hash: hash.to_vec() }.text())
}

fn peppered(pepper: &Secret<[u8; 32]>, password: &Secret<String>) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pepper.expose()), password.expose().as_bytes());
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

fn argon2(input: &[u8], salt: &[u8], cost: Cost, memory: &mut Vec<Block>) -> Result<[u8; 32], KeyError> {
    let params = Params::new(cost.memory, cost.passes, 1, Some(32)).map_err(|_| KeyError::Primitive("Argon2 cost"))?;
    memory.resize(params.block_count().max(memory.len()), Block::default());
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(input, salt, &mut out, memory)
        .map_err(|_| KeyError::Primitive("Argon2"))?;
    Ok(out)
}

/// One slot: takes jobs until nobody can send any more.
fn work(jobs: &Mutex<Receiver<Job>>) {
    // Lowest priority for this thread only (Linux applies it per thread); if refused, sign-ins merely compete with pages.
    let _ = rustix::process::setpriority_process(None, 19);
    let mut memory = Vec::new();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(IDLE);
        match next {
            // A panic is told by the reply that never comes; the slot goes on.
            Ok(job) => drop(catch_unwind(AssertUnwindSafe(|| job(&mut memory)))),
            Err(RecvTimeoutError::Timeout) => memory = Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    const SMALL: Cost = Cost { memory: 64, passes: 1 };

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.into())
    }

    fn verdict(slots: &Passwords, pepper: u8, password: &str, stored: Option<&str>) -> Verdict {
        let (tell, told) = channel();
        assert!(slots.check("::1", &Secret::new([pepper; 32]), &secret(password), stored, move |v| tell.send(v).unwrap()));
        told.recv().unwrap()
    }

    #[test]
    fn argon2id_is_that_of_rfc_9106_in_its_reference_form() {
        // Reference implementation, test.c: m=256 KiB, t=2, p=1, "password", "somesalt".
        let mut out = [0; 32];
        let params = Params::new(256, 2, 1, Some(32)).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(b"password", b"somesalt", &mut out).unwrap();
        assert_eq!(nonce::hex(&out), "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe");
    }

    #[test]
    fn right_wrong_unknown_stale_and_another_pepper() {
        let slots = Passwords::start(2, SMALL).unwrap();
        let stored = hash(&Secret::new([1; 32]), &secret("correct horse"), SMALL).unwrap();
        assert_eq!(verdict(&slots, 1, "correct horse", Some(&stored)), Verdict::Right);
        assert_eq!(verdict(&slots, 1, "Correct horse", Some(&stored)), Verdict::Wrong);
        assert_eq!(verdict(&slots, 1, "correct horse", None), Verdict::Wrong);
        assert_eq!(verdict(&slots, 2, "correct horse", Some(&stored)), Verdict::Wrong);
        assert_eq!(verdict(&slots, 1, "correct horse", Some("$2b$nonsense")), Verdict::Wrong);
        let old = hash(&Secret::new([1; 32]), &secret("correct horse"), Cost { memory: 32, passes: 1 }).unwrap();
        assert_eq!(verdict(&slots, 1, "correct horse", Some(&old)), Verdict::Stale);
    }

    #[test]
    fn a_hash_made_in_a_slot_is_that_of_today_and_a_panic_costs_no_slot() {
        let slots = Passwords::start(1, SMALL).unwrap();
        let pepper = Secret::new([1; 32]);
        assert!(slots.check("::1", &pepper, &secret("x"), None, |_| panic!("on purpose")));
        let (tell, told) = channel();
        assert!(slots.hash("::1", &pepper, &secret("correct horse"), move |hash| tell.send(hash).unwrap()));
        let stored = told.recv().unwrap().unwrap();
        assert_eq!(verdict(&slots, 1, "correct horse", Some(&stored)), Verdict::Right);
    }

    #[test]
    fn a_full_queue_says_so() {
        let slots = Passwords::start(1, SMALL).unwrap();
        let (open, gate) = channel::<()>();
        let mut held = Some(gate);
        let taken = (0..QUEUE + 10).filter(|n| {
            let gate = held.take();
            slots.check(&n.to_string(), &Secret::new([1; 32]), &secret("x"), None, move |_| gate.into_iter().for_each(|g| g.recv().unwrap_err().to_string().clear()))
        });
        let taken = taken.count();
        assert!((QUEUE..=QUEUE + 1).contains(&taken), "{taken}");
        drop(open);
    }

    #[test]
    fn one_network_has_its_share_of_the_queue_and_gets_it_back() {
        let slots = Passwords::start(1, SMALL).unwrap();
        let (open, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let held = move |_| assert!(gate.lock().unwrap().recv().is_err());
        assert!(slots.check("a", &Secret::new([1; 32]), &secret("x"), None, held));
        let more = (0..OF_ONE).filter(|_| slots.check("a", &Secret::new([1; 32]), &secret("x"), None, |_| ())).count();
        assert_eq!(more, OF_ONE - 1);
        let (tell, told) = channel();
        assert!(slots.check("b", &Secret::new([1; 32]), &secret("x"), None, move |_| tell.send(()).unwrap()));
        drop(open);
        told.recv().unwrap();
        assert!(slots.waiting.lock().unwrap().get("a").is_none(), "whoever was before is done");
        assert!(slots.check("a", &Secret::new([1; 32]), &secret("x"), None, |_| ()));
    }
}
