//! What stays at a destination, and what may go: pure, from names and times of arrival.
//!
//! A *point* is a state that can be restored: the end of any object. Points are kept by age, and age counts from the arrival of the object
//! by the clock of the destination: a machine that lies about the time can neither make old points look older nor new ones look old. The
//! time that a name tells only says which points share an hour or a day. An object stays while the way to a point that is kept leads over it.

use crate::{
    ShipError,
    head::Kind,
    name::Named,
    route::Reached,
};
use std::collections::{BTreeMap, BTreeSet};

/// A day and an hour, in seconds.
const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// How long points are kept, in seconds since they arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Every change.
    pub changes: i64,
    /// The last of each hour.
    pub hours: i64,
    /// The last of each day.
    pub days: i64,
    /// Nothing goes before this age, whatever else is true of it.
    pub grace: i64,
}

impl Default for Keep {
    fn default() -> Keep {
        Keep { changes: 2 * DAY, hours: 14 * DAY, days: 30 * DAY, grace: 7 * DAY }
    }
}

/// An object that lies at a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct There {
    /// What its name tells.
    pub named: Named,
    /// When it arrived, by the clock of the destination: seconds since 1970.
    pub arrived: i64,
    /// Bytes.
    pub size: u64,
}

/// A state: generation and change.
pub type Point = (u32, u64);

/// What is to stay of a database, and what may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Names of the objects that stay.
    pub stay: BTreeSet<String>,
    /// Names of the objects that may go.
    pub go: Vec<String>,
    /// Their bytes.
    pub freed: u64,
    /// The states that are kept on purpose.
    pub points: BTreeSet<Point>,
}

/// What may go at this time (seconds since 1970, by the clock of the destination). `verified` is the newest state that a drill has restored;
/// it stays, however old. [`ShipError::Gap`] or [`ShipError::Nothing`] when the newest state cannot be reached: then nothing may go.
pub fn plan(there: &[There], keep: &Keep, verified: Option<Point>, now: i64) -> Result<Plan, ShipError> {
    let points = points(there, keep, verified, now);
    let names: Vec<&Named> = there.iter().map(|object| &object.named).collect();
    let newest = there.iter().map(|object| state(&object.named)).max();
    let mut plan = Plan::default();
    let mut bases: Vec<&Named> = names.iter().copied().filter(|named| named.kind == Kind::Base).collect();
    bases.sort_by_key(|named| state(named));
    // From the newest base on: each point is reached from the last base that leads there.
    let mut open = points;
    for base in bases.into_iter().rev() {
        let reached = Reached::from(base, names.clone());
        let mine = |point: &State| (point.0, point.1) == (base.fence, base.generation) && point.2 >= base.last && reached.has(point.2);
        let (found, rest): (BTreeSet<State>, BTreeSet<State>) = open.iter().copied().partition(mine);
        open = rest;
        for point in found {
            plan.points.insert((point.1, point.2));
            plan.stay.insert(base.text.clone());
            let mut at = point.2;
            while let Some(named) = reached.by(at).filter(|named| plan.stay.insert(named.text.clone())) {
                at = named.first - 1;
            }
        }
    }
    // Where something cannot be reached, everything stays as it is: somebody may want to look into that.
    let lost = |named: &Named| open.iter().any(|point| (point.0, point.1) == (named.fence, named.generation));
    plan.stay.extend(names.iter().filter(|named| lost(named)).map(|named| named.text.clone()));
    if let Some(point) = open.iter().find(|point| Some(**point) == newest) {
        return Err(ShipError::Gap(0, point.2));
    }
    if newest.is_none() {
        return Err(ShipError::Nothing);
    }
    for object in there {
        if plan.stay.contains(&object.named.text) {
            continue;
        }
        if now - object.arrived <= keep.grace {
            plan.stay.insert(object.named.text.clone());
        } else {
            plan.go.push(object.named.text.clone());
            plan.freed += object.size;
        }
    }
    Ok(plan)
}

/// Fence, generation and change.
type State = (u32, u32, u64);

fn state(named: &Named) -> State {
    (named.fence, named.generation, named.last)
}

