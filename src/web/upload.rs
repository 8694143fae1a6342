//! Files that arrive: read part by part, encrypted as they come, never whole in memory and never plain on disk.

use super::{
    Inside, desk,
    posted::{comes_from_here, forged, is_ours},
    sink::Sink,
    turns::{Turn, Turns},
};
use bytes::Bytes;
use multer::{Constraints, Field, Multipart};
use rocket::{
    Request,
    data::{self, ByteUnit, Data, FromData},
    futures::{Stream, StreamExt},
    http::Status,
};
use rules::{Refusal, document};
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use store::{Site, blob::Kept};
use tokio_util::io::ReaderStream;

/// All files of one form together may be so many times the limit of one.
const TOGETHER: u64 = 8;
/// Fields in one form. Every file costs a key, a name on the disk and a row.
const FIELDS: usize = 200;
/// How long what was refused is still read.
const DRAIN: Duration = Duration::from_secs(20);
const READ: usize = 256 * 1024;
/// Bytes of a field of text beside the files.
const SHORT: usize = 1000;

/// A multipart form whose first field was a genuine form token.
pub(super) struct Upload<'r> {
    parts: Multipart<'r>,
    awaited: Awaited,
    fields: usize,
    /// A field called `reason` that came before the file.
    reason: String,
    limit: u64,
    _turn: Turn,
}

/// The body piece by piece: after each one it says that there is nothing yet, because the parser gathers all that it can get before it
/// gives anything out.
struct OneByOne<S> {
    stream: S,
    awaited: Awaited,
    given: bool,
}

impl<S: Stream<Item = io::Result<Bytes>> + Unpin> Stream for OneByOne<S> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.given) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = ready!(self.stream.poll_next_unpin(cx));
        self.given = piece.is_some();
        Poll::Ready(piece.map(|piece| self.awaited.count(piece)))
    }
}

/// Counts the bytes that come before a field begins: its head and what precedes it. The parser keeps them in memory and searches them
/// anew with each piece, and has no limit of its own.
#[derive(Clone, Default)]
struct Awaited(Arc<AtomicUsize>);

impl Awaited {
    fn begin(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn count(&self, piece: io::Result<Bytes>) -> io::Result<Bytes> {
        let piece = piece?;
        match self.0.fetch_add(piece.len(), Ordering::Relaxed) > READ {
            true => Err(io::Error::other("the head of a field does not end")),
            false => Ok(piece),
        }
    }
}

#[rocket::async_trait]
impl<'r> FromData<'r> for Upload<'r> {
    type Error = ();

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        let state = (request.rocket().state::<Inside>(), request.rocket().state::<Turns>());
        let (Some(inside), Some(turns)) = state else { return data::Outcome::Error((Status::InternalServerError, ())) };
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
        let Ok(Some(signed)) = desk::signed(request) else { return data::Outcome::Error((Status::Unauthorized, ())) };
        let Some(turn) = turns.take((signed.site.keys().id, signed.session.user)) else { return data::Outcome::Error((Status::ServiceUnavailable, ())) };
        let awaited = Awaited::default();
        let stream = ReaderStream::with_capacity(data.open(ByteUnit::Byte(total)), READ);
        let stream = OneByOne { stream, awaited: awaited.clone(), given: false };
        let mut parts = Multipart::with_constraints(stream, boundary, Constraints::new());
        let token = match parts.next_field().await {
            Ok(Some(field)) if field.name() == Some("csrf") => short_text(field).await,
            Ok(_) => None,
            Err(_) => return data::Outcome::Error((Status::UnprocessableEntity, ())),
        };
        match token.is_some_and(|token| is_ours(request, &token)) {
            true => data::Outcome::Success(Upload { parts, awaited, fields: 0, reason: String::new(), limit: inside.upload_limit, _turn: turn }),
            false => forged(request),
        }
    }
}

