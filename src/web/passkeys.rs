//! Passkeys: setting one up, showing one after the password, signing in with one alone, and showing one again before something dangerous.
//!
//! The device asks its owner for a PIN, a fingerprint or a face each time, and the answer says that it did: a passkey stands for two
//! factors. Answers are for the script of the page: `{"ask": …}` is what to ask the browser for, `{"to": …}` where to go on.

use super::{
    desk::{Desk, SESSION, VISIT, cookie, first_page},
    link::Id,
    oops::Oops,
    page::{Page, View},
    passkey_state::{Ceremonies, Party},
    posted::{Button, Posted},
    said::Said,
    sign::{Visitor, safe_next, with_next},
    view::Mistake,
};
use keys::nonce::{Token, hex};
use rocket::{
    FromForm, State, get,
    http::{Cookie, CookieJar, Status},
    post,
    response::Redirect,
    serde::json::Json,
};
use rules::{Factor, Refusal, Secret, Verb, text};
use serde::Serialize;
use serde_json::{Value, json};
use store::{
    Site,
    factor::{self, Passkey as Kept},
    sign::{Entry, Proof},
    user,
};
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey, PasskeyAuthentication, PublicKeyCredential, RegisterPublicKeyCredential, Uuid, Webauthn, WebauthnError,
};

type Answer = (Status, Json<Value>);

/// Where the script goes on.
fn go(to: &str) -> Answer {
    (Status::Ok, Json(json!({ "to": to })))
}

/// What the script asks the browser for.
fn ask(options: impl Serialize) -> Result<Answer, Refusal> {
    let options = serde_json::to_value(options).map_err(Refusal::fault)?;
    Ok((Status::Ok, Json(json!({ "ask": options }))))
}

fn late() -> Refusal {
    Refusal::invalid("", "It took too long, or was answered already. Press the button once more.")
}

fn unfit() -> Refusal {
    Refusal::invalid("", "This passkey lets nobody in here. Try another one, or go on without a passkey.")
}

/// What did not fit is for the log: it tells an operator of a wrong name or port, and the person nothing.
fn note(error: &WebauthnError) {
    tracing::info!(cause = %error, "a passkey did not fit");
}

/// What the library keeps of a passkey, read again.
fn read(kept: &Kept) -> Result<Passkey, Refusal> {
    serde_json::from_str(kept.kept.expose()).map_err(Refusal::fault)
}

fn write(passkey: &Passkey) -> Result<Secret<String>, Refusal> {
    serde_json::to_string(passkey).map(Secret::new).map_err(Refusal::fault)
}

/// The account as devices name it: the same for each of its passkeys, and nothing can be read from it (Web Authentication Level 3,
/// 14.6.1).
fn user_handle(site: &Site, user: i64) -> Uuid {
    let index = site.keys().fields.index("passkey user", &user.to_string());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(index).for_each(|(to, from)| *to = from);
    Uuid::from_bytes(bytes)
}

/// The passkey as it is to be kept after this use; `None` when it is another one. A counter that does not go on since then means that
/// there are two of it (Web Authentication Level 3, 6.1.1).
fn moved_on(kept: Kept, result: &AuthenticationResult) -> Result<Option<Kept>, Refusal> {
    let mut passkey = read(&kept)?;
    match passkey.update_credential(result) {
        Some(moved) if moved || result.counter() == 0 => Ok(Some(Kept { kept: write(&passkey)?, ..kept })),
        _ => Ok(None),
    }
}

/// The passkey that was shown, one of those that were asked for; `None` when it does not fit.
fn shown(webauthn: &Webauthn, asked: &PasskeyAuthentication, credential: &str, kept: Vec<Kept>) -> Result<Option<Kept>, Refusal> {
    let Ok(credential) = serde_json::from_str::<PublicKeyCredential>(credential) else { return Ok(None) };
    match webauthn.finish_passkey_authentication(&credential, asked) {
        Ok(result) => kept.into_iter().find_map(|one| moved_on(one, &result).transpose()).transpose(),
        Err(error) => {
            note(&error);
            Ok(None)
        }
    }
}

