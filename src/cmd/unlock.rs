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
use std::{path::Path, time::Duration};

#[derive(Args)]
pub(super) struct Unlock {
    #[command(flatten)]
    at: Where,
}

/// Steps in which the server is asked whether it is ready, and how many: one minute.
const STEP: Duration = Duration::from_millis(200);
const STEPS: u32 = 300;

/// Waits until the server answers orders: whoever waits at the socket makes room for it first.
fn is_ready(data: &Path) -> bool {
    (0..STEPS).any(|_| {
        std::thread::sleep(STEP);
        matches!(socket::ask(data, &Order::KeyStatus, &mut |_| {}), Ok(Some(Ok(_))))
    })
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
        let already = answer.get("already").and_then(serde_json::Value::as_bool) == Some(true);
        let ready = already || is_ready(&settings.data);
        self.at.say(&answer, |_| match (already, ready) {
            (true, _) => "It is unlocked already.\n".into(),
            (false, true) => "Unlocked. The server is ready.\n".into(),
            (false, false) => "Unlocked. The server still opens its databases; its log says how far it is.\n".into(),
        })
    }
}
