//! People & access: who can see a case, and why, for everybody who reads it; grants and walls for those who manage it.

use super::{
    desk::Desk,
    link::{self, Id},
    oops::Oops,
    page::{Page, View},
    posted::Posted,
    said::Said,
    view::{Calendar, CaseFile, Choice, Group, LevelView, Mistake, When, mistakes},
};
use rocket::{Either, FromForm, get, http::Status, post, response::Redirect};
use rules::{Case, Level, Manage, Problem, Read, Refusal, Role, Sealed, UserKind, Verb, policy::{self, Why}, text};
use serde::Serialize;
use store::{
    Tx, Writing, case,
    grant::{self, Whom},
    seers::{self, Given, Seer, SeeingTeam},
    team, user,
};

#[derive(Serialize)]
struct SeerRow {
    name: String,
    words: String,
    level: LevelView,
    why: Vec<String>,
    /// Whose grant the button takes back.
    grant_for: Option<String>,
}

#[derive(Serialize)]
struct WallRow {
    name: String,
    by: String,
    at: When,
    reason: String,
    whom: String,
}

/// What those who manage the case can do.
#[derive(Serialize)]
struct Forms {
    walls: Vec<WallRow>,
    choose: Vec<Choice>,
    people: Vec<Group>,
    levels: Vec<Choice>,
    reason: String,
    wall_choose: Vec<Choice>,
    wall_people: Vec<Group>,
    wall_reason: String,
    unwall_reason: String,
}

#[derive(Serialize)]
pub(super) struct AccessView {
    file: CaseFile,
    sentence: String,
    problems: Vec<Mistake>,
    firm: Vec<SeerRow>,
    teams: Vec<SeerRow>,
    clients: Vec<SeerRow>,
    forms: Option<Forms>,
}

impl View for AccessView {
    const TEMPLATE: &'static str = "case/access.html";
}

/// What was typed into one of the forms of the page.
#[derive(FromForm, Default, Clone)]
pub(super) struct Typed {
    #[field(default = String::new())]
    user: String,
    #[field(default = String::new())]
    level: String,
    #[field(default = String::new())]
    reason: String,
    #[field(default = String::new())]
    wall_user: String,
    #[field(default = String::new())]
    wall_reason: String,
    #[field(default = String::new())]
    unwall_reason: String,
}

/// What is shown: who has to do with access, and for those who manage the case whom they can choose.
struct Shown {
    file: case::File,
    people: Vec<Seer>,
    teams: Vec<SeeingTeam>,
    choices: Option<Choices>,
}

struct Choices {
    people: Vec<user::Person>,
    teams: Vec<(Sealed<rules::Team>, String)>,
}

impl Shown {
    /// The name of a person or team whose opaque id this is.
    fn name(&self, id: &str) -> Option<String> {
        let known = self.people.iter().map(|s| (s.id.as_str(), &s.name)).chain(self.teams.iter().map(|t| (t.id.as_str(), &t.name)));
        let offered = self.choices.iter().flat_map(|c| c.people.iter().map(|p| (p.id.as_str(), &p.name)).chain(c.teams.iter().map(|(id, name)| (id.as_str(), name))));
        known.chain(offered).find(|(other, _)| *other == id).map(|(_, name)| name.clone())
    }

    /// The page in one sentence or a few.
    fn sentence(&self, managing: bool) -> String {
        let count = |kind: UserKind, fits: fn(Level) -> bool| self.people.iter().filter(|s| s.facts.role.kind() == kind && fits(s.level)).count();
        let (staff, clients) = (count(UserKind::Staff, |level| level >= Level::Read), count(UserKind::Client, |level| level >= Level::Read));
        let (know, programs) = (count(UserKind::Staff, |level| level == Level::Know), count(UserKind::Service, |level| level >= Level::Read));
        let out = self.people.iter().filter(|s| s.facts.walled).count();
        let mut words = vec![format!("{} in the firm can read it.", text::count_head(staff, "person", "people"))];
        let mut more = |n: usize, one: &str, many: &str, rest: &str| {
            if n > 0 {
                words.push(format!("{} {rest}", text::count_head(n, one, many)));
            }
        };
        more(clients, "client sees", "clients see", "its title and where it stands, nothing inside it.");
        more(programs, "program reads", "programs read", "it.");
        more(know, "more knows", "more know", "only that it exists.");
        if managing {
            more(out, "person is", "people are", "kept out.");
        }
        words.push("Nobody else can open it.".into());
        words.join(" ")
    }

