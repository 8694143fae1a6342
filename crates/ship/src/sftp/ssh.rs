//! Getting into an SSH server: who it is, who we are, and the subsystem for files.

use super::{CONNECT, SftpConfig, files::Session, runtime};
use crate::ShipError;
use russh::{
    ChannelMsg, ChannelStream,
    client::{self, AuthResult, Handle, Msg},
    keys::{
        HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate,
        ssh_key::{LineEnding, private::Ed25519Keypair},
    },
};
use std::{future::Future, io, sync::Arc};
use tokio::{net::TcpStream, time::timeout};
use zeroize::Zeroizing;

/// Makes a key pair of our own: the private key as OpenSSH writes it, and the line for `authorized_keys`.
pub fn new_key() -> Result<(Zeroizing<String>, String), ShipError> {
    let seed = Zeroizing::new(keys::nonce::random().map_err(io::Error::other)?);
    let mut key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    key.set_comment("strongroom");
    let pem = key.to_openssh(LineEnding::LF).map_err(io::Error::other)?;
    Ok((pem, key.public_key().to_openssh().map_err(io::Error::other)?))
}

/// Says what is wrong with a private key that cannot be used.
pub fn check_key(text: &str) -> Result<(), ShipError> {
    private_key(text).map(drop)
}

/// The fingerprint of the key that a server shows, for a person to compare before it is trusted.
///
/// A server with several keys shows the one that a connection will use.
pub fn host_key(host: &str, port: u16) -> Result<String, ShipError> {
    runtime()?.block_on(within(async {
        match greet(host, port, None).await {
            Err(Stopped::Shown(fingerprint)) => Ok(fingerprint),
            Err(Stopped::Ssh(error)) => Err(lost(error)),
            Ok(_) => Err(ShipError::Refused(format!("{host} showed no key"))),
        }
    }))
}

pub(super) async fn open(config: &SftpConfig) -> Result<Session, ShipError> {
    let (ssh, stream) = within(enter(config)).await?;
    Session::start(ssh, stream, &config.path).await
}

/// Whom we expect to meet. Nobody is let past who shows another key.
pub(super) struct Host {
    expected: Option<String>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The server showed this fingerprint, and we did not go on.
    Shown(String),
    Ssh(russh::Error),
}

impl From<russh::Error> for Stopped {
    fn from(error: russh::Error) -> Self {
        Stopped::Ssh(error)
    }
}

impl client::Handler for Host {
    type Error = Stopped;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Stopped> {
        let fingerprint = shown.public_key().fingerprint(HashAlg::Sha256).to_string();
        // A certificate is not what was compared, even one of the same key.
        let plain = matches!(shown, PublicKeyOrCertificate::PublicKey { .. });
        match plain && self.expected.as_ref() == Some(&fingerprint) {
            true => Ok(true),
            false => Err(Stopped::Shown(fingerprint)),
        }
    }
}

async fn greet(host: &str, port: u16, expected: Option<String>) -> Result<Handle<Host>, Stopped> {
    let stream = TcpStream::connect((host, port)).await.map_err(russh::Error::IO)?;
    // Requests are small and waited for; they must not be held back to be sent together.
    stream.set_nodelay(true).map_err(russh::Error::IO)?;
    client::connect_stream(Arc::new(client::Config::default()), stream, Host { expected }).await
}

async fn enter(config: &SftpConfig) -> Result<(Handle<Host>, ChannelStream<Msg>), ShipError> {
    let SftpConfig { user, host, port, fingerprint, .. } = config;
    let key = private_key(&config.key)?;
    let line = key.public_key().to_openssh().map_err(io::Error::other)?;
    let mut ssh = greet(host, *port, Some(fingerprint.clone())).await.map_err(|stopped| match stopped {
        Stopped::Ssh(error) => lost(error),
        Stopped::Shown(shown) => ShipError::Refused(format!(
            "{host} shows the key {shown}, but {fingerprint} was agreed on. Either the server got a new key, or this is not the server: ask whoever runs it. If the new key is right, remove the destination and add it again with that key; what lies there stays and is taken up again"
        )),
    })?;
    let ours = PrivateKeyWithHashAlg::new(Arc::new(key), None);
    if !matches!(ssh.authenticate_publickey(user, ours).await.map_err(lost)?, AuthResult::Success) {
        return Err(ShipError::Refused(format!(
            "{host} does not let {user} in with our key; add our public key to the authorized_keys of {user}: {line}"
        )));
    }
    let mut channel = ssh.channel_open_session().await.map_err(lost)?;
    channel.request_subsystem(true, "sftp").await.map_err(lost)?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => return Ok((ssh, channel.into_stream())),
            Some(ChannelMsg::WindowAdjusted { .. }) => {}
            _ => return Err(ShipError::Refused(format!("{host} lets {user} in, but offers no SFTP"))),
        }
    }
}

/// A private key that can be used without asking anybody. Fails with what is wrong with it. RSA is not among them: the library that would sign
/// with it tells the key by the time that it takes (RUSTSEC-2023-0071).
pub(super) fn private_key(text: &str) -> Result<PrivateKey, ShipError> {
    let key = PrivateKey::from_openssh(text.as_bytes())
        .map_err(|_| ShipError::Refused("the identity is not a private key as OpenSSH writes it; make one with: ssh-keygen -t ed25519 -N '' -f FILE".into()))?;
    match key.is_encrypted() {
        _ if key.algorithm().is_rsa() => Err(ShipError::Refused("the identity is an RSA key, which is not used here; make one of its own for this with: ssh-keygen -t ed25519 -N '' -f FILE".into())),
        true => Err(ShipError::Refused("the identity is protected by a passphrase, which nobody types at night; make one of its own for this with: ssh-keygen -t ed25519 -N '' -f FILE".into())),
        false => Ok(key),
    }
}

async fn within<T>(work: impl Future<Output = Result<T, ShipError>>) -> Result<T, ShipError> {
    match timeout(CONNECT, work).await {
        Ok(done) => done,
        Err(_) => Err(ShipError::Io(io::Error::new(io::ErrorKind::TimedOut, "no connection within 20 seconds"))),
    }
}

fn lost(error: russh::Error) -> ShipError {
    match error {
        russh::Error::IO(error) => ShipError::Io(error),
        error => ShipError::Io(io::Error::other(error)),
    }
}
