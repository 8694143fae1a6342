//! What monitors ask: alive, and ready.

use super::Inside;
use rocket::{State, get, http::Status};

/// The process answers.
#[get("/healthz")]
pub(super) fn healthz() -> &'static str {
    "ok\n"
}

/// Every site can be written to; otherwise 503 and the reason.
#[get("/readyz")]
pub(super) fn readyz(inside: &State<Inside>) -> (Status, String) {
    let trouble = inside.appliance.sites().iter().find_map(|(_, site)| site.trouble());
    match trouble {
        None => (Status::Ok, "ready\n".into()),
        Some(why) => (Status::ServiceUnavailable, format!("not ready: {why}\n")),
    }
}
