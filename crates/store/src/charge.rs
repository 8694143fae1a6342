//! The proofs that are about accounts and the site, and not about a case: one's own account, the accounts one looks after, the settings.
//!
//! As with [`crate::Access`], each is made in one place, borrows the transaction, and is asked for by every function that touches what
//! it stands for. In a transaction that writes, whoever looks after others must have shown a factor within five minutes (ASVS 7.5.1).

use crate::{
    Mode, Reading, Tx, Writing,
    error::Refuse,
    user::{role_at, state_at},
};
use rules::{Kind, Refusal, Role, Sealed, User, UserState, Verb};
use rusqlite::OptionalExtension;
use std::marker::PhantomData;

/// What is said when something dangerous is tried without having shown a factor just before.
const UNCONFIRMED: &str = "Show first that it is you: open the page again, and it asks for a code.";

/// Proof that this is about the actor's own account. Made by [`Tx::own`].
///
/// ```compile_fail
/// use strongroom_store::{Tx, Writing, charge::Own};
/// fn forge<'t>(tx: &'t Tx<'t, Writing>) -> Own<'t, Writing> { Own { tx } }
/// ```
pub struct Own<'t, M> {
    tx: &'t Tx<'t, M>,
}

/// The same, and a factor was shown within five minutes. Made by [`Tx::own_confirmed`]; what changes passwords and factors asks for it.
///
/// ```compile_fail
/// use strongroom_store::{charge::Own, factor, Writing};
/// fn f(own: &Own<'_, Writing>, id: &rules::Sealed<rules::Factor>) -> Result<(), rules::Refusal> { factor::remove(own, id) }
/// ```
/// ```
/// use strongroom_store::{charge::Confirmed, factor};
/// fn f(own: &Confirmed<'_>, id: &rules::Sealed<rules::Factor>) -> Result<(), rules::Refusal> { factor::remove(own, id) }
/// ```
pub struct Confirmed<'t> {
    own: Own<'t, Writing>,
}

/// Proof that the actor looks after accounts of some roles. Made by [`Tx::charge`].
pub struct Charge<'t, M> {
    tx: &'t Tx<'t, M>,
}

/// Proof that the actor looks after this account. Made by [`Tx::person`].
///
/// ```compile_fail
/// use strongroom_store::{charge::Charge, person, Writing};
/// fn f(charge: &Charge<'_, Writing>) -> Result<(), rules::Refusal> { person::suspend(charge) }
/// ```
/// ```
/// use strongroom_store::{charge::InCharge, person, Writing};
/// fn f(person: &InCharge<'_, Writing>) -> Result<(), rules::Refusal> { person::suspend(person) }
/// ```
pub struct InCharge<'t, M> {
    tx: &'t Tx<'t, M>,
    id: i64,
    role: Role,
    state: UserState,
}

/// Proof that the actor runs the site. Made by [`Tx::administer`].
pub struct Administer<'t, M> {
    tx: &'t Tx<'t, M>,
}

/// Proof that the actor runs the site that looks after the keyring of the installation. Made by [`Tx::keeper`].
pub struct Keeper<'t, M> {
    tx: &'t Tx<'t, M>,
}

/// Leave to look into the keyring (`Reading`) or to change it (`Writing`), which is no row of any database: given by a transaction in
/// which a [`Keeper`] wrote down what for, or by the set-up to whoever holds it.
///
/// ```compile_fail
/// use strongroom_store::{Appliance, Reading, charge::Leave};
/// fn f(appliance: &Appliance, leave: &Leave<Reading>) { appliance.make_kit(leave).unwrap(); }
/// ```
/// ```
/// use strongroom_store::{Appliance, Writing, charge::Leave};
/// fn f(appliance: &Appliance, leave: &Leave<Writing>) { appliance.make_kit(leave).unwrap(); }
/// ```
pub struct Leave<M>(PhantomData<M>);

impl<M> Leave<M> {
    pub(crate) const fn given() -> Leave<M> {
        Leave(PhantomData)
    }
}

impl<'t, M> Keeper<'t, M> {
    /// The transaction.
    pub fn tx(&self) -> &'t Tx<'t, M> {
        self.tx
    }

    pub(crate) fn leave(&self) -> Leave<M> {
        Leave::given()
    }
}

impl Keeper<'_, Reading> {
    /// Leave to look: that somebody did is written down.
    pub fn looking(&self) -> Leave<Reading> {
        self.leave()
    }
}

impl<'t, M> Own<'t, M> {
    /// The transaction.
    pub fn tx(&self) -> &'t Tx<'t, M> {
        self.tx
    }

    /// Row id of the account.
    pub(crate) fn user(&self) -> i64 {
        self.tx.actor().user
    }
}

impl<'t> Confirmed<'t> {
    /// The transaction.
    pub fn tx(&self) -> &'t Tx<'t, Writing> {
        self.own.tx
    }

    /// Row id of the account.
    pub(crate) fn user(&self) -> i64 {
        self.own.user()
    }
}

