//! Joining a duplicate to the contact that stays.

use super::{
    contacts::similar_choices,
    desk::Desk,
    link::{self, Id},
    oops::Oops,
    page::{Page, View},
    posted::Posted,
    said::Said,
    view::{Choice, Mistake, mistakes},
};
use rocket::{Either, FromForm, get, http::Status, post, response::Redirect};
use rules::{Contact, Contribute, Problem, Refusal, Sealed, Verb};
use serde::Serialize;
use store::{contact, merge, who};

#[derive(Serialize)]
pub(super) struct MergeView {
    name: String,
    href: String,
    q: String,
    problems: Vec<Mistake>,
    choices: Vec<Choice>,
}

impl View for MergeView {
    const TEMPLATE: &'static str = "contact/merge.html";
}

async fn merge_page(desk: &Desk<'_>, id: Sealed<Contact>, q: String, problems: Vec<Problem>) -> Result<Page<MergeView>, Oops> {
    let words = q.clone();
    let (file, similar) = desk
        .read(move |tx| {
            let file = contact::file(&tx.open::<Contribute, Contact>(&id, Verb::ContactView)?)?;
            let similar = who::similar(tx, if words.is_empty() { &file.name } else { &words })?;
            Ok((file, similar))
        })
        .await?;
    let status = if problems.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
    // A choice of one's own, and "somebody else", make no sense here.
    let mut choices = similar_choices(&similar, "", "");
    choices.retain(|choice| choice.value != file.id.as_str() && choice.value != "new");
    let view = MergeView { href: link::contact(&file.id, ""), q: if q.is_empty() { file.name.clone() } else { q }, name: file.name, problems: mistakes(problems), choices };
    Ok(Page::new(desk.shell("contacts"), view).with(status))
}

#[get("/contacts/<id>/merge?<q>")]
pub(super) async fn page(id: Id<Contact>, q: Option<String>, desk: Desk<'_>) -> Result<Page<MergeView>, Oops> {
    merge_page(&desk, id.0, q.unwrap_or_default(), Vec::new()).await
}

/// Which contact is the duplicate.
#[derive(FromForm)]
pub(super) struct Typed {
    #[field(default = String::new())]
    duplicate: String,
    #[field(default = String::new())]
    q: String,
}

#[post("/contacts/<id>/merge", data = "<form>")]
pub(super) async fn join(id: Id<Contact>, desk: Desk<'_>, form: Posted<Typed>) -> Result<Either<Redirect, Page<MergeView>>, Oops> {
    let typed = form.into_inner();
    let (stays, duplicate) = (id.0.clone(), typed.duplicate.clone());
    let done = desk
        .write(move |tx| {
            let stays = tx.open::<Contribute, Contact>(&stays, Verb::ContactMerge)?;
            if duplicate.is_empty() {
                return Err(Refusal::invalid("duplicate", "Choose the contact that is the same one"));
            }
            merge::join(&stays, &tx.open::<Contribute, Contact>(&Sealed::from_url(&duplicate), Verb::ContactMerge)?)
        })
        .await;
    match done {
        Ok(()) => Ok(Either::Left(Redirect::to(Said::ContactsJoined.at(&link::contact(&id.0, ""))))),
        Err(Refusal::Invalid(problems)) => merge_page(&desk, id.0, typed.q, problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}
