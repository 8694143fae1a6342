//! Accounts, for those who look after them: the list, inviting somebody, and the page that shows a link this once.

use super::{
    desk::Desk,
    link,
    oops::Oops,
    page::{Page, View},
    posted::Posted,
    view::{Calendar, Choice, Mistake, State, Tab, When, mistakes, user_state},
};
use rocket::{Either, FromForm, get, http::Status, post};
use rules::{Moment, Problem, Refusal, Role, Sealed, User, UserState, Verb, text};
use serde::Serialize;
use store::{
    belong::{self, Which},
    people::{self, Filter, PAGE},
    person,
    ticket::Made,
};

#[derive(Serialize)]
struct AccountRow {
    href: String,
    name: String,
    words: String,
    state: State,
    /// Empty for programs.
    email: String,
    last: Option<When>,
    /// Until when the newest link works, if one waits to be used.
    link_ends: Option<String>,
}

#[derive(Serialize)]
pub(super) struct ListView {
    sentence: String,
    views: Vec<Tab>,
    q: String,
    /// None to choose from for those who look after one role.
    roles: Vec<Choice>,
    states: Vec<Choice>,
    rows: Vec<AccountRow>,
    first: Option<String>,
    next: Option<String>,
    filtered: bool,
    /// Where somebody is invited, as what the list shows.
    invite: String,
}

impl View for ListView {
    const TEMPLATE: &'static str = "people/list.html";
}

/// What the list was asked for.
#[derive(FromForm)]
pub(super) struct Asked<'r> {
    q: Option<&'r str>,
    role: Option<&'r str>,
    state: Option<&'r str>,
    skip: Option<usize>,
}

/// The lists of those who look after accounts.
pub(super) fn tabs(here: &str) -> Vec<Tab> {
    [("Accounts", "/people"), ("Teams", "/teams"), ("Exports", "/system/export")].into_iter().map(|(label, href)| Tab { label, href: href.into(), current: href == here }).collect()
}

/// The roles that somebody of this role looks after.
fn looked_after(me: Role) -> Vec<Role> {
    Role::ALL.into_iter().filter(|role| me.looks_after(*role)).collect()
}

/// The role, and what they do where that says more.
pub(super) fn role_words(role: Role, words: &str) -> String {
    match words.eq_ignore_ascii_case(role.words()) {
        true => role.words().into(),
        false => format!("{} · {words}", role.words()),
    }
}

/// "Thu 26 Nov 2026, 14:05": until when a link works.
pub(super) fn until(desk: &Desk<'_>, ends: Moment) -> String {
    let zone = desk.site().firm().zone;
    format!("{}, {}", ends.full_day(&zone), ends.hour(&zone))
}

/// The query of a link with the same filter.
fn query(role: Option<Role>, state: Option<UserState>, q: &str, skip: usize) -> String {
    let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let skip = if skip == 0 { String::new() } else { skip.to_string() };
    let fields = [("role", role.map_or("", Role::value)), ("state", state.map_or("", UserState::value)), ("q", q), ("skip", skip.as_str())];
    let pairs: Vec<String> = fields.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={}", encode(value))).collect();
    match pairs.is_empty() {
        true => "/people".into(),
        false => format!("/people?{}", pairs.join("&")),
    }
}

/// How many can sign in, and who else there is, whatever the filter. Programs are not counted: they are nobody.
fn sentence(counts: &[(Role, UserState, usize)], me: Role) -> String {
    let counted = |state: UserState| counts.iter().filter(|(role, s, _)| me.looks_after(*role) && *role != Role::Service && *s == state).map(|(.., n)| n).sum::<usize>();
    let active = counted(UserState::Active);
    let head = match me.looks_after(Role::Staff) {
        true => text::count_head(active, "person can sign in", "people can sign in"),
        false => text::count_head(active, "client can sign in", "clients can sign in"),
    };
    let others = [
        (UserState::Invited, "was invited and has not come yet", "were invited and have not come yet"),
        (UserState::Enrolling, "is setting up their ways in", "are setting up their ways in"),
        (UserState::Suspended, "is suspended", "are suspended"),
    ];
    let others = others.into_iter().filter_map(|(state, one, many)| Some(counted(state)).filter(|n| *n > 0).map(|n| text::count(n, one, many)));
    let words: Vec<String> = [head].into_iter().chain(others).collect();
    format!("{}.", words.join("; "))
}

