//! Whether what lies at a destination was put there by this server. Two servers of one installation (one was restored, and the other came back), or
//! one that was put back to an earlier state with all its data, must not go on in one line of changes: a restore could follow neither.

use crate::{head::Kind, name::Named};
use std::collections::BTreeMap;

/// Who has written what lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose<'n> {
    /// This server, and nobody after it.
    Ours,
    /// With this object our line of changes goes on there in a way that this server does not know.
    Forked(&'n Named),
    /// This object is of a later line, which this server has not begun.
    Later(&'n Named),
}

/// Compares what lies there of a database with what is known here. Objects that were put together of others, or are not kept here any more, tell
/// nothing by themselves. Names are not signed: whoever believes it reads the head of the object first.
pub fn whose<'n>(there: &'n [Named], here: &[Named]) -> Whose<'n> {
    let state = |named: &Named| (named.fence, named.generation, named.last);
    let ours = here.iter().map(state).max().unwrap_or((0, 0, 0));
    let Some(newest) = there.iter().max_by_key(|named| state(named)) else { return Whose::Ours };
    if (newest.fence, newest.generation) > (ours.0, ours.1) {
        return Whose::Later(newest);
    }
    let change = |named: &&Named| named.kind == Kind::Log && named.first == named.last && (named.fence, named.generation) == (ours.0, ours.1);
    let known: BTreeMap<u64, &str> = here.iter().filter(change).map(|named| (named.last, named.text.as_str())).collect();
    let other = there.iter().filter(change).find(|theirs| known.get(&theirs.last).is_some_and(|text| *text != theirs.text));
    match (state(newest) > ours, other) {
        (true, _) => Whose::Forked(newest),
        (false, Some(other)) => Whose::Forked(other),
        (false, None) => Whose::Ours,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice::from_ref;

    fn log(generation: u32, first: u64, last: u64, made: i64) -> Named {
        Named { kind: Kind::Log, fence: 1, generation, first, last, made, text: format!("{generation} {first}-{last} {made}") }
    }

    #[test]
    fn what_somebody_else_has_put_there_is_told_apart() {
        let here = [log(5, 1, 1, 10), log(5, 2, 2, 20), log(5, 3, 3, 30)];
        assert_eq!(whose(&[], &here), Whose::Ours);
        assert_eq!(whose(&here[..2], &here), Whose::Ours);
        // Put together of ours, or from before what is kept here.
        assert_eq!(whose(&[log(5, 1, 3, 30), log(4, 1, 90, 3)], &here), Whose::Ours);
        // Further than here; and as far, with another change on the way.
        for there in [log(5, 4, 4, 40), log(5, 2, 2, 21)] {
            assert_eq!(whose(from_ref(&there), &here), Whose::Forked(&there));
        }
        let later = log(6, 1, 1, 5);
        assert_eq!(whose(from_ref(&later), &here), Whose::Later(&later));
        assert_eq!(whose(from_ref(&later), &[]), Whose::Later(&later));
        let fenced = Named { fence: 2, ..log(4, 1, 1, 5) };
        assert_eq!(whose(from_ref(&fenced), &here), Whose::Later(&fenced));
    }
}
