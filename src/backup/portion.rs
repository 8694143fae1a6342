//! One case, or some of its documents, out of a backup as files that anybody can open: what is asked for when somebody deleted the wrong
//! thing. The database comes back into a scratch directory; of the documents only those that are asked for are fetched, and what is given out
//! is decrypted. What is damaged at the destination is named and keeps nothing else back.

use super::{
    documents::documents,
    restore::{Asked, Back, Failed, Work, beside, databases, record, refuse_used},
};
use crate::export::{self, FolderSink};
use rules::Moment;
use serde_json::{Value, json};
use ship::{ShipError, restore::Restored};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use store::{
    error::OpenError,
    export::{Paper, Scope, Source},
    restored::modernise,
};

/// What is wanted of a backup.
pub(crate) struct Portion<'a> {
    /// Reference of the case.
    pub(crate) case: &'a str,
    /// The documents of this name alone, with all their versions.
    pub(crate) document: Option<&'a str>,
}

/// A site that has the case.
struct Found {
    name: String,
    folder: PathBuf,
    restored: Restored,
    source: Source,
    scope: Scope,
    papers: Vec<Paper>,
}

/// Writes what is wanted into the new directory `to`.
pub(crate) fn bring(asked: &Asked<'_>, portion: &Portion<'_>, to: &Path) -> Result<Value, Failed> {
    refuse_used(to)?;
    let work = Work::new(&beside(to)?)?;
    let (copy, out) = (work.0.join("copy"), work.0.join("out"));
    let found = find(asked, portion, &copy)?;
    let blobs: Vec<String> = found.papers.iter().map(|paper| paper.blob.name.clone()).collect();
    let brought = documents(asked, &found.restored, &blobs, &found.folder.join("blobs"))?;
    let mut sink = FolderSink::new(&out)?;
    let whole: u64 = found.papers.iter().map(|paper| paper.blob.size).sum();
    let say = |done: u64| (asked.tell)(&format!("writing {}%", done * 100 / whole.max(1)));
    let made = Moment(found.restored.last.head.made);
    let problems = match portion.document {
        None => {
            let order = export::Order { scope: found.scope, made, by: "restoring from a backup", second: None, reason: "Restored from a backup" };
            let report = export::write(&found.source, &order, &mut sink, &mut |done, _| {
                say(done);
                true
            })?;
            report.problems
        }
        Some(_) => {
            let mut done = 0;
            export::documents(&found.source, &found.papers, &mut sink, &mut |bytes| {
                done += bytes;
                say(done);
            })?
        }
    };
    let _ = fs::remove_dir(to);
    fs::rename(&out, to)?;
    let mut answer = said(&found, &brought.lost);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("to".into(), json!(to.display().to_string()));
        fields.insert("problems".into(), json!(problems));
    }
    Ok(answer)
}

/// What would be brought, document by document. Nothing stays.
pub(crate) fn list(asked: &Asked<'_>, portion: &Portion<'_>, scratch: &Path) -> Result<Value, Failed> {
    let work = Work::new(scratch)?;
    let found = find(asked, portion, &work.0)?;
    let lost = found.papers.iter().filter(|paper| record(&found.restored, &paper.blob.name).is_none()).map(|paper| paper.blob.name.as_str()).collect();
    Ok(said(&found, &lost))
}

fn said(found: &Found, lost: &BTreeSet<&str>) -> Value {
    let paper = |paper: &Paper| json!({ "name": paper.name, "version": paper.n, "newest": paper.newest, "at": paper.at.iso(), "size": paper.blob.size, "trashed": paper.trashed.map(Moment::iso), "there": !lost.contains(paper.blob.name.as_str()) });
    json!({ "to": null, "site": found.name, "state": Moment(found.restored.last.head.made).iso(), "documents": found.papers.iter().map(paper).collect::<Vec<_>>() })
}

/// The one site that has the case, with the documents that are wanted.
fn find(asked: &Asked<'_>, portion: &Portion<'_>, copy: &Path) -> Result<Found, Failed> {
    let usage = |text: String| Failed::Open(OpenError { exit: 2, text });
    fs::create_dir_all(copy)?;
    let (_, backs) = databases(asked, copy)?;
    let (mut found, mut why) = (Vec::new(), None);
    for Back { told, restored, .. } in backs {
        let (folder, name) = (told.folder(copy), told.entry.name);
        modernise(&folder.join("site.db"), &told.keys)?;
        let source = Source::lying(&folder, told.keys)?;
        let papers = source.at_one_moment(|snapshot| match snapshot.case(portion.case)? {
            Scope::Case(id) => Ok((Scope::Case(id), snapshot.papers(id)?)),
            _ => Err(rules::Refusal::NotFound),
        });
        match papers {
            Ok((scope, papers)) => found.push(Found { name, folder, restored, source, scope, papers }),
            Err(refusal) => why = Some(refusal),
        }
    }
    match (found.pop(), found.pop()) {
        (Some(mut only), None) => {
            if let Some(name) = portion.document {
                only.papers.retain(|paper| rules::text::even(&paper.name) == rules::text::even(name));
                if only.papers.is_empty() {
                    return Err(usage(format!("{} has no document “{name}” in this state. See what it has with --dry-run and without --document.", portion.case)));
                }
            }
            Ok(only)
        }
        (Some(one), Some(other)) => Err(usage(format!("Both {} and {} have a case {}: say which site, with --site.", other.name, one.name, portion.case))),
        _ => Err(match why {
            Some(refusal) => export::Failed::Read(refusal).into(),
            None => ShipError::Nothing.into(),
        }),
    }
}
