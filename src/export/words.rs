//! What an export says of itself: how to read and check it, what is left out, and what was wrong.

use super::{About, Counted};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use store::export::{LEFT_OUT, LEFT_OUT_COLUMNS, Scope};

/// Counts changes of the form of exports.
const FORMAT: u32 = 1;

const CHECK: &str = "To check that nothing was changed or lost, open a terminal in this folder, after unpacking, and run one of these.

    Linux:    sha256sum -c SHA256SUMS
    macOS:    shasum -a 256 -c SHA256SUMS
    Windows (PowerShell; prints only what is not whole):
        Get-Content SHA256SUMS -Encoding UTF8 | ForEach-Object { $sum, $file = $_ -split '  ', 2; if ((Get-FileHash -Algorithm SHA256 -LiteralPath $file).Hash -ne $sum) { \"NOT WHOLE: $file\" } }
";

/// `README.txt`.
pub(super) fn readme(about: &About<'_>, counted: &[Counted]) -> String {
    let mut out = format!("{}\n{}\n\nMade {} by {}, with Strongroom {}.\n", about.firm, about.what(), about.moment(about.order.made), about.order.by, env!("CARGO_PKG_VERSION"));
    out.push_str("\nOpen index.html with a double click: it leads to everything, and needs nothing but a browser.\n\n");
    out.push_str("    index.html   where to begin\n    cases/       a page for each case\n    clients/     a page for each client\n    documents/   the documents, in a folder for each case; what is in the trash is in its folder Trash\n");
    out.push_str("    data/        every table, as CSV for spreadsheets and as JSON for programs\n    manifest.json, SHA256SUMS   what is in it, to be checked\n\n");
    out.push_str(CHECK);
    out.push_str("\nDocuments that were not whole when this was made are named in PROBLEMS.txt. Without that file, each was the same as when it was uploaded.\n");
    let _ = write!(out, "\nTimes are those of {}, with their offset from UTC. In the CSV files an apostrophe stands before what a spreadsheet\nwould take for a formula (= + - @ at the beginning of a text, of a line or behind a semicolon); in the JSON files nothing was changed.\n", about.zone.iana_name().unwrap_or("UTC"));
    out.push_str("\nTables:\n");
    for table in counted {
        let _ = writeln!(out, "    {:<17} {:>8}  {}", table.name, table.rows, table.about);
    }
    if let Scope::Client { .. } = about.order.scope {
        out.push_str("\nThis is what is kept of one client: the cases that an account of this client may read, with their documents and history. It leaves\nout what the firm notes for itself and what may speak of others: why access was given, walls, teams, settings, and e-mail addresses and\nnetwork addresses of anybody else.\n");
    }
    out.push_str("\nLeft out, because nobody should have it or nothing can be done with it:\n");
    for (table, why) in LEFT_OUT {
        let _ = writeln!(out, "    {table:<22} {why}");
    }
    for (table, column, why) in LEFT_OUT_COLUMNS {
        let _ = writeln!(out, "    {:<22} {why}", format!("{table}.{column}"));
    }
    out
}

/// `PROBLEMS.txt`.
pub(super) fn problems(all: &[String]) -> String {
    format!("What could not be read whole when this export was made. Everything else is as it was kept.\nA backup may have it: ask whoever runs the server.\n\n{}\n", all.join("\n"))
}

/// The head of `manifest.json`.
pub(super) fn manifest(about: &About<'_>, counted: &[Counted], problems: &[String]) -> Map<String, Value> {
    let scope = match about.order.scope {
        Scope::Everything => json!("everything"),
        Scope::Client { .. } => json!({ "client": about.name }),
        Scope::Case(_) => json!({ "case": about.name }),
    };
    let tables: Vec<Value> = counted.iter().map(|table| json!({ "name": table.name, "rows": table.rows, "columns": table.columns })).collect();
    let all = [
        ("format", json!(FORMAT)),
        ("product", json!(format!("Strongroom {}", env!("CARGO_PKG_VERSION")))),
        ("firm", json!(about.firm)),
        ("site", json!(keys::nonce::hex(&about.site))),
        ("scope", scope),
        ("made", json!(about.order.made.iso_in(&about.zone))),
        ("by", json!(about.order.by)),
        ("approved_by", json!(about.order.second)),
        ("problems", json!(problems)),
        ("tables", json!(tables)),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
