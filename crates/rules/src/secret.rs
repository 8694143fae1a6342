//! Text and bytes that must not be printed.

use std::fmt;
use zeroize::Zeroize;

/// Holds a secret: no `Display`, no `Serialize`, a `Debug` that says nothing, wiped when dropped, one way in.
///
/// ```compile_fail
/// let s = strongroom_rules::Secret::new(String::from("x"));
/// println!("{s}");
/// ```
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the secret over.
    pub fn new(inner: T) -> Self {
        Secret(inner)
    }

    /// The one way to the plaintext. Review its callers.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", Secret::new(String::from("hunter2"))), "Secret(..)");
    }
}
