//! What each case of the demo firm is about. Case `n` depends on the seed and `n` alone and is made in constant time, so that a demo
//! with a million cases needs no memory of them and a test can name one.

use super::dice::Dice;
use super::names::{self, Client, RECEPTION};
use super::paper::PaperKind;
use super::types::{CASE_TYPES, CaseType};

pub(crate) use super::types::TYPES;

/// One case as the demo firm keeps it. Staff are places in [`names::STAFF`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaseStory {
    /// "Adeyemi: spouse extension".
    pub(crate) title: String,
    /// Whom the case is for, as on a letter.
    pub(crate) client: String,
    /// That is an organisation, not a person.
    pub(crate) organisation: bool,
    /// One of [`TYPES`].
    pub(crate) type_name: &'static str,
    pub(crate) summary: String,
    /// A word of the database: "enquiry", "open", "on_hold", "closed" or "declined".
    pub(crate) status: &'static str,
    /// Only of a closed case.
    pub(crate) outcome: Option<&'static str>,
    pub(crate) opened_days_ago: u32,
    pub(crate) owner: usize,
    pub(crate) supervisor: Option<usize>,
    /// Who else has a grant, with its level as the database words it.
    pub(crate) also: Vec<(usize, &'static str)>,
    pub(crate) papers: Vec<Paper>,
}

/// One document of a case: what it is and the file name it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paper {
    pub(crate) kind: PaperKind,
    pub(crate) name: String,
}

/// Case `n` of the firm that `seed` stands for, which has `staff_count` staff. Case 0 is the same for every seed.
pub(crate) fn case(seed: u64, n: u64, staff_count: usize) -> CaseStory {
    if n == 0 {
        return adeyemi(staff_count);
    }
    let mut dice = Dice::new(seed, n);
    let Some(kind) = case_type(&mut dice) else { return adeyemi(staff_count) };
    let (title, wants) = dice.pick(kind.works).copied().unwrap_or_default();
    let client = if kind.company { names::company(&mut dice) } else { names::individual(&mut dice) };
    let status = status(&mut dice);
    let outcome = if status == "closed" { dice.pick(kind.outcomes).copied() } else { None };
    let owner = owner(&mut dice, staff_count);
    let supervisor = supervisor(&mut dice, owner, staff_count);
    CaseStory {
        title: format!("{}: {title}", client.short),
        type_name: kind.name,
        summary: format!("{wants} {}", summary(&mut dice, kind, status)),
        status,
        outcome,
        opened_days_ago: age(&mut dice, status),
        owner,
        supervisor,
        also: also(&mut dice, owner, supervisor, staff_count),
        papers: papers(&mut dice, kind, &client, status),
        organisation: kind.company,
        client: client.name,
    }
}

/// The case that the tour, the screenshots and the tests open first.
fn adeyemi(staff_count: usize) -> CaseStory {
    let paper = |kind: PaperKind, stem: &str| Paper { kind, name: format!("{stem}.{}", kind.ending()) };
    let mut also = vec![(2, "contribute"), (3, "contribute"), (RECEPTION, "know")];
    also.retain(|(who, _)| *who < staff_count);
    CaseStory {
        title: "Adeyemi: spouse extension".into(),
        client: "Folake Adeyemi".into(),
        organisation: false,
        type_name: "Spouse or partner",
        summary:
            "Further leave to remain as a partner, 2 years 6 months. Leave expires in about four weeks; submit a week before. \
                  Income is close to the line, so savings are shown as well. Two clients: Folake Adeyemi and her husband James."
                .into(),
        status: "open",
        outcome: None,
        opened_days_ago: 21,
        owner: 0,
        supervisor: (staff_count > 1).then_some(1),
        also,
        papers: vec![
            paper(PaperKind::Passport, "Passport, photo page"),
            paper(PaperKind::Permit, "Residence permit, both sides"),
            paper(PaperKind::CareLetter, "Client care letter"),
            paper(PaperKind::CoverLetter, "Cover letter to the Home Office"),
            paper(PaperKind::BankStatement, "Bank statements, September to November"),
            paper(PaperKind::TenancyPhoto, "Tenancy agreement (photo)"),
            paper(PaperKind::CertificateScan, "Marriage certificate"),
            paper(PaperKind::CouncilTax, "Council tax bill"),
            paper(PaperKind::Payslip, "Payslip October"),
            paper(PaperKind::AttendanceNote, "Attendance note, first meeting"),
        ],
    }
}

