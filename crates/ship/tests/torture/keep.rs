//! Two months of a firm in a minute: changes put together by hours and days, three kinds of destination, retention every night. What was
//! promised restores to what it was, what is wrong is found, and the spool stays small.

use crate::house::{CHAIN, House, KEYS, Rng, checked, content, open, request, schema};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use strongroom_ship::{
    Target,
    compact::{compact, due},
    deliver::{Cursor, Delivery, Steps, clear},
    dir::Directory,
    head::{Kind, Why},
    name::Named,
    prune::{Of, Removal, Retention, apply},
    restore,
    retain::Keep,
    route::{When, route},
    spool::Spool,
    verify::{Depth, objects, verify},
};

type States = BTreeMap<(u32, u64), (i64, [u8; 32])>;

/// A destination whose clock is that of the test.
struct Place {
    path: PathBuf,
    target: Directory,
    cursor: Cursor,
    known: BTreeSet<PathBuf>,
    /// Gets everything at once.
    each: bool,
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path(), found),
            false => found.push(entry.path()),
        }
    }
}

impl Place {
    fn new(house: &House, name: &str, each: bool) -> Place {
        let path = house.path(name);
        fs::create_dir(&path).unwrap();
        Place { target: Directory::open(&path).unwrap(), path, cursor: Cursor::default(), known: BTreeSet::new(), each }
    }

    /// Brings what is new, which arrives now.
    fn visit(&mut self, house: &House) -> bool {
        let (spool, signer) = (house.spool(), keys::sign::Signer::of(&crate::house::SEED).unwrap());
        let folder = Spool::open(&house.path("together")).unwrap();
        let steps = if self.each { Steps::Each } else { Steps::One(&folder, &signer) };
        let delivery = Delivery { target: &self.target, spool: &spool, files: None, of: CHAIN, key: House::trust().key, steps };
        let done = delivery.run(&mut self.cursor, &mut |_, _| true).unwrap();
        assert!(folder.list("").unwrap().is_empty(), "what was put together for one visit does not stay");
        let mut all = Vec::new();
        files(&self.path, &mut all);
        for path in all {
            if !self.known.contains(&path) {
                fs::File::options().write(true).open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(house.now as u64)).unwrap();
                self.known.insert(path);
            }
        }
        done.needs_base
    }

    fn names(&self) -> Vec<Named> {
        objects(&self.target, &CHAIN).unwrap().into_iter().map(|(named, _)| named).collect()
    }

    fn prune(&self, house: &House, verified: Option<(u32, u64)>) -> (Removal, BTreeSet<(u32, u64)>) {
        let of = [Of { trust: House::trust(), verified }];
        let here = BTreeSet::new();
        let retention = Retention { target: &self.target, of: &of, keep: Keep::default(), images: 8, here: &here, now: house.now / 1000 };
        let removal = retention.plan().unwrap();
        let there = objects(&self.target, &CHAIN).unwrap();
        let arrived = |name: &str| house.path("x").parent().unwrap().join(&self.path).join(name).metadata().unwrap().modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
        let there: Vec<_> = there.into_iter().map(|(named, size)| strongroom_ship::retain::There { arrived: arrived(&named.text), named, size }).collect();
        let points = strongroom_ship::retain::plan(&there, &Keep::default(), verified, house.now / 1000).unwrap().points;
        apply(&self.target, &removal, &mut |_| true).unwrap();
        (removal, points)
    }

    /// A state restores from here to what it was.
    fn holds(&self, house: &House, names: &[Named], point: (u32, u64), states: &States) {
        let out = house.path("r.db");
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(house.path(&format!("r.db{end}")));
        }
        let whole = When::Commit { generation: point.0, change: point.1, commit: u32::MAX };
        let way = route(names, whole).or_else(|_| {
            // The base of this very state is no way to a part of it, and is the state itself.
            let upto: Vec<Named> = names.iter().filter(|named| named.kind == Kind::Base && (named.generation, named.last) == point).cloned().collect();
            route(&upto, When::Latest)
        });
        restore::database(&self.target, &way.unwrap(), When::Latest, &House::trust(), &out, &mut |_, _, _| {}).unwrap();
        assert_eq!(checked(&out, KEYS[0]), states[&point], "{point:?}");
    }
}

