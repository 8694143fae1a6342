//! Wiring: puts gate, pages and store together and runs them until told to stop. The only place that asks the clock.

mod certificate;
mod locked;
mod open;
mod orders;
mod pages;
mod rehearsal;

pub(crate) use open::{Opened, create, first_that_opens, nobody, open, open_or_wait, waits};

use crate::{
    backup::{self, Backups},
    config::{self, Settings},
    control,
    gate::{Gate, Inner, Plan, tls::Certificate},
    jobs,
    web::{self, GateSecret, Inside},
};
use arc_swap::ArcSwap;
use keys::password::{COST, Passwords};
use orders::Orders;
use pages::{Pages, died};
use rules::Moment;
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{Appliance, Site, error::OpenError};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
};

/// The time now.
#[allow(clippy::disallowed_methods)] // the one place that asks
pub(crate) fn now() -> Moment {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Takes the ports and gives them back: whether they can be had is known before anything is made.
pub(crate) async fn try_ports(settings: &Settings) -> Result<(), OpenError> {
    for port in std::iter::once(settings.port).chain(settings.http_port) {
        let at = SocketAddr::new(settings.bind, port);
        TcpListener::bind(at).await.map_err(|error| port_error(at, &error))?;
    }
    Ok(())
}

/// Runs an installation until SIGTERM or SIGINT. `ready` is called once it answers, with the URL. One that is locked answers with the page
/// on which the passphrase is typed, and goes on from there.
pub(crate) async fn run(settings: &Settings, opened: Opened, ready: impl Fn(&str, &Serving)) -> Result<(), OpenError> {
    raise_descriptor_limit();
    let end = end().map_err(|error| OpenError { exit: 71, text: format!("Signals cannot be received: {error}.") })?;
    let (stop, stopping) = watch::channel(false);
    let (house, gate) = House::build(settings, &opened, stopping.clone()).await?;
    let socket = control::socket::serve(&settings.data, Arc::clone(&house.orders) as Arc<dyn control::order::Doer>, stopping)?;
    let mut running = Running { gate: Some(gate), ..Running::default() };
    let failed = tokio::select! {
        done = work(&house, opened, &ready, &mut running) => done.err(),
        () = end => None,
    };
    let _ = stop.send(true);
    running.end(&house, failed.is_none()).await;
    let _ = socket.await;
    failed.map_or(Ok(()), Err)
}

/// The jobs of a site.
struct Jobs {
    /// Id of the site.
    site: [u8; 16],
    /// Tells them the name of the site.
    host: watch::Sender<String>,
    /// They run until this ends.
    run: JoinHandle<()>,
}

/// What stays the same from start to stop.
pub(crate) struct House {
    settings: Settings,
    /// Where it is reached from this machine.
    url: String,
    at: SocketAddr,
    secret: String,
    place: watch::Sender<Inner>,
    /// Names under which the gate answers.
    hosts: Arc<ArcSwap<Vec<String>>>,
    certificate: Arc<Certificate>,
    ca_file: Option<PathBuf>,
    /// Takes what commands ask for.
    orders: Arc<Orders>,
    jobs: Mutex<Vec<Jobs>>,
    stopping: watch::Receiver<bool>,
}

impl House {
    /// Takes the port.
    async fn build(settings: &Settings, opened: &Opened, stopping: watch::Receiver<bool>) -> Result<(Arc<House>, Gate), OpenError> {
        let (hosts, (certificate, ca_file)) = match opened {
            Opened::Open(appliance) => (certificate::host_names(settings, appliance), certificate::certificate(settings, appliance)?),
            Opened::Locked => (settings.host_names(), certificate::for_unlocking(settings)?),
        };
        let hosts = Arc::new(ArcSwap::from_pointee(hosts));
        let secret = keys::nonce::hex(&keys::nonce::random::<32>()?);
        let (place, inner) = watch::channel(Inner::Away);
        let plan = Plan { hosts: Arc::clone(&hosts), secret: secret.clone(), certificate: Arc::clone(&certificate), inner };
        let at = SocketAddr::new(settings.bind, settings.port);
        let plain = settings.http_port.map(|port| SocketAddr::new(settings.bind, port));
        let gate = Gate::bind(at, plain, plan).await.map_err(|error| port_error(at, &error))?;
        let at = gate.address().map_err(|error| port_error(at, &error))?;
        let url = settings.url(at.port());
        let house = House { settings: settings.clone(), url, at, secret, place, hosts, certificate, ca_file, orders: Orders::new(), jobs: Mutex::default(), stopping };
        Ok((Arc::new(house), gate))
    }

    fn secret(&self) -> GateSecret {
        GateSecret(self.secret.clone())
    }

    /// The sites or their names are others now: the gate answers under them, and the certificate of the local authority names them.
    async fn sites_changed(&self, appliance: &Arc<Appliance>) -> Result<(), OpenError> {
        self.hosts.store(Arc::new(certificate::host_names(&self.settings, appliance)));
        if self.settings.tls_cert.is_none() {
            self.certificate.exchange(certificate::made_aside(&self.settings, appliance).await?);
        }
        self.start_jobs(appliance);
        Ok(())
    }

    /// Starts the jobs of every site that has none yet, and tells the others the name that their site has now.
    fn start_jobs(&self, appliance: &Appliance) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        for (entry, site) in appliance.sites().iter() {
            let host = entry.hosts.first().cloned().or_else(|| self.settings.hosts.first().cloned()).unwrap_or_else(|| "localhost".into());
            if let Some(running) = jobs.iter().find(|jobs| jobs.site == entry.id) {
                running.host.send_replace(host);
                continue;
            }
            let (host, named) = watch::channel(host);
            jobs.push(Jobs { site: entry.id, host, run: jobs::start(site.clone(), named, self.stopping.clone()) });
        }
    }
}

