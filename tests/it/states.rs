//! Every route × what an account and its session can be: at setting up, suspended, left; a factor shown a while ago, and shown again.
//! What is due follows from the class of a route by rule, so that a new route is held to it from its first day.

use crate::{
    database,
    founding::{Person, between, come, enrol, found, led, token_of},
    world::{BINARY, Browser, Server, code_of},
};
use keys::nonce::Token;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Connection, params};
use std::{collections::BTreeMap, process::Command};

/// A second more than a factor that was shown counts for, in milliseconds.
const A_WHILE: i64 = 301_000;

/// What stands before the method of a route. Of each there is at least one.
const CLASSES: [&str; 12] =
    ["open", "setup", "enrol", "public", "signed", "signed+confirmed", "staff", "client", "people", "people+confirmed", "administrator", "administrator+confirmed"];

/// A route, as the binary lists it: `class method path`.
struct Route {
    class: String,
    method: String,
    path: String,
}

/// Ids for the paths of routes: of an account, of a team, and of everything else.
struct Ids {
    person: String,
    team: String,
    other: String,
}

/// What came: status and where it leads, and the page.
struct Answer {
    at: (u16, Option<String>),
    body: String,
}

/// Somebody's browser, and the token that their forms carry.
struct Caller {
    browser: Browser,
    token: String,
}

