//! A destination under watch: what is brought there is counted while it is on its way, so that people see it move, and nothing more is begun
//! once the server stops.

use ship::{Listed, Put, ShipError, Target};
use std::{
    io::{self, Read},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

/// A destination, the counter of its bytes, and whether the server stops.
pub(super) struct Watched<'w> {
    pub(super) inner: &'w dyn Target,
    pub(super) sent: &'w AtomicU64,
    pub(super) stop: &'w AtomicBool,
}

impl Watched<'_> {
    fn go_on(&self) -> Result<(), ShipError> {
        match self.stop.load(Ordering::SeqCst) {
            true => Err(ShipError::Refused("The server is stopping.".into())),
            false => Ok(()),
        }
    }
}

/// What is being read on its way there.
struct Counting<'c> {
    bytes: &'c mut dyn Read,
    sent: &'c AtomicU64,
    stop: &'c AtomicBool,
}

impl Read for Counting<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::SeqCst) {
            return Err(io::Error::other("the server is stopping"));
        }
        let got = self.bytes.read(into)?;
        self.sent.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

impl Target for Watched<'_> {
    fn put_new(&self, name: &str, size: u64, bytes: &mut dyn Read) -> Result<Put, ShipError> {
        self.go_on()?;
        self.inner.put_new(name, size, &mut Counting { bytes, sent: self.sent, stop: self.stop })
    }

    fn get(&self, name: &str, start: u64, length: u64) -> Result<Vec<u8>, ShipError> {
        self.go_on()?;
        self.inner.get(name, start, length)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, ShipError> {
        self.go_on()?;
        self.inner.list(prefix)
    }

    fn free_space(&self) -> Result<Option<u64>, ShipError> {
        self.inner.free_space()
    }
}
