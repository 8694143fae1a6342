//! `config show`: the settings in force and where each comes from.

use super::{Failure, print};
use crate::config::{self, Flags};
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(super) enum Config {
    /// Print the settings in force
    Show(Show),
}

#[derive(Args)]
pub(super) struct Show {
    #[command(flatten)]
    flags: Flags,
    /// Also say where each comes from
    #[arg(long)]
    origin: bool,
}

impl Config {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Config::Show(Show { flags, origin }) = self;
        let lines = config::origins(&flags)?;
        if origin {
            return print(&lines);
        }
        let settings = config::load(&flags)?;
        let json = serde_json::to_string_pretty(&settings).map_err(|error| Failure::new(1, error.to_string()))?;
        print(&(json + "\n"))
    }
}
