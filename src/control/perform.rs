//! Carries orders out on an open installation, be it that of the running server or one that a command opened itself.
//!
//! Nothing here goes around the proofs: each order is a transaction of [`Actor::console`], with its place in the trail.

use super::{
    backups, export,
    order::{Answer, Confided, Failure, Order},
};
use crate::backup::Backups;
use jiff::tz::TimeZone;
use rules::{Actor, Moment, Refusal, Role, UserState, Verb, password, text};
use serde_json::{Value, json};
use std::sync::Arc;
use store::{
    Appliance, Site, Tx, Writing,
    appliance::SiteEntry,
    charge::{Charge, InCharge},
    console,
    belong::{self, Which},
    error::OpenError,
    export::Asked,
    people::{self, Filter, Listed, PAGE},
    person::{self, New},
    kit, setup,
    startkey::{KeyStatus, Start},
    ticket::Made,
    trail::Checked,
};

/// Does one thing. `base` is where the server is reached from this machine, such as `https://localhost:8443`; it stands in links to sites
/// that do not know their address yet.
pub(crate) async fn perform(appliance: &Arc<Appliance>, backups: &Arc<Backups>, base: &str, order: Order) -> Answer {
    let at = |site: &str| At::find(appliance, base, site);
    match order {
        Order::Unlock { .. } => Ok(json!({ "already": true })),
        Order::SetupLink { site } => setup_link(at(&site)?).await,
        Order::UserInvite { site, role, name, words, email, contact } => {
            let new = New { role, name, words, email, contact: None };
            invite(at(&site)?.in_use()?, new, contact).await
        }
        Order::UserList { site } => list(at(&site)?).await,
        Order::UserReset { site, email, check } => reset(at(&site)?.in_use()?, email, check).await,
        Order::UserSuspend { site, email } => suspend(at(&site)?.in_use()?, email).await,
        Order::Rescue { site, email } => rescue(at(&site)?.in_use()?, email).await,
        Order::SiteAdd { name, hosts } => add_site(appliance, name, hosts).await,
        Order::SiteList => Ok(sites(appliance)),
        Order::SiteRename { site, name } => {
            let found = at(&site)?;
            with(appliance, move |appliance| appliance.rename_site(&site, &name)).await?;
            note(&found.site, Verb::SiteChange).await
        }
        Order::HostAdd { site, host } => {
            let found = at(&site)?;
            with(appliance, move |appliance| appliance.add_host(&site, &host)).await?;
            note(&found.site, Verb::SiteChange).await
        }
        Order::AuditVerify => audit(appliance).await,
        Order::KeyStatus => key_status(appliance).await,
        Order::KeyKit => kit(appliance, backups).await,
        Order::KeyRotate { passphrase } => rotate(appliance, passphrase).await,
        Order::DestAdd { name, place, schedule } => backups::add(appliance, backups, name, place.0, schedule).await,
        Order::DestKey => backups::key(appliance).await,
        Order::DestTest { name } => backups::test(appliance, backups, name).await,
        Order::DestList | Order::BackupStatus => Ok(backups::status(backups)),
        Order::DestSchedule { name, schedule } => backups::schedule(appliance, backups, name, schedule).await,
        Order::DestKeep { name, changes, hours, days, images, prunes } => backups::keep(appliance, backups, name, [changes, hours, days, images], prunes).await,
        Order::DestPlace { name } => backups::place(appliance, name).await,
        Order::DestRemove { name } => backups::remove(appliance, backups, name).await,
        Order::BackupNow => backups::now(appliance, backups).await,
        Order::BackupList { name } => backups::list(appliance, backups, name).await,
        Order::BackupVerify { name, deep } => backups::verify(appliance, backups, name, deep).await,
        Order::BackupPrune { name, with, apply } => backups::prune(appliance, backups, name, with.map(|with| with.0), apply).await,
        Order::BackupDrill => backups::drill(appliance, backups).await,
        Order::Export { site, client, reason, alone } => {
            let at = at(&site)?.in_use()?;
            export::ask(&at.site, &at.base, Asked { client, reason }, alone).await
        }
        Order::ExportStanding { site, number } => export::standing(&at(&site)?.site, number).await,
        Order::ExportPiece { site, number, from } => export::piece(&at(&site)?.site, number, from).await,
        Order::ExportDelivered { site, number } => export::delivered(&at(&site)?.site, number).await,
    }
}

