//! The sample firm of `strongroom demo`: deterministic people, cases and papers, put into a new installation.
//!
//! Passwords and authenticator secrets come from the seed, which the site keeps as a setting: a restored copy of the firm is the same
//! firm. The plan of a firm is kept before it is filled and the seed when it is whole, so that a making that was broken off goes on at
//! the next start. Nothing here may ever be used for a real firm.

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
use keys::password;
use names::{ADMINISTRATOR, CLIENTS, FIRM, MANAGER, Person, STAFF, TEAMS};
use rules::{Level, Moment, Refusal, Secret, Role, case::Status, contact::Part, when};
use std::{collections::HashMap, sync::Arc};
use store::{Appliance, Firm, Site, error::OpenError, fill::{NewCase, NewParty}, user::NewUser};

/// Cases with papers; beyond these a large demo has rows only.
const WITH_PAPERS: u64 = 200;
/// Cases in one commit.
const BATCH: usize = 1000;
/// The seed of a firm that is whole.
const SEED: &str = "demo.seed";
/// The plan of a firm that was begun.
const PLAN: &str = "demo.plan";

/// What a firm is made from. With the same plan the same firm is made, references and dates too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    seed: u64,
    cases: u64,
    now: Moment,
}

impl Plan {
    fn text(&self) -> String {
        format!("{} {} {}", self.seed, self.cases, self.now.0)
    }

    fn parse(text: &str) -> Option<Plan> {
        let mut parts = text.split(' ');
        Some(Plan { seed: parts.next()?.parse().ok()?, cases: parts.next()?.parse().ok()?, now: Moment(parts.next()?.parse().ok()?) })
    }
}

/// Somebody who can sign in to the sample firm.
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    pub(crate) email: &'static str,
    pub(crate) role: Role,
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
    let account = |(n, (person, role)): (u64, (Person, Role))| {
        let mut dice = Dice::new(seed, u64::MAX - n);
        let password = format!("{}-{}-{}-{}", dice.word(&WORDS), dice.word(&WORDS), dice.word(&WORDS), dice.between(10, 99));
        let digest = keys::nonce::sha256(format!("strongroom demo {seed} {n}").as_bytes());
        let mut totp = [0; 20];
        totp.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Account { name: person.name, words: person.words, email: person.email, role, password, totp }
    };
    let staff = (0..).zip(STAFF).map(|(place, person)| (person, if place == MANAGER { Role::Manager } else { Role::Staff }));
    let clients = CLIENTS.into_iter().map(|person| (person, Role::Client));
    (0..).zip(staff.chain([(ADMINISTRATOR, Role::Administrator)]).chain(clients)).map(account).collect()
}

fn refused(refusal: Refusal) -> OpenError {
    let exit = if matches!(refusal, Refusal::Full) { 73 } else { 1 };
    OpenError { exit, text: format!("The sample firm cannot be made: {refusal}.") }
}

/// Opens the sample firm that is there, and makes the rest of it if its making was broken off.
pub(crate) async fn open(settings: &Settings, talk: bool) -> Result<(Appliance, Vec<Account>), OpenError> {
    let appliance = app::open(settings)?;
    let setting = |key| appliance.sites().first().and_then(|(_, site)| site.setting(key).ok().flatten());
    if let Some(seed) = setting(SEED).and_then(|seed| seed.parse().ok()) {
        if talk {
            eprintln!("Opening the sample firm that is there …");
        }
        return Ok((appliance, accounts(seed)));
    }
    let Some(plan) = setting(PLAN).and_then(|plan| Plan::parse(&plan)) else {
        return Err(OpenError::config(format!("{} holds a firm of your own, not the sample firm. Serve it with: strongroom serve --data {0}", settings.data.display())));
    };
    if talk {
        eprintln!("Making the rest of the sample firm that was begun …");
    }
    let accounts = accounts(plan.seed);
    finish(&appliance, &accounts, plan, talk).await?;
    Ok((appliance, accounts))
}

/// The accounts of the sample firm that is there, which may be served by another process at this moment.
pub(crate) fn known(settings: &Settings) -> Result<Vec<Account>, OpenError> {
    let none = || OpenError::config(format!("{} holds no sample firm. Make one with: strongroom demo, and name the same --data.", settings.data.display()));
    if !Appliance::is_there(&settings.data)? {
        return Err(none());
    }
    let sites = app::first_that_opens(settings, |unlock| Appliance::inspect(&settings.data, unlock))?;
    let seed = sites.first().and_then(|site| site.setting(SEED).ok().flatten()).and_then(|seed| seed.parse().ok());
    seed.map(accounts).ok_or_else(none)
}