/// The commoner types come first in the list, and the lower of two throws favours them.
fn case_type(dice: &mut Dice) -> Option<&'static CaseType> {
    let count = u32::try_from(CASE_TYPES.len()).unwrap_or(0);
    let at = dice.below(count).min(dice.below(count));
    CASE_TYPES.get(usize::try_from(at).unwrap_or(0))
}

fn status(dice: &mut Dice) -> &'static str {
    match dice.below(100) {
        0..62 => "open",
        62..72 => "enquiry",
        72..80 => "on_hold",
        80..98 => "closed",
        _ => "declined",
    }
}

/// Days since the case was opened: enquiries are fresh, closed cases go back six years, the time for which files are kept.
fn age(dice: &mut Dice, status: &str) -> u32 {
    match status {
        "enquiry" => dice.between(0, 30),
        "open" => dice.between(3, 400).min(dice.between(3, 700)),
        "on_hold" => dice.between(45, 900),
        "closed" => dice.between(90, 2190),
        _ => dice.between(15, 1500),
    }
}

/// Anyone but reception, whose share goes to the caseworker; the first adviser a little more often than chance would have it.
fn owner(dice: &mut Dice, staff_count: usize) -> usize {
    let count = u32::try_from(staff_count).unwrap_or(u32::MAX);
    let at = usize::try_from(dice.below(count)).unwrap_or(0);
    match at {
        RECEPTION => 2,
        _ if dice.chance(10) => 0,
        _ => at,
    }
}

/// Every tenth member of staff, from Daniel Okoye on, supervises those around them; a few cases have no supervisor.
fn supervisor(dice: &mut Dice, owner: usize, staff_count: usize) -> Option<usize> {
    let at = owner / 10 * 10 + 1;
    (dice.chance(88) && at != owner && at < staff_count).then_some(at)
}

