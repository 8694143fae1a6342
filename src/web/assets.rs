//! Style, scripts and icons: embedded, under names that carry a hash of the content, so that browsers may keep them for ever.

use rocket::{
    State, get,
    http::ContentType,
    response::{Responder, Response},
};
use rust_embed::RustEmbed;
use std::{borrow::Cow, collections::HashMap, io::Cursor, path::Path};

#[derive(RustEmbed)]
#[folder = "assets"]
#[exclude = "templates/*"]
struct Files;

/// All files, by the name under which they are served.
pub(super) struct Assets {
    served: HashMap<String, (ContentType, Cow<'static, [u8]>)>,
    urls: HashMap<String, String>,
}

impl Assets {
    pub(super) fn load() -> Assets {
        let mut assets = Assets { served: HashMap::new(), urls: HashMap::new() };
        for path in Files::iter() {
            let Some(file) = Files::get(&path) else { continue };
            let name = path.rsplit('/').next().unwrap_or(&path);
            let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
            let hash = keys::nonce::hex(file.metadata.sha256_hash().get(..6).unwrap_or_default());
            let served = format!("{stem}.{hash}.{end}");
            let kind = ContentType::from_extension(end).unwrap_or(ContentType::Binary);
            assets.urls.insert(name.to_owned(), format!("/assets/{served}"));
            assets.served.insert(served, (kind, file.data));
        }
        assets
    }

    /// Bare file name to URL.
    pub(super) fn urls(&self) -> HashMap<String, String> {
        self.urls.clone()
    }
}

/// An asset to be sent.
pub(super) struct Asset(ContentType, Cow<'static, [u8]>);

impl<'r> Responder<'r, 'static> for Asset {
    fn respond_to(self, _: &'r rocket::Request<'_>) -> rocket::response::Result<'static> {
        let mut response = Response::build();
        response.header(self.0).raw_header("Cache-Control", "public, max-age=31536000, immutable");
        response.sized_body(self.1.len(), Cursor::new(self.1)).ok()
    }
}

#[get("/assets/<name>")]
pub(super) fn file(name: &str, assets: &State<Assets>) -> Option<Asset> {
    let name = Path::new(name).file_name()?.to_str()?;
    assets.served.get(name).map(|(kind, data)| Asset(kind.clone(), data.clone()))
}
