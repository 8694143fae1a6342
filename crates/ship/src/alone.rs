//! Whether what lies at a destination was put there by this server. Two servers of one installation (one was restored, and the other came back), or
//! one that was put back to an earlier state with all its data, must not go on in one line of changes: a restore could follow neither.

use crate::name::Named;
use std::{cmp::Ordering, collections::BTreeMap};

/// What somebody else has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose<'n> {
    /// With this object our line of changes goes on there in a way that this server does not know.
    Forked(&'n Named),
    /// This object is of a later line, which this server has not begun.
    Later(&'n Named),
}

/// What lies there of a database and cannot be from this server as it knows itself, the newest first; nothing where all may be ours. An object
/// is known by where it ends and by the moment of its last change, however many changes it was put together of. Names are not signed: whoever
/// believes one reads the head of the object first.
pub fn others<'n>(there: &'n [Named], here: &[Named]) -> Vec<Whose<'n>> {
    let state = |named: &Named| (named.fence, named.generation, named.last);
    let ours = here.iter().map(state).max().unwrap_or((0, 0, 0));
    let known: BTreeMap<u64, i64> = here.iter().filter(|named| (named.fence, named.generation) == (ours.0, ours.1)).map(|named| (named.last, named.made)).collect();
    let mut there: Vec<&Named> = there.iter().collect();
    there.sort_by_key(|named| std::cmp::Reverse(state(named)));
    let judged = |named: &'n Named| match (named.fence, named.generation).cmp(&(ours.0, ours.1)) {
        Ordering::Greater => Some(Whose::Later(named)),
        Ordering::Equal if named.last > ours.2 || known.get(&named.last).is_some_and(|made| *made != named.made) => Some(Whose::Forked(named)),
        _ => None,
    };
    there.into_iter().filter_map(judged).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::Kind;
    use std::slice::from_ref;

    fn log(generation: u32, first: u64, last: u64, made: i64) -> Named {
        Named { kind: Kind::Log, fence: 1, generation, first, last, made, text: format!("{generation} {first}-{last} {made}") }
    }

    #[test]
    fn what_somebody_else_has_put_there_is_told_apart() {
        let here = [log(5, 1, 1, 10), log(5, 2, 2, 20), log(5, 3, 3, 30)];
        assert_eq!(others(&[], &here), []);
        assert_eq!(others(&here[..2], &here), []);
        // Put together of ours, or from before what is kept here.
        assert_eq!(others(&[log(5, 1, 3, 30), log(4, 1, 90, 3)], &here), []);
        // Further than here; as far, with another change on the way; and put together of others.
        for there in [log(5, 4, 4, 40), log(5, 2, 2, 21), log(5, 1, 3, 31)] {
            assert_eq!(others(from_ref(&there), &here), [Whose::Forked(&there)]);
        }
        let later = log(6, 1, 1, 5);
        assert_eq!(others(from_ref(&later), &here), [Whose::Later(&later)]);
        assert_eq!(others(from_ref(&later), &[]), [Whose::Later(&later)]);
        let fenced = Named { fence: 2, ..log(4, 1, 1, 5) };
        assert_eq!(others(&[fenced.clone(), later.clone()], &here), [Whose::Later(&fenced), Whose::Later(&later)]);
    }
}
