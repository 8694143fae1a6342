//! An installation: the data directory, its keyring and the registry of sites.

use crate::{
    Clock, Firm, Site,
    error::{OpenError, Refuse},
    kit,
    migrate::{self, migrate},
    open::{Role, open},
    startkey,
    trail::{self, Checked},
};
use keys::{Ring, SiteKeys, nonce, ring::NewSlot, slot::Unlock};
use rules::{Moment, Refusal, Secret};
use rusqlite::{Connection, OptionalExtension, params};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, atomic::AtomicBool},
};

/// An open installation. Holds the lock on its directory for as long as it lives.
pub struct Appliance {
    dir: PathBuf,
    registry: Mutex<Connection>,
    ring: RwLock<Arc<Ring>>,
    sites: RwLock<Sites>,
    clock: Clock,
    /// Whether the recovery kit is on paper: shared by all sites.
    kit: Arc<AtomicBool>,
    _lock: File,
}

/// Every site with its line in the registry, as of one moment.
pub type Sites = Arc<Vec<(SiteEntry, Site)>>;

/// A line of the registry.
#[derive(Clone, Debug)]
pub struct SiteEntry {
    /// Random public id.
    pub id: [u8; 16],
    /// What commands call it: the name of the firm when it was made. Empty while the only site waits for a firm.
    pub name: String,
    /// Host names under which it is reached.
    pub hosts: Vec<String>,
}

