//! A destination that lies about what it holds: whatever it leaves out of a list or makes up, nothing comes back that was never there.

use crate::{
    house::{CHAIN, House, KEYS, Rng, content, open, request, schema},
    journey::{names, restored},
};
use std::{collections::BTreeSet, fs, io::Read};
use strongroom_ship::{
    Listed, Put, ShipError, Target,
    deliver::{Cursor, Delivery, Steps},
    dir::Directory,
    head::{Kind, Why},
    route::When,
};

/// Hides some objects from its lists, of which it may yet give the content; and lists others under names that it made up.
struct Lying<'t> {
    inner: &'t Directory,
    hidden: BTreeSet<String>,
    invented: Vec<String>,
    /// What it gives for a name that it made up: the content of another.
    instead: String,
}

impl Target for Lying<'_> {
    fn put_new(&self, name: &str, size: u64, bytes: &mut dyn Read) -> Result<Put, ShipError> {
        self.inner.put_new(name, size, bytes)
    }

    fn get(&self, name: &str, start: u64, length: u64) -> Result<Vec<u8>, ShipError> {
        let made_up = self.invented.iter().any(|invented| invented == name);
        self.inner.get(if made_up { &self.instead } else { name }, start, length)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, ShipError> {
        let mut all = self.inner.list(prefix)?;
        all.retain(|object| !self.hidden.contains(&object.name));
        let made_up = self.invented.iter().filter(|name| name.starts_with(prefix));
        all.extend(made_up.map(|name| Listed { name: name.clone(), size: 100, arrived: Some(0) }));
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    fn free_space(&self) -> Result<Option<u64>, ShipError> {
        self.inner.free_space()
    }
}

#[test]
fn a_list_that_lies_never_leads_to_a_state_that_was_not() {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let watch = house.watch();
    house.base(&watch, &sql, Why::First);
    fs::create_dir(house.path("there")).unwrap();
    let there = Directory::open(&house.path("there")).unwrap();
    let (mut rng, mut cursor, mut states) = (Rng(77), Cursor::default(), vec![content(&sql)]);
    let mut times = Vec::new();
    for n in 0..40 {
        request(&mut sql, &mut rng, n);
        let now = house.tick();
        watch.take(now).unwrap();
        states.push(content(&sql));
        times.push(now);
        if n % 15 == 14 {
            house.base(&watch, &sql, Why::Due);
        }
        let spool = house.spool();
        Delivery { target: &there, spool: &spool, files: None, of: CHAIN, key: House::trust().key, steps: Steps::Each }.run(&mut cursor, &mut |_, _| true).unwrap();
    }
    let all: Vec<String> = names(&there).into_iter().map(|named| named.text).collect();
    let (mut refused, mut right, mut newest) = (0, 0, 0);
    for _ in 0..300 {
        let some = |rng: &mut Rng| all[usize::try_from(rng.below(all.len() as u64)).unwrap()].clone();
        let hidden = (0..rng.below(4)).map(|_| some(&mut rng)).collect();
        let invented: Vec<String> = (0..rng.below(3)).map(|_| later(&some(&mut rng), &mut rng)).filter(|name| !all.contains(name)).collect();
        let lying = Lying { inner: &there, hidden, invented, instead: some(&mut rng) };
        let when = if rng.below(2) == 0 { When::Latest } else { When::At(times[usize::try_from(rng.below(times.len() as u64)).unwrap()]) };
        match restored(&house, &lying, when) {
            Ok(state) => {
                assert!(states.contains(&state), "a state that never was, hidden {:?}, invented {:?}", lying.hidden, lying.invented);
                right += 1;
                newest += u32::from(Some(&state) == states.last());
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 20 && right > 20 && newest > 5, "{refused} refused, {right} right, {newest} the newest");
    // Where the newest base is hidden, the changes lead there from the one before; where a change is, what follows is not taken for whole.
    let named = names(&there);
    let base = named.iter().filter(|named| named.kind == Kind::Base).max_by_key(|named| named.last).unwrap();
    let without = |name: &str| Lying { inner: &there, hidden: [name.to_owned()].into(), invented: Vec::new(), instead: String::new() };
    assert_eq!(restored(&house, &without(&base.text), When::Latest).unwrap(), *states.last().unwrap());
    let after: Vec<_> = named.iter().filter(|named| named.kind == Kind::Log && named.first > base.last).collect();
    assert!(matches!(restored(&house, &without(&after[after.len() / 2].text), When::Latest), Err(ShipError::Gap(..))));
}

/// The name of an object with one of its numbers larger: a later fence, generation, change or time.
fn later(name: &str, rng: &mut Rng) -> String {
    let (head, end) = name.rsplit_once('/').unwrap();
    let mut numbers: Vec<String> = end.split('-').map(str::to_owned).collect();
    let at = usize::try_from(rng.below(numbers.len() as u64)).unwrap();
    let (width, more) = (numbers[at].len(), numbers[at].parse::<u64>().unwrap() + rng.below(9) + 1);
    numbers[at] = format!("{more:0width$}");
    format!("{head}/{}", numbers.join("-"))
}
