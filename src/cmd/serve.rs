//! `serve`: an installation until SIGTERM; an empty directory becomes one that waits to be set up.

use super::{Failure, log, print, runtime};
use crate::{
    app::{self, Opened},
    config::{self, Flags, Settings},
};
use clap::Args;
use std::fmt::Write;
use store::{Appliance, error::OpenError, setup};

#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
    /// Print one line of JSON once it answers
    #[arg(long)]
    json: bool,
    /// Wait to be unlocked with the passphrase or the recovery kit, whatever key there is
    #[arg(long)]
    wait: bool,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        log();
        let settings = config::load(&self.flags)?;
        let again = self.flags.typed_again();
        runtime()?.block_on(async {
            let opened = find_or_make(&settings, self.wait).await?;
            let ready = |url: &str, serving: &app::Serving| {
                let text = if self.json { json(url, serving, &settings) } else { words(url, serving, &settings, &again) };
                let _ = print(&text);
            };
            app::run(&settings, opened, ready).await
        })?;
        Ok(())
    }
}

/// The installation that is there, or a new one once it is known that it can be served.
async fn find_or_make(settings: &Settings, wait: bool) -> Result<Opened, OpenError> {
    match Appliance::is_there(&settings.data)? {
        true if wait => return Ok(Opened::Locked),
        true => return app::open_or_wait(settings),
        false => {}
    }
    Appliance::make_room(&settings.data)?;
    app::try_ports(settings).await?;
    Ok(Opened::Open(Box::new(app::create(settings, &app::nobody())?)))
}

/// The one-time link. The token stands in the fragment, which browsers send to nobody.
pub(super) fn link(url: &str, token: &str) -> String {
    format!("{url}/setup#k={token}")
}

fn json(url: &str, serving: &app::Serving, settings: &Settings) -> String {
    let ca_file = serving.ca_file.as_ref().map(|path| path.display().to_string());
    let mut said = serde_json::json!({ "url": url, "ca_file": ca_file, "data_dir": settings.data.display().to_string() });
    if let (Some(said), Some(token)) = (said.as_object_mut(), &serving.setup) {
        said.insert("token".into(), token.as_str().into());
        said.insert("link".into(), link(url, token).into());
    }
    if let (Some(said), true) = (said.as_object_mut(), serving.locked) {
        said.insert("locked".into(), true.into());
    }
    format!("{said}\n")
}

fn words(url: &str, serving: &app::Serving, settings: &Settings, again: &str) -> String {
    let tls = if settings.tls_cert.is_some() { "given certificate" } else { "own authority" };
    let mut out = format!("Strongroom {} · data {} · TLS: {tls} (SHA-256 {})\n", env!("CARGO_PKG_VERSION"), settings.data.display(), serving.fingerprint);
    let _ = match &serving.setup {
        _ if serving.locked => writeln!(out, "Locked. Type the passphrase at {url}/unlock or with: strongroom unlock{again}"),
        None => writeln!(out, "Open {url}"),
        Some(token) => {
            let minutes = setup::LASTS / rules::when::MINUTE;
            writeln!(out, "Finish setting up in your browser:\n    {}\n(works once, for {minutes} minutes; a new one: strongroom setup-link{again})", link(url, token))
        }
    };
    out
}
