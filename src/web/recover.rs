//! The optional way back in: a letter, and the answers to two questions. Where the firm keeps it closed, the page says whom to ask.
//!
//! What a stranger hears is the same, and takes the same time, whether there is such an account or not (ASVS 6.3.8).

use super::{
    Inside,
    desk::VISIT,
    enrol::lasting,
    oops::Oops,
    page::{Page, View},
    passwords,
    posted::Posted,
    said::Said,
    sign::Visitor,
    view::{Mistake, mistakes},
};
use keys::{nonce::Token, password::Verdict};
use rocket::{Either, FromForm, State, get, http::Status, post, response::Redirect};
use rules::{Moment, Problem, Refusal, text};
use serde::Serialize;
use std::time::Duration;
use store::{
    Site,
    recovery::{self, Questions, Way},
};
use tokio::time::{Instant, sleep_until};

/// No answer about an address comes sooner than this: longer than a letter takes to be put into the queue.
const LEAST: Duration = Duration::from_millis(250);

#[derive(Serialize)]
pub(super) struct RecoverView {
    problems: Vec<Mistake>,
    /// One can go this way; otherwise the page says whom to ask.
    open: bool,
}

impl View for RecoverView {
    const TEMPLATE: &'static str = "sign/recover.html";
}

/// A letter is on its way, if there is anybody to write to.
#[derive(Serialize)]
pub(super) struct AskedView {
    problems: Vec<Mistake>,
}

impl View for AskedView {
    const TEMPLATE: &'static str = "sign/asked.html";
}

/// Whether one can go this way: it is switched on, and letters are sent.
fn is_open(site: &Site) -> bool {
    let settings = site.settings();
    settings.recovery.on && settings.smtp.is_some()
}

fn page(mut visitor: Visitor<'_>, problem: Option<Problem>, status: Status) -> Result<Page<RecoverView>, Oops> {
    let token = visitor.visit()?;
    let view = RecoverView { problems: mistakes(problem.into_iter().collect()), open: is_open(visitor.site) };
    Ok(Page::new(visitor.shell(&token), view).with(status))
}

#[get("/recover")]
pub(super) fn ask(visitor: Visitor<'_>) -> Result<Page<RecoverView>, Oops> {
    page(visitor, None, Status::Ok)
}

#[derive(FromForm)]
pub(super) struct Asked {
    #[field(default = String::new())]
    email: String,
}

type Answer = Result<Either<Page<RecoverView>, Page<AskedView>>, Oops>;

#[post("/recover", data = "<form>")]
pub(super) async fn take(visitor: Visitor<'_>, form: Posted<Asked>) -> Result<Either<Page<RecoverView>, Page<AskedView>>, Oops> {
    let at = Instant::now() + LEAST;
    let answer = asked(visitor, form.into_inner().email).await;
    sleep_until(at).await;
    answer
}

async fn asked(mut visitor: Visitor<'_>, email: String) -> Answer {
    let email: String = email.chars().take(254).collect();
    if !is_open(visitor.site) {
        return page(visitor, None, Status::Ok).map(Either::Left);
    }
    if email.trim().is_empty() {
        return page(visitor, Some(Problem::new("email", "Type your e-mail address")), Status::UnprocessableEntity).map(Either::Left);
    }
    let meant = text::email(&email);
    // Only the asker is held off: how many letters an account gets is counted where they are put, and told to nobody.
    if let Err(held) = visitor.device.knock(visitor.site, None).await? {
        return page(visitor, Some(Problem::new("email", held)), Status::TooManyRequests).map(Either::Left);
    }
    visitor.site.ask_way_back(meant, &visitor.base(), visitor.device.from()).await?;
    let token = visitor.visit()?;
    Ok(Either::Right(Page::new(visitor.shell(&token), AskedView { problems: Vec::new() })))
}

#[derive(Serialize)]
pub(super) struct AnswersView {
    problems: Vec<Mistake>,
    questions: [String; 2],
}

impl View for AnswersView {
    const TEMPLATE: &'static str = "sign/answers.html";
}

/// Both answers were right, and the way in opens later.
#[derive(Serialize)]
pub(super) struct LaterView {
    problems: Vec<Mistake>,
    at: String,
}

impl View for LaterView {
    const TEMPLATE: &'static str = "sign/later.html";
}

/// The questions of the one who came with a link in this browser.
fn questions(visitor: &Visitor<'_>) -> Result<Option<Questions>, Refusal> {
    match &visitor.token {
        Some(token) if visitor.site.settings().recovery.on => visitor.site.questions(token),
        _ => Ok(None),
    }
}

/// Nobody's answers are awaited here: to where a link is opened.
fn away() -> Redirect {
    Redirect::to(Said::EnrolOver.at("/link"))
}

