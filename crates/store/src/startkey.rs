//! How the keyring is opened at a start, and a new root key. Everything here changes the keyring file, and some of it the registry: each in
//! steps of which any may be the last one before a crash.

use crate::{
    Appliance, Writing,
    charge::{Keeper, Leave},
    error::OpenError,
};
use keys::{
    Ring,
    ring::{self, NewSlot},
    slot::{SlotKind, Unlock},
};
use rules::{Moment, Secret, Verb};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Name of the key file in the data directory, and of the systemd credential with ".key" at its end.
pub const KEY_FILE: &str = "root.key";
/// Name of the systemd credential (systemd.exec(5), LoadCredentialEncrypted=).
pub const CREDENTIAL: &str = "strongroom.key";
/// What stands for the credential in the keyring.
const SEALED: &str = "credential";

/// What opens the keyring at a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A key file in the data directory: whoever takes the disk takes both.
    Beside,
    /// A key file elsewhere.
    KeyFile(PathBuf),
    /// A systemd credential, sealed to this machine.
    Credential,
    /// A passphrase that somebody types.
    Passphrase,
}

impl Start {
    /// One word, for commands.
    pub const fn word(&self) -> &'static str {
        match self {
            Start::Beside => "beside",
            Start::KeyFile(_) => "key-file",
            Start::Credential => "credential",
            Start::Passphrase => "passphrase",
        }
    }

    /// Whether what it needs is here, in this directory and on this machine. A passphrase is in somebody's head.
    pub fn is_here(&self, dir: &Path) -> bool {
        match self {
            Start::Beside => beside(dir).exists(),
            Start::KeyFile(path) => path.exists(),
            Start::Credential => credential().is_some(),
            Start::Passphrase => true,
        }
    }

    /// As the keyring file in `dir` says; nothing is opened. The directory may have been moved, or be a copy.
    pub fn of(dir: &Path) -> Result<Start, OpenError> {
        let slots = ring::slots(&dir.join("keyring.json"))?;
        let file = slots.iter().find(|slot| slot.kind == SlotKind::KeyFile);
        Ok(match file.map(|slot| slot.place.as_deref()) {
            None => Start::Passphrase,
            Some(Some(SEALED)) => Start::Credential,
            Some(None | Some(KEY_FILE)) => Start::Beside,
            Some(Some(place)) => Start::KeyFile(place.into()),
        })
    }

    /// As it stands in the keyring.
    pub fn place(&self) -> Option<&Path> {
        match self {
            Start::Beside => Some(Path::new(KEY_FILE)),
            Start::KeyFile(path) => Some(path),
            Start::Credential => Some(Path::new(SEALED)),
            Start::Passphrase => None,
        }
    }
}

/// How the key is found at a start is about to be changed.
pub fn changing(keeper: &Keeper<'_, Writing>) -> Leave<Writing> {
    keeper.tx().note(Verb::KeyStart);
    keeper.leave()
}

/// Where the key file lies as long as nothing else was chosen.
pub fn beside(dir: &Path) -> PathBuf {
    std::path::absolute(dir).unwrap_or_else(|_| dir.into()).join(KEY_FILE)
}

/// The systemd credential, if this start was given one.
pub fn credential() -> Option<PathBuf> {
    let dir = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    Some(PathBuf::from(dir).join(CREDENTIAL)).filter(|path| path.exists())
}

/// A key file from `path`. While the root key is being changed there may be two: the next one lies beside it.
pub fn read_key(path: &Path) -> Result<Vec<Unlock>, keys::KeyError> {
    let next = next_of(path);
    match (ring::read_key_file(path), next.exists()) {
        (Ok(key), true) => Ok(vec![key, ring::read_key_file(&next)?]),
        (Ok(key), false) => Ok(vec![key]),
        (Err(_), true) => Ok(vec![ring::read_key_file(&next)?]),
        (Err(error), false) => Err(error),
    }
}

/// Where the next key file lies while the root key is being changed.
pub fn next_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

/// What there is of the keyring, for `key status`.
#[derive(Clone, Debug)]
pub struct KeyStatus {
    /// What opens it at a start.
    pub start: Start,
    /// What that needs is here now.
    pub here: bool,
    /// When the kit that is in force was made.
    pub kit_made: Option<Moment>,
    /// A kit waits to be shown to be on paper.
    pub kit_waits: bool,
}

impl Appliance {
    /// What opens the keyring at a start.
    pub fn start(&self) -> Result<Start, OpenError> {
        Start::of(self.dir())
    }

    /// Whether this start was given a systemd credential.
    pub fn credential_is_there(&self) -> bool {
        credential().is_some()
    }

    /// Makes a key file at `path`, on another medium, and lets it open the keyring. The one beside the data is removed.
    pub fn use_key_file(&self, path: &Path, _: &Leave<Writing>) -> Result<(), OpenError> {
        if !path.is_absolute() {
            return Err(OpenError::config("Write the whole path, such as /media/strongroom/strongroom.key"));
        }
        let folder = path.parent().filter(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| OpenError::config(format!("There is no directory {}. Make it, or mount the medium, then try again.", path.parent().unwrap_or(path).display())))?;
        let real = |path: &Path| fs::canonicalize(path).map_err(|error| OpenError::file(path, &error));
        if real(folder)?.starts_with(real(self.dir())?) {
            return Err(OpenError::config("That lies in the data directory. Choose a place on another medium, so that whoever takes the disk does not take the key."));
        }
        let unlock = ring::create_key_file(path).map_err(|error| OpenError { exit: 73, text: format!("The key file cannot be made there: {error}") })?;
        let put = self.put_start(&unlock, &Start::KeyFile(path.into()));
        if put.is_err() && Start::of(self.dir())? != Start::KeyFile(path.into()) {
            // It opens nothing, and would be in the way of the next try.
            let _ = fs::remove_file(path);
        }
        put
    }

