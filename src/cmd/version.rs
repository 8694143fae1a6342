//! `version`: for people, or as JSON.

use super::{Failure, print};
use clap::Args;

#[derive(Args)]
pub(super) struct Version {
    /// Print one line of JSON, with the commit it was built from
    #[arg(long)]
    json: bool,
}

impl Version {
    pub(super) fn run(self) -> Result<(), Failure> {
        let version = env!("CARGO_PKG_VERSION");
        let (commit, target, os) = (env!("SOURCE_COMMIT"), std::env::consts::ARCH, std::env::consts::OS);
        print(&match self.json {
            true => format!("{}\n", serde_json::json!({ "name": "strongroom", "version": version, "commit": commit, "target": target, "os": os })),
            false => format!("strongroom {version}\n"),
        })
    }
}
