//! One account, for those who look after it: what is known of it, and what can be done with it at once. The rest is in `rights.rs`.

use super::{
    desk::Desk,
    link::{self, Id},
    oops::Oops,
    page::{Page, View},
    people::{Belongs, Handed, LinkView, link_page, role_words, until, which},
    posted::{Button, Posted},
    said::Said,
    view::{Calendar, Mistake, State, When, mistakes, user_state},
};
use rocket::{Either, FromForm, get, http::Status, post, response::Redirect};
use rules::{Contact, Problem, Refusal, Role, Sealed, User, UserKind, UserState, Verb};
use serde::Serialize;
use store::{
    Writing,
    charge::InCharge,
    belong,
    people::{self, Link},
    person,
    ticket::Made,
};

/// What works with an account as it is now. The store asks again; here it decides what is offered.
#[derive(Serialize)]
pub(super) struct Can {
    change: bool,
    contacts: bool,
    pub(super) role: bool,
    resend: bool,
    revoke: bool,
    suspend: bool,
    restore: bool,
    pub(super) reset: bool,
    pub(super) leave: bool,
}

impl Can {
    fn of(role: Role, state: UserState, own: bool) -> Can {
        let used = matches!(state, UserState::Enrolling | UserState::Active | UserState::Suspended);
        Can {
            change: state != UserState::Left,
            contacts: role == Role::Client && state != UserState::Left,
            role: !own && role.kind() == UserKind::Staff && state != UserState::Left,
            resend: matches!(state, UserState::Invited | UserState::Enrolling),
            revoke: state == UserState::Invited,
            suspend: !own && state == UserState::Active,
            restore: !own && state == UserState::Suspended,
            reset: !own && role != Role::Service && matches!(state, UserState::Active | UserState::Enrolling),
            leave: !own && used,
        }
    }
}

/// What is read for the pages of an account.
pub(super) struct Known {
    pub(super) details: people::Details,
    contacts: Vec<belong::Listed>,
    offered: belong::Offered,
    own: bool,
}

impl Known {
    fn can(&self) -> Can {
        Can::of(self.details.listed.role, self.details.listed.state, self.own)
    }

    /// Lets a page be shown only where what it asks can be done.
    pub(super) fn allow(&self, can: impl Fn(&Can) -> bool) -> Result<(), Refusal> {
        match (can(&self.can()), self.own) {
            (true, _) => Ok(()),
            (false, true) => Err(Refusal::Forbidden("Nobody changes their own rights or ways in here. Ask another system administrator.".into())),
            (false, false) => Err(Refusal::Forbidden("This does not fit the state in which the account is now. Look at the account again: somebody may have changed it.".into())),
        }
    }
}

/// Reads it, and writes down that it was looked at. Contacts are offered that have `find` in their names.
pub(super) async fn known(desk: &Desk<'_>, id: &Sealed<User>, find: &str) -> Result<Known, Refusal> {
    let (id, find) = (id.clone(), find.to_owned());
    desk.read(move |tx| {
        let person = tx.person(&id, Verb::PersonView)?;
        let offered = match Can::of(person.role(), person.state(), person.is_self()).contacts {
            true => belong::list(&tx.charge(Verb::PersonView)?, &find)?,
            false => belong::Offered { contacts: Vec::new(), more: false },
        };
        Ok(Known { details: people::details(&person)?, contacts: belong::of_person(&person)?, offered, own: person.is_self() })
    })
    .await
}

/// The head of every page of an account.
#[derive(Serialize)]
pub(super) struct Whom {
    href: String,
    name: String,
    words: String,
    state: State,
}

impl Whom {
    pub(super) fn of(listed: &people::Listed) -> Whom {
        Whom { href: link::person(&listed.id, ""), name: listed.name.clone(), words: role_words(listed.role, &listed.words), state: user_state(listed.state) }
    }
}

#[derive(Serialize)]
struct Vouched {
    at: When,
    by: String,
    text: String,
}

#[derive(Serialize)]
struct ContactRow {
    id: String,
    name: String,
    organisation: bool,
}

