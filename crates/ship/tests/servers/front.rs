//! What stands before a server: it takes TLS off, breaks the first connection that carries much, or lets little through.

use crate::body::free_port;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Runtime,
};
use tokio_rustls::TlsAcceptor;

pub(crate) struct Front {
    pub(crate) port: u16,
    pub(crate) certificate: String,
    broke: Arc<AtomicBool>,
    _runtime: Runtime,
}

impl Front {
    /// Speaks TLS with a certificate that nobody knows yet.
    pub(crate) fn start(behind: u16) -> Front {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_string()]).unwrap();
        let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(vec![made.cert.der().clone()], key).unwrap()));
        let mut front = Front::accept(move |near, _| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut near) = acceptor.accept(near).await else { return };
                let mut far = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            }
        });
        front.certificate = made.cert.pem();
        front
    }

    /// Breaks off once, when a connection has carried so many bytes to the server.
    pub(crate) fn breaking(behind: u16, after: u64) -> Front {
        Front::accept(move |near, broke| async move {
            let far = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
            let (mut from_near, mut to_near) = near.into_split();
            let (mut from_far, mut to_far) = far.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_far, &mut to_near).await });
            let mut carried = 0;
            let mut bytes = vec![0; 1 << 16];
            while let Ok(read) = from_near.read(&mut bytes).await
                && read > 0
            {
                carried += read as u64;
                if carried > after && !broke.swap(true, Ordering::SeqCst) {
                    return;
                }
                to_far.write_all(&bytes[..read]).await.unwrap();
            }
        })
    }

    /// Lets so many bytes a second through, each way.
    pub(crate) fn slow(behind: u16, rate: usize) -> Front {
        Front::accept(move |near, _| async move {
            let far = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
            let (from_near, to_near) = near.into_split();
            let (from_far, to_far) = far.into_split();
            tokio::join!(trickle(from_near, to_far, rate), trickle(from_far, to_near, rate));
        })
    }

    fn accept<F: Future<Output = ()> + Send + 'static>(carry: impl Fn(TcpStream, Arc<AtomicBool>) -> F + Send + 'static) -> Front {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let port = free_port();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", port))).unwrap();
        let broke = Arc::new(AtomicBool::new(false));
        let breaks = broke.clone();
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, breaks.clone()));
            }
        });
        Front { port, certificate: String::new(), broke, _runtime: runtime }
    }

    pub(crate) fn broke(&self) -> bool {
        self.broke.load(Ordering::SeqCst)
    }
}

async fn trickle(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, rate: usize) {
    let mut bytes = vec![0; rate / 10];
    while let Ok(read) = from.read(&mut bytes).await
        && read > 0
        && to.write_all(&bytes[..read]).await.is_ok()
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
