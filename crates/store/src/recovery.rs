//! Ways back in: recovery codes for everybody, and the optional path by a letter and the answers to two questions.
//!
//! Recovery codes are derived from the token of the cookie in which they are made, so that they can be shown again there until they are
//! on paper, and nowhere else; the database keeps a blind index of each. A code counts once.

use crate::{
    Site,
    charge::{Confirmed, Own},
    error::Refuse,
    factor, notice, session,
    sign::{event, told},
    site::Core,
    throttle,
    ticket::{self, Found, Made, Purpose},
    trail::Event,
};
use keys::{code, field::Place, nonce::Token};
use rules::{LetterKind, Moment, Problem, Refusal, Secret, Verb, text, when};
use rusqlite::{Connection, OptionalExtension, params};

/// What the codes made while an account is set up are derived with, besides the token.
pub const AT_ENROLMENT: Moment = Moment(0);
/// How long codes made on the account page can be shown again, in milliseconds.
const SHOWN: i64 = 10 * when::MINUTE;
/// A letter is on its way for so long, in milliseconds; nobody needs a second one meanwhile.
const ON_ITS_WAY: i64 = 15 * when::MINUTE;
/// Fewest characters of an answer, after it was made even.
pub const ANSWER_MIN: usize = 6;
/// Longest question, in characters.
pub const QUESTION_MAX: usize = 120;

/// The ten codes that belong to a cookie's token and the moment at which they were made, as they are printed.
pub fn set_of(token: &Token, made: Moment) -> Result<Vec<Secret<String>>, Refusal> {
    code::set_from(&token.seed(&format!("recovery codes {}", made.0))).map_err(Refusal::fault)
}

fn index(core: &Core, code: &Secret<String>) -> Option<[u8; 32]> {
    code::normal(code.expose()).map(|code| core.keys.fields.index("recovery_code", code.expose()))
}

/// Takes the place of all codes before.
pub(crate) fn replace(sql: &Connection, core: &Core, user: i64, (codes, made): (&[Secret<String>], Moment)) -> Result<(), Refusal> {
    sql.execute("delete from recovery_code where user_id = ?", [user]).refuse()?;
    let mut put = sql.prepare_cached("insert into recovery_code (digest, user_id, made) values (?, ?, ?)").refuse()?;
    for code in codes {
        let digest = index(core, code).ok_or_else(|| Refusal::fault("a recovery code cannot be read back"))?;
        put.execute(params![digest, user, made.0]).refuse()?;
    }
    Ok(())
}

/// Whether it is one of the account's codes.
pub(crate) fn has(sql: &Connection, core: &Core, user: i64, typed: &Secret<String>) -> Result<bool, Refusal> {
    let Some(digest) = index(core, typed) else { return Ok(false) };
    sql.prepare_cached("select 1 from recovery_code where digest = ? and user_id = ?").refuse()?.exists(params![digest, user]).refuse()
}

/// Uses a code up. Of many who bring it at once one wins.
pub(crate) fn use_code(sql: &Connection, core: &Core, user: i64, typed: &Secret<String>) -> Result<bool, Refusal> {
    let Some(digest) = index(core, typed) else { return Ok(false) };
    Ok(sql.execute("update recovery_code set used = ?3 where digest = ?1 and user_id = ?2 and used is null", params![digest, user, core.now().0]).refuse()? == 1)
}

/// How many codes are left.
pub(crate) fn left(sql: &Connection, user: i64) -> rusqlite::Result<usize> {
    sql.prepare_cached("select count(*) from recovery_code where user_id = ? and used is null")?.query_row([user], |row| row.get(0))
}

/// How many of one's own codes are left.
pub fn own_left<M>(own: &Own<'_, M>) -> Result<usize, Refusal> {
    left(own.tx().sql, own.user()).refuse()
}

/// Makes ten new codes; the ones before are void, and every other session ends.
pub fn make(own: &Confirmed<'_>, token: &Token) -> Result<(), Refusal> {
    let (tx, made) = (own.tx(), own.tx().now());
    replace(tx.sql, tx.core, own.user(), (&set_of(token, made)?, made))?;
    factor::changed(own, Verb::CodesMake, None, "New recovery codes were made")
}

/// The codes that were made with this token within ten minutes; `None` when they were not, or were made elsewhere.
pub fn just_made<M>(own: &Own<'_, M>, token: &Token) -> Result<Option<Vec<Secret<String>>>, Refusal> {
    let tx = own.tx();
    let made: Option<i64> = tx.sql.query_row("select max(made) from recovery_code where user_id = ?", [own.user()], |row| row.get(0)).refuse()?;
    let Some(made) = made.filter(|made| tx.now().0 - made < SHOWN) else { return Ok(None) };
    let codes = set_of(token, Moment(made))?;
    let first = codes.first().ok_or(Refusal::NotFound)?;
    Ok(has(tx.sql, tx.core, own.user(), first)?.then_some(codes))
}

/// An answer as it is compared: compatibility form, lower case, letters and digits of one space apart.
pub fn even(answer: &str) -> Secret<String> {
    Secret::new(text::even(answer))
}

