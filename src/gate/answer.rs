//! What the gate says itself: short plain pages for requests that do not get through, and the maintenance page.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, header};

/// Title and sentence for a status that the gate gives.
fn words(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("Bad request", "The request is not well-formed, and was not passed on. Try again with an ordinary browser."),
        403 => ("Not over plain HTTP", "This address takes no data over plain HTTP. Nothing was kept. Use the address that begins with https."),
        408 => ("Too slow", "The request did not arrive in time and nothing of it was kept. Check your connection and try again."),
        421 => ("Unknown host name", "This server does not answer under that host name. Check the address, or ask your system administrator to add the name."),
        431 => ("Request head too large", "The browser sent more header data than is allowed. Clear the cookies of this site and try again."),
        _ => ("Back in a moment", "Strongroom is starting or under maintenance. Nothing is lost. Try again in a minute."),
    }
}

/// A whole page for `status`, without style: it must not need anything else from here.
fn page(status: u16) -> String {
    let (title, sentence) = words(status);
    format!(
        "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title} – Strongroom</title></head>\
         <body><main><h1>{title}</h1><p>{sentence}</p></main></body></html>\n"
    )
}

/// The page as a response.
pub(crate) fn response(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page(status.as_u16()))));
    *response.status_mut() = status;
    let fields = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fields {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
    }
    response
}

/// The page as the bytes of an HTTP/1.1 response that ends the connection.
pub(crate) fn raw(status: u16) -> Vec<u8> {
    let (title, _) = words(status);
    let body = page(status);
    format!(
        "HTTP/1.1 {status} {title}\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
