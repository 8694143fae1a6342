//! Databases that came back from a backup, before anybody serves them: what they hold, and what is to be settled in the registry.

use crate::{
    Appliance, Site,
    appliance::{SiteEntry, entries, folder, held, hold, registry, site_key, unhold},
    blob::Blob,
    error::OpenError,
    migrate::{self, migrate},
    open::{Role, open},
    site::Core,
    trail::{self, Event},
};
use keys::{
    KeyError, Ring, SiteKeys,
    blob::{FileKey, Opener},
    slot::Unlock,
};
use rules::{Moment, Refusal, Secret, Verb};
use rusqlite::{Connection, OptionalExtension};
use std::{
    collections::BTreeSet,
    io::{Read, Seek},
    path::{Path, PathBuf},
};

/// A site as the registry tells of it.
pub struct Told {
    /// Its line.
    pub entry: SiteEntry,
    /// Its keys.
    pub keys: SiteKeys,
}

impl Told {
    /// Where its database and documents lie below a data directory.
    pub fn folder(&self, dir: &Path) -> PathBuf {
        folder(dir, &self.entry.id)
    }
}

/// A keyring that came with a registry.
pub struct Opened {
    ring: Ring,
    dir: PathBuf,
}

/// What a site holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// Accounts.
    pub people: u64,
    /// Cases.
    pub cases: u64,
    /// Documents, in the trash or not.
    pub documents: u64,
    /// Lines of the trail.
    pub events: u64,
    /// The case that came last: its reference, and when it was opened.
    pub newest_case: Option<(String, Moment)>,
    /// When somebody did something last.
    pub newest_event: Option<Moment>,
    /// The encrypted files that its rows name.
    pub blobs: Vec<String>,
}

/// Under what the registry holds that nobody has written down yet that it came back from a backup.
const CAME_BACK: &str = "restored";

impl Appliance {
    /// The first start after a restore writes it into the trail of every site.
    pub async fn came_back(&self) -> Result<(), OpenError> {
        if self.held(CAME_BACK)?.is_none() {
            return Ok(());
        }
        let failed = |refusal: Refusal| OpenError { exit: 1, text: format!("That this installation came back from a backup cannot be written down: {refusal}.") };
        for (_, site) in self.sites().iter() {
            site.came_back().await.map_err(failed)?;
        }
        unhold(&self.registry(), CAME_BACK)
    }
}

impl Site {
    async fn came_back(&self) -> Result<(), Refusal> {
        let event = |core: &Core| Event { at: core.now(), actor: None, verb: Verb::BackupRestore, case: None, object: None, detail: None, origin: "".into(), session: None, refused: false };
        self.submit(false, move |_, core| (Ok(()), vec![event(core)])).await
    }
}

impl Opened {
    /// Opens the keyring that lies in this directory.
    pub fn keyring(dir: &Path, unlock: &Unlock) -> Result<Opened, OpenError> {
        Ok(Opened { ring: Ring::open(&dir.join("keyring.json"), unlock)?, dir: dir.into() })
    }

    /// The random public id of the installation.
    pub fn instance(&self) -> [u8; 16] {
        self.ring.instance()
    }

    /// Keys of the registry: that which signs for it is one of them.
    pub fn registry_keys(&self) -> Result<SiteKeys, OpenError> {
        Ok(SiteKeys::new(self.ring.appliance(), self.ring.instance())?)
    }

    /// Every site that the registry tells of.
    pub fn sites(&self) -> Result<Vec<Told>, OpenError> {
        let previous = self.ring.previous()?;
        let told = |(entry, wrapped): (SiteEntry, Vec<u8>)| -> Result<Told, OpenError> {
            let key = site_key(&self.ring, previous.as_ref(), &wrapped, &entry.id)?;
            Ok(Told { keys: SiteKeys::new(&key, entry.id)?, entry })
        };
        entries(&self.registry(Role::Reader)?)?.into_iter().map(told).collect()
    }

    /// The copy is not the server that is known at the destinations: it ships to none by itself. Sites that were not restored are taken
    /// out of it. Gives the names of the destinations.
    pub fn settle(&self, restored: &[[u8; 16]]) -> Result<Vec<String>, OpenError> {
        let mut registry = self.registry(Role::Writer)?;
        let tx = registry.transaction()?;
        tx.execute("update destination set schedule = 'by-hand'", [])?;
        hold(&tx, CAME_BACK, b"1")?;
        for (entry, _) in entries(&tx)?.into_iter().filter(|(entry, _)| !restored.contains(&entry.id)) {
            tx.execute("delete from host where site_id = ?", [entry.id])?;
            tx.execute("delete from site where id = ?", [entry.id])?;
        }
        let names = tx.prepare("select name from destination order by name")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        tx.commit()?;
        Ok(names)
    }

