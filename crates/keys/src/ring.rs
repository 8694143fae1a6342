//! The keyring file: the root key, wrapped once per slot. The file alone opens nothing.
//!
//! Every change reads the file again, writes a whole new one beside it and renames that over it: a reader finds the old file or the new one, and
//! what a crash leaves beside it is removed by the next change. Only the holder of the lock on the data directory may change it.
//!
//! Taking a slot away does not take the root key from somebody who has its key and an old copy of the file. A new root key does:
//! 1. **Keyring.** [`Ring::rotate`] replaces the file by one with a new root key, only the slots given, and the old root key sealed under the new.
//! 2. **Registry.** The site keys are wrapped anew ([`Ring::wrap_site_key`]), and its database is given its new key ([`Ring::appliance`]).
//! 3. **Settle.** [`Ring::settle`] writes the file without the old root key.
//!
//! After a crash before 1 the old ways in open, after it the new ones. While [`Ring::previous`] gives a ring, step 2 may be undone, half done or done:
//! the database and each wrapped key are tried with the new ring, then with that one, and 2 and 3 are done again to the end. No other rotation
//! begins before. The keys of sites stay what they were: who had the old root key and an old registry has them still. A backup opens with
//! the keyring that lies in it, by the ways in of its day.

use crate::{
    KeyError,
    derive::{Label, derive},
    nonce,
    slot::{Slot, SlotKind, Unlock},
    wrap::Wrap,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rules::Secret;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    instance: String,
    /// Public mark of the root key in the slots. The first files had none; every change adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<String>,
    slots: Vec<Slot>,
    /// The root key before this one, sealed under it, until nothing needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
}

/// A slot that is to be made.
#[derive(Clone, Copy)]
pub struct NewSlot<'a> {
    /// What will open it.
    pub unlock: &'a Unlock,
    /// Where its key file is found, if it is one and that is known: an absolute path, or a bare name.
    pub place: Option<&'a Path>,
    /// When it is made: milliseconds since 1970.
    pub made: i64,
}

/// What the keyring file tells of a slot without being opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotInfo {
    /// What opens it.
    pub kind: SlotKind,
    /// Where its key file is found: an absolute path, or a bare name. Only a hint, which nothing authenticates.
    pub place: Option<String>,
    /// When it was made, milliseconds since 1970; 0 when that was not written down.
    pub made: i64,
}

/// An unlocked keyring.
pub struct Ring {
    path: PathBuf,
    instance: [u8; 16],
    root: Secret<[u8; 32]>,
    mark: String,
    sites: Wrap,
    appliance: Secret<[u8; 32]>,
    /// One change at a time: two that read the same file would lose one slot.
    changing: Mutex<()>,
}

