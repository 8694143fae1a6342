//! The first page of the system administrator: the appliance and the accounts, and nothing of any case.

use super::{
    desk::Desk,
    oops::Oops,
    page::{Page, View},
    view::{Calendar, State, When, person_words, user_state},
};
use rocket::get;
use serde::Serialize;
use store::{person, trail::Checked};

#[derive(Serialize)]
struct Fact {
    label: &'static str,
    value: String,
    /// To be compared sign by sign.
    mono: bool,
}

#[derive(Serialize)]
struct Check {
    status: State,
    title: &'static str,
    evidence: String,
}

#[derive(Serialize)]
struct Account {
    name: String,
    words: String,
    state: State,
    last: Option<When>,
}

#[derive(Serialize)]
pub(super) struct SystemView {
    facts: Vec<Fact>,
    checks: Vec<Check>,
    people: Vec<Account>,
    note: &'static str,
}

impl View for SystemView {
    const TEMPLATE: &'static str = "system.html";
}

const FINE: State = State::new("In order", "st ok");
const WRONG: State = State::new("Failed", "st cross bad");
const NONE: State = State::new("Not checked", "st ring");

fn trail(checked: &Checked) -> Check {
    let title = "The trail is unbroken";
    match checked {
        Checked::Unbroken(head) => Check { status: FINE, title, evidence: format!("{} events were checked when this page was made.", head.seq) },
        Checked::Broken(seq) => Check { status: WRONG, title, evidence: format!("Event {seq} does not fit the one before it. Somebody changed the database from outside: keep a copy, and restore.") },
    }
}

fn backups() -> Check {
    Check { status: NONE, title: "Backups", evidence: "This version makes none. Stop the server and copy the data directory and the key file.".into() }
}

#[get("/system")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<SystemView>, Oops> {
    let people = desk
        .read(|tx| {
            person::list(&tx.charge(rules::Verb::SystemView)?, &person::Filter::default())
        })
        .await?;
    let checked = desk.site().check_trail().await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let writes = match desk.site().trouble() {
        None => Check { status: FINE, title: "The site takes changes", evidence: "The database answers and there is room on the disk.".into() },
        Some(why) => Check { status: WRONG, title: "The site takes no changes", evidence: format!("{why}.") },
    };
    let account = |person: person::Listed| Account {
        name: person.name,
        words: person_words(person.role, &person.words),
        state: user_state(person.state),
        last: person.last.map(|at| calendar.when(at)),
    };
    let view = SystemView {
        facts: (desk.inside().facts)().into_iter().map(|(label, value)| Fact { label, value, mono: label.contains("SHA-256") }).collect(),
        checks: vec![writes, trail(&checked), backups()],
        people: people.into_iter().map(account).collect(),
        note: "Running the server gives no access to cases: this account cannot open one, and cannot be granted any.",
    };
    Ok(Page::new(desk.shell("system"), view))
}
