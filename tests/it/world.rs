//! A firm with actors: a server of its own in a temporary directory, and people who are signed in to it.
//!
//! A code of an authenticator counts once, so that most tests share one world ([`shared`]) in which everybody is signed in once.

use reqwest::{
    blocking::{Client, ClientBuilder, Response, multipart},
    cookie::{CookieStore, Jar},
};
use serde_json::Value;
use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_strongroom");

/// A running server. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) ca_file: PathBuf,
    pub(crate) dir: PathBuf,
    users: Vec<Value>,
    /// Token of the set-up link, if the site waits to be set up.
    pub(crate) token: Option<String>,
    _temporary: Option<tempfile::TempDir>,
}

impl Server {
    /// The demo firm in a new temporary directory.
    pub(crate) fn new(arguments: &[&str]) -> Server {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("data");
        let mut server = Server::at(&dir, arguments);
        server._temporary = Some(temporary);
        server
    }

    /// The demo firm in `dir`, made there if it is not.
    pub(crate) fn at(dir: &Path, arguments: &[&str]) -> Server {
        let mut command = Command::new(BINARY);
        command.args(["demo", "--json", "--data"]).arg(dir);
        for (flag, value) in [("--port", "0"), ("--cases", "12")] {
            if !arguments.contains(&flag) {
                command.args([flag, value]);
            }
        }
        command.args(arguments);
        Server::start(command, dir)
    }

    /// The demo firm with a certificate of one's own.
    pub(crate) fn with_certificate(dir: &Path, chain: &Path, key: &Path) -> Server {
        let mut command = Command::new(BINARY);
        command.args(["demo", "--json", "--port", "0", "--cases", "1", "--data"]).arg(dir).arg("--tls-cert").arg(chain).arg("--tls-key").arg(key);
        Server::start(command, dir)
    }

    /// An installation of one's own: what `serve` makes of `dir`, or finds there.
    pub(crate) fn serve(dir: &Path, arguments: &[&str]) -> Server {
        let mut command = Command::new(BINARY);
        command.args(["serve", "--json", "--port", "0", "--data"]).arg(dir).args(arguments);
        Server::start(command, dir)
    }

    fn start(mut command: Command, dir: &Path) -> Server {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the demo said {line:?}"));
        Server {
            child,
            url: said["url"].as_str().unwrap().into(),
            ca_file: said["ca_file"].as_str().unwrap_or_default().into(),
            dir: dir.into(),
            users: said["users"].as_array().cloned().unwrap_or_default(),
            token: said["token"].as_str().map(ToOwned::to_owned),
            _temporary: None,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and wait until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and the exit status.
    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        let done = Command::new("kill").arg(self.pid().to_string()).status().unwrap();
        assert!(done.success());
        self.child.wait().unwrap()
    }

    fn user(&self, name: &str) -> &Value {
        self.users.iter().find(|user| user["name"].as_str().is_some_and(|n| n.starts_with(name))).unwrap()
    }

    pub(crate) fn email(&self, name: &str) -> String {
        self.user(name)["email"].as_str().unwrap().into()
    }

    pub(crate) fn password(&self, name: &str) -> String {
        self.user(name)["password"].as_str().unwrap().into()
    }

    /// The code that the authenticator of `name` shows now.
    pub(crate) fn code(&self, name: &str) -> String {
        code_of(self.user(name)["totp_secret"].as_str().unwrap())
    }

    /// Trusts the server's own authority and nothing else, follows no redirect and keeps no cookie.
    fn client(&self) -> ClientBuilder {
        static PROVIDER: OnceLock<()> = OnceLock::new();
        PROVIDER.get_or_init(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
        let root = reqwest::Certificate::from_pem(&std::fs::read(&self.ca_file).unwrap()).unwrap();
        Client::builder().tls_certs_only([root]).redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(120))
    }

    /// A browser that nobody has signed in with.
    pub(crate) fn browser(&self) -> Browser {
        let jar = Arc::new(Jar::default());
        Browser { client: self.client().cookie_provider(Arc::clone(&jar)).build().unwrap(), url: self.url.clone(), jar }
    }

    /// The same from another address of this machine, such as 127.0.0.9.
    pub(crate) fn browser_from(&self, address: [u8; 4]) -> Browser {
        let jar = Arc::new(Jar::default());
        let client = self.client().cookie_provider(Arc::clone(&jar)).local_address(std::net::IpAddr::from(address));
        // The certificate names localhost, which may be another family of addresses first.
        let client = client.resolve("localhost", SocketAddr::from((Ipv4Addr::LOCALHOST, self.port()))).build().unwrap();
        Browser { client, url: format!("https://localhost:{}", self.port()), jar }
    }

    /// The same at another host name of this server.
    pub(crate) fn browser_at(&self, host: &str) -> Browser {
        let (jar, here) = (Arc::new(Jar::default()), SocketAddr::from((Ipv4Addr::LOCALHOST, self.port())));
        let client = self.client().cookie_provider(Arc::clone(&jar)).resolve(host, here).build().unwrap();
        Browser { client, url: format!("https://{host}:{}", self.port()), jar }
    }

    /// A page as somebody gets it who sends this cookie by hand.
    pub(crate) fn get_with(&self, cookie: &str, path: &str) -> Got {
        Got::of(self.client().build().unwrap().get(format!("{}{path}", self.url)).header("Cookie", cookie).send().unwrap())
    }

    /// A browser in which `name` is signed in. The code is waited for if the last one was used already.
    pub(crate) fn signed_in(&self, name: &str) -> Browser {
        let (browser, mut tried) = (self.browser(), String::new());
        for _ in 0..35 {
            let code = self.code(name);
            // Each wrong try counts: one that was refused is not tried again.
            if code != tried && browser.sign_in(&self.email(name), &self.password(name), &code) {
                return browser;
            }
            tried = code;
            std::thread::sleep(Duration::from_secs(2));
        }
        panic!("{name} could not sign in");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The code that an authenticator with this secret shows now.
#[allow(clippy::disallowed_methods)] // an authenticator has a clock of its own
pub(crate) fn code_of(secret: &str) -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    keys::totp::code_at(&unbase32(secret), seconds)
}

fn unbase32(text: &str) -> [u8; 20] {
    let bits: Vec<u8> = text.bytes().map(|b| if b.is_ascii_uppercase() { b - b'A' } else { b - b'2' + 26 }).flat_map(|five| (0..5).rev().map(move |bit| five >> bit & 1)).collect();
    let bytes: Vec<u8> = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit)).collect();
    bytes.try_into().unwrap()
}