    /// What the registry holds under this name.
    pub fn held(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, OpenError> {
        held(&self.registry(Role::Reader)?, name)
    }

    fn registry(&self, role: Role) -> Result<Connection, OpenError> {
        match (registry(&self.dir, &self.ring, role), self.ring.previous()?) {
            (Err(_), Some(previous)) => registry(&self.dir, &previous, role),
            (registry, _) => registry,
        }
    }
}

/// Gives the restored database of a site today's form, in which it can be read as a [`crate::export::Source`].
pub fn modernise(path: &Path, keys: &SiteKeys) -> Result<(), OpenError> {
    migrate(&mut open(path, &keys.database_pragma(), Role::Builder)?, migrate::SITE)
}

/// Which documents these encrypted files belong to, in words: reference of the case, name of the document and number of the version.
pub fn whose(path: &Path, keys: &SiteKeys, blobs: &BTreeSet<&str>) -> Result<Vec<String>, OpenError> {
    let sql = open(path, &keys.database_pragma(), Role::Reader)?;
    let mut rows = sql.prepare("select c.reference, d.name, v.n, v.blob from version v join document d on d.id = v.document_id join cases c on c.id = d.case_id order by c.id, d.id, v.n")?;
    let mut out = Vec::new();
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        if blobs.contains(row.get_ref(3)?.as_str().unwrap_or_default()) {
            out.push(format!("{}: {} (version {})", row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?));
        }
    }
    Ok(out)
}

/// What the database of a site holds.
pub fn holds(path: &Path, keys: &SiteKeys) -> Result<Holds, OpenError> {
    let sql = open(path, &keys.database_pragma(), Role::Reader)?;
    let count = |table: &str| sql.query_row(&format!("select count(*) from {table}"), [], |row| row.get::<_, u64>(0));
    let newest_case = sql.query_row("select reference, opened from cases order by id desc limit 1", [], |row| Ok((row.get(0)?, Moment(row.get(1)?)))).optional()?;
    let newest_event = sql.query_row("select at from event order by seq desc limit 1", [], |row| row.get(0).map(Moment)).optional()?;
    let blobs = sql.prepare("select blob from version order by blob")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(Holds { people: count("user")?, cases: count("cases")?, documents: count("document")?, events: count("event")?, newest_case, newest_event, blobs })
}

impl Appliance {
    /// The copy of this installation in a directory, opened with the root key that is in force: for a drill. It holds the sites that were
    /// restored, and is closed and thrown away after.
    pub fn rehearsal(&self, dir: &Path) -> Result<Appliance, OpenError> {
        let ring = self.ring();
        let mut copy = registry(dir, &ring, Role::Writer)?;
        let tx = copy.transaction()?;
        for (entry, _) in entries(&tx)?.into_iter().filter(|(entry, _)| !folder(dir, &entry.id).exists()) {
            tx.execute("delete from host where site_id = ?", [entry.id])?;
            tx.execute("delete from site where id = ?", [entry.id])?;
        }
        tx.commit()?;
        drop(copy);
        Appliance::open_copy(dir, ring, self.clock())
    }
}

/// One thing that was checked, by its name, with what is wrong if something is.
pub type Checked = (&'static str, Result<(), String>);

/// What checking a restored database found.
pub fn check(path: &Path, keys: &SiteKeys) -> Result<Vec<Checked>, OpenError> {
    let sql = open(path, &keys.database_pragma(), Role::Builder)?;
    let lines = |pragma: &str| -> rusqlite::Result<Vec<String>> { sql.prepare(&format!("pragma {pragma}"))?.query_map([], |row| row.get::<_, rusqlite::types::Value>(0))?.map(|line| line.map(|line| format!("{line:?}"))).collect() };
    let clean = |lines: Vec<String>| lines.first().map_or(Ok(()), |first| Err(format!("{first}, {} in all", lines.len())));
    let integrity: String = sql.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    let trail = match trail::check(&sql, &keys.audit) {
        Ok(trail::Checked::Unbroken(_)) => Ok(()),
        Ok(trail::Checked::Broken(seq)) => Err(format!("broken at line {seq}")),
        Err(refusal) => Err(refusal.to_string()),
    };
    Ok(vec![
        ("every page is genuine under the key", clean(lines("cipher_integrity_check")?)),
        ("the database is sound", if integrity == "ok" { Ok(()) } else { Err(integrity) }),
        ("every reference leads somewhere", clean(lines("foreign_key_check")?)),
        ("the trail is unbroken", trail),
    ])
}

/// The last line of the trail that a database has.
pub fn last_event(path: &Path, keys: &SiteKeys) -> Result<i64, OpenError> {
    let sql = open(path, &keys.database_pragma(), Role::Reader)?;
    Ok(trail::head(&sql)?.seq)
}

/// The documents that a database names.
pub fn documents(path: &Path, keys: &SiteKeys) -> Result<Vec<Blob>, OpenError> {
    let sql = open(path, &keys.database_pragma(), Role::Reader)?;
    let mut rows = sql.prepare("select blob, blob_key, size, sha256 from version order by blob")?;
    let read = |row: &rusqlite::Row<'_>| Ok(Blob { name: row.get(0)?, wrapped: row.get(1)?, size: row.get(2)?, sha256: row.get(3)? });
    Ok(rows.query_map([], read)?.collect::<Result<_, _>>()?)
}

/// Whether this ciphertext opens with the keys of the site, and to the content that was uploaded.
pub fn opens(keys: &SiteKeys, blob: &Blob, ciphertext: impl Read + Seek) -> Result<bool, KeyError> {
    let key = FileKey::unwrap(&keys.blobs, &blob.wrapped, &blob.name)?;
    let mut opener = Opener::new(ciphertext, &key, blob.size, 0)?;
    let (mut hash, mut plain) = (keys::digest::Sha256::default(), Vec::new());
    while opener.pull(&mut plain)? {
        hash.update(&plain);
        plain.clear();
    }
    hash.update(&plain);
    Ok(hash.finish() == blob.sha256)
}
