//! The folders of documents: where each version of each document stands, and bringing it there.

use super::{Failed, bundle::Bundle};
use keys::digest::Sha256;
use rules::{
    Moment,
    filename::{Folder, noted, safe},
};
use store::{
    blob::Blob,
    export::{CaseRow, Paper, Source},
};

/// Longest name of the folder of a case and of a document, in UTF-16 units: with both, Windows still opens the file below a folder of its own.
const FOLDER: usize = 60;
const NAME: usize = 100;
const EARLIER: &str = "Earlier versions";
const TRASH: &str = "Trash";

/// A version of a document in its place.
pub(super) struct Placed {
    pub(super) path: String,
    pub(super) document: i64,
    pub(super) n: i64,
    pub(super) newest: bool,
    pub(super) at: Moment,
    pub(super) blob: Blob,
}

/// The folder of a case: its reference, then its title.
pub(super) fn folder(case: &CaseRow, cases: &mut Folder) -> String {
    cases.place(safe(&format!("{} {}", case.reference, case.title), FOLDER))
}

/// The places of all versions of these documents of one case, below `head`, which is empty or ends with `/`.
pub(super) fn places(head: &str, papers: &[Paper]) -> Vec<Placed> {
    let new = || (Folder::with(&[EARLIER, TRASH]), Folder::default());
    let (mut here, mut trash) = (new(), new());
    let place = |paper: &Paper| {
        let (there, head) = match paper.trashed {
            None => (&mut here, head.to_owned()),
            Some(_) => (&mut trash, format!("{head}{TRASH}/")),
        };
        let name = safe(&paper.name, NAME);
        let path = match paper.newest {
            true => format!("{head}{}", there.0.place(name)),
            false => format!("{head}{EARLIER}/{}", there.1.place(noted(&name, &format!("version {}", paper.n)))),
        };
        Placed { path, document: paper.document, n: paper.n, newest: paper.newest, at: paper.at, blob: paper.blob.clone() }
    };
    papers.iter().map(place).collect()
}

/// Brings a document to its place, piece by piece, and holds it against the hash of what was uploaded. What was wrong with it, if anything.
pub(super) fn bring(source: &Source, paper: &Placed, bundle: &mut Bundle<'_>, tell: &mut dyn FnMut(u64) -> Result<(), Failed>) -> Result<Option<String>, Failed> {
    let path = &paper.path;
    let mut opener = match source.content(&paper.blob) {
        Ok(opener) => opener,
        Err(_) => {
            tell(paper.blob.size)?;
            return Ok(Some(format!("{path}: it is missing, or is not the file that was kept. It is not here.")));
        }
    };
    bundle.begin_sized(path, paper.blob.size, paper.at)?;
    let (mut hash, mut piece, mut came) = (Sha256::default(), Vec::new(), 0);
    let broken = loop {
        piece.clear();
        match opener.pull(&mut piece) {
            Ok(true) => {}
            Ok(false) => break false,
            Err(_) => break true,
        }
        hash.update(&piece);
        came += piece.len() as u64;
        bundle.write(&piece)?;
        tell(piece.len() as u64)?;
    };
    bundle.end()?;
    Ok(match (broken, hash.finish() == paper.blob.sha256) {
        (true, _) => Some(format!("{path}: it is damaged after {came} of {} bytes. What comes before is here.", paper.blob.size)),
        (false, false) => Some(format!("{path}: it is not what was uploaded; its SHA-256 differs from the one that was kept then.")),
        (false, true) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(name: &str, n: i64, newest: bool, trashed: bool) -> Paper {
        let blob = Blob { name: String::new(), wrapped: Vec::new(), size: 0, sha256: [0; 32] };
        Paper { document: 1, name: name.into(), n, newest, by: String::new(), at: Moment(0), trashed: trashed.then_some(Moment(0)), blob }
    }

    #[test]
    fn every_version_has_a_place_of_its_own() {
        let papers = [paper("Letter.pdf", 2, true, false), paper("Letter.pdf", 1, false, false), paper("letter.pdf", 1, true, false), paper("Letter.pdf", 1, true, true), paper("Trash", 1, true, false)];
        let paths: Vec<String> = places("documents/F-1 One/", &papers).into_iter().map(|placed| placed.path.replace("documents/F-1 One/", "")).collect();
        assert_eq!(paths, ["Letter.pdf", "Earlier versions/Letter (version 1).pdf", "letter (2).pdf", "Trash/Letter.pdf", "Trash (2)"]);
    }

    #[test]
    fn whatever_a_case_is_called_it_has_a_folder() {
        let case = |title: &str| CaseRow { id: 1, reference: "PH-2026-0001".into(), title: title.into(), summary: None, type_name: String::new(), status: "", outcome: None, owner: String::new(), supervisor: None, opened: Moment(0), closed: None };
        let mut cases = Folder::default();
        let names: Vec<String> = ["////", "////", "../../x", &"ж".repeat(300), "=1+1 <b>"].map(|title| folder(&case(title), &mut cases)).into();
        assert_eq!(names[..3], ["PH-2026-0001", "PH-2026-0001 (2)", "PH-2026-0001 .. .. x"]);
        assert!(names[3].starts_with("PH-2026-0001 ж") && names[3].encode_utf16().count() <= FOLDER);
        assert_eq!(names[4], "PH-2026-0001 =1+1 b");
    }
}
