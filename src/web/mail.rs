//! The mail server: what it is, whether it takes letters, and what became of the letters of late.

use super::{
    desk::Desk,
    oops::Oops,
    page::{Page, View},
    posted::{Button, Posted},
    said::Said,
    settings::{Done, status},
    view::{Calendar, Choice, Mistake, State, When, mistakes},
};
use rocket::{Either, FromForm, get, post, response::Redirect};
use rules::{Problem, Refusal, Secret, Verb, text};
use serde::Serialize;
use store::{
    letter::{self, PostState, Security, Smtp},
    settings, user,
};

const PATH: &str = "/settings/mail";
/// Letters that are listed.
const LETTERS: u32 = 50;

/// What came of a letter sent as a test.
#[derive(Serialize)]
struct Tried {
    accepted: bool,
    to: String,
    /// The server's words as they came, or what to check.
    reply: String,
}

#[derive(Serialize)]
struct LetterRow {
    kind: &'static str,
    to: String,
    made: When,
    state: State,
    tried: Option<String>,
    next: Option<When>,
    reply: Option<String>,
}

#[derive(Serialize)]
pub(super) struct MailView {
    problems: Vec<Mistake>,
    sentence: String,
    on: bool,
    host: String,
    port: String,
    security: Vec<Choice>,
    user: String,
    has_password: bool,
    from: String,
    tried: Option<Tried>,
    letters: Vec<LetterRow>,
}

impl View for MailView {
    const TEMPLATE: &'static str = "settings/mail.html";
}

/// The mail server as it stands in the form.
#[derive(FromForm)]
pub(super) struct Typed {
    #[field(default = String::new())]
    host: String,
    #[field(default = String::new())]
    port: String,
    #[field(default = String::new())]
    security: String,
    #[field(default = String::new())]
    user: String,
    #[field(default = String::new())]
    password: String,
    #[field(default = String::new())]
    from: String,
}

impl Typed {
    fn kept(smtp: Option<&Smtp>) -> Typed {
        match smtp {
            Some(smtp) => Typed {
                host: smtp.host.clone(),
                port: smtp.port.to_string(),
                security: smtp.security.value().into(),
                user: smtp.user.clone().unwrap_or_default(),
                password: String::new(),
                from: smtp.from.clone(),
            },
            None => Typed { host: String::new(), port: "465".into(), security: Security::Tls.value().into(), user: String::new(), password: String::new(), from: String::new() },
        }
    }

    /// The server that was meant, or all mistakes at once.
    fn meant(&self, before: Option<&Smtp>) -> Result<Smtp, Vec<Problem>> {
        let (host, user, security) = (self.host.trim(), self.user.trim(), Security::from_value(&self.security));
        let smtp = Smtp {
            host: host.into(),
            port: self.port.trim().parse().unwrap_or(0),
            security: security.unwrap_or(Security::Tls),
            user: (!user.is_empty()).then(|| user.into()),
            password: Some(self.password(before.filter(|smtp| smtp.host == host && smtp.user.as_deref() == Some(user)))),
            from: self.from.trim().into(),
            helo: before.and_then(|smtp| smtp.helo.clone()),
        };
        let unchosen = security.is_none().then(|| Problem::new("security", "Choose how the way to the server is protected."));
        let problems: Vec<Problem> = smtp.problems().into_iter().chain(unchosen).collect();
        match problems.is_empty() {
            true => Ok(smtp),
            false => Err(problems),
        }
    }

    /// The password that was typed; when none was, the one kept for the same name at the same server. It is shown to no other: who can change
    /// the settings could otherwise have it sent to a server of their own. An empty one takes the place of one that is kept.
    fn password(&self, same: Option<&Smtp>) -> Secret<String> {
        let kept = same.and_then(|smtp| smtp.password.as_ref()).filter(|_| self.password.is_empty());
        Secret::new(kept.map_or_else(|| self.password.clone(), |kept| kept.expose().clone()))
    }
}

fn choices(chosen: &str) -> Vec<Choice> {
    let words = |security: Security| match security {
        Security::Tls => ("TLS", "Encrypted from the first byte, mostly at port 465. Take this if the server offers it."),
        Security::StartTls => ("STARTTLS", "Encrypted after a greeting, or nothing is sent; mostly at port 587."),
        Security::None => ("None", "Only for a mail server on this machine."),
    };
    let choice = |security: Security| {
        let (label, hint) = words(security);
        Choice { hint, ..Choice::new(security.value(), label, security.value() == chosen) }
    };
    Security::ALL.into_iter().map(choice).collect()
}

