//! `serve`: an installation that is there, until SIGTERM.

use super::{Failure, log, print, refuse_empty, runtime};
use crate::{
    app,
    config::{self, Flags},
};
use clap::Args;
use store::Appliance;

#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
    /// Print one line of JSON once it answers
    #[arg(long)]
    json: bool,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        log();
        let settings = config::load(&self.flags)?;
        refuse_empty(&settings)?;
        let appliance = Appliance::open(&settings.data, &app::unlock(&settings)?, app::now)?;
        let data = settings.data.display().to_string();
        runtime()?.block_on(app::run(&settings, appliance, |url, serving| {
            let ca_file = serving.ca_file.as_ref().map(|path| path.display().to_string());
            let text = match self.json {
                true => format!("{}\n", serde_json::json!({ "url": url, "ca_file": ca_file, "data_dir": data })),
                false => {
                    let tls = if ca_file.is_some() { "own authority" } else { "given certificate" };
                    format!("Strongroom {} · data {data} · TLS: {tls} (SHA-256 {})\nOpen {url}\n", env!("CARGO_PKG_VERSION"), serving.fingerprint)
                }
            };
            let _ = print(&text);
        }))?;
        Ok(())
    }
}
