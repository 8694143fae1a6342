//! Work that nobody waits for: the post, the sweeping and the exports of each site, from start to stop. It knows the store and how an export is
//! written, and nothing of pages, gate or commands.

mod export;
pub(crate) mod post;
pub(crate) mod render;

use std::time::Duration;
use store::Site;
use tokio::{sync::watch, task::JoinHandle};

/// How long a job rests after it broke.
const AFTER_PANIC: Duration = Duration::from_secs(60);
/// How often what is over is taken away, and how soon the rest of it when there was more.
const SWEEP: Duration = Duration::from_secs(3600);
const SWEEP_ON: Duration = Duration::from_secs(1);

/// Whether every template of a letter can be filled: found out at the start, and not when the first one is to be sent.
pub(crate) fn check() -> Result<(), String> {
    render::check()
}

/// Starts the jobs of a site; `host` is the name by which it greets, now and whenever it is another. They end after `stopping` became
/// true, when the letter in their hands is done; wait for them, for a time, before the store is closed.
pub(crate) fn start(site: Site, host: watch::Receiver<String>, stopping: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::join!(kept_up(site.clone(), host, stopping.clone()), swept(site.clone(), stopping.clone()), export::run(site, stopping));
    })
}

/// Takes away what is over in a site, a portion at a time so that others get at the writer between.
async fn swept(site: Site, mut stopping: watch::Receiver<bool>) {
    loop {
        let pause = match site.sweep().await {
            Ok(true) => SWEEP_ON,
            Ok(false) => SWEEP,
            Err(refusal) => {
                tracing::warn!("what is over stays for now, because the store says: {refusal}");
                SWEEP
            }
        };
        if tokio::time::timeout(pause, stopping.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

/// Runs the post of a site; a panic in it costs a minute, not the letters.
async fn kept_up(site: Site, host: watch::Receiver<String>, mut stopping: watch::Receiver<bool>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use rules::{Moment, Secret};
    use store::Firm;

    #[tokio::test]
    async fn the_jobs_of_a_site_end_when_they_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let keys = || keys::SiteKeys::new(&Secret::new([1; 32]), [2; 16]).unwrap();
        let firm = Firm { name: "Firm".into(), kind: String::new(), prefix: "F".into(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None };
        Site::create(dir.path(), &keys(), &firm, true).unwrap();
        let site = Site::open(dir.path(), keys(), || Moment(1_800_000_000_000)).unwrap();
        let ((stop, stopping), (_name, host)) = (watch::channel(false), watch::channel("cases.firm.example".to_owned()));
        let jobs = start(site, host, stopping);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!jobs.is_finished());
        stop.send(true).unwrap();
        tokio::time::timeout(Duration::from_secs(5), jobs).await.unwrap().unwrap();
    }
}
