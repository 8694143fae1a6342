//! Others who send to the same place in our name: a server of this installation that was restored while this one went on, or this one before it
//! was put back to an earlier state with all its data. Of two, the one that began last is believed, and the other stops and says so.

use super::{Backups, Failing, line::Line, runner::Runner};
use rules::Moment;
use ship::{
    ShipError, Target,
    alone::{Whose, others},
    head::{Chain, LONGEST, Signed, Why},
    name::Named,
};

/// So many objects that bear a name of ours and no signature are passed over.
const UNSIGNED: usize = 100;

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

/// Somebody who has written there in our name after us: in a later generation, or in this one.
enum Other {
    Later(u32),
    Forked(u32),
}

/// The first of what cannot be ours that bears our signature. Where nothing is known here, a line is about to begin: then everything there is of
/// others if it is asked for `knowing_nothing`, and nothing otherwise.
fn other(target: &dyn Target, line: &Line, knowing_nothing: bool) -> Result<Option<Other>, ShipError> {
    let there = there(target, &line.of())?;
    // Read after that was listed: what is taken and brought in the meantime is ours.
    let here = here(line)?;
    if here.is_empty() && !knowing_nothing {
        return Ok(None);
    }
    for found in others(&there, &here).into_iter().take(UNSIGNED) {
        let (Whose::Later(named) | Whose::Forked(named)) = found;
        if is_signed(target, line, named)? {
            return Ok(Some(if matches!(found, Whose::Later(_)) { Other::Later(named.generation) } else { Other::Forked(named.generation) }));
        }
    }
    Ok(None)
}

fn refused(generation: u32) -> ShipError {
    ShipError::Refused(format!(
        "Another server of this installation has sent its backups there since {}, and of two that send to one place the later one is believed. Stop one of them. If this one is to go on: strongroom dest remove NAME, then dest add",
        Moment(i64::from(generation) * 1000).iso()
    ))
}

/// Refuses a place where a later line was begun. Where our own line went on without us, we begin another.
pub(super) fn check(target: &dyn Target, line: &Line) -> Result<(), ShipError> {
    match other(target, line, false)? {
        Some(Other::Later(generation)) => Err(refused(generation)),
        Some(Other::Forked(generation)) => line.anew_after(generation, Why::Replaced),
        None => Ok(()),
    }
}

/// Refuses a place that is somebody else's by now, or to which this server has brought nothing: nothing there is ours to judge or to remove.
pub(super) fn check_ours(target: &dyn Target, runner: &Runner, line: &Line) -> Result<(), ShipError> {
    if runner.cursor(&line.of()).generation == 0 {
        return Err(ShipError::Refused("This server has brought nothing there yet.".into()));
    }
    match other(target, line, false)? {
        Some(Other::Later(generation) | Other::Forked(generation)) => Err(refused(generation)),
        None => Ok(()),
    }
}

impl Backups {
    /// Whoever adds a place has decided that this server sends there: what it sends counts from now on, whatever lies there.
    pub(crate) fn take_over(&self, name: &str) -> Result<(), Failing> {
        for runner in self.named(Some(name))? {
            let target = self.reach(&runner)?;
            for line in self.lines() {
                if let Some(Other::Later(generation) | Other::Forked(generation)) = other(target.as_ref(), &line, true)? {
                    line.anew_after(generation, Why::First)?;
                }
            }
            runner.bell.ring();
        }
        Ok(())
    }
}
