//! Teams: several people of the firm under one name. For those who look after accounts.

use super::{
    desk::Desk,
    link::{self, Id},
    oops::Oops,
    page::{Page, View},
    people::tabs,
    posted::{Button, Posted},
    said::Said,
    view::{Choice, Mistake, Tab, mistakes},
};
use rocket::{Either, FromForm, get, http::Status, post, response::Redirect};
use rules::{Problem, Refusal, Role, Sealed, Team, User, Verb, text};
use serde::Serialize;
use store::{Writing, charge::Charge, team, user};

#[derive(Serialize)]
struct Member {
    id: String,
    name: String,
    words: String,
    /// The account, for those who look after it.
    href: Option<String>,
}

#[derive(Serialize)]
struct TeamRow {
    name: String,
    size: String,
    people: Vec<Member>,
    /// Colleagues who are not in it.
    choices: Vec<Choice>,
    rename_action: String,
    add_action: String,
    take_out_action: String,
    remove_action: String,
    /// The mistakes are those of its forms, and `typed` is what was typed there.
    wrong: bool,
    typed: String,
}

#[derive(Serialize)]
pub(super) struct TeamsView {
    sentence: String,
    views: Vec<Tab>,
    problems: Vec<Mistake>,
    teams: Vec<TeamRow>,
    /// The mistakes are those of the form for a new team.
    wrong: bool,
    typed: String,
}

impl View for TeamsView {
    const TEMPLATE: &'static str = "team/list.html";
}

/// What was typed into one of the forms of the page.
#[derive(FromForm, Default)]
pub(super) struct Typed {
    #[field(default = String::new())]
    name: String,
    #[field(default = String::new())]
    user: String,
}

/// What went wrong, and in which form: of a team, or of the one for a new team.
#[derive(Default)]
struct Failed {
    problems: Vec<Problem>,
    team: Option<Sealed<Team>>,
    typed: Typed,
}

fn row(team: team::Listed, staff: &[user::Person], failed: &Failed, me: Role) -> TeamRow {
    let wrong = failed.team.as_ref().is_some_and(|id| id.as_str() == team.id.as_str());
    let outside = staff.iter().filter(|person| team.people.iter().all(|member| member.id.as_str() != person.id.as_str()));
    let outside = outside.map(|person| Choice::new(person.id.as_str(), format!("{}, {}", person.name, person.words), wrong && person.id.as_str() == failed.typed.user));
    let choices = [Choice::new("", "Choose a colleague", !wrong || failed.typed.user.is_empty())].into_iter().chain(outside).collect();
    let at = |action: &str| link::team(&team.id, action);
    let renaming = wrong && failed.problems.iter().any(|problem| problem.field == "name");
    TeamRow {
        size: text::count_head(team.people.len(), "person", "people"),
        choices,
        rename_action: at("rename"),
        add_action: at("add"),
        take_out_action: at("take-out"),
        remove_action: at("remove"),
        wrong,
        typed: if renaming { failed.typed.name.clone() } else { team.name.clone() },
        name: team.name,
        people: team.people.into_iter().map(|person| member(person, me)).collect(),
    }
}

fn member(person: user::Person, me: Role) -> Member {
    let href = me.looks_after(person.role).then(|| link::person(&person.id, ""));
    Member { id: person.id.to_string(), name: person.name, words: person.words, href }
}

async fn teams_page(desk: &Desk<'_>, failed: Failed) -> Result<Page<TeamsView>, Oops> {
    let (teams, staff) = desk.read(|tx| Ok((team::list(&tx.charge(Verb::TeamView)?)?, user::staff(tx)?))).await?;
    let me = desk.session().role;
    let status = if failed.problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    let wrong = !failed.problems.is_empty() && failed.team.is_none();
    let view = TeamsView {
        sentence: match teams.len() {
            0 => "There is no team yet.".into(),
            n => format!("{}.", text::count_head(n, "team", "teams")),
        },
        views: tabs("/teams"),
        teams: teams.into_iter().map(|team| row(team, &staff, &failed, me)).collect(),
        wrong,
        typed: if wrong { failed.typed.name } else { String::new() },
        problems: mistakes(failed.problems),
    };
    Ok(Page::new(desk.shell("people"), view).with(status))
}

#[get("/teams")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<TeamsView>, Oops> {
    teams_page(&desk, Failed::default()).await
}

type Done = Result<Either<Redirect, Page<TeamsView>>, Oops>;

/// Does one of the verbs of the page; mistakes come back with what was typed, in the form in which it was.
async fn act(desk: Desk<'_>, team: Option<Sealed<Team>>, typed: Typed, said: Said, work: impl for<'a, 't> FnOnce(&'a Charge<'t, Writing>) -> Result<(), Refusal> + Send + 'static) -> Done {
    match desk.write(move |tx| work(&tx.charge(Verb::TeamChange)?)).await {
        Ok(()) => Ok(Either::Left(Redirect::to(said.at("/teams")))),
        Err(Refusal::Invalid(problems)) => teams_page(&desk, Failed { problems, team, typed }).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

#[post("/teams", data = "<form>")]
pub(super) async fn make(desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let typed = form.into_inner();
    let name = typed.name.clone();
    act(desk, None, typed, Said::TeamMade, move |charge| team::make(charge, &name)).await
}

#[post("/teams/<id>/rename", data = "<form>")]
pub(super) async fn rename(id: Id<Team>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, team) = (form.into_inner(), id.0.clone());
    let name = typed.name.clone();
    act(desk, Some(id.0), typed, Said::TeamChanged, move |charge| team::rename(charge, &team, &name)).await
}

#[post("/teams/<id>/add", data = "<form>")]
pub(super) async fn add(id: Id<Team>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, team) = (form.into_inner(), id.0.clone());
    let person = Sealed::<User>::from_url(&typed.user);
    act(desk, Some(id.0), typed, Said::TeamChanged, move |charge| team::add(charge, &team, &person)).await
}

#[post("/teams/<id>/take-out", data = "<form>")]
pub(super) async fn take_out(id: Id<Team>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, team) = (form.into_inner(), id.0.clone());
    let person = Sealed::<User>::from_url(&typed.user);
    act(desk, Some(id.0), typed, Said::TeamChanged, move |charge| team::take_out(charge, &team, &person)).await
}

#[post("/teams/<id>/remove", data = "<form>")]
pub(super) async fn remove(id: Id<Team>, desk: Desk<'_>, form: Posted<Button>) -> Done {
    let Button = form.into_inner();
    let team = id.0.clone();
    act(desk, Some(id.0), Typed::default(), Said::TeamRemoved, move |charge| team::remove(charge, &team)).await
}