impl Ring {
    /// Makes a new root key, writes the keyring with these slots and gives it back unlocked. Refuses to replace a file, and slots
    /// among which none but the recovery key is.
    pub fn create(path: &Path, slots: &[NewSlot<'_>]) -> Result<Ring, KeyError> {
        if path.exists() {
            return Err(KeyError::Ring(format!("{} exists already. Choose an empty data directory.", path.display())));
        }
        let ring = Ring::unlocked(path, nonce::random::<16>()?, Secret::new(nonce::random::<32>()?))?;
        let slots = ring.seal_all(slots)?;
        let file = File { format: FORMAT, instance: nonce::hex(&ring.instance), mark: Some(ring.mark.clone()), slots, previous: None };
        write_private(path, file.text()?.as_bytes())?;
        Ok(ring)
    }

    /// Unlocks the keyring at `path`.
    pub fn open(path: &Path, unlock: &Unlock) -> Result<Ring, KeyError> {
        let (file, instance) = read(path)?;
        let mut fitting = file.slots.iter().filter(|slot| slot.kind == unlock.kind()).peekable();
        if fitting.peek().is_none() {
            return Err(no_slot(unlock.kind()));
        }
        let Some(root) = fitting.find_map(|slot| slot.open(unlock, &instance).ok()) else {
            return Err(KeyError::Ring(match unlock.kind() {
                SlotKind::Passphrase => "This passphrase does not open it. Check capitals and the keyboard, then type it again; if it is lost, type the key of the recovery kit.".into(),
                kind => format!("The keyring does not open with {}: it belongs to another instance, or it is the wrong one.", kind.words()),
            }));
        };
        let ring = Ring::unlocked(path, instance, root)?;
        match file.mark.is_none_or(|mark| mark == ring.mark) {
            true => Ok(ring),
            false => Err(damaged(path, "mark")),
        }
    }

    fn unlocked(path: &Path, instance: [u8; 16], root: Secret<[u8; 32]>) -> Result<Ring, KeyError> {
        let sites = Wrap::new(derive(root.expose(), &instance, Label::Site)?, 1);
        let appliance = derive(root.expose(), &instance, Label::Database)?;
        let mark = nonce::hex(derive::<16>(root.expose(), &instance, Label::Root)?.expose());
        Ok(Ring { path: path.into(), instance, root, mark, sites, appliance, changing: Mutex::new(()) })
    }

    /// The random public id of this installation.
    pub fn instance(&self) -> [u8; 16] {
        self.instance
    }

    /// Key material of the small appliance database (the registry of sites), used like a site's own.
    pub fn appliance(&self) -> &Secret<[u8; 32]> {
        &self.appliance
    }

    /// A new random site key: plain, and wrapped for the registry.
    pub fn new_site_key(&self, site: &[u8; 16]) -> Result<(Secret<[u8; 32]>, Vec<u8>), KeyError> {
        let key = Secret::new(nonce::random::<32>()?);
        let wrapped = self.wrap_site_key(&key, site)?;
        Ok((key, wrapped))
    }

    /// A site key that is there already, wrapped for the registry: for the time after [`Ring::rotate`].
    pub fn wrap_site_key(&self, key: &Secret<[u8; 32]>, site: &[u8; 16]) -> Result<Vec<u8>, KeyError> {
        self.sites.seal(key.expose(), &[b"site", site])
    }

    /// The site key from its wrapped form in the registry.
    pub fn open_site_key(&self, wrapped: &[u8], site: &[u8; 16]) -> Result<Secret<[u8; 32]>, KeyError> {
        self.sites.open_key(wrapped, &[b"site", site])
    }

    /// Adds a slot in place of any of its kind. When this gives an error, the old slots are there still, or the new one is.
    pub fn put(&self, slot: NewSlot<'_>) -> Result<(), KeyError> {
        let made = self.seal(slot)?; // before the file is read: a passphrase takes a second
        self.change(|file| {
            file.slots.retain(|old| old.kind != made.kind);
            file.slots.push(made);
            Ok(())
        })
    }

    /// Removes the slots of a kind. Refuses when there is none, and when none but the recovery key would remain.
    pub fn remove(&self, kind: SlotKind) -> Result<(), KeyError> {
        self.change(|file| {
            let before = file.slots.len();
            file.slots.retain(|slot| slot.kind != kind);
            match file.slots.len() == before {
                true => Err(no_slot(kind)),
                false => refuse_recovery_alone(file.slots.iter().map(|slot| slot.kind)),
            }
        })
    }

    /// A new root key: the file is replaced by one with only these slots, and the ring of the new root key comes back. This one changes
    /// nothing any more. What opens the new slots must lie safely in its place before: from here on nothing else opens. Refuses while the
    /// rotation before is not settled, and slots among which none but the recovery key is. What is to follow is told at the top.
    pub fn rotate(&self, slots: &[NewSlot<'_>]) -> Result<Ring, KeyError> {
        let next = Ring::unlocked(&self.path, self.instance, Secret::new(nonce::random::<32>()?))?;
        let slots = next.seal_all(slots)?;
        let previous = next.past()?.seal(self.root.expose(), &[b"previous", &self.instance])?;
        self.change(|file| {
            if file.previous.is_some() {
                return Err(KeyError::Ring("The last change of the root key is not finished. Start Strongroom again, which finishes it, and then change the key.".into()));
            }
            file.mark = Some(next.mark.clone());
            file.slots = slots;
            file.previous = Some(STANDARD.encode(previous));
            Ok(())
        })?;
        Ok(next)
    }

    /// The ring of the root key before this one, for opening what is not yet wrapped anew; `None` when everything is settled. It opens and
    /// changes nothing.
    pub fn previous(&self) -> Result<Option<Ring>, KeyError> {
        let Some(sealed) = self.own()?.previous else { return Ok(None) };
        let sealed = STANDARD.decode(sealed).map_err(|_| damaged(&self.path, "previous"))?;
        let root = self.past()?.open_key(&sealed, &[b"previous", &self.instance]).map_err(|_| damaged(&self.path, "previous"))?;
        Ring::unlocked(&self.path, self.instance, root).map(Some)
    }

    /// Forgets the root key before this one. Only when the registry is on disk with everything wrapped anew: what is not is lost.
    pub fn settle(&self) -> Result<(), KeyError> {
        self.change(|file| {
            file.previous = None;
            Ok(())
        })
    }

    fn seal(&self, new: NewSlot<'_>) -> Result<Slot, KeyError> {
        Slot::new(&self.root, new.unlock, new.place, new.made, &self.instance)
    }

    fn seal_all(&self, slots: &[NewSlot<'_>]) -> Result<Vec<Slot>, KeyError> {
        refuse_recovery_alone(slots.iter().map(|slot| slot.unlock.kind()))?;
        slots.iter().map(|slot| self.seal(*slot)).collect()
    }

    /// What seals the root key before this one.
    fn past(&self) -> Result<Wrap, KeyError> {
        Ok(Wrap::new(derive(self.root.expose(), &self.instance, Label::Previous)?, 0))
    }

    /// The file as it stands, if it is still that of this ring: a slot written into another's would open nothing.
    fn own(&self) -> Result<File, KeyError> {
        let (file, instance) = read(&self.path)?;
        if instance != self.instance {
            return Err(KeyError::Ring(format!("{} belongs to another instance. Put the keyring of this one back from a backup.", self.path.display())));
        }
        match file.mark.as_ref().is_none_or(|mark| *mark == self.mark) {
            true => Ok(file),
            false => Err(KeyError::Ring(format!("{} holds another root key by now. Start Strongroom again, then try once more.", self.path.display()))),
        }
    }

    fn change(&self, edit: impl FnOnce(&mut File) -> Result<(), KeyError>) -> Result<(), KeyError> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = self.own()?;
        edit(&mut file)?;
        file.mark.get_or_insert_with(|| self.mark.clone());
        replace(&self.path, file.text()?.as_bytes())
    }
}

impl File {
    fn text(&self) -> Result<String, KeyError> {
        serde_json::to_string_pretty(self).map_err(|error| KeyError::Ring(error.to_string()))
    }
}

/// The slots of the keyring at `path`, without opening any.
pub fn slots(path: &Path) -> Result<Vec<SlotInfo>, KeyError> {
    let (file, _) = read(path)?;
    Ok(file.slots.into_iter().map(|slot| SlotInfo { kind: slot.kind, place: slot.place, made: slot.made }).collect())
}

/// The keyring file and its instance.
fn read(path: &Path) -> Result<(File, [u8; 16]), KeyError> {
    refuse_loose(path)?;
    let text = fs::read_to_string(path).map_err(|error| KeyError::File(path.into(), error))?;
    let file: File = serde_json::from_str(&text).map_err(|error| damaged(path, &error.to_string()))?;
    if file.format != FORMAT {
        return Err(KeyError::Ring(format!("{} has format {}, and this version of Strongroom knows only {FORMAT}. Use the newer version.", path.display(), file.format)));
    }
    let instance = unhex(&file.instance).ok_or_else(|| damaged(path, "instance"))?;
    Ok((file, instance))
}

fn damaged(path: &Path, what: &str) -> KeyError {
    KeyError::Ring(format!("{} is damaged ({what}). Restore it from a backup.", path.display()))
}

fn no_slot(kind: SlotKind) -> KeyError {
    KeyError::Ring(format!("The keyring has no slot for {}.", kind.words()))
}

/// The recovery key lies in a safe: with it alone nobody could start the appliance in the morning.
fn refuse_recovery_alone(mut kinds: impl Iterator<Item = SlotKind>) -> Result<(), KeyError> {
    match kinds.any(|kind| kind != SlotKind::Recovery) {
        true => Ok(()),
        false => Err(KeyError::Ring("The keyring needs a key file or a passphrase beside the recovery key. Add one first.".into())),
    }
}

/// Makes a key file of 32 random bytes; refuses to replace one.
pub fn create_key_file(path: &Path) -> Result<Unlock, KeyError> {
    let key = nonce::random::<32>()?;
    write_private(path, format!("{}\n", nonce::hex(&key)).as_bytes())?;
    Ok(Unlock::KeyFile(Secret::new(key)))
}

/// Reads a key file: 64 hexadecimal digits.
pub fn read_key_file(path: &Path) -> Result<Unlock, KeyError> {
    refuse_loose(path)?;
    let text = Secret::new(fs::read_to_string(path).map_err(|error| KeyError::File(path.into(), error))?);
    let key = unhex(text.expose().trim()).ok_or_else(|| KeyError::Ring(format!("{} is no key file: it must hold 64 hexadecimal digits.", path.display())))?;
    Ok(Unlock::KeyFile(Secret::new(key)))
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, half| byte << 4 | half)).collect();
    (digits.len() == 2 * N).then(|| bytes.try_into().ok()).flatten()
}