fn row(person: people::Listed, calendar: &Calendar, desk: &Desk<'_>) -> AccountRow {
    AccountRow {
        href: link::person(&person.id, ""),
        words: role_words(person.role, &person.words),
        state: user_state(person.state),
        email: person.email.expose().clone(),
        last: person.last.map(|at| calendar.when(at)),
        link_ends: person.link_ends.map(|ends| until(desk, ends)),
        name: person.name,
    }
}

#[get("/people?<asked..>")]
pub(super) async fn list(asked: Asked<'_>, desk: Desk<'_>) -> Result<Page<ListView>, Oops> {
    let me = desk.session().role;
    let (role, state) = (asked.role.and_then(Role::from_value), asked.state.and_then(UserState::from_value));
    let (q, skip) = (asked.q.unwrap_or("").trim().to_owned(), asked.skip.unwrap_or(0));
    let filter = Filter { role, state, text: q.clone(), skip };
    let (mut people, counts) = desk
        .read(move |tx| {
            let charge = tx.charge(Verb::PeopleView)?;
            Ok((people::list(&charge, &filter)?, people::count(&charge)?))
        })
        .await?;
    // One more than a page is read, so that it is known whether there are more.
    let more = people.len() > PAGE;
    people.truncate(PAGE);
    let mine = looked_after(me);
    let roles = match mine.len() {
        0 | 1 => Vec::new(),
        _ => [Choice::new("", "Any role", role.is_none())].into_iter().chain(mine.into_iter().map(|r| Choice::new(r.value(), r.words(), role == Some(r)))).collect(),
    };
    let calendar = Calendar::of(desk.site(), desk.now);
    let view = ListView {
        sentence: sentence(&counts, me),
        views: tabs("/people"),
        roles,
        states: [Choice::new("", "Any but left", state.is_none())].into_iter().chain(UserState::ALL.map(|s| Choice::new(s.value(), s.word(), state == Some(s)))).collect(),
        first: (skip > 0).then(|| query(role, state, &q, 0)),
        next: more.then(|| query(role, state, &q, skip + PAGE)),
        filtered: !q.is_empty() || role.is_some() || state.is_some(),
        invite: role.map_or_else(|| "/people/new".into(), |role| format!("/people/new?role={}", role.value())),
        rows: people.into_iter().map(|person| row(person, &calendar, &desk)).collect(),
        q,
    };
    Ok(Page::new(desk.shell("people"), view))
}

/// The fields that say whom the account of a client belongs to.
#[derive(Serialize)]
pub(super) struct Belongs {
    contacts: Vec<Choice>,
    /// There are more contacts than are offered.
    more_contacts: bool,
    /// What those that are offered have in their names.
    find: String,
    contact_name: String,
    contact_kinds: Vec<Choice>,
}

impl Belongs {
    /// `find`, `contact`, `name` and `kind` are what was typed.
    pub(super) fn new(offered: belong::Offered, find: String, contact: &str, name: &str, kind: &str) -> Belongs {
        let label = |listed: &belong::Listed| if listed.organisation { format!("{} (organisation)", listed.name) } else { listed.name.clone() };
        let more_contacts = offered.more;
        let offered = offered.contacts.iter().map(|listed| Choice::new(listed.id.as_str(), label(listed), listed.id.as_str() == contact));
        Belongs {
            contacts: [Choice::new("", "Choose a contact", contact.is_empty())].into_iter().chain(offered).collect(),
            more_contacts,
            find,
            contact_name: name.into(),
            contact_kinds: vec![Choice::new("person", "A person", kind != "organisation"), Choice::new("organisation", "An organisation", kind == "organisation")],
        }
    }
}

