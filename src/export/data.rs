//! The tables of an export as CSV (RFC 4180, UTF-8 with a byte order mark, so that spreadsheets read every script) and as JSON.

use super::{About, Counted, Failed, bundle::Bundle, shelf::Placed};
use jiff::tz::TimeZone;
use serde_json::json;
use std::collections::HashMap;
use store::export::{Chosen, Snapshot, Table, Value};

/// Writes every table that belongs to what was chosen.
pub(super) fn tables(snapshot: &Snapshot<'_>, chosen: &Chosen, about: &About<'_>, placed: &[Placed], bundle: &mut Bundle<'_>) -> Result<Vec<Counted>, Failed> {
    let files: HashMap<(i64, i64), &str> = placed.iter().map(|paper| ((paper.document, paper.n), paper.path.as_str())).collect();
    snapshot.tables(chosen).map(|table| written(snapshot, table, chosen, about, &files, bundle)).collect()
}

fn written(snapshot: &Snapshot<'_>, table: &'static Table, chosen: &Chosen, about: &About<'_>, files: &HashMap<(i64, i64), &str>, bundle: &mut Bundle<'_>) -> Result<Counted, Failed> {
    let with_file = table.name == "versions";
    let columns: Vec<&'static str> = table.columns().chain(with_file.then_some("file")).collect();
    let full = |values: &[Value]| -> Vec<Value> {
        let mut values = values.to_vec();
        if with_file {
            let path = match (values.first(), values.get(1)) {
                (Some(Value::Number(document)), Some(Value::Number(n))) => files.get(&(*document, *n)).copied(),
                _ => None,
            };
            values.push(path.map_or(Value::None, |path| Value::Text(path.into())));
        }
        values
    };
    bundle.begin(&format!("data/{}.csv", table.name))?;
    bundle.write(format!("\u{FEFF}{}\r\n", columns.join(",")).as_bytes())?;
    let rows = snapshot.rows(table, chosen, |values| {
        let cells: Vec<String> = full(values).iter().map(|value| cell(value, &about.zone)).collect();
        bundle.write(format!("{}\r\n", cells.join(",")).as_bytes()).map_err(Failed::from)
    })?;
    bundle.end()?;
    bundle.begin(&format!("data/{}.json", table.name))?;
    let mut head = "[";
    snapshot.rows(table, chosen, |values| {
        let fields: serde_json::Map<String, serde_json::Value> = columns.iter().zip(full(values)).map(|(name, value)| ((*name).to_owned(), field(&value, &about.zone))).collect();
        bundle.write(format!("{head}\n{}", serde_json::Value::Object(fields)).as_bytes())?;
        head = ",";
        Ok::<_, Failed>(())
    })?;
    bundle.write(if rows == 0 { b"[]\n" } else { b"\n]\n" })?;
    bundle.end()?;
    Ok(Counted { name: table.name, about: table.about, columns, rows })
}

/// Signs that begin a formula in some spreadsheet, in full width too (OWASP, CSV injection).
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// One place of a CSV. Text that a spreadsheet would take for a formula gets an apostrophe before it; what stands behind a sign that some take
/// for the end of a place, too.
fn cell(value: &Value, zone: &TimeZone) -> String {
    match value {
        Value::None => String::new(),
        Value::Number(n) => n.to_string(),
        Value::Flag(flag) => if *flag { "yes" } else { "no" }.into(),
        Value::At(at) => at.iso_in(zone),
        Value::Text(text) => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    let text = guarded(text);
    match text.contains([',', ';', '"', '\n', '\r', '\t']) || text.starts_with(' ') || text.ends_with(' ') {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

fn guarded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    if text.starts_with(['\t', '\r', '\n']) {
        out.push('\'');
    }
    let mut begins = true;
    for sign in text.chars() {
        if begins && FORMULA.contains(&sign) {
            out.push('\'');
        }
        begins = matches!(sign, ';' | '\t' | '\r' | '\n') || (begins && matches!(sign, ' ' | '"'));
        out.push(sign);
    }
    out
}

fn field(value: &Value, zone: &TimeZone) -> serde_json::Value {
    match value {
        Value::None => serde_json::Value::Null,
        Value::Number(n) => json!(n),
        Value::Flag(flag) => json!(flag),
        Value::At(at) => json!(at.iso_in(zone)),
        Value::Text(text) => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::Moment;

    #[test]
    fn places_of_a_csv_are_read_as_they_were_and_are_no_formulas() {
        let rows = [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("+44", "'+44"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "\"'\tx\""),
            ("\r=1", "\"'\r'=1\""),
            ("\n=1", "\"'\n'=1\""),
            ("a;=1+1", "\"a;'=1+1\""),
            ("a; \"=cmd|' /C calc'!A0", "\"a; \"\"'=cmd|' /C calc'!A0\""),
            ("two\n- points", "\"two\n'- points\""),
            ("a-b = c", "a-b = c"),
            ("＝1+1", "'＝1+1"),
            ("=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\""),
            ("", ""),
        ];
        for (text, written) in rows {
            assert_eq!(cell(&Value::Text(text.into()), &TimeZone::UTC), written, "{text:?}");
        }
        assert_eq!(cell(&Value::At(Moment(0)), &TimeZone::UTC), "1970-01-01T00:00:00.000+00:00");
        assert_eq!((cell(&Value::Number(-1), &TimeZone::UTC), cell(&Value::Flag(true), &TimeZone::UTC)), ("-1".into(), "yes".into()));
    }
}
