//! `key`: what opens the keyring, the recovery kit as text, and a new root key.

use super::{
    Failure,
    console::{self, Where},
    passphrase,
};
use crate::control::order::{Order, Confided};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::{fmt::Write, io::IsTerminal};
use store::startkey::Start;

#[derive(Subcommand)]
pub(super) enum Key {
    /// Say what opens the keyring at a start, and whether there is a recovery kit
    Status(Status),
    /// Print the recovery kit; if the one before is on paper, a new one takes its place
    Kit(Kit),
    /// Change the root key; the recovery kit then opens nothing any more
    Rotate(Rotate),
}

#[derive(Args)]
pub(super) struct Status {
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct Kit {
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct Rotate {
    /// Take the new passphrase from one line of standard input
    #[arg(long)]
    passphrase_stdin: bool,
    /// Do not ask at the terminal first
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    at: Where,
}

impl Key {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Key::Status(Status { at }) => at.carry_out(Order::KeyStatus, status),
            Key::Kit(Kit { at }) => kit(&at),
            Key::Rotate(rotate) => rotate.run(),
        }
    }
}

fn status(answer: &Value) -> String {
    let start = match console::text(answer, "start") {
        "beside" => "a key file beside the data. Whoever takes the disk takes both.".into(),
        "key-file" => format!("the key file {}.", console::text(answer, "file")),
        "credential" => "a systemd credential.".into(),
        _ => "a passphrase that somebody types.".to_owned(),
    };
    let gone = match answer.get("here").and_then(Value::as_bool) {
        Some(false) => "That is not here now: until it is, or another way is chosen under System, “Key”, every start waits\n(strongroom serve --wait) for the recovery kit.\n",
        _ => "",
    };
    let day = console::text(answer, "kit_made").split('T').next().unwrap_or_default();
    let kit = match answer.get("kit_waits").and_then(Value::as_bool) {
        Some(true) => format!("made on {day}, and not shown to be on paper. Print it with: strongroom key kit"),
        _ if day.is_empty() => "none. Print one with: strongroom key kit".to_owned(),
        _ => format!("made on {day}."),
    };
    format!("A start needs {start}\n{gone}Recovery kit: {kit}\n")
}

fn kit(at: &Where) -> Result<(), Failure> {
    let answer = console::done(&at.settings()?, Order::KeyKit)?;
    if answer.get("replaces").and_then(Value::as_bool) == Some(true) {
        eprintln!("strongroom: the recovery kit before this one opens nothing any more; destroy it");
    }
    at.say(&answer, sheet)?;
    eprintln!("strongroom: print this, keep it away from the server, and leave no file of it; then show on the page System, “Recovery kit”, that it is on paper");
    Ok(())
}

/// What is printed.
fn sheet(answer: &Value) -> String {
    let number = answer.get("number").and_then(Value::as_u64).unwrap_or(0);
    let mut out = format!("RECOVERY KIT {number} OF {}\nMade on {}\n\n", console::text(answer, "firm").to_uppercase(), console::text(answer, "day"));
    out.push_str("This key opens the data when what opens it at a start is lost. Keep the sheet like a\ndeed: in a safe, away from the server, never in a photo or an e-mail.\n\nThe key\n\n");
    let groups: Vec<&str> = console::rows(answer, "groups").iter().filter_map(Value::as_str).collect();
    for (line, seven) in groups.chunks(7).enumerate() {
        let cells: Vec<String> = seven.iter().enumerate().map(|(n, group)| format!("{:>2} {group}", line * 7 + n + 1)).collect();
        let _ = writeln!(out, "    {}", cells.join("   "));
    }
    out.push_str("\nTo restore\n\n    1. Install Strongroom on a machine that you trust.\n    2. Put a copy of the data directory there.\n");
    out.push_str("    3. Start it with: strongroom serve --wait, and type the 14 groups on the page\n       that it names, or with: strongroom unlock. Capitals,\n       blanks and hyphens do not matter; there is no letter O, I, L or U. The numbers\n       before the groups are not part of the key.\n    4. Choose anew what opens it at a start, and print a new kit.\n");
    let places: Vec<&str> = console::rows(answer, "restore").iter().filter_map(Value::as_str).collect();
    if !places.is_empty() {
        out.push_str("\nTo restore from a backup, when the machine is lost\n\n    Run one of these on a new machine, with a new directory behind --to; it asks for\n    the 14 groups. Then go on with step 3.\n\n");
        places.iter().for_each(|command| out.push_str(&broken(command)));
    }
    out.push_str("\nHolder 1, name and signature  ______________________________\n\nHolder 2, name and signature  ______________________________\n");
    out
}