    /// The walls, of people and of teams.
    fn walls(&self, calendar: &Calendar) -> Vec<WallRow> {
        let row = |name: String, whom: &str, wall: &Given| {
            WallRow { name, by: wall.by.clone(), at: calendar.when(wall.at), reason: wall.reason.clone().unwrap_or_default(), whom: whom.to_owned() }
        };
        let people = self.people.iter().filter_map(|s| Some(row(s.name.clone(), s.id.as_str(), s.wall.as_ref()?)));
        let teams = self.teams.iter().filter_map(|t| Some(row(format!("Everybody in {}", t.name), t.id.as_str(), t.wall.as_ref()?)));
        people.chain(teams).collect()
    }
}

/// By whom and when something was granted; what was said of it only for those who manage.
fn by_whom(grant: &Given, calendar: &Calendar) -> String {
    format!("by {}, {}", grant.by, calendar.day(grant.at))
}

/// The reasons of somebody's level, the grant of their own with by whom and when.
pub(super) fn why(seer: &Seer, calendar: &Calendar, managing: bool) -> Vec<String> {
    let mut out = Vec::new();
    for why in policy::reasons(seer.facts) {
        match why {
            Why::Owner => out.push("Owner of the case".into()),
            Why::Supervisor => out.push("Supervisor of the case".into()),
            Why::Granted => {
                let level = if seer.level > seer.facts.granted { format!(" “{}”", seer.facts.granted.word()) } else { String::new() };
                let whom = seer.grant.as_ref().map(|grant| format!(" {}", by_whom(grant, calendar))).unwrap_or_default();
                out.push(format!("Granted{level}{whom}"));
                out.extend(seer.grant.as_ref().and_then(|grant| grant.reason.as_ref()).filter(|_| managing).map(|reason| format!("“{reason}”")));
            }
            Why::Team => out.extend(seer.teams.iter().map(|(team, level)| format!("In the team {team}: “{}”", level.word()))),
        }
    }
    out
}

/// A person to choose: whoever is outside the firm is marked.
fn label(person: &user::Person) -> String {
    match person.role {
        Role::Client if person.words.eq_ignore_ascii_case("client") => format!("{} (client)", person.name),
        Role::Client => format!("{} (client, {})", person.name, person.words),
        _ => format!("{}, {}", person.name, person.words),
    }
}

fn seer_row(seer: &Seer, calendar: &Calendar, managing: bool) -> SeerRow {
    SeerRow {
        name: seer.name.clone(),
        words: seer.words.clone(),
        level: seer.level.into(),
        why: why(seer, calendar, managing),
        grant_for: (managing && seer.facts.granted > Level::None).then(|| seer.id.to_string()),
    }
}

fn team_row(team: &SeeingTeam, calendar: &Calendar, managing: bool) -> Option<SeerRow> {
    let grant = team.grant.as_ref()?;
    let said = grant.reason.as_ref().filter(|_| managing).map(|reason| format!("“{reason}”"));
    Some(SeerRow {
        name: team.name.clone(),
        words: text::count_head(team.size, "person", "people"),
        level: team.level.into(),
        why: [format!("Granted {}", by_whom(grant, calendar))].into_iter().chain(said).collect(),
        grant_for: managing.then(|| team.id.to_string()),
    })
}

/// The choices of a form: teams, people of the firm and, where they can be meant, clients and programs.
fn groups(choices: &Choices, chosen: &str, outside: bool) -> Vec<Group> {
    let of = |kind: UserKind| choices.people.iter().filter(|p| p.role.kind() == kind).map(|p| Choice::new(p.id.as_str(), label(p), p.id.as_str() == chosen)).collect();
    let teams = choices.teams.iter().map(|(id, name)| Choice::new(id.as_str(), name, id.as_str() == chosen)).collect();
    let inside = [Group { label: "Teams", choices: teams }, Group { label: "In the firm", choices: of(UserKind::Staff) }];
    let outside = outside.then(|| [Group { label: "Clients – outside the firm", choices: of(UserKind::Client) }, Group { label: "Programs", choices: of(UserKind::Service) }]);
    inside.into_iter().chain(outside.into_iter().flatten()).collect()
}

fn forms(shown: &Shown, choices: &Choices, typed: Typed, calendar: &Calendar) -> Forms {
    let choose = |chosen: &str| vec![Choice::new("", "Choose a person or a team", chosen.is_empty())];
    Forms {
        walls: shown.walls(calendar),
        choose: choose(&typed.user),
        people: groups(choices, &typed.user, true),
        levels: Level::GRANTABLE.map(|l| Choice { hint: l.hint(), ..Choice::new(l.value(), l.word(), l.value() == typed.level) }).into(),
        reason: typed.reason,
        wall_choose: choose(&typed.wall_user),
        wall_people: groups(choices, &typed.wall_user, false),
        wall_reason: typed.wall_reason,
        unwall_reason: typed.unwall_reason,
    }
}

