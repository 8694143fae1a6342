//! The sites of an installation: making one, naming it, giving it host names.

use crate::{
    Appliance, Firm, Site,
    appliance::{SiteEntry, folder},
    error::OpenError,
};
use keys::{SiteKeys, nonce};
use rusqlite::params;

impl Appliance {
    /// Makes a site with a database, a key and a folder of its own. It is set up by whoever comes with its link.
    pub fn add_site(&self, name: &str, hosts: &[String]) -> Result<Site, OpenError> {
        let id = nonce::random::<16>()?;
        let hosts = self.free_hosts(&id, hosts)?;
        let name = site_name(name)?;
        self.name_sites()?;
        if self.sites().iter().any(|(entry, _)| entry.name.is_empty()) {
            return Err(OpenError::config("The first site has no name yet: commands could not tell it from a second one. Set it up, or run: strongroom site rename '' NAME"));
        }
        if self.sites().iter().any(|(entry, _)| entry.name.eq_ignore_ascii_case(&name)) {
            return Err(OpenError::config(format!("There is a site “{name}” already. Choose another name.")));
        }
        if hosts.is_empty() {
            return Err(OpenError::config("A second site is reached by a host name of its own. Give one with --host."));
        }
        let (key, wrapped) = self.ring().new_site_key(&id)?;
        let firm = Firm { name: name.clone(), kind: String::new(), prefix: String::new(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None };
        let folder = folder(self.dir(), &id);
        Site::create(&folder, &SiteKeys::new(&key, id)?, &firm, false)?;
        let site = Site::open(&folder, SiteKeys::new(&key, id)?, self.clock())?;
        let mut registry = self.registry();
        let tx = registry.transaction()?;
        tx.execute("insert into site (id, name, wrapped, created) values (?, ?, ?, ?)", params![id, name, wrapped, self.now().0])?;
        hosts.iter().try_for_each(|host| tx.execute("insert into host (name, site_id) values (?, ?)", params![host, id]).map(drop))?;
        tx.commit()?;
        self.change(|sites| sites.push((SiteEntry { id, name: name.clone(), hosts: hosts.clone() }, site.clone())));
        Ok(site)
    }

    /// Gives a site another name in the registry. What its pages say is a setting of the site itself.
    pub fn rename_site(&self, site: &str, name: &str) -> Result<(), OpenError> {
        let ((entry, _), name) = (self.site(site)?, site_name(name)?);
        if self.sites().iter().any(|(other, _)| other.id != entry.id && other.name.eq_ignore_ascii_case(&name)) {
            return Err(OpenError::config(format!("There is a site “{name}” already. Choose another name.")));
        }
        self.put_name(&entry.id, &name)
    }

    fn put_name(&self, id: &[u8; 16], name: &str) -> Result<(), OpenError> {
        self.registry().execute("update site set name = ?2 where id = ?1", params![id, name])?;
        self.change(|sites| sites.iter_mut().filter(|(entry, _)| entry.id == *id).for_each(|(entry, _)| name.clone_into(&mut entry.name)));
        Ok(())
    }

    /// A site that was made before its firm had a name gets it now.
    pub(crate) fn name_sites(&self) -> Result<(), OpenError> {
        let sites = self.sites();
        let firms = sites.iter().filter(|(entry, _)| entry.name.is_empty()).map(|(entry, site)| (entry.id, site.firm().name));
        firms.filter(|(_, name)| !name.is_empty()).try_for_each(|(id, name)| self.put_name(&id, &name))
    }

    /// Gives a site another host name.
    pub fn add_host(&self, site: &str, host: &str) -> Result<(), OpenError> {
        let (entry, _) = self.site(site)?;
        let hosts = self.free_hosts(&entry.id, &[host.to_owned()])?;
        for host in &hosts {
            self.registry().execute("insert into host (name, site_id) values (?, ?)", params![host, entry.id])?;
        }
        self.change(|sites| sites.iter_mut().filter(|(other, _)| other.id == entry.id).for_each(|(other, _)| other.hosts.extend(hosts.clone())));
        Ok(())
    }

    /// The site of this name or host name; with one site it need not be named (`""`).
    pub fn site(&self, name: &str) -> Result<(SiteEntry, Site), OpenError> {
        let sites = self.sites();
        let names = || sites.iter().map(|(entry, _)| format!("“{}”", entry.name)).collect::<Vec<_>>().join(", ");
        match (name, sites.as_slice()) {
            ("", [only]) => Ok(only.clone()),
            ("", _) => Err(OpenError { exit: 2, text: format!("There are several sites: {}. Name one with --site.", names()) }),
            (name, all) => {
                let named = all.iter().find(|(entry, _)| entry.name.eq_ignore_ascii_case(name));
                let found = named.or_else(|| all.iter().find(|(entry, _)| entry.is_at(name)));
                found.cloned().ok_or_else(|| OpenError { exit: 2, text: format!("There is no site “{name}”. There are: {}.", names()) })
            }
        }
    }

    /// Host names for a site in the form in which they are kept, if no site has them. The one in the address of another site is taken too,
    /// even while that answers to every name: its people would find themselves elsewhere.
    fn free_hosts(&self, own: &[u8; 16], typed: &[String]) -> Result<Vec<String>, OpenError> {
        let sites = self.sites();
        let free = |typed: &String| {
            let host = typed.trim().to_lowercase();
            let fits = !host.is_empty() && host.len() < 254 && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
            let taken = |entry: &SiteEntry, site: &Site| entry.hosts.contains(&host) || (entry.id != *own && host_of(site).as_ref() == Some(&host));
            match sites.iter().find(|(entry, site)| taken(entry, site)) {
                _ if !fits => Err(OpenError::config(format!("“{typed}” is no host name. Write it as in a browser, without https:// and without a port."))),
                Some((entry, _)) => Err(OpenError::config(format!("The host name {host} belongs to the site “{}” already.", entry.name))),
                None => Ok(host),
            }
        };
        typed.iter().map(free).collect()
    }
}

/// The host name in the address of a site, if that is known.
fn host_of(site: &Site) -> Option<String> {
    let url = site.settings().url.clone()?;
    url.trim_start_matches("https://").split([':', '/']).next().map(str::to_lowercase)
}

fn site_name(typed: &str) -> Result<String, OpenError> {
    rules::text::line("name", "The name of the site", typed, crate::settings::FIRM_MAX).map_err(|problem| OpenError { exit: 2, text: problem.text })
}
