//! Stands between TLS and the HTTP parser of one connection: looks at heads, and sees to it that client and server keep moving.

use super::{
    answer,
    conns::Conn,
    head::{Flaw, HeadScan},
    limits,
    pace::Pace,
};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// A stream with a scan of heads (HTTP/1 only), a deadline for them, and a least pace of reading for the client.
pub(crate) struct Guarded<S> {
    stream: S,
    conn: Arc<Conn>,
    scan: Option<HeadScan>,
    head_due: Option<Pin<Box<Sleep>>>,
    pace: Pace,
    last_words: Option<(Vec<u8>, usize)>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    pub(crate) fn new(stream: S, conn: Arc<Conn>, http1: bool) -> Guarded<S> {
        let pace = Pace::new(limits::READ_PAUSE, limits::READ_RATE);
        Guarded { stream, conn, scan: http1.then(HeadScan::new), head_due: None, pace, last_words: None }
    }

    /// The request is refused before the parser sees it: says why, if nothing else is being said, and closes.
    fn part(&mut self, status: u16, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let words = match self.conn.is_busy() {
            true => Vec::new(),
            false => answer::raw(status),
        };
        self.last_words.get_or_insert((words, 0));
        self.say(cx)
    }

    fn say(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some((words, said)) = &mut self.last_words {
            while let Some(rest) = words.get(*said..).filter(|rest| !rest.is_empty()) {
                *said += ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            }
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
    }

    /// Arms the deadline when a head has begun, disarms it when it has ended; ready when it is over.
    fn head_overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let begun = self.scan.as_ref().is_some_and(HeadScan::in_head);
        match (begun, &mut self.head_due) {
            (false, due) => {
                *due = None;
                Poll::Pending
            }
            (true, due) => due.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limits::HEAD))).as_mut().poll(cx),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        if me.last_words.is_some() {
            return me.say(cx);
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut me.stream).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = polled
            && let Some(scan) = &mut me.scan
            && let Err(flaw) = scan.feed(buf.filled().get(before..).unwrap_or_default())
        {
            buf.set_filled(before);
            return me.part(if flaw == Flaw::TooLarge { 431 } else { 400 }, cx);
        }
        if me.head_overdue(cx).is_ready() {
            buf.set_filled(before);
            return me.part(408, cx);
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    fn paced(&mut self, polled: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Ready(Ok(bytes)) => {
                self.pace.moved(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Pending => match self.pace.overdue(cx) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            },
            failed => failed,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let polled = Pin::new(&mut me.stream).poll_write(cx, bytes);
        me.paced(polled, cx)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let polled = Pin::new(&mut me.stream).poll_write_vectored(cx, bytes);
        me.paced(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let flushed = Pin::new(&mut me.stream).poll_flush(cx);
        match flushed {
            Poll::Ready(_) => me.pace.rest(),
            Poll::Pending => {
                if me.pace.overdue(cx).is_ready() {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