impl SiteEntry {
    /// Whether this is one of its host names.
    pub(crate) fn is_at(&self, host: &str) -> bool {
        self.hosts.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}

impl Appliance {
    /// Whether the directory holds an installation. What cannot be looked into is an error, not an empty directory.
    pub fn is_there(dir: &Path) -> Result<bool, OpenError> {
        match fs::metadata(dir) {
            Ok(found) if !found.is_dir() => return Err(OpenError::config(format!("{} is a file, not a directory. Give a directory with --data.", dir.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            found => found.map_err(|error| barred(dir, &error))?,
        };
        dir.join("keyring.json").try_exists().map_err(|error| barred(dir, &error))
    }

    /// Makes the directory for a new installation; one that is there must be empty and out of the reach of others, and stays as it is.
    pub fn make_room(dir: &Path) -> Result<(), OpenError> {
        Appliance::is_there(dir)?;
        let full = match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            found => found.map_err(|error| barred(dir, &error))?.filter_map(Result::ok).any(|entry| entry.file_name() != "lost+found"),
        };
        match full {
            false => make_private(dir),
            true => Err(OpenError::config(format!(
                "{} is not empty and holds no installation. Give a new or empty directory with --data; if making one was broken off here, remove the directory.",
                dir.display()
            ))),
        }
    }

    /// Makes a new installation with one site in an empty (or missing) directory.
    pub fn create(dir: &Path, slots: &[NewSlot<'_>], firm: &Firm, clock: Clock) -> Result<Appliance, OpenError> {
        let lock = prepare(dir)?;
        let ring = Ring::create(&dir.join("keyring.json"), slots)?;
        let mut registry = registry(dir, &ring, Role::Builder)?;
        migrate(&mut registry, migrate::APPLIANCE)?;
        let id = nonce::random::<16>()?;
        let (key, wrapped) = ring.new_site_key(&id)?;
        Site::create(&folder(dir, &id), &SiteKeys::new(&key, id)?, firm, true)?;
        registry.execute("insert into site (id, name, wrapped, created) values (?, ?, ?, ?)", params![id, firm.name, wrapped, clock().0])?;
        drop(registry);
        Appliance::open_locked(dir, ring, lock, clock)
    }

    /// Opens the installation and all its sites.
    pub fn open(dir: &Path, unlock: &Unlock, clock: Clock) -> Result<Appliance, OpenError> {
        let lock = prepare(dir)?;
        let ring = Ring::open(&dir.join("keyring.json"), unlock)?;
        refuse_lost_registry(dir)?;
        settle(dir, &ring)?;
        Appliance::open_locked(dir, ring, lock, clock)
    }

    /// Every site of an installation, for reading only: nothing is migrated, started or cleared, and a server may be running beside it.
    pub fn inspect(dir: &Path, unlock: &Unlock) -> Result<Vec<Inspected>, OpenError> {
        let ring = Ring::open(&dir.join("keyring.json"), unlock)?;
        refuse_lost_registry(dir)?;
        if !dir.join("appliance.db").exists() {
            return Err(unfinished(dir));
        }
        let previous = ring.previous()?;
        let rows = entries(&match (registry(dir, &ring, Role::Reader), &previous) {
            (Err(_), Some(previous)) => registry(dir, previous, Role::Reader)?,
            (registry, _) => registry?,
        })?;
        if rows.is_empty() {
            return Err(unfinished(dir));
        }
        let look = |(entry, wrapped): (SiteEntry, Vec<u8>)| {
            let key = site_key(&ring, previous.as_ref(), &wrapped, &entry.id)?;
            Inspected::open(&folder(dir, &entry.id), SiteKeys::new(&key, entry.id)?, entry)
        };
        rows.into_iter().map(look).collect()
    }

    /// A copy of this installation, under the ring of the original.
    pub(crate) fn open_copy(dir: &Path, ring: Arc<Ring>, clock: Clock) -> Result<Appliance, OpenError> {
        Appliance::open_locked(dir, ring, prepare(dir)?, clock)
    }

    fn open_locked(dir: &Path, ring: impl Into<Arc<Ring>>, lock: File, clock: Clock) -> Result<Appliance, OpenError> {
        let ring = ring.into();
        migrate(&mut registry(dir, &ring, Role::Builder)?, migrate::APPLIANCE)?;
        let registry = registry(dir, &ring, Role::Writer)?;
        let mut sites = Vec::new();
        for (entry, wrapped) in entries(&registry)? {
            let key = ring.open_site_key(&wrapped, &entry.id)?;
            let site = Site::open(&folder(dir, &entry.id), SiteKeys::new(&key, entry.id)?, clock)?;
            sites.push((entry, site));
        }
        if sites.is_empty() {
            return Err(unfinished(dir));
        }
        let kit = Arc::default();
        sites.iter().for_each(|(_, site)| site.share_kit(&kit));
        let (registry, ring, sites) = (Mutex::new(registry), RwLock::new(ring), RwLock::new(Arc::new(sites)));
        let appliance = Appliance { dir: dir.into(), kit, registry, ring, sites, clock, _lock: lock };
        appliance.name_sites()?;
        Ok(appliance)
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every site with its line in the registry.
    pub fn sites(&self) -> Sites {
        Arc::clone(&self.sites.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The site that a host name reaches: the one that has it. Names that none has reach the first site, as long as that has none of its own.
    pub fn site_of_host(&self, host: &str) -> Option<Site> {
        let sites = self.sites();
        let named = sites.iter().find(|(entry, _)| entry.is_at(host));
        let first = || sites.first().filter(|(entry, _)| entry.hosts.is_empty());
        named.or_else(first).map(|(_, site)| site.clone())
    }

    /// The keyring.
    pub(crate) fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Connection> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Moment {
        (self.clock)()
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// Changes the list of sites that are served.
    pub(crate) fn change(&self, how: impl FnOnce(&mut Vec<(SiteEntry, Site)>)) {
        let mut sites = self.sites.write().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = sites.as_ref().clone();
        how(&mut fresh);
        fresh.iter().for_each(|(_, site)| site.share_kit(&self.kit));
        *sites = Arc::new(fresh);
    }

    /// Something that the appliance must keep secret, by name.
    pub fn held(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, OpenError> {
        held(&self.registry(), name)
    }

    /// Keeps something secret under a name.
    pub fn hold(&self, name: &str, value: &[u8]) -> Result<(), OpenError> {
        hold(&self.registry(), name, value)
    }

    /// Wraps everything anew under the root key of `next`, and goes on with that.
    pub(crate) fn rewrap(&self, next: Ring) -> Result<(), OpenError> {
        let mut kept = self.registry();
        settle(&self.dir, &next)?;
        *kept = registry(&self.dir, &next, Role::Writer)?;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    /// Commits what is queued in every site and ends their writers.
    pub fn close(&self) {
        self.sites().iter().for_each(|(_, site)| site.close());
    }
}

pub(crate) fn held(registry: &Connection, name: &str) -> Result<Option<Secret<Vec<u8>>>, OpenError> {
    let found = registry.query_row("select value from held where name = ?", [name], |row| row.get(0)).optional()?;
    Ok(found.map(Secret::new))
}

pub(crate) fn hold(registry: &Connection, name: &str, value: &[u8]) -> Result<(), OpenError> {
    registry.execute("insert into held (name, value) values (?1, ?2) on conflict (name) do update set value = ?2", params![name, value])?;
    Ok(())
}

pub(crate) fn unhold(registry: &Connection, name: &str) -> Result<(), OpenError> {
    registry.execute("delete from held where name = ?", [name])?;
    Ok(())
}

/// Opens a site key that may still be wrapped by the root key before.
pub(crate) fn site_key(ring: &Ring, previous: Option<&Ring>, wrapped: &[u8], id: &[u8; 16]) -> Result<Secret<[u8; 32]>, OpenError> {
    match (ring.open_site_key(wrapped, id), previous) {
        (Err(_), Some(previous)) => Ok(previous.open_site_key(wrapped, id)?),
        (key, _) => Ok(key?),
    }
}

/// Finishes a change of the root key, if one was begun: site keys are wrapped anew, the registry gets its new key, and only then is the
/// old root key forgotten. Each part is done if it was done before.
fn settle(dir: &Path, ring: &Ring) -> Result<(), OpenError> {
    let Some(previous) = ring.previous()? else { return Ok(()) };
    let (mut sql, rekeyed) = match registry(dir, ring, Role::Builder) {
        Ok(sql) => (sql, true),
        Err(_) => (registry(dir, &previous, Role::Builder)?, false),
    };
    let rows = entries(&sql)?;
    let tx = sql.transaction()?;
    for (entry, wrapped) in rows {
        let key = site_key(ring, Some(&previous), &wrapped, &entry.id)?;
        tx.execute("update site set wrapped = ?2 where id = ?1", params![entry.id, ring.wrap_site_key(&key, &entry.id)?])?;
    }
    kit::drop_waiting(&tx)?;
    tx.commit()?;
    if !rekeyed {
        let key = SiteKeys::new(ring.appliance(), ring.instance())?.database_pragma();
        sql.pragma_update(None, "rekey", key.expose())?;
    }
    drop(sql);
    registry(dir, ring, Role::Reader)?.query_row("select count(*) from site", [], |row| row.get::<_, i64>(0))?;
    if let Err(error) = startkey::put_in_place(dir) {
        tracing::warn!("the new key file stays beside the old one, and opens from there: {}", error.text);
    }
    Ok(ring.settle()?)
}

pub(crate) fn registry(dir: &Path, ring: &Ring, role: Role) -> Result<Connection, OpenError> {
    let key = SiteKeys::new(ring.appliance(), ring.instance())?.database_pragma();
    Ok(open(&dir.join("appliance.db"), &key, role)?)
}

pub(crate) fn entries(registry: &Connection) -> Result<Vec<(SiteEntry, Vec<u8>)>, OpenError> {
    let mut hosts = registry.prepare("select name from host where site_id = ? order by name")?;
    let mut sites = registry.prepare("select id, name, wrapped from site order by created, id")?;
    let rows: Vec<([u8; 16], String, Vec<u8>)> = sites.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
    let with_hosts = |(id, name, wrapped): ([u8; 16], String, Vec<u8>)| -> Result<(SiteEntry, Vec<u8>), OpenError> {
        let hosts = hosts.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok((SiteEntry { id, name, hosts }, wrapped))
    };
    rows.into_iter().map(with_hosts).collect()
}

pub(crate) fn folder(dir: &Path, site: &[u8; 16]) -> PathBuf {
    dir.join("sites").join(nonce::hex(site))
}

/// A site that is only read.
pub struct Inspected {
    /// Its line in the registry.
    pub entry: SiteEntry,
    sql: Connection,
    keys: SiteKeys,
}

impl Inspected {
    fn open(folder: &Path, keys: SiteKeys, entry: SiteEntry) -> Result<Inspected, OpenError> {
        let path = folder.join("site.db");
        if !path.exists() {
            return Err(OpenError::config(format!("{} is missing. Restore it from a backup.", path.display())));
        }
        let pragma = keys.database_pragma();
        // Its number is all that is asked: a reader may not ask for it.
        let format: usize = open(&path, &pragma, Role::Builder)?.query_row("pragma user_version", [], |row| row.get(0))?;
        if format > migrate::SITE.len() {
            return Err(OpenError::config(format!("The database was written by a newer Strongroom (format {format}, this one knows {}). Use that version.", migrate::SITE.len())));
        }
        Ok(Inspected { sql: open(&path, &pragma, Role::Reader)?, keys, entry })
    }

    /// Walks the whole trail.
    pub fn check_trail(&self) -> Result<Checked, Refusal> {
        trail::check(&self.sql, &self.keys.audit)
    }

    /// A setting of the site; `None` when it was never set.
    pub fn setting(&self, key: &str) -> Result<Option<String>, Refusal> {
        self.sql.query_row("select value from setting where key = ?", [key], |row| row.get(0)).optional().refuse()
    }
}

/// What an error of the file system means for somebody who gave the path.
pub fn barred(path: &Path, error: &io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => OpenError { exit: 77, text: format!("{} cannot be read by this user. Run as the user who owns it.", path.display()) },
        _ => OpenError::file(path, error),
    }
}

fn unfinished(dir: &Path) -> OpenError {
    OpenError::config(format!("The installation in {} was not finished and holds nothing. Remove the directory and begin again.", dir.display()))
}

/// An installation that lost its registry is not one that was never finished.
fn refuse_lost_registry(dir: &Path) -> Result<(), OpenError> {
    match !dir.join("appliance.db").exists() && dir.join("sites").exists() {
        false => Ok(()),
        true => Err(OpenError::config(format!("{} is missing. Restore it from a backup.", dir.join("appliance.db").display()))),
    }
}

/// Makes the directory if needed, and refuses one that others can read.
fn make_private(dir: &Path) -> Result<(), OpenError> {
    if !dir.exists() {
        let exit = |error: &io::Error| if error.kind() == io::ErrorKind::PermissionDenied { 77 } else { 73 };
        let fail = |error| OpenError { exit: exit(&error), text: format!("{} cannot be made: {error}. Give another directory with --data.", dir.display()) };
        fs::DirBuilder::new().mode(0o700).recursive(true).create(dir).map_err(fail)?;
    }
    let mode = fs::metadata(dir).map_err(|e| OpenError::file(dir, &e))?.permissions().mode();
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(OpenError::config(format!("{0} can be read by others (mode {1:o}). Run: chmod 700 {0}", dir.display(), mode & 0o777))),
    }
}

/// Makes the directory if needed and takes its lock.
fn prepare(dir: &Path) -> Result<File, OpenError> {
    make_private(dir)?;
    let path = dir.join("lock");
    let lock = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(|e| OpenError::file(&path, &e))?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(_) => Err(OpenError { exit: 75, text: format!("{} is in use by another Strongroom. Stop that one, or give another --data.", dir.display()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keys::ring;

    #[test]
    fn an_installation_that_was_not_finished_or_lost_its_registry_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("data");
        Appliance::make_room(&dir).unwrap();
        assert!(!Appliance::is_there(&dir).unwrap());
        let unlock = ring::create_key_file(&dir.join("root.key")).unwrap();
        assert!(Appliance::make_room(&dir).unwrap_err().text.contains("not empty"));
        Ring::create(&dir.join("keyring.json"), &[NewSlot { unlock: &unlock, place: None, made: 0 }]).map(drop).unwrap();
        assert!(Appliance::is_there(&dir).unwrap());
        let clock: Clock = || rules::Moment(1_800_000_000_000);
        for _ in 0..2 {
            assert!(Appliance::inspect(&dir, &unlock).map(drop).unwrap_err().text.contains("not finished"));
            assert!(Appliance::open(&dir, &unlock, clock).map(drop).unwrap_err().text.contains("not finished"));
        }
        fs::remove_file(dir.join("appliance.db")).unwrap();
        fs::create_dir(dir.join("sites")).unwrap();
        assert!(Appliance::open(&dir, &unlock, clock).map(drop).unwrap_err().text.contains("backup"));
    }
}