/// What has been started, in the order in which it is ended.
#[derive(Default)]
struct Running {
    gate: Option<Gate>,
    front: Option<JoinHandle<()>>,
    pages: Option<Pages>,
    appliance: Option<Arc<Appliance>>,
    backups: Option<Arc<Backups>>,
}

impl Running {
    /// Lets the front take connections.
    fn begin(&mut self, house: &House) {
        if let Some(gate) = self.gate.take() {
            self.front = Some(tokio::spawn(gate.serve(house.stopping.clone())));
        }
    }

    /// Ends the front, then the pages if they are still there, then the jobs; then the store is closed.
    async fn end(self, house: &House, pages_are_there: bool) {
        if let Some(front) = self.front {
            let _ = front.await;
        }
        if let Some(pages) = self.pages.filter(|_| pages_are_there) {
            pages.end().await;
        }
        let jobs = std::mem::take(&mut *house.jobs.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = tokio::time::timeout(GRACE, async {
            for job in jobs {
                let _ = job.run.await;
            }
        })
        .await;
        // Last but one: what was committed until now is taken, and what empties a log for that is a writer.
        if let Some(backups) = self.backups {
            let _ = tokio::task::spawn_blocking(move || backups.stop()).await;
        }
        if let Some(appliance) = self.appliance {
            appliance.close();
        }
    }
}

/// How long what has been started may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// From whatever was found to a server of pages, and on until that ends by itself, which it should not.
async fn work(house: &Arc<House>, opened: Opened, ready: &impl Fn(&str, &Serving), running: &mut Running) -> Result<(), OpenError> {
    let was_locked = matches!(opened, Opened::Locked);
    let appliance = match opened {
        Opened::Open(appliance) => Arc::from(appliance),
        Opened::Locked => locked::wait(house, ready, running).await?,
    };
    running.appliance = Some(Arc::clone(&appliance));
    if was_locked {
        house.sites_changed(&appliance).await?;
    }
    keep_config(&appliance)?;
    appliance.came_back().await?;
    let backups = running.backups.insert(Backups::of(&appliance, now)?);
    backups.start(rehearsal::rehearse(house, &appliance), alarm(&appliance))?;
    house.orders.open(&appliance, house, backups);
    let pages = running.pages.insert(Pages::launch(web::build(inside(house, &appliance, backups)?, house.secret()), &house.place).await?);
    let ended = pages.ended();
    running.begin(house);
    jobs::check().map_err(OpenError::config)?;
    house.start_jobs(&appliance);
    // The page of a locked start was announced already, and a link that nobody is shown would only make the one before void.
    if !was_locked {
        let setup = setup_link(&appliance).await?;
        ready(&house.url, &Serving { fingerprint: house.certificate.fingerprint(), ca_file: house.ca_file.clone(), setup, locked: false });
    }
    tokio::spawn(certificate::freshen(house.settings.clone(), Arc::clone(&appliance), Arc::clone(&house.certificate)));
    Err(died(ended.await))
}

/// Writes to the system administrators of the site that looks after the installation.
fn alarm(appliance: &Arc<Appliance>) -> backup::Alarm {
    let (appliance, runtime) = (Arc::clone(appliance), tokio::runtime::Handle::current());
    Arc::new(move |what| {
        let keeper = appliance.sites().iter().map(|(_, site)| site.clone()).find(|site| site.settings().keeps_keyring);
        let keeper = keeper.ok_or_else(|| "no site looks after this installation".to_owned())?;
        runtime.block_on(keeper.tell_of_backups(what.to_vec())).map_err(|refusal| refusal.to_string())
    })
}

/// The registry holds what the files of the configuration say, so that it comes back with a restore.
fn keep_config(appliance: &Appliance) -> Result<(), OpenError> {
    let text = config::text();
    let known = appliance.held(backup::CONFIG)?;
    match text {
        Some(text) if known.as_ref().map(|known| known.expose().as_slice()) != Some(text.as_bytes()) => appliance.hold(backup::CONFIG, text.as_bytes()),
        _ => Ok(()),
    }
}

/// A one-time link for the first site, if that waits to be set up: its token. Whoever adds another asks for its link by name.
async fn setup_link(appliance: &Appliance) -> Result<Option<String>, OpenError> {
    let waiting = appliance.sites().first().filter(|(_, site)| !site.is_set_up()).map(|(_, site)| site.clone());
    let Some(site) = waiting else { return Ok(None) };
    let token = site.new_setup_link().await.map_err(|refusal| OpenError { exit: 1, text: format!("The set-up link cannot be made: {refusal}.") })?;
    Ok(Some(token.expose().to_owned()))
}

/// What the pages get of the house.
fn inside(house: &Arc<House>, appliance: &Arc<Appliance>, backups: &Arc<Backups>) -> Result<Inside, OpenError> {
    let slots = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    Ok(Inside {
        appliance: Arc::clone(appliance),
        backups: Arc::clone(backups),
        passwords: Passwords::start(slots, COST)?,
        upload_limit: house.settings.upload_limit(),
        promise_https: house.settings.tls_cert.is_some(),
        facts: facts(Arc::clone(house), Arc::clone(appliance)),
        start_changed: start_changed(Arc::clone(house), Arc::clone(appliance)),
        test_letter: Box::new(|site, to, link| Box::pin(jobs::test_letter(site, to, link))),
    })
}

/// What can be said once it serves.
pub(crate) struct Serving {
    /// SHA-256 of the certificate.
    pub(crate) fingerprint: String,
    /// Root of the local authority, if that made the certificate.
    pub(crate) ca_file: Option<PathBuf>,
    /// Token of the one-time link, if the site waits to be set up.
    pub(crate) setup: Option<String>,
    /// It waits for the passphrase.
    pub(crate) locked: bool,
}

fn port_error(at: SocketAddr, error: &std::io::Error) -> OpenError {
    let (exit, text) = match error.kind() {
        std::io::ErrorKind::AddrInUse => (75, format!("Port {} is taken by another program. Stop that one, or give another --port.", at.port())),
        std::io::ErrorKind::PermissionDenied => (77, format!("Port {} needs the right to use low ports. Give a --port above 1023, or the capability CAP_NET_BIND_SERVICE.", at.port())),
        std::io::ErrorKind::AddrNotAvailable => (78, format!("The address {} is not one of this machine. Give another --bind.", at.ip())),
        _ => (78, format!("{at} cannot be listened on: {error}.")),
    };
    OpenError { exit, text }
}

/// A passphrase opens the keyring now, or does no more: the page on which it is typed needs a certificate outside of the registry, or none.
fn start_changed(house: Arc<House>, appliance: Arc<Appliance>) -> Arc<dyn Fn() -> Result<(), OpenError> + Send + Sync> {
    Arc::new(move || match house.settings.tls_cert {
        Some(_) => Ok(()),
        None => certificate::local(&house.settings, &appliance).map(drop),
    })
}

/// What the system page of a site says of the appliance, at the moment it is asked. Whose firm does not look after the installation hears
/// nothing of the other sites in it.
fn facts(house: Arc<House>, appliance: Arc<Appliance>) -> web::Facts {
    Box::new(move |site: &Site| {
        let own = || appliance.sites().iter().filter(|(entry, _)| entry.id == site.keys().id).flat_map(|(entry, _)| entry.hosts.clone()).collect::<Vec<String>>();
        let whole = site.settings().keeps_keyring;
        let address = if whole { format!("{}, as {}", house.at, house.hosts.load().join(", ")) } else { own().join(", ") };
        let mut facts = vec![("Version", env!("CARGO_PKG_VERSION").to_owned()), ("Address", address)];
        if whole {
            facts.push(("Data directory", appliance.dir().display().to_string()));
            facts.push(("Sites", appliance.sites().len().to_string()));
        }
        facts.extend([
            ("Certificate", if house.settings.tls_cert.is_some() { "given".to_owned() } else { "from this machine’s own authority".to_owned() }),
            ("Its SHA-256", certificate::grouped(&house.certificate.fingerprint())),
            ("Largest file", rules::document::size_words(house.settings.upload_limit())),
        ]);
        facts
    })
}

/// The order to stop. Listened for from here on, so that one that comes early is not taken for the system's own.
fn end() -> std::io::Result<impl Future<Output = ()>> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}

/// Twelve thousand connections need more descriptors than most systems give at first.
fn raise_descriptor_limit() {
    if let Ok((_, most)) = rlimit::Resource::NOFILE.get() {
        let _ = rlimit::Resource::NOFILE.set(most.min(65_536), most);
    }
}
