//! From a data directory to an open installation: by the key that is there, by a passphrase that somebody types, or made anew.

use super::now;
use crate::config::Settings;
use keys::{
    KeyError,
    kit::RecoveryKey,
    ring::{self, NewSlot},
    slot::{SlotKind, Unlock},
};
use rules::Secret;
use std::path::{Path, PathBuf};
use store::{
    Appliance, Firm,
    appliance::barred,
    error::OpenError,
    startkey::{self, Start},
};

/// What a start has come to.
pub(crate) enum Opened {
    /// Open.
    Open(Box<Appliance>),
    /// Waits for the passphrase.
    Locked,
}

/// Opens the installation with the key that is there; a passphrase is waited for.
pub(crate) fn open_or_wait(settings: &Settings) -> Result<Opened, OpenError> {
    match waits(settings)? {
        true => Ok(Opened::Locked),
        false => Ok(Opened::Open(Box::new(open(settings)?))),
    }
}

/// Whether the keyring opens with a passphrase, and no key file was named.
pub(crate) fn waits(settings: &Settings) -> Result<bool, OpenError> {
    Ok(settings.key_file.is_none() && Start::of(&settings.data)? == Start::Passphrase)
}

/// Opens the installation with the key that is there.
pub(crate) fn open(settings: &Settings) -> Result<Appliance, OpenError> {
    first_that_opens(settings, |unlock| Appliance::open(&settings.data, unlock, now))
}

/// Opens it with what somebody typed: the passphrase, or the key of the recovery kit.
pub(crate) fn open_with(settings: &Settings, words: &Secret<String>) -> Result<Appliance, OpenError> {
    let unlock = match RecoveryKey::parse(words.expose()) {
        Ok(key) => key.unlock(),
        // Where no passphrase opens it, a kit was meant.
        Err(why) if !ring::slots(&settings.data.join("keyring.json"))?.iter().any(|slot| slot.kind == SlotKind::Passphrase) => return Err(OpenError::config(why)),
        Err(_) => Unlock::Passphrase(Secret::new(words.expose().clone())),
    };
    Appliance::open(&settings.data, &unlock, now)
}

/// Does something with each key that may open the keyring until one does. There are two while a root key is being changed.
pub(crate) fn first_that_opens<T>(settings: &Settings, open: impl Fn(&Unlock) -> Result<T, OpenError>) -> Result<T, OpenError> {
    let keys = keys(settings)?;
    let mut tried = keys.iter().map(open).peekable();
    loop {
        match tried.next() {
            Some(Err(_)) if tried.peek().is_some() => {}
            Some(done) => return done,
            None => return Err(OpenError::config("There is no key to open the keyring with. Give its place with --key-file.")),
        }
    }
}

fn keys(settings: &Settings) -> Result<Vec<Unlock>, OpenError> {
    let path = key_file(settings)?;
    let beside = |path: &Path| path.try_exists().map_err(|error| barred(path, &error));
    if !beside(&path)? && !beside(&startkey::next_of(&path))? {
        return Err(OpenError::config(format!("The key file {} is not there. Give its place with --key-file, or put it back. With the recovery kit: strongroom serve --wait, then strongroom unlock.", path.display())));
    }
    startkey::read_key(&path).map_err(|error| match &error {
        KeyError::File(path, why) => barred(path, why),
        _ => error.into(),
    })
}

/// Where the key file is: as set, else as the keyring says.
fn key_file(settings: &Settings) -> Result<PathBuf, OpenError> {
    if let Some(path) = &settings.key_file {
        return Ok(path.clone());
    }
    Ok(match Start::of(&settings.data)? {
        Start::KeyFile(path) => path,
        Start::Credential => startkey::credential().unwrap_or_else(|| startkey::beside(&settings.data)),
        Start::Beside => startkey::beside(&settings.data),
        Start::Passphrase => return Err(OpenError { exit: 75, text: "The keyring opens with a passphrase. Start the server, then run: strongroom unlock".into() }),
    })
}

/// Makes a new installation that waits to be set up. Its key lies where it was set, or beside the data until the set-up moves it.
pub(crate) fn create(settings: &Settings, firm: &Firm) -> Result<Appliance, OpenError> {
    let set = settings.key_file.clone().or_else(startkey::credential);
    let path = set.clone().unwrap_or_else(|| startkey::beside(&settings.data));
    let unlock = match path.exists() {
        true => ring::read_key_file(&path)?,
        false => ring::create_key_file(&path)?,
    };
    let start = match (&settings.key_file, startkey::credential()) {
        (Some(path), _) => Start::KeyFile(std::path::absolute(path).map_err(|error| OpenError::file(path, &error))?),
        (None, Some(_)) => Start::Credential,
        (None, None) => Start::Beside,
    };
    Appliance::create(&settings.data, &[NewSlot { unlock: &unlock, place: start.place(), made: now().0 }], firm, now)
}

/// A firm that was not named yet.
pub(crate) fn nobody() -> Firm {
    Firm { name: String::new(), kind: String::new(), prefix: String::new(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None }
}
