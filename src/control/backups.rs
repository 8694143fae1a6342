//! Orders about backups: where they go, how they stand, and one now.

use super::{
    order::{Answer, Failure},
    perform::{keeper, with},
};
use crate::backup::{Backups, Failing, Held, Looked, Pruned, place::Place};
use rules::{Actor, Moment, Refusal, Secret, Verb};
use serde_json::{Value, json};
use ship::verify::Depth;
use std::sync::Arc;
use store::{
    Appliance, Writing,
    charge::Leave,
    destination::{self, Retained, Schedule},
};

/// Adds a destination after it was tried.
pub(super) async fn add(appliance: &Arc<Appliance>, backups: &Arc<Backups>, name: String, place: Secret<String>, schedule: String) -> Answer {
    let (name, schedule) = (even_name(&name)?, schedule_of(&schedule)?);
    let own = with(appliance, |appliance| Ok(own_key(appliance))).await?;
    let going = Place::read(place.expose()).and_then(Place::in_one_line).and_then(|place| place.with_key(|| own.map(|(private, _)| private))).map_err(|why| Failure::new(2, why))?;
    let place = going.text().map_err(|why| Failure::new(2, why))?;
    let (wanted, added) = (name.clone(), name.clone());
    let tried = blocking(backups, move |backups| backups.claim(&wanted, &going)).await?;
    let leave = leave(appliance, Verb::DestinationAdd).await?;
    with(appliance, move |appliance| appliance.add_destination(&leave, &name, &place, schedule)).await?;
    backups.changed()?;
    blocking(backups, move |backups| backups.take_over(&added)).await?;
    Ok(json!({ "removes": tried.removes, "locks": tried.locks, "free": tried.free }))
}

/// The public half of the key of this installation, as it stands in `authorized_keys`.
pub(super) async fn key(appliance: &Arc<Appliance>) -> Answer {
    let (_, public) = with(appliance, |appliance| Ok(own_key(appliance))).await?.map_err(|why| Failure::new(1, why))?;
    Ok(json!({ "public": public }))
}

/// Both halves; made and kept in the registry when there is none.
fn own_key(appliance: &Appliance) -> Result<(String, String), String> {
    const NAME: &str = "ssh.key";
    let held = appliance.held(NAME).map_err(|error| error.text)?.and_then(|held| String::from_utf8(held.expose().clone()).ok());
    if let Some((public, private)) = held.as_deref().and_then(|held| held.split_once('\n')) {
        return Ok((private.into(), public.into()));
    }
    let (private, public) = ship::sftp::new_key().map_err(|error| error.to_string())?;
    let public = public.trim().to_owned();
    appliance.hold(NAME, format!("{public}\n{}", private.as_str()).as_bytes()).map_err(|error| error.text)?;
    Ok((private.to_string(), public))
}

/// Tries a destination.
pub(super) async fn test(appliance: &Arc<Appliance>, backups: &Arc<Backups>, name: String) -> Answer {
    leave(appliance, Verb::BackupRun).await?;
    let tried = blocking(backups, move |backups| backups.test(&name)).await?;
    Ok(json!({ "removes": tried.removes, "locks": tried.locks, "free": tried.free }))
}

/// Another schedule.
pub(super) async fn schedule(appliance: &Arc<Appliance>, backups: &Arc<Backups>, name: String, schedule: String) -> Answer {
    let schedule = schedule_of(&schedule)?;
    let leave = leave(appliance, Verb::DestinationChange).await?;
    with(appliance, move |appliance| appliance.schedule_destination(&leave, &name, schedule)).await?;
    backups.changed()?;
    Ok(json!({}))
}

/// Gives a destination up.
pub(super) async fn remove(appliance: &Arc<Appliance>, backups: &Arc<Backups>, name: String) -> Answer {
    let leave = leave(appliance, Verb::DestinationRemove).await?;
    with(appliance, move |appliance| appliance.remove_destination(&leave, &name)).await?;
    backups.changed()?;
    Ok(json!({}))
}

/// Refused where there is nothing to look at or to go to.
fn some(backups: &Backups) -> Result<(), Failure> {
    match backups.status().destinations.is_empty() {
        true => Err(Failure::new(1, "There is no destination yet. Add one with: strongroom dest add NAME --dir PATH")),
        false => Ok(()),
    }
}

