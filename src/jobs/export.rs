//! Prepares the exports that were approved, one at a time: into an encrypted file on this server, from which they are fetched. Lets lapse what
//! nobody answered, and removes what was there for long enough.

use crate::export::{self, Failed, Order, Report, ZipSink};
use rules::Refusal;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use store::{Site, blob::Kept, export::Taken};
use tokio::sync::watch;

/// How often it is looked for what is over.
const LOOK: Duration = Duration::from_secs(60);

/// Runs until it is told to stop. What is being made then has failed, and can be begun anew.
pub(super) async fn run(site: Site, mut stopping: watch::Receiver<bool>) {
    let bell = site.export_bell();
    told(site.exports_interrupted().await);
    while !*stopping.borrow() {
        told(site.sweep_exports().await);
        match site.take_export().await {
            Ok(Some(taken)) => told(prepare(&site, taken, &mut stopping).await),
            Ok(None) => {
                tokio::select! {
                    _ = tokio::time::timeout(LOOK, bell.notified()) => {}
                    () = stop(&mut stopping) => {}
                }
            }
            Err(refusal) => {
                told(Err(refusal));
                let _ = tokio::time::timeout(LOOK, stop(&mut stopping)).await;
            }
        }
    }
}

async fn stop(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

fn told(done: Result<(), Refusal>) {
    if let Err(refusal) = done {
        tracing::warn!("exports rest, because the store says: {refusal}");
    }
}

async fn prepare(site: &Site, taken: Taken, stopping: &mut watch::Receiver<bool>) -> Result<(), Refusal> {
    let ends = Arc::new(AtomicBool::new(false));
    let (its, taken, ending) = (site.clone(), Arc::new(taken), Arc::clone(&ends));
    let of = Arc::clone(&taken);
    let mut made = tokio::task::spawn_blocking(move || make(&its, &of, &ending));
    let made = tokio::select! {
        made = &mut made => made,
        () = stop(stopping) => {
            ends.store(true, Ordering::SeqCst);
            made.await
        }
    };
    match made {
        Ok(Ok((kept, report))) => site.export_made(&taken, kept, report.problems.len()).await,
        Ok(Err(Failed::Stopped)) => site.export_failed(&taken, "The server was stopped before it was done.".into()).await,
        Ok(Err(failed)) => site.export_failed(&taken, failed.told().1).await,
        Err(broken) => {
            tracing::error!("preparing an export broke: {broken}");
            site.export_failed(&taken, "Something went wrong inside. The log of the server says what.".into()).await
        }
    }
}

fn make(site: &Site, taken: &Taken, ends: &AtomicBool) -> Result<(Kept, Report), Failed> {
    let source = site.export_source(taken)?;
    let mut sink = ZipSink::new(site.exports().start(&site.keys().blobs)?, site.firm().zone);
    let order = Order { scope: taken.scope(), made: site.now(), by: &taken.by, second: taken.second.as_deref(), reason: &taken.reason };
    let report = export::write(&source, &order, &mut sink, &mut |done, total| site.export_goes(taken, done, total) && !ends.load(Ordering::SeqCst))?;
    Ok((sink.finish()?.finish()?, report))
}
