//! TLS of the gate: TLS 1.3 and 1.2 with forward-secret AEAD suites only, X25519MLKEM768 first, and a certificate that can be exchanged
//! while running (RFC 8446, RFC 9325; ASVS 12.1).

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{path::Path, sync::Arc};

/// The certificate in use. Connections that stand keep the one they began with.
#[derive(Debug)]
pub(crate) struct Certificate(ArcSwap<CertifiedKey>);

impl Certificate {
    /// From a chain and key in PEM.
    pub(crate) fn from_pem(chain: &[u8], key: &[u8]) -> Result<Certificate, String> {
        Ok(Certificate(ArcSwap::from_pointee(certified(chain, key)?)))
    }

    /// From two PEM files.
    pub(crate) fn from_files(chain: &Path, key: &Path) -> Result<Certificate, String> {
        let (chain, key) = read_pair(chain, key)?;
        Certificate::from_pem(&chain, &key)
    }

    /// Takes the files again; on an error the certificate in use stays.
    pub(crate) fn reload(&self, chain: &Path, key: &Path) -> Result<(), String> {
        let (chain, key) = read_pair(chain, key)?;
        self.0.store(Arc::new(certified(&chain, &key)?));
        Ok(())
    }

    /// Takes the place of the certificate in use, from the next connection on.
    pub(crate) fn exchange(&self, other: Certificate) {
        self.0.store(other.0.into_inner());
    }

    /// SHA-256 of the certificate, `7F:3A:…`, to be compared with what a browser shows.
    pub(crate) fn fingerprint(&self) -> String {
        let current = self.0.load();
        let digest = keys::nonce::sha256(current.cert.first().map_or(&[], |cert| cert.as_ref()));
        digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn read_pair(chain: &Path, key: &Path) -> Result<(Vec<u8>, Vec<u8>), String> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    Ok((read(chain)?, read(key)?))
}

fn certified(chain: &[u8], key: &[u8]) -> Result<CertifiedKey, String> {
    let certs: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|e| format!("The certificate is not PEM: {e}."))?;
    if certs.is_empty() {
        return Err("The certificate file holds no certificate. Give the full chain in PEM, the server's own first.".into());
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| format!("The key is not PEM: {e}."))?;
    let key = aws_lc_rs::sign::any_supported_type(&key).map_err(|e| format!("The key cannot be used: {e}."))?;
    let certified = CertifiedKey::new(certs, key);
    certified.keys_match().map_err(|_| "The key does not belong to the certificate. Give the two that were made together, the server's certificate first.")?;
    Ok(certified)
}

/// The configuration of the listener.
pub(crate) fn server_config(certificate: Arc<Certificate>) -> Result<Arc<ServerConfig>, rustls::Error> {
    // The provider's own list: AES-GCM and ChaCha20-Poly1305 with ECDHE only; key exchange X25519MLKEM768, X25519, P-256, P-384.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let mut config = ServerConfig::builder_with_provider(provider).with_protocol_versions(&versions)?.with_no_client_auth().with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}