/// A site, and the address that stands in its links.
struct At {
    site: Site,
    base: String,
}

impl At {
    fn find(appliance: &Appliance, base: &str, name: &str) -> Result<At, Failure> {
        let (entry, site) = appliance.site(name)?;
        let here = entry.hosts.first().map_or_else(|| base.to_owned(), |host| at_host(base, host));
        let base = site.settings().url.clone().unwrap_or(here);
        Ok(At { site, base })
    }

    /// Nobody is invited to, or rescued in, a site that is not set up.
    fn in_use(self) -> Result<At, Failure> {
        match self.site.is_set_up() {
            true => Ok(self),
            false => Err(Failure::new(1, "This site is not set up yet. Begin with: strongroom setup-link")),
        }
    }

    /// A link with its ticket, and until when it works.
    fn link(&self, made: &Made) -> Value {
        let link = format!("{}/link#k={}", self.base, made.token.expose());
        json!({ "link": link, "ends": made.ends.iso(), "until": words(made.ends, &self.site.firm().zone) })
    }
}

/// The same address under another host name.
fn at_host(base: &str, host: &str) -> String {
    match base.rsplit_once(':').map(|(_, port)| port) {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => format!("https://{host}:{port}"),
        _ => format!("https://{host}"),
    }
}

/// `Thu 26 Nov 2026, 14:05`, in the time of the firm.
fn words(at: Moment, zone: &TimeZone) -> String {
    format!("{}, {}", at.full_day(zone), at.hour(zone))
}

async fn setup_link(at: At) -> Answer {
    let token = at.site.new_setup_link().await?;
    let ends = at.site.now().plus(setup::LASTS);
    let link = format!("{}/setup#k={}", at.base, token.expose());
    Ok(json!({ "link": link, "token": token.expose(), "ends": ends.iso(), "until": words(ends, &at.site.firm().zone) }))
}

async fn invite(at: At, new: New, contact: Option<String>) -> Answer {
    let base = at.base.clone();
    let made = at.site.write(Actor::console(), move |tx| {
        let charge = tx.charge(Verb::PersonInvite)?;
        let contact = contact.map(|name| whose(&charge, name)).transpose()?;
        Ok(person::invite(&charge, &New { contact, ..new }, &base)?.made)
    });
    Ok(made.await?.map_or_else(|| json!({ "link": null }), |made| posted(&at, &made)))
}

/// A link, and whether a letter with it is on its way.
fn posted(at: &At, made: &Made) -> Value {
    let mut said = at.link(made);
    if let Some(said) = said.as_object_mut() {
        said.insert("letter".into(), at.site.settings().smtp.is_some().into());
    }
    said
}

/// The contact of this name; a new person when there is none.
fn whose(charge: &Charge<'_, Writing>, name: String) -> Result<Which, Refusal> {
    let mut fits = belong::named(charge, &name)?.into_iter();
    match (fits.next(), fits.next()) {
        (None, _) => Ok(Which::New { name, organisation: false }),
        (Some(only), None) => Ok(Which::There(only.id)),
        (Some(_), Some(_)) => Err(Refusal::invalid("contact", format!("There are several contacts with the name {name}. Invite this client on the page “People”, where they can be told apart."))),
    }
}

async fn list(at: At) -> Answer {
    let zone = at.site.firm().zone;
    let people = at.site.read(Actor::console(), |tx| everybody(&tx.charge(Verb::PeopleView)?, Filter::default())).await?;
    let row = |person: &Listed| {
        json!({
            "name": person.name, "words": person.words, "role": person.role.value(), "state": person.state.value(), "email": person.email.expose(),
            "last": person.last.map(Moment::iso), "link_ends": person.link_ends.map(Moment::iso), "used": person.last.map(|at| words(at, &zone)),
        })
    };
    Ok(json!({ "users": people.iter().map(row).collect::<Vec<_>>() }))
}

