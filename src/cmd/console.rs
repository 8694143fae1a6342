//! How a command reaches an installation: through the server that runs, or, when none does, by opening it itself. It says which.

use super::{Failure, print, refuse_empty, runtime};
use crate::{
    app,
    backup::Backups,
    config::{self, Flags, Settings},
    control::{
        order::{self, Order},
        perform::perform,
        socket,
    },
};
use clap::Args;
use serde_json::Value;
use std::{
    io::{BufRead, IsTerminal},
    path::PathBuf,
    sync::Arc,
};

const THROUGH: &str = "strongroom: through the running server";

/// Which installation, and how to answer.
#[derive(Args)]
pub(super) struct Where {
    /// Data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// File with the root key, if no server runs
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Which site of it.
#[derive(Args)]
pub(super) struct OfSite {
    /// Name or host name of the site; needed where there are several
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
}

impl OfSite {
    pub(super) fn name(&self) -> String {
        self.site.clone().unwrap_or_default()
    }
}

impl From<order::Failure> for Failure {
    fn from(failure: order::Failure) -> Self {
        Failure { code: failure.code, text: failure.text }
    }
}

/// The settings of the installation in a data directory, or in the usual one. Refuses a directory that holds none.
pub(super) fn settings_of(data: Option<PathBuf>) -> Result<Settings, Failure> {
    let mut flags = Flags::default();
    flags.data = data;
    let settings = config::load(&flags)?;
    refuse_empty(&settings)?;
    Ok(settings)
}

impl Where {
    /// The settings that name the installation. Refuses a directory that holds none.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = settings_of(self.data.clone())?;
        if let Some(file) = &self.key_file {
            settings.key_file = Some(file.clone());
        }
        Ok(settings)
    }

    /// Has it done, by whoever can, and prints the answer.
    pub(super) fn carry_out(&self, order: Order, words: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
        let settings = self.settings()?;
        let answer = done(&settings, order)?;
        self.say(&answer, words)
    }

    /// The answer is for a program.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// As JSON, or in words.
    pub(super) fn say(&self, answer: &Value, words: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
        print(&match self.json {
            true => format!("{answer}\n"),
            false => words(answer),
        })
    }
}

/// Writes over one line of the terminal how far it is; nothing where there is no terminal.
pub(super) fn progress() -> impl FnMut(&str) + Clone {
    let terminal = std::io::stderr().is_terminal();
    move |words: &str| {
        if terminal {
            eprint!("\r\x1b[K{words}");
        }
    }
}

/// Has it done by the server that runs, or on the stopped installation.
pub(super) fn done(settings: &Settings, order: Order) -> Result<Value, Failure> {
    if let Some(answer) = socket::ask(&settings.data, &order, &mut progress())? {
        progress()("");
        eprintln!("{THROUGH}");
        return Ok(answer?);
    }
    runtime()?.block_on(async {
        let appliance = Arc::new(app::open(settings)?);
        eprintln!("strongroom: on the stopped installation in {}", settings.data.display());
        let backups = Backups::of(&appliance, app::now)?;
        let answer = perform(&appliance, &backups, &settings.url(settings.port), order).await;
        appliance.close();
        Ok(answer?)
    })
}

/// Has it done by the server that runs; 69 when none does.
pub(super) fn by_the_server(settings: &Settings, order: &Order) -> Result<Value, Failure> {
    let answer = socket::ask(&settings.data, order, &mut progress())?.ok_or_else(|| not_running(settings))?;
    eprintln!("{THROUGH}");
    Ok(answer?)
}

/// Asks at a terminal before something that cannot be undone; a script has said so by being one.
pub(super) fn agree(yes: bool, what: &str) -> Result<(), Failure> {
    let mut terminal = std::io::stdin().lock();
    if yes || !terminal.is_terminal() {
        return Ok(());
    }
    eprint!("{what} Type yes to go on: ");
    let mut typed = String::new();
    terminal.read_line(&mut typed).map_err(|error| Failure::new(1, error.to_string()))?;
    match typed.trim().eq_ignore_ascii_case("yes") {
        true => Ok(()),
        false => Err(Failure::new(1, "Nothing was changed.")),
    }
}

/// Nobody answers at the socket of this directory.
pub(super) fn not_running(settings: &Settings) -> Failure {
    Failure::new(69, format!("No server runs on {}. Start it with: strongroom serve", settings.data.display()))
}

/// A field of an answer as text; empty when it is none.
pub(super) fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The objects in a field of an answer.
pub(super) fn rows<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A link that is shown this once, and how it reaches whom it is for.
pub(super) fn link(answer: &Value) -> String {
    let letter = match answer.get("letter").and_then(Value::as_bool) {
        Some(true) => "A letter with it is on its way.\n",
        Some(false) => "No mail server is set: pass it on yourself.\n",
        None => "",
    };
    format!("    {}\n(works once, until {})\n{letter}", text(answer, "link"), text(answer, "until"))
}

/// Rows under a head, in columns two blanks apart.
pub(super) fn columns<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let all = || std::iter::once(&head).chain(rows);
    let widths: Vec<usize> = (0..N).map(|n| all().filter_map(|row| row.get(n)).map(|cell| cell.chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    all().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [["Ann Öde", "x"], ["B", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(columns(["Name", "State"], &rows), "Name     State\nAnn Öde  x\nB\n");
    }
}
