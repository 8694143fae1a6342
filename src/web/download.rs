//! A file that goes out: decrypted chunk by chunk, from any offset (RFC 9110, 14), always as an attachment in a sandbox.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rocket::{
    Request,
    http::Status,
    response::{self, Responder, Response},
};
use rules::{Refusal, document};
use std::{
    fs::File,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use store::{
    Site,
    blob::{Blob, Blobs},
};
use tokio::{
    io::{AsyncRead, ReadBuf},
    task::JoinHandle,
};

/// Plaintext that is decrypted in one go: four chunks.
const BATCH: usize = 4 * keys::blob::CHUNK;

type Opener = keys::blob::Opener<File>;

/// What is decrypted next, while the batch before it is being sent.
type Next = JoinHandle<(Opener, io::Result<Vec<u8>>)>;

/// Reads a file as plaintext. Nothing of a chunk that fails its check is ever given out.
struct Plain {
    batch: Vec<u8>,
    at: usize,
    left: u64,
    next: Option<Next>,
}

fn decrypt(mut opener: Opener) -> (Opener, io::Result<Vec<u8>>) {
    let mut out = Vec::with_capacity(BATCH + keys::blob::TAG);
    while out.len() < BATCH {
        match opener.pull(&mut out) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return (opener, Err(io::Error::other(error.to_string()))),
        }
    }
    (opener, Ok(out))
}

impl Plain {
    /// Decrypts the first batch before anything is promised to the client, so that a damaged file is an error page.
    async fn start(opener: Opener, length: u64) -> Result<Plain, Refusal> {
        let (opener, first) = tokio::task::spawn_blocking(move || decrypt(opener)).await.map_err(Refusal::fault)?;
        let batch = first.map_err(|error| Refusal::fault(format!("a stored file is damaged: {error}")))?;
        let mut plain = Plain { batch, at: 0, left: length, next: None };
        plain.ahead(opener);
        Ok(plain)
    }

    fn ahead(&mut self, opener: Opener) {
        if self.left > self.batch.len() as u64 {
            self.next = Some(tokio::task::spawn_blocking(move || decrypt(opener)));
        }
    }
}

impl AsyncRead for Plain {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Ok(()));
        }
        if self.at == self.batch.len() {
            let Some(next) = &mut self.next else { return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())) };
            let (opener, batch) = ready!(Pin::new(next).poll(cx)).map_err(io::Error::other)?;
            self.next = None;
            self.batch = batch.inspect_err(|error| tracing::error!(%error, "a stored file is damaged; its download was cut"))?;
            self.at = 0;
            self.ahead(opener);
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let end = self.batch.len().min(self.at + buf.remaining().min(left));
        let piece = self.batch.get(self.at..end).unwrap_or_default();
        buf.put_slice(piece);
        self.left -= piece.len() as u64;
        self.at = end;
        Poll::Ready(Ok(()))
    }
}

/// Which part is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    From { start: u64, length: u64 },
    Unsatisfiable,
}

/// Reads a Range field: one range of bytes; anything else means the whole file (RFC 9110, 14.2).
fn part(range: Option<&str>, size: u64) -> Part {
    let Some(spec) = range.and_then(|range| range.strip_prefix("bytes=")) else { return Part::Whole };
    let Some((first, last)) = spec.split_once('-') else { return Part::Whole };
    let digits = |text: &str| (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<u64>().unwrap_or(u64::MAX));
    match (digits(first), digits(last), first.is_empty(), last.is_empty()) {
        (Some(start), None, _, true) if start < size => Part::From { start, length: size - start },
        (Some(start), Some(end), ..) if start <= end && start < size => Part::From { start, length: end.min(size - 1) - start + 1 },
        (None, Some(0), true, _) => Part::Unsatisfiable,
        (None, Some(tail), true, _) => Part::From { start: size - tail.min(size), length: tail.min(size) },
        (Some(start), end, ..) if start >= size && end.is_none_or(|end| end >= start) => Part::Unsatisfiable,
        _ => Part::Whole,
    }
}

/// A download, ready to be sent.
pub(super) struct Download {
    name: String,
    blob: Blob,
    part: Part,
    plain: Option<Plain>,
}