/// A key that others on the machine can read is no key.
fn refuse_loose(path: &Path) -> Result<(), KeyError> {
    let mode = fs::metadata(path).map_err(|error| KeyError::File(path.into(), error))?.permissions().mode();
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(KeyError::Ring(format!("{0} can be read by others (mode {1:o}). Run: chmod 600 {0}", path.display(), mode & 0o777))),
    }
}

/// Writes whole, makes durable, then links: a crash leaves no file or the whole one. Never replaces a file.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let linked = write_beside(path, bytes).and_then(|whole| fs::hard_link(&whole, path).and_then(|()| fs::remove_file(&whole)));
    linked.and_then(|()| sync_folder(path)).map_err(|error| KeyError::File(path.into(), error))
}

/// Writes whole, makes durable, then renames: a crash leaves the old file or the whole new one, which only this user can read.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let renamed = write_beside(path, bytes).and_then(|whole| fs::rename(&whole, path));
    renamed.and_then(|()| sync_folder(path)).map_err(|error| KeyError::File(path.into(), error))
}

/// A durable file of mode 0600 beside `path`. What a crash left there is removed and made anew, never written through: it may be the same
/// file as `path` under a second name.
fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let whole = path.with_extension("new");
    match fs::remove_file(&whole) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&whole)?;
    file.write_all(bytes).and_then(|()| file.sync_all())?;
    Ok(whole)
}

