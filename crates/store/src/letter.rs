//! Letters that wait to be sent by e-mail, and the server that takes them. A letter is put in the transaction of the act that it tells of,
//! so that there is never one without the other. Whom it goes to and what it says is encrypted; what it says is forgotten when it is done.

use crate::{Site, charge::Administer, error::Refuse, site::Core};
use keys::{field::Place, nonce};
use rules::{Moment, Problem, Refusal, Secret, letter::LetterKind, text, when};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::IpAddr};

/// Characters kept of what a mail server answers.
const REPLY_MAX: usize = 300;
/// How long a letter that was given up counts as trouble, in milliseconds.
const TROUBLE: i64 = 7 * when::DAY;

/// What a template is filled with: names and values, among them the link. It does not print.
#[derive(Debug, Default)]
pub struct Fields(BTreeMap<String, Secret<String>>);

impl Fields {
    /// None yet.
    pub fn new() -> Fields {
        Fields::default()
    }

    /// With one more; an earlier one of this name gives way.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Fields {
        self.0.insert(name.to_owned(), Secret::new(value.into()));
        self
    }

    /// With this one, unless there is one of this name already.
    #[must_use]
    pub fn or(mut self, name: &str, value: &str) -> Fields {
        self.0.entry(name.to_owned()).or_insert_with(|| Secret::new(value.to_owned()));
        self
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.expose().as_str())
    }

    /// As it is encrypted: a JSON object.
    fn json(&self) -> Result<Secret<Vec<u8>>, Refusal> {
        let plain: BTreeMap<&str, &str> = self.0.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        serde_json::to_vec(&plain).map(Secret::new).map_err(Refusal::fault)
    }

    fn from_json(json: &[u8]) -> Option<Fields> {
        let plain: BTreeMap<String, String> = serde_json::from_slice(json).ok()?;
        Some(Fields(plain.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()))
    }
}

/// A letter to be sent.
pub struct NewLetter {
    /// Row id of the account that it concerns.
    pub user: Option<i64>,
    /// Row id of the ticket whose link is in it: when that is void or used before the letter is sent, the letter is taken back.
    pub ticket: Option<i64>,
    /// Which template.
    pub kind: LetterKind,
    /// E-mail address in the form of [`rules::text::email`].
    pub address: Secret<String>,
    /// What the template is filled with; at least what [`LetterKind::needs`] names.
    pub fields: Fields,
    /// It is not sent before.
    pub due: Moment,
}

/// Puts a letter into the queue, inside the transaction of the act that it tells of. Gives its row id.
pub(crate) fn put(sql: &Connection, core: &Core, letter: &NewLetter) -> Result<i64, Refusal> {
    if let Some(missing) = letter.kind.needs().iter().find(|name| letter.fields.get(name).is_none_or(str::is_empty)) {
        return Err(Refusal::fault(format!("the letter {} has no {missing}", letter.kind.value())));
    }
    const PUT: &str = "insert into letter (user_id, ticket_id, kind, address, fields, made, due) values (?, ?, ?, zeroblob(0), zeroblob(0), ?, ?)";
    sql.execute(PUT, params![letter.user, letter.ticket, letter.kind.value(), core.now().0, letter.due.0]).refuse()?;
    let id = sql.last_insert_rowid();
    let address = core.keys.fields.seal(letter.address.expose().as_bytes(), place("address", id)).refuse()?;
    let fields = core.keys.fields.seal(letter.fields.json()?.expose(), place("fields", id)).refuse()?;
    sql.execute("update letter set address = ?2, fields = ?3 where id = ?1", params![id, address, fields]).refuse()?;
    Ok(id)
}

fn place(column: &'static str, row: i64) -> Place {
    Place { table: "letter", column, row }
}

/// A letter whose time has come.
pub struct Due {
    /// Row id.
    pub id: i64,
    /// When it was put.
    pub made: Moment,
    /// How often it was tried; trouble with the server does not count.
    pub tries: i64,
    /// When it was refused for the first time.
    pub refused: Option<Moment>,
    /// What is in it; otherwise why it cannot be sent. One that cannot be sent must not hold up those behind it.
    pub letter: Result<Written, &'static str>,
}

