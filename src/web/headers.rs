//! The security fields of every response (OWASP ASVS 5.0 3.4).

use rocket::{
    Request, Response,
    fairing::{Fairing, Info, Kind},
};

/// Scripts, styles and pictures only from here; nothing inline; no frame; trusted types, none of them allowed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const FIELDS: [(&str, &str); 7] = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"),
    ("X-Permitted-Cross-Domain-Policies", "none"),
];

pub(super) struct Headers {
    promise_https: bool,
}

impl Headers {
    pub(super) fn new(promise_https: bool) -> Headers {
        Headers { promise_https }
    }
}

#[rocket::async_trait]
impl Fairing for Headers {
    fn info(&self) -> Info {
        Info { name: "security fields", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, _: &'r Request<'_>, response: &mut Response<'r>) {
        for (name, value) in FIELDS {
            response.set_raw_header(name, value);
        }
        for (name, value) in [("Content-Security-Policy", POLICY), ("Cache-Control", "no-store")] {
            if !response.headers().contains(name) {
                response.set_raw_header(name, value);
            }
        }
        if self.promise_https {
            response.set_raw_header("Strict-Transport-Security", "max-age=31536000; includeSubDomains");
        }
    }
}
