//! The map of the site: every route, and the class of people who may reach it. There is no other place where routes are mounted.

use super::{
    access, account, answers, assets, backups, case_form, cases,
    class::{Class, Door, Pages},
    confirm, conflicts, contact, contacts, documents, enrol, export, factors, help, history, home, intake, kit, mail, matrix, merge, metrics, networks, parties, passkeys, people, person, probe, recover, rights, settings, setup, sign, start_key, system, teams, ticket, today, versions,
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
        (at(Class::Open), routes![assets::file, probe::healthz, probe::readyz, metrics::metrics]),
        (at(Class::Public), routes![help::page, sign::root, sign::ask_email, sign::take_password, sign::ask_code, sign::take_code]),
        (at(Class::Public), routes![passkeys::ask_visitor, passkeys::take_visitor, passkeys::ask_anybody, passkeys::take_anybody]),
        (at(Class::Setup), routes![setup::claim_form, setup::claim, setup::firm_form, setup::firm, start_key::form, start_key::choose]),
        (at(Class::Setup), routes![kit::form, kit::confirm, setup::you_form, setup::you]),
        (at(Class::Enrol), routes![ticket::link_form, ticket::link, enrol::next, enrol::password_form, enrol::password, enrol::factor_form, enrol::factor]),
        (at(Class::Enrol), routes![enrol::codes_form, enrol::codes, enrol::terms_form, enrol::terms]),
        (at(Class::Signed), routes![passkeys::ask_own, passkeys::take_own]),
        (confirmed(Class::Signed), routes![passkeys::blank, passkeys::begin, passkeys::add, passkeys::remove]),
        (at(Class::Public), routes![sign::ask_recovery, sign::take_recovery, recover::ask, recover::take, recover::ask_answers, recover::take_answers]),
        (at(Class::Signed), routes![confirm::ask, confirm::take, confirm::stay]),
        (at(Class::Signed), routes![sign::out, account::page, account::name, account::theme]),
        (confirmed(Class::Signed), routes![account::end, account::end_others]),
        (confirmed(Class::Signed), routes![factors::password_form, factors::password, factors::app_form, factors::app_begin, factors::app, factors::codes_page, factors::codes]),
        (confirmed(Class::Signed), routes![answers::form, answers::keep]),
        (at(Class::Staff), routes![today::page]),
        (at(Class::Staff), routes![cases::list, cases::page, case_form::blank, case_form::open, case_form::form, case_form::change]),
        (at(Class::Staff), routes![documents::of_case, documents::add, documents::page, documents::content, documents::trash, documents::restore]),
        (at(Class::Staff), routes![versions::add, versions::check_out, versions::check_in]),
        (at(Class::Staff), routes![access::page, access::give, access::revoke, access::raise, access::lower, matrix::page]),
        (at(Class::Staff), routes![history::page]),
        (at(Class::Staff), routes![parties::page, parties::add, parties::end, parties::decide, conflicts::page]),
        (at(Class::Staff), routes![contacts::list, contacts::blank, contacts::make, contact::page, contact::form, contact::change, contact::history, contact::remove]),
        (at(Class::Staff), routes![contact::add_name, contact::remove_name, contact::add_paper, contact::remove_paper, contact::add_tie, contact::remove_tie]),
        (at(Class::Staff), routes![merge::page, merge::join, intake::page, intake::take, intake::preview, intake::accept, intake::drop_file, intake::undo]),
        (at(Class::Client), routes![home::page]),
        (at(Class::People), routes![people::list, person::page, teams::page]),
        (confirmed(Class::People), routes![people::blank, people::invite]),
        (confirmed(Class::People), routes![person::change, person::add_contact, person::remove_contact]),
        (confirmed(Class::People), routes![person::resend, person::revoke, person::suspend, person::sign_out, person::restore]),
        (confirmed(Class::People), routes![rights::role_page, rights::set_role, rights::reset_page, rights::reset, rights::leave_page, rights::leave]),
        (confirmed(Class::People), routes![teams::make, teams::rename, teams::add, teams::take_out, teams::remove]),
        (at(Class::Administrator), routes![system::page, backups::page]),
        (at(Class::People), routes![export::page]),
        (confirmed(Class::People), routes![export::approve, export::refuse]),
        (confirmed(Class::Administrator), routes![export::ask, export::withdraw, export::again, export::remove, export::file]),
        (confirmed(Class::Administrator), routes![backups::now, backups::drill_now]),
        (confirmed(Class::Administrator), routes![kit::system_form, kit::system_confirm, kit::sheet, kit::replace, start_key::system_form, start_key::system_choose]),
        (confirmed(Class::Administrator), routes![system::rescue_seen]),
        (confirmed(Class::Administrator), routes![settings::firm, settings::set_firm, settings::recovery, settings::set_recovery, settings::terms, settings::set_terms]),
        (confirmed(Class::Administrator), routes![mail::page, mail::set, mail::off, mail::send_test, networks::page, networks::put_on_trial, networks::keep]),
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