/// A new name in a folder is durable only when the folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: [u8; 16] = [4; 16];

    fn passphrase(words: &str) -> Unlock {
        Unlock::Passphrase(Secret::new(words.into()))
    }

    fn key(byte: u8) -> Unlock {
        Unlock::KeyFile(Secret::new([byte; 32]))
    }

    fn recovery(byte: u8) -> Unlock {
        Unlock::Recovery(Secret::new([byte; 32]))
    }

    fn slot(unlock: &Unlock) -> NewSlot<'_> {
        NewSlot { unlock, place: None, made: 0 }
    }

    fn said<T>(result: Result<T, KeyError>) -> String {
        result.map(drop).unwrap_err().to_string()
    }

    /// A keyring that opens with `key(1)` and `recovery(2)`.
    fn fresh() -> (tempfile::TempDir, PathBuf, Ring) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        let ring = Ring::create(&path, &[slot(&key(1)), slot(&recovery(2))]).unwrap();
        (dir, path, ring)
    }

    #[test]
    fn each_slot_opens_the_same_root_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        let file = create_key_file(&dir.path().join("root.key")).unwrap();
        let ring = Ring::create(&path, &[slot(&file), slot(&passphrase("correct horse")), slot(&recovery(9))]).unwrap();
        let (key, wrapped) = ring.new_site_key(&SITE).unwrap();
        for unlock in [read_key_file(&dir.path().join("root.key")).unwrap(), passphrase("correct horse"), recovery(9)] {
            let again = Ring::open(&path, &unlock).unwrap();
            assert_eq!(again.open_site_key(&wrapped, &SITE).unwrap().expose(), key.expose());
            assert!(again.open_site_key(&wrapped, &[5; 16]).is_err());
        }
        for wrong in [passphrase("wrong"), recovery(8), Unlock::KeyFile(Secret::new([9; 32]))] {
            assert!(matches!(Ring::open(&path, &wrong), Err(KeyError::Ring(_))));
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&nonce::hex(key.expose())) && !text.contains(&nonce::hex(ring.root.expose())));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_crash_while_a_key_file_was_made_does_not_cost_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        create_key_file(&path).unwrap();
        let key = fs::read(&path).unwrap();
        fs::hard_link(&path, path.with_extension("new")).unwrap(); // killed between the link and the removal
        assert!(create_key_file(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), key);
    }

    #[test]
    fn a_looser_mode_a_second_ring_and_damage_are_refused_with_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        let unlock = create_key_file(&dir.path().join("root.key")).unwrap();
        Ring::create(&path, &[slot(&unlock)]).map(drop).unwrap();
        assert!(Ring::create(&path, &[slot(&unlock)]).is_err());
        assert!(create_key_file(&dir.path().join("root.key")).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(said(Ring::open(&path, &unlock)).contains("chmod 600") && said(slots(&path)).contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "{").unwrap();
        assert!(said(Ring::open(&path, &unlock)).contains("damaged") && said(slots(&path)).contains("damaged"));
    }

    /// Written by the first version, which knew neither places nor times nor the mark of the root.
    #[test]
    fn a_file_of_the_first_version_opens_and_can_be_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        let old = r#"{
  "format": 1,
  "instance": "000102030405060708090a0b0c0d0e0f",
  "slots": [
    {
      "kind": "key-file",
      "salt": "VVVVVVVVVVVVVVVVVVVVVQ==",
      "wrapped": "AQBmZmZmZmZmZmZmZmZmZmZmy+XszIGdjtsuBg/qf5HC29HeRBcExdTmdBRSXqQooDxBW0Yze1SyzAMtCh2cY9iu"
    }
  ]
}"#;
        write_private(&path, old.as_bytes()).unwrap();
        let wrapped = STANDARD.decode("AQF3d3d3d3d3d3d3d3d3d3d3FpI4N0SFL7Z/69/+SGEWdRz3jp6bPFmH1rcCu1DxG9irFJgtW6lsbGMitLNHwQKc").unwrap();
        let ring = Ring::open(&path, &key(0x11)).unwrap();
        assert_eq!(ring.open_site_key(&wrapped, &SITE).unwrap().expose(), &[0x33; 32]);
        assert_eq!(slots(&path).unwrap(), [SlotInfo { kind: SlotKind::KeyFile, place: None, made: 0 }]);
        assert!(ring.previous().unwrap().is_none());
        ring.put(slot(&recovery(2))).unwrap();
        for unlock in [key(0x11), recovery(2)] {
            let again = Ring::open(&path, &unlock).unwrap();
            assert_eq!(again.open_site_key(&wrapped, &SITE).unwrap().expose(), &[0x33; 32]);
        }
        assert!(fs::read_to_string(&path).unwrap().contains(&ring.mark));
    }

    #[test]
    fn slots_are_added_replaced_and_removed() {
        let (dir, path, ring) = fresh();
        let (site, wrapped) = ring.new_site_key(&SITE).unwrap();
        ring.put(NewSlot { unlock: &key(3), place: Some(Path::new("/media/key/root.key")), made: 30 }).unwrap();
        ring.put(NewSlot { unlock: &passphrase("correct horse"), place: None, made: 40 }).unwrap();
        assert!(said(Ring::open(&path, &key(1))).contains("does not open"), "the one that was replaced");
        for unlock in [key(3), recovery(2), passphrase("correct horse")] {
            let again = Ring::open(&path, &unlock).unwrap();
            assert_eq!(again.open_site_key(&wrapped, &SITE).unwrap().expose(), site.expose());
        }
        let mut told = slots(&path).unwrap();
        told.sort_by_key(|slot| slot.made);
        let file = SlotInfo { kind: SlotKind::KeyFile, place: Some("/media/key/root.key".into()), made: 30 };
        let recovery_key = SlotInfo { kind: SlotKind::Recovery, place: None, made: 0 };
        assert_eq!(told, [recovery_key, file.clone(), SlotInfo { kind: SlotKind::Passphrase, place: None, made: 40 }]);
        ring.remove(SlotKind::Passphrase).unwrap();
        ring.remove(SlotKind::Recovery).unwrap();
        assert_eq!(slots(&path).unwrap(), [file]);
        assert!(said(Ring::open(&path, &recovery(2))).contains("no slot for the recovery key"));
        assert!(said(ring.put(NewSlot { unlock: &key(5), place: Some(Path::new("beside/root.key")), made: 0 })).contains("whole path"));
        assert!(Ring::open(&path, &key(3)).is_ok());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn the_last_way_in_stays() {
        let (_dir, path, ring) = fresh();
        let before = fs::read(&path).unwrap();
        assert!(said(ring.remove(SlotKind::KeyFile)).contains("beside the recovery key"));
        assert!(said(ring.remove(SlotKind::Passphrase)).contains("no slot for a passphrase"));
        assert!(said(ring.rotate(&[slot(&recovery(3))])).contains("beside the recovery key"));
        assert!(said(ring.rotate(&[])).contains("beside the recovery key"));
        assert_eq!(fs::read(&path).unwrap(), before);
        let other = path.with_file_name("other.json");
        assert!(said(Ring::create(&other, &[slot(&recovery(3))])).contains("beside the recovery key") && !other.exists());
    }

    #[test]
    fn what_a_crash_left_beside_the_file_does_not_matter() {
        let (_dir, path, ring) = fresh();
        let beside = path.with_extension("new");
        fs::write(&beside, "{ \"format\": 1, \"inst").unwrap(); // killed while it was written
        assert!(Ring::open(&path, &key(1)).is_ok());
        ring.put(slot(&recovery(3))).unwrap();
        assert!(Ring::open(&path, &recovery(3)).is_ok() && !beside.exists());
        fs::hard_link(&path, &beside).unwrap(); // killed between the link and the removal when it was made
        ring.put(slot(&recovery(4))).unwrap();
        assert!(Ring::open(&path, &recovery(4)).is_ok() && Ring::open(&path, &key(1)).is_ok() && !beside.exists());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_reader_finds_a_whole_file_and_no_change_is_lost() {
        let (_dir, path, ring) = fresh();
        std::thread::scope(|scope| {
            let one = scope.spawn(|| (0..20).for_each(|made| ring.put(NewSlot { unlock: &key(1), place: None, made }).unwrap()));
            let other = scope.spawn(|| (0..20).for_each(|made| ring.put(NewSlot { unlock: &recovery(2), place: None, made }).unwrap()));
            while !one.is_finished() || !other.is_finished() {
                assert_eq!(slots(&path).unwrap().len(), 2);
            }
        });
        assert!(slots(&path).unwrap().iter().all(|slot| slot.made == 19));
    }

    #[test]
    fn the_keyring_of_another_instance_is_not_changed() {
        let ((_one, path, ring), (_other, strange, _)) = (fresh(), fresh());
        fs::copy(&strange, &path).unwrap();
        assert!(said(ring.put(slot(&recovery(3)))).contains("another instance"));
        assert!(said(ring.rotate(&[slot(&key(1))])).contains("another instance"));
        assert!(said(ring.previous()).contains("another instance"));
        assert_eq!(fs::read(&path).unwrap(), fs::read(&strange).unwrap());
    }

    #[test]
    fn a_rotation_opens_both_until_it_is_settled() {
        let (_dir, path, old) = fresh();
        let (site, wrapped) = old.new_site_key(&SITE).unwrap();
        let next = old.rotate(&[NewSlot { unlock: &key(7), place: None, made: 70 }]).unwrap();
        assert_eq!(next.instance(), old.instance());
        assert_ne!(next.appliance().expose(), old.appliance().expose());
        assert!(Ring::open(&path, &key(1)).is_err() && Ring::open(&path, &recovery(2)).is_err());
        assert_eq!(slots(&path).unwrap(), [SlotInfo { kind: SlotKind::KeyFile, place: None, made: 70 }]);
        drop(next); // killed here: the registry is as it was

        let ring = Ring::open(&path, &key(7)).unwrap();
        assert!(ring.open_site_key(&wrapped, &SITE).is_err());
        ring.put(slot(&recovery(8))).unwrap();
        let past = Ring::open(&path, &recovery(8)).unwrap().previous().unwrap().unwrap();
        assert_eq!(past.appliance().expose(), old.appliance().expose());
        let found = past.open_site_key(&wrapped, &SITE).unwrap();
        assert_eq!(found.expose(), site.expose());
        let anew = ring.wrap_site_key(&found, &SITE).unwrap();
        assert_eq!(ring.open_site_key(&anew, &SITE).unwrap().expose(), site.expose());
        assert!(past.open_site_key(&anew, &SITE).is_err());
        assert!(said(ring.rotate(&[slot(&key(9))])).contains("not finished"));

        ring.settle().unwrap();
        assert!(ring.previous().unwrap().is_none() && !fs::read_to_string(&path).unwrap().contains("previous"));
        assert!(Ring::open(&path, &key(7)).is_ok() && Ring::open(&path, &recovery(8)).is_ok());
        ring.settle().unwrap();
        ring.rotate(&[slot(&key(9))]).map(drop).unwrap();
        assert!(Ring::open(&path, &key(9)).is_ok() && Ring::open(&path, &key(7)).is_err());
    }

    #[test]
    fn a_ring_whose_root_is_gone_changes_nothing() {
        let (_dir, path, old) = fresh();
        let next = old.rotate(&[slot(&key(7))]).unwrap();
        let past = next.previous().unwrap().unwrap();
        let before = fs::read(&path).unwrap();
        for ring in [&old, &past] {
            for told in [said(ring.put(slot(&recovery(3)))), said(ring.remove(SlotKind::KeyFile)), said(ring.rotate(&[slot(&key(3))])), said(ring.settle()), said(ring.previous())] {
                assert!(told.contains("another root key"), "{told}");
            }
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_root_before_that_was_tampered_with_is_refused() {
        let (_dir, path, old) = fresh();
        let ring = old.rotate(&[slot(&key(7))]).unwrap();
        let mut file = read(&path).unwrap().0;
        let mut sealed = STANDARD.decode(file.previous.unwrap()).unwrap();
        *sealed.last_mut().unwrap() ^= 1;
        file.previous = Some(STANDARD.encode(sealed));
        replace(&path, file.text().unwrap().as_bytes()).unwrap();
        assert!(said(ring.previous()).contains("damaged (previous)"));
        file.mark = Some("0".repeat(32));
        replace(&path, file.text().unwrap().as_bytes()).unwrap();
        assert!(said(Ring::open(&path, &key(7))).contains("damaged (mark)"));
    }
}