/// Every account that fits, page by page.
fn everybody<M>(charge: &Charge<'_, M>, mut filter: Filter) -> Result<Vec<Listed>, Refusal> {
    let mut all = Vec::new();
    loop {
        let mut page = people::list(charge, &filter)?;
        let more = page.len() > PAGE;
        page.truncate(PAGE);
        filter.skip += page.len();
        all.extend(page);
        if !more {
            return Ok(all);
        }
    }
}

/// The account with this address, to do something to it.
fn owner<'t>(tx: &'t Tx<'t, Writing>, email: &str, verb: Verb) -> Result<InCharge<'t, Writing>, Refusal> {
    let found = console::by_email(&tx.charge(verb)?, email)?;
    let id = found.ok_or_else(|| Refusal::invalid("email", format!("There is no account with the address {email}. Look for it with: strongroom user list")))?;
    tx.person(&id, verb)
}

async fn reset(at: At, email: String, check: String) -> Answer {
    let base = at.base.clone();
    let made = at.site.write(Actor::console(), move |tx| person::reset(&owner(tx, &email, Verb::PersonReset)?, &check, &base)).await?;
    Ok(posted(&at, &made))
}

async fn suspend(at: At, email: String) -> Answer {
    at.site.write(Actor::console(), move |tx| person::suspend(&owner(tx, &email, Verb::PersonSuspend)?)).await?;
    Ok(json!({}))
}

async fn rescue(at: At, email: Option<String>) -> Answer {
    let rescued = at.site.write(Actor::console(), move |tx| {
        let email = match email {
            Some(email) => email,
            None => only_administrator(&tx.charge(Verb::Rescue)?)?,
        };
        let made = console::rescue(&owner(tx, &email, Verb::Rescue)?)?;
        Ok((text::email_hint(&email), made))
    });
    let (who, made) = rescued.await?;
    let mut said = at.link(&made);
    if let Some(said) = said.as_object_mut() {
        said.insert("who".into(), who.into());
    }
    Ok(said)
}

/// The address of the one system administrator who can be rescued.
fn only_administrator(charge: &Charge<'_, Writing>) -> Result<String, Refusal> {
    let mut all = everybody(charge, Filter { role: Some(Role::Administrator), ..Filter::default() })?;
    all.retain(|person| matches!(person.state, UserState::Active | UserState::Enrolling));
    match all.as_slice() {
        [] => Err(Refusal::invalid("email", "No system administrator has an account in use. Invite one with: strongroom user invite --role administrator")),
        [only] => Ok(only.email.expose().clone()),
        several => {
            let names: Vec<String> = several.iter().map(|person| format!("{} ({})", person.name, text::email_hint(person.email.expose()))).collect();
            Err(Refusal::invalid("email", format!("There are several system administrators: {}. Type the address of one behind the command.", names.join(", "))))
        }
    }
}

async fn add_site(appliance: &Arc<Appliance>, name: String, hosts: Vec<String>) -> Answer {
    let site = with(appliance, move |appliance| appliance.add_site(&name, &hosts)).await?;
    note(&site, Verb::SiteChange).await
}

fn sites(appliance: &Appliance) -> Value {
    let row = |(entry, site): &(SiteEntry, Site)| json!({ "name": entry.name, "hosts": entry.hosts, "firm": site.firm().name, "set_up": site.is_set_up() });
    json!({ "sites": appliance.sites().iter().map(row).collect::<Vec<_>>() })
}

/// Walks the trail of every site.
async fn audit(appliance: &Arc<Appliance>) -> Answer {
    let mut sites = Vec::new();
    for (entry, site) in appliance.sites().iter() {
        sites.push(told(&entry.name, &site.check_trail().await?));
    }
    Ok(json!({ "sites": sites }))
}

/// What came of checking the trail of a site.
pub(crate) fn told(site: &str, checked: &Checked) -> Value {
    match checked {
        Checked::Unbroken(head) => json!({ "site": site, "ok": true, "events": head.seq, "first_bad": null }),
        Checked::Broken(seq) => json!({ "site": site, "ok": false, "events": null, "first_bad": seq }),
    }
}

/// The site that looks after the keyring.
pub(super) fn keeper(appliance: &Appliance) -> Result<Site, Failure> {
    let found = appliance.sites().iter().map(|(_, site)| site).find(|site| site.settings().keeps_keyring).cloned();
    found.ok_or_else(|| Failure::new(78, "No site of this installation looks after its keyring. Restore it from a backup."))
}

