//! The commands: one file each. What was typed is parsed here; exit codes are given here.

mod audit;
mod backup;
mod config;
mod console;
mod demo;
mod dest;
mod export;
mod healthcheck;
mod key;
mod manual;
mod passphrase;
mod place;
mod rescue;
mod restore;
mod serve;
mod setup_link;
mod site;
mod unlock;
mod user;
mod version;

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;
use store::error::OpenError;

const AFTER: &str = "Exit codes: 0 done · 1 failed · 2 wrong usage · 69 not running, or not to be reached · 73 cannot write · 75 in use, locked or waiting for somebody · 77 no permission, or refused by a destination · 78 bad configuration";

/// Keeps a firm's cases and documents: one binary, encrypted at rest.
#[derive(Parser)]
#[command(name = "strongroom", version, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve an installation until told to stop
    Serve(serve::Serve),
    /// Try it out: a sample firm, made on the fly
    Demo(demo::Demo),
    /// Ask a running server whether it is ready
    Healthcheck(healthcheck::Healthcheck),
    /// Print a new one-time link with which a site is set up
    SetupLink(setup_link::SetupLink),
    /// Give a server that waits for it the passphrase
    Unlock(unlock::Unlock),
    /// Work with accounts
    #[command(subcommand)]
    User(user::User),
    /// Work with sites
    #[command(subcommand)]
    Site(site::Site),
    /// Let a system administrator in again who has lost every way in
    Rescue(rescue::Rescue),
    /// Work with the root key and the recovery kit
    #[command(subcommand)]
    Key(key::Key),
    /// Work with the places where backups go
    #[command(subcommand)]
    Dest(dest::Dest),
    /// Make, try and look at backups
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Bring everything back from a destination, into a new directory
    Restore(Box<restore::Restore>),
    /// Return all data: everything of a site, or of one client, as a ZIP that anybody can open and check
    Export(Box<export::Export>),
    /// Work with the trail
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Work with settings
    #[command(subcommand)]
    Config(config::Config),
    /// Print every page and form with the class of people who may reach it
    Routes,
    /// Print shell completions
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
    /// Print the version
    Version(version::Version),
}

/// How a command ends when it does not succeed.
struct Failure {
    code: u8,
    text: String,
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Failure { code: error.exit, text: error.text }
    }
}

impl Failure {
    fn new(code: u8, text: impl Into<String>) -> Failure {
        Failure { code, text: text.into() }
    }
}

/// Runs what was typed.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    if !matches!(cli.command, Command::Routes | Command::Completions { .. } | Command::Man | Command::Version(_)) {
        crate::config::unknown_variables().iter().for_each(|text| eprintln!("strongroom: {text}"));
    }
    let done = match cli.command {
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Healthcheck(check) => check.run(),
        Command::SetupLink(link) => link.run(),
        Command::Unlock(unlock) => unlock.run(),
        Command::User(user) => user.run(),
        Command::Site(site) => site.run(),
        Command::Rescue(rescue) => rescue.run(),
        Command::Key(key) => key.run(),
        Command::Dest(dest) => dest.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Export(export) => export.run(),
        Command::Audit(audit) => audit.run(),
        Command::Config(config) => config.run(),
        Command::Routes => print(&(crate::web::table::lines().join("\n") + "\n")),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man => manual::man(),
        Command::Version(version) => version.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("strongroom: {}", calm(&failure.text));
            ExitCode::from(failure.code)
        }
    }
}

/// Without what would drive a terminal: a path, or what a server answered, may hold escape sequences.
fn calm(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() && !matches!(sign, '\n' | '\t') { char::REPLACEMENT_CHARACTER } else { sign }).collect()
}

/// Prints to standard output; a reader that went away is no failure.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    match std::io::stdout().write_all(calm(text).as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(1, format!("Standard output: {error}."))),
        _ => Ok(()),
    }
}

/// Refuses a directory that holds no installation.
fn refuse_empty(settings: &crate::config::Settings) -> Result<(), Failure> {
    match store::Appliance::is_there(&settings.data)? {
        true => Ok(()),
        false => Err(Failure::new(78, format!("{} holds no installation. Give the directory of one with --data, or try the sample firm: strongroom demo", settings.data.display()))),
    }
}

/// The whole command line, for manual and completions.
fn command_line() -> clap::Command {
    Cli::command()
}

/// A runtime for commands that wait for things.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failure::new(1, format!("No threads: {error}.")))
}

/// Stands where programs of the `log` facade would put a logger of their own: the web framework has one that prints every request, and sets it
/// up anew for each copy that a drill tries.
struct Silent;

impl ::log::Log for Silent {
    fn enabled(&self, _: &::log::Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &::log::Record<'_>) {}

    fn flush(&self) {}
}

/// Logs go to standard error: for people on a terminal, as JSON otherwise.
fn log() {
    use std::io::IsTerminal;
    let _ = ::log::set_logger(&Silent);
    let filter = tracing_subscriber::EnvFilter::try_from_env("STRONGROOM_LOG").unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,strongroom=info,strongroom_store=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if std::io::stderr().is_terminal() { builder.init() } else { builder.json().init() }
}