fn answers_page(mut visitor: Visitor<'_>, questions: Questions, problems: Vec<Problem>, status: Status) -> Result<Page<AnswersView>, Oops> {
    let token = visitor.visit()?;
    let view = AnswersView { problems: mistakes(problems), questions: questions.questions };
    Ok(Page::new(visitor.shell(&token), view).with(status))
}

#[get("/answers")]
pub(super) fn ask_answers(visitor: Visitor<'_>) -> Result<Either<Redirect, Page<AnswersView>>, Oops> {
    match questions(&visitor)? {
        Some(questions) => answers_page(visitor, questions, Vec::new(), Status::Ok).map(Either::Right),
        None => Ok(Either::Left(away())),
    }
}

#[derive(FromForm)]
pub(super) struct Answers {
    #[field(default = String::new())]
    answer1: String,
    #[field(default = String::new())]
    answer2: String,
}

impl Answers {
    fn missing(&self) -> Vec<Problem> {
        let empty = |(_, answer): &(&'static str, &String)| answer.trim().is_empty();
        [("answer1", &self.answer1), ("answer2", &self.answer2)].into_iter().filter(empty).map(|(field, _)| Problem::new(field, "Type the answer")).collect()
    }
}

/// Whether both are right. The second is checked whatever came of the first, so that the time tells nothing.
async fn both_right(inside: &Inside, visitor: &Visitor<'_>, questions: &Questions, typed: &Answers) -> Result<bool, Refusal> {
    let mut right = true;
    for (answer, hash) in [&typed.answer1, &typed.answer2].into_iter().zip(questions.hashes()) {
        match passwords::check(inside, visitor.site, visitor.device.from(), &recovery::even(answer), Some(hash)).await {
            Err(Refusal::Busy) => return visitor.site.give_answers_back(questions).await.and(Err(Refusal::Busy)),
            verdict => right &= matches!(verdict?, Verdict::Right | Verdict::Stale),
        }
    }
    Ok(right)
}

#[post("/answers", data = "<form>")]
pub(super) async fn take_answers(visitor: Visitor<'_>, inside: &State<Inside>, form: Posted<Answers>) -> Result<Either<Redirect, Either<Page<AnswersView>, Page<LaterView>>>, Oops> {
    let typed = form.into_inner();
    let (Some(questions), Some(visit)) = (questions(&visitor)?, visitor.token.as_ref()) else { return Ok(Either::Left(away())) };
    let again = |visitor: Visitor<'_>, questions: Questions, problems: Vec<Problem>, status: Status| answers_page(visitor, questions, problems, status).map(|page| Either::Right(Either::Left(page)));
    let missing = typed.missing();
    if !missing.is_empty() {
        return again(visitor, questions, missing, Status::UnprocessableEntity);
    }
    let site = visitor.site;
    if !site.try_answers(&questions).await? {
        let problem = Problem::new("answer1", "There are three tries a day, and they are used up. Try again tomorrow, or ask the firm for help.");
        return again(visitor, questions, vec![problem], Status::TooManyRequests);
    }
    let right = both_right(inside, &visitor, &questions, &typed).await?;
    match site.answered(visit, right, &visitor.base(), visitor.device.from()).await? {
        Some(Way::Now(token)) => Ok(Either::Left(onward(&visitor, &token).await?)),
        Some(Way::Later(at)) => Ok(Either::Right(Either::Right(later(&visitor, visit, at)))),
        None if right => Ok(Either::Left(away())),
        None => again(visitor, questions, vec![Problem::new("answer1", "One or both answers are not right.")], Status::UnprocessableEntity),
    }
}

/// Uses the link at once, in this browser.
async fn onward(visitor: &Visitor<'_>, link: &Token) -> Result<Redirect, Refusal> {
    let fresh = Token::new().map_err(Refusal::fault)?;
    match visitor.site.use_ticket(link, &fresh, visitor.device.from()).await? {
        Ok(_) => {
            visitor.jar.add(lasting(VISIT, &fresh));
            Ok(Redirect::to("/enrol"))
        }
        Err(_) => Ok(away()),
    }
}

fn later(visitor: &Visitor<'_>, visit: &Token, at: Moment) -> Page<LaterView> {
    let zone = visitor.site.firm().zone;
    Page::new(visitor.shell(visit), LaterView { problems: Vec::new(), at: format!("{}, {}", at.full_day(&zone), at.hour(&zone)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_missing_answers_are_told() {
        let missing = |one: &str, two: &str| Answers { answer1: one.into(), answer2: two.into() }.missing().into_iter().map(|problem| problem.field).collect::<Vec<_>>();
        assert_eq!(missing(" ", ""), ["answer1", "answer2"]);
        assert_eq!(missing("a blue kite", ""), ["answer2"]);
        assert!(missing("a blue kite", "the attic").is_empty());
    }
}
