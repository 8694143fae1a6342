//! Which objects lead to a state: a base, then changes without a gap. Pure: it sees names only.

use crate::{ShipError, head::Kind, name::Named};
use std::collections::BTreeMap;

/// Which state is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The newest.
    Latest,
    /// The newest that is not younger than this: milliseconds since 1970.
    At(i64),
    /// That after this commit of a change, counted from 1: for tests, which know what each held.
    Commit {
        /// The generation.
        generation: u32,
        /// The change; zero for the base itself.
        change: u64,
        /// The commit in it; the last one when there are fewer.
        commit: u32,
    },
}

impl When {
    fn takes(self, named: &Named) -> bool {
        match self {
            When::Latest => true,
            When::At(time) => named.made <= time,
            // A base holds the whole change: one that is wanted in part comes from a base before it.
            When::Commit { generation, change, .. } => named.generation == generation && named.last <= change && (named.kind == Kind::Log || named.last < change || change == 0),
        }
    }
}

/// The objects to apply, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where it begins.
    pub base: Named,
    /// What changed since.
    pub log: Vec<Named>,
}

impl Route {
    /// The last object.
    pub fn end(&self) -> &Named {
        self.log.last().unwrap_or(&self.base)
    }
}

/// The states that can be reached from a base.
pub(crate) struct Reached<'n> {
    base: &'n Named,
    /// For each change that can be reached: the fewest objects that lead there, and the last of them.
    steps: BTreeMap<u64, (usize, Option<&'n Named>)>,
}

impl<'n> Reached<'n> {
    /// What can be reached with these changes, of which those of other generations do not count.
    pub(crate) fn from(base: &'n Named, mut log: Vec<&'n Named>) -> Reached<'n> {
        log.retain(|named| (named.kind, named.fence, named.generation) == (Kind::Log, base.fence, base.generation) && named.first > base.last && named.first <= named.last);
        log.sort_by_key(|named| (named.first, named.last));
        let mut steps = BTreeMap::from([(base.last, (0, None))]);
        for named in log {
            let Some((before, _)) = steps.get(&(named.first - 1)).copied() else { continue };
            let best = steps.entry(named.last).or_insert((usize::MAX, None));
            if before + 1 < best.0 {
                *best = (before + 1, Some(named));
            }
        }
        Reached { base, steps }
    }

    /// The last change that can be reached.
    pub(crate) fn furthest(&self) -> u64 {
        self.steps.keys().next_back().copied().unwrap_or(self.base.last)
    }

    /// The object with which this change is reached; none from the base itself, or where it cannot be.
    pub(crate) fn by(&self, change: u64) -> Option<&'n Named> {
        self.steps.get(&change).and_then(|(_, named)| *named)
    }

    /// The objects that lead to this change.
    fn way(&self, to: u64) -> Vec<Named> {
        let (mut way, mut at) = (Vec::new(), to);
        while let Some(named) = self.by(at) {
            way.push(named.clone());
            at = named.first - 1;
        }
        way.reverse();
        way
    }

    /// Whether this state can be reached.
    pub(crate) fn has(&self, change: u64) -> bool {
        self.steps.contains_key(&change)
    }
}

