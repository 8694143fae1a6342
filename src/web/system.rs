//! Health: the first page of the system administrator. It says what is to be done about the appliance, what is in order, and nothing of
//! any case.

use super::{
    backups,
    desk::Desk,
    oops::Oops,
    page::{Page, View},
    posted::{Button, Posted},
    said::Said,
    view::State,
};
use jiff::tz::TimeZone;
use rocket::{get, post, response::Redirect};
use rules::{Moment, Refusal, Role, UserKind, UserState, Verb, text};
use serde::Serialize;
use std::{os::unix::fs::MetadataExt, path::Path, sync::Arc};
use store::{
    Site,
    error::OpenError,
    export::{self, Listed, Stage},
    letter::PostState,
    people,
    settings::{self, Settings},
    startkey::Start,
    trail::Checked,
};

/// The command that looks for the first event that does not fit.
const TRAIL_COMMAND: &str = "strongroom audit verify";
/// The newest exports that are looked at.
const EXPORTS: usize = 20;
/// The command that says of every place how it stands, and why it fails.
const BACKUPS_COMMAND: &str = "strongroom backup status";

#[derive(Serialize)]
struct Fact {
    label: &'static str,
    value: String,
    /// To be compared sign by sign.
    mono: bool,
}

/// The page on which it is put right.
#[derive(Serialize)]
struct Link {
    href: &'static str,
    label: &'static str,
}

#[derive(Serialize)]
struct Check {
    id: &'static str,
    state: State,
    title: &'static str,
    evidence: String,
    link: Option<Link>,
    command: Option<&'static str>,
    /// A button says that somebody has read it.
    seen: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct HealthView {
    title: String,
    sentence: String,
    /// What is not in order, the worst first.
    open: Vec<Check>,
    fine: Vec<Check>,
    /// What was chosen against the advice of a standard.
    deviations: Vec<String>,
    facts: Vec<Fact>,
    note: &'static str,
}

impl View for HealthView {
    const TEMPLATE: &'static str = "system/health.html";
}

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Fine,
    Care,
    Wrong,
}

impl Grade {
    const fn state(self) -> State {
        match self {
            Grade::Fine => State::new("In order", "st ok"),
            Grade::Care => State::new("Care", "st tri warn"),
            Grade::Wrong => State::new("Wrong", "st cross bad"),
        }
    }
}

/// A check before it is put into its list.
struct Found {
    grade: Grade,
    check: Check,
}

impl Found {
    fn new(grade: Grade, id: &'static str, title: &'static str, evidence: impl Into<String>) -> Found {
        Found { grade, check: Check { id, state: grade.state(), title, evidence: evidence.into(), link: None, command: None, seen: None } }
    }

    fn link(mut self, href: &'static str, label: &'static str) -> Found {
        self.check.link = Some(Link { href, label });
        self
    }

    fn command(mut self, command: &'static str) -> Found {
        self.check.command = Some(command);
        self
    }

    fn seen(mut self, action: &'static str) -> Found {
        self.check.seen = Some(action);
        self
    }
}

fn writes(site: &Site) -> Found {
    match site.trouble() {
        None => Found::new(Grade::Fine, "writes", "The site takes changes", "The database answers and there is room on the disk."),
        Some(why) => Found::new(Grade::Wrong, "writes", "The site takes no changes", format!("Reading goes on. The cause: {why}.")),
    }
}

fn trail(checked: &Checked) -> Found {
    match checked {
        Checked::Unbroken(head) => Found::new(Grade::Fine, "trail", "The trail is unbroken", format!("{} events were checked when this page was made.", head.seq)),
        Checked::Broken(seq) => Found::new(
            Grade::Wrong,
            "trail",
            "The trail is broken",
            format!("Event {seq} does not fit the one before it. Somebody changed the database from outside: keep a copy, and restore."),
        )
        .command(TRAIL_COMMAND),
    }
}

/// Whether both lie in one file system.
fn on_one_disk(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| std::fs::metadata(path).map(|found| found.dev()).ok();
    device(one).is_some_and(|found| device(other) == Some(found))
}

