//! Others who send to the same place in our name: a server of this installation that was restored while this one went on, or this one before it
//! was put back to an earlier state with all its data. Of two, the one that began last is believed, and the other stops and says so.

use super::{Backups, Failing, line::Line};
use rules::Moment;
use ship::{
    ShipError, Target,
    alone::{Whose, whose},
    head::{Chain, LONGEST, Signed, Why},
    name::Named,
};

/// The objects of a database at a destination. What bears another name than ours is no object.
fn there(target: &dyn Target, of: &Chain) -> Result<Vec<Named>, ShipError> {
    let mut there = Vec::new();
    for folder in ["base", "log"] {
        there.extend(target.list(&format!("{folder}/{}/", of.chain))?.iter().filter_map(|object| Named::parse(&object.name, of)));
    }
    Ok(there)
}

/// What is known here of a database.
fn here(line: &Line) -> Result<Vec<Named>, ShipError> {
    let source = line.watch.source();
    Ok([source.spool.bases(&source.of)?, source.spool.log(&source.of)?].concat())
}

/// Whether we, or somebody with our keys, signed it.
fn is_signed(target: &dyn Target, line: &Line, named: &Named) -> Result<bool, ShipError> {
    let source = line.watch.source();
    match Signed::read(&target.get(&named.text, 0, LONGEST as u64)?, &named.text, &source.of, &source.signer.public()) {
        Err(ShipError::NotGenuine { object, why }) => {
            tracing::warn!(object, "what lies there is not from this installation: {why}");
            Ok(false)
        }
        read => read.map(|_| true),
    }
}

/// Refuses a place where a later line was begun. Where our own line went on without us, we begin another.
pub(super) fn check(target: &dyn Target, line: &Line) -> Result<(), ShipError> {
    let there = there(target, &line.of())?;
    // Read after what lies there: what is new here in the meantime is no fault.
    let here = here(line)?;
    match whose(&there, &here) {
        _ if here.is_empty() => Ok(()),
        Whose::Later(named) if is_signed(target, line, named)? => Err(ShipError::Refused(format!(
            "Another server of this installation has sent its backups there since {}, and of two that send to one place the later one is believed. Stop one of them. If this one is to go on: strongroom dest remove NAME, then dest add",
            Moment(i64::from(named.generation) * 1000).iso()
        ))),
        Whose::Forked(named) if is_signed(target, line, named)? => line.anew_after(named.generation, Why::Replaced),
        _ => Ok(()),
    }
}

impl Backups {
    /// Whoever adds a place has decided that this server sends there: what it sends counts from now on, whatever lies there.
    pub(crate) fn take_over(&self, name: &str) -> Result<(), Failing> {
        for runner in self.named(Some(name))? {
            let target = self.reach(&runner)?;
            for line in self.lines() {
                let there = there(target.as_ref(), &line.of())?;
                if let Whose::Later(named) | Whose::Forked(named) = whose(&there, &here(&line)?)
                    && is_signed(target.as_ref(), &line, named)?
                {
                    line.anew_after(named.generation, Why::First)?;
                }
            }
            runner.bell.ring();
        }
        Ok(())
    }
}
