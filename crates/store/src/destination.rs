//! Where backups go, and what came of each drill: rows of the registry. What lets us in at a destination is in them, and nowhere else.

use crate::{
    Appliance, Writing,
    charge::{Keeper, Leave},
    error::OpenError,
};
use rules::{Moment, Refusal, Secret, Verb};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

/// When a destination is to have what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At once.
    Continuous,
    /// Every two hours, put together.
    TwoHourly,
    /// Once after midnight (UTC), put together.
    Nightly,
    /// When somebody asks, or the disk is put in.
    ByHand,
}

impl Schedule {
    /// As it is kept and typed.
    pub const fn word(self) -> &'static str {
        match self {
            Schedule::Continuous => "continuous",
            Schedule::TwoHourly => "two-hourly",
            Schedule::Nightly => "nightly",
            Schedule::ByHand => "by-hand",
        }
    }

    /// From how it is kept or typed.
    pub fn from_word(word: &str) -> Option<Schedule> {
        [Schedule::Continuous, Schedule::TwoHourly, Schedule::Nightly, Schedule::ByHand].into_iter().find(|schedule| schedule.word() == word)
    }
}

/// What is kept at a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retained {
    /// Days for which every change is kept.
    pub changes: u32,
    /// Days for which the last state of each hour is kept.
    pub hours: u32,
    /// Days for which the last state of each day is kept.
    pub days: u32,
    /// How many images of the program.
    pub images: u32,
    /// Whether what is older is taken away every night.
    pub prunes: bool,
}

impl Default for Retained {
    fn default() -> Retained {
        Retained { changes: 2, hours: 14, days: 30, images: 8, prunes: true }
    }
}

impl Retained {
    /// A thousand years of days are a mistake of typing.
    const MOST: u32 = 36_500;

    fn check(&self) -> Result<(), OpenError> {
        let Retained { changes, hours, days, images, .. } = self;
        match [changes, hours, days].into_iter().all(|days| (1..=Self::MOST).contains(days)) && (1..=1000).contains(images) {
            true => Ok(()),
            false => Err(OpenError { exit: 2, text: "Keep changes, hours and days for at least 1 day and at most 36500, and between 1 and 1000 images.".into() }),
        }
    }
}

/// A destination.
#[derive(Debug)]
pub struct Destination {
    /// What it is called.
    pub name: String,
    /// JSON that says what kind it is, how it is reached, and what lets us in.
    pub place: Secret<String>,
    /// When it is to have what changed.
    pub schedule: Schedule,
    /// What is kept there.
    pub retained: Retained,
    /// When it was added.
    pub added: Moment,
}

/// The report of a drill.
#[derive(Clone, Debug)]
pub struct DrillRow {
    /// The destination that was tried.
    pub destination: String,
    /// The site that was restored from it.
    pub site: [u8; 16],
    /// When it ended.
    pub ended: Moment,
    /// "passed", "failed" or "inconclusive".
    pub outcome: String,
    /// JSON, as it was signed.
    pub report: String,
    /// Ed25519, by the key of the site.
    pub signature: Vec<u8>,
}

/// Leave to change the destinations: that somebody did is written down.
pub fn changing(keeper: &Keeper<'_, Writing>, verb: Verb) -> Result<Leave<Writing>, Refusal> {
    keeper.tx().note(verb);
    Ok(keeper.leave())
}

fn unknown(name: &str) -> OpenError {
    OpenError { exit: 2, text: format!("There is no destination “{name}”. See: strongroom dest list") }
}

impl Appliance {
    /// Every destination, by name. For whoever ships; what is shown of one leaves out what lets us in.
    pub fn destinations(&self) -> Result<Vec<Destination>, OpenError> {
        let registry = self.registry();
        let mut rows = registry.prepare("select name, place, schedule, added, changes, hours, days, images, prunes from destination order by name")?;
        let read = |row: &rusqlite::Row<'_>| {
            let schedule: String = row.get(2)?;
            let schedule = Schedule::from_word(&schedule).unwrap_or(Schedule::Continuous);
            let retained = Retained { changes: row.get(4)?, hours: row.get(5)?, days: row.get(6)?, images: row.get(7)?, prunes: row.get(8)? };
            Ok(Destination { name: row.get(0)?, place: Secret::new(row.get(1)?), schedule, retained, added: Moment(row.get(3)?) })
        };
        Ok(rows.query_map([], read)?.collect::<Result<_, _>>()?)
    }

    /// Adds a destination. A name that is taken is refused.
    pub fn add_destination(&self, _: &Leave<Writing>, name: &str, place: &Secret<String>, schedule: Schedule) -> Result<(), OpenError> {
        let now = self.now().0;
        let registry = self.registry();
        let taken = registry.query_row("select 1 from destination where name = ?", [name], |_| Ok(())).optional()?;
        if taken.is_some() {
            return Err(OpenError { exit: 2, text: format!("There is a destination “{name}” already. Choose another name, or remove that one first.") });
        }
        registry.execute("insert into destination (name, place, schedule, added) values (?, ?, ?, ?)", params![name, place.expose(), schedule.word(), now])?;
        Ok(())
    }

    /// Gives a destination another schedule.
    pub fn schedule_destination(&self, _: &Leave<Writing>, name: &str, schedule: Schedule) -> Result<(), OpenError> {
        match self.registry().execute("update destination set schedule = ?2 where name = ?1", params![name, schedule.word()])? {
            0 => Err(unknown(name)),
            _ => Ok(()),
        }
    }

    /// Changes what is kept at a destination.
    pub fn retain_at_destination(&self, _: &Leave<Writing>, name: &str, retained: &Retained) -> Result<(), OpenError> {
        retained.check()?;
        let Retained { changes, hours, days, images, prunes } = retained;
        let put = "update destination set changes = ?2, hours = ?3, days = ?4, images = ?5, prunes = ?6 where name = ?1";
        match self.registry().execute(put, params![name, changes, hours, days, images, prunes])? {
            0 => Err(unknown(name)),
            _ => Ok(()),
        }
    }

    /// Removes a destination. What lies there stays there.
    pub fn remove_destination(&self, _: &Leave<Writing>, name: &str) -> Result<(), OpenError> {
        match self.registry().execute("delete from destination where name = ?", [name])? {
            0 => Err(unknown(name)),
            _ => Ok(()),
        }
    }

    /// Keeps the report of a drill; the oldest of more than a thousand for a site are forgotten.
    pub fn keep_drill(&self, row: &DrillRow) -> Result<(), OpenError> {
        let registry = self.registry();
        let put = "insert into drill (destination, site_id, ended, outcome, report, signature) values (?, ?, ?, ?, ?, ?)";
        registry.execute(put, params![row.destination, row.site, row.ended.0, row.outcome, row.report, row.signature])?;
        registry.execute("delete from drill where site_id = ?1 and id not in (select id from drill where site_id = ?1 order by id desc limit 1000)", [row.site])?;
        Ok(())
    }

    /// The drills that ended since then, the newest first.
    pub fn drills(&self, since: Moment) -> Result<Vec<DrillRow>, OpenError> {
        let registry = self.registry();
        let mut rows = registry.prepare("select destination, site_id, ended, outcome, report, signature from drill where ended >= ? order by ended desc")?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(DrillRow { destination: row.get(0)?, site: row.get(1)?, ended: Moment(row.get(2)?), outcome: row.get(3)?, report: row.get(4)?, signature: row.get(5)? })
        };
        Ok(rows.query_map([since.0], read)?.collect::<Result<_, _>>()?)
    }
}
