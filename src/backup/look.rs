//! A look at what lies at the destinations: which states could be restored, and whether everything is whole.

use super::{Backups, Failing, line::Line, marker, runner::Runner, watched::Watched};
use ship::{
    head::{Hex, Kind},
    name::Named,
    restore::Trust,
    verify::{Depth, Findings, objects, verify},
};
use std::{collections::BTreeMap, sync::atomic::AtomicU64};

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

/// What came of several places, and of those where nothing could be done, why.
pub(crate) type Found<T> = (Vec<T>, Vec<(String, Failing)>);

impl Backups {
    /// Does something at every place, or at this one: one that cannot be reached keeps nothing of the others back.
    pub(super) fn at_each<T>(&self, name: Option<&str>, work: impl Fn(&Runner) -> Result<Vec<T>, Failing>) -> Result<Found<T>, Failing> {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for runner in self.named(name)? {
            match work(&runner) {
                Ok(found) => done.extend(found),
                Err(failing) => failed.push((runner.name.clone(), failing)),
            }
        }
        Ok((done, failed))
    }

    /// What lies at every destination, or at this one.
    pub(crate) fn held(&self, name: Option<&str>) -> Result<Found<Held>, Failing> {
        self.at_each(name, |runner| {
            let (target, mut held) = (self.reach(runner)?, Vec::new());
            for line in self.lines() {
                held.extend(self.held_of(runner, &line, &objects(target.as_ref(), &line.of())?));
            }
            Ok(held)
        })
    }

    fn held_of(&self, runner: &Runner, line: &Line, objects: &[(Named, u64)]) -> Vec<Held> {
        let mut by_generation: BTreeMap<u32, Held> = BTreeMap::new();
        for (named, size) in objects {
            let row = by_generation.entry(named.generation).or_insert_with(|| Held {
                destination: runner.name.clone(),
                site: self.name_of(line),
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
        by_generation.into_values().collect()
    }

    /// Looks whether everything is there and whole, and remembers what is not.
    pub(crate) fn verify(&self, name: Option<&str>, depth: Depth) -> Result<Found<Looked>, Failing> {
        // What a drill or a night's pruning takes away meanwhile would seem to be missing.
        let _alone = super::lock(&self.drilling);
        let _doing = self.begin("looking at what lies at the places");
        self.at_each(name, |runner| {
            let mut looked = Vec::new();
            for line in self.lines() {
                let findings = self.verify_line(runner, &line, depth)?;
                self.remember(runner, &line, depth, &findings);
                looked.push(Looked { destination: runner.name.clone(), site: self.name_of(&line), findings });
            }
            Ok(looked)
        })
    }

    pub(super) fn verify_line(&self, runner: &Runner, line: &Line, depth: Depth) -> Result<Findings, Failing> {
        let (target, source) = (self.reach(runner)?, line.watch.source());
        let trust = Trust { of: source.of, key: source.signer.public() };
        let watched = Watched { inner: target.as_ref(), sent: &AtomicU64::new(0), stop: &self.stopping };
        Ok(verify(&watched, &trust, depth, &mut |done, whole| self.doing(&format!("looking at {}: {done} of {whole} objects", runner.name)))?)
    }

    pub(super) fn reach(&self, runner: &Runner) -> Result<Box<dyn ship::Reach>, Failing> {
        let target = runner.place.open()?;
        marker::check(target.as_ref(), Hex(self.appliance.instance()))?;
        Ok(target)
    }

    fn name_of(&self, line: &Line) -> Option<String> {
        line.site.as_ref()?;
        self.appliance.sites().iter().find(|(entry, _)| entry.id == line.of().chain.0).map(|(entry, _)| entry.name.clone())
    }
}
