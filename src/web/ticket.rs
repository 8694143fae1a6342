//! Links that people bring: an invitation, a new start, the way back in, its stop.
//!
//! The code of a link stands behind the # of its address, which no log sees; a small script, or the person, puts it into the form. From
//! then on the cookie of the visit counts.

use super::{
    desk::{VISIT, cookie},
    enrol::{Guest, lasting},
    oops::Oops,
    page::{Page, View},
    posted::Posted,
    view::{Mistake, mistakes},
};
use keys::nonce::Token;
use rocket::{Either, FromForm, get, http::Status, post, response::Redirect};
use rules::{Problem, Refusal, Secret, Verb};
use serde::Serialize;
use store::{
    setup::typed_token,
    ticket::{Purpose, Spoilt},
};

/// The code of a link, however it was pasted: the whole address, its end, or the code alone.
pub(super) fn pasted(typed: &str) -> Option<Token> {
    let code = typed.rsplit('#').next().unwrap_or_default();
    typed_token(&Secret::new(code.to_owned()))
}

#[derive(Serialize)]
pub(super) struct LinkView {
    problems: Vec<Mistake>,
}

impl View for LinkView {
    const TEMPLATE: &'static str = "enrol/link.html";
}

/// Somebody else’s way in was stopped.
#[derive(Serialize)]
pub(super) struct StoppedView {
    problems: Vec<Mistake>,
}

impl View for StoppedView {
    const TEMPLATE: &'static str = "enrol/stopped.html";
}

/// The page that asks for a link; a visit is begun for the token of its form.
fn page(mut guest: Guest<'_>, problem: Option<String>, status: Status) -> Result<Page<LinkView>, Oops> {
    if guest.token.is_none() {
        let token = Token::new().map_err(Refusal::fault)?;
        guest.jar.add(cookie(VISIT, &token));
        guest.token = Some(token);
    }
    let problems = problem.map(|text| Problem::new("token", text)).into_iter().collect();
    Ok(Page::new(guest.shell(), LinkView { problems: mistakes(problems) }).with(status))
}

#[get("/link")]
pub(super) fn link_form(guest: Guest<'_>) -> Result<Page<LinkView>, Oops> {
    page(guest, None, Status::Ok)
}

#[derive(FromForm)]
pub(super) struct LinkForm {
    #[field(default = String::new())]
    token: String,
}

#[post("/link", data = "<form>")]
pub(super) async fn link(guest: Guest<'_>, form: Posted<LinkForm>) -> Result<Either<Redirect, Either<Page<LinkView>, Page<StoppedView>>>, Oops> {
    let typed = form.into_inner().token;
    let again = |guest: Guest<'_>, text: String, status: Status| page(guest, Some(text), status).map(|page| Either::Right(Either::Left(page)));
    if typed.trim().is_empty() {
        return again(guest, "Paste the link from your letter, or the code at its end.".into(), Status::UnprocessableEntity);
    }
    let firm = guest.site.firm();
    let counted = match guest.device.knock(guest.site, None).await? {
        Ok(counted) => counted,
        Err(held) => return again(guest, held, Status::TooManyRequests),
    };
    let visit = Token::new().map_err(Refusal::fault)?;
    let used = match pasted(&typed) {
        Some(token) => match guest.site.use_ticket(&token, &visit, guest.device.from()).await {
            // What it was for has been switched off in the meantime.
            Err(Refusal::NotFound) => Err(Spoilt::Void),
            used => used?,
        },
        None => {
            guest.site.tell_refusal(None, guest.device.from(), Verb::TicketUse)?;
            Err(Spoilt::Unknown)
        }
    };
    let next = match used {
        Ok(Purpose::Invite | Purpose::Reset | Purpose::Recovered) => Some("/enrol"),
        Ok(Purpose::Recover) => Some("/answers"),
        Ok(Purpose::Cancel) => None,
        Err(spoilt) => {
            let text = spoilt.sentence(|at| format!("{}, {}", at.full_day(&firm.zone), at.hour(&firm.zone)));
            return again(guest, text, Status::UnprocessableEntity);
        }
    };
    guest.site.relieve(counted).await?;
    match next {
        Some(next) => {
            guest.jar.add(lasting(VISIT, &visit));
            Ok(Either::Left(Redirect::to(next)))
        }
        None => Ok(Either::Right(Either::Right(Page::new(guest.shell(), StoppedView { problems: Vec::new() })))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_taken_however_they_are_pasted() {
        let token = Token::new().unwrap();
        let code = token.expose();
        for typed in [code.to_owned(), format!(" {code}\n"), format!("k={code}"), format!("#k={code}"), format!("https://files.firm.example:8443/link#k={code} ")] {
            assert_eq!(pasted(&typed).map(|token| token.digest()), Some(token.digest()), "{typed}");
        }
        for typed in ["", "k=", "https://files.firm.example/link", &code[1..]] {
            assert!(pasted(typed).is_none(), "{typed}");
        }
    }
}
