//! `demo`: the sample firm, made on the fly, then served.

use super::{Failure, log, print, runtime};
use crate::{
    app,
    config::{self, Flags, Settings},
    demo::{self, Account},
};
use clap::Args;
use std::{fmt::Write, path::PathBuf};
use store::{Appliance, error::OpenError};

#[derive(Args)]
pub(super) struct Demo {
    #[command(flatten)]
    flags: Flags,
    /// Which sample firm is made: the same number makes the same firm [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many cases a new sample firm has [default: 200]
    #[arg(long, value_name = "N")]
    cases: Option<u64>,
    /// Print one line of JSON once it answers, and nothing else
    #[arg(long)]
    json: bool,
    /// Print the sign-in codes of this moment for the firm in --data, and end
    #[arg(long)]
    codes: bool,
}

/// Where the sample firm is kept when nothing else is said.
fn home() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    state.or(home).unwrap_or_else(std::env::temp_dir).join("strongroom-demo")
}

impl Demo {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut flags = self.flags.clone();
        flags.data.get_or_insert_with(home);
        let settings = config::load(&flags)?;
        if self.codes {
            return print(&codes(&demo::known(&settings)?));
        }
        log();
        let again = self.flags.typed_again();
        runtime()?.block_on(async {
            let (appliance, accounts) = self.firm(&settings).await?;
            let data = settings.data.clone();
            let ready = |url: &str, serving: &app::Serving| {
                let text = match self.json {
                    true => json(url, serving, &data, &accounts),
                    false => words(url, serving, &data, &accounts, &again),
                };
                let _ = print(&text);
            };
            app::run(&settings, app::Opened::Open(Box::new(appliance)), ready).await?;
            Ok(())
        })
    }

    /// The firm that is there, or a new one once it is known that it can be served.
    async fn firm(&self, settings: &Settings) -> Result<(Appliance, Vec<Account>), OpenError> {
        let talk = !self.json;
        if Appliance::is_there(&settings.data)? {
            if talk && (self.seed.is_some() || self.cases.is_some()) {
                eprintln!("There is a firm in {} already; it is served as it is. --seed and --cases are for a new one.", settings.data.display());
            }
            return demo::open(settings, talk).await;
        }
        app::try_ports(settings).await?;
        demo::create(settings, self.seed.unwrap_or(1), self.cases.unwrap_or(200), talk).await
    }
}

fn json(url: &str, serving: &app::Serving, data: &std::path::Path, accounts: &[Account]) -> String {
    let users: Vec<serde_json::Value> = accounts
        .iter()
        .map(|a| serde_json::json!({ "name": a.name, "email": a.email, "role": a.role.value(), "words": a.words, "password": a.password, "totp_secret": a.secret() }))
        .collect();
    let ca_file = serving.ca_file.as_ref().map(|path| path.display().to_string());
    format!("{}\n", serde_json::json!({ "url": url, "ca_file": ca_file, "data_dir": data.display().to_string(), "users": users }))
}

/// `again` holds the flags that name this firm, for the command that prints codes.
fn words(url: &str, serving: &app::Serving, data: &std::path::Path, accounts: &[Account], again: &str) -> String {
    let mut out = format!("\nStrongroom {} · the sample firm in {}\n", env!("CARGO_PKG_VERSION"), data.display());
    let _ = writeln!(out, "\n    Open {url}\n");
    let _ = writeln!(out, "The browser warns, because this machine made the certificate itself. Compare its SHA-256 fingerprint:");
    let _ = writeln!(out, "    {}", serving.fingerprint);
    if let Some(file) = &serving.ca_file {
        let _ = writeln!(out, "or import its authority: {}", file.display());
    }
    let _ = writeln!(out, "\nSign in as\n");
    for a in accounts {
        let _ = writeln!(out, "    {:<18} {:<22} {:<34} password {}", a.name, a.words, a.email, a.password);
    }
    let _ = writeln!(out, "\nA code is asked for after the password. In another window:\n    strongroom demo --codes{again}\n(with cargo: cargo run --release -- demo --codes{again})");
    let _ = writeln!(out, "Each code works once; a new one comes every 30 seconds. End with Ctrl-C; the firm is kept.");
    out
}

fn codes(accounts: &[Account]) -> String {
    let now = app::now().seconds();
    let left = keys::totp::STEP - now % keys::totp::STEP;
    let mut out = format!("For another {left} seconds:\n");
    for a in accounts {
        let code = keys::totp::code_at(&a.totp, now);
        let (head, tail) = code.split_at_checked(3).unwrap_or((&code, ""));
        let _ = writeln!(out, "    {:<18} {head} {tail}", a.name);
    }
    out
}
