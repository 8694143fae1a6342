//! Retention at a destination: what of everything that lies there may go, and taking it away. Databases are planned from names and arrival
//! ([`crate::retain`]); parts and documents go when no object that stays names them, and only long after they came.
//!
//! Nothing may be delivered to the destination meanwhile: a new base may name a part that has been there for long.

use crate::{
    Listed, Pruner, ShipError, Target,
    head::{Kind, LONGEST, Signed},
    name::Named,
    payload::{Payload, part_object},
    restore::{Fetch, Trust},
    retain::{Keep, Point, There, plan},
    verify::named_files,
};
use std::collections::BTreeSet;

/// A database at a destination.
pub struct Of {
    /// Which, and whose signature it bears.
    pub trust: Trust,
    /// The newest state that a drill has restored.
    pub verified: Option<Point>,
}

/// What may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Objects in the order in which they are to go, with their bytes.
    pub go: Vec<(String, u64)>,
    /// Objects that stay, and their bytes.
    pub stay: (u64, u64),
    /// States that are kept on purpose.
    pub points: u64,
}

impl Removal {
    /// Bytes that it frees.
    pub fn freed(&self) -> u64 {
        self.go.iter().map(|(_, size)| size).sum()
    }
}

/// What is to be kept of everything at a destination.
pub struct Retention<'r> {
    /// The destination.
    pub target: &'r dyn Target,
    /// Every database that is shipped there.
    pub of: &'r [Of],
    /// How long what is kept.
    pub keep: Keep,
    /// How many images of the program are kept.
    pub images: usize,
    /// Names of the objects of all documents that the installation has now.
    pub here: &'r BTreeSet<String>,
    /// The time by the clock of the destination, seconds since 1970.
    pub now: i64,
}

impl Retention<'_> {
    /// What may go now. An error, when a newest state cannot be reached or an object that stays is not genuine: then nothing may.
    pub fn plan(&self) -> Result<Removal, ShipError> {
        let all = self.target.list("")?;
        let mut removal = Removal::default();
        let (mut stay, mut stays): (BTreeSet<String>, Vec<(Named, Trust)>) = Default::default();
        for of in self.of {
            let there = self.there(&all, of)?;
            let plan = plan(&there, &self.keep, of.verified, self.now)?;
            removal.points += plan.points.len() as u64;
            stays.extend(there.into_iter().filter(|object| plan.stay.contains(&object.named.text)).map(|object| (object.named, of.trust)));
            stay.extend(plan.stay);
        }
        let known = |name: &str| self.of.iter().any(|of| name.split('/').nth(1) == Some(&of.trust.of.chain.to_string()));
        // What another database named, of which we know nothing here, stays with everything that it may name.
        let alone = all.iter().filter(|object| is_of_database(&object.name)).all(|object| known(&object.name));
        let (parts, documents) = self.named(&stays, &all)?;
        let images: BTreeSet<&str> = all.iter().rev().map(|object| object.name.as_str()).filter(|name| name.starts_with("img/")).take(self.images.max(1)).collect();
        let old = |object: &Listed, age: i64| object.arrived.is_some_and(|arrived| self.now - arrived > age);
        let longest = self.keep.changes.max(self.keep.hours).max(self.keep.days) + self.keep.grace;
        let may_go = |object: &&Listed| match object.name.split('/').next() {
            Some("base" | "log") => known(&object.name) && !stay.contains(&object.name),
            Some("part") => alone && !parts.contains(&object.name) && old(object, self.keep.grace),
            Some("blob") => alone && !documents.contains(&object.name) && old(object, longest),
            Some("img") => !images.contains(object.name.as_str()) && old(object, self.keep.grace),
            Some("test") => old(object, self.keep.grace),
            _ => false,
        };
        let (go, remain): (Vec<&Listed>, Vec<&Listed>) = all.iter().partition(may_go);
        // The newest first, so that whatever is left when it is interrupted has no hole; what is named goes after what names it.
        removal.go = go.into_iter().rev().map(|object| (object.name.clone(), object.size)).collect();
        removal.go.sort_by_key(|(name, _)| !is_of_database(name));
        removal.stay = (remain.len() as u64, remain.iter().map(|object| object.size).sum());
        Ok(removal)
    }

    fn there(&self, all: &[Listed], of: &Of) -> Result<Vec<There>, ShipError> {
        let chain = of.trust.of.chain.to_string();
        let mut there = Vec::new();
        for object in all.iter().filter(|object| is_of_database(&object.name) && object.name.split('/').nth(1) == Some(&chain)) {
            let named = Named::parse(&object.name, &of.trust.of).ok_or_else(|| ShipError::Name(object.name.clone()))?;
            // One of which nobody knows when it came counts as new.
            there.push(There { named, arrived: object.arrived.unwrap_or(self.now), size: object.size });
        }
        Ok(there)
    }

    /// The parts and documents that the objects which stay name. Changes are read only when there is a document that may have to go.
    fn named(&self, stays: &[(Named, Trust)], all: &[Listed]) -> Result<(BTreeSet<String>, BTreeSet<String>), ShipError> {
        let (mut parts, mut documents) = (BTreeSet::new(), self.here.clone());
        let newest = stays.iter().filter(|(_, trust)| trust.of.is_registry()).map(|(named, _)| (named.fence, named.generation)).max();
        let earlier = |named: &Named, trust: &Trust| trust.of.is_registry() && Some((named.fence, named.generation)) < newest;
        for (named, trust) in stays.iter().filter(|(named, _)| named.kind == Kind::Base) {
            let signed = match self.head(named, trust) {
                // Under an earlier root key. What it names only stays.
                Err(ShipError::NotGenuine { .. }) if earlier(named, trust) => self.unsigned(named)?,
                signed => signed?,
            };
            let mut payload = Payload::new(&signed.head, Fetch::from(self.target, &named.text, signed.payload));
            payload.ring()?;
            parts.extend(payload.parts()?.iter().map(part_object));
            payload.files(|file| {
                documents.insert(file.object());
            })?;
            payload.finish()?;
        }
        if all.iter().any(|object| object.name.starts_with("blob/") && !documents.contains(&object.name)) {
            for (named, trust) in stays.iter().filter(|(named, trust)| named.kind == Kind::Log && !trust.of.is_registry()) {
                documents.extend(named_files(self.target, &self.head(named, trust)?)?.iter().map(crate::payload::FileRecord::object));
            }
        }
        Ok((parts, documents))
    }

    fn unsigned(&self, named: &Named) -> Result<Signed, ShipError> {
        Signed::look(&self.target.get(&named.text, 0, LONGEST as u64)?, &named.text, None)
    }

    fn head(&self, named: &Named, trust: &Trust) -> Result<Signed, ShipError> {
        Signed::read(&self.target.get(&named.text, 0, LONGEST as u64)?, &named.text, &trust.of, &trust.key)
    }
}

fn is_of_database(name: &str) -> bool {
    name.starts_with("base/") || name.starts_with("log/")
}

/// Takes away what may go. `tell` hears of objects done and says whether to go on; what is left is found the next time.
pub fn apply(target: &dyn Pruner, removal: &Removal, tell: &mut dyn FnMut(u64) -> bool) -> Result<(), ShipError> {
    for (done, (name, _)) in (1..).zip(&removal.go) {
        target.remove(name)?;
        if !tell(done) {
            break;
        }
    }
    Ok(())
}