/// Makes the sample firm in a new or empty directory.
pub(crate) async fn create(settings: &Settings, seed: u64, cases: u64, talk: bool) -> Result<(Appliance, Vec<Account>), OpenError> {
    let zone_name = "Europe/London".to_owned();
    let zone = TimeZone::get(&zone_name).map_err(|error| OpenError::config(error.to_string()))?;
    let firm = Firm { name: FIRM.into(), kind: "immigration".into(), prefix: "PH".into(), zone_name, zone, phone: Some("020 7946 0112".into()) };
    Appliance::make_room(&settings.data)?;
    let appliance = app::create(settings, &firm)?;
    let (accounts, plan) = (accounts(seed), Plan { seed, cases, now: app::now() });
    if let Some((_, site)) = appliance.sites().first() {
        site.set(PLAN, plan.text()).await.map_err(refused)?;
    }
    if talk {
        eprintln!("Making the sample firm: {} people, {cases} cases …", accounts.len());
    }
    finish(&appliance, &accounts, plan, talk).await?;
    Ok((appliance, accounts))
}

/// Puts in what is not there yet, and then that it is whole.
async fn finish(appliance: &Appliance, accounts: &[Account], plan: Plan, talk: bool) -> Result<(), OpenError> {
    if let Some((_, site)) = appliance.sites().first() {
        fill(site, accounts, plan, talk).await.map_err(refused)?;
        site.set(SEED, plan.seed.to_string()).await.map_err(refused)?;
    }
    Ok(())
}

async fn fill(site: &Site, accounts: &[Account], plan: Plan, talk: bool) -> Result<(), Refusal> {
    let people = accounts.iter().map(|account| person(site, account)).collect::<Result<_, _>>()?;
    let ids = site.fill_people(people).await?;
    let team = |(name, places): (&'static str, &[usize])| (name, places.iter().filter_map(|place| ids.get(*place).copied()).collect());
    let teams = site.fill_teams(TEAMS.map(team).into()).await?;
    site.fill_types(story::TYPES).await?;
    let shelf = Arc::new(shelf(site, plan));
    for (done, batch) in shelf.chunks(BATCH).enumerate() {
        let (site_, known, batch) = (site.clone(), Known { people: ids.clone(), teams: teams.clone() }, batch.to_vec());
        let made = tokio::task::spawn_blocking(move || batch.iter().filter_map(|place| missing(&site_, &known, plan, place).transpose()).collect::<Result<Vec<_>, Refusal>>());
        site.fill_cases(made.await.map_err(Refusal::fault)??).await?;
        if talk && done % 50 == 49 {
            eprintln!("  {} of {} cases", (done + 1) * BATCH, plan.cases);
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

impl Place {
    fn reference(&self) -> String {
        format!("PH-{}-{:04}", self.year, self.number)
    }
}

/// All cases in the order in which they were opened, numbered within each year.
fn shelf(site: &Site, Plan { seed, cases, now }: Plan) -> Vec<Place> {
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
    Ok(NewUser { role: account.role, name, words, email, password, totp: Secret::new(account.totp) })
}

/// Row ids of those whom a case can name.
struct Known {
    people: Vec<i64>,
    teams: Vec<i64>,
}

/// The case, unless it is there already.
fn missing(site: &Site, known: &Known, plan: Plan, place: &Place) -> Result<Option<NewCase>, Refusal> {
    match site.lacks_case(&place.reference())? {
        true => case(site, known, plan, place).map(Some),
        false => Ok(None),
    }
}

/// One case, with its papers encrypted and on disk.
fn case(site: &Site, known: &Known, Plan { seed, now, .. }: Plan, place: &Place) -> Result<NewCase, Refusal> {
    let (n, opened) = (place.story, place.opened);
    let story = story::case(seed, n, STAFF.len());
    let who = |place: usize| known.people.get(place).copied().unwrap_or(1);
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
    let (mut walls, mut teams) = (Vec::new(), Vec::new());
    // The best known case has both clients, a team and a wall.
    if n == 0 {
        teams.extend(known.teams.first().map(|team| (*team, Level::Read, Some("Covers for each other"))));
        let client = |place: usize| who(STAFF.len() + 1 + place);
        grants.extend([(client(0), Level::Contribute, None), (client(1), Level::Read, None)]);
        walls.push((who(4), "Acted for Mr Adeyemi’s former employer"));
    }
    Ok(NewCase {
        reference: place.reference(),
        title: story.title,
        summary: story.summary,
        type_name: story.type_name,
        status: Status::from_value(story.status).unwrap_or(Status::Open),
        outcome: story.outcome,
        owner: who(story.owner),
        supervisor: story.supervisor.map(who),
        opened,
        grants,
        teams,
        walls,
        parties: parties(n, story.client, story.organisation),
        documents,
    })
}

/// Who plays a part in case `n`: its client, and in the best known one the husband and the employer too.
fn parties(n: u64, client: String, organisation: bool) -> Vec<NewParty> {
    let party = |name: String, organisation, part, is_client| NewParty { name, organisation, part, is_client };
    let mut parties = vec![party(client, organisation, Part::Client, true)];
    if n == 0 {
        parties.push(party("James Adeyemi".into(), false, Part::Sponsor, true));
        parties.push(party("Brightwater Logistics Ltd".into(), true, Part::Employer, false));
    }
    parties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_as_it_was_kept() {
        let plan = Plan { seed: u64::MAX, cases: 0, now: Moment(1_800_000_000_000) };
        assert_eq!(Plan::parse(&plan.text()), Some(plan));
        assert_eq!(Plan::parse("1 2"), None);
    }
}
