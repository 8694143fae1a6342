//! Which certificate the gate shows, and when it is exchanged.

use super::now;
use crate::{
    config::Settings,
    gate::{authority, tls::Certificate},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::{Appliance, error::OpenError, startkey::Start};
use tokio::signal::unix::{SignalKind, signal};

/// Certificate and key in one file, for the page on which the passphrase is typed.
const UNLOCKING: &str = "unlock.pem";

/// A fingerprint in four groups, so that it breaks between bytes and can be read out.
pub(super) fn grouped(fingerprint: &str) -> String {
    let bytes: Vec<&str> = fingerprint.split(':').collect();
    bytes.chunks(8).map(|eight| eight.join(":")).collect::<Vec<_>>().join(" ")
}

/// The given certificate, or one from the local authority with the file to be imported.
pub(super) fn certificate(settings: &Settings, appliance: &Appliance) -> Result<(Arc<Certificate>, Option<PathBuf>), OpenError> {
    if let (Some(chain), Some(key)) = (&settings.tls_cert, &settings.tls_key) {
        return Ok((Arc::new(Certificate::from_files(chain, key).map_err(OpenError::config)?), None));
    }
    let (certificate, file) = local(settings, appliance)?;
    Ok((Arc::new(certificate), Some(file)))
}

/// A certificate from the local authority: both are made when they are not there, and the certificate when its end is near.
pub(super) fn local(settings: &Settings, appliance: &Appliance) -> Result<(Certificate, PathBuf), OpenError> {
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
    keep(&file, root.certificate.as_bytes())?;
    let hosts = host_names(settings, appliance);
    let names = format!("{}\n{}", hosts.join(" "), now().seconds());
    let kept = appliance.held("tls.leaf.names")?.and_then(|names| String::from_utf8(names.expose().clone()).ok());
    let fits = kept.as_ref().and_then(|kept| kept.split_once('\n')).is_some_and(|(before, made)| {
        before == hosts.join(" ") && !authority::is_due(made.parse().unwrap_or(0), now().seconds())
    });
    let leaf = match pair(appliance, "tls.leaf")?.filter(|_| fits) {
        Some(leaf) => leaf,
        None => {
            let leaf = authority::new_leaf(&root, &hosts, now().seconds()).map_err(wrong)?;
            hold(appliance, "tls.leaf", &leaf)?;
            appliance.hold("tls.leaf.names", names.as_bytes())?;
            leaf
        }
    };
    keep_for_unlocking(appliance, &leaf)?;
    Ok((Certificate::from_pem(leaf.certificate.as_bytes(), leaf.key.as_bytes()).map_err(OpenError::config)?, file))
}

/// The same while others are served: it makes keys and waits for the disk.
pub(super) async fn made_aside(settings: &Settings, appliance: &Arc<Appliance>) -> Result<Certificate, OpenError> {
    let (settings, appliance) = (settings.clone(), Arc::clone(appliance));
    let made = tokio::task::spawn_blocking(move || local(&settings, &appliance)).await;
    let (certificate, _) = made.map_err(|panic| OpenError { exit: 1, text: format!("The certificate could not be made: {panic}.") })??;
    Ok(certificate)
}

/// Every name under which the gate answers: those that are set, and those of the sites.
pub(super) fn host_names(settings: &Settings, appliance: &Appliance) -> Vec<String> {
    let mut names = settings.host_names();
    for host in appliance.sites().iter().flat_map(|(entry, _)| entry.hosts.clone()) {
        if !names.contains(&host) {
            names.push(host);
        }
    }
    names
}

/// Certificate and key for the page on which the passphrase is typed, in the data directory: before that the registry, where they lie
/// encrypted, is closed. Kept only where a passphrase opens the keyring.
fn keep_for_unlocking(appliance: &Appliance, leaf: &authority::Pair) -> Result<(), OpenError> {
    let file = appliance.dir().join(UNLOCKING);
    match appliance.start()? {
        Start::Passphrase => keep(&file, format!("{}{}", leaf.certificate, leaf.key).as_bytes()),
        _ if file.exists() => std::fs::remove_file(&file).map_err(|error| OpenError::file(&file, &error)),
        _ => Ok(()),
    }
}

/// The certificate for that page: as given, or as kept (with the root that signed it), or one made for this start alone, which browsers warn of.
pub(super) fn for_unlocking(settings: &Settings) -> Result<(Arc<Certificate>, Option<PathBuf>), OpenError> {
    if let (Some(chain), Some(key)) = (&settings.tls_cert, &settings.tls_key) {
        return Ok((Arc::new(Certificate::from_files(chain, key).map_err(OpenError::config)?), None));
    }
    let file = settings.data.join(UNLOCKING);
    if let Some(kept) = std::fs::read(&file).ok().and_then(|pem| Certificate::from_pem(&pem, &pem).ok()) {
        return Ok((Arc::new(kept), Some(settings.data.join("ca.pem")).filter(|root| root.exists())));
    }
    let wrong = |error: rcgen::Error| OpenError::config(format!("A certificate cannot be made: {error}."));
    let root = authority::new_root("for one start", now().seconds()).map_err(wrong)?;
    let leaf = authority::new_leaf(&root, &settings.host_names(), now().seconds()).map_err(wrong)?;
    Ok((Arc::new(Certificate::from_pem(leaf.certificate.as_bytes(), leaf.key.as_bytes()).map_err(OpenError::config)?), None))
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

/// Writes a file, unless it is there and says the same: to be durable takes a while, and most starts change nothing.
fn keep(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    match std::fs::read(path) {
        Ok(kept) if kept == bytes => Ok(()),
        _ => Ok(keys::ring::replace(path, bytes)?),
    }
}

/// Exchanges the certificate while running. Standing connections go on.
pub(super) async fn freshen(settings: Settings, appliance: Arc<Appliance>, certificate: Arc<Certificate>) {
    match (&settings.tls_cert, &settings.tls_key) {
        (Some(chain), Some(key)) => reload(chain, key, &certificate).await,
        _ => renew(&settings, &appliance, &certificate).await,
    }
}

/// Looks every day whether the certificate of the local authority is to be made again.
async fn renew(settings: &Settings, appliance: &Arc<Appliance>, certificate: &Certificate) {
    loop {
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        match made_aside(settings, appliance).await {
            Ok(fresh) if fresh.fingerprint() == certificate.fingerprint() => {}
            Ok(fresh) => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_file_is_replaced_only_by_one_that_says_something_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.pem");
        let number = || std::fs::metadata(&file).unwrap().ino();
        keep(&file, b"one").unwrap();
        let first = number();
        keep(&file, b"one").unwrap();
        assert_eq!(number(), first);
        keep(&file, b"two").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"two");
        assert!(!dir.path().join("ca.new").exists());
    }
}
