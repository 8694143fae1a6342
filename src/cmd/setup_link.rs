//! `setup-link`: a new one-time link with which a site is set up. Only a running server can be set up, and its start makes a link anyway.

use super::{
    Failure,
    console::{self, OfSite, Where},
};
use crate::control::order::Order;
use clap::Args;

#[derive(Args)]
pub(super) struct SetupLink {
    #[command(flatten)]
    at: Where,
    #[command(flatten)]
    site: OfSite,
}

impl SetupLink {
    pub(super) fn run(self) -> Result<(), Failure> {
        let settings = self.at.settings()?;
        let answer = console::by_the_server(&settings, &Order::SetupLink { site: self.site.name() })?;
        self.at.say(&answer, |answer| format!("Finish setting up in your browser:\n{}", console::link(answer)))
    }
}