fn key(start: Result<Start, OpenError>, dir: &Path) -> Found {
    let apart = |evidence: String| Found::new(Grade::Fine, "key", "The key is kept apart from the data", evidence);
    match start {
        Ok(Start::Beside | Start::Credential) if start.as_ref().is_ok_and(|start| !start.is_here(dir)) => {
            let evidence = "What opened it is not on this machine: every start waits until the kit is typed, by strongroom unlock or on the page of the server. Choose what opens it from now on.";
            Found::new(Grade::Wrong, "key", "Only the recovery kit opens the data at a start", evidence).link("/system/key", "Choose it")
        }
        Ok(Start::KeyFile(path)) if !path.exists() => {
            apart(format!("A start needs the key file {}, which is not there now: its medium has to be there at the next start.", path.display()))
        }
        Ok(Start::Beside) => {
            Found::new(Grade::Care, "key", "The key lies beside the data", "Whoever takes the disk takes both, and can read everything. Keep the key on another medium, or type a passphrase at each start.").link("/system/key", "Keep it elsewhere")
        }
        Ok(Start::KeyFile(path)) if on_one_disk(&path, dir) => {
            let evidence = format!("{} is on the same disk as the data: whoever takes the disk takes both. Keep the key on another one, or type a passphrase at each start.", path.display());
            Found::new(Grade::Care, "key", "The key lies on the disk of the data", evidence).link("/system/key", "Keep it elsewhere")
        }
        Ok(Start::KeyFile(path)) => apart(format!("A start needs the key file {}.", path.display())),
        Ok(Start::Credential) => apart("A start needs a systemd credential, sealed to this machine.".into()),
        Ok(Start::Passphrase) => apart("A start needs a passphrase that somebody types.".into()),
        Err(error) => Found::new(Grade::Wrong, "key", "How the key is found at a start is not known", error.text),
    }
}

fn kit(settings: &Settings, on_paper: bool) -> Found {
    let title = "The recovery kit is not on paper";
    let evidence = "If this server is lost, nothing that is kept here can be brought back, and no clients can be invited before.";
    match (on_paper, settings.keeps_keyring) {
        (false, true) => return Found::new(Grade::Wrong, "kit", title, evidence).link("/system/kit", "Print the kit"),
        (false, false) => return Found::new(Grade::Wrong, "kit", title, format!("{evidence} It is printed by whoever runs the first site of this installation.")),
        (true, _) => {}
    }
    let evidence = match &settings.kit_holders {
        Some((one, two)) => format!("{one} and {two} keep it."),
        None => "It was shown to be on paper.".into(),
    };
    Found::new(Grade::Fine, "kit", "The recovery kit is on paper", evidence)
}

fn mail(settings: &Settings, post: &PostState) -> Found {
    let Some(smtp) = &settings.smtp else {
        let evidence = "Links to new accounts have to be passed on by hand, and nobody hears of a sign-in from a new browser.";
        return Found::new(Grade::Care, "mail", "E-mail is off", evidence).link("/settings/mail", "Set up e-mail");
    };
    queue(&smtp.host, post)
}

/// Whether the mail server takes what waits.
fn queue(host: &str, post: &PostState) -> Found {
    let letters = |n: i64, one: &str, many: &str| text::count_head(usize::try_from(n).unwrap_or(0), one, many);
    let reply = post.last_reply.as_ref().map_or_else(String::new, |reply| format!("The last letter that {host} did not take: “{reply}”. "));
    let found = match (post.failing, post.given_up) {
        (0, 0) => return Found::new(Grade::Fine, "mail", "E-mail can be sent", format!("{host} takes the letters; {}.", waiting(post.waiting))),
        (0, n) => Found::new(Grade::Care, "mail", "Letters were not taken", format!("{reply}{} given up in the last seven days.", letters(n, "letter was", "letters were"))),
        (_, 0) => Found::new(Grade::Wrong, "mail", "E-mail cannot be sent", format!("{reply}{}; none is lost yet.", letters(post.waiting, "letter waits", "letters wait"))),
        (_, n) => {
            let (wait, lost) = (letters(post.waiting, "letter waits", "letters wait"), letters(n, "was given up", "were given up"));
            Found::new(Grade::Wrong, "mail", "E-mail cannot be sent", format!("{reply}{wait}. {lost} in the last seven days."))
        }
    };
    found.link("/settings/mail", "Look at the letters")
}

fn waiting(n: i64) -> String {
    match usize::try_from(n) {
        Ok(n @ 1..) => text::count(n, "waits", "wait"),
        _ => "none waits".into(),
    }
}

/// How many accounts can sign in, by what they are there for.
type Counts = [(Role, UserState, usize)];

fn active(counts: &Counts, fits: impl Fn(Role) -> bool) -> usize {
    counts.iter().filter(|(role, state, _)| *state == UserState::Active && fits(*role)).map(|(_, _, n)| *n).sum()
}

/// True by construction: an account is in use only once a factor was shown to work, and none can be without.
fn factors(counts: &Counts) -> Found {
    let staff = text::count_head(active(counts, |role| role.kind() == UserKind::Staff), "person in the firm", "people in the firm");
    let clients = text::count(active(counts, |role| role.kind() == UserKind::Client), "client", "clients");
    Found::new(Grade::Fine, "factors", "Everybody has a second factor", format!("{staff} and {clients} can sign in; no account can be in use without one."))
}