async fn status(appliance: &Arc<Appliance>) -> Result<KeyStatus, Failure> {
    let leave = keeper(appliance)?.read(Actor::console(), |tx| Ok(tx.keeper(Verb::SettingsView)?.looking())).await?;
    with(appliance, move |appliance| appliance.key_status(&leave)).await
}

async fn key_status(appliance: &Arc<Appliance>) -> Answer {
    let status = status(appliance).await?;
    let file = match &status.start {
        Start::KeyFile(path) => Some(path.display().to_string()),
        Start::Beside | Start::Credential | Start::Passphrase => None,
    };
    Ok(json!({ "start": status.start.word(), "file": file, "here": status.here, "kit_made": status.kit_made.map(Moment::iso), "kit_waits": status.kit_waits }))
}

/// The kit that waits, or a new one, which makes the one on paper worthless: that is known before it is so.
async fn kit(appliance: &Arc<Appliance>, backups: &Backups) -> Answer {
    let site = keeper(appliance)?;
    let looking = site.read(Actor::console(), |tx| Ok(tx.keeper(Verb::KeyKit)?.looking())).await?;
    let (waits, made) = with(appliance, move |appliance| Ok((appliance.waiting_kit(&looking)?, appliance.kit_made()?))).await?;
    let replaces = made.is_some() && waits.is_none();
    let kit = match waits {
        Some(kit) => kit,
        None => {
            let leave = site.write(Actor::console(), |tx| kit::replacing(&tx.keeper(Verb::KeyKit)?)).await?;
            with(appliance, move |appliance| appliance.make_kit(&leave)).await?
        }
    };
    let sites = appliance.sites();
    let zone = sites.first().map_or(TimeZone::UTC, |(_, site)| site.firm().zone);
    let firms: Vec<String> = sites.iter().map(|(entry, site)| Some(site.firm().name).filter(|name| !name.is_empty()).unwrap_or_else(|| entry.name.clone())).collect();
    Ok(json!({ "number": kit.number, "made": kit.made.iso(), "day": kit.made.day(&zone), "firm": firms.join(", "), "groups": kit.groups, "replaces": replaces, "restore": backups.commands() }))
}

async fn rotate(appliance: &Arc<Appliance>, passphrase: Option<Confided>) -> Answer {
    if let Some(words) = &passphrase {
        let sites = appliance.sites();
        let firms: Vec<String> = sites.iter().map(|(_, site)| site.firm().name).collect();
        let about: Vec<&str> = firms.iter().map(String::as_str).collect();
        password::check("passphrase", words.0.expose(), &about).map_err(|problem| Failure::new(2, problem.text))?;
    }
    let leave = keeper(appliance)?.write(Actor::console(), |tx| kit::rotating(&tx.keeper(Verb::KeyRotate)?)).await?;
    with(appliance, move |appliance| appliance.rotate(passphrase.as_ref().map(|words| &words.0), &leave)).await?;
    key_status(appliance).await
}

/// Writes down in a site what was done to the appliance around it.
async fn note(site: &Site, verb: Verb) -> Answer {
    site.write(Actor::console(), move |tx| tx.administer(verb).map(|site| site.tx().note(verb))).await?;
    Ok(json!({}))
}

/// Work on the registry and the keyring, which waits for the disk.
pub(super) async fn with<T: Send + 'static>(appliance: &Arc<Appliance>, work: impl FnOnce(&Appliance) -> Result<T, OpenError> + Send + 'static) -> Result<T, Failure> {
    let appliance = Arc::clone(appliance);
    let done = tokio::task::spawn_blocking(move || work(&appliance)).await;
    Ok(done.map_err(|panic| Failure::new(1, format!("Something went wrong inside: {panic}.")))??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_stays_when_the_host_is_another() {
        for (base, there) in [("https://localhost:8443", "https://a.example:8443"), ("https://files.firm.example", "https://a.example"), ("https://[::1]:9", "https://a.example:9")] {
            assert_eq!(at_host(base, "a.example"), there);
        }
    }
}
