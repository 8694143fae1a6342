//! How slow a client may be: it may pause for a while, and on average it must keep a least rate.
//!
//! A deadline moves ahead by the time that the bytes are worth at the least rate, but never further than the pause from now.

use bytes::Buf;
use hyper::body::{Body, Frame, SizeHint};
use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// When a transfer is overdue: pure, so that it can be tested with made-up moments.
struct Deadline {
    pause: Duration,
    rate: u64,
    due: Option<Instant>,
}

impl Deadline {
    /// `bytes` have moved at `now`.
    fn moved(&mut self, bytes: usize, now: Instant) {
        if let Some(due) = self.due {
            let worth = Duration::from_millis(bytes as u64 * 1000 / self.rate.max(1));
            self.due = Some((due + worth).min(now + self.pause));
        }
    }

    /// The moment until which something has to move, waiting since `now` at the latest.
    fn due(&mut self, now: Instant) -> Instant {
        *self.due.get_or_insert(now + self.pause)
    }
}

/// The deadline of one direction of one connection or body, with its alarm.
pub(crate) struct Pace {
    deadline: Deadline,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(crate) fn new(pause: Duration, rate: u64) -> Pace {
        Pace { deadline: Deadline { pause, rate, due: None }, alarm: None }
    }

    /// `bytes` have moved.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.deadline.moved(bytes, Instant::now());
    }

    /// Nothing is waited for now.
    pub(crate) fn rest(&mut self) {
        self.deadline.due = None;
    }

    /// Nothing moves: ready when the deadline is over.
    pub(crate) fn overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let due = self.deadline.due(Instant::now());
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if alarm.deadline() != due {
            alarm.as_mut().reset(due);
        }
        alarm.as_mut().poll(cx)
    }
}

/// A request body that fails when it comes too slowly.
pub(crate) struct Paced<B> {
    body: B,
    pace: Pace,
}

impl<B> Paced<B> {
    pub(crate) fn new(body: B, pause: Duration, rate: u64) -> Paced<B> {
        Paced { body, pace: Pace::new(pause, rate) }
    }
}

impl<B> Body for Paced<B>
where
    B: Body + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.pace.moved(frame.data_ref().map_or(0, Buf::remaining));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.pace.overdue(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(Box::new(io::Error::from(io::ErrorKind::TimedOut))))),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(15);

    #[test]
    fn a_drip_runs_out_and_a_fair_rate_does_not() {
        let start = Instant::now();
        let at = |second: u64| start + Duration::from_secs(second);
        let mut drip = Deadline { pause: PAUSE, rate: 1024, due: None };
        let mut fair = Deadline { pause: PAUSE, rate: 1024, due: None };
        assert_eq!((drip.due(start), fair.due(start)), (at(15), at(15)));
        for second in 1..=60 {
            drip.moved(1, at(second));
            fair.moved(1100, at(second));
        }
        assert!(drip.due(at(60)) < at(16), "one byte a second is too slow, though it never pauses for long");
        assert!(fair.due(at(60)) > at(60));
    }

    #[test]
    fn a_pause_is_bounded_however_much_came_before() {
        let start = Instant::now();
        let mut pace = Deadline { pause: PAUSE, rate: 1024, due: None };
        pace.due(start);
        pace.moved(100 << 20, start);
        assert_eq!(pace.due(start), start + PAUSE);
    }
}
