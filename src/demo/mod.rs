//! The sample firm of `strongroom demo`: deterministic people, cases and papers, put into a new installation.
//!
//! Passwords and authenticator secrets come from the seed, which the site keeps as a setting: a restored copy of the firm is the same
//! firm. Nothing here may ever be used for a real one.

mod canvas;
mod dice;
mod docx;
mod evidence;
mod glyphs;
mod latin;
mod letters;
mod names;
mod origins;
mod pages;
mod paper;
mod pdf;
mod picture;
mod sheet;
mod story;
mod text;
mod types;

use crate::{app, config::Settings};
use dice::Dice;
use jiff::tz::TimeZone;
use keys::{password, ring};
use names::{ADMINISTRATOR, CLIENTS, FIRM, Person, STAFF};
use rules::{Level, Moment, Refusal, Secret, UserKind, case::Status, when};
use std::{collections::HashMap, sync::Arc};
use store::{Appliance, Firm, Site, error::OpenError, fill::NewCase, user::NewUser};

/// Cases with papers; beyond these a large demo has rows only.
const WITH_PAPERS: u64 = 200;
/// Cases in one commit.
const BATCH: usize = 1000;
const SETTING: &str = "demo.seed";

/// Somebody who can sign in to the sample firm.
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    pub(crate) email: &'static str,
    pub(crate) kind: UserKind,
    pub(crate) password: String,
    pub(crate) totp: [u8; 20],
}

impl Account {
    /// The secret as authenticator apps take it.
    pub(crate) fn secret(&self) -> String {
        keys::totp::base32(&self.totp)
    }
}

const WORDS: [&str; 32] = [
    "amber", "anchor", "birch", "canal", "cedar", "cobalt", "copper", "coral", "falcon", "fennel", "garnet", "granite", "harbour", "hazel", "indigo", "juniper", "lantern", "linen",
    "marble", "meadow", "nutmeg", "orchard", "pepper", "quartz", "saffron", "silver", "tartan", "thistle", "velvet", "walnut", "willow", "zephyr",
];

/// The accounts of the firm that `seed` stands for.
pub(crate) fn accounts(seed: u64) -> Vec<Account> {
    let account = |(n, (person, kind)): (u64, (Person, UserKind))| {
        let mut dice = Dice::new(seed, u64::MAX - n);
        let password = format!("{}-{}-{}-{}", dice.word(&WORDS), dice.word(&WORDS), dice.word(&WORDS), dice.between(10, 99));
        let digest = keys::nonce::sha256(format!("strongroom demo {seed} {n}").as_bytes());
        let mut totp = [0; 20];
        totp.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Account { name: person.name, words: person.words, email: person.email, kind, password, totp }
    };
    let staff = STAFF.into_iter().map(|person| (person, UserKind::Staff));
    let clients = CLIENTS.into_iter().map(|person| (person, UserKind::Client));
    (0..).zip(staff.chain([(ADMINISTRATOR, UserKind::Administrator)]).chain(clients)).map(account).collect()
}

fn refused(refusal: Refusal) -> OpenError {
    let exit = if matches!(refusal, Refusal::Full) { 73 } else { 1 };
    OpenError { exit, text: format!("The sample firm cannot be made: {refusal}.") }
}

/// Opens the sample firm that is there.
pub(crate) async fn open(settings: &Settings, talk: bool) -> Result<(Appliance, Vec<Account>), OpenError> {
    let appliance = Appliance::open(&settings.data, &app::unlock(settings)?, app::now)?;
    let seed = appliance.sites().first().and_then(|(_, site)| site.setting(SETTING).ok().flatten()).and_then(|seed| seed.parse().ok());
    let Some(seed) = seed else {
        return Err(OpenError::config(format!("{} holds a firm of your own, not the sample firm. Serve it with: strongroom serve --data {0}", settings.data.display())));
    };
    if talk {
        eprintln!("Opening the sample firm that is there …");
    }
    Ok((appliance, accounts(seed)))
}

/// Makes the sample firm in an empty directory.
pub(crate) async fn create(settings: &Settings, seed: u64, cases: u64, talk: bool) -> Result<(Appliance, Vec<Account>), OpenError> {
    let zone_name = "Europe/London".to_owned();
    let zone = TimeZone::get(&zone_name).map_err(|error| OpenError::config(error.to_string()))?;
    let firm = Firm { name: FIRM.into(), prefix: "PH".into(), zone_name, zone, phone: Some("020 7946 0112".into()) };
    std::fs::create_dir_all(&settings.data).and_then(|()| private(&settings.data)).map_err(|error| OpenError::file(&settings.data, &error))?;
    let unlock = ring::create_key_file(&settings.key_file())?;
    let appliance = Appliance::create(&settings.data, &[unlock], &firm, app::now)?;
    let accounts = accounts(seed);
    if let Some((_, site)) = appliance.sites().first() {
        fill(site, &accounts, seed, cases, talk).await.map_err(refused)?;
        site.set(SETTING, seed.to_string()).await.map_err(refused)?;
    }
    Ok((appliance, accounts))
}

