//! What is asked of an installation from its console: the orders, the socket on which a running server takes them, and doing them.
//!
//! Who may give orders is decided by the file system: the socket lies in the data directory, which its owner alone can enter, and the
//! server asks the kernel who is at the other end. Whoever can do that could as well stop the server and open the directory.

pub(crate) mod backups;
mod export;
pub(crate) mod order;
pub(crate) mod perform;
pub(crate) mod socket;