fn administrators(counts: &Counts) -> Found {
    match active(counts, |role| role == Role::Administrator) {
        n @ 2.. => Found::new(Grade::Fine, "second", "There is a second system administrator", format!("{} can sign in.", text::count_head(n, "system administrator", "system administrators"))),
        _ => Found::new(Grade::Care, "second", "There is only one system administrator", "Whoever loses their ways in is reset by another one. Without another, only a command on the server helps.")
            .link("/people/new?role=administrator", "Invite another"),
    }
}

fn rescue(at: Option<Moment>, zone: &TimeZone) -> Found {
    match at {
        None => Found::new(Grade::Fine, "rescue", "Nobody’s ways in were reset at the server", "Nothing of this kind waits to be read."),
        Some(at) => {
            let evidence = format!("It was done by a command on {}, {}. If none of you did it, somebody else can reach the server: change the root key, and find out who.", at.day(zone), at.hour(zone));
            Found::new(Grade::Wrong, "rescue", "A system administrator’s ways in were reset at the server", evidence).seen("/system/rescue/seen")
        }
    }
}

fn backups((grave, title, evidence): (u8, &'static str, String), keeps: bool) -> Found {
    let grade = match grave {
        0 => Grade::Fine,
        1 => Grade::Care,
        _ => Grade::Wrong,
    };
    let found = Found::new(grade, "backups", title, evidence);
    match (keeps, grave) {
        (false, _) => found,
        (true, 0 | 1) => found.link("/system/backups", "Look at the backups"),
        (true, _) => found.link("/system/backups", "Look at the backups").command(BACKUPS_COMMAND),
    }
}

/// What leaves the server cannot leave it unseen, with letters or without: exports that wait, and those of the last days.
fn exports(listed: &[Listed], now: Moment, zone: &TimeZone) -> Found {
    let what = |row: &Listed| row.client.as_ref().map_or_else(|| "everything".to_owned(), |client| format!("all of {client}"));
    let by = |row: &Listed| row.by.clone().unwrap_or_else(|| "the console of the server".into());
    let fresh = |row: &&Listed| row.ended.is_some_and(|ended| now.0 - ended.0 < export::KEPT);
    let found = |title, evidence| Found::new(Grade::Care, "exports", title, evidence).link("/system/export", "Look at the exports");
    let made = |row: &&Listed| !row.mine && matches!(row.stage, Stage::Ready | Stage::Removed) && fresh(row);
    match (listed.iter().find(|row| !row.mine && row.stage == Stage::Asked), listed.iter().find(made)) {
        (Some(row), _) => found("An export waits for an answer", format!("It was asked for by {} on {}, {}: {}.", by(row), row.asked.day(zone), row.asked.hour(zone), what(row))),
        (None, Some(row)) => {
            let second = row.second.as_ref().map_or_else(|| "without a second person".to_owned(), |second| format!("approved by {second}"));
            found("An export was made", format!("It was asked for by {} on {}, {second}: {}. If you did not expect that, ask now.", by(row), row.asked.day(zone), what(row)))
        }
        (None, None) => Found::new(Grade::Fine, "exports", "No export waits for you", "None that somebody else asked for was made in the last seven days."),
    }
}

fn deviations(settings: &Settings) -> Vec<String> {
    match settings.recovery.on {
        false => Vec::new(),
        true => {
            let hours = text::count(usize::try_from(settings.recovery.delay).unwrap_or(0), "hour", "hours");
            vec![format!("Recovery by e-mail and two questions is on, with a delay of {hours}. OWASP ASVS 5.0 (6.4.2) forbids security questions.")]
        }
    }
}

/// What the page says at its head: how much is in order, and what is not.
fn heading(found: &[Found], hour: &str) -> (String, String) {
    let count = |grade: Grade| found.iter().filter(|found| found.grade == grade).count();
    let (fine, care, wrong, all) = (count(Grade::Fine), count(Grade::Care), count(Grade::Wrong), found.len());
    let title = match fine == all {
        true => format!("All {} checks are in order", text::number(all)),
        false => format!("{fine} of {all} checks are in order"),
    };
    let what = match (wrong, care) {
        (0, 0) => "Nothing needs to be done".into(),
        (0, care) => text::count_head(care, "thing needs care", "things need care"),
        (wrong, 0) => text::count_head(wrong, "thing is wrong", "things are wrong"),
        (wrong, care) => format!("{} and {}", text::count_head(wrong, "thing is wrong", "things are wrong"), text::count(care, "needs care", "need care")),
    };
    (title, format!("{what}. Checked today at {hour}; this page reads the real state."))
}

/// What is open, the worst first, and what is in order.
fn sorted(found: Vec<Found>) -> (Vec<Check>, Vec<Check>) {
    let (mut open, mut fine) = (Vec::new(), Vec::new());
    for Found { grade, check } in found {
        match grade {
            Grade::Fine => fine.push(check),
            Grade::Care | Grade::Wrong => open.push((grade, check)),
        }
    }
    open.sort_by_key(|(grade, _)| *grade != Grade::Wrong);
    (open.into_iter().map(|(_, check)| check).collect(), fine)
}

#[get("/system")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<HealthView>, Oops> {
    let (counts, listed) = desk
        .read(|tx| {
            let charge = tx.charge(Verb::SystemView)?;
            Ok((people::count(&charge)?, export::list(&charge, EXPORTS)?))
        })
        .await?;
    let checked = desk.site().check_trail().await?;
    let appliance = Arc::clone(&desk.inside().appliance);
    let start = tokio::task::spawn_blocking(move || appliance.start()).await.map_err(Refusal::fault)?;
    let (settings, post) = (desk.site().settings(), desk.site().post_state()?);
    let zone = &settings.firm.zone;
    let found = vec![
        writes(desk.site()),
        trail(&checked),
        key(start, desk.inside().appliance.dir()),
        kit(&settings, desk.site().kit_is_on_paper()),
        rescue(settings.rescue, zone),
        mail(&settings, &post),
        factors(&counts),
        administrators(&counts),
        exports(&listed, desk.now, zone),
        backups(backups::health(&desk.inside().backups, desk.site().kit_is_on_paper(), desk.now, zone).await?, settings.keeps_keyring),
    ];
    let (title, sentence) = heading(&found, &desk.now.hour(zone));
    let (open, fine) = sorted(found);
    let view = HealthView {
        title,
        sentence,
        open,
        fine,
        deviations: deviations(&settings),
        facts: (desk.inside().facts)(desk.site()).into_iter().map(|(label, value)| Fact { label, value, mono: label.contains("SHA-256") }).collect(),
        note: "Running the server gives no access to cases: this account cannot open one, and cannot be granted any.",
    };
    Ok(Page::new(desk.shell("system"), view))
}