/// A backup now; the answer says how each destination stands after it.
pub(super) async fn now(appliance: &Arc<Appliance>, backups: &Arc<Backups>) -> Answer {
    some(backups)?;
    leave(appliance, Verb::BackupRun).await?;
    let me = Arc::clone(backups);
    tokio::task::spawn_blocking(move || me.now()).await.map_err(|panic| Failure::new(1, format!("Something went wrong inside: {panic}.")))?;
    Ok(status(backups))
}

/// Drills now: what came of each.
pub(super) async fn drill(appliance: &Arc<Appliance>, backups: &Arc<Backups>) -> Answer {
    leave(appliance, Verb::BackupDrill).await?;
    let rows = blocking(backups, |backups| backups.drill_all().map_err(|error| Failing { exit: error.exit, text: error.text })).await?;
    let said = |row: &destination::DrillRow| {
        let mut report: Value = serde_json::from_str(&row.report).unwrap_or_default();
        let name = appliance.sites().iter().find(|(entry, _)| entry.id == row.site).map(|(entry, _)| entry.name.clone());
        report.as_object_mut().map(|report| report.insert("name".into(), json!(name)));
        report
    };
    Ok(json!({ "drills": rows.iter().map(said).collect::<Vec<_>>() }))
}

/// Another retention.
pub(super) async fn keep(appliance: &Arc<Appliance>, backups: &Arc<Backups>, name: String, [changes, hours, days, images]: [Option<u32>; 4], prunes: Option<bool>) -> Answer {
    let known = backups.status().destinations.into_iter().find(|row| row.name == name).map(|row| row.retained);
    let before = known.ok_or_else(|| Failure::new(2, format!("There is no destination “{name}”. See: strongroom dest list")))?;
    let retained = Retained {
        changes: changes.unwrap_or(before.changes),
        hours: hours.unwrap_or(before.hours),
        days: days.unwrap_or(before.days),
        images: images.unwrap_or(before.images),
        prunes: prunes.unwrap_or(before.prunes),
    };
    let leave = leave(appliance, Verb::DestinationChange).await?;
    with(appliance, move |appliance| appliance.retain_at_destination(&leave, &name, &retained)).await?;
    backups.changed()?;
    Ok(json!(retained))
}

/// How a destination is reached, with what lets us in. The socket is this user's alone, and so is the registry.
pub(super) async fn place(appliance: &Arc<Appliance>, name: String) -> Answer {
    leave(appliance, Verb::DestinationShow).await?;
    let found = with(appliance, move |appliance| Ok(appliance.destinations()?.into_iter().find(|row| row.name == name))).await?;
    let found = found.ok_or_else(|| Failure::new(2, "There is no destination of that name. See: strongroom dest list"))?;
    Ok(json!({ "place": found.place.expose() }))
}

/// Which states lie where.
pub(super) async fn list(appliance: &Arc<Appliance>, backups: &Arc<Backups>, name: Option<String>) -> Answer {
    leave(appliance, Verb::BackupView).await?;
    let (held, failed) = blocking(backups, move |backups| backups.held(name.as_deref())).await?;
    let row = |row: &Held| {
        json!({
            "destination": row.destination, "site": row.site, "generation": row.generation, "oldest": rules::Moment(row.oldest).iso(), "newest": rules::Moment(row.newest).iso(),
            "points": row.points, "bases": row.bases, "objects": row.objects, "bytes": row.bytes,
        })
    };
    Ok(json!({ "held": held.iter().map(row).collect::<Vec<_>>(), "failed": not_there(&failed) }))
}

/// Whether what lies there is whole.
pub(super) async fn verify(appliance: &Arc<Appliance>, backups: &Arc<Backups>, name: Option<String>, deep: bool) -> Answer {
    some(backups)?;
    leave(appliance, Verb::BackupRun).await?;
    let depth = if deep { Depth::Everything } else { Depth::Newest };
    let (looked, failed) = blocking(backups, move |backups| backups.verify(name.as_deref(), depth)).await?;
    let wrong = |row: &Looked| row.findings.wrong.iter().map(|wrong| json!({ "object": wrong.object, "why": wrong.why })).collect::<Vec<_>>();
    let row = |row: &Looked| json!({ "destination": row.destination, "site": row.site, "objects": row.findings.objects, "bytes_read": row.findings.bytes, "wrong": wrong(row) });
    Ok(json!({ "deep": deep, "verified": looked.iter().map(row).collect::<Vec<_>>(), "failed": not_there(&failed) }))
}

