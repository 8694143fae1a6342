//! A place where backups go or come from, as it is typed.

use super::{Failure, passphrase};
use crate::backup::place::Place;
use clap::Args;
use std::path::{Path, PathBuf};

/// Which place.
#[derive(Args)]
#[group(multiple = false)]
pub(super) struct Typed {
    /// A directory that is always there, such as an office drive
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
    /// A removable disk, by the label of its file system
    #[arg(long, value_name = "LABEL")]
    disk: Option<String>,
    /// A folder on an SSH server, below the home of USER; with a second slash (HOST:PORT//srv/backups) from the root
    #[arg(long, value_name = "USER@HOST:PORT/PATH")]
    sftp: Option<String>,
    /// An S3 server, such as https://s3.example.net
    #[arg(long, value_name = "ENDPOINT", requires = "bucket", requires = "access_key")]
    s3: Option<String>,
}

/// What is needed besides to go there.
#[derive(Args)]
pub(super) struct Access {
    /// Folder on the disk
    #[arg(long, value_name = "NAME", default_value = "strongroom")]
    folder: String,
    /// Fingerprint of the key that the SSH server must show (SHA256:…)
    #[arg(long, value_name = "FINGERPRINT", requires = "sftp")]
    host_key: Option<String>,
    /// File with a private key for the SSH server, without a passphrase; without it the one of this installation (dest key)
    #[arg(long, value_name = "FILE", requires = "sftp")]
    identity: Option<PathBuf>,
    /// Bucket
    #[arg(long, value_name = "NAME", requires = "s3")]
    bucket: Option<String>,
    /// Folder in the bucket
    #[arg(long, value_name = "NAME", requires = "s3")]
    prefix: Option<String>,
    /// Region of the S3 server
    #[arg(long, value_name = "NAME", default_value = "us-east-1")]
    region: String,
    /// Access key; its secret is asked for, or taken from one line of standard input
    #[arg(long, value_name = "KEY", requires = "s3")]
    access_key: Option<String>,
    /// File with a certificate authority to trust besides those of this machine
    #[arg(long, value_name = "FILE", requires = "s3")]
    ca: Option<PathBuf>,
    /// Write the bucket before the host, as some providers need it
    #[arg(long, requires = "s3")]
    virtual_host: bool,
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::new(2, format!("{} cannot be read: {error}.", path.display())))
}

/// What was typed, as a place. The secret of a bucket is asked for.
pub(super) fn place(typed: &Typed, access: &Access) -> Result<Place, Failure> {
    match typed {
        Typed { dir: Some(path), .. } => {
            let path = std::path::absolute(path).map_err(|error| Failure::new(2, format!("{}: {error}.", path.display())))?;
            Ok(Place::Dir { path })
        }
        Typed { disk: Some(label), .. } => Ok(Place::Disk { label: label.clone(), folder: access.folder.clone() }),
        Typed { sftp: Some(address), .. } => sftp(address, access),
        Typed { s3: Some(endpoint), .. } => Ok(Place::S3 {
            endpoint: endpoint.clone(),
            region: access.region.clone(),
            bucket: access.bucket.clone().unwrap_or_default(),
            prefix: access.prefix.clone(),
            access_key: access.access_key.clone().unwrap_or_default(),
            secret_key: passphrase::ask("Secret key")?.expose().trim().to_owned(),
            ca: access.ca.as_deref().map(read).transpose()?,
            virtual_host: access.virtual_host,
        }),
        Typed { .. } => Err(Failure::new(2, "Say where: --dir, --disk, --sftp or --s3.")),
    }
}

fn sftp(address: &str, access: &Access) -> Result<Place, Failure> {
    let (user, host, port, path) = parts(address).ok_or_else(|| Failure::new(2, format!("“{address}” is no address of a folder. Write it as USER@HOST:PORT/PATH; the path is below the home of the user, or begins with a second slash.")))?;
    let Some(host_key) = access.host_key.clone() else {
        let shown = ship::sftp::host_key(&host, port).map_err(|error| Failure::new(69, format!("{host} does not answer at port {port}: {error}.")))?;
        return Err(Failure::new(2, format!("{host} shows the key {shown}. Ask whoever runs it whether that is right (there: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then give it with --host-key.")));
    };
    if !is_fingerprint(&host_key) {
        return Err(Failure::new(2, format!("“{host_key}” is no fingerprint of a key. It is written SHA256: and 43 letters, as ssh-keygen -lf prints it. Without --host-key this command shows what {host} answers with.")));
    }
    let key = access.identity.as_deref().map(read).transpose()?;
    if let (Some(key), Some(path)) = (&key, &access.identity) {
        ship::sftp::check_key(key).map_err(|error| Failure::new(2, format!("{}: {error}.", path.display())))?;
    }
    let key = key.unwrap_or_default();
    Ok(Place::Sftp { user, host, port, path, host_key, key })
}

/// Whether it is a SHA-256 in base64, as OpenSSH writes fingerprints.
fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("SHA256:").is_some_and(|hash| hash.len() == 43 && hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte)))
}

/// User, host, port and path of an address. IPv6 addresses stand in brackets.
fn parts(address: &str) -> Option<(String, String, u16, String)> {
    let (user, rest) = address.split_once('@')?;
    let (host, path) = rest.split_once('/')?;
    let (host, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':').map_or(Some(22), |port| port.parse().ok())?)
        }
        None => match host.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (host, 22),
        },
    };
    let filled = !user.is_empty() && !host.is_empty() && !path.is_empty();
    filled.then(|| (user.into(), host.into(), port, path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let found = |address| parts(address).map(|(user, host, port, path)| format!("{user} {host} {port} {path}"));
        for (address, expected) in [
            ("backup@nas.local:2222/strongroom", "backup nas.local 2222 strongroom"),
            ("b@h/p/q", "b h 22 p/q"),
            ("b@h//srv/backups", "b h 22 /srv/backups"),
            ("b@[2001:db8::1]:22/p", "b 2001:db8::1 22 p"),
            ("b@[::1]/p", "b ::1 22 p"),
        ] {
            assert_eq!(found(address).as_deref(), Some(expected), "{address}");
        }
        for bad in ["", "host/path", "u@h", "u@h:x/p", "u@h:70000/p", "@h/p", "u@/p", "u@h/", "u@[::1/p"] {
            assert_eq!(found(bad), None, "{bad}");
        }
    }
}
