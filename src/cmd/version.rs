//! `version`: for people, or as JSON.

use super::{Failure, print};
use clap::Args;

#[derive(Args)]
pub(super) struct Version {
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

impl Version {
    pub(super) fn run(self) -> Result<(), Failure> {
        let version = env!("CARGO_PKG_VERSION");
        print(&match self.json {
            true => format!("{}\n", serde_json::json!({ "name": "strongroom", "version": version, "target": std::env::consts::ARCH, "os": std::env::consts::OS })),
            false => format!("strongroom {version}\n"),
        })
    }
}