/// Address and content of a letter.
pub struct Written {
    /// Which template.
    pub kind: LetterKind,
    /// Whom it goes to.
    pub address: Secret<String>,
    /// What the template is filled with.
    pub fields: Fields,
}

/// What becomes of a letter that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server takes nothing just now: it is due again then, and nothing is held against it.
    Held(Moment),
    /// The server refused this letter for now: it is due again then.
    Again(Moment),
    /// It is given up.
    GivenUp,
}

/// How the queue fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostState {
    /// Letters that wait.
    pub waiting: i64,
    /// Those of them that were not taken so far, whoever was to blame.
    pub failing: i64,
    /// Letters that were given up in the last week.
    pub given_up: i64,
    /// What the server answered to one that waits, or else to the last that was given up.
    pub last_reply: Option<String>,
}

impl Site {
    /// The letter that has been due for longest; `None` when none is.
    pub fn next_letter(&self) -> Result<Option<Due>, Refusal> {
        const SQL: &str = "select l.id, l.made, l.tries, l.refused, l.kind, l.address, l.fields, t.ends from letter l left join ticket t on t.id = l.ticket_id
            where l.sent is null and l.given_up is null and l.due <= ? order by l.due, l.id limit 1";
        self.door(|sql| sql.prepare_cached(SQL).refuse()?.query_row([self.now().0], |row| due(&self.core, row)).optional().refuse())
    }

    /// The server took the letter: what it said is forgotten.
    pub async fn letter_sent(&self, id: i64, reply: String) -> Result<(), Refusal> {
        const SQL: &str = "update letter set sent = ?2, reply = ?3, fields = x'', tries = tries + 1 where id = ?1";
        self.submit(true, move |sql, core| (sql.execute(SQL, params![id, core.now().0, one_line(&reply)]).map(drop).refuse(), Vec::new())).await
    }

    /// The letter was not taken. One that is given up is forgotten as if it were sent.
    pub async fn letter_failed(&self, id: i64, reply: String, fate: Fate) -> Result<(), Refusal> {
        const HELD: &str = "update letter set reply = ?2, due = ?3 where id = ?1";
        const AGAIN: &str = "update letter set reply = ?2, due = ?3, tries = tries + 1, refused = coalesce(refused, ?4) where id = ?1";
        const GIVEN_UP: &str = "update letter set reply = ?2, given_up = ?3, tries = tries + 1, fields = x'' where id = ?1";
        self.submit(true, move |sql, core| {
            let (reply, now) = (one_line(&reply), core.now().0);
            let changed = match fate {
                Fate::Held(at) => sql.execute(HELD, params![id, reply, at.0]),
                Fate::Again(at) => sql.execute(AGAIN, params![id, reply, at.0, now]),
                Fate::GivenUp => sql.execute(GIVEN_UP, params![id, reply, now]),
            };
            (changed.map(drop).refuse(), Vec::new())
        })
        .await
    }

    /// How the queue fares, for the system administrator’s page.
    pub fn post_state(&self) -> Result<PostState, Refusal> {
        const SQL: &str = "select count(*), count(*) filter (where reply is not null),
                (select count(*) from letter where given_up > ?1),
                coalesce((select reply from letter where sent is null and given_up is null and reply is not null order by due desc limit 1),
                    (select reply from letter where given_up > ?1 order by given_up desc limit 1))
            from letter where sent is null and given_up is null";
        self.door(|sql| {
            let row = |row: &rusqlite::Row<'_>| Ok(PostState { waiting: row.get(0)?, failing: row.get(1)?, given_up: row.get(2)?, last_reply: row.get(3)? });
            sql.prepare_cached(SQL).refuse()?.query_row([self.now().plus(-TROUBLE).0], row).refuse()
        })
    }
}