    /// Lets a passphrase open the keyring, and nothing else at a start: the server then waits for it.
    pub fn use_passphrase(&self, words: &Secret<String>, _: &Leave<Writing>) -> Result<(), OpenError> {
        self.put_start(&Unlock::Passphrase(Secret::new(words.expose().clone())), &Start::Passphrase)
    }

    /// Lets the systemd credential of this start open the keyring.
    pub fn use_credential(&self, _: &Leave<Writing>) -> Result<(), OpenError> {
        let path = credential().ok_or_else(|| OpenError::config("This start was given no credential. Give the unit LoadCredentialEncrypted=strongroom.key, then start it again."))?;
        self.put_start(&ring::read_key_file(&path)?, &Start::Credential)
    }

    /// Lets a key file beside the data open the keyring; it is made if it is not there.
    pub fn stay_beside(&self, _: &Leave<Writing>) -> Result<(), OpenError> {
        // In a copy that was restored it is not there: only the recovery kit opened that.
        if self.start()? == Start::Beside && Start::Beside.is_here(self.dir()) {
            return Ok(());
        }
        self.put_start(&ring::create_key_file(&beside(self.dir()))?, &Start::Beside)
    }

    /// Adds the slot, then removes that of the other kind, then the file beside the data if it opens nothing any more.
    fn put_start(&self, unlock: &Unlock, start: &Start) -> Result<(), OpenError> {
        let other = if *start == Start::Passphrase { SlotKind::KeyFile } else { SlotKind::Passphrase };
        self.ring().put(NewSlot { unlock, place: start.place(), made: self.now().0 })?;
        if ring::slots(&self.dir().join("keyring.json"))?.iter().any(|slot| slot.kind == other) {
            self.ring().remove(other)?;
        }
        let beside = beside(self.dir());
        match *start == Start::Beside || !beside.exists() {
            true => Ok(()),
            false => fs::remove_file(&beside).map_err(|error| OpenError::file(&beside, &error)),
        }
    }

    /// What there is of the keyring.
    pub fn key_status<M>(&self, leave: &Leave<M>) -> Result<KeyStatus, OpenError> {
        let start = self.start()?;
        Ok(KeyStatus { here: start.is_here(self.dir()), start, kit_made: self.kit_made()?, kit_waits: self.waiting_kit(leave)?.is_some() })
    }

    /// A new root key, under which every site key is wrapped anew. A key file is exchanged where it lies; a passphrase must be given. The
    /// recovery kit opens nothing any more: make a new one.
    ///
    /// What opens the new keyring lies in its place first; then the keyring is replaced, which still holds the old root key under the new
    /// one; then the registry; then the old root key is forgotten. Whatever is cut off is finished at the next start.
    pub fn rotate(&self, passphrase: Option<&Secret<String>>, _: &Leave<Writing>) -> Result<(), OpenError> {
        let start = self.start()?;
        let unlock = match (&start, passphrase) {
            (Start::Passphrase, Some(words)) => Unlock::Passphrase(Secret::new(words.expose().clone())),
            (Start::Passphrase, None) => return Err(OpenError::config("Give the passphrase that is to open the new keyring.")),
            (Start::Credential, _) => return Err(OpenError::config("The key is a systemd credential, which only its maker can exchange. Let a key file open the keyring first, change the root key, then make a new credential.")),
            (Start::Beside | Start::KeyFile(_), _) => {
                put_in_place(self.dir())?;
                ring::create_key_file(&next_of(&key_file(self.dir(), &start)))?
            }
        };
        let slot = NewSlot { unlock: &unlock, place: start.place(), made: self.now().0 };
        self.rewrap(self.ring().rotate(&[slot])?)?;
        put_in_place(self.dir())
    }
}

/// Where the key file lies, for the starts that have one on a medium.
fn key_file(dir: &Path, start: &Start) -> PathBuf {
    match start {
        Start::KeyFile(path) => path.clone(),
        Start::Beside | Start::Credential | Start::Passphrase => beside(dir),
    }
}

/// The next key file takes the place of the one before when the keyring opens with it; when it does not, it was made for a change that never
/// came about, and is removed.
pub(crate) fn put_in_place(dir: &Path) -> Result<(), OpenError> {
    let path = key_file(dir, &Start::of(dir)?);
    let next = next_of(&path);
    if !next.exists() {
        return Ok(());
    }
    let opens = ring::read_key_file(&next).and_then(|unlock| Ring::open(&dir.join("keyring.json"), &unlock)).is_ok();
    let done = if opens { fs::rename(&next, &path) } else { fs::remove_file(&next) };
    done.map_err(|error| OpenError::file(&next, &error))
}