/// Whether letters are sent, in a sentence.
fn sentence(smtp: Option<&Smtp>, post: &PostState) -> String {
    let wait = text::count_head(usize::try_from(post.waiting).unwrap_or(0), "letter waits", "letters wait");
    let Some(Smtp { host, .. }) = smtp else { return "E-mail is off: links are shown once, and somebody has to pass them on.".into() };
    let now = match (post.failing, post.waiting) {
        (1.., _) => format!("{host} does not take letters just now. {wait}"),
        (_, 1..) => format!("Letters are sent by {host}. {wait} to be sent"),
        _ => format!("Letters are sent by {host}"),
    };
    match (post.failing, post.given_up) {
        (0, 0) => format!("{now}."),
        (_, 0) => format!("{now}; none is lost yet."),
        (_, n) => format!("{now}. {} in the last seven days.", text::count_head(usize::try_from(n).unwrap_or(0), "was given up", "were given up")),
    }
}

fn times(n: i64) -> String {
    match n {
        1 => "tried once".into(),
        2 => "tried twice".into(),
        n => format!("tried {n} times"),
    }
}

fn letter_row(letter: letter::Listed, calendar: &Calendar) -> LetterRow {
    let waits = letter.sent.is_none() && letter.given_up.is_none();
    let state = match (letter.sent, letter.given_up) {
        (Some(_), _) => State::new("Sent", "st ok"),
        (None, Some(_)) => State::new("Given up", "st cross bad"),
        (None, None) if letter.reply.is_some() => State::new("Waiting", "st bars warn"),
        (None, None) => State::new("Waiting", "st ring"),
    };
    LetterRow {
        kind: letter.kind.words(),
        to: letter.hint,
        made: calendar.when(letter.made),
        state,
        tried: (letter.sent.is_none() && letter.tries > 0).then(|| times(letter.tries)),
        next: waits.then(|| calendar.when(letter.due)),
        reply: letter.reply,
    }
}

async fn mail_page(desk: &Desk<'_>, typed: Option<Typed>, problems: Vec<Problem>, tried: Option<Tried>) -> Result<Page<MailView>, Oops> {
    let letters = desk
        .read(|tx| {
            let site = tx.administer(Verb::SettingsView)?;
            site.tx().note(Verb::LetterView);
            letter::recent(&site, LETTERS)
        })
        .await?;
    let (settings, post) = (desk.site().settings(), desk.site().post_state()?);
    let typed = typed.unwrap_or_else(|| Typed::kept(settings.smtp.as_ref()));
    let calendar = Calendar::of(desk.site(), desk.now);
    let status = status(&problems);
    let view = MailView {
        problems: mistakes(problems),
        sentence: sentence(settings.smtp.as_ref(), &post),
        on: settings.smtp.is_some(),
        security: choices(&typed.security),
        host: typed.host,
        port: typed.port,
        user: typed.user,
        has_password: desk.site().has_mail_password(),
        from: typed.from,
        tried,
        letters: letters.into_iter().map(|letter| letter_row(letter, &calendar)).collect(),
    };
    Ok(Page::new(desk.shell("system"), view).with(status))
}

#[get("/settings/mail")]
pub(super) async fn page(desk: Desk<'_>) -> Result<Page<MailView>, Oops> {
    mail_page(&desk, None, Vec::new(), None).await
}