/// What was chosen in these fields: a contact from the list, or a new one; none when they are empty.
pub(super) fn which(contact: &str, name: &str, kind: &str) -> Result<Option<Which>, Refusal> {
    match (contact.is_empty(), name.trim().is_empty()) {
        (true, true) => Ok(None),
        (false, true) => Ok(Some(Which::There(Sealed::from_url(contact)))),
        (true, false) => Ok(Some(Which::New { name: name.into(), organisation: kind == "organisation" })),
        (false, false) => Err(Refusal::invalid("contact", "Choose a contact from the list or type the name of a new one, not both.")),
    }
}

#[derive(Serialize)]
pub(super) struct FormView {
    problems: Vec<Mistake>,
    roles: Vec<Choice>,
    name: String,
    words: String,
    email: String,
    /// Clients can be invited by whoever asks.
    clients: bool,
    /// Until the recovery kit is on paper no client is invited.
    no_kit: bool,
    #[serde(flatten)]
    belongs: Belongs,
    /// A mail server is set, so that the link goes out by letter.
    mail: bool,
}

impl View for FormView {
    const TEMPLATE: &'static str = "people/form.html";
}

/// What was typed into the form, as it was typed.
#[derive(FromForm, Default, Clone)]
pub(super) struct Typed {
    #[field(default = String::new())]
    role: String,
    #[field(default = String::new())]
    name: String,
    #[field(default = String::new())]
    words: String,
    #[field(default = String::new())]
    email: String,
    #[field(default = String::new())]
    contact: String,
    #[field(default = String::new())]
    contact_name: String,
    #[field(default = String::new())]
    contact_kind: String,
    #[field(default = String::new())]
    find: String,
}

impl Typed {
    fn meant(&self) -> Result<person::New, Refusal> {
        let role = Role::from_value(&self.role).ok_or_else(|| Refusal::invalid("role", "Choose what the account is there for."))?;
        // Fields that are not shown for a role do not count for it.
        let contact = match role {
            Role::Client => which(&self.contact, &self.contact_name, &self.contact_kind)?,
            _ => None,
        };
        Ok(person::New { role, name: self.name.clone(), words: self.words.clone(), email: self.email.clone(), contact })
    }
}

async fn form_page(desk: &Desk<'_>, typed: Typed, problems: Vec<Problem>) -> Result<Page<FormView>, Oops> {
    let find = typed.find.clone();
    let offered = desk.read(move |tx| belong::list(&tx.charge(Verb::PeopleView)?, &find)).await?;
    let (mine, settings) = (looked_after(desk.session().role), desk.site().settings());
    let status = if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    let only = mine.len() == 1;
    let view = FormView {
        problems: mistakes(problems),
        clients: mine.contains(&Role::Client),
        roles: mine.into_iter().map(|r| Choice { hint: r.sentence(), ..Choice::new(r.value(), r.words(), only || r.value() == typed.role) }).collect(),
        no_kit: !desk.site().kit_is_on_paper(),
        belongs: Belongs::new(offered, typed.find, &typed.contact, &typed.contact_name, &typed.contact_kind),
        mail: settings.smtp.is_some(),
        name: typed.name,
        words: typed.words,
        email: typed.email,
    };
    Ok(Page::new(desk.shell("people"), view).with(status))
}

#[get("/people/new?<role>&<find>")]
pub(super) async fn blank(role: Option<&str>, find: Option<&str>, desk: Desk<'_>) -> Result<Page<FormView>, Oops> {
    form_page(&desk, Typed { role: role.unwrap_or("").into(), find: find.unwrap_or("").into(), ..Typed::default() }, Vec::new()).await
}

