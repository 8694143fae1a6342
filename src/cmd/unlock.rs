//! `unlock`: the passphrase for a server that waits for it.

use super::{
    Failure,
    console::{self, Where},
    passphrase,
};
use crate::control::{
    order::{Order, Confided},
    socket,
};
use clap::Args;

#[derive(Args)]
pub(super) struct Unlock {
    #[command(flatten)]
    at: Where,
}

impl Unlock {
    pub(super) fn run(self) -> Result<(), Failure> {
        let settings = self.at.settings()?;
        // Nobody types a passphrase for nothing.
        if !socket::is_served(&settings.data)? {
            return Err(console::not_running(&settings));
        }
        let words = Confided(passphrase::ask("Passphrase")?);
        let answer = console::by_the_server(&settings, &Order::Unlock { passphrase: words })?;
        self.at.say(&answer, |answer| match answer.get("already").and_then(serde_json::Value::as_bool) {
            Some(true) => "It is unlocked already.\n".into(),
            _ => "Unlocked.\n".into(),
        })
    }
}
