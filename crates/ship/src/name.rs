//! What the name of an object tells without reading it. Names are not signed: what was read under one must say the same of itself.

use crate::{
    ShipError,
    head::{Chain, Kind},
};

/// The name of an object that holds a part of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What it holds.
    pub kind: Kind,
    /// Grows when another machine takes over.
    pub fence: u32,
    /// The line of changes.
    pub generation: u32,
    /// The first change it holds.
    pub first: u64,
    /// The last change it holds.
    pub last: u64,
    /// When the last change was taken, milliseconds since 1970.
    pub made: i64,
    /// The name.
    pub text: String,
}

impl Named {
    /// What a name tells; `None` when it is not one of this database.
    pub fn parse(text: &str, of: &Chain) -> Option<Named> {
        let (folder, rest) = text.split_once('/')?;
        let (chain, numbers) = rest.split_once('/')?;
        if chain != of.chain.to_string() {
            return None;
        }
        let fields: Vec<&str> = numbers.split('-').collect();
        let number = |field: &str| field.bytes().all(|byte| byte.is_ascii_digit()).then(|| field.parse().ok()).flatten();
        let small = |field: &str| number(field).and_then(|number: u64| u32::try_from(number).ok());
        let (kind, fence, generation, first, last, made) = match (folder, fields.as_slice()) {
            ("log", [fence, generation, first, last, made]) => (Kind::Log, fence, generation, first, last, made),
            ("base", [fence, generation, last, made]) => (Kind::Base, fence, generation, last, last, made),
            _ => return None,
        };
        let made = i64::try_from(number(made)?).ok()?;
        Some(Named { kind, fence: small(fence)?, generation: small(generation)?, first: number(first)?, last: number(last)?, made, text: text.into() })
    }

    /// What those of these names tell that can be ours, in the order of their states. Others have their own ways into the folders of a
    /// destination, and what they leave there keeps nothing back.
    pub fn ours<'n>(names: impl IntoIterator<Item = &'n str>, of: &Chain) -> Vec<Named> {
        let mut all: Vec<Named> = names.into_iter().filter_map(|name| Named::parse(name, of)).collect();
        all.sort_by_key(|named| (named.fence, named.generation, named.last, named.first));
        all
    }

    /// What all these names tell, in the same order. In a spool nobody but us puts anything: another thing there is an error.
    pub fn all(names: &[String], of: &Chain) -> Result<Vec<Named>, ShipError> {
        let mut all: Vec<Named> = Vec::with_capacity(names.len());
        for name in names {
            all.push(Named::parse(name, of).ok_or_else(|| ShipError::Name(name.clone()))?);
        }
        all.sort_by_key(|named| (named.fence, named.generation, named.last, named.first));
        Ok(all)
    }
}

/// The one with the newest state; of several, the one that holds least.
pub fn newest(names: &[Named]) -> Option<&Named> {
    names.last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::{Head, tests::head};

    #[test]
    fn a_name_tells_what_its_head_says() {
        let head = Head { first: 3, link: Some(crate::head::Hex([9; 32])), ..head() };
        let named = Named::parse(&head.name(), &head.of).unwrap();
        assert_eq!((named.kind, named.fence, named.generation, named.first, named.last, named.made), (Kind::Log, 1, 1, 3, 7, head.made));
        let base = Head { kind: Kind::Base, first: 7, ..head.clone() };
        assert_eq!(Named::parse(&base.name(), &head.of).unwrap().kind, Kind::Base);
        for bad in ["log", "log/x", &format!("log/{}/1-2-3", head.of.chain), &format!("log/{}/1-2-3-+4-5", head.of.chain), &head.name().replace("02", "03"), &format!("{}-1", head.name())] {
            assert_eq!(Named::parse(bad, &head.of), None, "{bad}");
        }
    }
}