/// The states that are to stay.
fn points(there: &[There], keep: &Keep, verified: Option<Point>, now: i64) -> BTreeSet<State> {
    // Of each state: when it first arrived, and when it was taken.
    let mut states: BTreeMap<State, (i64, i64)> = BTreeMap::new();
    for object in there {
        let known = states.entry(state(&object.named)).or_insert((object.arrived, object.named.made));
        known.0 = known.0.min(object.arrived);
    }
    let last_of = |unit: i64| -> BTreeSet<State> { states.iter().map(|(state, (_, made))| (made.div_euclid(unit * 1000), *state)).collect::<BTreeMap<_, _>>().into_values().collect() };
    let (hours, days) = (last_of(HOUR), last_of(DAY));
    let newest = states.keys().next_back().copied();
    let stays = |(state, (arrived, _)): &(&State, &(i64, i64))| {
        let age = now - arrived;
        // While single changes are within the grace, the ways to them are whole.
        age <= keep.changes.max(keep.grace)
            || (age <= keep.hours && hours.contains(state))
            || (age <= keep.days && days.contains(state))
            || Some(**state) == newest
            || verified == Some((state.1, state.2))
    };
    states.iter().filter(stays).map(|(state, _)| *state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{When, route};

    const NOW: i64 = 1_800_000_000;

    fn object(kind: Kind, generation: u32, first: u64, last: u64, made: i64, arrived: i64) -> There {
        There { named: Named { kind, fence: 1, generation, first, last, made: made * 1000, text: format!("{kind:?} {generation} {first}-{last}") }, arrived, size: 10 }
    }

    fn left(there: &[There], plan: &Plan) -> Vec<Named> {
        there.iter().filter(|object| plan.stay.contains(&object.named.text)).map(|object| object.named.clone()).collect()
    }

    /// A destination of `days` days: a base every ten days, a change every half hour, put together by hours and by days.
    fn filled(days: i64) -> Vec<There> {
        let (begin, mut all, mut change) = ((NOW / DAY - days) * DAY, Vec::new(), 0);
        for day in 0..days {
            if day % 10 == 0 {
                // A base tells when its last change was taken.
                let made = all.last().map_or(begin, |last: &There| last.named.made / 1000);
                all.push(object(Kind::Base, 1, change, change, made, begin + day * DAY));
            }
            let first = change + 1;
            for hour in 0..24 {
                for half in 1..=2 {
                    change += 1;
                    let at = begin + day * DAY + hour * HOUR + half * 1500;
                    all.push(object(Kind::Log, 1, change, change, at, at));
                }
                all.push(object(Kind::Log, 1, change - 1, change, begin + day * DAY + hour * HOUR + 3000, begin + day * DAY + (hour + 1) * HOUR));
            }
            all.push(object(Kind::Log, 1, first, change, begin + day * DAY + 23 * HOUR + 3000, begin + (day + 1) * DAY));
        }
        all
    }

    #[test]
    fn changes_hours_and_days_are_kept_as_promised() {
        let there = filled(60);
        let plan = plan(&there, &Keep::default(), None, NOW).unwrap();
        let left = left(&there, &plan);
        let at = |time: i64| route(&left, When::At(time * 1000)).map(|route| route.end().made / 1000);
        for object in &there {
            let made = object.named.made / 1000;
            // Single changes arrive when they are made, and what is put together from them later.
            let age = NOW - made;
            match () {
                () if age <= 7 * DAY => assert_eq!(at(made).unwrap(), made, "every change of a week"),
                () if age <= 14 * DAY && made % HOUR == 3000 => assert_eq!(at(made).unwrap(), made, "the last of each hour"),
                () if age <= 30 * DAY && made % DAY == 23 * HOUR + 3000 => assert_eq!(at(made).unwrap(), made, "the last of each day"),
                () => {}
            }
        }
        assert_eq!(left.iter().filter(|named| named.kind == Kind::Base).count(), 3, "three bases of six are older than any point");
        assert!(plan.freed > 0 && plan.go.len() as u64 * 10 == plan.freed);
        assert!(left.len() < 7 * 75 + 7 * 28 + 20 + 10, "{}", left.len());
    }

    #[test]
    fn the_newest_and_the_verified_stay_however_old() {
        let there = filled(20);
        let later = NOW + 400 * DAY;
        let newest = there.iter().map(|object| object.named.last).max().unwrap();
        let one = plan(&there, &Keep::default(), Some((1, 100)), later).unwrap();
        assert_eq!(one.points, BTreeSet::from([(1, 100), (1, newest)]));
        let left = left(&there, &one);
        assert_eq!(route(&left, When::Latest).unwrap().end().last, newest);
        assert_eq!(route(&left, When::Commit { generation: 1, change: 100, commit: u32::MAX }).unwrap().end().last, 100);
    }

    #[test]
    fn a_lying_clock_makes_nothing_go_early() {
        let mut there = filled(10);
        // A machine that names everything a year old, or of next year: what counts is when it arrived.
        for lie in [-365 * DAY, 365 * DAY] {
            there.iter_mut().for_each(|object| object.named.made += lie * 1000);
            let plan = plan(&there, &Keep { grace: 0, ..Keep::default() }, None, NOW).unwrap();
            let young = there.iter().filter(|object| NOW - object.arrived <= 2 * DAY);
            assert!(young.clone().count() > 100 && young.into_iter().all(|object| plan.points.contains(&(1, object.named.last))));
        }
    }

    #[test]
    fn where_something_is_missing_nothing_may_go() {
        let mut there = filled(20);
        let newest = there.iter().map(|object| object.named.last).max().unwrap();
        there.retain(|object| !(object.named.first..=object.named.last).contains(&(newest - 3)) || object.named.kind == Kind::Base);
        assert!(matches!(plan(&there, &Keep::default(), None, NOW + 100 * DAY), Err(ShipError::Gap(_, _))));
        assert!(matches!(plan(&[], &Keep::default(), None, NOW), Err(ShipError::Nothing)));
        there.retain(|object| object.named.kind == Kind::Log);
        assert!(plan(&there, &Keep::default(), None, NOW).is_err());
    }

    proptest::proptest! {
        /// Whatever is taken away, and however often: every point that is promised can still be reached, with the same change at its end.
        #[test]
        fn every_promised_point_can_be_reached(
            steps in proptest::collection::vec((0u32..40, 1i64..50_000, 0i64..3_000), 1..120),
            keep in (0i64..3, 0i64..20, 0i64..40, 0i64..8),
            verified in proptest::option::of(0u64..60),
            later in 0i64..60,
        ) {
            let keep = Keep { changes: keep.0 * DAY, hours: keep.1 * DAY, days: keep.2 * DAY, grace: keep.3 * DAY };
            let (mut there, mut generation, mut change, mut at, mut single) = (vec![object(Kind::Base, 1, 0, 0, NOW, NOW)], 1, 0u64, NOW, Vec::<u64>::new());
            for (what, pause, delay) in steps {
                at += pause;
                match what {
                    0 => (generation, change, single) = { there.push(object(Kind::Base, generation + 1, 0, 0, at, at + delay)); (generation + 1, 0, Vec::new()) },
                    1 | 2 => there.push(object(Kind::Base, generation, change, change, at - pause, at + delay)),
                    3..10 if single.len() > 1 => { there.push(object(Kind::Log, generation, single[0], change, at - pause, at + delay)); single.clear(); }
                    _ => { change += 1; single.push(change); there.push(object(Kind::Log, generation, change, change, at, at + delay)); }
                }
            }
            there.sort_by_key(|object| object.named.text.clone());
            there.dedup_by_key(|object| object.named.text.clone());
            let (mut left, mut now) = (there, at);
            for _ in 0..4 {
                let verified = verified.map(|change| (generation, change));
                let promised = points(&left, &keep, verified, now);
                let plan = plan(&left, &keep, verified, now).unwrap();
                proptest::prop_assert_eq!(plan.stay.len() + plan.go.len(), left.len());
                let young = left.iter().filter(|object| now - object.arrived <= keep.grace);
                proptest::prop_assert!(young.into_iter().all(|object| plan.stay.contains(&object.named.text)));
                left.retain(|object| plan.stay.contains(&object.named.text));
                let names: Vec<Named> = left.iter().map(|object| object.named.clone()).collect();
                for (_, generation, change) in promised {
                    let base_itself = names.iter().any(|named| (named.kind, named.generation, named.last) == (Kind::Base, generation, change));
                    let way = route(&names, When::Commit { generation, change, commit: u32::MAX });
                    proptest::prop_assert!(base_itself || way.is_ok(), "{generation} {change}: {way:?}");
                }
                proptest::prop_assert!(route(&names, When::Latest).is_ok());
                now += later * DAY / 4;
            }
        }
    }
}
