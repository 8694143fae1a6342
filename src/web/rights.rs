//! What takes something from somebody: another role, all ways in, the account itself. Each is asked on a page of its own, which says what
//! will happen, and before which a code is asked.

use super::{
    desk::Desk,
    link::Id,
    oops::Oops,
    page::{Page, View},
    people::{LinkView, link_page},
    person::{Whom, back, handed, known},
    posted::Posted,
    said::Said,
    view::{Choice, Mistake, mistakes},
};
use rocket::{Either, FromForm, get, http::Status, post, response::Redirect};
use rules::{Problem, Refusal, Role, Sealed, User, Verb};
use serde::Serialize;
use store::{person, user};

#[derive(Serialize)]
pub(super) struct RoleView {
    whom: Whom,
    problems: Vec<Mistake>,
    roles: Vec<Choice>,
}

impl View for RoleView {
    const TEMPLATE: &'static str = "people/role.html";
}

#[derive(Serialize)]
pub(super) struct ResetView {
    whom: Whom,
    problems: Vec<Mistake>,
    check: String,
}

impl View for ResetView {
    const TEMPLATE: &'static str = "people/reset.html";
}

#[derive(Serialize)]
pub(super) struct LeaveView {
    whom: Whom,
    problems: Vec<Mistake>,
    /// What has to be handed over.
    owns: usize,
    supervises: usize,
    successors: Vec<Choice>,
}

impl View for LeaveView {
    const TEMPLATE: &'static str = "people/leave.html";
}

/// The answer that was given on one of these pages.
#[derive(FromForm)]
pub(super) struct Answer {
    #[field(default = String::new())]
    role: String,
    #[field(default = String::new())]
    check: String,
    #[field(default = String::new())]
    successor: String,
}

/// A page with the question, and with what is wrong with the answer.
fn ask<V: View>(desk: &Desk<'_>, view: V, wrong: bool) -> Page<V> {
    let status = if wrong { Status::UnprocessableEntity } else { Status::Ok };
    Page::new(desk.shell("people"), view).with(status)
}

async fn ask_role(desk: &Desk<'_>, id: &Sealed<User>, chosen: Option<&str>, problems: Vec<Problem>) -> Result<Page<RoleView>, Oops> {
    let (known, me) = (known(desk, id, "").await?, desk.session().role);
    known.allow(|can| can.role)?;
    let (now, wrong) = (known.details.listed.role, !problems.is_empty());
    let chosen = chosen.unwrap_or(now.value());
    let offered = Role::ALL.into_iter().filter(|role| role.kind() == now.kind() && me.looks_after(*role));
    let roles = offered.map(|role| Choice { hint: role.sentence(), ..Choice::new(role.value(), role.words(), role.value() == chosen) }).collect();
    Ok(ask(desk, RoleView { whom: Whom::of(&known.details.listed), problems: mistakes(problems), roles }, wrong))
}

#[get("/people/<id>/role")]
pub(super) async fn role_page(id: Id<User>, desk: Desk<'_>) -> Result<Page<RoleView>, Oops> {
    ask_role(&desk, &id.0, None, Vec::new()).await
}

#[post("/people/<id>/role", data = "<form>")]
pub(super) async fn set_role(id: Id<User>, desk: Desk<'_>, form: Posted<Answer>) -> Result<Either<Redirect, Page<RoleView>>, Oops> {
    let (typed, of) = (form.into_inner().role, id.0.clone());
    let role = Role::from_value(&typed);
    let done = desk
        .write(move |tx| {
            let person = tx.person(&of, Verb::PersonRole)?;
            match role {
                None => Err(Refusal::invalid("role", "Choose a role.")),
                Some(role) if role == person.role() => Err(Refusal::invalid("role", "The account has this role already. Choose another, or go back.")),
                Some(role) => person::set_role(&person, role),
            }
        })
        .await;
    match done {
        Ok(()) => Ok(Either::Left(back(&id.0, &Said::RoleSet))),
        Err(Refusal::Invalid(problems)) => ask_role(&desk, &id.0, Some(&typed), problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn ask_check(desk: &Desk<'_>, id: &Sealed<User>, check: String, problems: Vec<Problem>) -> Result<Page<ResetView>, Oops> {
    let known = known(desk, id, "").await?;
    known.allow(|can| can.reset)?;
    let wrong = !problems.is_empty();
    Ok(ask(desk, ResetView { whom: Whom::of(&known.details.listed), problems: mistakes(problems), check }, wrong))
}

#[get("/people/<id>/reset")]
pub(super) async fn reset_page(id: Id<User>, desk: Desk<'_>) -> Result<Page<ResetView>, Oops> {
    ask_check(&desk, &id.0, String::new(), Vec::new()).await
}

#[post("/people/<id>/reset", data = "<form>")]
pub(super) async fn reset(id: Id<User>, desk: Desk<'_>, form: Posted<Answer>) -> Result<Either<Page<LinkView>, Page<ResetView>>, Oops> {
    let (typed, of, base) = (form.into_inner().check, id.0.clone(), desk.base());
    let check = typed.clone();
    let done = desk
        .write(move |tx| {
            let person = tx.person(&of, Verb::PersonReset)?;
            let made = person::reset(&person, &check, &base)?;
            handed(&person, made)
        })
        .await;
    match done {
        Ok(done) => Ok(Either::Left(link_page(&desk, done, "The account is reset", None))),
        Err(Refusal::Invalid(problems)) => ask_check(&desk, &id.0, typed, problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn ask_successor(desk: &Desk<'_>, id: &Sealed<User>, chosen: &str, problems: Vec<Problem>) -> Result<Page<LeaveView>, Oops> {
    let known = known(desk, id, "").await?;
    known.allow(|can| can.leave)?;
    let (listed, wrong) = (&known.details.listed, !problems.is_empty());
    let staff = desk.read(user::staff).await?;
    let others = staff.iter().filter(|person| person.id.as_str() != listed.id.as_str());
    let others = others.map(|person| Choice::new(person.id.as_str(), format!("{}, {}", person.name, person.words), person.id.as_str() == chosen));
    let view = LeaveView {
        whom: Whom::of(listed),
        problems: mistakes(problems),
        owns: known.details.owns,
        supervises: known.details.supervises,
        successors: [Choice::new("", "Choose a colleague", chosen.is_empty())].into_iter().chain(others).collect(),
    };
    Ok(ask(desk, view, wrong))
}

#[get("/people/<id>/leave")]
pub(super) async fn leave_page(id: Id<User>, desk: Desk<'_>) -> Result<Page<LeaveView>, Oops> {
    ask_successor(&desk, &id.0, "", Vec::new()).await
}

#[post("/people/<id>/leave", data = "<form>")]
pub(super) async fn leave(id: Id<User>, desk: Desk<'_>, form: Posted<Answer>) -> Result<Either<Redirect, Page<LeaveView>>, Oops> {
    let (typed, of) = (form.into_inner().successor, id.0.clone());
    let successor = Sealed::from_url(&typed);
    match desk.write(move |tx| person::leave(&tx.person(&of, Verb::PersonLeave)?, &successor)).await {
        Ok(()) => Ok(Either::Left(back(&id.0, &Said::PersonLeft))),
        Err(Refusal::Invalid(problems)) => ask_successor(&desk, &id.0, &typed, problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}