/// The passkey that somebody unknown showed. Device and site must agree about whose it is.
fn discovered(webauthn: &Webauthn, site: &Site, asked: DiscoverableAuthentication, credential: &str) -> Result<Option<Kept>, Refusal> {
    let Ok(credential) = serde_json::from_str::<PublicKeyCredential>(credential) else { return Ok(None) };
    let Ok((handle, id)) = webauthn.identify_discoverable_authentication(&credential) else { return Ok(None) };
    let Some(kept) = site.passkey(&hex(id))?.filter(|kept| user_handle(site, kept.user) == handle) else { return Ok(None) };
    let passkey = read(&kept)?;
    match webauthn.finish_discoverable_authentication_v2(&credential, asked, &passkey) {
        Ok(result) => moved_on(kept, &result),
        Err(error) => {
            note(&error);
            Ok(None)
        }
    }
}

/// A proof from what was shown; what does not fit is one that is wrong, so that it is counted and written down.
fn proof(passkey: Option<Kept>) -> Proof {
    passkey.map_or(Proof::Code(None), Proof::Passkey)
}

#[derive(Serialize)]
pub(super) struct PasskeyView {
    problems: Vec<Mistake>,
}

impl View for PasskeyView {
    const TEMPLATE: &'static str = "account/passkey.html";
}

#[get("/account/passkeys/new")]
pub(super) fn blank(desk: Desk<'_>) -> Page<PasskeyView> {
    Page::new(desk.shell("account"), PasskeyView { problems: Vec::new() })
}

#[derive(FromForm)]
pub(super) struct Named {
    #[field(default = String::new())]
    name: String,
}

/// The question for a new passkey. The name is looked at before the device is asked, so that none is made in vain.
#[post("/account/passkeys/begin", data = "<form>")]
pub(super) async fn begin(desk: Desk<'_>, party: Party, ceremonies: &State<Ceremonies>, form: Posted<Named>) -> Result<Answer, Oops> {
    let webauthn = party.known()?;
    text::line("name", "The name", &form.into_inner().name, factor::NAME_MAX).map_err(|problem| Refusal::Invalid(vec![problem]))?;
    let (email, kept) = desk
        .read(|tx| {
            let own = tx.own(Verb::AccountView);
            Ok((user::own_email(&own)?, factor::own_passkeys(&own)?))
        })
        .await?;
    let known = kept.iter().map(|kept| Ok(read(kept)?.cred_id().clone())).collect::<Result<Vec<_>, Refusal>>()?;
    let me = desk.session();
    let handle = user_handle(desk.site(), me.user);
    let (asked, state) = webauthn.start_passkey_registration(handle, email.expose(), &me.name, Some(known)).map_err(Refusal::fault)?;
    ceremonies.set_up.put(desk.token(), desk.now, state);
    Ok(ask(discoverable(serde_json::to_value(asked.public_key).map_err(Refusal::fault)?))?)
}

/// The library discourages devices from remembering whose a passkey is; without that there is no signing in without a password. Devices
/// with little room may still refuse: such a passkey is shown after the password.
fn discoverable(mut options: Value) -> Value {
    if let Some(selection) = options.get_mut("authenticatorSelection").and_then(Value::as_object_mut) {
        selection.insert("residentKey".into(), "preferred".into());
    }
    options
}

#[derive(FromForm)]
pub(super) struct Made {
    #[field(default = String::new())]
    name: String,
    #[field(default = String::new())]
    credential: String,
}

#[post("/account/passkeys", data = "<form>")]
pub(super) async fn add(desk: Desk<'_>, party: Party, ceremonies: &State<Ceremonies>, form: Posted<Made>) -> Result<Answer, Oops> {
    let Made { name, credential } = form.into_inner();
    let asked = ceremonies.set_up.take(desk.token(), desk.now).ok_or_else(late)?;
    let wrong = || Refusal::invalid("", "The passkey could not be checked, so that it is not set up. Try once more, or with another device.");
    let made: RegisterPublicKeyCredential = serde_json::from_str(&credential).map_err(|_| wrong())?;
    let passkey = party.known()?.finish_passkey_registration(&made, &asked).map_err(|error| {
        note(&error);
        wrong()
    })?;
    let (id, kept) = (hex(passkey.cred_id()), write(&passkey)?);
    desk.write(move |tx| factor::add_passkey(&tx.own_confirmed(Verb::FactorAdd)?, &name, &id, &kept)).await?;
    Ok(go(&Said::PasskeyAdded.at("/account")))
}

