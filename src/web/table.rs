//! The map of the site: every route, and the class of people who may reach it. There is no other place where routes are mounted.

use super::{
    access, account, assets, cases,
    class::{Class, Pages},
    documents, help, history, home, probe, sign, system, today,
};
use rocket::{Build, Rocket, Route, routes};

/// Every route with its class.
fn map() -> Vec<(Class, Vec<Route>)> {
    vec![
        (Class::Public, routes![assets::file, probe::healthz, probe::readyz, help::page]),
        (Class::Public, routes![sign::root, sign::ask_email, sign::take_password, sign::ask_code, sign::take_code]),
        (Class::Signed, routes![sign::out, account::page, account::theme]),
        (Class::Staff, routes![today::page]),
        (Class::Staff, routes![cases::list, cases::blank, cases::open, cases::page, cases::form, cases::change]),
        (Class::Staff, routes![documents::of_case, documents::add, documents::page, documents::content, documents::trash, documents::restore]),
        (Class::Staff, routes![access::page, access::give, access::revoke, access::raise, access::lower]),
        (Class::Staff, routes![history::page]),
        (Class::Client, routes![home::page]),
        (Class::Administrator, routes![system::page]),
    ]
}

/// Mounts them all.
pub(super) fn mount(rocket: Rocket<Build>) -> Rocket<Build> {
    map().into_iter().fold(rocket, |rocket, (class, routes)| rocket.pages(class, routes))
}

/// `class method path`, one line a route, for `strongroom routes` and the test that walks it.
pub(crate) fn lines() -> Vec<String> {
    let line = |class: Class| move |route: Route| format!("{} {} {}", class.word(), route.method, route.uri);
    map().into_iter().flat_map(|(class, routes)| routes.into_iter().map(line(class))).collect()
}
