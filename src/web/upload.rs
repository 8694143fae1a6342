//! Files that arrive: read part by part, encrypted as they come, never whole in memory and never plain on disk.

use super::{
    Inside,
    posted::{comes_from_here, forged, is_ours},
};
use bytes::Bytes;
use multer::{Constraints, Field, Multipart};
use rocket::{
    Request,
    data::{self, ByteUnit, Data, FromData},
    http::Status,
};
use rules::{Refusal, document};
use std::time::Duration;
use store::{Site, blob::Kept};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::io::ReaderStream;

/// All files of one form together may be so many times the limit of one.
const TOGETHER: u64 = 8;
/// How long what was refused is still read.
const DRAIN: Duration = Duration::from_secs(20);
const READ: usize = 256 * 1024;

/// A multipart form whose first field was a genuine form token.
pub(super) struct Upload<'r> {
    parts: Multipart<'r>,
    limit: u64,
}

#[rocket::async_trait]
impl<'r> FromData<'r> for Upload<'r> {
    type Error = ();

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        let Some(inside) = request.rocket().state::<Inside>() else { return data::Outcome::Error((Status::InternalServerError, ())) };
        if !comes_from_here(request) {
            return forged(request);
        }
        let boundary = request.headers().get_one("Content-Type").and_then(|kind| multer::parse_boundary(kind).ok());
        let Some(boundary) = boundary else { return data::Outcome::Error((Status::UnprocessableEntity, ())) };
        let total = inside.upload_limit.saturating_mul(TOGETHER);
        let announced = request.headers().get_one("Content-Length").and_then(|length| length.parse::<u64>().ok());
        if announced.is_some_and(|length| length > total) {
            return data::Outcome::Error((Status::PayloadTooLarge, ()));
        }
        let stream = ReaderStream::with_capacity(data.open(ByteUnit::Byte(total)), READ);
        let mut parts = Multipart::with_constraints(stream, boundary, Constraints::new());
        let token = match parts.next_field().await {
            Ok(Some(field)) if field.name() == Some("csrf") => short_text(field).await,
            Ok(_) => None,
            Err(_) => return data::Outcome::Error((Status::UnprocessableEntity, ())),
        };
        match token.is_some_and(|token| is_ours(request, &token)) {
            true => data::Outcome::Success(Upload { parts, limit: inside.upload_limit }),
            false => forged(request),
        }
    }
}

/// The text of a field of at most a hundred bytes.
async fn short_text(mut field: Field<'_>) -> Option<String> {
    let mut text = Vec::new();
    while let Some(bytes) = field.chunk().await.ok()? {
        text.extend_from_slice(&bytes);
        if text.len() > 100 {
            return None;
        }
    }
    String::from_utf8(text).ok()
}

/// What came of one file of the form.
pub(super) enum Arrived {
    /// Encrypted and durable, not yet in any case.
    File { name: String, kept: Kept },
    /// Not kept, and why.
    Refused { name: String, why: String },
    /// Not kept, for trouble of ours.
    Failed { name: String, refusal: Refusal },
}

impl Upload<'_> {
    /// The next file of the form. `None` at its end; an error when the form breaks off.
    pub(super) async fn next(&mut self, site: &Site) -> Result<Option<Arrived>, Refusal> {
        loop {
            let next = self.parts.next_field().await.map_err(|_| broken())?;
            let Some(field) = next else { return Ok(None) };
            // Browsers write these three, and only these, in this way (HTML standard, multipart/form-data).
            let given = field.file_name().unwrap_or("").replace("%22", "\"").replace("%0D", "").replace("%0A", "");
            if field.name() != Some("file") || given.is_empty() {
                continue;
            }
            return match self.take(site, field, given.clone()).await {
                Ok(arrived) => Ok(Some(arrived)),
                Err(refusal @ Refusal::Invalid(_)) => Err(refusal),
                Err(refusal) => Ok(Some(Arrived::Failed { name: document::clean_name(&given).unwrap_or(given), refusal })),
            };
        }
    }

    /// Reads on without keeping anything, for a while: a browser that is still sending does not see the answer.
    pub(super) async fn drain(&mut self) {
        let until = tokio::time::Instant::now() + DRAIN;
        let _ = tokio::time::timeout_at(until, async {
            while let Ok(Some(mut field)) = self.parts.next_field().await {
                while let Ok(Some(_)) = field.chunk().await {}
            }
        })
        .await;
    }

    async fn take(&self, site: &Site, mut field: Field<'_>, given: String) -> Result<Arrived, Refusal> {
        let refused = |name: String, why: &str| Ok(Arrived::Refused { name, why: why.into() });
        let Some(name) = document::clean_name(&given) else {
            return refused("A file without a usable name".into(), "Its name holds no letters or digits. It was not kept. Rename it and send it again.");
        };
        let mut sink = Sink::start(site)?;
        let mut size = 0_u64;
        while let Some(bytes) = field.chunk().await.map_err(|_| broken())? {
            size += bytes.len() as u64;
            if size > self.limit {
                let limit = document::size_words(self.limit);
                return refused(name, &format!("It is larger than {limit}, the most this site takes. It was not kept. Split it, or ask your system administrator."));
            }
            sink.push(bytes).await?;
        }
        if size == 0 {
            return refused(name, "The file is empty: it has 0 bytes. It was not kept. Check it and send it again.");
        }
        Ok(Arrived::File { name, kept: sink.finish().await? })
    }
}

fn broken() -> Refusal {
    Refusal::invalid("file", "The upload broke off before it was complete. The file that was under way was not kept. Send it again.")
}

/// Encrypts and writes on a thread for blocking work, a few pieces behind the network.
struct Sink {
    pieces: mpsc::Sender<Bytes>,
    done: JoinHandle<Result<Kept, Refusal>>,
}

impl Sink {
    fn start(site: &Site) -> Result<Sink, Refusal> {
        let mut incoming = site.blobs().start(&site.keys().blobs)?;
        let (pieces, mut arriving) = mpsc::channel::<Bytes>(8);
        let done = tokio::task::spawn_blocking(move || {
            while let Some(bytes) = arriving.blocking_recv() {
                if bytes.is_empty() {
                    return incoming.finish();
                }
                incoming.push(&bytes)?;
            }
            // The sender went away without saying that it was complete: nothing stays.
            Err(broken())
        });
        Ok(Sink { pieces, done })
    }

    async fn push(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        if bytes.is_empty() || self.pieces.send(bytes).await.is_ok() {
            return Ok(());
        }
        let ended = (&mut self.done).await.unwrap_or_else(|panic| Err(Refusal::fault(panic)));
        Err(ended.err().unwrap_or_else(|| Refusal::fault("the upload ended early")))
    }

    /// An empty piece says that the file is complete.
    async fn finish(self) -> Result<Kept, Refusal> {
        let _ = self.pieces.send(Bytes::new()).await;
        self.done.await.unwrap_or_else(|panic| Err(Refusal::fault(panic)))
    }
}
