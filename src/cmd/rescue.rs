//! `rescue`: the last way back in for a system administrator. It is written down, told to all of them, and stands on their pages until
//! one of them has read it.

use super::{
    Failure,
    console::{self, OfSite, Where},
};
use crate::control::order::Order;
use clap::Args;

#[derive(Args)]
pub(super) struct Rescue {
    /// E-mail address of the system administrator; needed where there are several
    email: Option<String>,
    /// Do not ask at the terminal first
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    site: OfSite,
    #[command(flatten)]
    at: Where,
}

impl Rescue {
    pub(super) fn run(self) -> Result<(), Failure> {
        console::agree(self.yes, "Password, app, passkeys and codes of this system administrator are taken away, and all system administrators are told.")?;
        let order = Order::Rescue { site: self.site.name(), email: self.email };
        self.at.carry_out(order, |answer| {
            let who = console::text(answer, "who");
            format!("Every way in of {who} is taken away, and all system administrators are told. This link leads to new ones:\n{}", console::link(answer))
        })
    }
}
