//! The recovery kit: a key on paper that opens the keyring when what opens it at a start is lost. It is shown until two of its groups were
//! typed back, and then forgotten here.

use crate::{
    Appliance, Writing,
    appliance::{held, hold, unhold},
    charge::{Keeper, Leave},
    error::OpenError,
    notice, settings,
    site::Core,
    user,
};
use keys::{
    kit::RecoveryKey,
    ring::{self, NewSlot},
    slot::SlotKind,
};
use rules::{LetterKind, Moment, Refusal, Verb, text};
use rusqlite::Connection;

/// Groups of the recovery key.
const GROUPS: usize = 14;

/// A recovery kit that is not on paper yet.
#[derive(Clone, Debug)]
pub struct Kit {
    /// Counts the kits of this installation.
    pub number: u32,
    /// When it was made.
    pub made: Moment,
    /// The key as it is printed: 14 groups of four characters.
    pub groups: Vec<String>,
    /// Which two groups are asked back, counted from 1.
    pub asked: [usize; 2],
}

impl Kit {
    /// Whether these are the two groups that were asked back.
    pub fn fits(&self, typed: [&str; 2]) -> bool {
        self.asked.iter().zip(typed).all(|(n, typed)| self.groups.get(n - 1).is_some_and(|group| *group == keys::kit::even(typed)))
    }
}

/// The kit is on paper, and these two keep it.
pub fn confirmed(keeper: &Keeper<'_, Writing>, one: &str, two: &str) -> Result<Leave<Writing>, Refusal> {
    let tx = keeper.tx();
    keep_holders(tx.sql, tx.core, one, two)?;
    tx.note(Verb::KeyKit);
    Ok(keeper.leave())
}

/// The kit before is to open nothing any more: what is known of it goes first. Whoever makes another sees a key that opens everything, which
/// every system administrator is told.
pub fn replacing(keeper: &Keeper<'_, Writing>) -> Result<Leave<Writing>, Refusal> {
    let tx = keeper.tx();
    let by = notice::name_of(tx.sql, tx.actor().user)?;
    let link = format!("{}/system/kit", tx.core.settings().url.clone().unwrap_or_else(|| "https://localhost".into()));
    notice::tell_administrators(tx.sql, tx.core, LetterKind::KitMade, &[("by", &by), ("link", &link)])?;
    forget(keeper, Verb::KeyKit)
}

/// The key on a kit that waits is about to be shown.
pub fn shown(keeper: &Keeper<'_, Writing>) -> Result<(), Refusal> {
    keeper.tx().note(Verb::KeyShow);
    Ok(())
}

/// As [`replacing`], because the root key is to be another one.
pub fn rotating(keeper: &Keeper<'_, Writing>) -> Result<Leave<Writing>, Refusal> {
    forget(keeper, Verb::KeyRotate)
}

fn forget(keeper: &Keeper<'_, Writing>, verb: Verb) -> Result<Leave<Writing>, Refusal> {
    let tx = keeper.tx();
    settings::put(tx.sql, tx.core, "kit.confirmed", None)?;
    settings::put(tx.sql, tx.core, "kit.holders", None)?;
    tx.note(verb);
    Ok(keeper.leave())
}

/// Keeps that the kit is on paper, and with whom.
pub(crate) fn keep_holders(sql: &Connection, core: &Core, one: &str, two: &str) -> Result<(), Refusal> {
    let holder = |field, label, typed: &str| text::line(field, label, typed, user::NAME_MAX);
    let (one, two) = match (holder("holder1", "The first holder", one), holder("holder2", "The second holder", two)) {
        (Ok(one), Ok(two)) if text::even(&one) != text::even(&two) => (one, two),
        (Ok(_), Ok(_)) => return Err(Refusal::invalid("holder2", "Name another person: one of two may be ill or gone when the kit is needed.")),
        (one, two) => return Err(Refusal::Invalid(one.err().into_iter().chain(two.err()).collect())),
    };
    settings::put(sql, core, "kit.holders", Some(&format!("{one}\n{two}")))?;
    settings::put(sql, core, "kit.confirmed", Some(&core.now().0.to_string()))
}

/// What the registry holds of kits: how many there were, and the key of the last one until it is on paper.
const NUMBER: &str = "kit.number";
const KEY: &str = "kit.key";

/// Forgets a kit that waits: the keyring it was for is another one.
pub(crate) fn drop_waiting(registry: &Connection) -> Result<(), OpenError> {
    unhold(registry, KEY)
}

impl Appliance {
    /// The kit that waits to be on paper. A key whose slot is not in the keyring is none: making it was cut off.
    pub fn waiting_kit<M>(&self, _: &Leave<M>) -> Result<Option<Kit>, OpenError> {
        let registry = self.registry();
        let (Some(key), Some(made)) = (held(&registry, KEY)?, self.kit_made()?) else { return Ok(None) };
        let Some((since, key)) = String::from_utf8_lossy(key.expose()).split_once(' ').map(|(since, key)| (since.to_owned(), RecoveryKey::parse(key))) else { return Ok(None) };
        if since != made.0.to_string() {
            return Ok(None);
        }
        let number = number(&registry)?;
        let first = usize::try_from(number).unwrap_or(0) * 5 % GROUPS;
        Ok(Some(Kit { number, made, groups: key.map_err(OpenError::config)?.groups(), asked: [first + 1, (first + 6) % GROUPS + 1] }))
    }

    /// A new kit, which waits to be on paper. The one before opens nothing any more.
    pub fn make_kit(&self, leave: &Leave<Writing>) -> Result<Kit, OpenError> {
        let (key, made) = (RecoveryKey::new()?, self.now().0);
        {
            let registry = self.registry();
            hold(&registry, NUMBER, &(number(&registry)? + 1).to_be_bytes())?;
            hold(&registry, KEY, format!("{made} {}", key.text().expose()).as_bytes())?;
        }
        self.ring().put(NewSlot { unlock: &key.unlock(), place: None, made })?;
        self.waiting_kit(leave)?.ok_or_else(|| OpenError::config("The recovery kit that was made just now is not there. Make it again."))
    }

    /// The kit is on paper: its key is forgotten here.
    pub fn forget_kit(&self, _: &Leave<Writing>) -> Result<(), OpenError> {
        unhold(&self.registry(), KEY)
    }

    /// When the kit that is in force was made, as the keyring says.
    pub fn kit_made(&self) -> Result<Option<Moment>, OpenError> {
        let slots = ring::slots(&self.dir().join("keyring.json"))?;
        Ok(slots.iter().find(|slot| slot.kind == SlotKind::Recovery).map(|slot| Moment(slot.made)))
    }
}

fn number(registry: &Connection) -> Result<u32, OpenError> {
    let found = held(registry, NUMBER)?;
    Ok(found.and_then(|value| <[u8; 4]>::try_from(value.expose().as_slice()).ok()).map_or(0, u32::from_be_bytes))
}