/// The shortest way to a state: from the newest base that leads there. [`ShipError::Gap`] when changes are missing before it: what is there up
/// to the gap is found by asking for an earlier time.
pub fn route(names: &[Named], when: When) -> Result<Route, ShipError> {
    let state = |named: &Named| (named.fence, named.generation, named.last);
    let mut bases: Vec<&Named> = names.iter().filter(|named| named.kind == Kind::Base && when.takes(named)).collect();
    bases.sort_by_key(|named| std::cmp::Reverse(state(named)));
    let newest = bases.first().map(|base| (base.fence, base.generation)).ok_or(ShipError::Nothing)?;
    bases.retain(|base| (base.fence, base.generation) == newest);
    let log: Vec<&Named> = names.iter().filter(|named| named.kind == Kind::Log && (named.fence, named.generation) == newest && when.takes(named)).collect();
    let end = log.iter().chain(&bases).map(|named| named.last).max().unwrap_or(0);
    let mut furthest = 0;
    for base in bases {
        let reached = Reached::from(base, log.clone());
        furthest = furthest.max(reached.furthest());
        // A change that was put together over a base leads to its end from an earlier one.
        if furthest < end {
            continue;
        }
        return match when {
            When::Commit { change, .. } if end != change => Err(ShipError::Nothing),
            _ => Ok(Route { base: base.clone(), log: reached.way(end) }),
        };
    }
    let beyond = log.iter().filter(|named| named.last > furthest).map(|named| named.first).min();
    Err(ShipError::Gap(furthest, beyond.unwrap_or(0).max(furthest + 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(kind: Kind, generation: u32, first: u64, last: u64) -> Named {
        Named { kind, fence: 1, generation, first, last, made: i64::from(generation) * 1000 + last as i64, text: format!("{kind:?} {first}-{last}") }
    }

    fn base(generation: u32, last: u64) -> Named {
        named(Kind::Base, generation, last, last)
    }

    fn log(generation: u32, first: u64, last: u64) -> Named {
        named(Kind::Log, generation, first, last)
    }

    fn way(route: &Route) -> Vec<(u64, u64)> {
        route.log.iter().map(|named| (named.first, named.last)).collect()
    }

    #[test]
    fn what_was_put_together_over_a_base_is_reached_from_an_earlier_one() {
        let mut names = vec![base(1, 0), log(1, 1, 4), base(1, 6), log(1, 5, 9)];
        let found = route(&names, When::Latest).unwrap();
        assert_eq!((found.base.last, way(&found)), (0, vec![(1, 4), (5, 9)]));
        names.extend([log(1, 7, 7), log(1, 8, 9)]);
        assert_eq!(route(&names, When::Latest).unwrap().base.last, 6);
        names.retain(|named| named.last != 4);
        names.push(log(1, 10, 12));
        names.retain(|named| named.first != 8 && named.first != 5);
        assert!(matches!(route(&names, When::Latest), Err(ShipError::Gap(7, 10))));
    }

    #[test]
    fn the_newest_base_and_the_fewest_objects_lead_there() {
        let names = [base(1, 0), log(1, 1, 1), log(1, 2, 2), log(1, 3, 3), log(1, 1, 3), base(1, 3), log(1, 4, 4), log(1, 5, 5), log(1, 4, 5), log(1, 6, 6)];
        let latest = route(&names, When::Latest).unwrap();
        assert_eq!((latest.base.last, way(&latest)), (3, vec![(4, 5), (6, 6)]));
        assert_eq!(latest.end().last, 6);
        let early = route(&names, When::At(1002)).unwrap();
        assert_eq!((early.base.last, way(&early)), (0, vec![(1, 1), (2, 2)]));
        assert_eq!(way(&route(&names, When::At(1003)).unwrap()), []);
        assert!(matches!(route(&names, When::At(999)), Err(ShipError::Nothing)));
        assert!(matches!(route(&[], When::Latest), Err(ShipError::Nothing)));
    }

    #[test]
    fn a_gap_is_said_and_never_leapt_over() {
        let names = [base(1, 0), log(1, 1, 1), log(1, 3, 3), log(1, 4, 4)];
        assert!(matches!(route(&names, When::Latest), Err(ShipError::Gap(1, 3))));
        assert_eq!(way(&route(&names, When::At(1002)).unwrap()), [(1, 1)]);
        // Overlapping runs lead on though the longest first step does not.
        let names = [base(1, 0), log(1, 1, 10), log(1, 1, 4), log(1, 5, 15), log(1, 16, 16)];
        assert_eq!(way(&route(&names, When::Latest).unwrap()), [(1, 4), (5, 15), (16, 16)]);
    }

    #[test]
    fn generations_and_fences_are_never_mixed() {
        let mut fenced = log(2, 1, 1);
        fenced.fence = 0;
        let names = [base(1, 0), log(1, 1, 1), log(1, 2, 2), base(2, 0), fenced];
        assert_eq!(route(&names, When::Latest).unwrap(), Route { base: base(2, 0), log: Vec::new() });
        let mut late = base(9, 0);
        late.fence = 0;
        assert_eq!(route(&[base(1, 0), late], When::Latest).unwrap().base.generation, 1, "a server that was fenced off counts no more");
    }

    proptest::proptest! {
        #[test]
        fn a_route_has_no_gap_and_ends_as_late_as_may_be(spans in proptest::collection::vec((1u64..30, 0u64..6), 0..60), from in 0u64..10) {
            let mut names = vec![base(1, from)];
            names.extend(spans.iter().map(|(first, more)| log(1, *first, first + more)));
            match route(&names, When::Latest) {
                Ok(route) => {
                    let mut at = from;
                    for step in &route.log {
                        proptest::prop_assert_eq!(step.first, at + 1);
                        at = step.last;
                    }
                    let beyond = spans.iter().any(|(first, more)| *first > from && first + more > at);
                    proptest::prop_assert!(!beyond, "something later is there");
                }
                Err(ShipError::Gap(whole, next)) => proptest::prop_assert!(whole >= from && next > whole + 1),
                Err(other) => return Err(proptest::test_runner::TestCaseError::fail(other.to_string())),
            }
        }
    }
}
