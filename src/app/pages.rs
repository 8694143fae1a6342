//! A server of pages behind the gate: launched on loopback, placed where the gate finds it, ended.

use super::GRACE;
use crate::gate::Inner;
use rocket::{Build, Ignite, Rocket, Shutdown, fairing::AdHoc};
use std::net::SocketAddr;
use store::error::OpenError;
use tokio::{
    sync::{oneshot, watch},
    task::JoinError,
};

/// A server of pages that runs.
pub(super) struct Pages {
    quit: Shutdown,
    ended: Option<oneshot::Receiver<Option<String>>>,
    gone: watch::Receiver<bool>,
}

/// What the server left. Its error must be read: unread, it panics.
type Ended = Result<Result<Rocket<Ignite>, rocket::Error>, JoinError>;

impl Pages {
    /// Starts it, and tells the gate where it is.
    pub(super) async fn launch(rocket: Result<Rocket<Build>, String>, place: &watch::Sender<Inner>) -> Result<Pages, OpenError> {
        let (up, lifted) = oneshot::channel();
        let mut up = Some(up);
        let lift = AdHoc::on_liftoff("place", move |rocket| {
            let at = SocketAddr::new(rocket.config().address, rocket.config().port);
            up.take().map(|up| up.send(at));
            Box::pin(async {})
        });
        let rocket = rocket.map_err(OpenError::config)?.attach(lift);
        let rocket = rocket.ignite().await.map_err(|error| OpenError::config(format!("The pages do not start: {error}.")))?;
        let quit = rocket.shutdown();
        let (tell, ended) = oneshot::channel();
        let (over, gone) = watch::channel(false);
        tokio::spawn(async move {
            let why = why(tokio::spawn(rocket.launch()).await);
            let _ = tell.send(why);
            let _ = over.send(true);
        });
        let mut pages = Pages { quit, ended: Some(ended), gone };
        match lifted.await {
            Ok(at) => {
                let _ = place.send(Inner::At(at));
                Ok(pages)
            }
            Err(_) => Err(died(pages.ended().await)),
        }
    }

    /// Waits until it has ended: why, if not well.
    pub(super) fn ended(&mut self) -> impl Future<Output = Option<String>> + use<> {
        let ended = self.ended.take();
        async move {
            match ended {
                Some(ended) => ended.await.unwrap_or(None),
                None => None,
            }
        }
    }

    /// Ends it, and waits for that.
    pub(super) async fn end(mut self) {
        self.quit.notify();
        if tokio::time::timeout(GRACE, self.gone.wait_for(|gone| *gone)).await.is_err() {
            tracing::warn!("the pages did not end in time");
        }
    }
}

/// Why it ended; `None` when it ended well.
fn why(ended: Ended) -> Option<String> {
    match ended {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(panic) => Some(panic.to_string()),
    }
}

/// The pages ended and nobody had asked them to.
pub(super) fn died(why: Option<String>) -> OpenError {
    let why = why.unwrap_or_else(|| "they ended by themselves".into());
    OpenError { exit: 1, text: format!("The pages are not served: {why}. Start it again; if that does not help, the log says more.") }
}
