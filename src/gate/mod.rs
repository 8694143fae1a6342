//! The gate: the only listener on the network. TLS, limits, host names, and a clean request for what stands behind it.
//!
//! It speaks HTTP/1.1 and HTTP/2 to the world and forwards each request, written anew, over loopback to the inner server. Nothing of
//! what a client wrote about where it comes from gets through, and the inner server answers only requests that carry the secret that
//! the gate draws at every start. The gate knows nothing of pages, sessions or the database.

mod answer;
pub(crate) mod authority;
mod conns;
mod forward;
mod guard;
mod head;
mod pace;
mod redirect;
mod seldom;
pub(crate) mod tls;

use arc_swap::ArcSwap;
use conns::Conns;
use forward::Forward;
use seldom::Seldom;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Limits of the front (OWASP ASVS 5.0 12.1, 13.2; slow-client attacks).
pub(crate) mod limits {
    use std::time::Duration;

    /// For the TLS handshake.
    pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);
    /// From the first byte of a request's head to its last.
    pub(crate) const HEAD: Duration = Duration::from_secs(10);
    /// A connection on which nothing was asked for so long is closed.
    pub(crate) const IDLE: Duration = Duration::from_secs(75);
    /// Bytes of a request's head.
    pub(crate) const HEAD_BYTES: usize = 16 * 1024;
    /// Fields in a request's head.
    pub(crate) const FIELDS: usize = 100;
    /// A request body may pause so long …
    pub(crate) const BODY_PAUSE: Duration = Duration::from_secs(15);
    /// … and must bring so many bytes a second on average.
    pub(crate) const BODY_RATE: u64 = 1024;
    /// A response may be left unread so long …
    pub(crate) const READ_PAUSE: Duration = Duration::from_secs(30);
    /// … and must be read at so many bytes a second on average.
    pub(crate) const READ_RATE: u64 = 4096;
    /// An answer of which nothing has moved for so long is given up with its connection.
    pub(crate) const STALL: Duration = Duration::from_secs(120);
    /// Connections from one address.
    pub(crate) const PER_ADDRESS: usize = 256;
    /// Connections in all; beyond it the one that has been idle longest gives way.
    pub(crate) const IN_ALL: usize = 12_000;
    /// HTTP/2 streams on one connection.
    pub(crate) const STREAMS: u32 = 64;
    /// How long requests may go on after the order to stop.
    pub(crate) const FAREWELL: Duration = Duration::from_secs(8);
}

/// Where the inner server is, once it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inner {
    /// Not yet, or not any more: the maintenance page is shown.
    Away,
    /// Listening here, on loopback.
    At(SocketAddr),
}

/// What the gate is told at start.
pub(crate) struct Plan {
    /// Host names that are answered; others get 421.
    pub(crate) hosts: Arc<ArcSwap<Vec<String>>>,
    /// Known only to the gate and the inner server; new at every start.
    pub(crate) secret: String,
    /// Certificate and key, exchangeable while running.
    pub(crate) certificate: Arc<tls::Certificate>,
    /// Where the inner server is.
    pub(crate) inner: watch::Receiver<Inner>,
}

/// The gate with its port taken.
pub(crate) struct Gate {
    listener: TcpListener,
    plain: Option<TcpListener>,
    shared: Arc<Shared>,
}

struct Shared {
    forward: Forward,
    conns: Arc<Conns>,
    tls: tokio_rustls::TlsAcceptor,
}

impl Gate {
    /// Takes the port, and the one for plain HTTP if there is to be one.
    pub(crate) async fn bind(at: SocketAddr, plain: Option<SocketAddr>, plan: Plan) -> io::Result<Gate> {
        let listener = TcpListener::bind(at).await?;
        let plain = match plain {
            Some(at) => Some(TcpListener::bind(at).await?),
            None => None,
        };
        let tls = tls::server_config(plan.certificate).map_err(io::Error::other)?.into();
        let shared = Shared { forward: Forward::new(plan.hosts, plan.secret, plan.inner), conns: Arc::default(), tls };
        Ok(Gate { listener, plain, shared: Arc::new(shared) })
    }

    /// The address that was taken.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` turns true, then lets running requests end.
    pub(crate) async fn serve(self, mut stop: watch::Receiver<bool>) {
        let port = self.address().map_or(443, |at| at.port());
        if let Some(plain) = self.plain {
            tokio::spawn(redirect::serve(plain, port, Arc::clone(&self.shared), stop.clone()));
        }
        tokio::spawn(conns::sweep(Arc::downgrade(&self.shared.conns)));
        let trouble = Seldom::default();
        loop {
            let taken = tokio::select! {
                taken = self.listener.accept() => taken,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match taken {
                Ok((stream, from)) => take(&self.shared, stream, from, stop.clone()),
                // Out of descriptors, or the client was gone already: breathe, then go on.
                Err(error) => {
                    if trouble.is_due() {
                        tracing::warn!(%error, "a connection could not be taken");
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        let _ = tokio::time::timeout(limits::FAREWELL, self.shared.conns.all_gone()).await;
    }
}

/// Takes one connection, if its address has not too many already.
fn take(shared: &Arc<Shared>, stream: TcpStream, from: SocketAddr, stop: watch::Receiver<bool>) {
    let Some(conn) = shared.conns.admit(from.ip()) else { return };
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let _ = stream.set_nodelay(true);
        let served = async {
            let handshake = tokio::time::timeout(limits::HANDSHAKE, shared.tls.accept(stream)).await;
            if let Ok(Ok(stream)) = handshake {
                speak(&shared, stream, &conn, stop).await;
            }
        };
        tokio::select! {
            () = served => {}
            () = conn.dismissed() => {}
        }
    });
}

async fn speak(shared: &Arc<Shared>, stream: tokio_rustls::server::TlsStream<TcpStream>, conn: &Arc<conns::Conn>, mut stop: watch::Receiver<bool>) {
    let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = {
        let (shared, conn) = (Arc::clone(shared), Arc::clone(conn));
        hyper::service::service_fn(move |request| {
            let (shared, conn) = (Arc::clone(&shared), Arc::clone(&conn));
            async move { shared.forward.answer(request, &conn).await }
        })
    };
    let io = TokioIo::new(guard::Guarded::new(stream, Arc::clone(conn), !two));
    if two {
        let mut http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new()).max_concurrent_streams(limits::STREAMS).max_header_list_size(limits::HEAD_BYTES as u32);
        http.max_pending_accept_reset_streams(20).max_local_error_reset_streams(64);
        http.initial_stream_window_size(1 << 20).initial_connection_window_size(4 << 20).max_send_buf_size(1 << 20).max_frame_size(64 * 1024);
        let mut served = std::pin::pin!(http.serve_connection(io, service));
        tokio::select! {
            _ = served.as_mut() => return,
            _ = stop.wait_for(|stop| *stop) => served.as_mut().graceful_shutdown(),
        }
        let _ = served.await;
    } else {
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits::IDLE).max_buf_size(256 * 1024).max_headers(limits::FIELDS + 4);
        let mut served = std::pin::pin!(http.serve_connection(io, service));
        tokio::select! {
            _ = served.as_mut() => return,
            _ = stop.wait_for(|stop| *stop) => served.as_mut().graceful_shutdown(),
        }
        let _ = served.await;
    }
}