/// How many routes of each class were asked.
struct Asked(BTreeMap<&'static str, usize>);

fn routes() -> Vec<Route> {
    let out = Command::new(BINARY).arg("routes").output().unwrap();
    String::from_utf8(out.stdout).unwrap().lines().map(Route::of).collect()
}

impl Route {
    fn of(line: &str) -> Route {
        let [class, method, path]: [&str; 3] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        Route { class: class.into(), method: method.into(), path: path.split('?').next().unwrap().into() }
    }

    fn is_page(&self) -> bool {
        self.method == "GET"
    }

    /// Whether somebody of this role comes through the door at all.
    fn takes(&self, role: &str) -> bool {
        match self.class.trim_end_matches("+confirmed") {
            "staff" => ["manager", "staff", "auditor"].contains(&role),
            "client" => role == "client",
            "people" => ["administrator", "manager"].contains(&role),
            "administrator" => role == "administrator",
            _ => true,
        }
    }

    /// Whether it waits until somebody of this role has shown a factor.
    fn waits_for(&self, role: &str) -> bool {
        self.class.ends_with("+confirmed") && self.takes(role)
    }

    /// Whether it is one of the steps of setting up.
    fn is_step(&self) -> bool {
        self.class == "enrol" && self.path.starts_with("/enrol")
    }

    fn at(&self, ids: &Ids) -> String {
        let id = match self.path.split('/').nth(1) {
            Some("people") => &ids.person,
            Some("teams") => &ids.team,
            _ => &ids.other,
        };
        self.path.replace("<name>", "none.css").replace("<id>", id)
    }

    /// What those get here who are not signed in, where that is known beforehand.
    fn keeps_out(&self, answer: &Answer) -> bool {
        match (self.class.as_str(), &answer.at) {
            ("open" | "public" | "enrol", _) => true,
            ("setup", (status, _)) => *status == 404,
            (_, (303, Some(to))) => self.is_page() && to.starts_with("/sign-in?next="),
            (_, (status, _)) => *status == 401 && !self.is_page(),
        }
    }
}

impl Ids {
    /// They look as ids do, and nothing has them.
    fn of_nothing() -> Ids {
        let none = || "A".repeat(32);
        Ids { person: none(), team: none(), other: none() }
    }
}

impl Answer {
    /// Pages must be the same to the letter, if no token stands in them.
    fn is_like(&self, other: &Answer) -> bool {
        let comparable = other.body.contains("</html>") && !other.body.contains("name=\"csrf\"");
        self.at == other.at && (!comparable || self.body == other.body)
    }
}

impl Caller {
    fn with(browser: &Browser, page: &str) -> Caller {
        let token = browser.get(page).token();
        assert!(!token.is_empty(), "{page} has no form");
        Caller { browser: browser.clone(), token }
    }

    /// What comes of a page; of a form, first without its token and then with it. Signing out would be the end of all that is to come.
    fn asks(&self, route: &Route, ids: &Ids) -> Vec<Answer> {
        let tokens = match route.is_page() || route.path == "/sign-out" {
            true => vec![""],
            false => vec!["", self.token.as_str()],
        };
        tokens.into_iter().map(|token| self.knocks(route, ids, token)).collect()
    }

    fn knocks(&self, route: &Route, ids: &Ids, token: &str) -> Answer {
        let request = self.browser.request(&route.method, &route.at(ids));
        let request = match (route.is_page(), route.path.ends_with("/documents")) {
            (true, _) => request,
            (false, false) => request.header("Content-Type", "application/x-www-form-urlencoded").body(format!("csrf={token}")),
            (false, true) => {
                let body = format!("--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--x--\r\n");
                request.header("Content-Type", "multipart/form-data; boundary=x").body(body)
            }
        };
        let answer = request.send().unwrap();
        let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        Answer { at: (answer.status().as_u16(), to), body: answer.text().unwrap_or_default() }
    }
}

impl Asked {
    /// None yet, of the classes that end so.
    fn of_those_with(end: &str) -> Asked {
        Asked(CLASSES.into_iter().filter(|class| class.ends_with(end)).map(|class| (class, 0)).collect())
    }

    fn count(&mut self, route: &Route) {
        *self.0.get_mut(route.class.as_str()).unwrap_or_else(|| panic!("{} is a class that is not known here", route.class)) += 1;
    }

    /// A walk that leaves a class out shows nothing.
    fn leaves_none_out(&self) {
        assert!(self.0.values().all(|routes| *routes > 0), "{:?}", self.0);
    }
}

/// What differs, in words.
fn differs(route: &Route, got: &Answer, due: &(u16, Option<String>)) -> String {
    format!("{} {} {}: {:?}, expected {due:?}", route.class, route.method, route.path, got.at)
}

/// Where somebody can be told from nobody at this door.
fn told_apart(route: &Route, nobody: &Caller, somebody: &Caller) -> Vec<String> {
    let ids = Ids::of_nothing();
    let both: Vec<(Answer, Answer)> = nobody.asks(route, &ids).into_iter().zip(somebody.asks(route, &ids)).collect();
    both.iter().filter(|(due, got)| !route.keeps_out(due) || !got.is_like(due)).map(|(due, got)| differs(route, got, &due.at)).collect()
}

/// Somebody who was invited: their address, their link, and the id of their account.
struct Invited {
    email: String,
    link: String,
    id: String,
}

fn invited(by: &Browser, role: &str, name: &str) -> Invited {
    let email = format!("{}@bellode.example", name.split(' ').next().unwrap().to_lowercase());
    let fields = [("role", role), ("name", name), ("words", ""), ("email", email.as_str()), ("contact_name", name), ("contact_kind", "person")];
    let page = by.submit("/people/new", "/people", &fields);
    assert_eq!(page.status, 200, "{}", page.body);
    let link = format!("https://x/link#k={}", between(&page.body, "/link#k=", "<").replace("&#x2F;", "/"));
    let id = page.links("/people/").iter().filter_map(|link| link.split('/').nth(2)).find(|id| id.len() == 32).unwrap().to_owned();
    Invited { email, link, id }
}

#[test]
fn who_is_suspended_or_has_left_is_nobody_at_every_door() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let nobody = Caller::with(&server.browser(), "/sign-in");
    for (name, page, button) in [("Sam Wood", "", "/suspend"), ("Lee Moss", "/leave", "/leave")] {
        let staff = invited(&ann.browser, "staff", name);
        let person = come(&server, &staff.link, &staff.email, "/today");
        let gone = Caller::with(&person.browser, "/account");
        let account = format!("/people/{}", staff.id);
        led(&ann.browser.submit(&format!("{account}{page}"), &format!("{account}{button}"), &[]), &account);
        assert!(gone.browser.cookie("__Host-session").is_some(), "the browser has not heard of it");
        let (mut asked, mut wrong) = (Asked::of_those_with(""), Vec::new());
        for route in routes() {
            asked.count(&route);
            wrong.extend(told_apart(&route, &nobody, &gone));
        }
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
        asked.leaves_none_out();
    }
}

