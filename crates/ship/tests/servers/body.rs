//! Bodies: noise, and noise during which something happens.

use std::{
    io::{self, Read},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

pub(crate) const MIB: usize = 1 << 20;

/// Bytes that do not repeat, the same for the same seed.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        out.extend(x.to_le_bytes());
    }
    out.truncate(length);
    out
}

/// Reads `bytes`, and lets something happen once `after` of them were read.
pub(crate) struct Eventful<'a, F: FnMut()> {
    bytes: &'a [u8],
    after: usize,
    happens: Option<F>,
}

impl<'a, F: FnMut()> Eventful<'a, F> {
    pub(crate) fn new(bytes: &'a [u8], after: usize, happens: F) -> Self {
        Eventful { bytes, after: bytes.len() - after, happens: Some(happens) }
    }
}

impl<F: FnMut()> Read for Eventful<'_, F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.bytes.len() <= self.after
            && let Some(mut happens) = self.happens.take()
        {
            happens();
        }
        self.bytes.read(out)
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens.
pub(crate) fn wait_for(port: u16) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing listens on port {port}");
        thread::sleep(Duration::from_millis(20));
    }
}
