//! The state root: one hash that stands for every page of a database as it lies on disk, in ciphertext.
//!
//! A Merkle tree of SHA-256 with 16 children a node (RFC 6962 for the idea of telling leaves from nodes by a first byte). A page that was
//! never written, such as the one that SQLite keeps for locks, counts as zeros. What changes a page costs the way from its leaf to the
//! root; the tree takes 34 bytes of memory a page.

use keys::{digest::Sha256, nonce::hex};
use std::collections::BTreeSet;

const CHILDREN: usize = 16;

/// A hash of the tree.
pub type Hash = [u8; 32];

/// The root of a state.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Root(pub Hash);

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The hash of one page.
pub fn leaf(image: &[u8]) -> Hash {
    let mut hash = Sha256::default();
    hash.update(&[0]);
    hash.update(image);
    hash.finish()
}

fn node(children: &[Hash]) -> Hash {
    let mut hash = Sha256::default();
    hash.update(&[1]);
    children.iter().for_each(|child| hash.update(child));
    hash.finish()
}

/// The hashes of all pages, and of what stands above them.
pub struct Tree {
    page_size: u32,
    blank: Hash,
    /// From the leaves upwards; the last level has one node, or none when there is no page.
    levels: Vec<Vec<Hash>>,
    /// Leaves changed since the root was last asked for.
    changed: BTreeSet<usize>,
}

impl Tree {
    /// No pages, of so many bytes each.
    pub fn new(page_size: u32) -> Tree {
        Tree { page_size, blank: leaf(&vec![0; page_size as usize]), levels: vec![Vec::new()], changed: BTreeSet::new() }
    }

    /// Bytes of a page.
    pub const fn page_size(&self) -> u32 {
        self.page_size
    }

    /// Pages of the database.
    pub fn pages(&self) -> u32 {
        u32::try_from(self.leaves()).unwrap_or(u32::MAX)
    }

    fn leaves(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// The database has this number of pages now: more are blank, fewer are cut off.
    pub fn resize(&mut self, pages: u32) {
        let (old, new, blank) = (self.leaves(), pages as usize, self.blank);
        if let Some(leaves) = self.levels.first_mut() {
            leaves.resize(new, blank);
        }
        self.changed.split_off(&new);
        self.changed.extend(old.min(new)..new);
        // Where pages were cut off, the nodes above their neighbours are others.
        if new < old && new > 0 {
            self.changed.insert(new - 1);
        }
    }

    /// Page `number`, from 1, has this hash now. A page that the database does not have is not taken.
    pub fn set(&mut self, number: u32, hash: Hash) {
        let place = (number as usize).wrapping_sub(1);
        if let Some(leaf) = self.levels.first_mut().and_then(|leaves| leaves.get_mut(place)) {
            *leaf = hash;
            self.changed.insert(place);
        }
    }

    /// The root of what there is now.
    pub fn root(&mut self) -> Root {
        let mut changed = std::mem::take(&mut self.changed);
        let mut level = 0;
        while self.levels.get(level).is_some_and(|below| below.len() > 1) {
            changed = self.raise(level, &changed);
            level += 1;
        }
        self.levels.truncate(level + 1);
        let mut hash = Sha256::default();
        hash.update(&[2]);
        hash.update(&self.page_size.to_be_bytes());
        hash.update(&self.pages().to_be_bytes());
        if let Some(top) = self.levels.get(level).and_then(|top| top.first()) {
            hash.update(top);
        }
        Root(hash.finish())
    }

    /// Computes the nodes above what changed in a level; gives those that changed themselves.
    fn raise(&mut self, level: usize, changed: &BTreeSet<usize>) -> BTreeSet<usize> {
        if self.levels.len() == level + 1 {
            self.levels.push(Vec::new());
        }
        let (below, above) = self.levels.split_at_mut(level + 1);
        let (Some(below), Some(above)) = (below.last(), above.first_mut()) else { return BTreeSet::new() };
        let (old, wanted) = (above.len(), below.len().div_ceil(CHILDREN));
        above.resize(wanted, [0; 32]);
        let mut touched: BTreeSet<usize> = changed.iter().map(|place| place / CHILDREN).filter(|place| *place < wanted).collect();
        touched.extend(old.min(wanted)..wanted);
        if wanted < old {
            touched.insert(wanted - 1);
        }
        for place in &touched {
            let children = below.chunks(CHILDREN).nth(*place).unwrap_or_default();
            if let Some(slot) = above.get_mut(*place) {
                *slot = node(children);
            }
        }
        touched
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(pages: &[u8]) -> Root {
        let mut tree = Tree::new(512);
        tree.resize(pages.len() as u32);
        for (n, fill) in pages.iter().enumerate() {
            tree.set(n as u32 + 1, leaf(&[*fill; 512]));
        }
        tree.root()
    }

    #[test]
    fn every_page_its_place_and_their_number_count() {
        let pages: Vec<u8> = (0..40).collect();
        let mut swapped = pages.clone();
        swapped.swap(3, 20);
        let mut other = pages.clone();
        other[39] = 7;
        let roots = [whole(&pages), whole(&swapped), whole(&other), whole(&pages[..39]), whole(&[]), whole(&[0]), whole(&[0, 0])];
        for (n, one) in roots.iter().enumerate() {
            assert!(roots[n + 1..].iter().all(|other| other != one), "{n}");
        }
        let mut larger = Tree::new(1024);
        larger.resize(1);
        assert_ne!(larger.root(), whole(&[0]));
    }

    #[test]
    fn the_root_never_changes_its_form() {
        assert_eq!(format!("{:?}", whole(&(0..100).collect::<Vec<u8>>())), "694b2d76d30b7cce65f0ca777a091e254e04b80a3de6960a527e8072a3b5eb16");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Size(u32),
        Set(u32, u8),
        Ask,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let one = prop_oneof![(0u32..700).prop_map(Step::Size), (1u32..700, 0u8..).prop_map(|(page, fill)| Step::Set(page, fill)), Just(Step::Ask)];
        proptest::collection::vec(one, 0..60)
    }

    proptest! {
        #[test]
        fn kept_up_step_by_step_it_is_the_root_of_the_whole(steps in steps()) {
            let (mut tree, mut pages) = (Tree::new(512), Vec::<u8>::new());
            for step in steps {
                match step {
                    Step::Size(size) => { tree.resize(size); pages.resize(size as usize, 0) }
                    Step::Set(page, fill) => {
                        tree.set(page, leaf(&[fill; 512]));
                        if let Some(old) = pages.get_mut(page as usize - 1) { *old = fill }
                    }
                    Step::Ask => { tree.root(); }
                }
            }
            prop_assert_eq!(tree.root(), whole(&pages));
        }
    }
}
