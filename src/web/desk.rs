//! The desk at which a handler sits: whose request it is, at which site, and the two ways to data.

use super::{
    Inside,
    page::{Alarm, Shell, ShellUser},
    said::Said,
};
use keys::nonce::Token;
use rocket::{
    Request,
    http::{Cookie, SameSite, Status},
    outcome::IntoOutcome,
    request::{FromRequest, Outcome},
};
use rules::{Actor, Moment, Refusal, Role};
use store::{Reading, Site, Tx, Writing, session::Session};

/// Cookie of a session: `__Host-` binds it to this host, over https, at any path (RFC 6265bis).
pub(super) const SESSION: &str = "__Host-session";
/// Cookie of a visit: from the sign-in page to the code.
pub(super) const VISIT: &str = "__Host-visit";

/// Somebody signed in.
pub(super) struct Signed {
    pub(super) site: Site,
    pub(super) session: Session,
    pub(super) token: Token,
    pub(super) from: Box<str>,
}

impl Signed {
    pub(super) fn actor(&self) -> Actor {
        self.session.actor(&self.from, self.site.now())
    }
}

/// The client's address as the gate wrote it.
pub(super) fn address(request: &Request<'_>) -> Box<str> {
    request.client_ip().map_or_else(|| "unknown".into(), |ip| ip.to_string().into())
}

/// Name and port under which the request reached the site; the gate lets only known names through.
pub(super) fn host(request: &Request<'_>) -> String {
    request.host().map_or_else(String::new, |host| host.to_string())
}

/// The site that the host name reaches.
pub(super) fn site<'r>(request: &'r Request<'_>) -> Option<&'r Site> {
    let found = request.local_cache(|| {
        let host = request.host().map_or("", |host| host.domain().as_str());
        request.rocket().state::<Inside>()?.appliance.site_of_host(host)
    });
    found.as_ref()
}

/// Who is signed in, looked up once a request. If that fails, the cause stays with the request, for the page that says so.
pub(super) fn signed<'r>(request: &'r Request<'_>) -> Result<Option<&'r Signed>, &'r Refusal> {
    let found = request.local_cache(|| -> Result<Option<Signed>, Refusal> {
        let (Some(site), Some(token)) = (site(request), token(request, SESSION)) else { return Ok(None) };
        let session = site.session(&token)?;
        Ok(session.map(|session| Signed { site: site.clone(), session, token, from: address(request) }))
    });
    found.as_ref().map(Option::as_ref)
}

/// The token in one of our cookies.
pub(super) fn token(request: &Request<'_>, cookie: &'static str) -> Option<Token> {
    request.cookies().get(cookie).and_then(|cookie| Token::presented(cookie.value()))
}

/// One of our cookies: for this host only, over https only, out of reach of scripts (ASVS 3.3).
pub(super) fn cookie(name: &'static str, token: &Token) -> Cookie<'static> {
    Cookie::build((name, token.expose().to_owned())).path("/").secure(true).http_only(true).same_site(SameSite::Lax).build()
}

/// The first page of somebody of this kind.
pub(super) const fn first_page(role: Role) -> &'static str {
    match role {
        Role::Manager | Role::Staff | Role::Auditor => "/today",
        Role::Client => "/home",
        Role::Administrator | Role::Service => "/system",
    }
}

/// The side of the house, by which templates choose words and links.
const fn side(role: Role) -> &'static str {
    match role {
        Role::Administrator => "administrator",
        Role::Client => "client",
        Role::Manager | Role::Staff | Role::Auditor | Role::Service => "staff",
    }
}

/// What a handler of a signed-in page gets.
pub(super) struct Desk<'r> {
    signed: &'r Signed,
    inside: &'r Inside,
    said: Option<Said>,
    host: String,
    /// When the request came.
    pub(super) now: Moment,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Desk<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let inside = request.rocket().state::<Inside>();
        match (signed(request), inside) {
            (Ok(signed), Some(inside)) => {
                let (said, host) = (Said::of(request), host(request));
                signed.map(|signed| Desk { signed, inside, said, host, now: signed.site.now() }).or_error((Status::Unauthorized, ()))
            }
            _ => Outcome::Error((Status::InternalServerError, ())),
        }
    }
}

