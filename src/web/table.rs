//! The map of the site: every route, and the class of people who may reach it. There is no other place where routes are mounted.

use super::{
    access, account, assets, cases,
    class::{Class, Door, Pages},
    documents, help, history, home, probe, sign, system, today,
};
use rocket::{Build, Rocket, Route, routes};

/// A class, without more.
const fn at(class: Class) -> Door {
    Door { class, confirmed: false }
}

/// A class, and a factor shown within five minutes.
const fn confirmed(class: Class) -> Door {
    Door { class, confirmed: true }
}

/// Every route with its door.
fn map() -> Vec<(Door, Vec<Route>)> {
    vec![
        (at(Class::Open), routes![assets::file, probe::healthz, probe::readyz]),
        (at(Class::Public), routes![help::page, sign::root, sign::ask_email, sign::take_password, sign::ask_code, sign::take_code]),
        (at(Class::Signed), routes![sign::out, account::page, account::theme]),
        (at(Class::Staff), routes![today::page]),
        (at(Class::Staff), routes![cases::list, cases::blank, cases::open, cases::page, cases::form, cases::change]),
        (at(Class::Staff), routes![documents::of_case, documents::add, documents::page, documents::content, documents::trash, documents::restore]),
        (at(Class::Staff), routes![access::page, access::give, access::revoke, access::raise, access::lower]),
        (at(Class::Staff), routes![history::page]),
        (at(Class::Client), routes![home::page]),
        (at(Class::Administrator), routes![system::page]),
    ]
}

/// Mounts them all.
pub(super) fn mount(rocket: Rocket<Build>) -> Rocket<Build> {
    map().into_iter().fold(rocket, |rocket, (door, routes)| rocket.pages(door, routes))
}

/// `class method path`, one line a route, for `strongroom routes` and the test that walks it. A class with `+confirmed` asks for a factor.
pub(crate) fn lines() -> Vec<String> {
    let line = |door: Door| move |route: Route| format!("{}{} {} {}", door.class.word(), if door.confirmed { "+confirmed" } else { "" }, route.method, route.uri);
    map().into_iter().flat_map(|(door, routes)| routes.into_iter().map(line(door))).collect()
}