#[derive(Serialize)]
pub(super) struct PersonView {
    whom: Whom,
    sentence: String,
    problems: Vec<Mistake>,
    can: Can,
    own: bool,
    client: bool,
    service: bool,
    /// Owns and supervises cases.
    works: bool,
    role: &'static str,
    role_sentence: &'static str,
    email: String,
    created: When,
    last: Option<When>,
    sessions: usize,
    authenticator: Option<When>,
    passkeys: usize,
    codes: usize,
    answers: bool,
    owns: usize,
    supervises: usize,
    contacts_now: Vec<ContactRow>,
    vouched: Vec<Vouched>,
    name: String,
    words: String,
    /// As it was typed, or as it is.
    address: String,
    #[serde(flatten)]
    belongs: Belongs,
}

impl View for PersonView {
    const TEMPLATE: &'static str = "people/view.html";
}

/// What was typed into one of the forms of the page.
#[derive(FromForm, Default, Clone)]
pub(super) struct Typed {
    name: Option<String>,
    words: Option<String>,
    email: Option<String>,
    #[field(default = String::new())]
    contact: String,
    #[field(default = String::new())]
    contact_name: String,
    #[field(default = String::new())]
    contact_kind: String,
    #[field(default = String::new())]
    find: String,
}

/// Where the account is in its life, in a sentence.
fn sentence(details: &people::Details, until: impl Fn(rules::Moment) -> String) -> String {
    let link = match details.link {
        Link::Waits(ends) => format!("Their link works until {}.", until(ends)),
        Link::Used(ends) => format!("They have used their link, and can go on until {}.", until(ends)),
        Link::Late => "Their link has run out: send a new one.".into(),
    };
    match (details.listed.role, details.listed.state) {
        (Role::Service, UserState::Active) => "A program. It never signs in by a page.".into(),
        (_, UserState::Invited) => format!("Invited, and has not come yet. {link}"),
        (_, UserState::Enrolling) => format!("Is setting up their ways in, and cannot sign in before that is done. {link}"),
        (_, UserState::Active) => "Can sign in.".into(),
        (_, UserState::Suspended) => "Cannot sign in and sees nothing, until the suspension is ended.".into(),
        (_, UserState::Left) => "Has left. Nothing leads back in, and the history keeps the name.".into(),
    }
}

async fn person_page(desk: &Desk<'_>, id: &Sealed<User>, typed: Typed, problems: Vec<Problem>) -> Result<Page<PersonView>, Oops> {
    let known = known(desk, id, &typed.find).await?;
    let calendar = Calendar::of(desk.site(), desk.now);
    let can = known.can();
    let (details, own) = (known.details, known.own);
    let sentence = sentence(&details, |at| until(desk, at));
    let listed = details.listed;
    let status = if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    let vouched = |(at, by, text): (rules::Moment, Option<String>, String)| Vouched { at: calendar.when(at), by: by.unwrap_or_else(|| "the console".into()), text };
    let view = PersonView {
        whom: Whom::of(&listed),
        sentence,
        problems: mistakes(problems),
        can,
        own,
        client: listed.role == Role::Client,
        service: listed.role == Role::Service,
        works: listed.role.works(),
        role: listed.role.words(),
        role_sentence: listed.role.sentence(),
        email: listed.email.expose().clone(),
        created: calendar.when(details.created),
        last: listed.last.map(|at| calendar.when(at)),
        sessions: details.sessions,
        authenticator: details.authenticator.map(|at| calendar.when(at)),
        passkeys: details.passkeys,
        codes: details.codes,
        answers: details.answers,
        owns: details.owns,
        supervises: details.supervises,
        contacts_now: known.contacts.into_iter().map(|c| ContactRow { id: c.id.to_string(), name: c.name, organisation: c.organisation }).collect(),
        vouched: details.vouched.into_iter().map(vouched).collect(),
        address: typed.email.unwrap_or_else(|| listed.email.expose().clone()),
        name: typed.name.unwrap_or(listed.name),
        words: typed.words.unwrap_or(listed.words),
        belongs: Belongs::new(known.offered, typed.find, &typed.contact, &typed.contact_name, &typed.contact_kind),
    };
    Ok(Page::new(desk.shell("people"), view).with(status))
}

#[get("/people/<id>?<find>")]
pub(super) async fn page(id: Id<User>, find: Option<&str>, desk: Desk<'_>) -> Result<Page<PersonView>, Oops> {
    person_page(&desk, &id.0, Typed { find: find.unwrap_or("").into(), ..Typed::default() }, Vec::new()).await
}

type Done = Result<Either<Redirect, Page<PersonView>>, Oops>;