/// What is wrong with two questions and their answers, if anything.
pub fn problems(questions: [&str; 2], answers: [&str; 2], email: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let even = answers.map(text::even);
    for (n, (question, answer)) in questions.iter().zip(&even).enumerate() {
        let field = |one, two| if n == 0 { one } else { two };
        if let Err(problem) = text::line(field("question1", "question2"), "The question", question, QUESTION_MAX) {
            problems.push(problem);
        }
        let sentence = match answer {
            short if short.chars().count() < ANSWER_MIN => Some(format!("The answer needs {ANSWER_MIN} letters or digits or more.")),
            same if *same == text::even(question) || *same == text::even(email) => Some("The answer is the question or your address. Choose another.".into()),
            _ => None,
        };
        problems.extend(sentence.map(|sentence| Problem::new(field("answer1", "answer2"), sentence)));
    }
    let [one, two] = &even;
    if problems.is_empty() && one == two {
        problems.push(Problem::new("answer2", "Both answers are the same. Choose another."));
    }
    problems
}

const fn question_place(user: i64, n: i64) -> Place {
    Place { table: "answer", column: "question", row: user * 2 + n }
}

/// Keeps two questions and the hashes of their answers; every other session ends.
pub fn set_answers(own: &Confirmed<'_>, questions: [&str; 2], hashes: [String; 2]) -> Result<(), Refusal> {
    let tx = own.tx();
    if !tx.core.settings().recovery.on {
        return Err(Refusal::NotFound);
    }
    tx.sql.execute("delete from answer where user_id = ?", [own.user()]).refuse()?;
    for (n, (question, hash)) in (1..).zip(questions.into_iter().zip(hashes)) {
        let sealed = tx.core.keys.fields.seal(question.trim().as_bytes(), question_place(own.user(), n)).refuse()?;
        tx.sql.execute("insert into answer (user_id, n, question, hash, made) values (?, ?, ?, ?, ?)", params![own.user(), n, sealed, hash, tx.now().0]).refuse()?;
    }
    factor::changed(own, Verb::AnswersSet, None, "The security questions were set")
}

/// Whether one has set them.
pub fn has_answers<M>(own: &Own<'_, M>) -> Result<bool, Refusal> {
    own.tx().sql.prepare_cached("select 1 from answer where user_id = ?").refuse()?.exists([own.user()]).refuse()
}

/// Somebody who came with the link of the way back in.
pub struct Questions {
    /// Row id of the account.
    pub user: i64,
    /// What is asked.
    pub questions: [String; 2],
    hashes: [String; 2],
}

impl Questions {
    /// The stored hashes, to be checked in the slots for passwords.
    pub fn hashes(&self) -> [&str; 2] {
        let [one, two] = &self.hashes;
        [one, two]
    }
}

/// What comes of right answers.
pub enum Way {
    /// Not before this moment: then a letter with the link is sent. Another says so at once, and holds a link that stops it.
    Later(Moment),
    /// At once, with this link.
    Now(Token),
}

impl Site {
    /// Asks for the way back in. Whether there is such an account, and whether it can go this way, makes no difference to the asker.
    pub async fn ask_way_back(&self, email: Option<String>, base: &str, origin: &str) -> Result<(), Refusal> {
        let (base, origin) = (base.to_owned(), Box::<str>::from(origin));
        self.submit(true, move |sql, core| told(email.map_or(Ok(((), None)), |email| ask(sql, core, &email, &base, &origin)))).await
    }

    /// The questions for the visit under this cookie.
    pub fn questions(&self, visit: &Token) -> Result<Option<Questions>, Refusal> {
        let (digest, now) = (visit.digest(), self.now());
        self.door(|sql| {
            let Some((user, _)) = answering(sql, &digest, now).refuse()? else { return Ok(None) };
            let mut find = sql.prepare_cached("select n, question, hash from answer where user_id = ? order by n").refuse()?;
            let rows: Vec<(i64, Vec<u8>, String)> = find.query_map([user], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).refuse()?.collect::<Result<_, _>>().refuse()?;
            let opened = |(n, sealed, hash): (i64, Vec<u8>, String)| Ok((self.core.keys.fields.open_text(&sealed, question_place(user, n)).refuse()?.expose().clone(), hash));
            let both: Vec<(String, String)> = rows.into_iter().map(opened).collect::<Result<_, Refusal>>()?;
            let [(one, first), (two, second)] = <[_; 2]>::try_from(both).map_err(|_| Refusal::NotFound)?;
            Ok(Some(Questions { user, questions: [one, two], hashes: [first, second] }))
        })
    }

    /// Counts a try at the answers; three a day, whatever link or browser they come by.
    pub async fn try_answers(&self, questions: &Questions) -> Result<bool, Refusal> {
        let user = questions.user;
        self.submit(true, move |sql, core| (throttle::count_answers(sql, core, user), Vec::new())).await
    }

    /// The answers could not be checked just now: the try does not count.
    pub async fn give_answers_back(&self, questions: &Questions) -> Result<(), Refusal> {
        let user = questions.user;
        self.submit(true, move |sql, core| (throttle::give_answers_back(sql, core, user), Vec::new())).await
    }