#[post("/account/passkeys/<id>/remove", data = "<form>")]
pub(super) async fn remove(desk: Desk<'_>, id: Id<Factor>, form: Posted<Button>) -> Result<Redirect, Oops> {
    let Button = form.into_inner();
    desk.write(move |tx| factor::remove(&tx.own_confirmed(Verb::FactorRemove)?, &id.0)).await?;
    Ok(Redirect::to(Said::PasskeyRemoved.at("/account")))
}

/// Asks for one of these passkeys.
fn ask_for(party: &Party, ceremonies: &Ceremonies, token: &Token, site: &Site, kept: &[Kept]) -> Result<Answer, Refusal> {
    let webauthn = party.known()?;
    if kept.is_empty() {
        return Err(Refusal::invalid("", "There is no passkey on this account. Use the code from your app."));
    }
    let passkeys = kept.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let (asked, state) = webauthn.start_passkey_authentication(&passkeys).map_err(Refusal::fault)?;
    ceremonies.show.put(token, site.now(), state);
    ask(asked.public_key)
}

#[derive(FromForm)]
pub(super) struct Next {
    #[field(default = String::new())]
    next: String,
}

/// After the password: the question for one of the visitor's passkeys.
#[post("/sign-in/passkey/begin", data = "<form>")]
pub(super) fn ask_visitor(visitor: Visitor<'_>, party: Party, ceremonies: &State<Ceremonies>, form: Posted<Next>) -> Result<Answer, Oops> {
    let next = safe_next(Some(&form.into_inner().next));
    let awaited = visitor.token.as_ref().map(|token| visitor.site.visitor(token)).transpose()?.flatten();
    let (Some(awaited), Some(token)) = (awaited, visitor.token.as_ref()) else {
        return Ok(go(&Said::VisitOver.at(&with_next("/sign-in", &next))));
    };
    let kept = visitor.site.passkeys_of(&awaited)?;
    Ok(ask_for(&party, ceremonies, token, visitor.site, &kept)?)
}

#[derive(FromForm)]
pub(super) struct Shown {
    #[field(default = String::new())]
    credential: String,
    #[field(default = String::new())]
    next: String,
}

#[post("/sign-in/passkey", data = "<form>")]
pub(super) async fn take_visitor(visitor: Visitor<'_>, party: Party, ceremonies: &State<Ceremonies>, form: Posted<Shown>) -> Result<Answer, Oops> {
    let Shown { credential, next } = form.into_inner();
    let next = safe_next(Some(&next));
    let again = |said: Said| go(&said.at(&with_next("/sign-in", &next)));
    let site = visitor.site;
    let awaited = visitor.token.as_ref().map(|token| site.visitor(token)).transpose()?.flatten();
    let (Some(awaited), Some(token)) = (awaited, visitor.token.as_ref()) else { return Ok(again(Said::VisitOver)) };
    let webauthn = party.known()?;
    let asked = ceremonies.show.take(token, site.now()).ok_or_else(late)?;
    let Ok(counted) = visitor.device.knock(site, Some(awaited.email.expose())).await? else { return Ok(again(Said::CodesWrong)) };
    let proof = proof(shown(webauthn, &asked, &credential, site.passkeys_of(&awaited)?)?);
    let fresh = Token::new().map_err(Refusal::fault)?;
    match site.enter(token, proof, visitor.device.arrival(&fresh)?).await? {
        Entry::Granted => {
            site.relieve(counted).await?;
            Ok(let_in(visitor.jar, &fresh, &next))
        }
        Entry::Wrong => Err(unfit().into()),
        Entry::Over => Ok(again(Said::CodesWrong)),
    }
}

/// The session takes the place of the visit in this browser.
fn let_in(jar: &CookieJar<'_>, fresh: &Token, next: &str) -> Answer {
    jar.remove(Cookie::build(VISIT).path("/").secure(true));
    jar.add(cookie(SESSION, fresh));
    go(if next.is_empty() { "/" } else { next })
}

