//! One transaction of one actor. Everything that touches rows goes through it, and everything it opens goes into the trail.

use crate::{error::Refuse, site::Core, trail::Event};
use rules::{Actor, Entity, Kind, Moment, Refusal, Sealed, Verb};
use rusqlite::Connection;
use std::{cell::RefCell, marker::PhantomData};

/// Marks a transaction that only reads. The functions that write do not accept its proofs:
/// ```compile_fail
/// use strongroom_store::{Reading, Tx, case};
/// use rules::{Case, Manage, Refusal, Sealed, Verb};
/// fn f<'t>(tx: &'t Tx<'t, Reading>, id: &Sealed<Case>, change: &case::Change) -> Result<(), Refusal> {
///     case::change(&tx.open::<Manage, Case>(id, Verb::CaseChange)?, change)
/// }
/// ```
/// With `Writing` the same is taken:
/// ```
/// use strongroom_store::{Tx, Writing, case};
/// use rules::{Case, Manage, Refusal, Sealed, Verb};
/// fn f<'t>(tx: &'t Tx<'t, Writing>, id: &Sealed<Case>, change: &case::Change) -> Result<(), Refusal> {
///     case::change(&tx.open::<Manage, Case>(id, Verb::CaseChange)?, change)
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Reading;

/// Marks a transaction that writes. It has committed, and is on disk, before the caller hears of it.
#[derive(Debug, Clone, Copy)]
pub struct Writing;

/// What a transaction may do, and what of it [`Tx::open`] writes down.
pub trait Mode {
    /// Opening is itself the thing that happened: a look.
    #[doc(hidden)]
    const LOOKS: bool;
}

impl Mode for Reading {
    const LOOKS: bool = true;
}

impl Mode for Writing {
    const LOOKS: bool = false;
}

/// One transaction of one actor, in one site. `M` says whether it may write.
///
/// It does not leave the closure it was made for, and neither does a proof made from it:
/// ```compile_fail
/// use strongroom_store::{Access, Reading, Site};
/// use rules::{Actor, Case, Read, Refusal, Sealed, Verb};
/// async fn f(site: &Site, actor: Actor, id: Sealed<Case>) {
///     let kept = site.read(actor, move |tx| tx.open::<Read, Case>(&id, Verb::CaseView)).await;
/// }
/// ```
/// What was read with it does:
/// ```
/// use strongroom_store::{Site, case};
/// use rules::{Actor, Case, Read, Refusal, Sealed, Verb};
/// async fn f(site: &Site, actor: Actor, id: Sealed<Case>) {
///     let kept = site.read(actor, move |tx| case::file(&tx.open::<Read, Case>(&id, Verb::CaseView)?)).await;
/// }
/// ```
pub struct Tx<'c, M> {
    pub(crate) sql: &'c Connection,
    pub(crate) core: &'c Core,
    actor: &'c Actor,
    now: Moment,
    events: RefCell<Vec<Event>>,
    mode: PhantomData<M>,
}

impl<'c, M> Tx<'c, M> {
    pub(crate) fn new(sql: &'c Connection, core: &'c Core, actor: &'c Actor) -> Self {
        Tx { sql, core, actor, now: core.now(), events: RefCell::new(Vec::new()), mode: PhantomData }
    }

    /// Who asks.
    pub fn actor(&self) -> &Actor {
        self.actor
    }

    /// The time of this transaction.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// The opaque id of a row.
    pub(crate) fn seal<E: Entity>(&self, id: i64) -> Result<Sealed<E>, Refusal> {
        self.core.keys.ids.seal(id).refuse()
    }

    /// Writes down something that needs no object: a list, a page of one's own.
    pub fn note(&self, verb: Verb) {
        self.record(verb, None, None, None, false);
    }

    pub(crate) fn record(&self, verb: Verb, case: Option<i64>, object: Option<(Kind, i64)>, detail: Option<i64>, refused: bool) {
        self.events.borrow_mut().push(Event {
            at: self.now,
            actor: (self.actor.user != 0).then_some(self.actor.user),
            verb,
            case,
            object,
            detail,
            origin: self.actor.from.clone(),
            session: (self.actor.session != 0).then_some(self.actor.session),
            refused,
        });
    }

    pub(crate) fn into_events(self) -> Vec<Event> {
        self.events.into_inner()
    }
}