/// A browser in which a link was opened.
fn opened(server: &Server, link: &str) -> Browser {
    let browser = server.browser();
    led(&browser.submit("/link", "/link", &[("token", token_of(link))]), "/enrol");
    browser
}

/// What the steps of setting up answer to somebody who is at one of them.
fn due_at(route: &Route, step: &str) -> Vec<(u16, Option<String>)> {
    let led = (303, Some(step.to_owned()));
    match (route.is_page(), route.path == step) {
        (true, true) => vec![(200, None)],
        (true, false) => vec![led],
        (false, true) => vec![(403, None), (422, None)],
        (false, false) => vec![(403, None), led],
    }
}

#[test]
fn who_sets_up_their_ways_in_is_led_to_the_next_step_and_is_nobody_elsewhere() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let (ivy, eno) = (invited(&ann.browser, "staff", "Ivy Pond"), invited(&ann.browser, "client", "Eno Hale"));
    let (at_first, further) = (opened(&server, &ivy.link), opened(&server, &eno.link));
    led(&further.submit("/enrol/password", "/enrol/password", &[("password", "lantern orbit walnut cactus")]), "/enrol/factor");
    let nobody = Caller::with(&server.browser(), "/sign-in");
    for (browser, step) in [(&at_first, "/enrol/password"), (&further, "/enrol/factor")] {
        let guest = Caller::with(browser, step);
        let (mut asked, mut wrong) = (Asked::of_those_with(""), Vec::new());
        for route in routes() {
            asked.count(&route);
            if route.is_step() {
                let got = guest.asks(&route, &Ids::of_nothing());
                wrong.extend(got.iter().zip(due_at(&route, step)).filter(|(got, due)| got.at != *due).map(|(got, due)| differs(&route, got, &due)));
            } else {
                wrong.extend(told_apart(&route, &nobody, &guest));
            }
        }
        assert!(wrong.is_empty(), "{step}:\n{}", wrong.join("\n"));
        asked.leaves_none_out();
    }
    enrol(at_first, &ivy.email, "/today");
}

/// Somebody signed in, who walks from door to door.
struct Member<'a> {
    role: &'a str,
    person: &'a Person,
    sql: &'a Connection,
}