/// Without a password: the question for any passkey of this site. It is counted here, because the question is what takes room.
#[post("/sign-in/passkey/any/begin", data = "<form>")]
pub(super) async fn ask_anybody(visitor: Visitor<'_>, party: Party, ceremonies: &State<Ceremonies>, form: Posted<Button>) -> Result<Answer, Oops> {
    let Button = form.into_inner();
    let Some(token) = visitor.token.as_ref() else { return Ok(go("/sign-in")) };
    let (site, webauthn) = (visitor.site, party.known()?);
    let counted = match visitor.device.knock(site, None).await? {
        Ok(counted) => counted,
        Err(held) => return Ok((Status::TooManyRequests, Json(json!({ "error": held })))),
    };
    let (asked, state) = webauthn.start_discoverable_authentication().map_err(Refusal::fault)?;
    ceremonies.arrive.put(token, site.now(), (state, counted));
    // Of the answer only this part: the rest asks browsers to offer passkeys beside the fields, and here a button was pressed.
    Ok(ask(asked.public_key)?)
}

#[post("/sign-in/passkey/any", data = "<form>")]
pub(super) async fn take_anybody(visitor: Visitor<'_>, party: Party, ceremonies: &State<Ceremonies>, form: Posted<Shown>) -> Result<Answer, Oops> {
    let Shown { credential, next } = form.into_inner();
    let next = safe_next(Some(&next));
    let (site, webauthn) = (visitor.site, party.known()?);
    let (asked, counted) = visitor.token.as_ref().and_then(|token| ceremonies.arrive.take(token, site.now())).ok_or_else(late)?;
    let Some(passkey) = discovered(webauthn, site, asked, &credential)? else {
        site.refuse_password(None, visitor.device.from()).await?;
        return Err(unfit().into());
    };
    let fresh = Token::new().map_err(Refusal::fault)?;
    match site.enter_by_passkey(passkey, visitor.device.arrival(&fresh)?).await? {
        Entry::Granted => {
            site.relieve(counted).await?;
            Ok(let_in(visitor.jar, &fresh, &next))
        }
        Entry::Wrong | Entry::Over => Err(unfit().into()),
    }
}

/// Before something dangerous: the question for one of one's own passkeys.
#[post("/confirm/passkey/begin", data = "<form>")]
pub(super) async fn ask_own(desk: Desk<'_>, party: Party, ceremonies: &State<Ceremonies>, form: Posted<Button>) -> Result<Answer, Oops> {
    let Button = form.into_inner();
    let kept = desk.read(|tx| factor::own_passkeys(&tx.own(Verb::AccountView))).await?;
    Ok(ask_for(&party, ceremonies, desk.token(), desk.site(), &kept)?)
}

#[post("/confirm/passkey", data = "<form>")]
pub(super) async fn take_own(desk: Desk<'_>, jar: &CookieJar<'_>, party: Party, ceremonies: &State<Ceremonies>, form: Posted<Shown>) -> Result<Answer, Oops> {
    let Shown { credential, next } = form.into_inner();
    let webauthn = party.known()?;
    let asked = ceremonies.show.take(desk.token(), desk.now).ok_or_else(late)?;
    let kept = desk.read(|tx| factor::own_passkeys(&tx.own(Verb::AccountView))).await?;
    let proof = proof(shown(webauthn, &asked, &credential, kept)?);
    let fresh = Token::new().map_err(Refusal::fault)?;
    if !desk.site().step_up(&desk.actor(), proof, &fresh).await? {
        return Err(unfit().into());
    }
    jar.add(cookie(SESSION, &fresh));
    let next = safe_next(Some(&next));
    Ok(go(if next.is_empty() { first_page(desk.session().role) } else { &next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_asked_to_remember_whose_the_passkey_is_and_for_its_owner() {
        let origin = webauthn_rs::prelude::Url::parse("https://localhost:8443").unwrap();
        let webauthn = webauthn_rs::WebauthnBuilder::new("localhost", &origin).unwrap().build().unwrap();
        let (asked, _) = webauthn.start_passkey_registration(Uuid::from_bytes([7; 16]), "ann@firm.example", "Ann", Some(vec![vec![1, 2, 3]])).unwrap();
        let options = discoverable(serde_json::to_value(asked.public_key).unwrap());
        let selection = &options["authenticatorSelection"];
        assert_eq!((&selection["residentKey"], &selection["requireResidentKey"], &selection["userVerification"]), (&json!("preferred"), &json!(false), &json!("required")));
        assert_eq!((&options["attestation"], &options["excludeCredentials"][0]["id"]), (&json!("none"), &json!("AQID")));
        assert_eq!(options["user"]["id"], "BwcHBwcHBwcHBwcHBwcHBw");
    }
}
