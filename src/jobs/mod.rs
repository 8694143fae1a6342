//! Work that nobody waits for: one task a site, from start to stop. It knows the store and nothing of pages, gate or commands.

pub(crate) mod post;
pub(crate) mod render;

use std::time::Duration;
use store::Site;
use tokio::{sync::watch, task::JoinHandle};

/// How long a job rests after it broke.
const AFTER_PANIC: Duration = Duration::from_secs(60);

/// Whether every template of a letter can be filled: found out at the start, and not when the first one is to be sent.
pub(crate) fn check() -> Result<(), String> {
    render::check()
}

/// Starts the jobs of a site; `host` is the name by which it greets. They end after `stopping` became true, when the letter in their hands
/// is done; wait for them, for a time, before the store is closed.
pub(crate) fn start(site: Site, host: String, stopping: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(kept_up(site, host, stopping))
}

/// Runs the post of a site; a panic in it costs a minute, not the letters.
async fn kept_up(site: Site, host: String, mut stopping: watch::Receiver<bool>) {
    while let Err(broken) = tokio::spawn(post::run(site.clone(), host.clone(), stopping.clone())).await {
        tracing::error!("sending letters broke and starts anew: {broken}");
        let _ = tokio::time::timeout(AFTER_PANIC, stopping.changed()).await;
        if broken.is_cancelled() || *stopping.borrow() {
            return;
        }
    }
}

/// Sends the test letter of a site to an address at once; `link` is the address of the site. The server's answer word for word.
pub(crate) async fn test_letter(site: Site, to: String, link: String) -> Result<String, String> {
    let settings = site.settings();
    let Some(smtp) = &settings.smtp else { return Err("No mail server is set. Type its name first.".into()) };
    let host = link.trim_start_matches("https://").split([':', '/']).next().unwrap_or("localhost").to_owned();
    let fields = store::letter::Fields::new().with("link", link);
    post::test(&site, &host, smtp, &to, fields).await
}
