//! A page is a struct beside its handler and a template of the same noun. A page without its template does not start.

use super::{assets::Assets, oops::Oops};
use rocket::{
    Ignite, Request, Rocket, Sentinel,
    http::{ContentType, Status},
    response::{self, Responder, Response},
};
use rules::Refusal;
use rust_embed::RustEmbed;
use serde::Serialize;
use std::io::Cursor;
use store::Site;
use tera::{Context, Kwargs, State, Tera};

/// What a page shows: its fields are the names in its template.
pub(super) trait View: Serialize {
    /// File below `assets/templates`.
    const TEMPLATE: &'static str;
}

#[derive(RustEmbed)]
#[folder = "assets/templates"]
#[exclude = "mail/*"]
struct Files;

/// All templates, parsed.
pub(super) struct Templates(Tera);

impl Templates {
    /// Parses every embedded template; everything is escaped, whatever its suffix.
    pub(super) fn load(assets: &Assets) -> Result<Templates, String> {
        let mut tera = Tera::default();
        tera.autoescape_on([""]);
        let urls = assets.urls();
        tera.register_function("asset", move |kwargs: Kwargs, _: &State| -> tera::TeraResult<String> {
            let name: String = kwargs.must_get("name")?;
            urls.get(&name).cloned().ok_or_else(|| tera::Error::message(format!("no asset {name}")))
        });
        let files: Vec<(String, String)> = Files::iter()
            .filter_map(|path| Files::get(&path).map(|file| (path.to_string(), String::from_utf8_lossy(&file.data).into_owned())))
            .collect();
        tera.add_raw_templates(files).map_err(|error| format!("A template is wrong: {error}."))?;
        Ok(Templates(tera))
    }

    fn render(&self, template: &str, view: &impl Serialize, shell: &Shell) -> Result<String, Refusal> {
        let mut context = Context::from_serialize(view).map_err(Refusal::fault)?;
        context.insert("shell", shell);
        self.0.render(template, &context).map_err(|error| Refusal::fault(format!("{template}: {error:?}")))
    }
}

/// The frame of every page.
#[derive(Serialize)]
pub(super) struct Shell {
    pub(super) firm: String,
    pub(super) user: Option<ShellUser>,
    pub(super) home: &'static str,
    pub(super) csrf: String,
    pub(super) theme: String,
    pub(super) nav: &'static str,
    pub(super) version: &'static str,
    pub(super) zone: String,
    pub(super) phone: Option<String>,
    pub(super) host: String,
    pub(super) flash: Option<Flash>,
    pub(super) alarm: Option<Alarm>,
    /// Seconds without a request after which the session ends; 0 where nobody is to be told.
    pub(super) idle: i64,
    /// Seconds until it ends whatever happens.
    pub(super) ends: i64,
}

/// What a system administrator reads at the head of every page until it is done.
#[derive(Serialize)]
pub(super) struct Alarm {
    pub(super) text: String,
    pub(super) href: &'static str,
    pub(super) label: &'static str,
}

#[derive(Serialize)]
pub(super) struct ShellUser {
    pub(super) name: String,
    pub(super) initials: String,
    pub(super) kind: &'static str,
    pub(super) words: String,
    /// They look after accounts.
    pub(super) people: bool,
    /// Their site looks after the keyring of the installation.
    pub(super) keyring: bool,
}

/// What has just been done, said once at the head of the next page.
#[derive(Serialize)]
pub(super) struct Flash {
    pub(super) kind: &'static str,
    pub(super) text: String,
    pub(super) undo: Option<Undo>,
}

#[derive(Serialize)]
pub(super) struct Undo {
    pub(super) href: String,
    pub(super) label: &'static str,
}

impl Shell {
    /// The frame for nobody in particular.
    pub(super) fn bare(site: &Site) -> Shell {
        let firm = site.firm();
        let zone = firm.zone_name.rsplit('/').next().unwrap_or("UTC").replace('_', " ");
        Shell { firm: if firm.name.is_empty() { "Strongroom".into() } else { firm.name.clone() }, zone, phone: firm.phone.clone(), ..Shell::nowhere() }
    }

    /// The frame before it is known which site there is.
    pub(super) fn nowhere() -> Shell {
        Shell {
            firm: "Strongroom".into(),
            user: None,
            home: "/",
            csrf: String::new(),
            theme: String::new(),
            nav: "",
            version: env!("CARGO_PKG_VERSION"),
            zone: "UTC".into(),
            phone: None,
            host: String::new(),
            flash: None,
            alarm: None,
            idle: 0,
            ends: 0,
        }
    }
}

/// A page to be sent.
pub(super) struct Page<V> {
    view: V,
    shell: Shell,
    status: Status,
}

impl<V: View> Page<V> {
    pub(super) fn new(shell: Shell, view: V) -> Page<V> {
        Page { view, shell, status: Status::Ok }
    }

    /// The same with another status than 200.
    pub(super) fn with(mut self, status: Status) -> Page<V> {
        self.status = status;
        self
    }

    /// Renders without the guard that errors become pages: for the error page itself.
    pub(super) fn render(&self, request: &Request<'_>) -> Result<Response<'static>, Refusal> {
        let templates = request.rocket().state::<Templates>().ok_or_else(|| Refusal::fault("no templates"))?;
        let html = templates.render(V::TEMPLATE, &self.view, &self.shell)?;
        Ok(Response::build().status(self.status).header(ContentType::HTML).sized_body(html.len(), Cursor::new(html)).finalize())
    }
}

impl<V: View> Sentinel for Page<V> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        let there = rocket.state::<Templates>().is_some_and(|templates| templates.0.contains_template(V::TEMPLATE));
        if !there {
            tracing::error!("there is no template {}", V::TEMPLATE);
        }
        !there
    }
}

impl<'r, V: View> Responder<'r, 'static> for Page<V> {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        match self.render(request) {
            Ok(response) => Ok(response),
            Err(refusal) => Oops::from(refusal).respond_to(request),
        }
    }
}