/// A command over as many lines as it needs, as a shell takes it.
fn broken(command: &str) -> String {
    let mut lines = vec![String::new()];
    for word in command.split(' ') {
        let line = lines.len() - 1;
        match lines.get_mut(line) {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) if last.chars().count() + word.chars().count() < 76 => *last += &format!(" {word}"),
            _ => lines.push(word.into()),
        }
    }
    format!("    {}\n", lines.join(" \\\n        "))
}

impl Rotate {
    fn run(self) -> Result<(), Failure> {
        let settings = self.at.settings()?;
        let asks = Start::of(&settings.data)? == Start::Passphrase;
        let terminal = std::io::stdin().is_terminal();
        let passphrase = match (asks, self.passphrase_stdin) {
            (false, true) => return Err(Failure::new(2, "No passphrase opens this keyring. Leave out --passphrase-stdin.")),
            (true, false) if !terminal => return Err(Failure::new(2, "A passphrase opens this keyring. Run this at a terminal, or give the new one on standard input with --passphrase-stdin.")),
            (true, _) => Some(Confided(passphrase::ask_new()?)),
            (false, false) => None,
        };
        console::agree(self.yes || self.passphrase_stdin, "The root key is changed, and the recovery kit on paper opens nothing any more.")?;
        let answer = console::done(&settings, Order::KeyRotate { passphrase })?;
        self.at.say(&answer, |answer| format!("The root key is another one. The recovery kit before opens nothing any more: destroy it, and print a new one.\n{}", status(answer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_numbers_its_groups() {
        let groups: Vec<String> = (0..14).map(|n| format!("{n:04}")).collect();
        let text = sheet(&serde_json::json!({ "number": 3, "day": "24 Nov 2026", "firm": "Pell & Harrow", "groups": groups }));
        assert!(text.starts_with("RECOVERY KIT 3 OF PELL & HARROW\nMade on 24 Nov 2026\n"), "{text}");
        for part in [" 1 0000    2 0001", " 8 0007    9 0008", "14 0013\n", "Holder 2"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 90) && !text.contains("lost\n\n    Run"));
        let command = format!("strongroom restore --sftp backup@nas.example:22/strongroom --host-key SHA256:{} --identity FILE --kit - --to DIR", "x".repeat(43));
        let text = sheet(&serde_json::json!({ "groups": [], "restore": [command] }));
        assert!(text.contains("    strongroom restore --sftp backup@nas.example:22/strongroom --host-key \\\n        SHA256:"), "{text}");
    }

    #[test]
    fn what_opens_the_keyring_is_said() {
        let said = |start, kit: Option<&str>, waits| status(&serde_json::json!({ "start": start, "file": "/k", "kit_made": kit, "kit_waits": waits }));
        let lost = status(&serde_json::json!({ "start": "beside", "here": false }));
        assert!(lost.contains("every start waits\n(strongroom serve --wait) for the recovery kit."), "{lost}");
        assert!(said("key-file", None, false).contains("the key file /k.\nRecovery kit: none"));
        assert!(said("beside", Some("2026-11-24T01:02:03Z"), false).ends_with("made on 2026-11-24.\n"));
        assert!(said("passphrase", Some("2026-11-24T01:02:03Z"), true).contains("not shown to be on paper"));
    }
}
