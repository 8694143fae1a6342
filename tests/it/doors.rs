//! Every route × every actor. A route that is not listed here fails the test; so does a row for a route that is gone.

use crate::world::{self, BINARY, Browser};
use std::process::Command;

/// Nobody, the owner of a case, a colleague who may read it, one without a grant, a client, the administrator.
const ACTORS: [&str; 6] = ["", "Priya", "Ruth", "Tomasz", "Folake", "Tom A"];

/// What the ids in paths are of; routes themselves say `<id>`.
const OBJECTS: [&str; 7] = ["<case>", "<document>", "<contact>", "<import>", "<person>", "<client>", "<team>"];

enum Sort {
    Page,
    Form,
    Upload,
}

/// What each actor gets, and what those get who send the form empty, but with their own genuine token.
struct Door {
    route: &'static str,
    sort: Sort,
    expect: [u16; 6],
    sent: Option<[u16; 6]>,
}

const fn page(route: &'static str, expect: [u16; 6]) -> Door {
    Door { route, sort: Sort::Page, expect, sent: None }
}

const fn form(route: &'static str, expect: [u16; 6], sent: [u16; 6]) -> Door {
    Door { route, sort: Sort::Form, expect, sent: Some(sent) }
}

const fn upload(route: &'static str, expect: [u16; 6], sent: [u16; 6]) -> Door {
    Door { route, sort: Sort::Upload, expect, sent: Some(sent) }
}

/// A form that is not sent with its token, because it would end the sessions, or the e-mail, that other tests use.
const fn unsent(route: &'static str, expect: [u16; 6]) -> Door {
    Door { route, sort: Sort::Form, expect, sent: None }
}