#[test]
fn two_months_keep_what_is_promised() {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let watch = house.watch();
    let mut states = States::new();
    let state = |watch: &strongroom_ship::base::Watch, sql: &rusqlite::Connection| ((watch.newest().unwrap().head.generation, watch.state().unwrap().1), content(sql));
    house.base(&watch, &sql, Why::First);
    states.extend([state(&watch, &sql)]);
    let mut places = [Place::new(&house, "each", true), Place::new(&house, "by-two-hours", false), Place::new(&house, "carried", false)];
    let (mut rng, mut spooled, mut promised) = (Rng(5), 0, BTreeSet::new());
    let signer = keys::sign::Signer::of(&crate::house::SEED).unwrap();
    for hour in 0..24 * 60u64 {
        // Office hours.
        for n in 0..if hour % 24 < 8 { rng.below(3) } else { 0 } {
            house.now += 600_000;
            request(&mut sql, &mut rng, n);
            watch.take(house.now).unwrap();
            states.extend([state(&watch, &sql)]);
            places[0].visit(&house);
        }
        house.now = 1_764_000_000_000 + (hour as i64 + 1) * 3_600_000;
        let spool = house.spool();
        for group in due(&spool.log(&CHAIN).unwrap(), house.now) {
            compact(&spool, &spool, &CHAIN, &signer, &group).unwrap();
        }
        let wants = [true, hour % 2 == 0, hour % (24 * 9) == 0];
        let behind = wants.iter().zip(&mut places).filter(|(wants, _)| **wants).map(|(_, place)| place.visit(&house)).filter(|behind| *behind).count();
        if behind > 0 || (hour > 0 && hour % (24 * 14) == 0) {
            house.base(&watch, &sql, Why::Due);
            states.extend([state(&watch, &sql)]);
        }
        let cursors: Vec<Cursor> = places.iter().map(|place| place.cursor.clone()).collect();
        clear(&spool, &CHAIN, &cursors, house.now - 26 * 3_600_000).unwrap();
        spooled = spooled.max(spool.list("").unwrap().len());
        if hour % 24 == 23 {
            for (n, place) in places.iter().enumerate() {
                let (_, points) = place.prune(&house, None);
                let names = place.names();
                let some: Vec<_> = points.iter().copied().filter(|_| rng.below(40) == 0).chain(points.last().copied()).collect();
                some.into_iter().for_each(|point| place.holds(&house, &names, point, &states));
                if n == 0 {
                    promised = points;
                }
            }
        }
    }
    let first = &places[0];
    let names = first.names();
    assert!(promised.len() > 60 && promised.len() < states.len() / 2, "{} of {}", promised.len(), states.len());
    promised.iter().for_each(|point| first.holds(&house, &names, *point, &states));
    assert!(spooled < 200, "{spooled} objects in the spool at once");
    let (again, _) = first.prune(&house, None);
    assert_eq!(again.go, [], "what may go is gone");
    for place in &places {
        let found = verify(&place.target, &House::trust(), Depth::Everything, &mut |_, _| {}).unwrap();
        assert_eq!(found.wrong, []);
    }
}

