//! The last check of a drill: the restored copy, opened and asked for its sign-in page, inside this process and on no network.

use super::{House, now};
use crate::{
    backup::{Backups, Rehearse},
    gate_header,
    web::{self, GateSecret, Inside},
};
use keys::password::{COST, Passwords};
use rocket::{http::Header, local::asynchronous::Client};
use std::{path::Path, sync::Arc};
use store::Appliance;

/// What shows the sign-in page of a copy in a directory.
pub(super) fn rehearse(house: &Arc<House>, appliance: &Arc<Appliance>) -> Rehearse {
    let (house, appliance, runtime) = (Arc::clone(house), Arc::clone(appliance), tokio::runtime::Handle::current());
    Arc::new(move |dir| runtime.block_on(show(&house, &appliance, dir)))
}

async fn show(house: &House, appliance: &Appliance, dir: &Path) -> Result<(), String> {
    let copy = Arc::new(appliance.rehearsal(dir).map_err(|error| error.text)?);
    let shown = ask(house, &copy).await;
    copy.close();
    shown
}

async fn ask(house: &House, copy: &Arc<Appliance>) -> Result<(), String> {
    let secret = keys::nonce::hex(&keys::nonce::random::<32>().map_err(|error| error.to_string())?);
    let inside = Inside {
        appliance: Arc::clone(copy),
        backups: Backups::idle(copy, now),
        passwords: Passwords::start(1, COST).map_err(|error| error.to_string())?,
        upload_limit: house.settings.upload_limit(),
        promise_https: false,
        facts: Box::new(|_| Vec::new()),
        start_changed: Arc::new(|| Ok(())),
        test_letter: Box::new(|_, _, _| Box::pin(async { Err("a copy sends no letters".into()) })),
    };
    let client = Client::untracked(web::build(inside, GateSecret(secret.clone()))?).await.map_err(|error| error.to_string())?;
    let host = copy.sites().first().and_then(|(entry, _)| entry.hosts.first().cloned()).unwrap_or_else(|| "localhost".into());
    let header = |name: &'static str, value: String| Header::new(name, value);
    let asked = client.get("/sign-in").header(header("host", host)).header(header(gate_header::SECRET, secret)).header(header(gate_header::ADDRESS, "127.0.0.1".into()));
    let answer = asked.header(header(gate_header::METHOD, "GET".into())).dispatch().await;
    let status = answer.status().code;
    let page = answer.into_string().await.unwrap_or_default();
    // A firm that lets only its own networks in shows this machine its page of refusal.
    match (status, page.contains("<h1")) {
        (200 | 403, true) => Ok(()),
        _ => Err(format!("it answered with {status}")),
    }
}
