//! An installation: the data directory, its keyring and the registry of sites.

use crate::{
    Clock, Firm, Site,
    error::OpenError,
    migrate::{self, migrate},
    open::{Role, open},
};
use keys::{Ring, SiteKeys, nonce, slot::Unlock};
use rules::Secret;
use rusqlite::{Connection, OptionalExtension, params};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// An open installation. Holds the lock on its directory for as long as it lives.
pub struct Appliance {
    dir: PathBuf,
    registry: Mutex<Connection>,
    sites: Vec<(SiteEntry, Site)>,
    _lock: File,
}

/// A line of the registry.
#[derive(Clone, Debug)]
pub struct SiteEntry {
    /// Random public id.
    pub id: [u8; 16],
    /// Name of the firm.
    pub name: String,
    /// Host names under which it is reached.
    pub hosts: Vec<String>,
}

impl Appliance {
    /// Whether the directory holds an installation.
    pub fn is_there(dir: &Path) -> bool {
        dir.join("keyring.json").exists()
    }

    /// Makes a new installation with one site in an empty (or missing) directory.
    pub fn create(dir: &Path, unlocks: &[Unlock], firm: &Firm, clock: Clock) -> Result<Appliance, OpenError> {
        let lock = prepare(dir)?;
        let ring = Ring::create(&dir.join("keyring.json"), unlocks)?;
        let mut registry = registry(dir, &ring, Role::Builder)?;
        migrate(&mut registry, migrate::APPLIANCE)?;
        let id = nonce::random::<16>()?;
        let (key, wrapped) = ring.new_site_key(&id)?;
        Site::create(&folder(dir, &id), &SiteKeys::new(&key, id)?, firm)?;
        registry.execute("insert into site (id, name, wrapped, created) values (?, ?, ?, ?)", params![id, firm.name, wrapped, clock().0])?;
        drop(registry);
        Appliance::open_locked(dir, ring, lock, clock)
    }

    /// Opens the installation and all its sites.
    pub fn open(dir: &Path, unlock: &Unlock, clock: Clock) -> Result<Appliance, OpenError> {
        let lock = prepare(dir)?;
        let ring = Ring::open(&dir.join("keyring.json"), unlock)?;
        Appliance::open_locked(dir, ring, lock, clock)
    }

    fn open_locked(dir: &Path, ring: Ring, lock: File, clock: Clock) -> Result<Appliance, OpenError> {
        migrate(&mut registry(dir, &ring, Role::Builder)?, migrate::APPLIANCE)?;
        let registry = registry(dir, &ring, Role::Writer)?;
        let mut sites = Vec::new();
        for (entry, wrapped) in entries(&registry)? {
            let key = ring.open_site_key(&wrapped, &entry.id)?;
            let site = Site::open(&folder(dir, &entry.id), SiteKeys::new(&key, entry.id)?, clock)?;
            sites.push((entry, site));
        }
        Ok(Appliance { dir: dir.into(), registry: Mutex::new(registry), sites, _lock: lock })
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every site with its line in the registry.
    pub fn sites(&self) -> &[(SiteEntry, Site)] {
        &self.sites
    }

    /// The site that a host name reaches: with one site, any name that the front let through.
    pub fn site_of_host(&self, host: &str) -> Option<&Site> {
        match self.sites.as_slice() {
            [(_, only)] => Some(only),
            several => several.iter().find(|(entry, _)| entry.hosts.iter().any(|name| name == host)).map(|(_, site)| site),
        }
    }

    /// Something that the appliance must keep secret, by name.
    pub fn held(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, OpenError> {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let found = registry.query_row("select value from held where name = ?", [name], |row| row.get(0)).optional()?;
        Ok(found.map(Secret::new))
    }

    /// Keeps something secret under a name.
    pub fn hold(&self, name: &str, value: &[u8]) -> Result<(), OpenError> {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.execute("insert into held (name, value) values (?1, ?2) on conflict (name) do update set value = ?2", params![name, value])?;
        Ok(())
    }

    /// Commits what is queued in every site and ends their writers.
    pub fn close(&self) {
        self.sites.iter().for_each(|(_, site)| site.close());
    }
}

fn registry(dir: &Path, ring: &Ring, role: Role) -> Result<Connection, OpenError> {
    let key = SiteKeys::new(ring.appliance(), ring.instance())?.database_pragma();
    Ok(open(&dir.join("appliance.db"), &key, role)?)
}

fn entries(registry: &Connection) -> Result<Vec<(SiteEntry, Vec<u8>)>, OpenError> {
    let mut hosts = registry.prepare("select name from host where site_id = ? order by name")?;
    let mut sites = registry.prepare("select id, name, wrapped from site order by created, id")?;
    let rows: Vec<([u8; 16], String, Vec<u8>)> = sites.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
    let with_hosts = |(id, name, wrapped): ([u8; 16], String, Vec<u8>)| -> Result<(SiteEntry, Vec<u8>), OpenError> {
        let hosts = hosts.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok((SiteEntry { id, name, hosts }, wrapped))
    };
    rows.into_iter().map(with_hosts).collect()
}

fn folder(dir: &Path, site: &[u8; 16]) -> PathBuf {
    dir.join("sites").join(nonce::hex(site))
}

/// Makes the directory if needed, refuses one that others can read, and takes its lock.
fn prepare(dir: &Path) -> Result<File, OpenError> {
    if !dir.exists() {
        fs::DirBuilder::new().mode(0o700).recursive(true).create(dir).map_err(|e| OpenError::file(dir, &e))?;
    }
    let mode = fs::metadata(dir).map_err(|e| OpenError::file(dir, &e))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(OpenError::config(format!("{0} can be read by others (mode {1:o}). Run: chmod 700 {0}", dir.display(), mode & 0o777)));
    }
    let path = dir.join("lock");
    let lock = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(|e| OpenError::file(&path, &e))?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(_) => Err(OpenError { exit: 75, text: format!("{} is in use by another Strongroom. Stop that one, or give another --data.", dir.display()) }),
    }
}

/// Raises the format number of every site's database, as a later version would: for the test that such a database is refused.
#[doc(hidden)]
pub fn pretend_newer(dir: &Path, unlock: &Unlock) -> Result<(), OpenError> {
    let _lock = prepare(dir)?;
    let ring = Ring::open(&dir.join("keyring.json"), unlock)?;
    for (entry, wrapped) in entries(&registry(dir, &ring, Role::Writer)?)? {
        let keys = SiteKeys::new(&ring.open_site_key(&wrapped, &entry.id)?, entry.id)?;
        let sql = open(&folder(dir, &entry.id).join("site.db"), &keys.database_pragma(), Role::Builder)?;
        sql.pragma_update(None, "user_version", migrate::SITE.len() + 1)?;
    }
    Ok(())
}
