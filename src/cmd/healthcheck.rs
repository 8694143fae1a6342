//! `healthcheck`: whether a server on this machine is ready. For containers, service managers and scripts.

use super::{Failure, print, runtime};
use crate::config::{self, Flags};
use clap::Args;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[derive(Args)]
pub(super) struct Healthcheck {
    #[command(flatten)]
    flags: Flags,
}

const NOT_RUNNING: u8 = 69;

impl Healthcheck {
    pub(super) fn run(self) -> Result<(), Failure> {
        let settings = config::load(&self.flags)?;
        let bind = if settings.bind.is_unspecified() { [127, 0, 0, 1].into() } else { settings.bind };
        let at = SocketAddr::new(bind, settings.port);
        let asked = runtime()?.block_on(async { tokio::time::timeout(Duration::from_secs(5), ask(at)).await });
        match asked {
            Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 200") => print("ready\n"),
            Ok(Ok(answer)) => {
                let reason = answer.split("\r\n\r\n").nth(1).unwrap_or("no answer").trim().to_owned();
                Err(Failure::new(1, format!("{at} answers, but: {reason}")))
            }
            Ok(Err(error)) => Err(Failure::new(NOT_RUNNING, format!("Nothing answers at {at}: {error}. Start it with: strongroom serve, or give --port."))),
            Err(_) => Err(Failure::new(NOT_RUNNING, format!("{at} does not answer within 5 seconds. If it serves at another port, give --port."))),
        }
    }
}

async fn ask(at: SocketAddr) -> std::io::Result<String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(schemes)))
        .with_no_client_auth();
    let stream = TcpStream::connect(at).await?;
    let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Takes any certificate: the question is only whether our own server, on this machine, answers; nothing is sent that is worth stealing.
#[derive(Debug)]
struct AnyCertificate(Vec<SignatureScheme>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(&self, _: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: &ServerName<'_>, _: &[u8], _: UnixTime) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(&self, _: &[u8], _: &CertificateDer<'_>, _: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(&self, _: &[u8], _: &CertificateDer<'_>, _: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}
