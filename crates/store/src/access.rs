//! The proof that an actor may do something to an object, and the only place that makes it.

use crate::{Mode, Reading, Tx, error::Refuse, user};
use rules::{Action, Case, Contact, Document, Entity, Kind, Level, Refusal, Sealed, Verb, policy};
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
}

impl<'t, P, E: OfCase, M> Access<'t, P, E, M> {
    /// Row id of the case that it is or belongs to.
    pub(crate) fn case_id(&self) -> i64 {
        self.case
    }
}

/// Finds the level of somebody on an object. Implemented for every kind that can be opened.
pub trait Opened: Entity {
    /// On what a level is given that decides about this kind, as a sentence names it.
    #[doc(hidden)]
    const DECIDES: &'static str;

    /// What is found under an id, and what decides about it. `None` for what is not there.
    #[doc(hidden)]
    fn find(sql: &Connection, user: i64, id: i64) -> rusqlite::Result<Option<Found>>;
}

/// An object that is there.
pub struct Found {
    /// Row id: that of what was asked for, or of what it became a part of.
    id: i64,
    /// The case that decides, where it is one case alone.
    case: Option<i64>,
    level: Level,
}

/// What is a case or belongs to one, so that this case decides.
pub trait OfCase: Entity {
    /// Row id of the case.
    #[doc(hidden)]
    fn case_of(sql: &Connection, id: i64) -> rusqlite::Result<Option<i64>>;
}

impl<E: OfCase> Opened for E {
    const DECIDES: &'static str = "the case";

    fn find(sql: &Connection, user: i64, id: i64) -> rusqlite::Result<Option<Found>> {
        E::case_of(sql, id)?.map(|case| Ok(Found { id, case: Some(case), level: level_of(sql, user, case)? })).transpose()
    }
}

impl OfCase for Case {
    fn case_of(_: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
        Ok(Some(id))
    }
}

impl OfCase for Document {
    fn case_of(sql: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
        sql.prepare_cached("select case_id from document where id = ?")?.query_row([id], |row| row.get(0)).optional()
    }
}

/// Contacts are decided about by all the cases in which they play a part or did ([`rules::policy::of_contact`]). A duplicate that was joined to
/// another leads to that one.
impl Opened for Contact {
    const DECIDES: &'static str = "a case of this contact";

    fn find(sql: &Connection, user: i64, id: i64) -> rusqlite::Result<Option<Found>> {
        const SQL: &str = "select c.id, u.role, u.state, exists (select 1 from party where contact_id = c.id),
                (select max(v.level) from party p cross join sight v on v.user_id = u.id and v.case_id = p.case_id where p.contact_id = c.id)
            from contact m join contact c on c.id = coalesce(m.merged_into, m.id) join user u on u.id = ?1 where m.id = ?2 and c.removed is null";
        let decide = |row: &rusqlite::Row<'_>| {
            let cases = row.get::<_, bool>(3)?.then_some(Level::from_number(row.get::<_, Option<i64>>(4)?.unwrap_or(0)));
            Ok(Found { id: row.get(0)?, case: None, level: policy::of_contact(user::role_at(row, 1)?, user::state_at(row, 2)?, cases) })
        };
        sql.prepare_cached(SQL)?.query_row([user, id], decide).optional()
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
        let found = E::find(self.sql, self.actor().user, id).refuse()?;
        let Found { id, case, level } = found.unwrap_or(Found { id, case: None, level: Level::None });
        let object = (E::KIND != Kind::Case).then_some((E::KIND, id));
        match level >= P::NEEDS {
            true => {
                if M::LOOKS {
                    self.record(verb, case, object, None, false);
                }
                Ok(Access { tx: self, id, case: case.unwrap_or(0), level, proof: PhantomData })
            }
            false => {
                self.record(verb, case, object, None, true);
                // From `read` up a person sees the object, so that a missing right is no secret.
                match level >= Level::Read {
                    true => Err(Refusal::Forbidden(format!("This needs the level “{}” on {}, and you have “{}”. Ask the owner of the case.", P::NEEDS.word(), E::DECIDES, level.word()))),
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

/// The decision about any object: nothing for what is not there.
pub(crate) fn level_on<E: Opened>(sql: &Connection, user: i64, id: i64) -> rusqlite::Result<Level> {
    E::find(sql, user, id).map(|found| found.map_or(Level::None, |found| found.level))
}