fn due(core: &Core, row: &rusqlite::Row<'_>) -> rusqlite::Result<Due> {
    let (id, kind, address, fields): (i64, String, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(4)?, row.get(5)?, row.get(6)?);
    let letter = match row.get::<_, Option<i64>>(7)? {
        Some(ends) if ends <= core.now().0 => Err("The link in this letter ran out before it could be sent. Send a new one."),
        _ => written(core, id, &kind, &address, &fields).ok_or("This letter cannot be read any more: it was changed from outside."),
    };
    Ok(Due { id, made: Moment(row.get(1)?), tries: row.get(2)?, refused: row.get::<_, Option<i64>>(3)?.map(Moment), letter })
}

fn written(core: &Core, id: i64, kind: &str, address: &[u8], fields: &[u8]) -> Option<Written> {
    let kind = LetterKind::from_value(kind)?;
    let address = core.keys.fields.open_text(address, place("address", id)).ok()?;
    let fields = Fields::from_json(core.keys.fields.open(fields, place("fields", id)).ok()?.expose())?;
    Some(Written { kind, address, fields })
}

/// What a server answered, fit for one line of a page.
fn one_line(reply: &str) -> String {
    let even: String = reply.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    even.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(REPLY_MAX).collect()
}

/// A letter as the system administrator sees it: what became of it, not what it says.
pub struct Listed {
    /// What it is for.
    pub kind: LetterKind,
    /// When it was put.
    pub made: Moment,
    /// How often it was tried; trouble with the server does not count.
    pub tries: i64,
    /// When the server took it.
    pub sent: Option<Moment>,
    /// When it was given up.
    pub given_up: Option<Moment>,
    /// It is not sent before.
    pub due: Moment,
    /// What the server answered last.
    pub reply: Option<String>,
    /// Whom it goes to, as [`rules::text::email_hint`] says it.
    pub hint: String,
}

/// The newest `n` letters, newest first.
///
/// ```compile_fail
/// use strongroom_store::{Reading, Tx, letter};
/// fn f(tx: &Tx<'_, Reading>) -> Result<usize, rules::Refusal> { Ok(letter::recent(tx, 10)?.len()) }
/// ```
/// ```
/// use strongroom_store::{Reading, charge::Administer, letter};
/// fn f(site: &Administer<'_, Reading>) -> Result<usize, rules::Refusal> { Ok(letter::recent(site, 10)?.len()) }
/// ```
pub fn recent<M>(site: &Administer<'_, M>, n: u32) -> Result<Vec<Listed>, Refusal> {
    let tx = site.tx();
    const SQL: &str = "select id, kind, made, tries, sent, given_up, due, reply, address from letter order by made desc, id desc limit ?";
    let mut statement = tx.sql.prepare_cached(SQL).refuse()?;
    let mut rows = statement.query([n]).refuse()?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().refuse()? {
        out.push(listed(tx.core, row).refuse()?);
    }
    Ok(out)
}

fn listed(core: &Core, row: &rusqlite::Row<'_>) -> rusqlite::Result<Listed> {
    let (id, address): (i64, Vec<u8>) = (row.get(0)?, row.get(8)?);
    let moment = |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(Moment));
    // One address that cannot be read must not take the page away.
    let address = core.keys.fields.open_text(&address, place("address", id));
    Ok(Listed {
        kind: LetterKind::from_value(row.get_ref(1)?.as_str()?).unwrap_or(LetterKind::Test),
        made: Moment(row.get(2)?),
        tries: row.get(3)?,
        sent: moment(4)?,
        given_up: moment(5)?,
        due: Moment(row.get(6)?),
        reply: row.get(7)?,
        hint: address.map_or_else(|_| "…".into(), |address| text::email_hint(address.expose())),
    })
}

/// How the way to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first byte, mostly port 465 (RFC 8314).
    Tls,
    /// Plain at first, then TLS or nothing, mostly port 587 (RFC 3207).
    StartTls,
    /// None: only for a server on this machine.
    None,
}