impl Desk<'_> {
    /// Who asks.
    pub(super) fn session(&self) -> &Session {
        &self.signed.session
    }

    /// Their site.
    pub(super) fn site(&self) -> &Site {
        &self.signed.site
    }

    /// The rest of the house.
    pub(super) fn inside(&self) -> &Inside {
        self.inside
    }

    /// Reads; see [`Site::read`].
    pub(super) async fn read<T: Send + 'static>(&self, work: impl for<'t> FnOnce(&'t Tx<'t, Reading>) -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
        self.signed.site.read(self.signed.actor(), work).await
    }

    /// Writes; see [`Site::write`].
    pub(super) async fn write<T: Send + 'static>(&self, work: impl for<'t> FnOnce(&'t Tx<'t, Writing>) -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
        self.signed.site.write(self.signed.actor(), work).await
    }

    /// The token of this session.
    pub(super) fn token(&self) -> &Token {
        &self.signed.token
    }

    /// Who asks, as the store knows them.
    pub(super) fn actor(&self) -> Actor {
        self.signed.actor()
    }

    /// Address of the site as it stands in links and letters: as set, else as this request reached it.
    pub(super) fn base(&self) -> String {
        self.signed.site.settings().url.clone().unwrap_or_else(|| format!("https://{}", self.host))
    }

    /// Ends this session; see [`Site::end_session`].
    pub(super) async fn end_session(&self) -> Result<(), Refusal> {
        self.signed.site.end_session(self.signed.actor()).await
    }

    /// The frame of a page; `nav` marks where in the top bar it stands.
    pub(super) fn shell(&self, nav: &'static str) -> Shell {
        let mut shell = Shell::of(self.signed, nav);
        shell.flash = self.said.as_ref().map(|said| said.flash(None));
        // The last use is written down once a minute, so that the session may end up to a minute sooner than this request would say.
        shell.idle = (self.session().role.idle_minutes() - 1) * 60;
        shell.ends = (self.session().ends.0 - self.now.0).max(0) / 1000;
        shell
    }

    /// The same, for a page that knows the names of people and teams by their opaque ids.
    pub(super) fn shell_naming(&self, nav: &'static str, name: impl Fn(&str) -> Option<String>) -> Shell {
        let mut shell = self.shell(nav);
        shell.flash = self.said.as_ref().map(|said| said.flash(said.whom().and_then(name).as_deref()));
        shell
    }
}

/// What cannot wait, for those who run the site: it stands on every page of theirs.
fn alarm(signed: &Signed) -> Option<Alarm> {
    if signed.session.role != Role::Administrator {
        return None;
    }
    let settings = signed.site.settings();
    if let Some(at) = settings.rescue {
        let zone = &settings.firm.zone;
        let text = format!("A system administrator’s ways in were reset at the server on {}, {}.", at.day(zone), at.hour(zone));
        return Some(Alarm { text, href: "/system#rescue", label: "Read what to do" });
    }
    if signed.site.kit_is_on_paper() {
        return None;
    }
    let text = "The recovery kit is not on paper. If this server is lost, nothing can be brought back.".to_owned();
    let (href, label) = if settings.keeps_keyring { ("/system/kit", "Print the kit") } else { ("/system#kit", "Read what to do") };
    Some(Alarm { text, href, label })
}

impl Shell {
    /// The frame for somebody signed in.
    pub(super) fn of(signed: &Signed, nav: &'static str) -> Shell {
        let session = &signed.session;
        let initials = session.name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
        let (people, keyring) = (session.role.looks_after(Role::Client), signed.site.settings().keeps_keyring);
        let user = ShellUser { name: session.name.clone(), initials, kind: side(session.role), words: session.words.clone(), people, keyring };
        Shell {
            user: Some(user),
            home: first_page(session.role),
            csrf: signed.token.form_token(),
            theme: session.theme.clone(),
            alarm: alarm(signed),
            nav,
            ..Shell::bare(&signed.site)
        }
    }
}