impl<'t, M> Charge<'t, M> {
    /// The transaction.
    pub fn tx(&self) -> &'t Tx<'t, M> {
        self.tx
    }

    /// Whether accounts of this role are looked after by the actor.
    pub fn over(&self, role: Role) -> bool {
        self.tx.actor().role.looks_after(role)
    }
}

impl<'t, M> InCharge<'t, M> {
    /// The transaction.
    pub fn tx(&self) -> &'t Tx<'t, M> {
        self.tx
    }

    /// What the account is there for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Where it is in its life.
    pub fn state(&self) -> UserState {
        self.state
    }

    /// Row id of the account.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// It is the actor's own.
    pub fn is_self(&self) -> bool {
        self.id == self.tx.actor().user
    }

    /// Writes down what was done, or refused, to the account.
    pub(crate) fn record(&self, verb: Verb, detail: Option<i64>, refused: bool) {
        self.tx.record(verb, None, Some((Kind::User, self.id)), detail, refused);
    }

    /// A refusal with its sentence, written down.
    pub(crate) fn refuse(&self, verb: Verb, sentence: impl Into<String>) -> Refusal {
        self.record(verb, None, true);
        Refusal::Forbidden(sentence.into())
    }
}

impl<'t, M> Administer<'t, M> {
    /// The transaction.
    pub fn tx(&self) -> &'t Tx<'t, M> {
        self.tx
    }
}

impl<'t, M: Mode> Tx<'t, M> {
    /// The actor's own account. `verb` is written down when it is looked at; who changes something writes down that.
    pub fn own(&'t self, verb: Verb) -> Own<'t, M> {
        if M::LOOKS {
            self.note(verb);
        }
        Own { tx: self }
    }

    /// The accounts that the actor looks after, if any.
    pub fn charge(&'t self, verb: Verb) -> Result<Charge<'t, M>, Refusal> {
        let any = Role::ALL.into_iter().any(|role| self.actor().role.looks_after(role));
        self.admit(verb, any)?;
        Ok(Charge { tx: self })
    }

    /// One account that the actor looks after. Any other is [`Refusal::NotFound`], as is one that does not exist.
    pub fn person(&'t self, id: &Sealed<User>, verb: Verb) -> Result<InCharge<'t, M>, Refusal> {
        match self.core.keys.ids.open(id) {
            Ok(id) => self.person_at(id, verb),
            Err(_) => {
                self.record(verb, None, Some((Kind::User, 0)), None, true);
                Err(Refusal::NotFound)
            }
        }
    }

    pub(crate) fn person_at(&'t self, id: i64, verb: Verb) -> Result<InCharge<'t, M>, Refusal> {
        let found = self.sql.prepare_cached("select role, state from user where id = ?").refuse()?;
        let found = { found }.query_row([id], |row| Ok((role_at(row, 0)?, state_at(row, 1)?))).optional().refuse()?;
        match found.filter(|(role, _)| self.actor().role.looks_after(*role)) {
            Some((role, state)) => {
                self.confirm(verb)?;
                let person = InCharge { tx: self, id, role, state };
                if M::LOOKS {
                    person.record(verb, None, false);
                }
                Ok(person)
            }
            None => {
                self.record(verb, None, Some((Kind::User, id)), None, true);
                Err(Refusal::NotFound)
            }
        }
    }

    /// The site itself: settings, letters, from where people may come.
    pub fn administer(&'t self, verb: Verb) -> Result<Administer<'t, M>, Refusal> {
        self.admit(verb, self.actor().role == Role::Administrator)?;
        Ok(Administer { tx: self })
    }

    /// The keyring of the installation: only one site looks after it.
    pub fn keeper(&'t self, verb: Verb) -> Result<Keeper<'t, M>, Refusal> {
        self.admit(verb, self.actor().role == Role::Administrator && self.core.settings().keeps_keyring)?;
        Ok(Keeper { tx: self })
    }

    /// Writes down a look, or the refusal of somebody without the right.
    fn admit(&self, verb: Verb, has_right: bool) -> Result<(), Refusal> {
        if !has_right {
            self.record(verb, None, None, None, true);
            return Err(Refusal::NotFound);
        }
        if M::LOOKS {
            self.note(verb);
        }
        self.confirm(verb)
    }

    /// In a transaction that writes, a factor must have been shown.
    fn confirm(&self, verb: Verb) -> Result<(), Refusal> {
        if M::LOOKS || self.actor().confirmed {
            return Ok(());
        }
        self.record(verb, None, None, None, true);
        Err(Refusal::Forbidden(UNCONFIRMED.into()))
    }
}

impl<'t> Tx<'t, Writing> {
    /// The actor's own account, a factor having been shown within five minutes.
    pub fn own_confirmed(&'t self, verb: Verb) -> Result<Confirmed<'t>, Refusal> {
        self.confirm(verb)?;
        Ok(Confirmed { own: Own { tx: self } })
    }
}
