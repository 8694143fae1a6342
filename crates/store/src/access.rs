//! The proof that an actor may do something to an object, and the only place that makes it.

use crate::{Mode, Reading, Tx, error::Refuse};
use rules::{Action, Case, Document, Entity, Kind, Level, Refusal, Sealed, Verb};
use rusqlite::{Connection, OptionalExtension, params};
use std::marker::PhantomData;

/// Proof that the actor of the transaction may do `P` to this `E`. Made only by [`Tx::open`], gone with the transaction.
///
/// ```compile_fail
/// use strongroom_store::{Access, Reading, Tx};
/// use rules::{Case, Read};
/// fn forge<'t>(tx: &'t Tx<'t, Reading>) -> Access<'t, Read, Case, Reading> {
///     Access { tx, id: 1, case: 1, level: rules::Level::Read, proof: std::marker::PhantomData }
/// }
/// ```
/// The same with the door that makes them:
/// ```
/// use strongroom_store::{Access, Reading, Tx};
/// use rules::{Case, Read, Refusal, Sealed, Verb};
/// fn open<'t>(tx: &'t Tx<'t, Reading>, id: &Sealed<Case>) -> Result<Access<'t, Read, Case, Reading>, Refusal> {
///     tx.open(id, Verb::CaseView)
/// }
/// ```
/// A proof for reading does not do for changing:
/// ```compile_fail
/// use strongroom_store::{Access, Writing, case};
/// use rules::{Case, Read, Refusal};
/// fn f(case: &Access<'_, Read, Case, Writing>, change: &case::Change) -> Result<(), Refusal> { case::change(case, change) }
/// ```
/// One for contributing does:
/// ```
/// use strongroom_store::{Access, Writing, case};
/// use rules::{Case, Contribute, Refusal};
/// fn f(case: &Access<'_, Contribute, Case, Writing>, change: &case::Change) -> Result<(), Refusal> { case::change(case, change) }
/// ```
pub struct Access<'t, P, E, M = Reading> {
    tx: &'t Tx<'t, M>,
    id: i64,
    case: i64,
    level: Level,
    proof: PhantomData<(P, E)>,
}

impl<'t, P, E, M> Access<'t, P, E, M> {
    /// The actor's level, for pages that show or hide what else may be done.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The transaction.
    pub fn tx(&self) -> &'t Tx<'t, M> {
        self.tx
    }

    /// The proof for managing, if the level allows it: for pages that show more to those who manage.
    pub fn as_manager(&self) -> Option<Access<'t, rules::Manage, E, M>> {
        let (tx, id, case, level) = (self.tx, self.id, self.case, self.level);
        (level >= Level::Manage).then_some(Access { tx, id, case, level, proof: PhantomData })
    }

    /// The proof for contributing, likewise.
    pub fn as_contributor(&self) -> Option<Access<'t, rules::Contribute, E, M>> {
        let (tx, id, case, level) = (self.tx, self.id, self.case, self.level);
        (level >= Level::Contribute).then_some(Access { tx, id, case, level, proof: PhantomData })
    }

    pub(crate) fn sql(&self) -> &'t Connection {
        self.tx.sql
    }

    /// Row id of the object.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// Row id of the case that it is or belongs to.
    pub(crate) fn case_id(&self) -> i64 {
        self.case
    }
}

/// Finds the case that decides about an object. Implemented for every kind that can be opened.
pub trait Opened: Entity {
    /// Row id of the case.
    #[doc(hidden)]
    fn case_of(sql: &Connection, id: i64) -> rusqlite::Result<Option<i64>>;
}

impl Opened for Case {
    fn case_of(_: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
        Ok(Some(id))
    }
}

impl Opened for Document {
    fn case_of(sql: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
        sql.prepare_cached("select case_id from document where id = ?")?.query_row([id], |row| row.get(0)).optional()
    }
}

impl<'t, M: Mode> Tx<'t, M> {
    /// Opens an object for `P`: genuine id, level high enough. `verb` is what is tried: in a transaction that reads it goes into the
    /// trail either way; in one that writes only a refusal does, and the act itself is recorded by the function that does it.
    ///
    /// Unknown, malformed, of another kind or site, not to be seen: all are [`Refusal::NotFound`]. Somebody who may see the object but
    /// not do this to it is told so.
    pub fn open<P: Action, E: Opened>(&'t self, id: &Sealed<E>, verb: Verb) -> Result<Access<'t, P, E, M>, Refusal> {
        let Ok(id) = self.core.keys.ids.open(id) else {
            self.record(verb, None, Some((E::KIND, 0)), None, true);
            return Err(Refusal::NotFound);
        };
        let case = E::case_of(self.sql, id).refuse()?;
        let level = match case {
            Some(case) => level_of(self.sql, self.actor().user, case).refuse()?,
            None => Level::None,
        };
        let object = (E::KIND != Kind::Case).then_some((E::KIND, id));
        match case {
            Some(case) if level >= P::NEEDS => {
                if M::LOOKS {
                    self.record(verb, Some(case), object, None, false);
                }
                Ok(Access { tx: self, id, case, level, proof: PhantomData })
            }
            _ => {
                self.record(verb, case, object, None, true);
                // From `read` up a person sees the object, so that a missing right is no secret.
                match level >= Level::Read {
                    true => Err(Refusal::Forbidden(format!("This needs the level “{}” on the case, and you have “{}”. Ask the owner of the case.", P::NEEDS.word(), level.word()))),
                    false => Err(Refusal::NotFound),
                }
            }
        }
    }
}

/// The decision, as the `sight` table keeps it.
pub(crate) fn level_of(sql: &Connection, user: i64, case: i64) -> rusqlite::Result<Level> {
    let mut statement = sql.prepare_cached("select level from sight where user_id = ?1 and case_id = ?2")?;
    let level = statement.query_row(params![user, case], |row| row.get(0)).optional()?;
    Ok(Level::from_number(level.unwrap_or(0)))
}