/// Somebody has read that ways in were reset at the server: the line at the head of every page goes.
#[post("/system/rescue/seen", data = "<form>")]
pub(super) async fn rescue_seen(desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(|tx| settings::rescue_seen(&tx.administer(Verb::SettingsChange)?)).await?;
    Ok(Redirect::to(Said::RescueSeen.at("/system")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(grades: &[Grade]) -> Vec<Found> {
        grades.iter().map(|grade| Found::new(*grade, "x", "X", format!("{grade:?}"))).collect()
    }

    #[test]
    fn the_heading_counts_what_is_in_order_and_says_what_is_not() {
        use Grade::{Care, Fine, Wrong};
        let rows: [(&[Grade], &str, &str); 4] = [
            (&[Fine, Fine], "All two checks are in order", "Nothing needs to be done."),
            (&[Fine, Care], "1 of 2 checks are in order", "One thing needs care."),
            (&[Wrong, Fine, Wrong], "1 of 3 checks are in order", "Two things are wrong."),
            (&[Care, Wrong, Care, Fine], "1 of 4 checks are in order", "One thing is wrong and two need care."),
        ];
        for (grades, title, head) in rows {
            let said = heading(&found(grades), "14:05");
            assert_eq!(said.0, title);
            assert!(said.1.starts_with(head) && said.1.contains("at 14:05"), "{}", said.1);
        }
    }

    #[test]
    fn the_worst_stands_first() {
        let (open, fine) = sorted(found(&[Grade::Care, Grade::Fine, Grade::Wrong, Grade::Care]));
        assert_eq!(open.iter().map(|check| check.evidence.as_str()).collect::<Vec<_>>(), ["Wrong", "Care", "Care"]);
        assert_eq!(fine.len(), 1);
    }

    #[test]
    fn what_is_lost_is_told_beside_what_waits() {
        let post = |failing, given_up| PostState { waiting: 2, failing, given_up, last_reply: Some("450 later".into()) };
        let evidence = |failing, given_up| queue("mail.firm.example", &post(failing, given_up)).check.evidence;
        assert_eq!(evidence(0, 0), "mail.firm.example takes the letters; two wait.");
        assert_eq!(evidence(0, 1), "The last letter that mail.firm.example did not take: “450 later”. One letter was given up in the last seven days.");
        assert_eq!(evidence(1, 0), "The last letter that mail.firm.example did not take: “450 later”. Two letters wait; none is lost yet.");
        assert_eq!(evidence(1, 1), "The last letter that mail.firm.example did not take: “450 later”. Two letters wait. One was given up in the last seven days.");
    }

    #[test]
    fn only_accounts_in_use_count() {
        let counts = [(Role::Administrator, UserState::Active, 1), (Role::Administrator, UserState::Invited, 3), (Role::Staff, UserState::Active, 4), (Role::Client, UserState::Active, 1)];
        assert_eq!(administrators(&counts).grade, Grade::Care);
        assert!(factors(&counts).check.evidence.starts_with("Five people in the firm and one client can sign in"));
    }
}
