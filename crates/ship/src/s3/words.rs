//! What the configuration and the answers of an S3 server mean, in words. Of an answer only its code is repeated: the rest may name keys.

use super::S3Config;
use crate::ShipError;
use rusty_s3::{Bucket, UrlStyle};
use std::{io, net::IpAddr};

/// The bucket of a configuration, if what it says can be used.
pub(super) fn bucket(config: &S3Config) -> Result<Bucket, ShipError> {
    let refused = |why: &str| ShipError::Refused(format!("{:?} {why}", config.endpoint));
    let scheme = config.endpoint.split_once("://").map(|(scheme, _)| scheme);
    if !matches!(scheme, Some("https" | "http")) {
        return Err(refused("is no address of an S3 server: it begins with https://"));
    }
    let endpoint = config.endpoint.parse().map_err(|_| refused("is no address of an S3 server"))?;
    let style = if config.virtual_host { UrlStyle::VirtualHost } else { UrlStyle::Path };
    let bucket = Bucket::new(endpoint, style, config.bucket.clone(), config.region.clone())
        .map_err(|error| ShipError::Refused(format!("there can be no bucket {:?}: {error}", config.bucket)))?;
    let host = bucket.base_url().host_str().unwrap_or_default();
    let here = host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    match scheme == Some("https") || here {
        true => Ok(bucket),
        false => Err(refused("would be spoken to in the open: only a server on this machine needs no https://")),
    }
}

/// Why a server did not do what it was asked.
pub(super) fn why(status: u16, text: &str, bucket: &str) -> ShipError {
    let code = code(text);
    let full = ["Quota", "StorageFull", "StorageCap", "CapExceeded", "InsufficientStorage"].iter().any(|word| code.contains(word));
    let sentence = match (status, code) {
        (507, _) => return ShipError::Full,
        _ if full => return ShipError::Full,
        (_, "NoSuchBucket") => format!("there is no bucket {bucket:?}"),
        (_, "SignatureDoesNotMatch") => "the secret key is not the one of the access key (SignatureDoesNotMatch)".into(),
        (_, "InvalidAccessKeyId") => "the server does not know the access key (InvalidAccessKeyId)".into(),
        // The address of a request is signed for an hour, so that nothing else can have run out.
        (_, "RequestTimeTooSkewed") => clocks(code),
        (_, "AccessDenied") if text.contains("has expired") || text.contains("not yet valid") => clocks(code),
        (_, "AccessDenied") => format!("the access key does not give us the right to do that in the bucket {bucket:?} (AccessDenied)"),
        (_, "ExpiredToken" | "TokenRefreshRequired") => format!("the access key has expired ({code})"),
        (_, "PermanentRedirect" | "AuthorizationHeaderMalformed") | (301 | 307 | 308, _) => {
            format!("the bucket {bucket:?} is in another region or at another address ({})", shown(status, code))
        }
        (401 | 403, _) => format!("the server does not let us in ({})", shown(status, code)),
        _ => return ShipError::Io(io::Error::other(format!("the S3 server answers {}", shown(status, code)))),
    };
    ShipError::Refused(sentence)
}

fn clocks(code: &str) -> String {
    format!("the clocks of the server and of this machine differ too much ({code})")
}

fn shown(status: u16, code: &str) -> String {
    match code {
        "" => status.to_string(),
        code => format!("{status} {code}"),
    }
}

/// The code in an error; empty if there is none, as in an answer to a look that has no body.
pub(super) fn code(text: &str) -> &str {
    element(text, "Code").filter(|code| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric())).unwrap_or_default()
}

/// The default retention in the answer to `?object-lock`.
pub(super) fn retention(text: &str) -> Option<String> {
    let mode = element(text, "Mode").filter(|mode| mode.bytes().all(|b| b.is_ascii_uppercase()))?;
    let count = |unit| element(text, unit)?.parse::<u32>().ok();
    match (count("Days"), count("Years")) {
        (Some(days), _) => Some(format!("{mode} {days} days")),
        (_, Some(years)) => Some(format!("{mode} {years} years")),
        _ => None,
    }
}

/// The text of the first element of that name. These answers are flat enough that no more of XML is needed.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(endpoint: &str) -> S3Config {
        S3Config {
            endpoint: endpoint.into(),
            region: "eu-central-1".into(),
            bucket: "drop".into(),
            prefix: None,
            access_key: "AK".into(),
            secret_key: String::from("very secret").into(),
            ca_pem: None,
            virtual_host: false,
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_open() {
        for good in ["https://s3.example.org", "http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost:9000"] {
            assert!(bucket(&config(good)).is_ok(), "{good}");
        }
        for bad in ["http://s3.example.org", "http://127.0.0.1.example.org", "http://10.0.0.1", "ftp://x", "s3.example.org", "https://", ""] {
            assert!(matches!(bucket(&config(bad)), Err(ShipError::Refused(_))), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", config("https://s3.example.org"));
        assert!(!shown.contains("very secret") && !shown.contains("AK"), "{shown}");
    }

    #[test]
    fn an_answer_is_told_in_words_and_by_its_code_alone() {
        let error = |code: &str| format!("<Error><Code>{code}</Code><Message>AKIAEXAMPLE</Message></Error>");
        for (status, text, words) in [
            (403, error("SignatureDoesNotMatch"), "secret key"),
            (403, error("InvalidAccessKeyId"), "does not know"),
            (404, error("NoSuchBucket"), "there is no bucket \"drop\""),
            (403, error("RequestTimeTooSkewed"), "clocks"),
            (403, String::new(), "(403)"),
            (301, error("PermanentRedirect"), "region"),
        ] {
            let ShipError::Refused(told) = why(status, &text, "drop") else { panic!("{text}") };
            assert!(told.contains(words) && !told.contains("AKIA"), "{told}");
        }
        let late = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
        assert!(why(403, late, "drop").to_string().contains("clocks"));
        assert!(matches!(why(507, "", "drop"), ShipError::Full));
        assert!(matches!(why(403, &error("QuotaExceeded"), "drop"), ShipError::Full));
        assert!(matches!(why(500, &error("InternalError"), "drop"), ShipError::Io(_)));
        assert_eq!(code("<Error><Code>rm -rf \u{1b}[31m</Code></Error>"), "");
    }

    #[test]
    fn the_retention_of_a_bucket_is_read() {
        let rule = |inner: &str| format!("<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>{inner}</ObjectLockConfiguration>");
        let kept = rule("<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>30</Days></DefaultRetention></Rule>");
        assert_eq!(retention(&kept).as_deref(), Some("GOVERNANCE 30 days"));
        assert_eq!(retention(&rule("")), None);
    }
}