/// Somebody's browser, without JavaScript. It follows no redirect by itself.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) client: Client,
    pub(crate) url: String,
    jar: Arc<Jar>,
}

/// A page that came.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) fields: HashMap<String, String>,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn of(response: Response) -> Got {
        let fields: HashMap<String, String> =
            response.headers().iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect();
        Got { status: response.status().as_u16(), location: fields.get("location").cloned(), fields, body: response.text().unwrap_or_default() }
    }

    /// The form token of the page.
    pub(crate) fn token(&self) -> String {
        value_of(&self.body, "csrf").unwrap_or_default()
    }

    /// Value of the first hidden or text field with this name.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        value_of(&self.body, name)
    }

    /// All link targets that begin with `head`.
    pub(crate) fn links(&self, head: &str) -> Vec<String> {
        let links = self.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        links.filter(|link| link.starts_with(head)).map(unescape).collect()
    }

    /// Path of the case that a form has made, from where it leads.
    pub(crate) fn made_case(&self) -> String {
        let to = self.location.as_deref().unwrap_or_else(|| panic!("it leads nowhere: {}", self.body));
        to.split(['/', '?']).take(3).collect::<Vec<_>>().join("/")
    }

    /// Value that is chosen in a list of options.
    pub(crate) fn chosen(&self, name: &str) -> String {
        let select = self.body.split("<select").skip(1).find(|select| select.contains(&format!("name=\"{name}\""))).unwrap();
        let option = select.split("</select>").next().unwrap().split("<option").skip(1).find(|option| option.split('>').next().unwrap().contains("selected")).unwrap();
        option.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    /// Value of the option whose label contains `label`.
    pub(crate) fn option(&self, label: &str) -> String {
        let options = self.body.split("<option").skip(1).filter_map(|rest| rest.split("</option>").next());
        let found = options.filter(|option| option.contains(label)).filter_map(|option| option.split("value=\"").nth(1)?.split('"').next()).next();
        found.unwrap_or_else(|| panic!("no option {label:?}")).to_owned()
    }
}

fn value_of(html: &str, name: &str) -> Option<String> {
    let inputs = html.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    let input = inputs.into_iter().find(|input| input.contains(&format!("name=\"{name}\"")))?;
    Some(unescape(input.split("value=\"").nth(1)?.split('"').next()?))
}

fn unescape(text: &str) -> String {
    text.replace("&amp;", "&").replace("&#x2F;", "/").replace("&quot;", "\"").replace("&#39;", "'").replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">")
}

impl Browser {
    /// The same browser, with its cookies, at a server that was started again.
    pub(crate) fn moved_to(&self, server: &Server) -> Browser {
        let moved = server.browser();
        let cookies = self.jar.cookies(&self.url.parse().unwrap());
        for cookie in cookies.iter().flat_map(|all| all.to_str().unwrap().split("; ")) {
            moved.jar.add_cookie_str(&format!("{cookie}; Path=/; Secure"), &server.url.parse().unwrap());
        }
        moved
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// A cookie as it is sent, `name=value`, if there is one of this name.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let all = self.jar.cookies(&self.url.parse().unwrap())?;
        all.to_str().unwrap().split("; ").find(|cookie| cookie.split('=').next() == Some(name)).map(ToOwned::to_owned)
    }