impl Member<'_> {
    /// What comes of every route.
    fn walks(&self, routes: &[Route]) -> Vec<Vec<Answer>> {
        let (caller, ids) = (Caller::with(&self.person.browser, "/account"), Ids::of_nothing());
        let answers: Vec<Vec<Answer>> = routes.iter().map(|route| caller.asks(route, &ids)).collect();
        for (route, got) in routes.iter().zip(&answers) {
            assert!(got.len() < 2 || !got[1].body.contains("That form could not be accepted"), "{} {}: the token is genuine", route.method, route.path);
        }
        answers
    }

    /// Sets back when a factor was last shown in the session.
    fn lets_time_pass(&self) {
        let cookie = self.person.browser.cookie("__Host-session").unwrap();
        let token = Token::presented(cookie.split('=').nth(1).unwrap()).unwrap();
        let aged = self.sql.execute("update session set stepped = stepped - ?2 where digest = ?1", params![token.digest(), A_WHILE]).unwrap();
        assert_eq!(aged, 1, "the session is there");
    }

    /// Shows a factor again. A code counts once, and the next one is half a minute off: it is forgotten that this one was used.
    fn shows_a_factor(&self) {
        self.sql.execute("update factor set last_step = 0", []).unwrap();
        let code = code_of(&self.person.secret);
        led(&self.person.browser.submit("/confirm", "/confirm", &[("code", &code), ("next", "/account")]), "/account");
    }

    /// Where a route that asks for a factor does otherwise than to ask for one.
    fn is_held_up(&self, route: &Route, ids: &Ids) -> Vec<String> {
        let caller = Caller::with(&self.person.browser, "/account");
        let due = match route.is_page() {
            true => (303, Some(format!("/confirm?next={}", utf8_percent_encode(&route.at(ids), NON_ALPHANUMERIC)))),
            false => (401, None),
        };
        let wrong = |got: &&Answer| got.at != due || !(route.is_page() || got.body.contains("Show first that it is you"));
        caller.asks(route, ids).iter().filter(wrong).map(|got| differs(route, got, &due)).collect()
    }

    /// Walks with a factor just shown, with one shown a while ago, and with one shown again.
    fn goes_around(&self, ids: &Ids, asked: &mut Asked, held_up: &mut Asked) {
        let routes = routes();
        // Empty forms leave something behind, such as a new kit; from then on they leave the same.
        self.walks(&routes);
        let confirmed = self.walks(&routes);
        self.lets_time_pass();
        let (before, mut wrong) = (database::kept(self.sql), Vec::new());
        for route in routes.iter().filter(|route| route.waits_for(self.role)) {
            held_up.count(route);
            wrong.extend(self.is_held_up(route, ids));
        }
        assert!(database::kept(self.sql) == before, "{}: something was changed", self.role);
        for ((route, got), due) in routes.iter().zip(self.walks(&routes)).zip(&confirmed).filter(|((route, _), _)| !route.waits_for(self.role)) {
            asked.count(route);
            wrong.extend(got.iter().zip(due).filter(|(got, due)| got.at != due.at).map(|(got, due)| differs(route, got, &due.at)));
        }
        assert_eq!(self.person.browser.submit("/confirm", "/confirm", &[("code", "000 000")]).status, 422);
        led(&self.person.browser.get("/account/password"), "/confirm");
        self.shows_a_factor();
        for ((route, got), due) in routes.iter().zip(self.walks(&routes)).zip(&confirmed) {
            asked.count(route);
            let asks_for_more = |due: &Answer| due.at.0 == 401 || due.at.1.as_ref().is_some_and(|to| to.starts_with("/confirm"));
            wrong.extend(got.iter().zip(due).filter(|(got, due)| got.at != due.at || asks_for_more(due)).map(|(got, due)| differs(route, got, &due.at)));
        }
        assert!(wrong.is_empty(), "{}:\n{}", self.role, wrong.join("\n"));
    }
}

#[test]
fn what_asks_for_a_factor_waits_for_it_and_all_else_goes_on() {
    let temporary = tempfile::tempdir().unwrap();
    let (server, ann) = found(&temporary.path().join("data"));
    let sql = database::of_site(&server.dir);
    let others = [("manager", "Cyd Marsh", "/today"), ("staff", "Dee Field", "/today"), ("auditor", "Eve Stone", "/today"), ("client", "Fay Rivers", "/home")];
    let others = others.map(|(role, name, first)| (role, first, invited(&ann.browser, role, name)));
    led(&ann.browser.submit("/teams", "/teams", &[("name", "Harbour")]), "/teams");
    let teams = ann.browser.get("/teams").body;
    let team = between(&teams[teams.find("Harbour").unwrap()..], "/teams/", "/").to_owned();
    let ids = Ids { person: invited(&ann.browser, "staff", "Gus Lake").id, team, ..Ids::of_nothing() };

    let (mut asked, mut held_up) = (Asked::of_those_with(""), Asked::of_those_with("+confirmed"));
    let administrator = Member { role: "administrator", person: &ann, sql: &sql };
    administrator.goes_around(&ids, &mut asked, &mut held_up);
    for (role, first, other) in others {
        let person = come(&server, &other.link, &other.email, first);
        Member { role, person: &person, sql: &sql }.goes_around(&ids, &mut asked, &mut held_up);
    }
    asked.leaves_none_out();
    held_up.leaves_none_out();

    administrator.shows_a_factor();
    let before = database::kept(&sql);
    led(&ann.browser.submit("/teams", &format!("/teams/{}/remove", ids.team), &[]), "/teams");
    assert!(database::kept(&sql) != before, "what is changed would have been noticed");
}
