//! `audit verify`: walks the trail of every site and names the first event that does not fit. It only reads.

use super::{Failure, console, print, refuse_empty};
use crate::{
    app,
    config::{self, Flags, Settings},
    control::{order::Order, perform::told},
};
use clap::{Args, Subcommand};
use serde_json::Value;
use store::Appliance;

#[derive(Subcommand)]
pub(super) enum Audit {
    /// Check that no event was changed, removed or put in
    Verify(Verify),
}

#[derive(Args)]
pub(super) struct Verify {
    #[command(flatten)]
    flags: Flags,
    /// Print one line of JSON for each site
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Audit::Verify(Verify { flags, json }) = self;
        let settings = config::load(&flags)?;
        refuse_empty(&settings)?;
        // With a passphrase only the running server has the key; otherwise nobody is asked, and the databases are read as they lie there.
        let sites = match app::waits(&settings)? {
            true => console::rows(&console::by_the_server(&settings, &Order::AuditVerify)?, "sites").to_vec(),
            false => read_as_they_lie(&settings)?,
        };
        for site in &sites {
            print(&if json { format!("{site}\n") } else { words(site) })?;
        }
        match sites.iter().all(|site| site["ok"] == true) {
            true => Ok(()),
            false => Err(Failure::new(1, "The trail is broken: somebody changed the database from outside. Keep a copy, then restore from a backup.")),
        }
    }
}

/// What [`Order::AuditVerify`] tells, read from the files.
fn read_as_they_lie(settings: &Settings) -> Result<Vec<Value>, Failure> {
    let sites = app::first_that_opens(settings, |unlock| Appliance::inspect(&settings.data, unlock))?;
    let checked = sites.iter().map(|site| {
        let checked = site.check_trail().map_err(|refusal| Failure::new(1, format!("The trail cannot be read: {refusal}.")))?;
        Ok(told(&site.entry.name, &checked))
    });
    checked.collect()
}

fn words(site: &Value) -> String {
    let name = console::text(site, "site");
    match site["ok"] == true {
        true => format!("{name}: {} events, unbroken\n", site["events"]),
        false => format!("{name}: BROKEN at event {}\n", site["first_bad"]),
    }
}
