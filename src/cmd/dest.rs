//! `dest`: the places where backups go.

use super::{
    Failure,
    console::{self, Where},
};
use super::place::{Access, Typed, place};
use crate::control::order::{Confided, Order};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use std::fmt::Write;

#[derive(Subcommand)]
pub(super) enum Dest {
    /// Send backups to another place, after it was tried
    Add(Box<Add>),
    /// Print the key with which this installation goes to SSH servers, for their authorized_keys
    Key(List),
    /// Write, read and remove something at a place
    Test(Named),
    /// Print every place and how it stands
    List(List),
    /// Change when a place gets what is new
    Schedule(Reschedule),
    /// Change what is kept at a place: without numbers, print it
    Keep(Keep),
    /// Send nothing there any more; what lies there stays
    Remove(Named),
}

/// When a place gets what is new.
#[derive(Clone, Copy, ValueEnum)]
enum When {
    /// At once
    Continuous,
    /// Every two hours
    TwoHourly,
    /// After midnight, UTC
    Nightly,
    /// When asked, or when its disk is put in
    ByHand,
}

impl When {
    fn word(self) -> String {
        match self {
            When::Continuous => "continuous",
            When::TwoHourly => "two-hourly",
            When::Nightly => "nightly",
            When::ByHand => "by-hand",
        }
        .into()
    }
}

#[derive(Args)]
pub(super) struct Add {
    /// What to call it: letters, digits and hyphens
    name: String,
    #[command(flatten)]
    typed: Typed,
    #[command(flatten)]
    access: Access,
    /// When it gets what is new
    #[arg(long, value_enum, default_value = "continuous")]
    schedule: When,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct Named {
    /// Its name
    name: String,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct Reschedule {
    /// Its name
    name: String,
    /// When it gets what is new
    schedule: When,
    #[command(flatten)]
    at: Where,
}

#[derive(Args)]
pub(super) struct Keep {
    /// Its name
    name: String,
    /// Days for which every change is kept (2)
    #[arg(long, value_name = "DAYS")]
    changes: Option<u32>,
    /// Days for which the last state of each hour is kept (14)
    #[arg(long, value_name = "DAYS")]
    hours: Option<u32>,
    /// Days for which the last state of each day is kept (30)
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    /// How many quarterly images of the program are kept (8)
    #[arg(long, value_name = "N")]
    images: Option<u32>,
    /// Whether what is older is removed after the night's drill
    #[arg(long, value_name = "YES")]
    prune: Option<YesNo>,
    #[command(flatten)]
    at: Where,
}

#[derive(Clone, Copy, ValueEnum)]
enum YesNo {
    /// It is
    Yes,
    /// It stays until somebody prunes
    No,
}

impl Dest {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Dest::Add(add) => add.run(),
            Dest::Key(List { at }) => at.carry_out(Order::DestKey, |answer| format!("{}\n", console::text(answer, "public"))),
            Dest::Test(Named { name, at }) => at.carry_out(Order::DestTest { name }, tried),
            Dest::List(List { at }) => at.carry_out(Order::DestList, table),
            Dest::Schedule(Reschedule { name, schedule, at }) => at.carry_out(Order::DestSchedule { name, schedule: schedule.word() }, |_| "Changed.\n".into()),
            Dest::Keep(Keep { name, changes, hours, days, images, prune, at }) => {
                let prunes = prune.map(|prune| matches!(prune, YesNo::Yes));
                at.carry_out(Order::DestKeep { name, changes, hours, days, images, prunes }, kept)
            }
            Dest::Remove(Named { name, at }) => at.carry_out(Order::DestRemove { name }, |_| "Removed. What lies there stays; nothing new goes there.\n".into()),
        }
    }
}

impl Add {
    fn run(self) -> Result<(), Failure> {
        let place = place(&self.typed, &self.access)?.text().map_err(|why| Failure::new(2, why))?;
        let order = Order::DestAdd { name: self.name, place: Confided(place), schedule: self.schedule.word() };
        self.at.carry_out(order, |answer| format!("Added. {}The first backup of everything begins now. The way back from there belongs on the recovery kit: print it again, with strongroom key kit or on the page System, “Recovery kit”.\n", tried(answer)))
    }
}

fn tried(answer: &Value) -> String {
    let locks = console::text(answer, "locks");
    let mut out = match answer.get("removes").and_then(Value::as_bool) {
        _ if !locks.is_empty() => format!("It takes and gives back what it should. Its object lock keeps everything that comes ({locks}): whatever is removed from here is hidden there and not gone. Let a lifecycle rule expire what is hidden.\n"),
        Some(true) => "It takes, gives back and removes what it should. Whoever takes over this machine could remove backups there: keep a second place that nobody can clear from here.\n".to_owned(),
        _ => "It takes and gives back what it should, and lets nothing be removed from here. That is good: whoever takes over this machine cannot clear it.\n".to_owned(),
    };
    if let Some(free) = answer.get("free").and_then(Value::as_u64) {
        let _ = writeln!(out, "{} free there.", rules::document::size_words(free));
    }
    out
}

/// What is kept at a place.
fn kept(answer: &Value) -> String {
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
    let days = |name: &str| rules::text::count(usize::try_from(number(name)).unwrap_or(0), "day", "days");
    // Nothing goes that is younger than a week.
    let changes = rules::text::count(usize::try_from(number("changes").max(7)).unwrap_or(0), "day", "days");
    let older = match answer.get("prunes").and_then(Value::as_bool) {
        Some(true) => "What is older is removed after the night's drill, once it is 7 days old and the drill has passed.",
        _ => "What is older stays until somebody removes it: strongroom backup prune",
    };
    format!("Every change for {}, each hour for {}, each day for {}, and {} images of the program.\n{older}\n", changes, days("hours"), days("days"), number("images"))
}

/// Every place and how it stands.
pub(super) fn table(answer: &Value) -> String {
    let row = |row: &Value| {
        let text = |name| console::text(row, name).to_owned();
        let state = match console::text(row, "error") {
            "" => text("state"),
            why => format!("failing: {why}"),
        };
        let behind = row.get("behind_seconds").and_then(Value::as_i64).unwrap_or(0);
        let behind = match behind {
            _ if console::text(row, "state") == "empty" => "everything".into(),
            0 => "nothing".into(),
            behind => format!("{behind} s"),
        };
        [text("name"), text("schedule"), text("place"), behind, text("good"), state]
    };
    let rows: Vec<[String; 6]> = console::rows(answer, "destinations").iter().map(row).collect();
    let mut out = match rows.is_empty() {
        true => "There is no destination: nothing is backed up. Add one with: strongroom dest add NAME --dir PATH (or --sftp, --s3, --disk)\n".to_owned(),
        false => console::columns(["Name", "Schedule", "Place", "Behind", "Last complete", "State"], &rows),
    };
    for row in console::rows(answer, "destinations").iter().filter(|row| !console::text(row, "damage").is_empty()) {
        let _ = writeln!(out, "! {}", console::text(row, "damage"));
    }
    for trouble in console::rows(answer, "troubles").iter().filter_map(Value::as_str) {
        let _ = writeln!(out, "! {trouble}");
    }
    out
}
