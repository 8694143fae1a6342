//! Classes of pages, and the one guard that every route stands behind.

use super::{GateSecret, desk, oops, unsent};
use crate::gate_header;
use rocket::{
    fairing::AdHoc,
    Build, Data, Request, Rocket, Route,
    http::{Method, Status, uri::Origin},
    response::Redirect,
    route::{Handler, Outcome},
};
use rules::{Role, UserKind, Verb};
use store::Site;

/// Who may reach a page at all. Rights on objects come on top, at each object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Anybody, from anywhere, at any time: what a page is drawn with, and what monitors ask.
    Open,
    /// Whoever holds the one-time link or the cookie of setting the site up, and only until that is over.
    Setup,
    /// Whoever sets up their ways in: held by the cookie of a link, and checked by the handler.
    Enrol,
    /// Anybody.
    Public,
    /// Anybody who is signed in.
    Signed,
    /// Staff.
    Staff,
    /// Client users.
    Client,
    /// Those who look after accounts: the system administrator and case managers.
    People,
    /// The system administrator.
    Administrator,
}

impl Class {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Class::Open => "open",
            Class::Setup => "setup",
            Class::Enrol => "enrol",
            Class::Public => "public",
            Class::Signed => "signed",
            Class::Staff => "staff",
            Class::Client => "client",
            Class::People => "people",
            Class::Administrator => "administrator",
        }
    }

    const fn takes(self, role: Role) -> bool {
        match self {
            Class::Open | Class::Setup | Class::Enrol | Class::Public | Class::Signed => true,
            Class::Staff => matches!(role, Role::Manager | Role::Staff | Role::Auditor),
            Class::Client => matches!(role, Role::Client),
            Class::People => matches!(role, Role::Administrator | Role::Manager),
            Class::Administrator => matches!(role, Role::Administrator),
        }
    }

    /// Whether nobody needs to be signed in.
    const fn is_for_strangers(self) -> bool {
        matches!(self, Class::Open | Class::Setup | Class::Enrol | Class::Public)
    }

    /// Whether it answers, as long as the site is being set up and after.
    const fn answers(self, set_up: bool) -> bool {
        match self {
            Class::Open | Class::Enrol => true,
            Class::Setup => !set_up,
            _ => set_up,
        }
    }
}

/// What a route asks of those who come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    pub(crate) class: Class,
    /// A factor must have been shown within five minutes.
    pub(crate) confirmed: bool,
}

/// The only way to mount routes.
pub(super) trait Pages {
    fn pages(self, door: Door, routes: Vec<Route>) -> Self;
}

impl Pages for Rocket<Build> {
    #[allow(clippy::disallowed_methods)] // the one place that mounts
    fn pages(self, door: Door, routes: Vec<Route>) -> Self {
        let guarded: Vec<Route> = routes
            .into_iter()
            .map(|mut route| {
                route.handler = Box::new(Guarded { door, inner: route.handler });
                route
            })
            .collect();
        self.mount("/", guarded)
    }
}

/// The framework lets a form field named `_method` change the method, behind the back of the parser that answers: taken back.
pub(super) fn method_as_sent() -> AdHoc {
    AdHoc::on_request("method as sent", |request, _| {
        Box::pin(async move {
            let sent = request.headers().get_one(gate_header::METHOD).and_then(|method| method.parse::<Method>().ok());
            if let Some(sent) = sent.filter(|sent| *sent != request.method()) {
                request.set_method(sent);
            }
        })
    })
}

/// Whether the request carries the secret of this start. Whoever reaches the inner port without it gets a bare 404.
pub(super) fn through_the_gate(request: &Request<'_>) -> bool {
    request.rocket().state::<GateSecret>().is_some_and(|secret| request.headers().get_one(gate_header::SECRET) == Some(&secret.0))
}

/// A handler behind its door.
#[derive(Clone)]
struct Guarded {
    door: Door,
    inner: Box<dyn Handler>,
}

#[rocket::async_trait]
impl Handler for Guarded {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        if !through_the_gate(request) {
            return Outcome::error(Status::NotFound);
        }
        let class = self.door.class;
        if class == Class::Open {
            return self.inner.handle(request, data).await;
        }
        let Some(site) = desk::site(request) else { return Outcome::error(Status::NotFound) };
        if !class.answers(site.is_set_up()) {
            return not_set_up(request, site.is_set_up());
        }
        let Ok(signed) = desk::signed(request) else { return Outcome::error(oops::TROUBLE) };
        if !may_come(request, site, signed.map(|signed| signed.session.role)) {
            return refuse(request, site, signed, Verb::Outside, oops::OUTSIDE);
        }
        match signed {
            _ if class.is_for_strangers() => self.inner.handle(request, data).await,
            None => sign_in_first(request, data).await,
            Some(signed) if !class.takes(signed.session.role) => refuse(request, site, Some(signed), Verb::Stranger, Status::NotFound),
            Some(signed) if self.door.confirmed && !signed.actor().confirmed => confirm_first(request, data).await,
            Some(_) => self.inner.handle(request, data).await,
        }
    }
}

/// As long as the site is being set up, every page leads there; afterwards the way there is closed.
fn not_set_up<'r>(request: &'r Request<'_>, set_up: bool) -> Outcome<'r> {
    match request.method() {
        Method::Get | Method::Head if !set_up && request.uri().path() == "/" => Outcome::from(request, Redirect::to("/setup")),
        _ => Outcome::error(Status::NotFound),
    }
}

/// Whether the network from which the request comes is one of those that the site lets in, for somebody of this role.
fn may_come(request: &Request<'_>, site: &Site, role: Option<Role>) -> bool {
    let Some(from) = request.client_ip() else { return false };
    let settings = site.settings();
    let lists = settings.networks(site.now());
    let staff = role.is_none_or(|role| role.kind() != UserKind::Staff) || lists.staff.let_in(from);
    let administrator = role != Some(Role::Administrator) || lists.administrator.let_in(from);
    lists.all.let_in(from) && staff && administrator
}

/// Refuses, and writes it down; if that cannot be done, not even the refusal is shown.
fn refuse<'r>(request: &'r Request<'_>, site: &Site, signed: Option<&desk::Signed>, verb: Verb, status: Status) -> Outcome<'r> {
    let actor = signed.map(desk::Signed::actor);
    match site.tell_refusal(actor.as_ref(), &desk::address(request), verb) {
        Ok(()) => Outcome::error(status),
        Err(_) => Outcome::error(Status::ServiceUnavailable),
    }
}

/// `head` with the page that was asked for as the place to go on to.
fn onward(head: &str, path: &str) -> Origin<'static> {
    let next = percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC);
    Origin::parse_owned(format!("{head}?next={next}")).unwrap_or_else(|_| Origin::path_only("/"))
}

/// A page leads to the sign-in page and from there back; for a form that was sent there is a page with what was typed.
async fn sign_in_first<'r>(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
    match request.method() {
        Method::Get | Method::Head => Outcome::from(request, Redirect::to(onward("/sign-in", &request.uri().to_string()))),
        _ => {
            let page = unsent::Unsent::of(request, data, unsent::Lack::Session).await;
            Outcome::from(request, page)
        }
    }
}

/// The same, for somebody who has to show first that it is still them.
async fn confirm_first<'r>(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
    match request.method() {
        Method::Get | Method::Head => Outcome::from(request, Redirect::to(onward("/confirm", &request.uri().to_string()))),
        _ => {
            let page = unsent::Unsent::of(request, data, unsent::Lack::Confirmation).await;
            Outcome::from(request, page)
        }
    }
}
