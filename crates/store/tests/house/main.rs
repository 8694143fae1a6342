//! The store from outside: the table of decisions against the deciding function, and what a write is worth.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod accounts;
mod contacts;
mod keyring;
mod life;
mod links;
mod lists;
mod private;
mod sites;
mod throttle;
mod writes;

use proptest::prelude::*;
use rules::{Actor, Case, Contribute, Know, Level, Manage, Moment, Read, Refusal, Sealed, Secret, User, Role, Verb, case::Status, conflict::Decision};
use keys::ring;
use std::os::unix::fs::FileExt;
use strongroom_store as store;
use store::{
    Appliance, Firm, Site, Tx, Writing, case,
    case_list::{self, Filter},
    conflict,
    fill, grant, matrix, seers, team, trail,
    user::{self, NewUser},
};

const ROLES: [Role; 6] = [Role::Staff, Role::Staff, Role::Staff, Role::Staff, Role::Client, Role::Administrator];

/// Place of the system administrator among them.
const ADMINISTRATOR: usize = 5;

struct House {
    appliance: Appliance,
    site: Site,
    runtime: tokio::runtime::Runtime,
    ids: Vec<i64>,
    _dir: tempfile::TempDir,
}

fn clock() -> Moment {
    Moment(1_800_000_000_000)
}

impl House {
    fn new() -> House {
        House::with(clock)
    }

    fn with(clock: store::Clock) -> House {
        let dir = tempfile::tempdir().unwrap();
        let zone = jiff::tz::TimeZone::UTC;
        let firm = Firm { name: "Firm".into(), kind: String::new(), prefix: "F".into(), zone_name: "UTC".into(), zone, phone: None };
        let data = dir.path().join("data");
        let unlock = ring::create_key_file(&dir.path().join("key")).unwrap();
        let appliance = Appliance::create(&data, &[ring::NewSlot { unlock: &unlock, place: None, made: clock().0 }], &firm, clock).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let person = |(n, role): (usize, Role)| NewUser {
            role,
            name: format!("Person {n}"),
            words: "Adviser".into(),
            email: format!("p{n}@firm.example"),
            password: String::new(),
            totp: Secret::new([n as u8; 20]),
        };
        let people = ROLES.into_iter().enumerate().map(person).collect();
        let site = appliance.sites()[0].1.clone();
        let ids = runtime.block_on(site.fill_people(people)).unwrap();
        runtime.block_on(site.fill_types(&["Visit"])).unwrap();
        House { appliance, site, runtime, ids, _dir: dir }
    }

    fn site(&self) -> &Site {
        &self.site
    }

    fn actor(&self, n: usize) -> Actor {
        Actor { user: self.ids[n], role: ROLES[n], session: 0, from: "::1".into(), confirmed: true }
    }

    fn read<T: Send + 'static>(&self, n: usize, work: impl for<'t> FnOnce(&'t store::Tx<'t, store::Reading>) -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
        self.runtime.block_on(self.site().read(self.actor(n), work))
    }

    fn write<T: Send + 'static>(&self, n: usize, work: impl for<'t> FnOnce(&'t store::Tx<'t, store::Writing>) -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
        self.runtime.block_on(self.site().write(self.actor(n), work))
    }

    /// Opaque id of a person.
    fn person(&self, n: usize) -> Sealed<User> {
        self.read(n, user::own_id).unwrap()
    }

    /// The same, as a form names whom a grant or wall is about.
    fn whom(&self, n: usize) -> grant::Whom {
        grant::Whom::from_form(self.person(n).as_str())
    }

    fn typed(&self, title: &str, owner: usize) -> case::Typed {
        case::Typed { title: title.into(), summary: String::new(), type_id: "1".into(), owner: self.person(owner), supervisor: Sealed::from_url("") }
    }

    fn open(&self, title: &str) -> Sealed<Case> {
        let typed = self.typed(title, 0);
        self.write(0, move |tx| open(tx, &typed)).unwrap()
    }

    fn level(&self, n: usize, id: &Sealed<Case>) -> Level {
        let id = id.clone();
        self.read(n, move |tx| tx.open::<Know, Case>(&id, Verb::CaseView).map(|case| case.level())).unwrap_or(Level::None)
    }
}

/// Opens a case as its form does: an enquiry, a decision about conflicts, then the case.
fn open(tx: &Tx<'_, Writing>, typed: &case::Typed) -> Result<Sealed<Case>, Refusal> {
    let id = case::enquire(tx, typed)?;
    let (enquiry, names) = (tx.open::<Manage, Case>(&id, Verb::CaseOpen)?, ["Quill Featherstonehaugh".to_owned()]);
    let found = conflict::look_for(&enquiry, &names)?.iter().map(|found| found.matches.len()).sum();
    conflict::decide(&enquiry, &names, Some(Decision::Accepted), "For a test", found)?;
    case::open(&enquiry)?;
    Ok(id)
}
