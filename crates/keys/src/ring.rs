//! The keyring file: the root key, wrapped once per slot. The file alone opens nothing.

use crate::{
    KeyError,
    derive::{Label, derive},
    nonce,
    slot::{Slot, Unlock},
    wrap::Wrap,
};
use rules::Secret;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    instance: String,
    slots: Vec<Slot>,
}

/// An unlocked keyring.
pub struct Ring {
    instance: [u8; 16],
    sites: Wrap,
    appliance: Secret<[u8; 32]>,
}

impl Ring {
    /// Makes a new root key, writes the keyring with one slot per `unlock` and gives it back unlocked. Refuses to replace a file.
    pub fn create(path: &Path, unlocks: &[Unlock]) -> Result<Ring, KeyError> {
        if path.exists() {
            return Err(KeyError::Ring(format!("{} exists already. Choose an empty data directory.", path.display())));
        }
        let (instance, root) = (nonce::random::<16>()?, Secret::new(nonce::random::<32>()?));
        let slots = unlocks.iter().map(|unlock| Slot::new(&root, unlock, &instance)).collect::<Result<_, _>>()?;
        let file = File { format: FORMAT, instance: nonce::hex(&instance), slots };
        let text = serde_json::to_string_pretty(&file).map_err(|error| KeyError::Ring(error.to_string()))?;
        write_private(path, text.as_bytes())?;
        Ring::unlocked(instance, &root)
    }

    /// Unlocks the keyring at `path`.
    pub fn open(path: &Path, unlock: &Unlock) -> Result<Ring, KeyError> {
        refuse_loose(path)?;
        let text = fs::read_to_string(path).map_err(|error| KeyError::File(path.into(), error))?;
        let file: File = serde_json::from_str(&text)
            .map_err(|error| KeyError::Ring(format!("{} is damaged ({error}). Restore it from a backup.", path.display())))?;
        if file.format != FORMAT {
            return Err(KeyError::Ring(format!("{} has format {}, and this version of Strongroom knows only {FORMAT}. Use the newer version.", path.display(), file.format)));
        }
        let instance = unhex(&file.instance).ok_or_else(|| KeyError::Ring(format!("{} is damaged (instance). Restore it from a backup.", path.display())))?;
        let mut fitting = file.slots.iter().filter(|slot| slot.kind == unlock.kind()).peekable();
        if fitting.peek().is_none() {
            return Err(KeyError::Ring(format!("The keyring has no slot for {}.", unlock.kind().words())));
        }
        match fitting.find_map(|slot| slot.open(unlock, &instance).ok()) {
            Some(root) => Ring::unlocked(instance, &root),
            None => Err(KeyError::Ring(format!("The keyring does not open with {}: it belongs to another instance, or it is the wrong one.", unlock.kind().words()))),
        }
    }

    fn unlocked(instance: [u8; 16], root: &Secret<[u8; 32]>) -> Result<Ring, KeyError> {
        let sites = Wrap::new(derive(root.expose(), &instance, Label::Site)?, 1);
        Ok(Ring { instance, sites, appliance: derive(root.expose(), &instance, Label::Database)? })
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
        let wrapped = self.sites.seal(key.expose(), &[b"site", site])?;
        Ok((key, wrapped))
    }

    /// The site key from its wrapped form in the registry.
    pub fn open_site_key(&self, wrapped: &[u8], site: &[u8; 16]) -> Result<Secret<[u8; 32]>, KeyError> {
        self.sites.open_key(wrapped, &[b"site", site])
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

/// Writes whole, makes durable, then links: a crash leaves no file or the whole one. Mode 0600; never replaces a file. What a crash left
/// beside it is removed and made anew, never written through: it may be the same file under a second name.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let fail = |error| KeyError::File(path.into(), error);
    let whole = path.with_extension("new");
    match fs::remove_file(&whole) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&whole).map_err(fail)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fail)?;
    fs::hard_link(&whole, path).map_err(fail)?;
    fs::remove_file(&whole).map_err(fail)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|dir| dir.sync_all()).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(words: &str) -> Unlock {
        Unlock::Passphrase(Secret::new(words.into()))
    }

    #[test]
    fn each_slot_opens_the_same_root_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring.json");
        let file = create_key_file(&dir.path().join("root.key")).unwrap();
        let recovery = Unlock::Recovery(Secret::new([9; 32]));
        let ring = Ring::create(&path, &[file, passphrase("correct horse"), recovery]).unwrap();
        let (key, wrapped) = ring.new_site_key(&[4; 16]).unwrap();
        for unlock in [read_key_file(&dir.path().join("root.key")).unwrap(), passphrase("correct horse"), Unlock::Recovery(Secret::new([9; 32]))] {
            let again = Ring::open(&path, &unlock).unwrap();
            assert_eq!(again.open_site_key(&wrapped, &[4; 16]).unwrap().expose(), key.expose());
            assert!(again.open_site_key(&wrapped, &[5; 16]).is_err());
        }
        for wrong in [passphrase("wrong"), Unlock::Recovery(Secret::new([8; 32])), Unlock::KeyFile(Secret::new([9; 32]))] {
            assert!(matches!(Ring::open(&path, &wrong), Err(KeyError::Ring(_))));
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&nonce::hex(key.expose())));
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
        Ring::create(&path, std::slice::from_ref(&unlock)).map(drop).unwrap();
        assert!(Ring::create(&path, std::slice::from_ref(&unlock)).is_err());
        assert!(create_key_file(&dir.path().join("root.key")).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let said = Ring::open(&path, &unlock).map(drop).unwrap_err().to_string();
        assert!(said.contains("chmod 600"), "{said}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "{").unwrap();
        assert!(Ring::open(&path, &unlock).map(drop).unwrap_err().to_string().contains("damaged"));
    }
}
