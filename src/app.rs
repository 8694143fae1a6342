//! Wiring: puts gate, pages and store together and runs them until told to stop. The only place that asks the clock.

use crate::{
    config::Settings,
    gate::{Gate, Inner, Plan, authority, tls::Certificate},
    jobs,
    web::{self, Inside},
};
use keys::{
    KeyError,
    password::{COST, Passwords},
    ring,
    slot::Unlock,
};
use rocket::{Ignite, Rocket, fairing::AdHoc};
use rules::Moment;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::{
    Appliance,
    appliance::barred,
    error::OpenError,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinError,
};

/// The time now.
#[allow(clippy::disallowed_methods)] // the one place that asks
pub(crate) fn now() -> Moment {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// What opens the keyring, as the settings say.
pub(crate) fn unlock(settings: &Settings) -> Result<Unlock, OpenError> {
    let path = settings.key_file();
    if !path.try_exists().map_err(|error| barred(&path, &error))? {
        return Err(OpenError::config(format!("The key file {} is not there. Give its place with --key-file, or put it back: without it this data cannot be opened.", path.display())));
    }
    ring::read_key_file(&path).map_err(|error| match &error {
        KeyError::File(path, why) => barred(path, why),
        _ => error.into(),
    })
}

/// Takes the ports and gives them back: whether they can be had is known before anything is made.
pub(crate) async fn try_ports(settings: &Settings) -> Result<(), OpenError> {
    for port in std::iter::once(settings.port).chain(settings.http_port) {
        let at = SocketAddr::new(settings.bind, port);
        TcpListener::bind(at).await.map_err(|error| port_error(at, &error))?;
    }
    Ok(())
}

/// Runs an open installation until SIGTERM or SIGINT. `ready` is called once it answers, with the URL.
pub(crate) async fn run(settings: &Settings, appliance: Appliance, ready: impl FnOnce(&str, &Serving)) -> Result<(), OpenError> {
    raise_descriptor_limit();
    let end = end().map_err(|error| OpenError { exit: 71, text: format!("Signals cannot be received: {error}.") })?;
    let appliance = Arc::new(appliance);
    let (certificate, ca_file) = certificate(settings, &appliance)?;
    let secret = keys::nonce::hex(&keys::nonce::random::<32>()?);
    let (place, inner) = watch::channel(Inner::Away);
    let (stop, stopping) = watch::channel(false);
    let plan = Plan { hosts: settings.host_names(), secret: secret.clone(), certificate: Arc::clone(&certificate), inner };
    let at = SocketAddr::new(settings.bind, settings.port);
    let plain = settings.http_port.map(|port| SocketAddr::new(settings.bind, port));
    let gate = Gate::bind(at, plain, plan).await.map_err(|error| port_error(at, &error))?;
    let at = gate.address().map_err(|error| port_error(at, &error))?;
    let slots = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    let inside = Inside {
        appliance: Arc::clone(&appliance),
        passwords: Passwords::start(slots, COST)?,
        secret,
        upload_limit: settings.upload_limit(),
        promise_https: settings.tls_cert.is_some(),
        facts: facts(settings.clone(), Arc::clone(&appliance), Arc::clone(&certificate), at),
    };
    let rocket = web::build(inside).map_err(OpenError::config)?;
    let launched = AdHoc::on_liftoff("place", move |rocket| {
        let _ = place.send(Inner::At(SocketAddr::new(rocket.config().address, rocket.config().port)));
        Box::pin(async {})
    });
    let rocket = rocket.attach(launched).ignite().await.map_err(|error| OpenError::config(format!("The pages do not start: {error}.")))?;
    let quit = rocket.shutdown();
    let (mut up, mut inner) = (gate.inner(), tokio::spawn(rocket.launch()));
    let failed = tokio::select! {
        Ok(_) = up.wait_for(|inner| *inner != Inner::Away) => None,
        ended = &mut inner => Some(died(ended)),
    };
    if let Some(why) = failed {
        appliance.close();
        return Err(why);
    }
    ready(&settings.url(at.port()), &Serving { fingerprint: certificate.fingerprint(), ca_file });
    let host = settings.host_names();
    let jobs = jobs::start(&appliance, host.first().map_or("localhost", String::as_str), &stopping).map_err(OpenError::config)?;
    let serving = tokio::spawn(gate.serve(stopping));
    tokio::spawn(freshen(settings.clone(), Arc::clone(&appliance), certificate));
    let failed = tokio::select! {
        () = end => None,
        ended = &mut inner => Some(died(ended)),
    };
    let _ = stop.send(true);
    let _ = serving.await;
    if failed.is_none() {
        quit.notify();
        if let Ok(ended) = tokio::time::timeout(Duration::from_secs(10), inner).await {
            told(ended);
        }
    }
    let _ = tokio::time::timeout(Duration::from_secs(10), async {
        for job in jobs {
            let _ = job.await;
        }
    })
    .await;
    appliance.close();
    failed.map_or(Ok(()), Err)
}

/// What the inner server left. Its error must be read: unread, it panics.
type Ended = Result<Result<Rocket<Ignite>, rocket::Error>, JoinError>;

/// Why the inner server ended; `None` when it ended well.
fn why(ended: Ended) -> Option<String> {
    match ended {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(panic) => Some(panic.to_string()),
    }
}

/// The pages ended and nobody had asked them to.
fn died(ended: Ended) -> OpenError {
    let why = why(ended).unwrap_or_else(|| "they ended by themselves".into());
    OpenError { exit: 1, text: format!("The pages are not served: {why}. Start it again; if that does not help, the log says more.") }
}

/// The pages ended because they were asked to.
fn told(ended: Ended) {
    if let Some(why) = why(ended) {
        tracing::warn!("the pages did not end well: {why}");
    }
}

/// What can be said once it serves.
pub(crate) struct Serving {
    /// SHA-256 of the certificate.
    pub(crate) fingerprint: String,
    /// Root of the local authority, if that made the certificate.
    pub(crate) ca_file: Option<PathBuf>,
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

/// What the system page says of the appliance, at the moment it is asked.
fn facts(settings: Settings, appliance: Arc<Appliance>, certificate: Arc<Certificate>, at: SocketAddr) -> web::Facts {
    Box::new(move || {
        vec![
            ("Version", env!("CARGO_PKG_VERSION").into()),
            ("Address", format!("{at}, as {}", settings.host_names().join(", "))),
            ("Data directory", appliance.dir().display().to_string()),
            ("Sites", appliance.sites().len().to_string()),
            ("Certificate", if settings.tls_cert.is_some() { "given".into() } else { "from this machine’s own authority".into() }),
            ("Its SHA-256", grouped(&certificate.fingerprint())),
            ("Largest file", rules::document::size_words(settings.upload_limit())),
        ]
    })
}

/// A fingerprint in four groups, so that it breaks between bytes and can be read out.
fn grouped(fingerprint: &str) -> String {
    let bytes: Vec<&str> = fingerprint.split(':').collect();
    bytes.chunks(8).map(|eight| eight.join(":")).collect::<Vec<_>>().join(" ")
}

/// The given certificate, or one from the local authority with the file to be imported.
fn certificate(settings: &Settings, appliance: &Appliance) -> Result<(Arc<Certificate>, Option<PathBuf>), OpenError> {
    if let (Some(chain), Some(key)) = (&settings.tls_cert, &settings.tls_key) {
        return Ok((Arc::new(Certificate::from_files(chain, key).map_err(OpenError::config)?), None));
    }
    let (certificate, file) = local(settings, appliance)?;
    Ok((Arc::new(certificate), Some(file)))
}

/// A certificate from the local authority: both are made when they are not there, and the certificate when its end is near.
fn local(settings: &Settings, appliance: &Appliance) -> Result<(Certificate, PathBuf), OpenError> {
    let wrong = |error: rcgen::Error| OpenError::config(format!("The local authority cannot be made: {error}."));
    let root = match pair(appliance, "tls.root")? {
        Some(root) => root,
        None => {
            let name = keys::nonce::hex(&keys::nonce::random::<3>()?);
            let root = authority::new_root(&name, now().seconds()).map_err(wrong)?;
            hold(appliance, "tls.root", &root)?;
            root
        }
    };
    let file = appliance.dir().join("ca.pem");
    write_whole(&file, root.certificate.as_bytes())?;
    let names = format!("{}\n{}", settings.host_names().join(" "), now().seconds());
    let kept = appliance.held("tls.leaf.names")?.and_then(|names| String::from_utf8(names.expose().clone()).ok());
    let fits = kept.as_ref().and_then(|kept| kept.split_once('\n')).is_some_and(|(hosts, made)| {
        hosts == settings.host_names().join(" ") && !authority::is_due(made.parse().unwrap_or(0), now().seconds())
    });
    let leaf = match pair(appliance, "tls.leaf")?.filter(|_| fits) {
        Some(leaf) => leaf,
        None => {
            let leaf = authority::new_leaf(&root, &settings.host_names(), now().seconds()).map_err(wrong)?;
            hold(appliance, "tls.leaf", &leaf)?;
            appliance.hold("tls.leaf.names", names.as_bytes())?;
            leaf
        }
    };
    Ok((Certificate::from_pem(leaf.certificate.as_bytes(), leaf.key.as_bytes()).map_err(OpenError::config)?, file))
}

fn pair(appliance: &Appliance, name: &str) -> Result<Option<authority::Pair>, OpenError> {
    let text = |end: &str| -> Result<Option<String>, OpenError> {
        Ok(appliance.held(&format!("{name}.{end}"))?.and_then(|held| String::from_utf8(held.expose().clone()).ok()))
    };
    Ok(text("cert")?.zip(text("key")?).map(|(certificate, key)| authority::Pair { certificate, key }))
}

fn hold(appliance: &Appliance, name: &str, pair: &authority::Pair) -> Result<(), OpenError> {
    appliance.hold(&format!("{name}.cert"), pair.certificate.as_bytes())?;
    appliance.hold(&format!("{name}.key"), pair.key.as_bytes())
}

/// Writes whole, then renames.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    let whole = path.with_extension("new");
    std::fs::write(&whole, bytes).and_then(|()| std::fs::rename(&whole, path)).map_err(|error| OpenError::file(path, &error))
}

/// Exchanges the certificate while running. Standing connections go on.
async fn freshen(settings: Settings, appliance: Arc<Appliance>, certificate: Arc<Certificate>) {
    match (&settings.tls_cert, &settings.tls_key) {
        (Some(chain), Some(key)) => reload(chain, key, &certificate).await,
        _ => renew(&settings, &appliance, &certificate).await,
    }
}

/// Looks every day whether the certificate of the local authority is to be made again.
async fn renew(settings: &Settings, appliance: &Appliance, certificate: &Certificate) {
    loop {
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        match local(settings, appliance) {
            Ok((fresh, _)) if fresh.fingerprint() == certificate.fingerprint() => {}
            Ok((fresh, _)) => {
                certificate.exchange(fresh);
                tracing::info!(fingerprint = certificate.fingerprint(), "the certificate was made again");
            }
            Err(error) => tracing::error!("the certificate cannot be made again, the one before stays: {error}"),
        }
    }
}

/// Takes the certificate files again on SIGHUP and when they change.
async fn reload(chain: &Path, key: &Path, certificate: &Certificate) {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let mut seen = (changed(chain), changed(key));
    loop {
        let asked = tokio::select! {
            _ = hangup.recv() => true,
            () = tokio::time::sleep(Duration::from_secs(10)) => false,
        };
        let current = (changed(chain), changed(key));
        if asked || current != seen {
            seen = current;
            match certificate.reload(chain, key) {
                Ok(()) => tracing::info!(fingerprint = certificate.fingerprint(), "the certificate was exchanged"),
                Err(why) => tracing::error!("the new certificate is not used, the one before stays: {why}"),
            }
        }
    }
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