fn private(dir: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))
}

async fn fill(site: &Site, accounts: &[Account], seed: u64, cases: u64, talk: bool) -> Result<(), Refusal> {
    if talk {
        eprintln!("Making the sample firm: {} people, {cases} cases …", accounts.len());
    }
    let people = accounts.iter().map(|account| person(site, account)).collect::<Result<_, _>>()?;
    let ids = site.fill_people(people).await?;
    site.fill_types(story::TYPES).await?;
    let now = site.now();
    let shelf = Arc::new(shelf(site, seed, cases, now));
    for (done, batch) in shelf.chunks(BATCH).enumerate() {
        let (site_, ids, batch) = (site.clone(), ids.clone(), batch.to_vec());
        let made = tokio::task::spawn_blocking(move || batch.iter().map(|place| case(&site_, &ids, seed, place, now)).collect::<Result<Vec<_>, Refusal>>());
        site.fill_cases(made.await.map_err(Refusal::fault)??).await?;
        if talk && done % 50 == 49 {
            eprintln!("  {} of {cases} cases", (done + 1) * BATCH);
        }
    }
    let last: HashMap<i64, i64> = shelf.iter().map(|place| (place.year, place.number)).collect();
    for (year, number) in last {
        site.fill_counter(year, number).await?;
    }
    Ok(())
}

/// Where a case stands: which story, opened when, as which number of which year.
#[derive(Clone)]
struct Place {
    story: u64,
    opened: Moment,
    year: i64,
    number: i64,
}

/// All cases in the order in which they were opened, numbered within each year.
fn shelf(site: &Site, seed: u64, cases: u64, now: Moment) -> Vec<Place> {
    let opened = |story: u64| {
        let days = i64::from(story::case(seed, story, STAFF.len()).opened_days_ago);
        // Within a working day, so that no two mornings look alike.
        let minutes = Dice::new(seed, story ^ u64::MAX >> 1).between(0, 500);
        Moment((now.0 - days * when::DAY - i64::from(minutes) * when::MINUTE).min(now.0 - when::HOUR))
    };
    let mut order: Vec<(Moment, u64)> = (0..cases).map(|story| (opened(story), story)).collect();
    order.sort_unstable_by_key(|(opened, story)| (*opened, std::cmp::Reverse(*story)));
    let mut last: HashMap<i64, i64> = HashMap::new();
    let number = |(opened, story): (Moment, u64)| {
        let year = opened.year(&site.firm().zone);
        let number = last.entry(year).or_default();
        *number += 1;
        Place { story, opened, year, number: *number }
    };
    order.into_iter().map(number).collect()
}

fn person(site: &Site, account: &Account) -> Result<NewUser, Refusal> {
    let password = Secret::new(account.password.clone());
    let password = password::hash(&site.keys().pepper, &password, password::COST).map_err(Refusal::fault)?;
    let (name, words, email) = (account.name.into(), account.words.into(), account.email.into());
    Ok(NewUser { kind: account.kind, name, words, email, password, totp: Secret::new(account.totp) })
}

/// One case, with its papers encrypted and on disk.
fn case(site: &Site, ids: &[i64], seed: u64, place: &Place, now: Moment) -> Result<NewCase, Refusal> {
    let (n, opened) = (place.story, place.opened);
    let story = story::case(seed, n, STAFF.len());
    let who = |place: usize| ids.get(place).copied().unwrap_or(1);
    let mut documents = Vec::new();
    if n < WITH_PAPERS {
        for (k, paper) in (0..).zip(&story.papers) {
            let mut incoming = site.blobs().start(&site.keys().blobs)?;
            incoming.push(&paper::make(paper.kind, &story, seed ^ (n << 8) ^ k))?;
            let at = Moment((opened.0 + (k as i64 + 1) * (now.0 - opened.0) / 12).min(now.0));
            documents.push((paper.name.clone(), incoming.finish()?.keep(), who(story.owner), at));
        }
    }
    let mut grants: Vec<_> = story.also.iter().map(|(place, level)| (who(*place), Level::from_word(level).unwrap_or(Level::Read), None)).collect();
    let mut walls = Vec::new();
    // The best known case has both clients and a wall.
    if n == 0 {
        let client = |place: usize| who(STAFF.len() + 1 + place);
        grants.extend([(client(0), Level::Contribute, None), (client(1), Level::Read, None)]);
        walls.push((who(4), "Acted for Mr Adeyemi’s former employer"));
    }
    Ok(NewCase {
        reference: format!("PH-{}-{:04}", place.year, place.number),
        title: story.title,
        summary: story.summary,
        type_name: story.type_name,
        status: Status::from_value(story.status).unwrap_or(Status::Open),
        outcome: story.outcome,
        owner: who(story.owner),
        supervisor: story.supervisor.map(who),
        opened,
        grants,
        walls,
        documents,
    })
}
