//! The browser somebody comes with: what it is, in words, and the cookie by which it is known again.

use super::desk::{address, token};
use keys::nonce::Token;
use rocket::{
    Request,
    http::{Cookie, CookieJar, SameSite},
    request::{FromRequest, Outcome},
    time::Duration,
};
use rules::Refusal;
use store::{
    Site,
    session::Arrival,
    throttle::{Admission, Counted, Knock},
};

/// Cookie of a browser: it outlives sessions, and lets nobody in.
pub(super) const DEVICE: &str = "__Host-device";
/// Browsers keep no cookie for longer (RFC 6265bis).
const DAYS: i64 = 400;

/// The browser of a request.
pub(super) struct Device<'r> {
    jar: &'r CookieJar<'r>,
    known: Option<Token>,
    words: String,
    from: Box<str>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Device<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let words = words(request.headers().get_one("User-Agent").unwrap_or_default());
        Outcome::Success(Device { jar: request.cookies(), known: token(request, DEVICE), words, from: address(request) })
    }
}

impl Device<'_> {
    /// Where it comes from.
    pub(super) fn from(&self) -> &str {
        &self.from
    }

    /// By which something made in this browser is known again in it, for longer than a session: the cookie of the browser, else that of the session.
    pub(super) fn seed(&self, session: &Token) -> Result<Token, Refusal> {
        Token::presented(self.known.as_ref().unwrap_or(session).expose()).ok_or(Refusal::NotFound)
    }

    /// Counts a try of this browser at an account, named by its address in the form of [`rules::text::email`]. Held off, the sentence that
    /// says until when.
    pub(super) async fn knock(&self, site: &Site, account: Option<&str>) -> Result<Result<Counted, String>, Refusal> {
        Ok(match site.knock(Knock { account, from: &self.from, device: self.known.as_ref() }).await? {
            Admission::Go(counted) => Ok(counted),
            Admission::Held(until) => Err(format!("There were too many tries. Wait until {}, then try again.", until.clock(&site.firm().zone))),
        })
    }

    /// For a session about to begin under `fresh`: the cookie is made if there is none, and sent so that it lasts.
    pub(super) fn arrival(&self, fresh: &Token) -> Result<Arrival, Refusal> {
        let new = match &self.known {
            Some(_) => None,
            None => Some(Token::new().map_err(Refusal::fault)?),
        };
        let token = self.known.as_ref().or(new.as_ref()).ok_or(Refusal::NotFound)?;
        let cookie = Cookie::build((DEVICE, token.expose().to_owned())).path("/").secure(true).http_only(true).same_site(SameSite::Lax);
        self.jar.add(cookie.max_age(Duration::days(DAYS)));
        Ok(Arrival::new(fresh, token, &self.from, &self.words))
    }
}

/// "Firefox on Linux": what the browser says of itself, as far as that is known here.
fn words(agent: &str) -> String {
    // Order matters: most browsers name the ones they descend from, too.
    const BROWSERS: [(&str, &str); 6] = [("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
    const SYSTEMS: [(&str, &str); 6] = [("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux")];
    let find = |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn browsers_are_called_what_people_call_them() {
        let rows = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
            ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
            ("curl/8.1", ""),
        ];
        for (agent, expected) in rows {
            assert_eq!(words(agent), expected);
        }
    }
}
