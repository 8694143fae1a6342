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
use rules::{Actor, Problem, Refusal, Verb, text};
use serde::Serialize;
use store::{
    Site, settings,
    setup::Step,
    startkey::Kit,
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
}

#[derive(Serialize)]
pub(super) struct KitView {
    problems: Vec<Mistake>,
    /// `None` once it is on paper: the key is then known to nobody here.
    sheet: Option<Sheet>,
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

/// The kit that waits to be on paper. One is made only if there never was one: a new kit makes the one before worthless.
async fn waiting(inside: &Inside) -> Result<Option<Kit>, Refusal> {
    let found = of_appliance(inside, |appliance| {
        let status = appliance.key_status()?;
        match status.kit_waits || status.kit_made.is_none() {
            true => appliance.kit().map(Some),
            false => Ok(None),
        }
    });
    found.await?.map_err(Refusal::fault)
}

fn sheet_of(site: &Site, inside: &Inside, kit: Kit, base: &str) -> Sheet {
    let firm = site.firm();
    Sheet {
        number: kit.number,
        made: kit.made.day(&firm.zone),
        groups: kit.groups,
        firm: firm.name,
        site: site.settings().url.clone().unwrap_or_else(|| base.to_owned()).trim_start_matches("https://").to_owned(),
        fingerprint: fingerprint(inside),
    }
}

/// The page with the holders as typed, or as they were kept.
fn kit_view(site: &Site, inside: &Inside, kit: Option<Kit>, typed: Option<KitForm>, base: &str, problems: Vec<Problem>) -> KitView {
    let [first, second] = kit.as_ref().map_or([0, 0], |kit| kit.asked);
    let kept = || site.settings().kit_holders.clone().unwrap_or_default();
    let (holder1, holder2) = typed.map_or_else(kept, |typed| (typed.holder1, typed.holder2));
    let sheet = kit.map(|kit| sheet_of(site, inside, kit, base));
    KitView { problems: mistakes(problems), sheet, first, second, holder1, holder2 }
}

/// What is wrong with what was typed back. With it come the mistakes in the holders, so that all is said at once.
async fn misread(inside: &Inside, kit: Option<&Kit>, typed: &KitForm) -> Result<Vec<Problem>, Refusal> {
    let Some([first, second]) = kit.map(|kit| kit.asked) else { return Ok(Vec::new()) };
    let (one, two) = (typed.group1.clone(), typed.group2.clone());
    let fits = of_appliance(inside, move |appliance| appliance.kit_fits([&one, &two])).await?.map_err(Refusal::fault)?;
    if fits {
        return Ok(Vec::new());
    }
    let problem = match typed.group1.trim().is_empty() || typed.group2.trim().is_empty() {
        true => Problem::new("group1", format!("Type groups {first} and {second} from the paper")),
        false => Problem::new("group1", format!("Groups {first} and {second} are not as on this sheet. Type them once more from the paper; if they are wrong there, print it again.")),
    };
    let holders = [("holder1", "The first holder", &typed.holder1), ("holder2", "The second holder", &typed.holder2)];
    let nobody = holders.into_iter().filter_map(|(field, label, typed)| text::line(field, label, typed, NAME_MAX).err());
    Ok([problem].into_iter().chain(nobody).collect())
}

/// The key on the sheet is forgotten here: it is on paper.
async fn forget(inside: &Inside) -> Result<(), Refusal> {
    of_appliance(inside, |appliance| appliance.confirm_kit()).await?.map_err(Refusal::fault)
}

#[get("/setup/kit")]
pub(super) async fn form(wizard: Wizard<'_>, inside: &State<Inside>) -> Result<Either<Redirect, Page<KitView>>, Oops> {
    if wizard.at(Step::Kit)?.is_none() {
        return Ok(Either::Left(wizard.away()?));
    }
    let view = kit_view(wizard.site, inside, waiting(inside).await?, None, "", Vec::new());
    Ok(Either::Right(Page::new(wizard.shell(), view)))
}

#[post("/setup/kit", data = "<form>")]
pub(super) async fn confirm(wizard: Wizard<'_>, inside: &State<Inside>, form: Posted<KitForm>) -> Result<Either<Redirect, Page<KitView>>, Oops> {
    let Some(at) = wizard.at(Step::Kit)? else { return Ok(Either::Left(wizard.away()?)) };
    let typed = form.into_inner();
    if !typed.later.is_empty() {
        let done = wizard.site.setup_kit(at.token, None, &wizard.from).await;
        return match wizard.led(done, Step::You)? {
            Ok(to) => Ok(Either::Left(to)),
            Err(problems) => Err(Refusal::Invalid(problems).into()),
        };
    }
    let kit = waiting(inside).await?;
    let problems = misread(inside, kit.as_ref(), &typed).await?;
    let done = match problems.is_empty() {
        true => wizard.site.setup_kit(at.token, Some((typed.holder1.clone(), typed.holder2.clone())), &wizard.from).await,
        false => Err(Refusal::Invalid(problems)),
    };
    if done.is_ok() {
        // Only now: a crash before this asks for the groups once more, and loses nothing.
        forget(inside).await?;
    }
    match wizard.led(done, Step::You)? {
        Ok(to) => Ok(Either::Left(to)),
        Err(problems) => {
            let view = kit_view(wizard.site, inside, kit, Some(typed), "", problems);
            Ok(Either::Right(Page::new(wizard.shell(), view).with(Status::UnprocessableEntity)))
        }
    }
}

/// The kit opens every site of the installation: only the one that looks after the keyring shows it.
pub(super) fn keeper(desk: &Desk<'_>) -> Result<(), Refusal> {
    match desk.site().settings().keeps_keyring {
        true => Ok(()),
        false => Err(Refusal::NotFound),
    }
}

#[get("/system/kit")]
pub(super) async fn system_form(desk: Desk<'_>) -> Result<Page<SystemKitView>, Oops> {
    keeper(&desk)?;
    desk.read(|tx| tx.administer(Verb::SettingsView).map(drop)).await?;
    let kit = waiting(desk.inside()).await?;
    let view = kit_view(desk.site(), desk.inside(), kit, None, &desk.base(), Vec::new());
    Ok(Page::new(desk.shell("system"), SystemKitView(view)))
}

/// A new kit in place of the one on paper: every site knows of it before there is no way back.
#[post("/system/kit/new", data = "<form>")]
pub(super) async fn replace(desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    keeper(&desk)?;
    let waits = of_appliance(desk.inside(), |appliance| Ok(appliance.key_status()?.kit_waits)).await?.map_err(Refusal::fault)?;
    if !waits {
        desk.write(|tx| settings::kit_replaced(&tx.administer(Verb::KeyKit)?)).await?;
        for (_, site) in desk.inside().appliance.sites().iter().filter(|(_, site)| !site.settings().keeps_keyring) {
            site.write(Actor::console(), |tx| settings::kit_replaced(&tx.administer(Verb::KeyKit)?)).await?;
        }
        of_appliance(desk.inside(), |appliance| appliance.kit().map(drop)).await?.map_err(Refusal::fault)?;
    }
    Ok(Redirect::to(Said::KitMade.at("/system/kit")))
}

#[get("/system/kit/sheet")]
pub(super) async fn sheet(desk: Desk<'_>) -> Result<Either<Redirect, Page<SheetView>>, Oops> {
    keeper(&desk)?;
    desk.read(|tx| tx.administer(Verb::SettingsView).map(drop)).await?;
    match waiting(desk.inside()).await? {
        Some(kit) => {
            let sheet = sheet_of(desk.site(), desk.inside(), kit, &desk.base());
            Ok(Either::Right(Page::new(desk.shell("system"), SheetView { sheet })))
        }
        None => Ok(Either::Left(Redirect::to("/system/kit"))),
    }
}

#[post("/system/kit", data = "<form>")]
pub(super) async fn system_confirm(desk: Desk<'_>, form: Posted<KitForm>) -> Result<Either<Redirect, Page<SystemKitView>>, Oops> {
    keeper(&desk)?;
    let typed = form.into_inner();
    let kit = waiting(desk.inside()).await?;
    let problems = misread(desk.inside(), kit.as_ref(), &typed).await?;
    let (one, two) = (typed.holder1.clone(), typed.holder2.clone());
    let done = match problems.is_empty() {
        true => desk.write(move |tx| settings::confirm_kit(&tx.administer(Verb::KeyKit)?, &one, &two)).await,
        false => Err(Refusal::Invalid(problems)),
    };
    match done {
        Ok(()) => {
            forget(desk.inside()).await?;
            Ok(Either::Left(Redirect::to(Said::KitKept.at("/system"))))
        }
        Err(Refusal::Invalid(problems)) => {
            let view = kit_view(desk.site(), desk.inside(), kit, Some(typed), &desk.base(), problems);
            Ok(Either::Right(Page::new(desk.shell("system"), SystemKitView(view)).with(Status::UnprocessableEntity)))
        }
        Err(refusal) => Err(refusal.into()),
    }
}
