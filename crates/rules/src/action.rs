//! What a proof of access is for. `P: Covers<A>` says that holding a proof for `P` is enough to do `A`.
//!
//! The `Covers` impls below are the whole lattice: review a change to them like unsafe code.

use crate::Level;

mod sealed {
    pub trait Sealed {}
}

/// Something one may be allowed to do to a case and what belongs to it.
pub trait Action: sealed::Sealed + Send + Sync + 'static {
    /// The least level that allows it.
    const NEEDS: Level;
}

/// `P: Covers<A>`: a proof for `P` allows `A`.
///
/// A lower proof does not cover a higher action:
/// ```compile_fail
/// use strongroom_rules::{Covers, Manage, Read};
/// fn need<P: Covers<Manage>>() {}
/// need::<Read>();
/// ```
/// A higher one covers a lower one:
/// ```
/// use strongroom_rules::{Covers, Manage, Read};
/// fn need<P: Covers<Read>>() {}
/// need::<Manage>();
/// ```
pub trait Covers<A: Action>: Action {}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident needs $level:ident covers $($lower:ident),*;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl sealed::Sealed for $name {}
        impl Action for $name { const NEEDS: Level = Level::$level; }
        $(impl Covers<$lower> for $name {})*
    )*};
}

actions! {
    /// Know that the case exists.
    Know needs Know covers Know;
    /// Read everything in the case.
    Read needs Read covers Know, Read;
    /// Add documents, change what the case says.
    Contribute needs Contribute covers Know, Read, Contribute;
    /// Change access, status, closing.
    Manage needs Manage covers Know, Read, Contribute, Manage;
}