/// What need not be kept; taken away when `apply` says so.
pub(super) async fn prune(appliance: &Arc<Appliance>, backups: &Arc<Backups>, name: Option<String>, with: Option<Secret<String>>, apply: bool) -> Answer {
    leave(appliance, if apply { Verb::BackupPrune } else { Verb::BackupView }).await?;
    let place = with.map(|with| Place::read(with.expose())).transpose().map_err(|why| Failure::new(2, why))?;
    let (pruned, failed) = blocking(backups, move |backups| backups.prune(name.as_deref(), place.as_ref(), apply)).await?;
    let row = |row: &Pruned| {
        let go: Vec<Value> = row.removal.go.iter().map(|(name, size)| json!({ "object": name, "bytes": size })).collect();
        json!({ "destination": row.destination, "applied": row.applied, "points": row.removal.points, "stay": row.removal.stay.0, "stay_bytes": row.removal.stay.1, "freed": row.removal.freed(), "go": go })
    };
    Ok(json!({ "pruned": pruned.iter().map(row).collect::<Vec<_>>(), "failed": not_there(&failed) }))
}

/// The places where nothing could be done, with the exit code that each is worth.
fn not_there(failed: &[(String, Failing)]) -> Vec<Value> {
    failed.iter().map(|(name, failing)| json!({ "destination": name, "why": failing.text, "exit": failing.exit })).collect()
}

/// How the backups stand.
pub(super) fn status(backups: &Backups) -> Value {
    let status = backups.status();
    let rows = status.destinations.iter().map(|row| {
        json!({
            "name": row.name, "place": row.place, "schedule": row.schedule.word(), "state": row.word(), "good": row.good.map(Moment::iso),
            "well": row.is_well(), "behind_seconds": row.behind / 1000, "failing_since": row.failing.as_ref().map(|(since, _)| since.iso()), "error": row.failing.as_ref().map(|(_, why)| why), "damage": row.damage.as_ref().map(|damage| damage.told(&row.name)),
            "objects": row.objects, "bytes": row.bytes, "kept": row.retained,
        })
    });
    // A disk that was carried away is where it should be.
    let well = !status.destinations.is_empty() && status.destinations.iter().all(|row| row.is_well() || (row.away && row.failing.is_none()));
    json!({ "well": well, "destinations": rows.collect::<Vec<_>>(), "troubles": status.troubles.iter().map(|trouble| trouble.told(Moment::iso)).collect::<Vec<_>>() })
}

/// Writes down that somebody did it, in the site that looks after the installation.
async fn leave(appliance: &Arc<Appliance>, verb: Verb) -> Result<Leave<Writing>, Failure> {
    Ok(keeper(appliance)?.write(Actor::console(), move |tx| destination::changing(&tx.keeper(verb)?, verb)).await?)
}

async fn blocking<T: Send + 'static>(backups: &Arc<Backups>, work: impl FnOnce(&Backups) -> Result<T, Failing> + Send + 'static) -> Result<T, Failure> {
    let me = Arc::clone(backups);
    let done = tokio::task::spawn_blocking(move || work(&me)).await.map_err(|panic| Failure::new(1, format!("Something went wrong inside: {panic}.")))?;
    done.map_err(|failing| Failure::new(failing.exit, failing.text))
}

fn schedule_of(word: &str) -> Result<Schedule, Refusal> {
    Schedule::from_word(word).ok_or_else(|| Refusal::invalid("schedule", "A schedule is continuous, two-hourly, nightly or by-hand."))
}

/// The name of a destination is also that of a folder.
fn even_name(typed: &str) -> Result<String, Refusal> {
    let name = typed.trim().to_lowercase();
    match !name.is_empty() && name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        true => Ok(name),
        false => Err(Refusal::invalid("name", "The name of a destination is made of letters, digits and hyphens, at most 32.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_folders() {
        assert_eq!(even_name(" Office-1 ").unwrap(), "office-1");
        for bad in ["", "a b", "../x", "ä", &"x".repeat(33)] {
            assert!(even_name(bad).is_err(), "{bad}");
        }
        assert!(schedule_of("hourly").is_err() && schedule_of("two-hourly").is_ok());
    }
}