#[test]
fn whatever_is_wrong_is_found_by_its_name() {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let watch = house.watch();
    house.base(&watch, &sql, Why::First);
    let mut rng = Rng(8);
    let mut place = Place::new(&house, "there", true);
    for n in 0..30 {
        request(&mut sql, &mut rng, n);
        watch.take(house.tick()).unwrap();
        if n == 20 {
            house.base(&watch, &sql, Why::Due);
        }
        place.visit(&house);
    }
    let look = |depth| verify(&place.target, &House::trust(), depth, &mut |_, _| {}).unwrap();
    let everything = look(Depth::Everything);
    assert!(everything.wrong.is_empty() && everything.objects > 32 && everything.bytes > look(Depth::Newest).bytes);
    let mut all = Vec::new();
    files(&place.path, &mut all);
    for path in &all {
        let name = path.strip_prefix(&place.path).unwrap().to_str().unwrap().to_owned();
        let whole = fs::read(path).unwrap();
        // A flipped bit, a cut, a byte too many, and gone.
        for harm in 0..4 {
            let mut bytes = whole.clone();
            let place_of = rng.below(whole.len() as u64) as usize;
            match harm {
                0 => bytes[place_of] ^= 1 << rng.below(8),
                1 => bytes.truncate(place_of),
                2 => bytes.push(0),
                _ => {}
            }
            fs::remove_file(path).unwrap();
            if harm < 3 {
                fs::write(path, &bytes).unwrap();
            }
            let found = look(Depth::Everything).wrong;
            let gone_unseen = harm == 3 && found.is_empty();
            let named = found.iter().any(|wrong| wrong.object == name && wrong.spoiled == (harm < 3));
            // What an object names counts only when it is genuine: nothing else is accused.
            assert!(harm > 0 || found.iter().all(|wrong| wrong.object == name), "{name}: {found:?}");
            // A change that is gone leaves a hole, or was the last one; whoever delivered it knows that it was there.
            assert!(named || gone_unseen && (name.starts_with("log/") || name.starts_with("base/")) || !found.is_empty() && harm == 3, "{harm} {name}: {found:?}");
            fs::write(path, &whole).unwrap();
        }
    }
    assert_eq!(look(Depth::Everything).wrong, []);
    // A base without its parts and a hole in the newest way are seen without reading everything.
    let newest = place.names();
    let hole = newest.iter().rfind(|named| named.kind == Kind::Log && named.last == 29).unwrap();
    fs::remove_file(place.path.join(&hole.text)).unwrap();
    assert!(look(Depth::Newest).wrong[0].why.contains("missing"), "{:?}", look(Depth::Newest).wrong);
}

#[test]
fn where_something_is_not_genuine_nothing_goes() {
    let mut house = House::new();
    let mut sql = open(&house.db(), KEYS[0]);
    schema(&sql);
    let watch = house.watch();
    let mut rng = Rng(3);
    let mut place = Place::new(&house, "there", true);
    for n in 0..4 {
        request(&mut sql, &mut rng, n);
        house.base(&watch, &sql, if n == 0 { Why::First } else { Why::Due });
        place.visit(&house);
        house.now += 40 * 86_400_000;
    }
    let base = place.names().into_iter().rfind(|named| named.kind == Kind::Base).unwrap();
    let path = place.path.join(&base.text);
    let whole = fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (of, here) = ([Of { trust: House::trust(), verified: None }], BTreeSet::new());
    let retention = Retention { target: &place.target, of: &of, keep: Keep::default(), images: 8, here: &here, now: house.now / 1000 };
    assert!(retention.plan().is_err());
    fs::write(&path, &whole).unwrap();
    let before = place.target.list("part/").unwrap().len();
    let removal = retention.plan().unwrap();
    assert!(removal.go.iter().any(|(name, _)| name.starts_with("part/")) && removal.go.iter().any(|(name, _)| name.starts_with("base/")));
    // Interrupted anywhere, it goes on the next time.
    for done in 1..=removal.go.len() as u64 {
        apply(&place.target, &retention.plan().unwrap(), &mut |at| at < done.min(2)).unwrap();
        assert_eq!(verify(&place.target, &House::trust(), Depth::Newest, &mut |_, _| {}).unwrap().wrong, []);
    }
    assert_eq!(retention.plan().unwrap().go, []);
    assert!(place.target.list("part/").unwrap().len() < before);
    // What another installation put there is not ours to take away, nor what it may name.
    fs::create_dir_all(place.path.join("log").join("0f".repeat(16))).unwrap();
    fs::write(place.path.join("log").join("0f".repeat(16)).join("strange"), b"x").unwrap();
    fs::create_dir_all(place.path.join("part/aa")).unwrap();
    fs::write(place.path.join("part/aa/strange"), b"x").unwrap();
    assert_eq!(Retention { now: house.now / 1000 + 400 * 86_400, ..retention }.plan().unwrap().go, []);
}
