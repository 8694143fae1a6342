//! Setting up a site: the one-time link, the browser that claimed it, and the step it has come to. One row, so that a kill at any step
//! loses nothing; until it says `done` the site answers nothing else.

use crate::{
    Site, Writing,
    charge::Leave,
    enrol,
    error::Refuse,
    kit,
    settings::{self, TypedFirm},
    sign::{event, told},
    site::Core,
    trail::Event,
    user,
};
use keys::nonce::Token;
use rules::{Moment, Problem, Refusal, Role, Secret, Verb, text, when};
use rusqlite::{Connection, OptionalExtension, params};

/// How long the link works.
pub const LASTS: i64 = when::HOUR;
/// Wrong links after which the right one is void too.
const TRIES: i64 = 5;

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Name, kind, references, time zone.
    Firm,
    /// How the key is found at a start.
    Key,
    /// The recovery kit.
    Kit,
    /// The first system administrator.
    You,
    /// The site is in use.
    Done,
}

impl Step {
    const ALL: [Step; 5] = [Step::Firm, Step::Key, Step::Kit, Step::You, Step::Done];

    const fn value(self) -> &'static str {
        match self {
            Step::Firm => "firm",
            Step::Key => "key",
            Step::Kit => "kit",
            Step::You => "you",
            Step::Done => "done",
        }
    }

    fn from_value(value: &str) -> Step {
        Step::ALL.into_iter().find(|step| step.value() == value).unwrap_or(Step::Firm)
    }
}

/// What came of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Claimed by this browser.
    Won,
    /// Wrong; so many tries are left.
    Wrong(i64),
    /// No link works: it was used, has run out or was tried too often.
    Closed,
}

/// Who holds the set-up, at what step.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The step to be done next.
    pub step: Step,
    /// The first system administrator, once named.
    pub administrator: Option<i64>,
}

impl Site {
    /// Whether setting up is over.
    pub fn is_set_up(&self) -> bool {
        self.core.is_set_up()
    }

    /// A new one-time link. The one before is void; the browser that claimed it goes on until this one is claimed.
    pub async fn new_setup_link(&self) -> Result<Token, Refusal> {
        let token = Token::new().map_err(Refusal::fault)?;
        let digest = token.digest();
        self.submit(true, move |sql, core| {
            const SQL: &str = "insert into setup (id, digest, ends) values (1, ?1, ?2) on conflict (id) do update set digest = ?1, ends = ?2, tries = 0 where step != 'done'";
            let put = sql.execute(SQL, params![digest, core.now().plus(LASTS).0]).refuse();
            let done = put.and_then(|rows| if rows == 1 { Ok(()) } else { Err(Refusal::Forbidden("This site is set up already. For a way back in use: strongroom rescue".into())) });
            (done, Vec::new())
        })
        .await?;
        Ok(token)
    }

    /// Claims the set-up: in one transaction the link is compared, used up, and bound to this browser.
    pub async fn claim(&self, token: Option<&Token>, holder: &Token, base: &str, origin: &str) -> Result<Claim, Refusal> {
        let (digest, holder) = (token.map(Token::digest), holder.digest());
        let (base, origin) = (base.to_owned(), Box::<str>::from(origin));
        self.submit(true, move |sql, core| told(claim(sql, core, digest.as_ref(), &holder, &base, &origin))).await
    }

    /// What the holder of this cookie has come to; `None` when it is not theirs.
    pub fn setup(&self, holder: &Token) -> Result<Option<Held>, Refusal> {
        let digest = holder.digest();
        self.door(|sql| held(sql, &digest).refuse())
    }

    /// Leave to change the keyring, for whoever holds the set-up and has come to the key.
    pub fn setup_leave(&self, holder: &Token) -> Result<Leave<Writing>, Refusal> {
        let held = self.setup(holder)?.filter(|held| held.step >= Step::Key && held.step != Step::Done && self.settings().keeps_keyring);
        held.map(|_| Leave::given()).ok_or(Refusal::NotFound)
    }

    /// Keeps the firm. Can be done again until the end.
    pub async fn setup_firm(&self, holder: &Token, typed: TypedFirm, origin: &str) -> Result<(), Refusal> {
        self.setup_step(holder, Step::Firm, origin, move |sql, core| {
            settings::put_firm(sql, core, &typed)?;
            settings::put_case_types(sql, &typed.kind)
        })
        .await
    }

    /// The key was settled: the next step is the kit.
    pub async fn setup_key(&self, holder: &Token, origin: &str) -> Result<(), Refusal> {
        self.setup_step(holder, Step::Key, origin, |_, _| Ok(())).await
    }

    /// The kit is on paper, with its holders; `None` when that is put off.
    pub async fn setup_kit(&self, holder: &Token, holders: Option<(String, String)>, origin: &str) -> Result<(), Refusal> {
        self.setup_step(holder, Step::Kit, origin, move |sql, core| match holders {
            Some((one, two)) => kit::keep_holders(sql, core, &one, &two),
            None => Ok(()),
        })
        .await
    }

