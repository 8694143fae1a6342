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

/// The deadline of one direction of one connection or body.
pub(crate) struct Pace {
    pause: Duration,
    rate: u64,
    due: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(crate) fn new(pause: Duration, rate: u64) -> Pace {
        Pace { pause, rate, due: None, alarm: None }
    }

    /// `bytes` have moved.
    pub(crate) fn moved(&mut self, bytes: usize) {
        if let Some(due) = self.due {
            let worth = Duration::from_millis(bytes as u64 * 1000 / self.rate.max(1));
            self.due = Some((due + worth).min(Instant::now() + self.pause));
        }
    }

    /// Nothing is waited for now.
    pub(crate) fn rest(&mut self) {
        self.due = None;
    }

    /// Nothing moves: ready when the deadline is over.
    pub(crate) fn overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let due = *self.due.get_or_insert_with(|| Instant::now() + self.pause);
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

    async fn waits(pace: &mut Pace) -> bool {
        std::future::poll_fn(|cx| Poll::Ready(pace.overdue(cx).is_pending())).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_drip_runs_out_and_a_fair_rate_does_not() {
        let second = Duration::from_secs(1);
        let mut drip = Pace::new(15 * second, 1024);
        let mut fair = Pace::new(15 * second, 1024);
        assert!(waits(&mut drip).await && waits(&mut fair).await);
        for _ in 0..14 {
            tokio::time::advance(second).await;
            drip.moved(1);
            fair.moved(1100);
        }
        assert!(waits(&mut drip).await);
        tokio::time::advance(2 * second).await;
        assert!(!waits(&mut drip).await, "one byte a second is too slow, though it never pauses for long");
        assert!(waits(&mut fair).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_bounded_however_much_came_before() {
        let mut pace = Pace::new(Duration::from_secs(15), 1024);
        assert!(waits(&mut pace).await);
        pace.moved(100 << 20);
        tokio::time::advance(Duration::from_secs(16)).await;
        assert!(!waits(&mut pace).await);
    }
}
