//! Pieces that several pages show.

use super::link;
use jiff::tz::TimeZone;
use rules::{Level, Moment, Problem, UserState, Verb, case::Status, document};
use serde::Serialize;
use store::{Site, case::File, case_list, document as documents, trail::Told};

/// A moment, for machines, in full and in short.
#[derive(Serialize, Clone)]
pub(super) struct When {
    iso: String,
    day: String,
    short: String,
}

/// Makes [`When`] for one page: its zone and the moment of the request.
#[derive(Clone)]
pub(super) struct Calendar {
    zone: TimeZone,
    now: Moment,
}

impl Calendar {
    pub(super) fn of(site: &Site, now: Moment) -> Calendar {
        Calendar { zone: site.firm().zone.clone(), now }
    }

    /// "24 Nov 2026".
    pub(super) fn day(&self, at: Moment) -> String {
        at.day(&self.zone)
    }

    /// The same within a sentence: "today" for today.
    pub(super) fn day_within(&self, at: Moment) -> String {
        let (day, today) = (self.day(at), self.day(self.now));
        if day == today { "today".into() } else { day }
    }

    pub(super) fn when(&self, at: Moment) -> When {
        When::of(at, self.now, &self.zone)
    }
}

impl When {
    /// As it is told at `now` in this zone.
    pub(super) fn of(at: Moment, now: Moment, zone: &TimeZone) -> When {
        When { iso: at.iso(), day: at.day(zone), short: at.short(now, zone) }
    }

    /// With the time of day to the second.
    pub(super) fn exact(at: Moment, zone: &TimeZone) -> When {
        When { iso: at.iso(), day: at.day(zone), short: format!("{}, {}", at.day(zone), at.clock(zone)) }
    }
}

/// A word with its shape and colour.
#[derive(Serialize, Clone)]
pub(super) struct State {
    word: &'static str,
    cls: &'static str,
}

impl State {
    pub(super) const fn new(word: &'static str, cls: &'static str) -> State {
        State { word, cls }
    }

    pub(super) const fn of(status: Status) -> State {
        let cls = match status {
            Status::Enquiry => "st ring acc",
            Status::Open => "st ok",
            Status::OnHold => "st bars warn",
            Status::Closed | Status::Declined => "st box",
        };
        State { word: status.word(), cls }
    }
}

/// Where an account is in its life.
pub(super) const fn user_state(state: UserState) -> State {
    let cls = match state {
        UserState::Invited => "st ring",
        UserState::Enrolling => "st half",
        UserState::Active => "st ok",
        UserState::Suspended => "st bars warn",
        UserState::Left => "st box",
    };
    State { word: state.word(), cls }
}

/// A mistake in a form.
#[derive(Serialize)]
pub(super) struct Mistake {
    field: &'static str,
    text: String,
}

pub(super) fn mistakes(problems: Vec<Problem>) -> Vec<Mistake> {
    problems.into_iter().map(|problem| Mistake { field: problem.field, text: problem.text }).collect()
}

/// One of the ways to look at a list.
#[derive(Serialize)]
pub(super) struct Tab {
    pub(super) label: &'static str,
    pub(super) href: String,
    pub(super) current: bool,
}

/// Choices under a heading of their own.
#[derive(Serialize)]
pub(super) struct Group {
    pub(super) label: &'static str,
    pub(super) choices: Vec<Choice>,
}

/// One of several to choose from.
#[derive(Serialize)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) hint: &'static str,
    pub(super) chosen: bool,
}

impl Choice {
    pub(super) fn new(value: impl Into<String>, label: impl Into<String>, chosen: bool) -> Choice {
        Choice { value: value.into(), label: label.into(), hint: "", chosen }
    }
}

#[derive(Serialize, Clone)]
pub(super) struct LevelView {
    n: u8,
    word: &'static str,
}

impl From<Level> for LevelView {
    fn from(level: Level) -> Self {
        LevelView { n: level as u8, word: level.word() }
    }
}

