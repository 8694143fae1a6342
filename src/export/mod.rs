//! Returning all data: a site, what is kept of one client, or one case, as files that anybody can open and check. It is a library over an
//! opened [`Source`], be it the site that is served or a copy that came back from a backup, and writes into a ZIP or a folder.
//!
//! First the rows, in one read transaction, so that they are of one moment; then the documents, whose files never change. Memory holds what is
//! known of each file (its path, size and hash), and of contents only pieces.
//!
//! A document that is missing or damaged does not keep all the others back: it is named in `PROBLEMS.txt`, the export counts as not whole, and the
//! command that asked for it ends with 1. Whoever needs all of their data back needs it most when something is broken.

mod bundle;
mod data;
mod html;
mod pages;
mod shelf;
mod sink;
mod words;

pub(crate) use sink::{FileSink, FolderSink, ZipSink};

use bundle::Bundle;
use jiff::tz::TimeZone;
use rules::{Moment, Refusal, document::size_words};
use std::io;
use store::export::{Chosen, Scope, Snapshot, Source};

/// What is to be exported, and what the export says of itself.
pub(crate) struct Order<'a> {
    pub(crate) scope: Scope,
    /// When it is made.
    pub(crate) made: Moment,
    /// Who asked.
    pub(crate) by: &'a str,
    /// Who approved it, if somebody had to.
    pub(crate) second: Option<&'a str>,
    /// Why; left out of what a client gets.
    pub(crate) reason: &'a str,
}

/// What came of it.
pub(crate) struct Report {
    pub(crate) cases: usize,
    pub(crate) documents: usize,
    pub(crate) files: usize,
    /// Bytes of all files.
    pub(crate) bytes: u64,
    /// What could not be read whole.
    pub(crate) problems: Vec<String>,
}

/// Why there is no export.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The site cannot be read.
    Read(Refusal),
    /// It cannot be written.
    Write(io::Error),
    /// Somebody stopped it.
    Stopped,
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Failed {
        Failed::Read(refusal)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Failed {
        Failed::Write(error)
    }
}

impl Failed {
    /// Exit code of a command, and a sentence.
    pub(crate) fn told(&self) -> (u8, String) {
        match self {
            Failed::Read(Refusal::Invalid(problems)) => (2, problems.iter().map(|problem| problem.text.as_str()).collect::<Vec<_>>().join(" ")),
            Failed::Read(refusal) => (1, format!("The site cannot be read: {refusal}.")),
            Failed::Write(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => (73, "The disk became full. Make room, then begin anew; what was written is removed.".into()),
            Failed::Write(error) => (73, format!("The export cannot be written: {error}.")),
            Failed::Stopped => (1, "It was stopped.".into()),
        }
    }
}

/// What is the same for everything in one export.
struct About<'a> {
    order: &'a Order<'a>,
    firm: String,
    zone: TimeZone,
    /// Name of the client, or reference of the case.
    name: String,
    inside: bool,
    site: [u8; 16],
}