#[post("/settings/mail", data = "<form>")]
pub(super) async fn set(desk: Desk<'_>, form: Posted<Typed>) -> Done<MailView> {
    let form = form.into_inner();
    let meant = form.meant(desk.site().settings().smtp.as_ref());
    let kept = match meant {
        Ok(smtp) => desk.write(move |tx| settings::set_mail(&tx.administer(Verb::SettingsChange)?, Some(&smtp))).await,
        Err(problems) => Err(Refusal::Invalid(problems)),
    };
    match kept {
        Ok(()) => Ok(Either::Left(Redirect::to(Said::SettingsKept.at(PATH)))),
        Err(Refusal::Invalid(problems)) => mail_page(&desk, Some(form), problems, None).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

#[post("/settings/mail/off", data = "<form>")]
pub(super) async fn off(desk: Desk<'_>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(|tx| settings::set_mail(&tx.administer(Verb::SettingsChange)?, None)).await?;
    Ok(Redirect::to(Said::MailOff.at(PATH)))
}

/// Sends a letter to the one who asks, at once and beside the queue, and shows what the server said. It answers with the page itself: the
/// words of a server cannot travel in a query.
#[post("/settings/mail/test", data = "<form>")]
pub(super) async fn send_test(desk: Desk<'_>, form: Posted<Button>) -> Result<Page<MailView>, Oops> {
    let Button = form.into_inner();
    if desk.site().settings().smtp.is_none() {
        let off = Problem::new("host", "E-mail is off. Say which server takes the letters, then try it.");
        return mail_page(&desk, None, vec![off], None).await;
    }
    let to = desk
        .write(|tx| {
            tx.administer(Verb::LetterSend)?.tx().note(Verb::LetterSend);
            user::own_email(&tx.own(Verb::LetterSend))
        })
        .await?;
    let answer = (desk.inside().test_letter)(desk.site().clone(), to.expose().clone(), desk.base()).await;
    let (accepted, reply) = match answer {
        Ok(reply) => (true, reply),
        Err(reply) => (false, reply),
    };
    mail_page(&desk, None, Vec::new(), Some(Tried { accepted, to: to.expose().clone(), reply })).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(host: &str, user: &str, password: &str) -> Typed {
        let (port, security) = ("587".into(), "starttls".into());
        Typed { host: host.into(), port, security, user: user.into(), password: password.into(), from: "strongroom@firm.example".into() }
    }

    fn said(result: Result<Smtp, Vec<Problem>>) -> (String, Vec<&'static str>) {
        match result {
            Ok(smtp) => (smtp.password.map(|password| password.expose().clone()).unwrap_or_default(), Vec::new()),
            Err(problems) => (String::new(), problems.iter().map(|problem| problem.field).collect()),
        }
    }

    #[test]
    fn a_password_is_kept_for_the_same_name_at_the_same_server_only() {
        let before = typed("mail.firm.example", "ann", "secret").meant(None).unwrap();
        let rows = [
            ("mail.firm.example", "ann", "", ("secret", vec![])),
            (" mail.firm.example ", "ann", "new", ("new", vec![])),
            ("mail.evil.example", "ann", "", ("", vec!["password"])),
            ("mail.firm.example", "bob", "", ("", vec!["password"])),
            ("mail.firm.example", "", "", ("", vec![])),
            ("mail.firm.example", "", "new", ("", vec!["user"])),
        ];
        for (host, user, password, (kept, problems)) in rows {
            assert_eq!(said(typed(host, user, password).meant(Some(&before))), (kept.to_owned(), problems), "{host} {user} {password}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let empty = Typed { host: String::new(), port: "smtp".into(), security: String::new(), user: String::new(), password: String::new(), from: String::new() };
        assert_eq!(said(empty.meant(None)).1, ["host", "port", "from", "security"]);
    }

    #[test]
    fn the_sentence_says_whether_letters_go_out() {
        let smtp = typed("mail.firm.example", "", "").meant(None).unwrap();
        let post = |waiting, failing| PostState { waiting, failing, ..PostState::default() };
        let lost = |waiting, failing| PostState { given_up: 1, ..post(waiting, failing) };
        assert!(sentence(None, &post(0, 0)).starts_with("E-mail is off"));
        assert_eq!(sentence(Some(&smtp), &post(0, 0)), "Letters are sent by mail.firm.example.");
        assert_eq!(sentence(Some(&smtp), &post(1, 0)), "Letters are sent by mail.firm.example. One letter waits to be sent.");
        assert!(sentence(Some(&smtp), &post(4, 1)).contains("Four letters wait; none is lost yet"));
        assert_eq!(sentence(Some(&smtp), &lost(1, 1)), "mail.firm.example does not take letters just now. One letter waits. One was given up in the last seven days.");
        assert_eq!(sentence(Some(&smtp), &lost(0, 0)), "Letters are sent by mail.firm.example. One was given up in the last seven days.");
    }
}
