//! How the keyring is opened at a start, the recovery kit, and a new root key. Everything here changes the keyring file, and some of it
//! the registry: each in steps of which any may be the last one before a crash.

use crate::{
    Appliance,
    appliance::{held, hold, unhold},
    error::OpenError,
};
use keys::{
    kit::RecoveryKey,
    ring::{self, NewSlot},
    slot::{SlotKind, Unlock},
};
use rules::{Moment, Secret};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Name of the key file in the data directory, and of the systemd credential with ".key" at its end.
pub const KEY_FILE: &str = "root.key";
/// Name of the systemd credential (systemd.exec(5), LoadCredentialEncrypted=).
pub const CREDENTIAL: &str = "strongroom.key";
/// Groups of the recovery key that are asked back.
const GROUPS: usize = 14;

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

    /// As the keyring file in `dir` says; nothing is opened.
    pub fn of(dir: &Path) -> Result<Start, OpenError> {
        let slots = ring::slots(&dir.join("keyring.json"))?;
        let file = slots.iter().find(|slot| slot.kind == SlotKind::KeyFile);
        Ok(match file.map(|slot| slot.place.as_deref().map(Path::new)) {
            None => Start::Passphrase,
            Some(Some(place)) if place == beside(dir) => Start::Beside,
            Some(Some(place)) => Start::KeyFile(place.into()),
            Some(None) if credential().is_some() => Start::Credential,
            Some(None) => Start::Beside,
        })
    }
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

/// A recovery kit that is not on paper yet.
#[derive(Clone, Debug)]
pub struct Kit {
    /// Counts the kits of this installation.
    pub number: u32,
    /// When it was made.
    pub made: Moment,
    /// The key as it is printed: 14 groups of four characters.
    pub groups: Vec<String>,
    /// Which two groups are asked back, counted from 1.
    pub asked: [usize; 2],
}

/// What there is of the keyring, for `key status`.
#[derive(Clone, Debug)]
pub struct KeyStatus {
    /// What opens it at a start.
    pub start: Start,
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
    pub fn use_key_file(&self, path: &Path) -> Result<(), OpenError> {
        if !path.is_absolute() {
            return Err(OpenError::config("Write the whole path, such as /media/strongroom/strongroom.key"));
        }
        let folder = path.parent().filter(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| OpenError::config(format!("There is no directory {}. Make it, or mount the medium, then try again.", path.parent().unwrap_or(path).display())))?;
        if folder.starts_with(std::path::absolute(self.dir()).unwrap_or_default()) {
            return Err(OpenError::config("That lies in the data directory. Choose a place on another medium, so that whoever takes the disk does not take the key."));
        }
        let unlock = ring::create_key_file(path).map_err(|error| OpenError { exit: 73, text: format!("The key file cannot be made there: {error}") })?;
        self.put_start(&unlock, Some(path), SlotKind::Passphrase)
    }

    /// Lets a passphrase open the keyring, and nothing else at a start: the server then waits for it.
    pub fn use_passphrase(&self, words: &Secret<String>) -> Result<(), OpenError> {
        self.put_start(&Unlock::Passphrase(Secret::new(words.expose().clone())), None, SlotKind::KeyFile)
    }

    /// Lets the systemd credential of this start open the keyring.
    pub fn use_credential(&self) -> Result<(), OpenError> {
        let path = credential().ok_or_else(|| OpenError::config("This start was given no credential. Give the unit LoadCredentialEncrypted=strongroom.key, then start it again."))?;
        self.put_start(&ring::read_key_file(&path)?, None, SlotKind::Passphrase)
    }

    /// Lets a key file beside the data open the keyring; it is made if it is not there.
    pub fn stay_beside(&self) -> Result<(), OpenError> {
        if self.start()? == Start::Beside {
            return Ok(());
        }
        let path = beside(self.dir());
        self.put_start(&ring::create_key_file(&path)?, Some(&path), SlotKind::Passphrase)
    }

    /// Adds the slot, then removes that of the other kind, then the file beside the data if it opens nothing any more.
    fn put_start(&self, unlock: &Unlock, place: Option<&Path>, other: SlotKind) -> Result<(), OpenError> {
        self.ring().put(NewSlot { unlock, place, made: self.now().0 })?;
        if ring::slots(&self.dir().join("keyring.json"))?.iter().any(|slot| slot.kind == other) {
            self.ring().remove(other)?;
        }
        let beside = beside(self.dir());
        match place == Some(beside.as_path()) || !beside.exists() {
            true => Ok(()),
            false => fs::remove_file(&beside).map_err(|error| OpenError::file(&beside, &error)),
        }
    }