fn also(dice: &mut Dice, owner: usize, supervisor: Option<usize>, staff_count: usize) -> Vec<(usize, &'static str)> {
    let count = u32::try_from(staff_count).unwrap_or(u32::MAX);
    let mut also: Vec<(usize, &'static str)> = Vec::new();
    for _ in 0..dice.below(4) {
        let who = usize::try_from(dice.below(count)).unwrap_or(0);
        let level = dice.word(&["read", "read", "contribute", "contribute", "contribute", "manage"]);
        let known = who == owner || Some(who) == supervisor || also.iter().any(|(other, _)| *other == who);
        if !known && who < staff_count {
            also.push((who, if who == RECEPTION { "know" } else { level }));
        }
    }
    also
}

/// Where the case stands, one or two sentences.
fn summary(dice: &mut Dice, kind: &CaseType, status: &str) -> String {
    let now = match status {
        "enquiry" => dice.word(&[
            "First meeting not yet held.",
            "Asked for a quotation.",
            "Conflict check not yet decided.",
            "Came by recommendation.",
        ]),
        "open" if kind.company => dice.word(&[
            "Documents are coming in.",
            "The draft is with the supervisor.",
            "Submitted; waiting for a decision.",
            "The personnel files are being sampled.",
        ]),
        "open" => dice.word(&[
            "Documents are coming in.",
            "The draft is with the supervisor.",
            "Submitted; waiting for a decision.",
            "The last letters are expected this week.",
            "An appointment is booked.",
            "Translation ordered.",
        ]),
        "on_hold" if kind.company => "Waiting for the new authorising officer.",
        "on_hold" => dice.word(&[
            "Waiting for a passport renewal.",
            "The client is abroad until spring.",
            "Waiting for a lead case in the Court of Appeal.",
        ]),
        "closed" => {
            dice.word(&["Outcome told to the client; papers returned.", "File reviewed at closing.", "Closing letter sent."])
        }
        _ => dice.word(&["Outside our work; referred.", "A conflict of interest.", "The client did not come back."]),
    };
    let extra = match kind.company {
        true => dice.word(&["", "", " Fee agreed in three parts."]),
        false => dice.word(&[
            "",
            "",
            "",
            " Earlier refusal to be explained.",
            " A child is affected.",
            " Speaks through an interpreter.",
        ]),
    };
    format!("{now}{extra}")
}

fn papers(dice: &mut Dice, kind: &CaseType, client: &Client, status: &str) -> Vec<Paper> {
    let most = if matches!(status, "enquiry" | "declined") { 2 } else { 6 };
    let count = match dice.below(100) {
        0..4 => 0,
        4..12 => 1,
        12..31 => 2,
        31..59 => 3,
        59..81 => 4,
        81..93 => 5,
        _ => 6,
    };
    dice.clone()
        .few(kind.papers, most.min(count))
        .into_iter()
        .map(|paper| Paper { kind: *paper, name: file_name(dice, *paper, client) })
        .collect()
}

/// What the sender called the file: certificates from home sometimes in the script of home.
fn file_name(dice: &mut Dice, kind: PaperKind, client: &Client) -> String {
    let home = client.origin.map_or(&[][..], |origin| origin.certificates);
    let often = match kind {
        PaperKind::CertificateScan => 60,
        PaperKind::Translation => 30,
        _ => 0,
    };
    let abroad = dice.chance(often) && !home.is_empty();
    let stem = if abroad { dice.word(home) } else { dice.word(kind.stems()) };
    format!("{stem}.{}", kind.ending())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::names::STAFF;

    fn thousand() -> Vec<CaseStory> {
        (1..=1000).map(|n| case(42, n, STAFF.len())).collect()
    }

    #[test]
    fn a_case_is_the_same_each_time_and_another_for_another_seed() {
        assert_eq!(case(1, 999_999, 6), case(1, 999_999, 6));
        assert_ne!(case(1, 999_999, 6), case(2, 999_999, 6));
        assert_ne!(case(1, 5, 6), case(1, 6, 6));
    }

    #[test]
    fn case_0_is_the_one_of_the_tour() {
        for seed in 0..20 {
            let story = case(seed, 0, STAFF.len());
            assert_eq!((story.title.as_str(), story.status, story.owner), ("Adeyemi: spouse extension", "open", 0));
            assert!((8..=10).contains(&story.papers.len()));
            assert!(TYPES.contains(&story.type_name) && story.outcome.is_none());
        }
    }

    #[test]
    fn statuses_are_mixed_as_in_a_real_firm() {
        let all = thousand();
        for (status, percent) in [("open", 62), ("enquiry", 10), ("on_hold", 8), ("closed", 18), ("declined", 2)] {
            let count = all.iter().filter(|story| story.status == status).count();
            assert!(count.abs_diff(percent * 10) <= 40, "{status}: {count}");
            assert!(count > 0);
        }
        assert!(all.iter().all(|story| story.outcome.is_some() == (story.status == "closed")));
    }

    #[test]
    fn papers_are_few_and_their_names_differ_within_a_case() {
        let all = thousand();
        let papers: usize = all.iter().map(|story| story.papers.len()).sum();
        assert!((2600..3300).contains(&papers), "{papers}");
        for story in &all {
            assert!(story.papers.len() <= 6);
            let mut names: Vec<_> = story.papers.iter().map(|paper| &paper.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), story.papers.len());
        }
        let foreign = all.iter().flat_map(|s| &s.papers).filter(|p| p.name.chars().any(|c| c >= '\u{590}')).count();
        assert!((20..300).contains(&foreign), "{foreign}");
    }

    #[test]
    fn staff_are_named_once_and_exist_however_few_there_are() {
        for staff_count in [1, 2, 3, 6, 40, 200] {
            for n in 0..500 {
                let story = case(9, n, staff_count);
                assert!(story.owner < staff_count && story.owner != RECEPTION);
                let mut who: Vec<usize> =
                    story.also.iter().map(|(who, _)| *who).chain(story.supervisor).chain([story.owner]).collect();
                assert!(who.iter().all(|who| *who < staff_count), "{story:?}");
                let count = who.len();
                who.sort_unstable();
                who.dedup();
                assert_eq!(who.len(), count, "{story:?}");
            }
        }
    }

    #[test]
    fn every_type_occurs_and_every_text_is_filled_in() {
        let all = thousand();
        assert!(TYPES.iter().all(|name| all.iter().any(|story| story.type_name == *name)));
        for story in &all {
            assert!(story.title.contains(": ") && !story.title.starts_with(':') && story.title.chars().count() < 80, "{story:?}");
            assert!(story.summary.ends_with('.') && !story.summary.contains("  "), "{story:?}");
            assert!(TYPES.contains(&story.type_name) && story.opened_days_ago <= 2190);
        }
    }
}