impl Download {
    /// Opens the file at the wanted part. `head` opens nothing.
    pub(super) async fn open(site: &Site, blobs: &Blobs, name: String, blob: Blob, wanted: &Wanted<'_>) -> Result<Download, Refusal> {
        let fresh = wanted.if_range.is_none_or(|tag| tag == etag(&blob));
        let part = if fresh { part(wanted.range, blob.size) } else { Part::Whole };
        let (start, length) = match part {
            Part::From { start, length } => (start, length),
            Part::Whole => (0, blob.size),
            Part::Unsatisfiable => return Ok(Download { name, blob, part, plain: None }),
        };
        if wanted.head {
            return Ok(Download { name, blob, part, plain: None });
        }
        let (site, blobs, opened) = (site.clone(), blobs.clone(), blob.clone());
        let opener = tokio::task::spawn_blocking(move || blobs.read(&site.keys().blobs, &opened, start)).await.map_err(Refusal::fault)??;
        Ok(Download { plain: Some(Plain::start(opener, length).await?), name, blob, part })
    }
}

fn etag(blob: &Blob) -> String {
    format!("\"{}\"", keys::nonce::hex(&blob.sha256))
}

/// What the request says about the part it wants.
pub(super) struct Wanted<'r> {
    range: Option<&'r str>,
    if_range: Option<&'r str>,
    head: bool,
}

#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for Wanted<'r> {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> rocket::request::Outcome<Self, Self::Error> {
        let field = |name| request.headers().get_one(name);
        let head = request.method() == rocket::http::Method::Head;
        rocket::request::Outcome::Success(Wanted { range: field("Range"), if_range: field("If-Range"), head })
    }
}

/// Characters that stand for themselves in `filename*` (RFC 8187).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// `attachment` with the name in ASCII for old clients and in UTF-8 for the others (RFC 6266).
fn disposition(name: &str) -> String {
    let ascii: String = name.chars().map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%' | ';') || c == ' ' { c } else { '_' }).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN))
}

impl<'r> Responder<'r, 'r> for Download {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'r> {
        let size = self.blob.size;
        let mut response = Response::new();
        response.set_raw_header("Accept-Ranges", "bytes");
        response.set_raw_header("Content-Security-Policy", "sandbox; default-src 'none'");
        let length = match self.part {
            Part::Whole => size,
            Part::From { start, length } => {
                response.set_status(Status::PartialContent);
                response.set_raw_header("Content-Range", format!("bytes {start}-{}/{size}", start + length - 1));
                length
            }
            Part::Unsatisfiable => {
                response.set_status(Status::RangeNotSatisfiable);
                response.set_raw_header("Content-Range", format!("bytes */{size}"));
                response.set_sized_body(0, io::Cursor::new(Vec::new()));
                return Ok(response);
            }
        };
        response.set_raw_header("Content-Type", document::form(&self.name).media);
        response.set_raw_header("Content-Disposition", disposition(&self.name));
        response.set_raw_header("Content-Length", length.to_string());
        response.set_raw_header("ETag", etag(&self.blob));
        if let Some(plain) = self.plain {
            response.set_streamed_body(plain);
            response.set_max_chunk_size(BATCH);
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let from = |start, length| Part::From { start, length };
        let rows = [
            (None, Part::Whole),
            (Some("bytes=0-"), from(0, 100)),
            (Some("bytes=10-19"), from(10, 10)),
            (Some("bytes=90-500"), from(90, 10)),
            (Some("bytes=-30"), from(70, 30)),
            (Some("bytes=-300"), from(0, 100)),
            (Some("bytes=100-"), Part::Unsatisfiable),
            (Some("bytes=-0"), Part::Unsatisfiable),
            (Some("bytes=200-300"), Part::Unsatisfiable),
            (Some("bytes=20-10"), Part::Whole),
            (Some("bytes=0-1,5-6"), Part::Whole),
            (Some("items=0-1"), Part::Whole),
            (Some("bytes=a-b"), Part::Whole),
        ];
        for (field, expected) in rows {
            assert_eq!(part(field, 100), expected, "{field:?}");
        }
    }

    #[test]
    fn names_go_out_in_any_script_and_break_no_field() {
        assert_eq!(disposition("Letter 1.pdf"), "attachment; filename=\"Letter 1.pdf\"; filename*=UTF-8''Letter%201.pdf");
        assert_eq!(disposition("結.jpg"), "attachment; filename=\"_.jpg\"; filename*=UTF-8''%E7%B5%90.jpg");
        assert!(!disposition("a\"; x=\"b\r\n.pdf").contains(['\r', '\n']));
    }
}