async fn access_page(desk: &Desk<'_>, id: Sealed<Case>, typed: Typed, problems: Vec<Problem>) -> Result<Page<AccessView>, Oops> {
    let shown = desk
        .read(move |tx| {
            let case = tx.open::<Read, Case>(&id, Verb::AccessView)?;
            let choices = |case| Ok(Choices { people: user::grantable(tx)?, teams: team::offered(&case)? });
            let choices = case.as_manager().map(choices).transpose()?;
            Ok(Shown { file: case::file(&case)?, people: seers::people(&case)?, teams: seers::teams(&case)?, choices })
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let managing = shown.choices.is_some();
    let status = if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    let of_kind = |client: bool| shown.people.iter().filter(|s| s.level > Level::None && (s.facts.role.kind() == UserKind::Client) == client).map(|s| seer_row(s, &calendar, managing)).collect();
    let shell = desk.shell_naming("cases", |id| shown.name(id));
    let view = AccessView {
        sentence: shown.sentence(managing),
        problems: mistakes(problems),
        firm: of_kind(false),
        teams: shown.teams.iter().filter_map(|team| team_row(team, &calendar, managing)).collect(),
        clients: of_kind(true),
        forms: shown.choices.as_ref().map(|choices| forms(&shown, choices, typed, &calendar)),
        file: CaseFile::new(shown.file, &calendar),
    };
    Ok(Page::new(shell, view).with(status))
}

#[get("/cases/<id>/access")]
pub(super) async fn page(id: Id<Case>, desk: Desk<'_>) -> Result<Page<AccessView>, Oops> {
    access_page(&desk, id.0, Typed::default(), Vec::new()).await
}

type Done = Result<Either<Redirect, Page<AccessView>>, Oops>;

/// Does one of the verbs of the page; mistakes come back with what was typed.
async fn act(desk: Desk<'_>, id: Sealed<Case>, typed: Typed, said: Said, work: impl for<'t> FnOnce(&'t Tx<'t, Writing>) -> Result<(), Refusal> + Send + 'static) -> Done {
    match desk.write(work).await {
        Ok(()) => Ok(Either::Left(Redirect::to(said.at(&link::case(&id, "access"))))),
        Err(Refusal::Invalid(problems)) => access_page(&desk, id, typed, problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

#[post("/cases/<id>/access", data = "<form>")]
pub(super) async fn give(id: Id<Case>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, case) = (form.into_inner(), id.0.clone());
    let (to, level, reason) = (Whom::from_form(&typed.user), Level::from_word(&typed.level), typed.reason.clone());
    let said = Said::Given(typed.user.as_str().into());
    act(desk, id.0, typed, said, move |tx| {
        let case = tx.open::<Manage, Case>(&case, Verb::AccessGrant)?;
        grant::give(&case, &to, level.unwrap_or(Level::None), &reason)
    })
    .await
}

#[post("/cases/<id>/access/revoke", data = "<form>")]
pub(super) async fn revoke(id: Id<Case>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, case) = (form.into_inner(), id.0.clone());
    let (from, said) = (Whom::from_form(&typed.user), Said::Revoked(typed.user.as_str().into()));
    act(desk, id.0, typed, said, move |tx| grant::revoke(&tx.open::<Manage, Case>(&case, Verb::AccessRevoke)?, &from)).await
}

#[post("/cases/<id>/access/wall", data = "<form>")]
pub(super) async fn raise(id: Id<Case>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, case) = (form.into_inner(), id.0.clone());
    let (against, reason) = (Whom::from_form(&typed.wall_user), typed.wall_reason.clone());
    let said = Said::Raised(typed.wall_user.as_str().into());
    act(desk, id.0, typed, said, move |tx| grant::raise_wall(&tx.open::<Manage, Case>(&case, Verb::WallRaise)?, &against, &reason)).await
}

#[post("/cases/<id>/access/unwall", data = "<form>")]
pub(super) async fn lower(id: Id<Case>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, case) = (form.into_inner(), id.0.clone());
    let (against, reason) = (Whom::from_form(&typed.wall_user), typed.unwall_reason.clone());
    let said = Said::Lowered(typed.wall_user.as_str().into());
    act(desk, id.0, typed, said, move |tx| grant::lower_wall(&tx.open::<Manage, Case>(&case, Verb::WallLower)?, &against, &reason)).await
}