    /// Both answers were checked. When both were right the link is used up and the way opens, at once or after the delay.
    pub async fn answered(&self, visit: &Token, right: bool, base: &str, origin: &str) -> Result<Option<Way>, Refusal> {
        let (digest, base, origin) = (visit.digest(), base.to_owned(), Box::<str>::from(origin));
        self.submit(true, move |sql, core| told(answered(sql, core, &digest, right, &base, &origin))).await
    }
}

fn ask(sql: &Connection, core: &Core, email: &str, base: &str, origin: &str) -> Result<((), Option<Event>), Refusal> {
    const SQL: &str = "select u.id from user u where u.email_index = ? and u.state = 'active' and (select count(*) from answer a where a.user_id = u.id) = 2";
    let user: Option<i64> = sql.prepare_cached(SQL).refuse()?.query_row([core.keys.fields.index("email", email)], |row| row.get(0)).optional().refuse()?;
    let settings = core.settings();
    let wanted = match user.filter(|_| settings.recovery.on) {
        Some(user) if !was_asked_lately(sql, user, core.now()).refuse()? && throttle::count_way_back(sql, core, user)? => Some(user),
        _ => None,
    };
    if let Some(user) = wanted {
        let made = ticket::make(sql, core, user, Purpose::Recover, 0, core.now())?;
        notice::tell_link(sql, core, LetterKind::Recover, &made, base, &[("where", origin)])?;
    }
    let mut asked = event(core, Verb::RecoverAsk, user, None, origin);
    asked.refused = user.is_none();
    Ok(((), Some(asked)))
}

/// Whether a link to the questions was sent so short a time ago that it is still on its way: a second one would only make it void.
fn was_asked_lately(sql: &Connection, user: i64, now: Moment) -> rusqlite::Result<bool> {
    const SQL: &str = "select 1 from ticket where user_id = ?1 and purpose = 'recover' and void is null and used is null and made > ?2";
    sql.prepare_cached(SQL)?.exists(params![user, now.plus(-ON_ITS_WAY).0])
}

/// Whose answers are awaited, and by which link.
fn answering(sql: &Connection, digest: &[u8; 32], now: Moment) -> rusqlite::Result<Option<(i64, i64)>> {
    const SQL: &str = "select v.user_id, v.ticket from visit v join ticket t on t.id = v.ticket join user u on u.id = v.user_id
        where v.digest = ?1 and v.purpose = 'answer' and t.used is null and t.void is null and t.ends > ?2 and u.state = 'active'";
    sql.prepare_cached(SQL)?.query_row(params![digest, now.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// The link of the way back in leads to the questions; it is used up only by right answers.
pub(crate) fn use_ticket(sql: &Connection, core: &Core, found: &Found, visit: &[u8; 32]) -> Result<(), Refusal> {
    if !core.settings().recovery.on {
        return Err(Refusal::NotFound);
    }
    sql.execute("insert into visit (digest, user_id, purpose, ticket, started) values (?, ?, 'answer', ?, ?)", params![visit, found.user, found.id, core.now().0]).map(drop).refuse()
}

fn answered(sql: &Connection, core: &Core, visit: &[u8; 32], right: bool, base: &str, origin: &str) -> Result<(Option<Way>, Option<Event>), Refusal> {
    let (user, ticket) = answering(sql, visit, core.now()).refuse()?.ok_or(Refusal::NotFound)?;
    let mut told = event(core, Verb::RecoverAnswer, Some(user), None, origin);
    told.refused = !right;
    if !right || !ticket::spend(sql, ticket, core.now())? {
        return Ok((None, Some(told)));
    }
    sql.execute("delete from visit where digest = ?", [visit]).refuse()?;
    let delay = core.settings().recovery.delay * when::HOUR;
    let starts = core.now().plus(delay);
    let way = ticket::make(sql, core, user, Purpose::Recovered, 0, starts)?;
    if delay == 0 {
        return Ok((Some(Way::Now(way.token)), Some(told)));
    }
    let stop = Made { ends: way.ends, ..ticket::make(sql, core, user, Purpose::Cancel, 0, core.now())? };
    sql.execute("update ticket set ends = ?2 where id = ?1", params![stop.id, stop.ends.0]).refuse()?;
    notice::tell_link(sql, core, LetterKind::RecoverSoon, &stop, base, &[("at", &notice::moment(core, starts)), ("where", origin)])?;
    notice::tell_link(sql, core, LetterKind::Reset, &way, base, &[])?;
    Ok((Some(Way::Later(starts)), Some(told)))
}

/// The owner stopped it: no link of it works any more, and every session ends, since somebody else knows the answers.
pub(crate) fn cancel(sql: &Connection, core: &Core, user: i64) -> Result<(), Refusal> {
    ticket::void_way_back(sql, core, Some(user))?;
    sql.execute("delete from answer where user_id = ?", [user]).refuse()?;
    session::end_others(sql, core, user, 0)
}
