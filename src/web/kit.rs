//! The recovery kit: the sheet with the key on it, shown until it was shown to be on paper, and who keeps it. A step of setting up, and
//! later a page of the system administrator.

use super::{
    Inside,
    desk::Desk,
    oops::Oops,
    page::{Page, View},
    posted::{Button, Posted},
    said::Said,
    setup::{Wizard, fingerprint, of_appliance},
    view::{Mistake, mistakes},
};
use rocket::{Either, FromForm, State, get, http::Status, post, response::Redirect};
use rules::{Problem, Refusal, Verb, text};
use serde::Serialize;
use std::sync::Arc;
use store::{
    Site, Writing,
    charge::Leave,
    kit::{self, Kit},
    setup::Step,
    user::NAME_MAX,
};

/// What is printed.
#[derive(Serialize)]
struct Sheet {
    number: u32,
    made: String,
    groups: Vec<String>,
    firm: String,
    site: String,
    fingerprint: String,
    /// What brings everything back from each place.
    restore: Vec<String>,
}

/// The places of today, to be printed.
#[derive(Serialize)]
struct Places {
    firm: String,
    day: String,
    restore: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct KitView {
    problems: Vec<Mistake>,
    /// `None` once it is on paper, when the key is known to nobody here; or when there is none.
    sheet: Option<Sheet>,
    /// It was shown to be on paper.
    on_paper: bool,
    /// What lies beside the paper once places were added after it was printed: it holds no key.
    places: Option<Places>,
    /// The groups that are asked back.
    first: usize,
    second: usize,
    holder1: String,
    holder2: String,
}

impl View for KitView {
    const TEMPLATE: &'static str = "setup/kit.html";
}

/// The same within the pages of the system administrator.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct SystemKitView(KitView);

impl View for SystemKitView {
    const TEMPLATE: &'static str = "setup/system_kit.html";
}

/// The sheet alone, for printing.
#[derive(Serialize)]
pub(super) struct SheetView {
    sheet: Sheet,
}

impl View for SheetView {
    const TEMPLATE: &'static str = "setup/sheet.html";
}

/// What is typed back from the paper, and who keeps it.
#[derive(FromForm)]
pub(super) struct KitForm {
    #[field(default = String::new())]
    group1: String,
    #[field(default = String::new())]
    group2: String,
    #[field(default = String::new())]
    holder1: String,
    #[field(default = String::new())]
    holder2: String,
    /// Pressed to put it off.
    #[field(default = String::new())]
    later: String,
}

/// The kit that waits to be on paper.
async fn waiting<M: Send + 'static>(inside: &Inside, leave: Arc<Leave<M>>) -> Result<Option<Kit>, Refusal>
where
    Leave<M>: Send + Sync,
{
    of_appliance(inside, move |appliance| appliance.waiting_kit(&leave)).await?.map_err(Refusal::fault)
}

fn sheet_of(site: &Site, inside: &Inside, kit: Kit, base: &str) -> Sheet {
    let firm = site.firm();
    Sheet {
        number: kit.number,
        made: kit.made.day(&firm.zone),
        groups: kit.groups,
        firm: firm.name,
        site: site.settings().url.clone().unwrap_or_else(|| base.to_owned()).trim_start_matches("https://").to_owned(),
        fingerprint: fingerprint(inside, site),
        restore: inside.backups.commands(),
    }
}

/// The page with the holders as typed, or as they were kept.
fn kit_view(site: &Site, inside: &Inside, kit: Option<Kit>, typed: Option<KitForm>, base: &str, problems: Vec<Problem>) -> KitView {
    let [first, second] = kit.as_ref().map_or([0, 0], |kit| kit.asked);
    let kept = || site.settings().kit_holders.clone().unwrap_or_default();
    let (holder1, holder2) = typed.map_or_else(kept, |typed| (typed.holder1, typed.holder2));
    let sheet = kit.map(|kit| sheet_of(site, inside, kit, base));
    let restore = inside.backups.commands();
    let firm = site.firm();
    let places = (site.kit_is_on_paper() && !restore.is_empty()).then(|| Places { day: site.now().day(&firm.zone), firm: firm.name, restore });
    KitView { problems: mistakes(problems), sheet, on_paper: site.kit_is_on_paper(), places, first, second, holder1, holder2 }
}

/// What is wrong with what was typed back. With it come the mistakes in the holders, so that all is said at once.
fn misread(kit: Option<&Kit>, typed: &KitForm) -> Vec<Problem> {
    let Some(kit) = kit.filter(|kit| !kit.fits([&typed.group1, &typed.group2])) else { return Vec::new() };
    let [first, second] = kit.asked;
    let problem = match typed.group1.trim().is_empty() || typed.group2.trim().is_empty() {
        true => Problem::new("group1", format!("Type groups {first} and {second} from the paper")),
        false => Problem::new("group1", format!("Groups {first} and {second} are not as on this sheet. Type them once more from the paper; if they are wrong there, print it again.")),
    };
    let holders = [("holder1", "The first holder", &typed.holder1), ("holder2", "The second holder", &typed.holder2)];
    let nobody = holders.into_iter().filter_map(|(field, label, typed)| text::line(field, label, typed, NAME_MAX).err());
    [problem].into_iter().chain(nobody).collect()
}

/// The key on the sheet is forgotten here: it is on paper.
async fn forget(inside: &Inside, leave: Arc<Leave<Writing>>) -> Result<(), Refusal> {
    of_appliance(inside, move |appliance| appliance.forget_kit(&leave)).await?.map_err(Refusal::fault)
}

/// Whether there is a kit, on paper or not.
pub(super) async fn is_there(inside: &Inside) -> Result<bool, Refusal> {
    of_appliance(inside, |appliance| Ok(appliance.kit_made()?.is_some())).await?.map_err(Refusal::fault)
}

/// A new kit waits to be on paper; whoever calls this has seen to it that nobody trusts the one before.
pub(super) async fn make(inside: &Inside, leave: Arc<Leave<Writing>>) -> Result<(), Refusal> {
    of_appliance(inside, move |appliance| appliance.make_kit(&leave).map(drop)).await?.map_err(Refusal::fault)
}

#[get("/setup/kit")]
pub(super) async fn form(wizard: Wizard<'_>, inside: &State<Inside>) -> Result<Either<Redirect, Page<KitView>>, Oops> {
    let Some(at) = wizard.at(Step::Kit)? else { return Ok(Either::Left(wizard.away()?)) };
    let leave = Arc::new(wizard.site.setup_leave(at.token)?);
    let view = kit_view(wizard.site, inside, waiting(inside, leave).await?, None, "", Vec::new());
    Ok(Either::Right(Page::new(wizard.shell(), view)))
}

#[post("/setup/kit", data = "<form>")]
pub(super) async fn confirm(wizard: Wizard<'_>, inside: &State<Inside>, form: Posted<KitForm>) -> Result<Either<Redirect, Page<KitView>>, Oops> {
    let Some(at) = wizard.at(Step::Kit)? else { return Ok(Either::Left(wizard.away()?)) };
    let leave = Arc::new(wizard.site.setup_leave(at.token)?);
    let typed = form.into_inner();
    let kit = waiting(inside, Arc::clone(&leave)).await?;
    let problems = if typed.later.is_empty() { misread(kit.as_ref(), &typed) } else { Vec::new() };
    let holders = typed.later.is_empty().then(|| (typed.holder1.clone(), typed.holder2.clone()));
    let done = match problems.is_empty() {
        true => wizard.site.setup_kit(at.token, holders, &wizard.from).await,
        false => Err(Refusal::Invalid(problems)),
    };
    if done.is_ok() && typed.later.is_empty() {
        // Only now: a crash before this asks for the groups once more, and loses nothing.
        forget(inside, leave).await?;
    }
    match wizard.led(done, Step::You)? {
        Ok(to) => Ok(Either::Left(to)),
        Err(problems) => {
            let view = kit_view(wizard.site, inside, kit, Some(typed), "", problems);
            Ok(Either::Right(Page::new(wizard.shell(), view).with(Status::UnprocessableEntity)))
        }
    }
}

/// The kit that waits, for a system administrator. That the key was shown is written down before it leaves.
async fn looked(desk: &Desk<'_>) -> Result<Option<Kit>, Refusal> {
    let leave = desk.read(|tx| Ok(tx.keeper(Verb::SettingsView)?.looking())).await?;
    let kit = waiting(desk.inside(), Arc::new(leave)).await?;
    if kit.is_some() {
        desk.write(|tx| kit::shown(&tx.keeper(Verb::KeyShow)?)).await?;
    }
    Ok(kit)
}

#[get("/system/kit")]
pub(super) async fn system_form(desk: Desk<'_>) -> Result<Page<SystemKitView>, Oops> {
    let view = kit_view(desk.site(), desk.inside(), looked(&desk).await?, None, &desk.base(), Vec::new());
    Ok(Page::new(desk.shell("system"), SystemKitView(view)))
}

/// A new kit in place of the one before: that the one before is nothing any more is known before it is so.
#[post("/system/kit/new", data = "<form>")]
pub(super) async fn replace(desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    if looked(&desk).await?.is_none() {
        let leave = desk.write(|tx| kit::replacing(&tx.keeper(Verb::KeyKit)?)).await?;
        make(desk.inside(), Arc::new(leave)).await?;
    }
    Ok(Redirect::to(Said::KitMade.at("/system/kit")))
}

#[get("/system/kit/sheet")]
pub(super) async fn sheet(desk: Desk<'_>) -> Result<Either<Redirect, Page<SheetView>>, Oops> {
    match looked(&desk).await? {
        Some(kit) => {
            let sheet = sheet_of(desk.site(), desk.inside(), kit, &desk.base());
            Ok(Either::Right(Page::new(desk.shell("system"), SheetView { sheet })))
        }
        None => Ok(Either::Left(Redirect::to("/system/kit"))),
    }
}

#[post("/system/kit", data = "<form>")]
pub(super) async fn system_confirm(desk: Desk<'_>, form: Posted<KitForm>) -> Result<Either<Redirect, Page<SystemKitView>>, Oops> {
    let typed = form.into_inner();
    let kit = looked(&desk).await?;
    let (one, two) = (typed.holder1.clone(), typed.holder2.clone());
    let problems = match (&kit, desk.site().kit_is_on_paper()) {
        (None, false) => return Ok(Either::Left(Redirect::to("/system/kit"))),
        (kit, _) => misread(kit.as_ref(), &typed),
    };
    let done = match problems.is_empty() {
        true => desk.write(move |tx| kit::confirmed(&tx.keeper(Verb::KeyKit)?, &one, &two)).await,
        false => Err(Refusal::Invalid(problems)),
    };
    match done {
        Ok(leave) => {
            forget(desk.inside(), Arc::new(leave)).await?;
            Ok(Either::Left(Redirect::to(Said::KitKept.at("/system"))))
        }
        Err(Refusal::Invalid(problems)) => {
            let view = kit_view(desk.site(), desk.inside(), kit, Some(typed), &desk.base(), problems);
            Ok(Either::Right(Page::new(desk.shell("system"), SystemKitView(view)).with(Status::UnprocessableEntity)))
        }
        Err(refusal) => Err(refusal.into()),
    }
}
