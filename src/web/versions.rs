//! A new version of a document, and checking it out and in.

use super::{
    desk::Desk,
    documents::{DocumentView, document_page},
    link::{self, Id},
    oops::Oops,
    page::Page,
    posted::{Button, Posted},
    said::Said,
    upload::{Arrived, Upload},
};
use rocket::{Either, post, response::Redirect};
use rules::{Contribute, Document, Refusal, Sealed, Verb};
use store::{Access, Writing, version};

type Done = Result<Either<Redirect, Page<DocumentView>>, Oops>;

#[post("/documents/<id>/versions", data = "<upload>")]
pub(super) async fn add(id: Id<Document>, desk: Desk<'_>, mut upload: Upload<'_>) -> Done {
    let taken = take(&desk, &id.0, &mut upload).await;
    if taken.is_err() {
        upload.drain().await;
    }
    match taken {
        Ok(()) => Ok(Either::Left(Redirect::to(Said::VersionKept.at(&link::document(&id.0, ""))))),
        Err(Refusal::Invalid(problems)) => document_page(&desk, id.0, problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Takes the one file of the form. The right is checked before the first byte is taken, and again with the row.
async fn take(desk: &Desk<'_>, id: &Sealed<Document>, upload: &mut Upload<'_>) -> Result<(), Refusal> {
    let document = id.clone();
    desk.write(move |tx| tx.open::<Contribute, Document>(&document, Verb::DocumentVersion).map(drop)).await?;
    match upload.next(desk.site()).await? {
        None => Err(Refusal::invalid("file", "Choose a file first, then send it.")),
        Some(Arrived::Refused { why, .. }) => Err(Refusal::invalid("file", why)),
        Some(Arrived::Failed { refusal, .. }) => Err(refusal),
        Some(Arrived::File { name, kept }) => {
            let (document, blob, reason) = (id.clone(), kept.blob().clone(), upload.reason().to_owned());
            let added = desk.write(move |tx| version::add(&tx.open::<Contribute, Document>(&document, Verb::DocumentVersion)?, &name, &blob, &reason)).await;
            kept.settle(&added);
            added.map(drop)
        }
    }
}

/// Does one of the verbs of the page; mistakes come back on it.
async fn act(desk: Desk<'_>, id: Sealed<Document>, (verb, said): (Verb, Said), work: impl for<'t> FnOnce(Access<'t, Contribute, Document, Writing>) -> Result<(), Refusal> + Send + 'static) -> Done {
    let document = id.clone();
    match desk.write(move |tx| work(tx.open::<Contribute, Document>(&document, verb)?)).await {
        Ok(()) => Ok(Either::Left(Redirect::to(said.at(&link::document(&id, ""))))),
        Err(Refusal::Invalid(problems)) => document_page(&desk, id, problems).await.map(Either::Right),
        Err(refusal) => Err(refusal.into()),
    }
}

#[post("/documents/<id>/check-out", data = "<form>")]
pub(super) async fn check_out(id: Id<Document>, desk: Desk<'_>, form: Posted<Button>) -> Done {
    let Button = form.into_inner();
    act(desk, id.0, (Verb::DocumentCheckOut, Said::CheckedOut), |document| version::check_out(&document)).await
}

#[post("/documents/<id>/check-in", data = "<form>")]
pub(super) async fn check_in(id: Id<Document>, desk: Desk<'_>, form: Posted<Button>) -> Done {
    let Button = form.into_inner();
    act(desk, id.0, (Verb::DocumentCheckIn, Said::CheckedIn), |document| version::check_in(&document)).await
}
