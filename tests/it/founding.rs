//! A firm founded from an empty directory: the wizard, and people who set up their ways in by a link.

use crate::world::{Browser, Got, Server, code_of};
use std::{path::Path, time::Duration};

/// Somebody who has set up their ways in.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) secret: String,
    pub(crate) codes: Vec<String>,
    /// Where they were signed in at the end of setting up.
    pub(crate) browser: Browser,
}

impl Person {
    /// Signs in anew, in another browser. The code of the moment is waited for, if the last one was used already.
    pub(crate) fn sign_in(&self, server: &Server) -> Browser {
        let (browser, mut tried) = (server.browser(), String::new());
        for _ in 0..35 {
            let code = code_of(&self.secret);
            // Each wrong try counts: one that was refused is not tried again.
            if code != tried && browser.sign_in(&self.email, &self.password, &code) {
                return browser;
            }
            tried = code;
            std::thread::sleep(Duration::from_secs(2));
        }
        panic!("{} could not sign in", self.email);
    }
}

/// Follows a redirect that must have come.
pub(crate) fn led(got: &Got, to: &str) {
    assert_eq!((got.status, got.location.as_deref().map(|at| at.split('?').next().unwrap())), (303, Some(to)), "{}", got.body);
}

/// Everything between `head` and `tail` in a page.
pub(crate) fn between<'a>(html: &'a str, head: &str, tail: &str) -> &'a str {
    html.split(head).nth(1).unwrap_or_else(|| panic!("no {head:?} in {html}")).split(tail).next().unwrap()
}

/// The recovery codes on a page.
pub(crate) fn codes_on(html: &str) -> Vec<String> {
    let items = html.split("<li>").skip(1).filter_map(|rest| rest.split("</li>").next()).map(str::trim);
    items.filter(|item| item.len() == 34 && item.split('-').all(|group| group.len() == 4)).map(ToOwned::to_owned).collect()
}

/// Sets up password, authenticator and codes in a browser that holds the visit, and accepts the terms.
pub(crate) fn enrol(browser: Browser, email: &str, first_page: &str) -> Person {
    let password = format!("lantern orbit {} cactus", email.split('@').next().unwrap());
    led(&browser.submit("/enrol/password", "/enrol/password", &[("password", &password)]), "/enrol/factor");
    let page = browser.get("/enrol/factor");
    let secret = between(&page.body, "secret=", "&").to_owned();
    led(&browser.submit("/enrol/factor", "/enrol/factor", &[("code", &code_of(&secret))]), "/enrol/codes");
    let codes = codes_on(&browser.get("/enrol/codes").body);
    assert_eq!(codes.len(), 10);
    led(&browser.submit("/enrol/codes", "/enrol/codes", &[("code", &codes[2].to_lowercase())]), "/enrol/terms");
    let done = browser.submit("/enrol/terms", "/enrol/terms", &[]);
    led(&done, first_page);
    assert_eq!(browser.get(first_page).status, 200);
    Person { email: email.into(), password, secret, codes, browser }
}

/// The token in a link.
pub(crate) fn token_of(link: &str) -> &str {
    link.split("#k=").nth(1).unwrap_or_else(|| panic!("no token in {link:?}"))
}

/// Comes with a link and sets everything up.
pub(crate) fn come(server: &Server, link: &str, email: &str, first_page: &str) -> Person {
    let browser = server.browser();
    led(&browser.submit("/link", "/link", &[("token", token_of(link))]), "/enrol");
    enrol(browser, email, first_page)
}

/// The wizard up to the kit, with the key beside the data.
pub(crate) fn claim(server: &Server) -> Browser {
    let browser = server.browser();
    let token = server.token.clone().expect("a set-up link");
    led(&browser.submit("/setup", "/setup", &[("token", &token)]), "/setup/firm");
    browser
}

pub(crate) const FIRM: [(&str, &str); 5] = [("name", "Bell & Ode"), ("kind", "solicitor"), ("prefix", "bo"), ("zone", "Europe/London"), ("phone", "020 7946 0000")];

/// The kit page: types back the two groups that it asks for.
pub(crate) fn confirm_kit(browser: &Browser, page: &str, path: &str) -> Got {
    let kit = browser.get(page);
    let groups: Vec<String> = between(&kit.body, "kitkey", "</ol>").split("<li>").skip(1).map(|rest| rest.split("</li>").next().unwrap().trim().to_owned()).collect();
    assert_eq!(groups.len(), 14, "{}", kit.body);
    let asked: Vec<usize> = kit.body.split("Group ").skip(1).filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).collect();
    let typed = [("group1", groups[asked[0] - 1].as_str()), ("group2", groups[asked[1] - 1].as_str()), ("holder1", "Ann Bell"), ("holder2", "Ben Ode")];
    browser.submit(page, path, &typed)
}

/// A firm with its first system administrator.
pub(crate) fn found(dir: &Path) -> (Server, Person) {
    let server = Server::serve(dir, &[]);
    let browser = claim(&server);
    led(&browser.submit("/setup/firm", "/setup/firm", &FIRM), "/setup/key");
    led(&browser.submit("/setup/key", "/setup/key", &[("start", "beside")]), "/setup/kit");
    led(&confirm_kit(&browser, "/setup/kit", "/setup/kit"), "/setup/you");
    led(&browser.submit("/setup/you", "/setup/you", &[("name", "Ann Bell"), ("email", "ann@bellode.example")]), "/enrol");
    let ann = enrol(browser, "ann@bellode.example", "/system");
    (server, ann)
}
