//! A request, checked and written anew, goes to the inner server; its response comes back as it is.

use super::{
    Inner, answer,
    conns::{Busy, Conn},
    limits,
    pace::Paced,
    seldom::Seldom,
};
use crate::gate_header;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::{
    Method, Request, Response, StatusCode, Uri, Version,
    body::{Body, Frame, Incoming, SizeHint},
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::watch;

/// Fields that belong to one connection or say where a request comes from: none of them gets through.
const DROPPED: [HeaderName; 13] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
    header::FORWARDED,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-original-url"),
];

/// Fields that a proxy adds.
const PROXIED: [&str; 4] = ["x-forwarded-for", "x-real-ip", "forwarded", "via"];

/// Response body: the inner server's, or the gate's own. The request counts as under way until it has been sent.
pub(crate) struct Out {
    body: Either<Incoming, Full<Bytes>>,
    busy: Busy,
}

impl Body for Out {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.busy.moves();
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Checks and forwards.
pub(crate) struct Forward {
    hosts: Arc<ArcSwap<Vec<String>>>,
    secret: HeaderValue,
    inner: watch::Receiver<Inner>,
    client: Client<HttpConnector, Paced<Incoming>>,
    trouble: Seldom,
}

impl Forward {
    pub(crate) fn new(hosts: Arc<ArcSwap<Vec<String>>>, secret: String, inner: watch::Receiver<Inner>) -> Forward {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .http1_max_buf_size(512 * 1024)
            .build(connector);
        let secret = HeaderValue::from_str(&secret).unwrap_or(HeaderValue::from_static(""));
        Forward { hosts, secret, inner, client, trouble: Seldom::default() }
    }

    /// Whether a host name (without port) is one of ours.
    pub(crate) fn knows(&self, host: &str) -> bool {
        self.hosts.load().iter().any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, request: Request<Incoming>, conn: &Arc<Conn>) -> Result<Response<Out>, Infallible> {
        let mut busy = conn.begin();
        let one = request.version() < Version::HTTP_2;
        let close = one && request.headers().contains_key(header::TRANSFER_ENCODING);
        let forwarded = self.forward(request, conn).await;
        busy.moves();
        let mut response = match forwarded {
            Ok(response) => response.map(|body| Out { body: Either::Left(body), busy }),
            Err(status) => answer::response(status).map(|body| Out { body: Either::Right(body), busy }),
        };
        let fields = response.headers_mut();
        fields.remove(header::CONNECTION);
        fields.remove("keep-alive");
        fields.remove(header::TRANSFER_ENCODING);
        if close {
            fields.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        *response.version_mut() = if one { Version::HTTP_11 } else { Version::HTTP_2 };
        Ok(response)
    }

    async fn forward(&self, request: Request<Incoming>, conn: &Conn) -> Result<Response<Incoming>, StatusCode> {
        let host = host_of(&request).ok_or(StatusCode::BAD_REQUEST)?;
        let name = host_name(&host).ok_or(StatusCode::MISDIRECTED_REQUEST)?;
        if !self.knows(name) {
            return Err(StatusCode::MISDIRECTED_REQUEST);
        }
        let Inner::At(at) = *self.inner.borrow() else { return Err(StatusCode::SERVICE_UNAVAILABLE) };
        if request.method() == Method::CONNECT {
            return Err(StatusCode::BAD_REQUEST);
        }
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let uri = Uri::builder().scheme("http").authority(at.to_string()).path_and_query(path).build().map_err(|_| StatusCode::BAD_REQUEST)?;
        let (parts, body) = request.into_parts();
        let mut clean = Request::new(Paced::new(body, limits::BODY_PAUSE, limits::BODY_RATE));
        *clean.uri_mut() = uri;
        *clean.headers_mut() = self.fields(parts.headers, &host, conn).ok_or(StatusCode::BAD_REQUEST)?;
        clean.headers_mut().insert(gate_header::METHOD, HeaderValue::from_str(parts.method.as_str()).map_err(|_| StatusCode::BAD_REQUEST)?);
        *clean.method_mut() = parts.method;
        self.client.request(clean).await.map_err(|error| {
            if is_timeout(&error) {
                return StatusCode::REQUEST_TIMEOUT;
            }
            if is_of_the_client(&error) {
                return StatusCode::BAD_REQUEST;
            }
            if self.trouble.is_due() {
                tracing::warn!(error = &error as &dyn std::error::Error, "a request could not be handed to the inner server");
            }
            StatusCode::SERVICE_UNAVAILABLE
        })
    }

    /// The fields that go on: the client's without those it has no say in, and ours.
    fn fields(&self, mut fields: HeaderMap, host: &str, conn: &Conn) -> Option<HeaderMap> {
        let proxied = PROXIED.iter().any(|name| fields.contains_key(*name));
        let named = fields.get_all(header::CONNECTION).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',').map(|n| n.trim().to_owned())).collect::<Vec<_>>();
        named.iter().for_each(|name| drop(fields.remove(name.as_str())));
        DROPPED.iter().for_each(|name| drop(fields.remove(name)));
        let ours = |name: &HeaderName| name.as_str().starts_with("x-forwarded") || name.as_str().starts_with("x-strongroom");
        let forged: Vec<HeaderName> = fields.keys().filter(|name| ours(name)).cloned().collect();
        forged.iter().for_each(|name| drop(fields.remove(name)));
        // HTTP/2 may carry cookies in several fields (RFC 9113, 8.2.3); HTTP/1.1 may not.
        let cookies: Vec<&str> = fields.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).collect();
        if cookies.len() > 1 {
            let joined = HeaderValue::from_str(&cookies.join("; ")).ok()?;
            fields.insert(header::COOKIE, joined);
        }
        fields.insert(header::HOST, HeaderValue::from_str(host).ok()?);
        fields.insert(gate_header::ADDRESS, HeaderValue::from_str(&conn.from.to_canonical().to_string()).ok()?);
        fields.insert(gate_header::SECRET, self.secret.clone());
        if proxied {
            fields.insert(gate_header::PROXIED, HeaderValue::from_static("1"));
        }
        Some(fields)
    }
}

/// The one host that the request names; `None` when it names none, or two that differ.
fn host_of(request: &Request<Incoming>) -> Option<String> {
    let mut fields = request.headers().get_all(header::HOST).iter();
    let (field, second) = (fields.next().and_then(|v| v.to_str().ok()), fields.next());
    match (request.uri().authority().map(|a| a.as_str()), field, second) {
        (_, _, Some(_)) => None,
        (Some(authority), Some(field), None) => (authority == field).then(|| field.to_owned()),
        (authority, field, None) => authority.or(field).map(str::to_owned),
    }
}

/// The name in `name:port`, `name`, `[v6]:port` or `[v6]`; `None` when the port is none. Any port will do: a router may
/// forward another one than ours.
pub(super) fn host_name(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, rest) = rest.split_once(']')?;
            (name, rest.strip_prefix(':'))
        }
        None => host.rsplit_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    port.is_none_or(|port| port.parse::<u16>().is_ok()).then_some(name)
}

fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether the body that the client sent broke off or was malformed.
fn is_of_the_client(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::host_name;

    #[test]
    fn host_names_are_cut_from_their_port() {
        let rows = [("a.example", Some("a.example")), ("a.example:8443", Some("a.example")), ("[::1]:443", Some("::1")), ("[::1]", Some("::1")), ("a:b", None), ("a:99999", None)];
        for (host, name) in rows {
            assert_eq!(host_name(host), name, "{host}");
        }
    }
}
