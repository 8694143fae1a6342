//! How the key is found at a start: a step of setting up, and later a page of the system administrator, with an honest sentence on what a
//! thief of the disk gets.

use super::{
    Inside,
    desk::Desk,
    kit,
    oops::Oops,
    page::{Page, View},
    posted::Posted,
    said::Said,
    setup::{Wizard, of_appliance},
    view::{Mistake, mistakes},
};
use rocket::{Either, FromForm, State, get, http::Status, post, response::Redirect};
use rules::{Problem, Refusal, Secret, Verb};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use store::{
    Appliance, Writing,
    charge::Leave,
    error::OpenError,
    setup::Step,
    startkey::{self, Start},
};

#[derive(Serialize)]
pub(super) struct KeyView {
    problems: Vec<Mistake>,
    chosen: String,
    path: String,
    /// A passphrase is in force and can stay as it is.
    passphrase_set: bool,
    /// This start was given a systemd credential.
    credential: bool,
    /// The two commands that make one; none where there is no key file to seal.
    commands: Vec<String>,
}

impl View for KeyView {
    const TEMPLATE: &'static str = "setup/key.html";
}

/// The same within the pages of the system administrator.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct SystemKeyView(KeyView);

impl View for SystemKeyView {
    const TEMPLATE: &'static str = "setup/system_key.html";
}

#[derive(FromForm, Default)]
pub(super) struct KeyForm {
    #[field(default = String::new())]
    start: String,
    #[field(default = String::new())]
    path: String,
    #[field(default = String::new())]
    passphrase: String,
    #[field(default = String::new())]
    again: String,
}

/// How the key is found now, and whether there is a credential.
async fn found(inside: &Inside) -> Result<(Start, bool), Refusal> {
    of_appliance(inside, |appliance| Ok((appliance.start()?, appliance.credential_is_there()))).await?.map_err(Refusal::fault)
}

/// The page with what was chosen before, or now. Passphrases are never shown again.
fn key_view(inside: &Inside, typed: Option<KeyForm>, done: bool, now: &Start, credential: bool, problems: Vec<Problem>) -> KeyView {
    let (start, place) = match now {
        // As long as nobody chose it, it is not proposed.
        Start::Beside => (if done { "beside" } else { "" }, None),
        Start::KeyFile(place) => ("file", Some(place)),
        Start::Credential => ("credential", None),
        Start::Passphrase => ("passphrase", None),
    };
    let file = place.cloned().unwrap_or_else(|| startkey::beside(inside.appliance.dir()));
    let name = startkey::CREDENTIAL;
    let seal = format!("systemd-creds encrypt --with-key=host+tpm2 --name={name} {} /etc/credstore.encrypted/{name}", file.display());
    let kept = || KeyForm { start: start.into(), path: place.map(|place| place.display().to_string()).unwrap_or_default(), ..KeyForm::default() };
    let typed = typed.unwrap_or_else(kept);
    KeyView {
        problems: mistakes(problems),
        chosen: typed.start,
        path: typed.path,
        passphrase_set: *now == Start::Passphrase,
        credential,
        commands: if file.exists() { vec![seal, "systemctl restart strongroom".into()] } else { Vec::new() },
    }
}

/// What is to be done about the key.
enum Chosen {
    /// It is so already.
    Kept,
    KeyFile(PathBuf),
    Passphrase(Secret<String>),
    Credential,
    Beside,
}

impl Chosen {
    /// What was meant by the form, while `now` holds.
    fn of(typed: &KeyForm, now: &Start, firm: &str) -> Result<Chosen, Problem> {
        match typed.start.as_str() {
            "file" => match typed.path.trim() {
                "" => Err(Problem::new("path", "Type where the key file goes, such as /media/strongroom/strongroom.key")),
                path if *now == Start::KeyFile(path.into()) && Path::new(path).exists() => Ok(Chosen::Kept),
                path => Ok(Chosen::KeyFile(path.into())),
            },
            "passphrase" if typed.passphrase.is_empty() && typed.again.is_empty() && *now == Start::Passphrase => Ok(Chosen::Kept),
            "passphrase" => {
                let named = |problem: Problem| Problem::new("passphrase", problem.text.replace("password", "passphrase"));
                rules::password::check("passphrase", &typed.passphrase, &[firm]).map_err(named)?;
                match typed.passphrase == typed.again {
                    true => Ok(Chosen::Passphrase(Secret::new(typed.passphrase.clone()))),
                    false => Err(Problem::new("again", "The two are not the same. Type both again.")),
                }
            }
            "credential" => Ok(Chosen::Credential),
            "beside" => Ok(Chosen::Beside),
            _ => Err(Problem::new("start", "Choose how the key is found")),
        }
    }

    /// The field that a failure is about.
    fn field(&self) -> &'static str {
        match self {
            Chosen::KeyFile(_) => "path",
            Chosen::Passphrase(_) => "passphrase",
            Chosen::Kept | Chosen::Credential | Chosen::Beside => "start",
        }
    }

    fn apply(self, appliance: &Appliance, leave: &Leave<Writing>) -> Result<(), OpenError> {
        match self {
            Chosen::Kept => Ok(()),
            Chosen::KeyFile(path) => appliance.use_key_file(&path, leave),
            Chosen::Passphrase(words) => appliance.use_passphrase(&words, leave),
            Chosen::Credential => appliance.use_credential(leave),
            Chosen::Beside => appliance.stay_beside(leave),
        }
    }
}

