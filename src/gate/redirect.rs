//! Plain HTTP: 308 to the same page over https for reading, 403 for anything that would send data.

use super::{Shared, answer, forward, limits};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch};

pub(super) async fn serve(listener: TcpListener, port: u16, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    loop {
        let taken = tokio::select! {
            taken = listener.accept() => taken,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, from)) = taken else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let Some(conn) = shared.conns.admit(from.ip()) else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(|request| {
                let response = redirect(&request, &shared, port);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(limits::HEAD).keep_alive(false).max_buf_size(limits::HEAD_BYTES);
            let _ = tokio::time::timeout(limits::READ_PAUSE, http.serve_connection(TokioIo::new(stream), service)).await;
            drop(conn);
        });
    }
}

fn redirect(request: &Request<Incoming>, shared: &Shared, port: u16) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer::response(StatusCode::FORBIDDEN);
    }
    let host = request.headers().get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or("");
    let Some(name) = forward::host_name(host).filter(|name| shared.forward.knows(name)) else {
        return answer::response(StatusCode::MISDIRECTED_REQUEST);
    };
    let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    let at = if port == 443 { name } else { format!("{name}:{port}") };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let mut response = answer::response(StatusCode::PERMANENT_REDIRECT);
    *response.body_mut() = Full::default();
    match HeaderValue::from_str(&format!("https://{at}{path}")) {
        Ok(to) => drop(response.headers_mut().insert(header::LOCATION, to)),
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response
}
