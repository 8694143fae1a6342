//! Passkeys between question and answer: what a browser was asked, kept for as long as its answer may take, and used once.
//!
//! It stands in memory and nowhere else. A browser that kept it itself could bring the same answer again (Web Authentication Level 3,
//! 7.1 and 7.2: the challenge is that of this ceremony); after a restart the button is only pressed once more.

use super::desk;
use keys::nonce::Token;
use rocket::{
    Request,
    request::{FromRequest, Outcome},
};
use rules::{Moment, Refusal, when};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use store::throttle::Counted;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyAuthentication, PasskeyRegistration, Url, Webauthn, WebauthnBuilder};

/// How long an answer is waited for, in milliseconds.
const KEPT: i64 = 5 * when::MINUTE;
/// How long the browser waits for the device: it gives up first, so that it is the one who says so.
const DEVICE: Duration = Duration::from_secs(4 * 60);
/// Most questions that wait at once, of people who are known already and of strangers. Strangers have a table of their own, so that they
/// push nobody out but each other.
const KNOWN: usize = 1024;
const STRANGERS: usize = 2048;

/// All questions that wait for an answer, 4096 at the most.
pub(super) struct Ceremonies {
    /// Somebody signed in sets up a passkey: by the token of the session.
    pub(super) set_up: Table<PasskeyRegistration>,
    /// Somebody shows one of their own: by the token of the session, or of the visit after the password.
    pub(super) show: Table<PasskeyAuthentication>,
    /// Somebody unknown signs in with it: by the token of the visit. With the try as it was counted.
    pub(super) arrive: Table<(DiscoverableAuthentication, Counted)>,
}

impl Default for Ceremonies {
    fn default() -> Self {
        Ceremonies { set_up: Table::new(KNOWN), show: Table::new(KNOWN), arrive: Table::new(STRANGERS) }
    }
}

/// Questions of one sort, by the SHA-256 of the token they belong to: one for each token, the newest.
pub(super) struct Table<T> {
    most: usize,
    held: Mutex<HashMap<[u8; 32], (Moment, T)>>,
}

impl<T> Table<T> {
    fn new(most: usize) -> Self {
        Table { most, held: Mutex::new(HashMap::new()) }
    }

    /// Keeps what was asked. Where there is no room, the oldest question gives way.
    pub(super) fn put(&self, token: &Token, now: Moment, asked: T) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, (at, _)| is_fresh(*at, now));
        let key = token.digest();
        if held.len() >= self.most && !held.contains_key(&key) {
            let oldest = held.iter().min_by_key(|(_, (at, _))| *at).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                held.remove(&oldest);
            }
        }
        held.insert(key, (now, asked));
    }

    /// Gives out what was asked, once. `None` when nothing was, or too long ago.
    pub(super) fn take(&self, token: &Token, now: Moment) -> Option<T> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&token.digest()).filter(|(at, _)| is_fresh(*at, now)).map(|(_, asked)| asked)
    }
}

/// A clock that was set back does not make a question last longer.
fn is_fresh(at: Moment, now: Moment) -> bool {
    (0..=KEPT).contains(&(now.0 - at.0))
}

/// The site as passkeys know it, by the name under which this request reached it: a passkey is bound to that name, and its answer to
/// name and port (Web Authentication Level 3, 13.4.9).
pub(super) struct Party(Option<Webauthn>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Party {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let name = desk::site(request).map(|site| site.firm().name).unwrap_or_default();
        Outcome::Success(Party(party(&desk::host(request), &name)))
    }
}

impl Party {
    /// What checks passkeys here; an address that is no name can have none.
    pub(super) fn known(&self) -> Result<&Webauthn, Refusal> {
        let sentence = "Passkeys need an address that is a name. Open this site by its name, or use the code from your app.";
        self.0.as_ref().ok_or_else(|| Refusal::invalid("", sentence))
    }
}

/// Made anew for each request: it costs one hash, and a store of them by host would have to be bounded too.
fn party(host: &str, name: &str) -> Option<Webauthn> {
    let origin = Url::parse(&format!("https://{host}")).ok()?;
    let id = origin.domain()?;
    WebauthnBuilder::new(id, &origin).ok()?.rp_name(name).timeout(DEVICE).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token::new().unwrap()
    }

    #[test]
    fn a_question_is_answered_once_and_by_whom_it_was_put_to() {
        let table = Table::new(4);
        let (mine, other) = (token(), token());
        table.put(&mine, Moment(0), "first");
        table.put(&mine, Moment(1), "second");
        assert_eq!(table.take(&other, Moment(2)), None);
        assert_eq!(table.take(&mine, Moment(2)), Some("second"), "the newest counts");
        assert_eq!(table.take(&mine, Moment(2)), None, "used up");
    }

    #[test]
    fn a_question_is_forgotten_after_five_minutes_and_when_the_clock_is_set_back() {
        let table = Table::new(4);
        for (later, there) in [(KEPT, true), (KEPT + 1, false), (-1, false)] {
            let token = token();
            table.put(&token, Moment(1_000_000), ());
            assert_eq!(table.take(&token, Moment(1_000_000 + later)).is_some(), there, "{later}");
        }
        let late = token();
        table.put(&late, Moment(0), ());
        table.put(&token(), Moment(KEPT + 1), ());
        assert_eq!(table.held.lock().unwrap().len(), 1, "what is over does not stay");
    }

    #[test]
    fn the_table_is_bounded_and_the_oldest_gives_way() {
        let table = Table::new(3);
        let tokens: Vec<Token> = (0..5).map(|_| token()).collect();
        for (at, token) in tokens.iter().enumerate() {
            table.put(token, Moment(at as i64), at);
        }
        table.put(&tokens[4], Moment(5), 5);
        assert_eq!(table.held.lock().unwrap().len(), 3);
        let left: Vec<Option<usize>> = tokens.iter().map(|token| table.take(token, Moment(6))).collect();
        assert_eq!(left, [None, None, Some(2), Some(3), Some(5)]);
    }

    #[test]
    fn a_party_has_a_name_and_the_port_that_browsers_see() {
        let origin = |host: &str| party(host, "Harbour Law").map(|party| party.get_allowed_origins()[0].to_string());
        assert_eq!(origin("files.firm.example:8443").as_deref(), Some("https://files.firm.example:8443/"));
        assert_eq!(origin("Files.Firm.Example:443").as_deref(), Some("https://files.firm.example/"));
        assert_eq!(origin("localhost:8443").as_deref(), Some("https://localhost:8443/"));
        for host in ["127.0.0.1:8443", "[::1]:8443", "", ":8443"] {
            assert_eq!(origin(host), None, "{host}");
        }
    }

    #[test]
    fn every_question_asks_for_more_than_being_there() {
        let party = party("localhost:8443", "Harbour Law").unwrap();
        let (asked, _) = party.start_discoverable_authentication().unwrap();
        let asked = serde_json::to_value(&asked.public_key).unwrap();
        assert_eq!((asked["userVerification"].as_str(), asked["rpId"].as_str()), (Some("required"), Some("localhost")));
        let (asked, _) = party.start_passkey_authentication(&[]).unwrap();
        assert_eq!(serde_json::to_value(&asked.public_key).unwrap()["userVerification"], "required");
    }
}
