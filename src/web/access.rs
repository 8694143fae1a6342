//! People & access: who can see a case, and why; grants and walls. For those who manage the case.

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
use rules::{Case, Level, Manage, Problem, Refusal, Role, Sealed, User, UserKind, Verb, policy, text};
use serde::Serialize;
use store::{
    Tx, Writing, case,
    grant::{self, Seer},
    user,
};

#[derive(Serialize)]
struct SeerRow {
    name: String,
    words: String,
    level: LevelView,
    why: Vec<String>,
    grant_for: Option<String>,
}

#[derive(Serialize)]
struct WallRow {
    name: String,
    by: String,
    at: When,
    reason: String,
    user: String,
}

#[derive(Serialize)]
pub(super) struct AccessView {
    file: CaseFile,
    sentence: String,
    problems: Vec<Mistake>,
    firm: Vec<SeerRow>,
    clients: Vec<SeerRow>,
    walls: Vec<WallRow>,
    choose: Vec<Choice>,
    people: Vec<Group>,
    levels: Vec<Choice>,
    reason: String,
    action: String,
    revoke_action: String,
    wall_action: String,
    unwall_action: String,
    wall_people: Vec<Choice>,
    wall_reason: String,
    unwall_reason: String,
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

fn sentence(seers: &[Seer]) -> String {
    let staff = seers.iter().filter(|s| s.facts.role.kind() == UserKind::Staff && s.level >= Level::Read).count();
    let clients = seers.iter().filter(|s| s.facts.role.kind() == UserKind::Client && s.level >= Level::Read).count();
    let know = seers.iter().filter(|s| s.facts.role.kind() == UserKind::Staff && s.level == Level::Know).count();
    let out = seers.iter().filter(|s| s.facts.walled).count();
    let mut words = vec![format!("{} in the firm can read it.", text::count_head(staff, "person", "people"))];
    if clients > 0 {
        words.push(format!("{} its title and where it stands, nothing inside it.", text::count_head(clients, "client sees", "clients see")));
    }
    if know > 0 {
        words.push(format!("{} only that it exists.", text::count_head(know, "more knows", "more know")));
    }
    if out > 0 {
        words.push(format!("{} kept out.", text::count_head(out, "person is", "people are")));
    }
    words.push("Nobody else can open it.".into());
    words.join(" ")
}

/// The reasons, the grant with by whom and when; what was said of it only for those who manage.
pub(super) fn why(seer: &Seer, calendar: &Calendar, managing: bool) -> Vec<String> {
    let mut why: Vec<String> = policy::reasons(seer.facts).into_iter().map(Into::into).collect();
    // The grant is the last of the reasons; here it is told in full.
    if let (Some(grant), Some(granted)) = (&seer.grant, why.last_mut()) {
        if seer.level > seer.facts.granted {
            granted.push_str(&format!(" “{}”", seer.facts.granted.word()));
        }
        granted.push_str(&format!(" by {}, {}", grant.by, calendar.day(grant.at)));
        why.extend(grant.reason.as_ref().filter(|_| managing).map(|reason| format!("“{reason}”")));
    }
    why
}

/// A person to choose: whoever is outside the firm is marked.
fn label(person: &user::Person) -> String {
    match person.role {
        Role::Client if person.words.eq_ignore_ascii_case("client") => format!("{} (client)", person.name),
        Role::Client => format!("{} (client, {})", person.name, person.words),
        _ => format!("{}, {}", person.name, person.words),
    }
}

fn seer_row(seer: &Seer, calendar: &Calendar) -> SeerRow {
    SeerRow {
        name: seer.name.clone(),
        words: seer.words.clone(),
        level: seer.level.into(),
        why: why(seer, calendar, true),
        grant_for: (seer.facts.granted > Level::None).then(|| seer.id.to_string()),
    }
}

async fn access_page(desk: &Desk<'_>, id: Sealed<Case>, typed: Typed, problems: Vec<Problem>) -> Result<Page<AccessView>, Oops> {
    let (file, seers, people) = desk
        .read(move |tx| {
            let case = tx.open::<Manage, Case>(&id, Verb::AccessView)?;
            Ok((case::file(&case)?, grant::seers(&case)?, user::grantable(tx)?))
        })
        .await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let at = |page: &str| link::case(&file.id, page);
    let status = if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    let of_kind = |client: bool| seers.iter().filter(|s| s.level > Level::None && (s.facts.role.kind() == UserKind::Client) == client).map(|s| seer_row(s, &calendar)).collect();
    let wall = |seer: &Seer| {
        let wall = seer.wall.as_ref()?;
        Some(WallRow { name: seer.name.clone(), by: wall.by.clone(), at: calendar.when(wall.at), reason: wall.reason.clone().unwrap_or_default(), user: seer.id.to_string() })
    };
    let person = |chosen: &str, p: &user::Person| Choice::new(p.id.as_str(), label(p), p.id.as_str() == chosen);
    let group = |label, kind| Group { label, choices: people.iter().filter(|p| p.role.kind() == kind).map(|p| person(&typed.user, p)).collect() };
    let name = |id: &Sealed<User>| {
        let seer = seers.iter().find(|s| s.id.as_str() == id.as_str()).map(|s| &s.name);
        seer.or_else(|| people.iter().find(|p| p.id.as_str() == id.as_str()).map(|p| &p.name)).cloned()
    };
    let shell = desk.shell_naming("cases", name);
    let choose = |chosen: &str| Choice::new("", "Choose a person", chosen.is_empty());
    let view = AccessView {
        sentence: sentence(&seers),
        problems: mistakes(problems),
        firm: of_kind(false),
        clients: of_kind(true),
        walls: seers.iter().filter_map(wall).collect(),
        choose: vec![choose(&typed.user)],
        people: vec![group("In the firm", UserKind::Staff), group("Clients – outside the firm", UserKind::Client)],
        levels: Level::GRANTABLE.map(|l| Choice { hint: l.hint(), ..Choice::new(l.value(), l.word(), l.value() == typed.level) }).into(),
        wall_people: [choose(&typed.wall_user)].into_iter().chain(people.iter().filter(|p| p.role.kind() == UserKind::Staff).map(|p| person(&typed.wall_user, p))).collect(),
        action: at("access"),
        revoke_action: at("access/revoke"),
        wall_action: at("access/wall"),
        unwall_action: at("access/unwall"),
        reason: typed.reason,
        wall_reason: typed.wall_reason,
        unwall_reason: typed.unwall_reason,
        file: CaseFile::new(file, &calendar),
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
    let (to, level, reason) = (Sealed::from_url(&typed.user), Level::from_word(&typed.level), typed.reason.clone());
    act(desk, id.0, typed, Said::Given(to.clone()), move |tx| {
        let case = tx.open::<Manage, Case>(&case, Verb::AccessGrant)?;
        grant::give(&case, &to, level.unwrap_or(Level::None), &reason)
    })
    .await
}

#[post("/cases/<id>/access/revoke", data = "<form>")]
pub(super) async fn revoke(id: Id<Case>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, case) = (form.into_inner(), id.0.clone());
    let from = Sealed::from_url(&typed.user);
    act(desk, id.0, typed, Said::Revoked(from.clone()), move |tx| grant::revoke(&tx.open::<Manage, Case>(&case, Verb::AccessRevoke)?, &from)).await
}

#[post("/cases/<id>/access/wall", data = "<form>")]
pub(super) async fn raise(id: Id<Case>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, case) = (form.into_inner(), id.0.clone());
    let (against, reason) = (Sealed::from_url(&typed.wall_user), typed.wall_reason.clone());
    act(desk, id.0, typed, Said::Raised(against.clone()), move |tx| grant::raise_wall(&tx.open::<Manage, Case>(&case, Verb::WallRaise)?, &against, &reason)).await
}

#[post("/cases/<id>/access/unwall", data = "<form>")]
pub(super) async fn lower(id: Id<Case>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let (typed, case) = (form.into_inner(), id.0.clone());
    let (against, reason) = (Sealed::from_url(&typed.wall_user), typed.unwall_reason.clone());
    act(desk, id.0, typed, Said::Lowered(against.clone()), move |tx| grant::lower_wall(&tx.open::<Manage, Case>(&case, Verb::WallLower)?, &against, &reason)).await
}