#[get("/setup/key")]
pub(super) async fn form(wizard: Wizard<'_>, inside: &State<Inside>) -> Result<Either<Redirect, Page<KeyView>>, Oops> {
    let Some(at) = wizard.at(Step::Key)? else { return Ok(Either::Left(wizard.away()?)) };
    let (now, credential) = found(inside).await?;
    let view = key_view(inside, None, at.step > Step::Key, &now, credential, Vec::new());
    Ok(Either::Right(Page::new(wizard.shell(), view)))
}

/// Does what was chosen; else says what is wrong with it.
async fn apply(inside: &Inside, chosen: Chosen, leave: Arc<Leave<Writing>>) -> Result<Option<Problem>, Refusal> {
    let (field, changed) = (chosen.field(), Arc::clone(&inside.start_changed));
    let applied = of_appliance(inside, move |appliance| chosen.apply(appliance, &leave).and_then(|()| changed())).await?;
    Ok(applied.err().map(|error| Problem::new(field, error.text)))
}

#[post("/setup/key", data = "<form>")]
pub(super) async fn choose(wizard: Wizard<'_>, inside: &State<Inside>, form: Posted<KeyForm>) -> Result<Either<Redirect, Page<KeyView>>, Oops> {
    let Some(at) = wizard.at(Step::Key)? else { return Ok(Either::Left(wizard.away()?)) };
    let typed = form.into_inner();
    let (now, credential) = found(inside).await?;
    let leave = Arc::new(wizard.site.setup_leave(at.token)?);
    let problem = match Chosen::of(&typed, &now, &wizard.site.firm().name) {
        Ok(chosen) => apply(inside, chosen, Arc::clone(&leave)).await?,
        Err(problem) => Some(problem),
    };
    if problem.is_none() && !kit::is_there(inside).await? {
        // For the next step. Whatever becomes of this one, it is made once.
        kit::make(inside, leave).await?;
    }
    let done = match problem {
        None => wizard.site.setup_key(at.token, &wizard.from).await,
        Some(problem) => Err(Refusal::Invalid(vec![problem])),
    };
    match wizard.led(done, Step::Kit)? {
        Ok(to) => Ok(Either::Left(to)),
        Err(problems) => {
            let view = key_view(inside, Some(typed), true, &now, credential, problems);
            Ok(Either::Right(Page::new(wizard.shell(), view).with(Status::UnprocessableEntity)))
        }
    }
}

#[get("/system/key")]
pub(super) async fn system_form(desk: Desk<'_>) -> Result<Page<SystemKeyView>, Oops> {
    desk.read(|tx| tx.keeper(Verb::SettingsView).map(drop)).await?;
    let (now, credential) = found(desk.inside()).await?;
    let view = key_view(desk.inside(), None, true, &now, credential, Vec::new());
    Ok(Page::new(desk.shell("system"), SystemKeyView(view)))
}

#[post("/system/key", data = "<form>")]
pub(super) async fn system_choose(desk: Desk<'_>, form: Posted<KeyForm>) -> Result<Either<Redirect, Page<SystemKeyView>>, Oops> {
    let typed = form.into_inner();
    let (now, credential) = found(desk.inside()).await?;
    let problem = match Chosen::of(&typed, &now, &desk.site().firm().name) {
        Ok(chosen) => {
            // The trail has it first: a change that then fails is one too many there, and none is missing.
            let leave = desk.write(|tx| Ok(startkey::changing(&tx.keeper(Verb::KeyStart)?))).await?;
            apply(desk.inside(), chosen, Arc::new(leave)).await?
        }
        Err(problem) => Some(problem),
    };
    match problem {
        None => Ok(Either::Left(Redirect::to(Said::KeyStartSet.at("/system")))),
        Some(problem) => {
            let view = key_view(desk.inside(), Some(typed), true, &now, credential, vec![problem]);
            Ok(Either::Right(Page::new(desk.shell("system"), SystemKeyView(view)).with(Status::UnprocessableEntity)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_for_the_key_is_checked() {
        let form = |start: &str, path: &str, passphrase: &str, again: &str| KeyForm { start: start.into(), path: path.into(), passphrase: passphrase.into(), again: again.into() };
        let field = |typed: KeyForm, now: Start| Chosen::of(&typed, &now, "Pell & Harrow").err().map(|problem| problem.field);
        let words = "lantern orbit velvet cactus";
        assert_eq!(field(form("", "", "", ""), Start::Beside), Some("start"));
        assert_eq!(field(form("file", " ", "", ""), Start::Beside), Some("path"));
        assert_eq!(field(form("passphrase", "", "short", "short"), Start::Beside), Some("passphrase"));
        assert_eq!(field(form("passphrase", "", words, "lantern orbit velvet"), Start::Beside), Some("again"));
        assert_eq!(field(form("passphrase", "", "", ""), Start::Beside), Some("passphrase"));
        assert_eq!(field(form("passphrase", "", "", ""), Start::Passphrase), None);
        assert_eq!(field(form("passphrase", "", words, words), Start::Beside), None);
        // Kept is what is there; one that is gone is made again.
        let there = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let same = |path: &str| Chosen::of(&form("file", path, "", ""), &Start::KeyFile(path.into()), "");
        assert!(matches!((same(there), same("/media/a.key")), (Ok(Chosen::Kept), Ok(Chosen::KeyFile(_)))));
        assert!(matches!(Chosen::of(&form("file", "/media/b.key", "", ""), &Start::KeyFile("/media/a.key".into()), ""), Ok(Chosen::KeyFile(_))));
    }
}
