//! A form whose token was checked before its handler got it. There is no other way to take a form.

use super::{
    desk::{self, SESSION, VISIT},
    setup::SETUP,
};
use rocket::{
    Request,
    data::{self, Data, FromData},
    form::{self, DataField, FromForm, Options, ValueField},
    http::Status,
};
use rules::Verb;

/// The token field and the fields of the form, side by side.
struct Wire<'v, T> {
    csrf: &'v str,
    inner: T,
}

#[rocket::async_trait]
impl<'v, T: FromForm<'v>> FromForm<'v> for Wire<'v, T>
where
    T::Context: Send,
{
    type Context = (&'v str, T::Context);

    fn init(options: Options) -> Self::Context {
        ("", T::init(options))
    }

    fn push_value(context: &mut Self::Context, field: ValueField<'v>) {
        match field.name == "csrf" {
            true => context.0 = field.value,
            false => T::push_value(&mut context.1, field),
        }
    }

    async fn push_data(context: &mut Self::Context, field: DataField<'v, '_>) {
        T::push_data(&mut context.1, field).await;
    }

    fn finalize(context: Self::Context) -> form::Result<'v, Self> {
        Ok(Wire { csrf: context.0, inner: T::finalize(context.1)? })
    }
}

/// A form that came from one of our own pages, in the session (or visit) in which the page was made.
pub(super) struct Posted<T>(T);

impl<T> Posted<T> {
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

/// The fields of a form that is only a button.
pub(super) struct Button;

#[rocket::async_trait]
impl<'v> FromForm<'v> for Button {
    type Context = ();

    fn init(_: Options) {}

    fn push_value((): &mut (), _: ValueField<'v>) {}

    async fn push_data((): &mut (), _: DataField<'v, '_>) {}

    fn finalize((): ()) -> form::Result<'v, Self> {
        Ok(Button)
    }
}

#[rocket::async_trait]
impl<'r, T: FromForm<'r>> FromData<'r> for Posted<T> {
    type Error = ();

    #[allow(clippy::disallowed_types)] // the one place that parses forms
    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        if !comes_from_here(request) {
            return forged(request);
        }
        match rocket::form::Form::<Wire<'r, T>>::from_data(request, data).await {
            data::Outcome::Success(form) => {
                let wire = form.into_inner();
                match is_ours(request, wire.csrf) {
                    true => data::Outcome::Success(Posted(wire.inner)),
                    false => forged(request),
                }
            }
            data::Outcome::Error((status, _)) => data::Outcome::Error((status, ())),
            data::Outcome::Forward((_, status)) => data::Outcome::Error((status, ())),
        }
    }
}

/// Whether the browser says that the form was sent by a page of this host (Sec-Fetch-Site, else Origin; ASVS 3.5.1, 3.5.2). A client that
/// says neither is no browser that could be tricked; it still needs the token.
pub(super) fn comes_from_here(request: &Request<'_>) -> bool {
    let field = |name| request.headers().get_one(name);
    match (field("Sec-Fetch-Site"), field("Origin")) {
        (Some(site), _) if site != "same-origin" => false,
        (_, Some(origin)) => origin.strip_prefix("https://").is_some_and(|host| Some(host) == field("Host")),
        _ => true,
    }
}

/// Whether `given` is the form token of the session, the visit or the set-up whose cookie came along.
pub(super) fn is_ours(request: &Request<'_>, given: &str) -> bool {
    [SESSION, VISIT, SETUP].into_iter().filter_map(|cookie| desk::token(request, cookie)).any(|token| token.is_form_token(given))
}

/// Refuses a form, and writes that down.
pub(super) fn forged<'r, T>(request: &'r Request<'_>) -> data::Outcome<'r, T>
where
    T: FromData<'r, Error = ()>,
{
    let actor = desk::signed(request).ok().flatten().map(|signed| signed.actor());
    let told = desk::site(request).map(|site| site.tell_refusal(actor.as_ref(), &desk::address(request), Verb::Forged));
    data::Outcome::Error(match told {
        Some(Ok(())) => (Status::Forbidden, ()),
        _ => (Status::ServiceUnavailable, ()),
    })
}