/// The header of every page of a case.
#[derive(Serialize)]
pub(super) struct CaseFile {
    href: String,
    reference: String,
    title: String,
    status: State,
    type_name: String,
    owner: String,
    supervisor: Option<String>,
    opened: When,
    closed: Option<When>,
    people: usize,
    walls: usize,
    level: LevelView,
    can_contribute: bool,
    can_manage: bool,
    documents: usize,
}

impl CaseFile {
    pub(super) fn new(file: File, calendar: &Calendar) -> CaseFile {
        CaseFile {
            href: link::case(&file.id, ""),
            reference: file.reference,
            title: file.title,
            status: State::of(file.status),
            type_name: file.type_name,
            owner: file.owner,
            supervisor: file.supervisor,
            opened: calendar.when(file.opened),
            closed: file.closed.map(|at| calendar.when(at)),
            people: file.people,
            walls: file.walls,
            level: file.level.into(),
            can_contribute: file.level >= Level::Contribute,
            can_manage: file.level >= Level::Manage,
            documents: file.documents,
        }
    }
}

/// A row of a list of cases. One table of fields, without a level between: a list has fifty of them.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum CaseRow {
    Seen(Box<SeenCase>),
    /// For those who may only know that the case exists; without `href`.
    Known { reference: String },
}

#[derive(Serialize)]
pub(super) struct SeenCase {
    href: String,
    reference: String,
    title: String,
    type_name: String,
    status: State,
    owner: String,
    opened: When,
    restricted: bool,
    documents: usize,
}

impl CaseRow {
    pub(super) fn new(row: case_list::Listed, calendar: &Calendar) -> CaseRow {
        let Some(seen) = row.summary else { return CaseRow::Known { reference: row.reference } };
        CaseRow::Seen(Box::new(SeenCase {
            href: link::case(&row.id, ""),
            reference: row.reference,
            title: seen.title,
            type_name: seen.type_name,
            status: State::of(seen.status),
            owner: seen.owner,
            opened: calendar.when(seen.opened),
            restricted: seen.restricted,
            documents: seen.documents,
        }))
    }
}

/// A row of a list of documents.
#[derive(Serialize)]
pub(super) struct DocRow {
    href: String,
    content_href: String,
    trash_href: String,
    name: String,
    kind_words: &'static str,
    icon: &'static str,
    size_words: String,
    version: i64,
    added: When,
    by: String,
    sha256: String,
}

impl DocRow {
    pub(super) fn new(row: documents::Listed, calendar: &Calendar) -> DocRow {
        let form = document::form(&row.name);
        DocRow {
            href: link::document(&row.id, ""),
            content_href: link::document(&row.id, "content"),
            trash_href: link::document(&row.id, "trash"),
            kind_words: form.words,
            icon: form.icon,
            size_words: document::size_words(row.size),
            version: row.version,
            added: calendar.when(row.at),
            by: row.by,
            sha256: keys::nonce::hex(&row.sha256),
            name: row.name,
        }
    }
}

/// An event of the trail, always with its day and the time of day.
#[derive(Serialize)]
pub(super) struct EventRow {
    iso: String,
    pub(super) day: String,
    hour: String,
    who: String,
    words: String,
    object: Option<String>,
    object_href: Option<String>,
    /// The level that was given.
    detail: Option<&'static str>,
    reason: Option<String>,
    from: String,
    /// It changed nothing.
    looked: bool,
    result: &'static str,
}

impl EventRow {
    pub(super) fn new(told: Told, calendar: &Calendar) -> EventRow {
        let (at, zone, verb) = (told.event.at, &calendar.zone, told.event.verb);
        EventRow {
            iso: at.iso(),
            day: at.full_day(zone),
            hour: at.hour(zone),
            looked: !told.event.refused && !verb.changes_a_case(),
            detail: told.event.detail.filter(|_| verb == Verb::AccessGrant).map(|level| Level::from_number(level).word()),
            who: told.who.unwrap_or_else(|| "Strongroom".into()),
            words: match told.event.refused {
                true => format!("tried to {}", verb.tried()),
                false => verb.words().into(),
            },
            object: told.object,
            reason: told.reason,
            object_href: told.document.map(|id| link::document(&id, "")),
            from: told.event.origin.into(),
            result: if told.event.refused { "refused" } else { "ok" },
        }
    }
}
