//! Classes of pages, and the one guard that every route stands behind.

use super::{Inside, desk, oops, unsent};
use crate::gate_header;
use rocket::{
    fairing::AdHoc,
    Build, Data, Request, Rocket, Route,
    http::{Method, Status, uri::Origin},
    response::Redirect,
    route::{Handler, Outcome},
};
use rules::{UserKind, Verb};

/// Who may reach a page at all. Rights on objects come on top, at each object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Anybody.
    Public,
    /// Anybody who is signed in.
    Signed,
    /// Staff.
    Staff,
    /// Client users.
    Client,
    /// The system administrator.
    Administrator,
}

impl Class {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Class::Public => "public",
            Class::Signed => "signed",
            Class::Staff => "staff",
            Class::Client => "client",
            Class::Administrator => "administrator",
        }
    }

    const fn takes(self, kind: UserKind) -> bool {
        match self {
            Class::Public | Class::Signed => true,
            Class::Staff => matches!(kind, UserKind::Staff),
            Class::Client => matches!(kind, UserKind::Client),
            Class::Administrator => matches!(kind, UserKind::Administrator),
        }
    }
}

/// The only way to mount routes.
pub(super) trait Pages {
    fn pages(self, class: Class, routes: Vec<Route>) -> Self;
}

impl Pages for Rocket<Build> {
    #[allow(clippy::disallowed_methods)] // the one place that mounts
    fn pages(self, class: Class, routes: Vec<Route>) -> Self {
        let guarded: Vec<Route> = routes
            .into_iter()
            .map(|mut route| {
                route.handler = Box::new(Guarded { class, inner: route.handler });
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
    request.rocket().state::<Inside>().is_some_and(|inside| request.headers().get_one(gate_header::SECRET) == Some(&inside.secret))
}

/// A handler behind its class.
#[derive(Clone)]
struct Guarded {
    class: Class,
    inner: Box<dyn Handler>,
}

#[rocket::async_trait]
impl Handler for Guarded {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        if !through_the_gate(request) {
            return Outcome::error(Status::NotFound);
        }
        if self.class == Class::Public {
            return self.inner.handle(request, data).await;
        }
        match desk::signed(request) {
            Err(_) => Outcome::error(oops::TROUBLE),
            Ok(None) => sign_in_first(request, data).await,
            Ok(Some(signed)) if self.class.takes(signed.session.kind) => self.inner.handle(request, data).await,
            Ok(Some(signed)) => {
                let actor = signed.actor();
                match signed.site.tell_refusal(Some(&actor), &actor.from, Verb::Stranger) {
                    Ok(()) => Outcome::error(Status::NotFound),
                    Err(_) => Outcome::error(Status::ServiceUnavailable),
                }
            }
        }
    }
}

/// A page leads to the sign-in page and from there back; for a form that was sent there is a page with what was typed.
async fn sign_in_first<'r>(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
    match request.method() {
        Method::Get | Method::Head => {
            let next = percent_encoding::utf8_percent_encode(request.uri().path().as_str(), percent_encoding::NON_ALPHANUMERIC).to_string();
            let to = Origin::parse_owned(format!("/sign-in?next={next}")).unwrap_or_else(|_| Origin::path_only("/sign-in"));
            Outcome::from(request, Redirect::to(to))
        }
        _ => {
            let page = unsent::Unsent::of(request, data).await;
            Outcome::from(request, page)
        }
    }
}