/// The way back to the account, with what is said there.
pub(super) fn back(id: &Sealed<User>, said: &Said) -> Redirect {
    Redirect::to(said.at(&link::person(id, "")))
}

/// Does one of the verbs of the page; mistakes come back with what was typed.
async fn act(desk: Desk<'_>, id: Sealed<User>, typed: Typed, (verb, said): (Verb, Said), work: impl for<'a, 't> FnOnce(&'a InCharge<'t, Writing>) -> Result<(), Refusal> + Send + 'static) -> Done {
    let of = id.clone();
    match desk.write(move |tx| work(&tx.person(&of, verb)?)).await {
        Ok(()) => Ok(Either::Left(back(&id, &said))),
        Err(Refusal::Invalid(problems)) => person_page(&desk, &id, typed, problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

#[post("/people/<id>/change", data = "<form>")]
pub(super) async fn change(id: Id<User>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let typed = form.into_inner();
    let [name, words, email] = [&typed.name, &typed.words, &typed.email].map(|field| field.clone().unwrap_or_default());
    act(desk, id.0, typed, (Verb::PersonChange, Said::PersonChanged), move |person| person::change(person, &name, &words, &email)).await
}

#[post("/people/<id>/suspend", data = "<form>")]
pub(super) async fn suspend(id: Id<User>, desk: Desk<'_>, form: Posted<Button>) -> Done {
    let Button = form.into_inner();
    act(desk, id.0, Typed::default(), (Verb::PersonSuspend, Said::PersonSuspended), person::suspend).await
}

#[post("/people/<id>/sign-out", data = "<form>")]
pub(super) async fn sign_out(id: Id<User>, desk: Desk<'_>, form: Posted<Button>) -> Done {
    let Button = form.into_inner();
    act(desk, id.0, Typed::default(), (Verb::SessionEnd, Said::PersonSignedOut), person::end_sessions).await
}

#[post("/people/<id>/restore", data = "<form>")]
pub(super) async fn restore(id: Id<User>, desk: Desk<'_>, form: Posted<Button>) -> Done {
    let Button = form.into_inner();
    act(desk, id.0, Typed::default(), (Verb::PersonRestore, Said::PersonBack), person::restore).await
}

#[post("/people/<id>/revoke", data = "<form>")]
pub(super) async fn revoke(id: Id<User>, desk: Desk<'_>, form: Posted<Button>) -> Done {
    let Button = form.into_inner();
    act(desk, id.0, Typed::default(), (Verb::PersonRevoke, Said::InvitationRevoked), person::revoke).await
}

#[post("/people/<id>/contacts", data = "<form>")]
pub(super) async fn add_contact(id: Id<User>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let typed = form.into_inner();
    let chosen = typed.clone();
    act(desk, id.0, typed, (Verb::PersonLink, Said::PersonLinked), move |person| {
        let which = which(&chosen.contact, &chosen.contact_name, &chosen.contact_kind)?;
        belong::link(person, &which.ok_or_else(|| Refusal::invalid("contact", "Choose a contact from the list, or type the name of a new one."))?)
    })
    .await
}

#[post("/people/<id>/contacts/remove", data = "<form>")]
pub(super) async fn remove_contact(id: Id<User>, desk: Desk<'_>, form: Posted<Typed>) -> Done {
    let which = Sealed::<Contact>::from_url(&form.into_inner().contact);
    act(desk, id.0, Typed::default(), (Verb::PersonLink, Said::PersonUnlinked), move |person| belong::unlink(person, &which)).await
}

/// The link that was just made, with whom it is for.
pub(super) fn handed(person: &InCharge<'_, Writing>, made: Made) -> Result<Handed, Refusal> {
    let listed = people::details(person)?.listed;
    Ok(Handed { hint: rules::text::email_hint(listed.email.expose()), id: listed.id, name: listed.name, made: Some(made) })
}

#[post("/people/<id>/resend", data = "<form>")]
pub(super) async fn resend(id: Id<User>, desk: Desk<'_>, form: Posted<Button>) -> Result<Page<LinkView>, Oops> {
    let Button = form.into_inner();
    let base = desk.base();
    let done = desk
        .write(move |tx| {
            let person = tx.person(&id.0, Verb::PersonResend)?;
            let made = person::resend(&person, &base)?;
            handed(&person, made)
        })
        .await?;
    Ok(link_page(&desk, done, "The new link is ready", None))
}
