//! Gauges of the backups for a monitor on this machine, in the text format of Prometheus (OpenMetrics 1.0 without its end mark). They hold the
//! names of places and the public ids of sites; nobody from another machine gets them.

use super::{Inside, oops::Oops};
use crate::{
    backup::{Standing, Status},
    gate_header,
};
use rocket::{
    Request, State, get,
    http::{self, ContentType},
    request::{FromRequest, Outcome},
};
use rules::Refusal;
use std::{collections::BTreeMap, fmt::Write, net::IpAddr, sync::Arc};
use store::destination::DrillRow;

/// One gauge: its name, what it says, and its value of each destination.
type Gauge = (&'static str, &'static str, fn(&Standing) -> f64);

const GAUGES: [Gauge; 6] = [
    ("strongroom_backup_behind_seconds", "Age of the oldest change that is not at the place.", |row| seconds(row.behind)),
    ("strongroom_backup_last_complete_timestamp_seconds", "When everything had been brought to the place.", |row| row.good.map_or(0.0, |good| seconds(good.0))),
    ("strongroom_backup_well", "1 when the place has what it should.", |row| f64::from(u8::from(row.is_well()))),
    ("strongroom_backup_away", "1 when the disk is not here.", |row| f64::from(u8::from(row.away))),
    ("strongroom_backup_objects_total", "Objects brought to the place.", |row| row.objects as f64),
    ("strongroom_backup_bytes_total", "Bytes brought to the place.", |row| row.bytes as f64),
];

const fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// A value of a label: backslash, quote and end of line are written with a backslash.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn text(status: &Status, drills: &[DrillRow]) -> String {
    let mut out = String::new();
    for (name, help, value) in GAUGES {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for row in &status.destinations {
            let _ = writeln!(out, "{name}{{place=\"{}\"}} {}", label(&row.name), value(row));
        }
    }
    let mut last: BTreeMap<(&str, [u8; 16]), [Option<&DrillRow>; 2]> = BTreeMap::new();
    for row in drills {
        let [any, passed] = last.entry((&row.destination, row.site)).or_default();
        any.get_or_insert(row);
        if row.outcome == "passed" {
            passed.get_or_insert(row);
        }
    }
    let took = |row: &DrillRow| serde_json::from_str::<serde_json::Value>(&row.report).ok().and_then(|report| report.get("took_ms")?.as_i64()).unwrap_or(0);
    let drilled = [
        ("strongroom_drill_last_passed_timestamp_seconds", "When a drill last passed.", last.values().map(|[_, passed]| passed.map_or(0.0, |row| seconds(row.ended.0))).collect::<Vec<_>>()),
        ("strongroom_drill_last_outcome", "1 passed, 0 inconclusive, -1 failed.", last.values().map(|[any, _]| any.map_or(0.0, outcome)).collect()),
        ("strongroom_drill_duration_seconds", "How long the last drill took.", last.values().map(|[any, _]| any.map_or(0.0, |row| seconds(took(row)))).collect()),
    ];
    for (name, help, values) in drilled {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for ((place, site), value) in last.keys().zip(values) {
            let _ = writeln!(out, "{name}{{place=\"{}\",site=\"{}\"}} {value}", label(place), keys::nonce::hex(site));
        }
    }
    let _ = writeln!(out, "# HELP strongroom_backup_troubles What keeps databases from being followed, or broke their lines since the start.\n# TYPE strongroom_backup_troubles gauge\nstrongroom_backup_troubles {}", status.troubles.len());
    out
}

fn outcome(row: &DrillRow) -> f64 {
    match row.outcome.as_str() {
        "passed" => 1.0,
        "failed" => -1.0,
        _ => 0.0,
    }
}

/// The request came straight from a program on this machine: whoever comes through a proxy here is somewhere else.
pub(super) struct Local;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Local {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Local, ()> {
        let here = request.client_ip().is_some_and(|from: IpAddr| from.to_canonical().is_loopback());
        match here && request.headers().get_one(gate_header::PROXIED).is_none() {
            true => Outcome::Success(Local),
            false => Outcome::Forward(http::Status::NotFound),
        }
    }
}

/// The gauges; for anybody else the page is not there.
#[get("/metrics")]
pub(super) async fn metrics(_local: Local, inside: &State<Inside>) -> Result<(ContentType, String), Oops> {
    let backups = Arc::clone(&inside.backups);
    let (status, drills) = tokio::task::spawn_blocking(move || (backups.status(), backups.drills())).await.map_err(Refusal::fault)?;
    Ok((ContentType::new("text", "plain").with_params(("version", "0.0.4")), text(&status, &drills)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::Trouble;
    use rules::Moment;

    #[test]
    fn gauges_name_place_and_site_and_escape_both() {
        let drill = |outcome: &str, ended| DrillRow { destination: "a\"b".into(), site: [7; 16], ended: Moment(ended), outcome: outcome.into(), report: r#"{"took_ms":1500}"#.into(), signature: Vec::new() };
        let out = text(&Status { destinations: Vec::new(), troubles: vec![Trouble { at: None, words: "x".into() }], doing: None }, &[drill("failed", 9_000), drill("passed", 4_000)]);
        let labels = format!("{{place=\"a\\\"b\",site=\"{}\"}}", "07".repeat(16));
        for line in [format!("strongroom_drill_last_passed_timestamp_seconds{labels} 4"), format!("strongroom_drill_last_outcome{labels} -1"), format!("strongroom_drill_duration_seconds{labels} 1.5"), "strongroom_backup_troubles 1".into()] {
            assert!(out.lines().any(|found| found == line), "{line} in {out}");
        }
        assert!(out.lines().filter(|line| !line.starts_with('#')).all(|line| line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<f64>().is_ok())));
    }
}
