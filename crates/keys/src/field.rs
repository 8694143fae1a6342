//! Private columns: a second layer of encryption, so that the database opened with its key still hides them.
//!
//! Each value is bound to site ‖ table ‖ column ‖ row: moved to another place it does not open. Look-ups go by a blind index,
//! HMAC-SHA-256 under a key of its own.

use crate::{KeyError, wrap::Wrap};
use aws_lc_rs::hmac;
use rules::Secret;

/// Where a private value stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Table name.
    pub table: &'static str,
    /// Column name.
    pub column: &'static str,
    /// Row id.
    pub row: i64,
}

/// Encrypts and indexes the private columns of one site.
pub struct Fields {
    wrap: Wrap,
    index: hmac::Key,
    site: [u8; 16],
}

impl Fields {
    /// From the site's field and index keys.
    pub fn new(wrap: Wrap, index: &Secret<[u8; 32]>, site: [u8; 16]) -> Fields {
        Fields { wrap, index: hmac::Key::new(hmac::HMAC_SHA256, index.expose()), site }
    }

    /// The encrypted form of `plain` for its place.
    pub fn seal(&self, plain: &[u8], place: Place) -> Result<Vec<u8>, KeyError> {
        self.wrap.seal(plain, &[&self.site, place.table.as_bytes(), place.column.as_bytes(), &place.row.to_be_bytes()])
    }

    /// The plaintext of a value that stands at its place.
    pub fn open(&self, sealed: &[u8], place: Place) -> Result<Secret<Vec<u8>>, KeyError> {
        self.wrap.open(sealed, &[&self.site, place.table.as_bytes(), place.column.as_bytes(), &place.row.to_be_bytes()])
    }

    /// The same as text.
    pub fn open_text(&self, sealed: &[u8], place: Place) -> Result<Secret<String>, KeyError> {
        let plain = self.open(sealed, place)?;
        String::from_utf8(plain.expose().clone()).map(Secret::new).map_err(|_| KeyError::NotGenuine)
    }

    /// The blind index of `plain` in `column`: equal for equal values, and nothing else can be read from it.
    pub fn index(&self, column: &'static str, plain: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.index);
        context.update(column.as_bytes());
        context.update(&[0]);
        context.update(plain.as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(site: u8) -> Fields {
        Fields::new(Wrap::new(Secret::new([5; 64]), 1), &Secret::new([6; 32]), [site; 16])
    }

    #[test]
    fn a_value_opens_only_where_it_stands() {
        let here = Place { table: "user", column: "email", row: 7 };
        let sealed = fields(1).seal(b"ann@firm.example", here).unwrap();
        assert_eq!(fields(1).open_text(&sealed, here).unwrap().expose(), "ann@firm.example");
        for there in [Place { row: 8, ..here }, Place { column: "phone", ..here }, Place { table: "contact", ..here }] {
            assert!(fields(1).open(&sealed, there).is_err());
        }
        assert!(fields(2).open(&sealed, here).is_err());
    }

    #[test]
    fn the_index_tells_columns_apart_and_depends_on_the_key() {
        let one = fields(1);
        assert_eq!(one.index("email", "a"), one.index("email", "a"));
        assert_ne!(one.index("email", "a"), one.index("phone", "a"));
        let other = Fields::new(Wrap::new(Secret::new([5; 64]), 1), &Secret::new([7; 32]), [1; 16]);
        assert_ne!(one.index("email", "a"), other.index("email", "a"));
    }
}