    /// The kit that waits to be on paper; a new one, in place of the one before, when none waits.
    pub fn kit(&self) -> Result<Kit, OpenError> {
        let registry = self.registry();
        let number = |name: &str| -> Result<Option<i64>, OpenError> {
            let found = held(&registry, name)?;
            Ok(found.and_then(|value| <[u8; 8]>::try_from(value.expose().as_slice()).ok()).map(i64::from_be_bytes))
        };
        let count = number("kit.number")?.unwrap_or(0);
        let (key, made, count) = match (held(&registry, "kit.key")?, number("kit.made")?) {
            (Some(text), Some(made)) => (RecoveryKey::parse(&String::from_utf8_lossy(text.expose())).map_err(OpenError::config)?, made, count),
            _ => {
                let (key, made) = (RecoveryKey::new()?, self.now().0);
                hold(&registry, "kit.number", &(count + 1).to_be_bytes())?;
                hold(&registry, "kit.made", &made.to_be_bytes())?;
                hold(&registry, "kit.key", key.text().expose().as_bytes())?;
                (key, made, count + 1)
            }
        };
        // The slot follows what is held: a crash between the two is mended at the next call.
        if held(&registry, "kit.slot")?.is_none_or(|slot| slot.expose() != &count.to_be_bytes()) {
            self.ring().put(NewSlot { unlock: &key.unlock(), place: None, made })?;
            hold(&registry, "kit.slot", &count.to_be_bytes())?;
        }
        let first = usize::try_from(count).unwrap_or(0) * 5 % GROUPS;
        let asked = [first + 1, (first + 6) % GROUPS + 1];
        Ok(Kit { number: u32::try_from(count).unwrap_or(u32::MAX), made: Moment(made), groups: key.groups(), asked })
    }

    /// Whether these are the two groups that were asked back.
    pub fn kit_fits(&self, typed: [&str; 2]) -> Result<bool, OpenError> {
        let kit = self.kit()?;
        let even = |text: &str| text.trim().to_uppercase().replace('O', "0").replace(['I', 'L'], "1");
        Ok(kit.asked.iter().zip(typed).all(|(n, typed)| kit.groups.get(n - 1).is_some_and(|group| *group == even(typed))))
    }

    /// The kit is on paper: its key is forgotten here.
    pub fn confirm_kit(&self) -> Result<(), OpenError> {
        unhold(&self.registry(), "kit.key")
    }

    /// What there is of the keyring.
    pub fn key_status(&self) -> Result<KeyStatus, OpenError> {
        let slots = ring::slots(&self.dir().join("keyring.json"))?;
        let kit = slots.iter().find(|slot| slot.kind == SlotKind::Recovery);
        Ok(KeyStatus { start: self.start()?, kit_made: kit.map(|slot| Moment(slot.made)), kit_waits: held(&self.registry(), "kit.key")?.is_some() })
    }

    /// A new root key, under which every site key is wrapped anew. A key file is exchanged where it lies; a passphrase must be given. The
    /// recovery kit opens nothing any more: make a new one.
    ///
    /// What opens the new keyring lies in its place first; then the keyring is replaced, which still holds the old root key under the new
    /// one; then the registry; then the old root key is forgotten. Whatever is cut off is finished at the next start.
    pub fn rotate(&self, passphrase: Option<&Secret<String>>) -> Result<(), OpenError> {
        let start = self.start()?;
        let (unlock, file) = match (&start, passphrase) {
            (Start::Passphrase, Some(words)) => (Unlock::Passphrase(Secret::new(words.expose().clone())), None),
            (Start::Passphrase, None) => return Err(OpenError::config("Give the passphrase that is to open the new keyring.")),
            (Start::Credential, _) => return Err(OpenError::config("The key is a systemd credential, which only its maker can exchange. Let a key file open the keyring first, change the root key, then make a new credential.")),
            (Start::Beside, _) => (self.next_key(&beside(self.dir()))?, Some(beside(self.dir()))),
            (Start::KeyFile(path), _) => (self.next_key(path)?, Some(path.clone())),
        };
        let slot = NewSlot { unlock: &unlock, place: file.as_deref(), made: self.now().0 };
        let next = self.ring().rotate(&[slot])?;
        self.rewrap(next)?;
        ["kit.key", "kit.slot", "kit.made"].into_iter().try_for_each(|name| unhold(&self.registry(), name))?;
        if let Some(path) = file {
            fs::rename(next_of(&path), &path).map_err(|error| OpenError::file(&path, &error))?;
        }
        Ok(())
    }

    fn next_key(&self, path: &Path) -> Result<Unlock, OpenError> {
        let next = next_of(path);
        match next.exists() {
            true => Ok(ring::read_key_file(&next)?),
            false => Ok(ring::create_key_file(&next)?),
        }
    }
}