/// The text of a short field.
async fn short_text(mut field: Field<'_>) -> Option<String> {
    let mut text = Vec::new();
    while let Some(bytes) = field.chunk().await.ok()? {
        text.extend_from_slice(&bytes);
        if text.len() > SHORT {
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
            self.awaited.begin();
            let next = self.parts.next_field().await.map_err(|_| broken())?;
            let Some(mut field) = next else { return Ok(None) };
            self.fields += 1;
            if self.fields > FIELDS {
                return Err(Refusal::invalid("file", format!("One form takes {FIELDS} files at most. Those before are kept; send the others in a second go.")));
            }
            // Browsers write these three, and only these, in this way (HTML standard, multipart/form-data).
            let given = field.file_name().unwrap_or("").replace("%22", "\"").replace("%0D", "").replace("%0A", "");
            if field.name() == Some("reason") {
                self.reason = short_text(field).await.ok_or_else(|| Refusal::invalid("reason", "The reason is too long. Make it a sentence."))?;
                continue;
            }
            if field.name() != Some("file") || given.is_empty() {
                self.skip(&mut field).await?;
                continue;
            }
            return match self.take(site, field, given.clone()).await {
                Ok(arrived) => Ok(Some(arrived)),
                Err(refusal @ Refusal::Invalid(_)) => Err(refusal),
                Err(refusal) => Ok(Some(Arrived::Failed { name: document::clean_name(&given).unwrap_or(given), refusal })),
            };
        }
    }

    /// The reason that was typed, once the file was taken.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    /// The one file of a form whole, with its name: for small files that are read here. Empty when none was chosen; of one that is larger than
    /// `most` a byte more comes.
    pub(super) async fn whole(&mut self, most: usize) -> Result<(String, Vec<u8>), Refusal> {
        self.awaited.begin();
        while let Some(mut field) = self.parts.next_field().await.map_err(|_| broken())? {
            if field.name() != Some("file") {
                self.skip(&mut field).await?;
                continue;
            }
            let name = document::clean_name(field.file_name().unwrap_or_default()).unwrap_or_default();
            let mut bytes = Vec::new();
            while let Some(more) = field.chunk().await.map_err(|_| broken())? {
                self.awaited.begin();
                bytes.extend_from_slice(&more);
                if bytes.len() > most {
                    bytes.truncate(most + 1);
                    self.skip(&mut field).await?;
                    break;
                }
            }
            return Ok((name, bytes));
        }
        Ok((String::new(), Vec::new()))
    }

    /// Reads a field to its end without keeping anything of it.
    async fn skip(&self, field: &mut Field<'_>) -> Result<(), Refusal> {
        while field.chunk().await.map_err(|_| broken())?.is_some() {
            self.awaited.begin();
        }
        Ok(())
    }

    /// Reads on without keeping anything, for a while: a browser that is still sending does not see the answer.
    pub(super) async fn drain(&mut self) {
        let until = tokio::time::Instant::now() + DRAIN;
        let _ = tokio::time::timeout_at(until, async {
            self.awaited.begin();
            while let Ok(Some(mut field)) = self.parts.next_field().await {
                if self.skip(&mut field).await.is_err() {
                    return;
                }
                self.awaited.begin();
            }
        })
        .await;
    }

    async fn take(&self, site: &Site, mut field: Field<'_>, given: String) -> Result<Arrived, Refusal> {
        let refused = |name: String, why: &str| Ok(Arrived::Refused { name, why: why.into() });
        let Some(name) = document::clean_name(&given) else {
            self.skip(&mut field).await?;
            return refused("A file without a usable name".into(), "Its name holds no letters or digits. It was not kept. Rename it and send it again.");
        };
        let mut sink = None;
        let mut size = 0_u64;
        while let Some(bytes) = field.chunk().await.map_err(|_| broken())? {
            self.awaited.begin();
            size += bytes.len() as u64;
            if size > self.limit {
                drop(sink);
                self.skip(&mut field).await?;
                let limit = document::size_words(self.limit);
                return refused(name, &format!("It is larger than {limit}, the most this site takes. It was not kept. Split it, or ask your system administrator."));
            }
            if !bytes.is_empty() {
                sink.get_or_insert_with(|| Sink::start(site)).push(bytes).await?;
            }
        }
        match sink {
            None => refused(name, "The file is empty: it has 0 bytes. It was not kept. Check it and send it again."),
            Some(sink) => Ok(Arrived::File { name, kept: sink.finish().await? }),
        }
    }
}

fn broken() -> Refusal {
    Refusal::invalid("file", "The upload broke off before it was complete. The file that was under way was not kept. Send it again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_before_a_field_begins_is_counted() {
        let awaited = Awaited::default();
        let piece = || Ok(Bytes::from(vec![b'a'; READ]));
        assert!(awaited.count(piece()).is_ok());
        assert!(awaited.count(piece()).is_ok());
        assert!(awaited.count(piece()).is_err(), "a head does not go on and on");
        awaited.begin();
        assert!(awaited.count(piece()).is_ok());
    }
}