#[post("/people", data = "<form>")]
pub(super) async fn invite(desk: Desk<'_>, form: Posted<Typed>) -> Result<Either<Page<LinkView>, Page<FormView>>, Oops> {
    let typed = form.into_inner();
    let (meant, base) = (typed.clone(), desk.base());
    let invited = desk
        .write(move |tx| {
            let charge = tx.charge(Verb::PersonInvite)?;
            person::invite(&charge, &meant.meant()?, &base)
        })
        .await;
    match invited {
        Ok(invited) => {
            let title = if invited.made.is_some() { "The invitation is ready" } else { "The account is there" };
            let another = Role::from_value(&typed.role).map(|role| format!("/people/new?role={}", role.value()));
            let email = text::email(&typed.email).unwrap_or_default();
            let handed = Handed { id: invited.id, name: typed.name.trim().into(), hint: text::email_hint(&email), made: invited.made };
            Ok(Either::Left(link_page(&desk, handed, title, another)))
        }
        Err(Refusal::Invalid(problems)) => form_page(&desk, typed, problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

/// An account with the link that was just made for it. A program has none.
pub(super) struct Handed {
    pub(super) id: Sealed<User>,
    pub(super) name: String,
    /// Its address, in the form of [`text::email_hint`].
    pub(super) hint: String,
    pub(super) made: Option<Made>,
}

#[derive(Serialize)]
struct Shown {
    link: String,
    until: String,
}

/// A link, on the only page that ever shows it.
#[derive(Serialize)]
pub(super) struct LinkView {
    title: &'static str,
    name: String,
    shown: Option<Shown>,
    /// To whom a letter with the link was sent.
    letter: Option<String>,
    account: String,
    /// Where somebody else of the same role is invited.
    another: Option<String>,
}

impl View for LinkView {
    const TEMPLATE: &'static str = "people/invited.html";
}

/// Answered at once and not led to, because the link stands on no page that could be opened again.
pub(super) fn link_page(desk: &Desk<'_>, handed: Handed, title: &'static str, another: Option<String>) -> Page<LinkView> {
    let base = desk.base();
    let shown = handed.made.map(|made| Shown { link: format!("{base}/link#k={}", made.token.expose()), until: until(desk, made.ends) });
    let has_mail = desk.site().settings().smtp.is_some();
    let view = LinkView {
        title,
        letter: (has_mail && shown.is_some()).then_some(handed.hint),
        shown,
        account: link::person(&handed.id, ""),
        name: handed.name,
        another,
    };
    Page::new(desk.shell("people"), view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heading_counts_those_one_looks_after() {
        let counts = [
            (Role::Administrator, UserState::Active, 1),
            (Role::Staff, UserState::Active, 6),
            (Role::Staff, UserState::Invited, 2),
            (Role::Client, UserState::Active, 24),
            (Role::Client, UserState::Suspended, 1),
            (Role::Client, UserState::Left, 3),
            (Role::Service, UserState::Active, 4),
        ];
        assert_eq!(sentence(&counts, Role::Administrator), "31 people can sign in; two were invited and have not come yet; one is suspended.");
        assert_eq!(sentence(&counts, Role::Manager), "24 clients can sign in; one is suspended.");
        assert_eq!(sentence(&[], Role::Manager), "No clients can sign in.");
    }

    #[test]
    fn a_link_keeps_the_filter() {
        assert_eq!(query(None, None, "", 0), "/people");
        assert_eq!(query(Some(Role::Client), Some(UserState::Left), "Ada & Bo", 100), "/people?role=client&state=left&q=Ada%20%26%20Bo&skip=100");
    }

    #[test]
    fn a_contact_is_chosen_or_new_but_not_both() {
        assert!(matches!(which("", " ", "person"), Ok(None)));
        assert!(matches!(which("abc", "", "person"), Ok(Some(Which::There(_)))));
        assert!(matches!(which("", "Acme", "organisation"), Ok(Some(Which::New { organisation: true, .. }))));
        assert!(matches!(which("abc", "Acme", "person"), Err(Refusal::Invalid(_))));
    }
}
