//! Orders about exports: asking for one, how far it is, and bringing it through the socket piece by piece, so that the command writes the file
//! with the rights of whoever runs it.

use super::order::{Answer, Failure};
use base64::{Engine, engine::general_purpose::STANDARD};
use rules::{Actor, Verb};
use serde_json::json;
use store::{
    Site,
    export::{self, Asked, Standing},
};

/// Bytes in a piece: what the longest answer holds in letters, and some to spare.
const PIECE: usize = 4 << 20;

/// Asks for it, or finds the one that was asked for before.
pub(super) async fn ask(site: &Site, base: &str, asked: Asked, alone: bool) -> Answer {
    let standing = site.write(Actor::console(), move |tx| {
        let site = tx.administer(Verb::ExportAsk)?;
        let number = export::at_console(&site, &asked, alone)?;
        export::standing(&site, number)
    });
    Ok(told(site, &standing.await?, base))
}

/// How far it is.
pub(super) async fn standing(site: &Site, number: i64) -> Answer {
    let standing = site.write(Actor::console(), move |tx| export::standing(&tx.administer(Verb::ExportView)?, number)).await?;
    Ok(told(site, &standing, ""))
}

fn told(site: &Site, standing: &Standing, base: &str) -> serde_json::Value {
    let progress = site.export_progress().filter(|progress| progress.number == standing.number);
    json!({
        "number": standing.number, "stage": standing.stage.value(), "size": standing.size, "sha256": standing.sha256.as_deref().map(keys::nonce::hex), "why": standing.why,
        "problems": standing.problems, "waits_for": standing.waits_for, "page": format!("{base}/system/export"),
        "done": progress.map(|progress| progress.done), "total": progress.map(|progress| progress.total),
    })
}

/// The piece that begins at this byte, as base64; empty after the end.
pub(super) async fn piece(site: &Site, number: i64, from: u64) -> Answer {
    let blob = site.write(Actor::console(), move |tx| export::piece(&tx.administer(Verb::ExportFetch)?, number, from)).await?;
    let its = site.clone();
    let read = move || -> Result<Vec<u8>, Failure> {
        let mut out = Vec::with_capacity(PIECE + keys::blob::CHUNK);
        if from < blob.size {
            let mut opener = its.exports().read(&its.keys().blobs, &blob, from)?;
            let damaged = |_| Failure::new(1, "The prepared file is damaged. Run the command again after removing it on the page /system/export.");
            while out.len() < PIECE && opener.pull(&mut out).map_err(damaged)? {}
        }
        Ok(out)
    };
    let piece = tokio::task::spawn_blocking(read).await.map_err(|panic| Failure::new(1, format!("Something went wrong inside: {panic}.")))??;
    Ok(json!({ "piece": STANDARD.encode(piece) }))
}

/// It arrived: the prepared file goes.
pub(super) async fn delivered(site: &Site, number: i64) -> Answer {
    site.write(Actor::console(), move |tx| export::delivered(&tx.administer(Verb::ExportRemove)?, number)).await?;
    Ok(json!({}))
}