impl Security {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Security; 3] = [Security::Tls, Security::StartTls, Security::None];

    /// The word kept in the settings and used in forms.
    pub const fn value(self) -> &'static str {
        match self {
            Security::Tls => "tls",
            Security::StartTls => "starttls",
            Security::None => "none",
        }
    }

    /// From the word.
    pub fn from_value(value: &str) -> Option<Security> {
        Security::ALL.into_iter().find(|security| security.value() == value)
    }
}

/// The mail server that takes the letters.
#[derive(Debug, Serialize, Deserialize)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is protected.
    pub security: Security,
    /// Name of the account there, if it wants one.
    pub user: Option<String>,
    /// The password of that account. It stands among the settings by itself, encrypted.
    #[serde(skip)]
    pub password: Option<Secret<String>>,
    /// The address that letters come from.
    pub from: String,
    /// The name by which this machine greets (EHLO, RFC 5321 4.1.1.1); without it, the name of the site.
    pub helo: Option<String>,
}

impl Clone for Smtp {
    fn clone(&self) -> Smtp {
        let password = self.password.as_ref().map(|password| Secret::new(password.expose().clone()));
        let (host, user, from, helo) = (self.host.clone(), self.user.clone(), self.from.clone(), self.helo.clone());
        Smtp { host, port: self.port, security: self.security, user, password, from, helo }
    }
}

impl Smtp {
    /// What is wrong with the settings, one sentence a field; empty when they can be tried.
    pub fn problems(&self) -> Vec<Problem> {
        let controls = |text: &str| text.chars().any(char::is_control);
        let unsafe_way = self.security == Security::None && !is_loopback(&self.host);
        let (user, password) = (self.user.as_deref().unwrap_or(""), self.password.as_ref().map_or("", |password| password.expose().as_str()));
        let rows = [
            ("host", !is_host(&self.host), "This is no host name or address. It looks like mail.firm.example."),
            ("port", self.port == 0, "The port is a number from 1 to 65535, mostly 465 for TLS or 587 for STARTTLS."),
            ("security", unsafe_way, "Without encryption everybody on the way could read the links in the letters. Choose TLS or STARTTLS; none is only for a server on this machine."),
            ("user", controls(user), "The user name has a sign that cannot be typed. Type it anew."),
            ("user", user.is_empty() && !password.is_empty(), "There is a password but no user name. Type the name, or remove the password."),
            ("password", controls(password), "The password has a sign that cannot be typed. Type it anew."),
            ("password", !user.is_empty() && password.is_empty(), "There is a user name but no password. Type the password, or remove the name."),
            ("from", text::email(&self.from).is_none(), "The sender is no e-mail address. It looks like strongroom@firm.example."),
            ("helo", self.helo.as_deref().is_some_and(|helo| !is_host(helo)), "This is no host name. It looks like cases.firm.example; leave it empty to use the name of this site."),
        ];
        rows.into_iter().filter(|(_, wrong, _)| *wrong).map(|(field, _, text)| Problem::new(field, text)).collect()
    }

    /// Tells one set of settings from another, so that what was wrong with the old ones is not held against the new.
    pub fn fingerprint(&self) -> [u8; 32] {
        let password = self.password.as_ref().map_or("", |password| password.expose().as_str());
        let (user, helo) = (self.user.as_deref().unwrap_or(""), self.helo.as_deref().unwrap_or(""));
        let all = Secret::new([self.host.as_str(), &self.port.to_string(), self.security.value(), user, password, self.from.as_str(), helo].join("\0"));
        nonce::sha256(all.expose().as_bytes())
    }
}

