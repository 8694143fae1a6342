//! A look at what lies at the destinations: which states could be restored, and whether everything is whole.

use super::{Backups, Failing, line::Line, marker, runner::Runner};
use ship::{
    head::{Hex, Kind},
    restore::Trust,
    verify::{Depth, Findings, objects, verify},
};
use std::collections::BTreeMap;

/// What a destination has of a database in one line of changes.
pub(crate) struct Held {
    pub(crate) destination: String,
    /// Name of the site; `None` for the registry.
    pub(crate) site: Option<String>,
    pub(crate) generation: u32,
    /// Oldest and newest state, milliseconds since 1970.
    pub(crate) oldest: i64,
    pub(crate) newest: i64,
    /// States that can be chosen from.
    pub(crate) points: u64,
    pub(crate) bases: u64,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
}

/// What was found of a database at a destination.
pub(crate) struct Looked {
    pub(crate) destination: String,
    pub(crate) site: Option<String>,
    pub(crate) findings: Findings,
}

impl Backups {
    /// What lies at every destination that can be reached, or at this one.
    pub(crate) fn held(&self, name: Option<&str>) -> Result<Vec<Held>, Failing> {
        let mut held = Vec::new();
        for runner in self.named(name)? {
            let target = self.reach(&runner)?;
            for line in self.lines() {
                let mut by_generation: BTreeMap<u32, Held> = BTreeMap::new();
                for (named, size) in objects(target.as_ref(), &line.of())? {
                    let row = by_generation.entry(named.generation).or_insert_with(|| Held {
                        destination: runner.name.clone(),
                        site: self.name_of(&line),
                        generation: named.generation,
                        oldest: named.made,
                        newest: named.made,
                        points: 0,
                        bases: 0,
                        objects: 0,
                        bytes: 0,
                    });
                    (row.oldest, row.newest) = (row.oldest.min(named.made), row.newest.max(named.made));
                    row.objects += 1;
                    row.bytes += size;
                    row.bases += u64::from(named.kind == Kind::Base);
                    row.points += u64::from(named.kind == Kind::Log);
                }
                held.extend(by_generation.into_values());
            }
        }
        Ok(held)
    }

    /// Looks whether everything is there and whole.
    pub(crate) fn verify(&self, name: Option<&str>, depth: Depth) -> Result<Vec<Looked>, Failing> {
        let mut all = Vec::new();
        for runner in self.named(name)? {
            for line in self.lines() {
                let findings = self.verify_line(&runner, &line, depth)?;
                all.push(Looked { destination: runner.name.clone(), site: self.name_of(&line), findings });
            }
        }
        Ok(all)
    }

    pub(super) fn verify_line(&self, runner: &Runner, line: &Line, depth: Depth) -> Result<Findings, Failing> {
        let (target, source) = (self.reach(runner)?, line.watch.source());
        let trust = Trust { of: source.of, key: source.signer.public() };
        Ok(verify(target.as_ref(), &trust, depth, &mut |done, whole| self.doing(&format!("looking at {}: {done} of {whole} objects", runner.name)))?)
    }

    fn reach(&self, runner: &Runner) -> Result<Box<dyn ship::Reach>, Failing> {
        let target = runner.place.open()?;
        marker::check(target.as_ref(), Hex(self.appliance.instance()))?;
        Ok(target)
    }

    fn name_of(&self, line: &Line) -> Option<String> {
        line.site.as_ref()?;
        self.appliance.sites().iter().find(|(entry, _)| entry.id == line.of().chain.0).map(|(entry, _)| entry.name.clone())
    }
}