    pub(crate) fn get(&self, path: &str) -> Got {
        Got::of(self.client.get(self.at(path)).send().unwrap())
    }

    pub(crate) fn raw(&self, path: &str) -> reqwest::blocking::RequestBuilder {
        self.client.get(self.at(path))
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::blocking::RequestBuilder {
        self.client.request(method.parse().unwrap(), self.at(path))
    }

    /// Posts fields as they are.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let body = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&");
        let request = self.client.post(self.at(path)).header("Content-Type", "application/x-www-form-urlencoded").body(body);
        Got::of(request.send().unwrap())
    }

    /// Posts fields with the form token of the page at `page`.
    pub(crate) fn submit(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Got {
        let token = self.get(page).token();
        let with: Vec<(&str, &str)> = [("csrf", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post(path, &with)
    }

    /// Uploads files: name and content.
    pub(crate) fn upload(&self, page: &str, files: Vec<(&str, Vec<u8>)>) -> Got {
        let mut form = multipart::Form::new().text("csrf", self.get(page).token());
        for (name, bytes) in files {
            form = form.part("file", multipart::Part::bytes(bytes).file_name(name.to_owned()));
        }
        Got::of(self.client.post(self.at(page)).multipart(form).send().unwrap())
    }

    /// Password, then code. False when either was refused.
    pub(crate) fn sign_in(&self, email: &str, password: &str, code: &str) -> bool {
        let asked = self.submit("/sign-in", "/sign-in", &[("email", email), ("password", password)]);
        if asked.status != 303 {
            return false;
        }
        let entered = self.submit("/sign-in/code", "/sign-in/code", &[("code", code)]);
        entered.status == 303 && entered.location.as_deref() != Some("/sign-in")
    }

    /// Bytes of a download.
    pub(crate) fn bytes(&self, path: &str) -> (u16, Vec<u8>) {
        let response = self.client.get(self.at(path)).send().unwrap();
        (response.status().as_u16(), response.bytes().unwrap().to_vec())
    }

    /// Opens a case as Priya would: an enquiry with its client, a decision about conflicts, then the case. Gives its path.
    pub(crate) fn open_case(&self, title: &str) -> String {
        let case = self.enquire(title, "Naturalisation");
        let page = format!("{case}/parties");
        let shown = self.get(&page);
        let matches = shown.value("found").unwrap();
        let fields = [("decision", "accepted"), ("reason", "For a test"), ("found", matches.as_str()), ("then", "open")];
        let opened = self.submit(&page, &format!("{page}/decide"), &fields);
        assert_eq!(opened.status, 303, "{}", opened.body);
        case
    }

    /// Keeps an enquiry of Priya's, or of whoever asks where there is no Priya; gives its path.
    pub(crate) fn enquire(&self, title: &str, kind: &str) -> String {
        let form = self.get("/cases/new");
        let (owner, kind) = (form.chosen("owner"), form.option(kind));
        let fields = [("title", title), ("summary", "A summary"), ("type", &kind), ("owner", &owner), ("status", "open"), ("who", &nobody_else()), ("who_is", "new")];
        let made = self.submit("/cases/new", "/cases", &fields);
        assert_eq!(made.status, 303, "{}", made.body);
        made.made_case()
    }
}

/// A name that sounds like no other, so that tests which run side by side find nothing of each other.
fn nobody_else() -> String {
    let letters: String = keys::nonce::random::<8>().unwrap().iter().flat_map(|byte| [b'a' + byte / 16, b'a' + byte % 16]).map(char::from).collect();
    format!("{} {}", &letters[..8], &letters[8..])
}

/// The world that most tests share: a server and everybody signed in.
pub(crate) struct World {
    pub(crate) server: Server,
    actors: Mutex<HashMap<String, Arc<OnceLock<Browser>>>>,
}

impl World {
    /// Somebody, signed in.
    pub(crate) fn actor(&self, name: &str) -> Browser {
        let slot = Arc::clone(self.actors.lock().unwrap().entry(name.into()).or_default());
        slot.get_or_init(|| self.server.signed_in(name)).clone()
    }

    /// Nobody.
    pub(crate) fn anonymous(&self) -> Browser {
        self.server.browser()
    }
}

/// The shared world; it ends with the process.
pub(crate) fn shared() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let server = Server::new(&[]);
        end_with_us(server.pid());
        World { server, actors: Mutex::default() }
    })
}

/// A static is never dropped: a small watcher ends the server when this process is gone. Nobody waits for the watcher.
#[allow(clippy::zombie_processes)]
fn end_with_us(server: u32) {
    let script = format!("while kill -0 {} 2>/dev/null; do sleep 1; done; kill {server}", std::process::id());
    Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
}