    /// Names the first system administrator, who then sets up their ways in under the cookie `visit`. Naming again corrects it.
    pub async fn setup_you(&self, holder: &Token, name: String, email: String, visit: &Token, origin: &str) -> Result<(), Refusal> {
        let visit = visit.digest();
        self.setup_step(holder, Step::You, origin, move |sql, core| {
            let (name, email) = meant(&name, &email).map_err(Refusal::Invalid)?;
            let before: Option<i64> = sql.query_row("select user_id from setup", [], |row| row.get(0)).refuse()?;
            if let Some(before) = before {
                forget(sql, core, before)?;
            }
            if user::has_email(sql, core, &email)? {
                return Err(Refusal::invalid("email", "There is an account with this address already."));
            }
            let id = user::insert(sql, core, Role::Administrator, &name, Role::Administrator.words(), &email)?;
            sql.execute("update setup set user_id = ?", [id]).refuse()?;
            enrol::begin(sql, core, id, &visit, None)
        })
        .await
    }

    async fn setup_step(&self, holder: &Token, step: Step, origin: &str, work: impl FnOnce(&Connection, &Core) -> Result<(), Refusal> + Send + 'static) -> Result<(), Refusal> {
        let (digest, origin) = (holder.digest(), Box::<str>::from(origin));
        self.submit(true, move |sql, core| {
            let done = || -> Result<((), Option<Event>), Refusal> {
                let at = held(sql, &digest).refuse()?.ok_or(Refusal::NotFound)?.step;
                if at < step || at == Step::Done {
                    return Err(Refusal::Conflict);
                }
                work(sql, core)?;
                // Only the first site of an installation looks after the key and the kit.
                let fits = |next: &Step| *next > step && (core.settings().keeps_keyring || !matches!(next, Step::Key | Step::Kit));
                let next = Step::ALL.into_iter().find(|next| fits(next) && *next != Step::Done).unwrap_or(Step::You);
                sql.execute("update setup set step = ?", [at.max(next).value()]).refuse()?;
                Ok(((), Some(event(core, Verb::SetupStep, None, None, &origin))))
            };
            told(done())
        })
        .await
    }
}

fn meant(name: &str, email: &str) -> Result<(String, String), Vec<Problem>> {
    match (text::line("name", "Your name", name, user::NAME_MAX), text::new_email("email", email)) {
        (Ok(name), Ok(email)) => Ok((name, email)),
        (name, email) => Err(name.err().into_iter().chain(email.err()).collect()),
    }
}

/// The account that was named by mistake. Nothing refers to it but its own ways in, its letters and the trail; the next account gets
/// another id, so that what the trail tells of this one is told of nobody else.
fn forget(sql: &Connection, core: &Core, user: i64) -> Result<(), Refusal> {
    crate::factor::strip(sql, core, user)?;
    for statement in ["update setup set user_id = null where user_id = ?", "delete from ticket where user_id = ?", "delete from letter where user_id = ?", "delete from user where id = ?"] {
        sql.execute(statement, [user]).refuse()?;
    }
    Ok(())
}

fn held(sql: &Connection, digest: &[u8; 32]) -> rusqlite::Result<Option<Held>> {
    const SQL: &str = "select step, user_id from setup where holder = ? and step != 'done'";
    let row = sql.prepare_cached(SQL)?.query_row([digest], |row| Ok(Held { step: Step::from_value(row.get_ref(0)?.as_str()?), administrator: row.get(1)? }));
    row.optional()
}

fn claim(sql: &Connection, core: &Core, digest: Option<&[u8; 32]>, holder: &[u8; 32], base: &str, origin: &str) -> Result<(Claim, Option<Event>), Refusal> {
    let mut event = event(core, Verb::SetupClaim, None, None, origin);
    event.refused = true;
    const SQL: &str = "select digest, ends, tries from setup where step != 'done' and digest is not null";
    let row = sql.query_row(SQL, [], |row| Ok((row.get::<_, [u8; 32]>(0)?, Moment(row.get(1)?), row.get::<_, i64>(2)?))).optional().refuse()?;
    let Some((expected, _, tries)) = row.filter(|(_, ends, tries)| core.now() < *ends && *tries < TRIES) else { return Ok((Claim::Closed, Some(event))) };
    if digest != Some(&expected) {
        sql.execute("update setup set tries = tries + 1", []).refuse()?;
        let left = TRIES - tries - 1;
        return Ok((if left > 0 { Claim::Wrong(left) } else { Claim::Closed }, Some(event)));
    }
    sql.execute("update setup set digest = null, holder = ?", [holder]).refuse()?;
    settings::put(sql, core, "url", Some(base))?;
    event.refused = false;
    Ok((Claim::Won, Some(event)))
}

/// The first system administrator has set up their ways in: the site is in use.
pub(crate) fn finish(sql: &Connection, core: &Core, user: i64) -> Result<(), Refusal> {
    let done = sql.execute("update setup set step = 'done', digest = null, holder = null where user_id = ? and step = 'you'", [user]).refuse()?;
    if done == 1 {
        core.settings_changed();
    }
    Ok(())
}

/// Marks a site as set up that never had a wizard: the demo's.
pub(crate) fn skip(sql: &Connection) -> rusqlite::Result<()> {
    sql.execute("insert into setup (id, step) values (1, 'done') on conflict (id) do update set step = 'done'", []).map(drop)
}

/// Whether setting up is over, as the database says.
pub(crate) fn is_done(sql: &Connection) -> rusqlite::Result<bool> {
    sql.prepare_cached("select 1 from setup where step = 'done'")?.exists([])
}

/// A token as it was typed by hand or stood in the link; `None` when it cannot be one.
pub fn typed_token(typed: &Secret<String>) -> Option<Token> {
    Token::presented(typed.expose().trim().trim_start_matches("k="))
}