/// Case and document are Priya's; Ruth may read them. A form without its token is refused with 403, after the class of the page was
/// checked; 401 tells somebody who is not signed in that their session is over. With its token it reaches the handler: 404 to those who
/// do not see the object, 403 to those whose level is too low, and to the owner 422 or 303, or 404 where the form names nobody.
const DOORS: &[Door] = &[
    page("GET /assets/<name>", [404, 404, 404, 404, 404, 404]),
    page("GET /healthz", [200, 200, 200, 200, 200, 200]),
    page("GET /metrics", [200, 200, 200, 200, 200, 200]),
    page("GET /readyz", [200, 200, 200, 200, 200, 200]),
    page("GET /help", [200, 200, 200, 200, 200, 200]),
    page("GET /", [303, 303, 303, 303, 303, 303]),
    page("GET /sign-in?<next>", [200, 303, 303, 303, 303, 303]),
    form("POST /sign-in", [403, 403, 403, 403, 403, 403], [422, 422, 422, 422, 422, 422]),
    page("GET /sign-in/code?<next>", [303, 303, 303, 303, 303, 303]),
    form("POST /sign-in/code", [403, 403, 403, 403, 403, 403], [303, 303, 303, 303, 303, 303]),
    page("GET /sign-in/recovery?<next>", [303, 303, 303, 303, 303, 303]),
    form("POST /sign-in/recovery", [403, 403, 403, 403, 403, 403], [303, 303, 303, 303, 303, 303]),
    // The way back in is closed here: the page says whom to ask. Nobody's answers are awaited.
    page("GET /recover", [200, 200, 200, 200, 200, 200]),
    form("POST /recover", [403, 403, 403, 403, 403, 403], [200, 200, 200, 200, 200, 200]),
    page("GET /answers", [303, 303, 303, 303, 303, 303]),
    form("POST /answers", [403, 403, 403, 403, 403, 403], [303, 303, 303, 303, 303, 303]),
    page("GET /confirm?<next>", [303, 200, 200, 200, 200, 200]),
    form("POST /confirm", [401, 403, 403, 403, 403, 403], [401, 422, 422, 422, 422, 422]),
    form("POST /session/stay", [401, 403, 403, 403, 403, 403], [401, 204, 204, 204, 204, 204]),
    // To the script, with 200, it is said where to go on; a passkey that is not there, or the answer to no question, is a mistake.
    form("POST /sign-in/passkey/begin", [403, 403, 403, 403, 403, 403], [200, 200, 200, 200, 200, 200]),
    form("POST /sign-in/passkey", [403, 403, 403, 403, 403, 403], [200, 200, 200, 200, 200, 200]),
    form("POST /sign-in/passkey/any/begin", [403, 403, 403, 403, 403, 403], [200, 200, 200, 200, 200, 200]),
    form("POST /sign-in/passkey/any", [403, 403, 403, 403, 403, 403], [422, 422, 422, 422, 422, 422]),
    form("POST /confirm/passkey/begin", [401, 403, 403, 403, 403, 403], [401, 422, 422, 422, 422, 422]),
    form("POST /confirm/passkey", [401, 403, 403, 403, 403, 403], [401, 422, 422, 422, 422, 422]),
    page("GET /account/passkeys/new", [303, 200, 200, 200, 200, 200]),
    form("POST /account/passkeys/begin", [401, 403, 403, 403, 403, 403], [401, 422, 422, 422, 422, 422]),
    form("POST /account/passkeys", [401, 403, 403, 403, 403, 403], [401, 422, 422, 422, 422, 422]),
    // The id is that of a document: of no passkey.
    form("POST /account/passkeys/<document>/remove", [401, 403, 403, 403, 403, 403], [401, 404, 404, 404, 404, 404]),
    unsent("POST /sign-out", [401, 403, 403, 403, 403, 403]),
    page("GET /account", [303, 200, 200, 200, 200, 200]),
    form("POST /account/name", [401, 403, 403, 403, 403, 403], [401, 422, 422, 422, 422, 422]),
    // Again the id of a document: of no session.
    form("POST /account/sessions/<document>/end", [401, 403, 403, 403, 403, 403], [401, 404, 404, 404, 404, 404]),
    unsent("POST /account/sessions/end-others", [401, 403, 403, 403, 403, 403]),
    page("GET /account/password", [303, 200, 200, 200, 200, 200]),
    form("POST /account/password", [401, 403, 403, 403, 403, 403], [401, 422, 422, 422, 422, 422]),
    page("GET /account/authenticator", [303, 200, 200, 200, 200, 200]),
    form("POST /account/authenticator/begin", [401, 403, 403, 403, 403, 403], [401, 303, 303, 303, 303, 303]),
    form("POST /account/authenticator", [401, 403, 403, 403, 403, 403], [401, 422, 422, 422, 422, 422]),
    page("GET /account/codes", [303, 200, 200, 200, 200, 200]),
    form("POST /account/codes", [401, 403, 403, 403, 403, 403], [401, 303, 303, 303, 303, 303]),
    page("GET /account/questions", [303, 404, 404, 404, 404, 404]),
    form("POST /account/questions", [401, 403, 403, 403, 403, 403], [401, 404, 404, 404, 404, 404]),
    form("POST /account/theme", [401, 403, 403, 403, 403, 403], [401, 303, 303, 303, 303, 303]),
    page("GET /today", [303, 200, 200, 200, 404, 404]),
    page("GET /cases?<asked..>", [303, 200, 200, 200, 404, 404]),
    page("GET /cases/new?<whom>", [303, 200, 200, 200, 404, 404]),
    form("POST /cases", [401, 403, 403, 403, 404, 404], [401, 422, 422, 422, 404, 404]),
    page("GET /cases/<case>", [303, 200, 200, 404, 404, 404]),
    page("GET /cases/<case>/edit", [303, 200, 403, 404, 404, 404]),
    form("POST /cases/<case>/edit", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    page("GET /cases/<case>/documents?<after>", [303, 200, 200, 404, 404, 404]),
    upload("POST /cases/<case>/documents", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    page("GET /documents/<document>", [303, 200, 200, 404, 404, 404]),
    page("GET /documents/<document>/content?<version>", [303, 200, 200, 404, 404, 404]),
    upload("POST /documents/<document>/versions", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    form("POST /documents/<document>/check-out", [401, 403, 403, 403, 404, 404], [401, 303, 403, 404, 404, 404]),
    form("POST /documents/<document>/check-in", [401, 403, 403, 403, 404, 404], [401, 303, 403, 404, 404, 404]),
    form("POST /documents/<document>/trash", [401, 403, 403, 403, 404, 404], [401, 303, 403, 404, 404, 404]),
    form("POST /documents/<document>/restore", [401, 403, 403, 403, 404, 404], [401, 303, 403, 404, 404, 404]),
    page("GET /cases/<case>/access", [303, 200, 200, 404, 404, 404]),
    form("POST /cases/<case>/access", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    form("POST /cases/<case>/access/revoke", [401, 403, 403, 403, 404, 404], [401, 404, 403, 404, 404, 404]),
    form("POST /cases/<case>/access/wall", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    form("POST /cases/<case>/access/unwall", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    page("GET /access?<after>", [303, 200, 200, 200, 404, 404]),
    page("GET /cases/<case>/history?<before>&<show>", [303, 200, 403, 404, 404, 404]),
    page("GET /cases/<case>/parties?<more>", [303, 200, 200, 404, 404, 404]),
    form("POST /cases/<case>/parties", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    form("POST /cases/<case>/parties/end", [401, 403, 403, 403, 404, 404], [401, 404, 403, 404, 404, 404]),
    form("POST /cases/<case>/parties/decide", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    page("GET /conflicts?<names>", [303, 200, 200, 200, 404, 404]),
    // The contact is on Priya's case, which Ruth may read.
    page("GET /contacts?<q>&<after>", [303, 200, 200, 200, 404, 404]),
    page("GET /contacts/new?<name>", [303, 200, 200, 200, 404, 404]),
    form("POST /contacts", [401, 403, 403, 403, 404, 404], [401, 422, 422, 422, 404, 404]),
    page("GET /contacts/<contact>?<show>", [303, 200, 200, 404, 404, 404]),
    page("GET /contacts/<contact>/edit", [303, 200, 403, 404, 404, 404]),
    form("POST /contacts/<contact>/edit", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    page("GET /contacts/<contact>/history?<before>", [303, 200, 403, 404, 404, 404]),
    form("POST /contacts/<contact>/remove", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    form("POST /contacts/<contact>/names", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    form("POST /contacts/<contact>/names/remove", [401, 403, 403, 403, 404, 404], [401, 404, 403, 404, 404, 404]),
    form("POST /contacts/<contact>/papers", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    form("POST /contacts/<contact>/papers/remove", [401, 403, 403, 403, 404, 404], [401, 404, 403, 404, 404, 404]),
    form("POST /contacts/<contact>/ties", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    form("POST /contacts/<contact>/ties/remove", [401, 403, 403, 403, 404, 404], [401, 404, 403, 404, 404, 404]),
    page("GET /contacts/<contact>/merge?<q>", [303, 200, 403, 404, 404, 404]),
    form("POST /contacts/<contact>/merge", [401, 403, 403, 403, 404, 404], [401, 422, 403, 404, 404, 404]),
    page("GET /contacts/import", [303, 200, 200, 200, 404, 404]),
    upload("POST /contacts/import", [401, 403, 403, 403, 404, 404], [401, 422, 422, 422, 404, 404]),
    // The file is Priya's; what was accepted is no longer there to be dropped.
    page("GET /imports/<import>", [303, 200, 404, 404, 404, 404]),
    form("POST /imports/<import>/accept", [401, 403, 403, 403, 404, 404], [401, 303, 404, 404, 404, 404]),
    form("POST /imports/<import>/drop", [401, 403, 403, 403, 404, 404], [401, 404, 404, 404, 404, 404]),
    form("POST /imports/<import>/undo", [401, 403, 403, 403, 404, 404], [401, 303, 404, 404, 404, 404]),
    // The site is set up: nobody can do that again.
    page("GET /setup", [404, 404, 404, 404, 404, 404]),
    form("POST /setup", [404, 404, 404, 404, 404, 404], [404, 404, 404, 404, 404, 404]),
    page("GET /setup/firm", [404, 404, 404, 404, 404, 404]),
    form("POST /setup/firm", [404, 404, 404, 404, 404, 404], [404, 404, 404, 404, 404, 404]),
    page("GET /setup/key", [404, 404, 404, 404, 404, 404]),
    form("POST /setup/key", [404, 404, 404, 404, 404, 404], [404, 404, 404, 404, 404, 404]),
    page("GET /setup/kit", [404, 404, 404, 404, 404, 404]),
    form("POST /setup/kit", [404, 404, 404, 404, 404, 404], [404, 404, 404, 404, 404, 404]),
    page("GET /setup/you", [404, 404, 404, 404, 404, 404]),
    form("POST /setup/you", [404, 404, 404, 404, 404, 404], [404, 404, 404, 404, 404, 404]),
    page("GET /link", [200, 200, 200, 200, 200, 200]),
    form("POST /link", [403, 403, 403, 403, 403, 403], [422, 422, 422, 422, 422, 422]),
    // Nobody of these is at setting up their ways in: they are led to where that begins.
    page("GET /enrol", [303, 303, 303, 303, 303, 303]),
    page("GET /enrol/password", [303, 303, 303, 303, 303, 303]),
    form("POST /enrol/password", [403, 403, 403, 403, 403, 403], [303, 303, 303, 303, 303, 303]),
    page("GET /enrol/factor", [303, 303, 303, 303, 303, 303]),
    form("POST /enrol/factor", [403, 403, 403, 403, 403, 403], [303, 303, 303, 303, 303, 303]),
    page("GET /enrol/codes", [303, 303, 303, 303, 303, 303]),
    form("POST /enrol/codes", [403, 403, 403, 403, 403, 403], [303, 303, 303, 303, 303, 303]),
    page("GET /enrol/terms", [303, 303, 303, 303, 303, 303]),
    form("POST /enrol/terms", [403, 403, 403, 403, 403, 403], [303, 303, 303, 303, 303, 303]),
    page("GET /system/kit", [303, 404, 404, 404, 404, 200]),
    page("GET /system/kit/sheet", [303, 404, 404, 404, 404, 303]),
    // The sample firm has no kit yet: to the page that says so.
    form("POST /system/kit", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 303]),
    form("POST /system/kit/new", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 303]),
    page("GET /system/key", [303, 404, 404, 404, 404, 200]),
    form("POST /system/key", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    page("GET /home", [303, 404, 404, 404, 200, 404]),
    page("GET /system/backups", [303, 404, 404, 404, 404, 200]),
    form("POST /system/backups/now", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 303]),
    form("POST /system/backups/drill", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 303]),
    page("GET /system/export", [303, 404, 404, 404, 404, 200]),
    form("POST /system/export", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    // The id is that of a document: of no export.
    form("POST /system/export/<document>/approve", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 404]),
    form("POST /system/export/<document>/refuse", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 404]),
    form("POST /system/export/<document>/withdraw", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 404]),
    form("POST /system/export/<document>/again", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 404]),
    form("POST /system/export/<document>/remove", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 404]),
    page("GET /system/export/<document>/file", [303, 404, 404, 404, 404, 404]),
    page("GET /system", [303, 404, 404, 404, 404, 200]),
    page("GET /people?<asked..>", [303, 404, 404, 404, 404, 200]),
    page("GET /people/new?<role>&<find>", [303, 404, 404, 404, 404, 200]),
    form("POST /people", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    page("GET /people/<person>?<find>", [303, 404, 404, 404, 404, 200]),
    form("POST /people/<person>/change", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    page("GET /people/<person>/role", [303, 404, 404, 404, 404, 200]),
    form("POST /people/<person>/role", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    // Who was invited and has not come can neither be suspended nor reset, and does not leave: the invitation is taken back.
    form("POST /people/<person>/sign-out", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 303]),
    form("POST /people/<person>/suspend", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 403]),
    form("POST /people/<person>/restore", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 403]),
    page("GET /people/<client>/reset", [303, 404, 404, 404, 404, 200]),
    form("POST /people/<person>/reset", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 403]),
    page("GET /people/<client>/leave", [303, 404, 404, 404, 404, 200]),
    form("POST /people/<person>/contacts", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    form("POST /people/<person>/contacts/remove", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 404]),
    form("POST /people/<person>/resend", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 200]),
    form("POST /people/<person>/revoke", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 303]),
    form("POST /people/<person>/leave", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 403]),
    page("GET /teams", [303, 404, 404, 404, 404, 200]),
    form("POST /teams", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    form("POST /teams/<team>/rename", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    form("POST /teams/<team>/add", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    form("POST /teams/<team>/take-out", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 404]),
    form("POST /teams/<team>/remove", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 303]),
    form("POST /system/rescue/seen", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 303]),
    page("GET /settings/firm", [303, 404, 404, 404, 404, 200]),
    form("POST /settings/firm", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    page("GET /settings/mail", [303, 404, 404, 404, 404, 200]),
    form("POST /settings/mail", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    unsent("POST /settings/mail/off", [401, 404, 404, 404, 404, 403]),
    form("POST /settings/mail/test", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    page("GET /settings/networks", [303, 404, 404, 404, 404, 200]),
    form("POST /settings/networks", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 303]),
    form("POST /settings/networks/keep", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 303]),
    page("GET /settings/recovery", [303, 404, 404, 404, 404, 200]),
    form("POST /settings/recovery", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 422]),
    page("GET /settings/terms", [303, 404, 404, 404, 404, 200]),
    form("POST /settings/terms", [401, 404, 404, 404, 404, 403], [401, 404, 404, 404, 404, 303]),
];

impl Door {
    /// Status and text for somebody who comes with this form token; empty for none.
    fn knock(&self, browser: &Browser, path: &str, token: &str) -> (u16, String) {
        let request = browser.request(self.route.split_once(' ').unwrap().0, path);
        let request = match self.sort {
            Sort::Page => request,
            Sort::Form => request.header("Content-Type", "application/x-www-form-urlencoded").body(format!("csrf={token}")),
            Sort::Upload => {
                let body = format!("--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--x--\r\n");
                request.header("Content-Type", "multipart/form-data; boundary=x").body(body)
            }
        };
        let answer = request.send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap_or_default())
    }
}

/// `METHOD /path` of every route of the binary, without its class.
fn routes() -> Vec<String> {
    let out = Command::new(BINARY).arg("routes").output().unwrap();
    String::from_utf8(out.stdout).unwrap().lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

#[test]
fn every_route_is_listed_once() {
    let in_routes = |door: &Door| OBJECTS.iter().fold(door.route.to_owned(), |route, object| route.replace(object, "<id>"));
    let (mut routes, mut doors) = (routes(), DOORS.iter().map(in_routes).collect::<Vec<_>>());
    routes.sort();
    doors.sort();
    assert_eq!(routes, doors);
}

/// What people do every day, and what shows a factor. Everything else that changes something asks for one first.
const WITHOUT_A_FACTOR: [&str; 36] = [
    "signed POST /confirm/passkey/begin",
    "signed POST /confirm/passkey",
    "signed POST /confirm",
    "signed POST /session/stay",
    "signed POST /sign-out",
    "signed POST /account/name",
    "signed POST /account/theme",
    "staff POST /cases",
    "staff POST /cases/<id>/edit",
    "staff POST /cases/<id>/documents",
    "staff POST /documents/<id>/versions",
    "staff POST /documents/<id>/check-out",
    "staff POST /documents/<id>/check-in",
    "staff POST /documents/<id>/trash",
    "staff POST /documents/<id>/restore",
    "staff POST /cases/<id>/access",
    "staff POST /cases/<id>/access/revoke",
    "staff POST /cases/<id>/access/wall",
    "staff POST /cases/<id>/access/unwall",
    "staff POST /cases/<id>/parties",
    "staff POST /cases/<id>/parties/end",
    "staff POST /cases/<id>/parties/decide",
    "staff POST /contacts",
    "staff POST /contacts/<id>/edit",
    "staff POST /contacts/<id>/remove",
    "staff POST /contacts/<id>/names",
    "staff POST /contacts/<id>/names/remove",
    "staff POST /contacts/<id>/papers",
    "staff POST /contacts/<id>/papers/remove",
    "staff POST /contacts/<id>/ties",
    "staff POST /contacts/<id>/ties/remove",
    "staff POST /contacts/<id>/merge",
    "staff POST /contacts/import",
    "staff POST /imports/<id>/accept",
    "staff POST /imports/<id>/drop",
    "staff POST /imports/<id>/undo",
];
/// Pages that show what nobody is to see on a screen that was left.
const WITH_A_FACTOR: [&str; 6] = ["/system/export/<id>/file", "/account/codes", "/account/authenticator", "/system/kit", "/system/kit/sheet", "/system/key"];

#[test]
fn whatever_is_dangerous_asks_for_a_factor() {
    let out = Command::new(BINARY).arg("routes").output().unwrap();
    let routes = String::from_utf8(out.stdout).unwrap();
    let by_somebody = |line: &&str| !["open", "public", "setup", "enrol"].contains(&line.split(' ').next().unwrap());
    let mut without: Vec<&str> = routes.lines().filter(by_somebody).filter(|line| line.contains(" POST ") && !line.contains("+confirmed")).collect();
    let mut known = WITHOUT_A_FACTOR.to_vec();
    without.sort_unstable();
    known.sort_unstable();
    assert_eq!(without, known);
    for path in WITH_A_FACTOR {
        assert!(routes.lines().any(|line| line.ends_with(&format!("+confirmed GET {path}"))), "{path}");
    }
}

/// The ids that [`OBJECTS`] stand for: a case of Priya's, in which Ruth may read, its document and client, and a file of contacts.
fn objects(priya: &Browser) -> [String; 4] {
    let case = priya.open_case("Doors: a case of Priya's");
    let access = format!("{case}/access");
    let ruth = priya.get(&access).option("Ruth Feldman");
    assert_eq!(priya.submit(&access, &access, &[("user", &ruth), ("level", "read")]).status, 303);
    let kept = priya.upload(&format!("{case}/documents"), vec![("door.txt", b"behind the door".to_vec())]);
    assert_eq!(kept.status, 303, "{}", kept.body);
    let document = priya.get(&format!("{case}/documents")).links("/documents/")[0].split('/').nth(2).unwrap().to_owned();
    let contact = priya.get(&format!("{case}/parties")).links("/contacts/")[0].split('/').nth(2).unwrap().to_owned();
    let taken = priya.upload("/contacts/import", vec![("doors.csv", b"name\nDoors: a contact\n".to_vec())]);
    let import = taken.location.unwrap().rsplit('/').next().unwrap().to_owned();
    [case.rsplit('/').next().unwrap().to_owned(), document, contact, import]
}

/// Further ids of [`OBJECTS`]: somebody who was invited for this, a client who signs in, and a team.
fn accounts() -> [String; 3] {
    let tom = world::shared().actor("Tom A");
    let id = |page: &world::Got| page.links("/people/").into_iter().filter_map(|link| link.split('/').nth(2).map(str::to_owned)).find(|id| id.len() == 32).unwrap();
    let invited = tom.submit("/people/new", "/people", &[("role", "staff"), ("name", "Doors: somebody invited"), ("email", "doors@pellharrow.example")]);
    assert_eq!(invited.status, 200, "{}", invited.body);
    let client = tom.get("/people?role=client&q=Folake");
    assert_eq!(tom.submit("/teams", "/teams", &[("name", "Doors: a team")]).status, 303);
    let teams = tom.get("/teams").body;
    let team = teams[teams.find("Doors: a team").unwrap()..].split("/teams/").nth(1).unwrap().split('/').next().unwrap();
    [id(&invited), id(&client), team.to_owned()]
}

/// Somebody's browser and the form token of its session or visit.
fn with_token(name: &str) -> (Browser, String) {
    let world = world::shared();
    let (browser, page) = if name.is_empty() { (world.anonymous(), "/sign-in") } else { (world.actor(name), "/account") };
    let token = browser.get(page).token();
    assert!(!token.is_empty(), "{page} has no form for {name:?}");
    (browser, token)
}

#[test]
fn every_door_opens_for_whom_it_should() {
    let ids = [objects(&world::shared().actor("Priya")).as_slice(), accounts().as_slice()].concat();
    let actors = ACTORS.map(with_token);
    let mut wrong = Vec::new();
    for door in DOORS {
        let path = door.route.split([' ', '?']).nth(1).unwrap().replace("<name>", "none.css");
        let path = OBJECTS.iter().zip(&ids).fold(path, |path, (object, id)| path.replace(object, id));
        assert!(!path.contains('<'), "{path}: of what is the id?");
        for (n, (browser, token)) in actors.iter().enumerate() {
            for (token, expect) in [("", Some(door.expect)), (token.as_str(), door.sent)] {
                let Some(expect) = expect else { continue };
                let (status, body) = door.knock(browser, &path, token);
                // Both a missing token and a missing right are 403; the sentence tells which.
                if status != expect[n] || (!token.is_empty() && body.contains("That form could not be accepted")) {
                    let how = if token.is_empty() { "without" } else { "with" };
                    wrong.push(format!("{:?} {} {how} a token: {status}, expected {}", ACTORS[n], door.route, expect[n]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_one_may_not_see_looks_like_what_is_not_there() {
    let world = world::shared();
    let case = world.actor("Priya").open_case("Doors: nobody else's");
    for actor in ["Tomasz", "Folake", "Tom A"] {
        let browser = world.actor(actor);
        let unknown = "A".repeat(32);
        let there = browser.get(&case);
        let nowhere: Vec<_> = [format!("/cases/{unknown}"), "/cases/x".into(), "/nowhere/at/all".into(), "/cases/%00%ff".into()].iter().map(|path| browser.get(path)).collect();
        for other in nowhere {
            assert_eq!((there.status, &there.body), (404, &other.body), "{actor}");
            let fields = |got: &world::Got| {
                let mut names: Vec<_> = got.fields.iter().filter(|(name, _)| *name != "date").map(|(n, v)| format!("{n}: {v}")).collect();
                names.sort();
                names
            };
            assert_eq!(fields(&there), fields(&other), "{actor}");
        }
    }
}

#[test]
fn the_inner_server_answers_nobody_but_the_gate() {
    let world = world::shared();
    let listening = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let inodes: Vec<String> = std::fs::read_dir(format!("/proc/{}/fd", world.server.pid()))
        .unwrap()
        .filter_map(|fd| Some(std::fs::read_link(fd.ok()?.path()).ok()?.to_string_lossy().strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let ports: Vec<u16> = listening
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|row| row.get(3) == Some(&"0A") && row.get(9).is_some_and(|inode| inodes.contains(&(*inode).to_owned())))
        .map(|row| u16::from_str_radix(row[1].rsplit(':').next().unwrap(), 16).unwrap())
        .filter(|port| *port != world.server.port())
        .collect();
    assert_eq!(ports.len(), 1, "one inner port");
    let client = reqwest::blocking::Client::new();
    for path in ["/", "/healthz", "/sign-in", "/today"] {
        let answer = client.get(format!("http://127.0.0.1:{}{path}", ports[0])).header("X-Strongroom-Gate", "guess").send().unwrap();
        assert_eq!(answer.status().as_u16(), 404, "{path}");
    }
}
