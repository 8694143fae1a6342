//! One connection to a web server, kept while it lives, and given up when nothing moves on it.

use crate::ShipError;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request,
    body::{Bytes, Incoming},
    client::conn::http1::{SendRequest, handshake},
    header::{self, HeaderName},
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// As long may it take to connect.
const CONNECT: Duration = Duration::from_secs(20);
/// As long may nothing move, either way. A transfer that moves, however slowly, is not cut.
const SILENCE: Duration = Duration::from_secs(60);

/// A request, whole in memory so that it can be sent again.
pub(super) struct Ask {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Bytes,
    /// So many bytes are read of the answer.
    pub(super) most: u64,
}

/// An answer, whatever it says.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) tag: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Why there is no answer.
pub(super) enum Lost {
    /// Another try may do better.
    Passing(io::Error),
    /// It would not.
    Lasting(ShipError),
}

impl From<Lost> for ShipError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Passing(error) => ShipError::Io(error),
            Lost::Lasting(error) => error,
        }
    }
}

/// A server, and the connection to it if there is one.
pub(super) struct Line {
    host: String,
    port: u16,
    /// What the requests call the server.
    called: String,
    tls: Option<TlsConnector>,
    open: Option<SendRequest<Full<Bytes>>>,
    moved: Arc<AtomicU64>,
}

impl Line {
    pub(super) fn new(host: &str, port: Option<u16>, secure: bool, ca_pem: Option<&str>) -> Result<Line, ShipError> {
        let called = port.map_or(host.to_string(), |port| format!("{host}:{port}"));
        let tls = match secure {
            true => Some(TlsConnector::from(Arc::new(tls(ca_pem)?))),
            false => None,
        };
        let port = port.unwrap_or(if secure { 443 } else { 80 });
        Ok(Line { host: host.trim_matches(['[', ']']).into(), port, called, tls, open: None, moved: Arc::default() })
    }

    /// Sends a request over the connection there is, or a new one. One that broke is not kept.
    pub(super) async fn send(&mut self, ask: &Ask) -> Result<Answer, Lost> {
        let mut open = match self.open.take() {
            Some(open) if !open.is_closed() => open,
            _ => timeout(CONNECT, self.connect()).await.map_err(|_| Lost::Lasting(late("no connection within 20 seconds")))??,
        };
        let mut request = Request::builder().method(ask.method.clone()).uri(&ask.target).header(header::HOST, &self.called);
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(ask.body.clone())).map_err(|error| Lost::Lasting(ShipError::Io(io::Error::other(error))))?;
        let answer = while_moving(&self.moved, async {
            open.ready().await.map_err(broken)?;
            receive(open.send_request(request).await.map_err(broken)?, ask.most).await
        })
        .await?;
        self.open = Some(open);
        Ok(answer)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Lost> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(Lost::Passing)?;
        tcp.set_nodelay(true).map_err(Lost::Passing)?;
        let tcp = Watched { tcp, moved: self.moved.clone() };
        let Some(tls) = &self.tls else {
            return spoken(tcp).await;
        };
        let name = ServerName::try_from(self.host.clone()).map_err(|error| Lost::Lasting(ShipError::Refused(error.to_string())))?;
        let tls = tls.connect(name, tcp).await.map_err(|error| match error.kind() {
            // So TLS says that it does not trust the server.
            io::ErrorKind::InvalidData => Lost::Lasting(ShipError::Refused(format!("the connection to {} cannot be trusted: {error}", self.host))),
            _ => Lost::Passing(error),
        })?;
        spoken(tls).await
    }
}

async fn spoken(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<SendRequest<Full<Bytes>>, Lost> {
    let (open, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // It ends with its sender, and what breaks it is told to the request that is on the way.
    tokio::spawn(connection);
    Ok(open)
}

async fn receive(answer: hyper::Response<Incoming>, most: u64) -> Result<Answer, Lost> {
    let status = answer.status().as_u16();
    let tag = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(String::from);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let body = Limited::new(answer.into_body(), most).collect().await.map_err(|error| match error.is::<LengthLimitError>() {
        true => Lost::Lasting(ShipError::Io(io::Error::other("the server sends more than it was asked for"))),
        false => Lost::Passing(io::Error::new(io::ErrorKind::ConnectionAborted, error)),
    })?;
    Ok(Answer { status, tag, body: body.to_bytes().into() })
}

/// Waits as long as bytes move.
async fn while_moving<T>(moved: &AtomicU64, work: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
    let mut work = pin!(work);
    loop {
        let before = moved.load(Ordering::Relaxed);
        match timeout(SILENCE, &mut work).await {
            Ok(done) => return done,
            Err(_) if moved.load(Ordering::Relaxed) != before => {}
            Err(_) => return Err(Lost::Lasting(late("no answer within 60 seconds"))),
        }
    }
}

fn late(why: &str) -> ShipError {
    ShipError::Io(io::Error::new(io::ErrorKind::TimedOut, why))
}

fn broken(error: hyper::Error) -> Lost {
    Lost::Passing(io::Error::new(io::ErrorKind::ConnectionAborted, error))
}

/// Trusts the authorities of this machine, and one more.
fn tls(ca_pem: Option<&str>) -> Result<ClientConfig, ShipError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = ca_pem {
        let bad = || ShipError::Refused("the extra certificate authority is no certificate in the form of PEM".into());
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(|_| bad())?;
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(bad());
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Counts what moves, so that slow can be told from dead.
struct Watched {
    tcp: TcpStream,
    moved: Arc<AtomicU64>,
}

impl Watched {
    fn count(&self, bytes: usize) {
        self.moved.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, buf))?;
        self.count(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.tcp).poll_write(cx, buf))?;
        self.count(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs))?;
        self.count(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
