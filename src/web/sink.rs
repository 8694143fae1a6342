//! Where the content of an upload goes: encrypted and written as it comes.

use bytes::Bytes;
use rules::Refusal;
use store::{
    Site,
    blob::{Incoming, Kept},
};
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes that are encrypted and written in one turn.
const BATCH: usize = 512 * 1024;

/// Encrypts and writes in short turns on a thread for blocking work, one batch behind the network. No thread waits for a client: all
/// reading of the house shares these threads.
pub(super) struct Sink {
    turn: JoinHandle<Result<Incoming, Refusal>>,
    batch: Vec<Bytes>,
    size: usize,
}

impl Sink {
    pub(super) fn start(site: &Site) -> Sink {
        let site = site.clone();
        Sink { turn: spawn_blocking(move || site.blobs().start(&site.keys().blobs)), batch: Vec::new(), size: 0 }
    }

    pub(super) async fn push(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        self.size += bytes.len();
        self.batch.push(bytes);
        match self.size < BATCH {
            true => Ok(()),
            false => self.write().await,
        }
    }

    /// Waits for the turn before and hands over the batch.
    async fn write(&mut self) -> Result<(), Refusal> {
        let mut incoming = ended(&mut self.turn).await?;
        let batch = std::mem::take(&mut self.batch);
        self.size = 0;
        self.turn = spawn_blocking(move || batch.iter().try_for_each(|piece| incoming.push(piece)).map(|()| incoming));
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<Kept, Refusal> {
        self.write().await?;
        let incoming = ended(&mut self.turn).await?;
        ended(&mut spawn_blocking(move || incoming.finish())).await
    }
}

async fn ended<T>(turn: &mut JoinHandle<Result<T, Refusal>>) -> Result<T, Refusal> {
    turn.await.unwrap_or_else(|panic| Err(Refusal::fault(panic)))
}
