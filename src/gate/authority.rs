//! The local certificate authority: used when no certificate is given. Its root stands in the data directory to be imported; its key,
//! like the leaf's, is kept in the encrypted registry.

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// Days for which a leaf is valid: within what browsers take.
const LEAF_DAYS: u64 = 397;
const ROOT_DAYS: u64 = 3650;

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A new root. `now` in seconds since 1970; `name` tells it from others in a browser's list.
pub(crate) fn new_root(name: &str, now: u64) -> Result<Pair, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(&format!("Strongroom local authority {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, now, ROOT_DAYS);
    let key = KeyPair::generate()?;
    Ok(Pair { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() })
}

/// A leaf for `hosts` (names and addresses), signed by `root`. The chain holds both certificates.
pub(crate) fn new_leaf(root: &Pair, hosts: &[String], now: u64) -> Result<Pair, rcgen::Error> {
    let issuer = Issuer::from_ca_cert_pem(&root.certificate, KeyPair::from_pem(&root.key)?)?;
    let mut params = CertificateParams::new(hosts.to_vec())?;
    params.distinguished_name = subject("Strongroom");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, now, LEAF_DAYS);
    let key = KeyPair::generate()?;
    let leaf = params.signed_by(&key, &issuer)?;
    Ok(Pair { certificate: format!("{}{}", leaf.pem(), root.certificate), key: key.serialize_pem() })
}

fn subject(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

fn valid(params: &mut CertificateParams, now: u64, days: u64) {
    let day = |days: u64| std::time::Duration::from_secs(days * 86_400);
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(now);
    params.not_before = (at - day(1)).into();
    params.not_after = (at + day(days)).into();
}

/// Whether a leaf made at `made` (seconds since 1970) is to be made again: 60 days before its end.
pub(crate) fn is_due(made: u64, now: u64) -> bool {
    now > made + (LEAF_DAYS - 60) * 86_400 || now + 86_400 < made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_fits_its_key_and_names_its_hosts() {
        let root = new_root("test", 1_800_000_000).unwrap();
        let leaf = new_leaf(&root, &["localhost".into(), "127.0.0.1".into(), "::1".into()], 1_800_000_000).unwrap();
        assert_eq!(leaf.certificate.matches("BEGIN CERTIFICATE").count(), 2);
        crate::gate::tls::Certificate::from_pem(leaf.certificate.as_bytes(), leaf.key.as_bytes()).unwrap();
        let other = new_leaf(&root, &["localhost".into()], 1_800_000_000).unwrap();
        assert!(crate::gate::tls::Certificate::from_pem(leaf.certificate.as_bytes(), other.key.as_bytes()).is_err());
        assert!(!is_due(1_800_000_000, 1_800_000_000 + 300 * 86_400) && is_due(1_800_000_000, 1_800_000_000 + 340 * 86_400));
    }
}