impl<'a> About<'a> {
    fn of(snapshot: &Snapshot<'_>, order: &'a Order<'a>, chosen: &Chosen) -> Result<About<'a>, Refusal> {
        let (firm, zone) = (snapshot.setting("firm.name")?, snapshot.zone()?);
        Ok(About { order, firm, zone, name: chosen.name.clone(), inside: chosen.is_inside(), site: snapshot.site() })
    }

    /// What it is of, for a heading.
    fn what(&self) -> String {
        match self.order.scope {
            Scope::Everything => "Everything that is kept".into(),
            Scope::Client { .. } => format!("What is kept of {}", self.name),
            Scope::Case(_) => format!("The case {}", self.name),
        }
    }

    fn moment(&self, at: Moment) -> String {
        format!("{}, {}", at.day(&self.zone), at.hour(&self.zone))
    }
}

/// How many rows a table has: its name, what it is, and the number.
struct Counted {
    name: &'static str,
    about: &'static str,
    columns: Vec<&'static str>,
    rows: u64,
}

/// Writes an export. `tell` hears how many bytes of the documents have passed, of how many, and says whether to go on.
pub(crate) fn write(source: &Source, order: &Order<'_>, sink: &mut dyn FileSink, tell: &mut dyn FnMut(u64, u64) -> bool) -> Result<Report, Failed> {
    let mut bundle = Bundle::new(sink, order.made);
    let mut go = |done, total| if tell(done, total) { Ok(()) } else { Err(Failed::Stopped) };
    let (about, counted, placed, cases, total, mut problems) = source.at_one_moment(|snapshot| {
        let chosen = snapshot.choose(order.scope)?;
        let about = About::of(snapshot, order, &chosen)?;
        bundle.rows_take(snapshot.database_size()?);
        let (total, _) = snapshot.weight(&chosen)?;
        go(0, total)?;
        let (lines, placed) = pages::cases(snapshot, &chosen, &about, &mut bundle, &mut |_| go(0, total))?;
        let clients = pages::clients(snapshot, &chosen, &about, &lines, &mut bundle)?;
        let counted = data::tables(snapshot, &chosen, &about, &placed, &mut bundle)?;
        pages::index(&about, &lines, &clients, &counted, &mut bundle)?;
        Ok::<_, Failed>((about, counted, placed, lines.len(), total, snapshot.unread()))
    })?;
    bundle.file("README.txt", &words::readme(&about, &counted))?;
    let mut done = 0;
    for paper in &placed {
        problems.extend(shelf::bring(source, paper, &mut bundle, &mut |bytes| {
            done += bytes;
            go(done, total)
        })?);
    }
    if !problems.is_empty() {
        bundle.file("PROBLEMS.txt", &words::problems(&problems))?;
    }
    let documents = placed.iter().filter(|paper| paper.newest).count();
    let (files, bytes) = bundle.close(&words::manifest(&about, &counted, &problems))?;
    Ok(Report { cases, documents, files, bytes, problems })
}

/// Brings documents, such as [`Snapshot::papers`] gives them, into a sink without anything about their case; what was wrong with them. `tell`
/// hears of the bytes that passed.
pub(crate) fn documents(source: &Source, papers: &[store::export::Paper], sink: &mut dyn FileSink, tell: &mut dyn FnMut(u64)) -> Result<Vec<String>, Failed> {
    let mut bundle = Bundle::new(sink, Moment(0));
    let mut problems = Vec::new();
    for placed in shelf::places("", papers) {
        problems.extend(shelf::bring(source, &placed, &mut bundle, &mut |bytes| {
            tell(bytes);
            Ok(())
        })?);
    }
    Ok(problems)
}

/// "12 cases and 30 documents, 4.2 MB".
pub(crate) fn told(report: &Report) -> String {
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    format!("{} and {}, {} in {}", count(report.cases, "case", "cases"), count(report.documents, "document", "documents"), size_words(report.bytes), count(report.files, "file", "files"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keys::SiteKeys;
    use rules::{Level, Role, Secret, case::Status};
    use std::{fs, path::Path};
    use store::{Firm, Site, fill::NewCase, user::NewUser};

    const NOW: Moment = Moment(1_800_000_000_000);

    fn keys_of() -> SiteKeys {
        SiteKeys::new(&Secret::new([1; 32]), [2; 16]).unwrap()
    }

    /// A site with two cases, closed again: as one that came back from a backup.
    async fn site(dir: &Path) {
        let firm = Firm { name: "Firm & Sons".into(), kind: String::new(), prefix: "F".into(), zone_name: "Europe/London".into(), zone: TimeZone::UTC, phone: None };
        Site::create(dir, &keys_of(), &firm, true).unwrap();
        let site = Site::open(dir, keys_of(), || NOW).unwrap();
        let person = NewUser { role: Role::Staff, name: "<Owner>".into(), words: String::new(), email: "owner@firm.example".into(), password: "$argon2-canary".into(), totp: Secret::new([7; 20]) };
        let owner = site.fill_people(vec![person]).await.unwrap()[0];
        site.fill_types(&["Visit"]).await.unwrap();
        let case = |n: usize, title: &str| {
            let mut incoming = site.blobs().start(&site.keys().blobs).unwrap();
            incoming.push(&vec![b'0' + u8::try_from(n).unwrap(); 200_000]).unwrap();
            NewCase {
                reference: format!("F-{n}"),
                title: title.into(),
                summary: "Two\nlines".into(),
                type_name: "Visit",
                status: Status::Open,
                outcome: None,
                owner,
                supervisor: None,
                opened: NOW,
                grants: vec![(owner, Level::Manage, None)],
                teams: Vec::new(),
                walls: Vec::new(),
                parties: Vec::new(),
                documents: vec![(format!("Paper {n}.txt"), incoming.finish().unwrap().keep(), owner, NOW)],
            }
        };
        site.fill_cases(vec![case(1, "One"), case(2, "Two")]).await.unwrap();
        site.close();
    }

    #[tokio::test]
    async fn one_case_comes_out_of_a_site_that_nobody_serves_into_a_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let (lying, out) = (temporary.path().join("site"), temporary.path().join("out"));
        site(&lying).await;
        let source = Source::lying(&lying, keys_of()).unwrap();
        let scope = source.at_one_moment(|snapshot| snapshot.case("f-2")).unwrap();
        assert!(source.at_one_moment(|snapshot| snapshot.case("F-3")).is_err());
        let order = Order { scope, made: NOW, by: "A test", second: None, reason: "A test" };
        let mut told = Vec::new();
        let report = write(&source, &order, &mut FolderSink::new(&out).unwrap(), &mut |done, total| {
            told.push((done, total));
            true
        });
        let report = report.unwrap();
        assert_eq!((report.cases, report.documents, report.problems.len(), told.last()), (1, 1, 0, Some(&(200_000, 200_000))));
        assert_eq!(fs::read(out.join("documents/F-2 Two/Paper 2.txt")).unwrap(), vec![b'2'; 200_000]);
        let sums = fs::read_to_string(out.join("SHA256SUMS")).unwrap();
        for line in sums.lines() {
            let (sum, path) = line.split_once("  ").unwrap();
            assert_eq!(keys::nonce::hex(&keys::nonce::sha256(&fs::read(out.join(path)).unwrap())), sum, "{path}");
        }
        assert_eq!(sums.lines().count() + 1, report.files);
        let index = fs::read_to_string(out.join("index.html")).unwrap();
        assert!(index.contains("Firm &amp; Sons") && index.contains("&lt;Owner&gt;") && !index.contains("<Owner>") && !index.contains("F-1"));
        assert!(FolderSink::new(&out).is_err(), "nothing is overwritten");
    }

    #[tokio::test]
    async fn one_document_comes_out_alone_and_what_is_stopped_stops() {
        let temporary = tempfile::tempdir().unwrap();
        let (lying, out) = (temporary.path().join("site"), temporary.path().join("out"));
        site(&lying).await;
        let source = Source::lying(&lying, keys_of()).unwrap();
        let papers = source.at_one_moment(|snapshot| match snapshot.case("F-1")? {
            Scope::Case(id) => snapshot.papers(id),
            _ => Err(Refusal::NotFound),
        });
        let wrong = documents(&source, &papers.unwrap(), &mut FolderSink::new(&out).unwrap(), &mut |_| {}).unwrap();
        assert_eq!((wrong.len(), fs::read(out.join("Paper 1.txt")).unwrap().len()), (0, 200_000));
        let order = Order { scope: Scope::Everything, made: NOW, by: "A test", second: None, reason: "A test" };
        let mut sink = ZipSink::new(Vec::new(), TimeZone::UTC);
        assert!(matches!(write(&source, &order, &mut sink, &mut |done, _| done == 0), Err(Failed::Stopped)));
    }

    #[test]
    fn a_zip_written_as_a_stream_is_read_again_with_large_fields_or_without() {
        let mut sink = ZipSink::new(Vec::new(), TimeZone::UTC);
        for (path, most) in [("small.txt", 5), ("large.bin", u64::MAX)] {
            sink.begin(path, most, NOW).unwrap();
            sink.write(b"hello").unwrap();
            sink.end().unwrap();
        }
        let bytes = sink.finish().unwrap();
        let mut zip = zip::ZipArchive::new(io::Cursor::new(bytes)).unwrap();
        for at in 0..2 {
            let mut text = String::new();
            io::Read::read_to_string(&mut zip.by_index(at).unwrap(), &mut text).unwrap();
            assert_eq!(text, "hello");
        }
    }
}
