//! The two questions of the optional way back in, set by their owner. There is no such page where the firm has not opened that way.

use super::{
    desk::Desk,
    device::Device,
    oops::Oops,
    page::{Page, View},
    passwords,
    posted::Posted,
    said::Said,
    view::{Mistake, mistakes},
};
use rocket::{FromForm, get, http::Status, post, response::Redirect};
use rules::{Problem, Refusal, Verb};
use serde::Serialize;
use store::{recovery, user};

/// Questions that few others can answer, and that do not change.
const OFFERED: [&str; 6] = [
    "What did my grandmother call me?",
    "Which street did my best friend at school live in?",
    "What was the first meal I learned to cook?",
    "Which teacher did I like least?",
    "What was the first concert I went to?",
    "Where was I when the year 2000 began?",
];

#[derive(Serialize)]
pub(super) struct QuestionsView {
    problems: Vec<Mistake>,
    offered: [&'static str; 6],
    question1: String,
    question2: String,
    set: bool,
    delay: i64,
}

impl View for QuestionsView {
    const TEMPLATE: &'static str = "account/questions.html";
}

#[derive(FromForm, Default)]
pub(super) struct Typed {
    #[field(default = String::new())]
    question1: String,
    #[field(default = String::new())]
    answer1: String,
    #[field(default = String::new())]
    question2: String,
    #[field(default = String::new())]
    answer2: String,
}

async fn view(desk: &Desk<'_>, typed: Typed, problems: Vec<Problem>) -> Result<Page<QuestionsView>, Oops> {
    let settings = desk.site().settings();
    if !settings.recovery.on {
        return Err(Refusal::NotFound.into());
    }
    let set = desk.read(|tx| recovery::has_answers(&tx.own(Verb::AccountView))).await?;
    let status = if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    let view = QuestionsView { problems: mistakes(problems), offered: OFFERED, question1: typed.question1, question2: typed.question2, set, delay: settings.recovery.delay };
    Ok(Page::new(desk.shell("account"), view).with(status))
}

#[get("/account/questions")]
pub(super) async fn form(desk: Desk<'_>) -> Result<Page<QuestionsView>, Oops> {
    view(&desk, Typed::default(), Vec::new()).await
}

#[post("/account/questions", data = "<form>")]
pub(super) async fn keep(desk: Desk<'_>, device: Device<'_>, form: Posted<Typed>) -> Result<Result<Redirect, Page<QuestionsView>>, Oops> {
    let typed = form.into_inner();
    if !desk.site().settings().recovery.on {
        return Err(Refusal::NotFound.into());
    }
    let email = desk.read(|tx| user::own_email(&tx.own(Verb::AccountView))).await?;
    let problems = recovery::problems([&typed.question1, &typed.question2], [&typed.answer1, &typed.answer2], email.expose());
    if !problems.is_empty() {
        return view(&desk, typed, problems).await.map(Err);
    }
    let first = passwords::hash(desk.inside(), desk.site(), device.from(), &recovery::even(&typed.answer1)).await?;
    let second = passwords::hash(desk.inside(), desk.site(), device.from(), &recovery::even(&typed.answer2)).await?;
    let questions = [typed.question1, typed.question2];
    desk.write(move |tx| {
        let [one, two] = &questions;
        recovery::set_answers(&tx.own_confirmed(Verb::AnswersSet)?, [one, two], [first, second])
    })
    .await?;
    Ok(Ok(Redirect::to(Said::QuestionsKept.at("/account"))))
}