/// A name of letters, digits and hyphens (RFC 1123 2.1), or an address.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    host.parse::<IpAddr>().is_ok() || (host.len() <= 253 && host.split('.').all(label))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Firm;
    use rules::{Role, Verb};
    use std::sync::atomic::{AtomicI64, Ordering};

    static NOW: AtomicI64 = AtomicI64::new(1_000);

    fn site(dir: &std::path::Path) -> Site {
        let keys = || keys::SiteKeys::new(&Secret::new([1; 32]), [2; 16]).unwrap();
        let firm = Firm { name: "Firm".into(), kind: String::new(), prefix: "F".into(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None };
        Site::create(dir, &keys(), &firm, true).unwrap();
        Site::open(dir, keys(), || Moment(NOW.load(Ordering::Relaxed))).unwrap()
    }

    fn letter(due: i64) -> NewLetter {
        let fields = Fields::new().with("name", "Ann").with("link", "https://x.example/#token").with("ends", "soon");
        NewLetter { user: None, ticket: None, kind: LetterKind::Reset, address: Secret::new("ann@firm.example".into()), fields, due: Moment(due) }
    }

    async fn add(site: &Site, letter: NewLetter) -> Result<i64, Refusal> {
        site.submit(false, move |sql, core| (put(sql, core, &letter), Vec::new())).await
    }

    /// Bytes of what a letter says, as they lie in the database.
    fn kept(site: &Site, id: i64) -> i64 {
        site.door(|sql| sql.query_row("select length(fields) from letter where id = ?", [id], |row| row.get(0)).refuse()).unwrap()
    }

    #[tokio::test]
    async fn letters_go_in_the_order_in_which_they_are_due_and_are_forgotten_when_done() {
        let dir = tempfile::tempdir().unwrap();
        let site = site(dir.path());
        assert!(add(&site, NewLetter { fields: Fields::new(), ..letter(0) }).await.is_err());
        assert!(site.next_letter().unwrap().is_none());
        let (late, early) = (add(&site, letter(900)).await.unwrap(), add(&site, letter(800)).await.unwrap());
        add(&site, letter(5_000)).await.unwrap();
        let due = site.next_letter().unwrap().unwrap();
        let written = due.letter.unwrap();
        assert_eq!((due.id, due.tries, due.made), (early, 0, Moment(1_000)));
        assert_eq!((written.kind, written.address.expose().as_str(), written.fields.get("link")), (LetterKind::Reset, "ann@firm.example", Some("https://x.example/#token")));
        site.letter_failed(early, "450 4.2.1\r\n  later".into(), Fate::Again(Moment(1_000_000))).await.unwrap();
        assert!(kept(&site, early) > 0);
        let state = site.post_state().unwrap();
        assert_eq!((state.waiting, state.failing, state.given_up, state.last_reply.as_deref()), (3, 1, 0, Some("450 4.2.1 later")));
        assert_eq!(site.next_letter().unwrap().unwrap().id, late);
        site.letter_sent(late, "250 ok".into()).await.unwrap();
        site.letter_failed(early, "x".repeat(1_000), Fate::GivenUp).await.unwrap();
        assert_eq!((kept(&site, late), kept(&site, early)), (0, 0));
        let state = site.post_state().unwrap();
        assert_eq!((state.waiting, state.failing, state.given_up, state.last_reply.map(|reply| reply.len())), (1, 0, 1, Some(REPLY_MAX)));
        assert!(site.next_letter().unwrap().is_none());
    }

    #[tokio::test]
    async fn trouble_with_the_server_counts_for_no_letter_and_is_told_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let site = site(dir.path());
        let id = add(&site, letter(800)).await.unwrap();
        site.letter_failed(id, "The server is away.".into(), Fate::Held(Moment(900))).await.unwrap();
        let due = site.next_letter().unwrap().unwrap();
        assert_eq!((due.id, due.tries, due.refused), (id, 0, None));
        let state = site.post_state().unwrap();
        assert_eq!((state.waiting, state.failing, state.last_reply.as_deref()), (1, 1, Some("The server is away.")));
        site.letter_failed(id, "450 later".into(), Fate::Again(Moment(950))).await.unwrap();
        let due = site.next_letter().unwrap().unwrap();
        assert_eq!((due.tries, due.refused), (1, Some(Moment(1_000))));
    }

    #[tokio::test]
    async fn a_letter_that_was_tampered_with_is_told_and_does_not_hold_up_the_queue() {
        let dir = tempfile::tempdir().unwrap();
        let site = site(dir.path());
        let (one, two) = (add(&site, letter(1)).await.unwrap(), add(&site, letter(2)).await.unwrap());
        let swap = "update letter set address = (select address from letter where id = ?2) where id = ?1";
        site.submit(false, move |sql, _| (sql.execute(swap, [one, two]).map(drop).refuse(), Vec::new())).await.unwrap();
        let due = site.next_letter().unwrap().unwrap();
        assert!(due.id == one && due.letter.is_err());
        site.letter_failed(one, "unreadable".into(), Fate::GivenUp).await.unwrap();
        assert_eq!(site.next_letter().unwrap().unwrap().id, two);
    }

    #[tokio::test]
    async fn only_system_administrators_see_what_became_of_letters_and_never_the_address() {
        let dir = tempfile::tempdir().unwrap();
        let site = site(dir.path());
        add(&site, letter(1)).await.unwrap();
        let found = site.read(rules::Actor::console(), |tx| recent(&tx.administer(Verb::LetterView)?, 10)).await.unwrap();
        assert_eq!((found.len(), found[0].hint.as_str(), found[0].kind), (1, "a…@firm.example", LetterKind::Reset));
        let manager = rules::Actor { role: Role::Manager, ..rules::Actor::console() };
        assert!(matches!(site.read(manager, |tx| recent(&tx.administer(Verb::LetterView)?, 10)).await, Err(Refusal::NotFound)));
    }

    fn smtp() -> Smtp {
        let (user, password) = (Some("strongroom".into()), Some(Secret::new("secret".into())));
        Smtp { host: "mail.firm.example".into(), port: 465, security: Security::Tls, user, password, from: "strongroom@firm.example".into(), helo: None }
    }

    #[test]
    fn settings_that_cannot_work_or_are_not_safe_are_told_at_their_field() {
        let of = |smtp: Smtp| smtp.problems().iter().map(|problem| problem.field).collect::<Vec<_>>();
        assert!(of(smtp()).is_empty());
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(of(Smtp { host: host.into(), security: Security::None, ..smtp() }).is_empty(), "{host}");
        }
        for host in ["mail.firm.example", "10.0.0.5", "localhost.evil.example"] {
            assert_eq!(of(Smtp { host: host.into(), security: Security::None, ..smtp() }), ["security"], "{host}");
        }
        for host in ["", "mail server", "mail..example", "-mail.example", "mail.example\r\n", "mail.example:25"] {
            assert_eq!(of(Smtp { host: host.into(), ..smtp() }), ["host"], "{host}");
        }
        assert_eq!(of(Smtp { port: 0, from: "strongroom".into(), helo: Some("a b".into()), ..smtp() }), ["port", "from", "helo"]);
        assert_eq!((of(Smtp { user: None, ..smtp() }), of(Smtp { password: None, ..smtp() })), (vec!["user"], vec!["password"]));
    }

    #[test]
    fn another_password_is_another_set_of_settings_and_none_of_it_prints() {
        let other = Smtp { password: Some(Secret::new("another".into())), ..smtp() };
        assert_eq!(smtp().fingerprint(), smtp().fingerprint());
        assert_ne!(smtp().fingerprint(), other.fingerprint());
        assert!(!format!("{:?} {:?}", smtp(), letter(0).fields).contains("secret"));
        assert!(!format!("{:?}", letter(0).fields).contains("token"));
        let written = serde_json::to_string(&smtp()).unwrap();
        assert!(!written.contains("\"secret\"") && written.contains("\"tls\""), "{written}");
        let again: Smtp = serde_json::from_str(&written).unwrap();
        assert!(again.password.is_none() && Smtp { password: smtp().password, ..again }.fingerprint() == smtp().fingerprint());
    }
}
