//! `audit verify`: walks the trail of every site and names the first event that does not fit. It only reads.

use super::{Failure, print, refuse_empty};
use crate::{
    app,
    config::{self, Flags},
};
use clap::{Args, Subcommand};
use store::{Appliance, trail::Checked};

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
        let mut broken = 0;
        for site in app::first_that_opens(&settings, |unlock| Appliance::inspect(&settings.data, unlock))? {
            let (entry, checked) = (&site.entry, site.check_trail().map_err(|refusal| Failure::new(1, format!("The trail cannot be read: {refusal}.")))?);
            let (ok, seq) = match checked {
                Checked::Unbroken(head) => (true, head.seq),
                Checked::Broken(seq) => (false, seq),
            };
            broken += usize::from(!ok);
            print(&match (json, ok) {
                (true, _) => format!("{}\n", serde_json::json!({ "site": entry.name, "ok": ok, "events": ok.then_some(seq), "first_bad": (!ok).then_some(seq) })),
                (false, true) => format!("{}: {seq} events, unbroken\n", entry.name),
                (false, false) => format!("{}: BROKEN at event {seq}\n", entry.name),
            })?;
        }
        match broken {
            0 => Ok(()),
            _ => Err(Failure::new(1, "The trail is broken: somebody changed the database from outside. Keep a copy, then restore from a backup.")),
        }
    }
}
