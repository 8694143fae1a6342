//! Attacks on the front, over raw TLS.

use crate::world::{self, Server};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

type Tls = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

fn config(server: &Server) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&server.ca_file).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

fn connect_from(server: &Server, config: &Arc<rustls::ClientConfig>, from: &str) -> Tls {
    let socket = socket(server, from);
    let client = rustls::ClientConnection::new(Arc::clone(config), ServerName::try_from("localhost").unwrap()).unwrap();
    rustls::StreamOwned::new(client, socket)
}

/// A connection whose own address is `from`, one of 127.0.0.0/8.
fn socket(server: &Server, from: &str) -> TcpStream {
    let socket = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None).unwrap();
    let from: std::net::Ipv4Addr = from.parse().unwrap();
    rustix::net::bind(&socket, &std::net::SocketAddr::from((from, 0))).unwrap();
    rustix::net::connect(&socket, &std::net::SocketAddr::from(([127, 0, 0, 1], server.port()))).unwrap();
    let socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
}

fn connect(server: &Server) -> Tls {
    connect_from(server, &config(server), "127.0.0.1")
}

/// Sends bytes as they are; gives all that comes until the connection ends.
fn say(server: &Server, bytes: &[u8]) -> String {
    let mut tls = connect(server);
    tls.write_all(bytes).unwrap();
    listen(&mut tls)
}

fn listen(tls: &mut Tls) -> String {
    let mut out = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match tls.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => out.extend_from_slice(&piece[..n]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[test]
fn ambiguous_requests_are_refused_and_say_why() {
    let server = &world::shared().server;
    let end = "Host: localhost\r\nConnection: close\r\n\r\n";
    let rows: Vec<(Vec<u8>, &str)> = vec![
        (format!("GET /healthz HTTP/1.1\r\n{end}").into(), "200"),
        (b"GET /healthz HTTP/1.1\nHost: localhost\n\n".to_vec(), "400"),
        (format!("GET /healthz HTTP/1.1\r\nX: a\n{end}").into(), "400"),
        (format!("POST /sign-in HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n{end}abcd").into(), "400"),
        (format!("POST /sign-in HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n{end}0\r\n\r\n").into(), "400"),
        (format!("POST /sign-in HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n{end}0\r\n\r\n").into(), "400"),
        (format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{end}").into(), "400"),
        (b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), "400"),
        (format!("GET /{} HTTP/1.1\r\n{end}", "a".repeat(17_000)).into(), "431"),
        (format!("GET / HTTP/1.1\r\n{}{end}", "X-Y: z\r\n".repeat(101)).into(), "431"),
        (format!("CONNECT localhost:22 HTTP/1.1\r\n{end}").into(), "400"),
    ];
    for (bytes, expected) in rows {
        let answer = say(server, &bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert_eq!(status(&answer), expected, "{shown:?} got {answer}");
        assert!(expected == "200" || answer.contains("<p>"), "a sentence for {shown:?}: {answer}");
    }
}

#[test]
fn nothing_can_be_smuggled_behind_a_body() {
    let server = &world::shared().server;
    let inner = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let smuggled = format!("POST /sign-in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}");
    let answer = say(server, smuggled.as_bytes());
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "after a chunked request the connection closes: {answer}");
    let lf = format!("POST /sign-in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\n\n{inner}");
    assert!(say(server, lf.as_bytes()).matches("HTTP/1.1 200").count() == 0);
}

#[test]
fn foreign_hosts_get_421_on_both_protocols() {
    let server = &world::shared().server;
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1", ""] {
        let answer = say(server, format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
        assert!(["421", "400"].contains(&status(&answer)), "{host}: {answer}");
    }
    let answer = say(server, b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&answer), "421");
    assert!(answer.contains("does not answer under that host name"));
    let two = world::shared().anonymous().raw("/sign-in").header("Host", "evil.example").send().unwrap();
    assert!([421, 400].contains(&two.status().as_u16()), "{}", two.status());
}

#[test]
fn nobody_forges_where_they_come_from() {
    let world = world::shared();
    let priya = world.actor("Priya");
    let case = priya.open_case("Gate: forged address");
    let forged = ["X-Real-IP", "X-Forwarded-For", "Forwarded", "X-Forwarded-Host", "X-Strongroom-Gate", "True-Client-IP"];
    let mut request = priya.raw(&case);
    for name in forged {
        request = request.header(name, if name == "Forwarded" { "for=203.0.113.66" } else { "203.0.113.66" });
    }
    assert_eq!(request.header("Connection", "x-real-ip").send().unwrap().status().as_u16(), 200);
    std::thread::sleep(Duration::from_millis(300));
    let history = priya.get(&format!("{case}/history?show=every"));
    assert!(history.body.contains("127.0.0.1") && !history.body.contains("203.0.113.66"));
}

#[test]
fn slow_heads_and_slow_bodies_are_cut_in_time() {
    let server = &world::shared().server;
    let (head, body, silent) = (connect(server), connect(server), socket(server, "127.0.0.1"));
    let start = Instant::now();
    let drip = |mut tls: Tls, first: &'static [u8], each: &'static [u8]| {
        move || {
            tls.write_all(first).unwrap();
            tls.sock.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            let mut got = Vec::new();
            let mut piece = [0; 1024];
            while start.elapsed() < Duration::from_secs(40) {
                if tls.write_all(each).and_then(|()| tls.flush()).is_err() {
                    break;
                }
                match tls.read(&mut piece) {
                    Ok(0) => break,
                    Ok(n) => got.extend_from_slice(&piece[..n]),
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                    Err(_) => break,
                }
            }
            (start.elapsed(), String::from_utf8_lossy(&got).into_owned())
        }
    };
    let head = std::thread::spawn(drip(head, b"GET / HTTP/1.1\r\n", b"X: y\r\n"));
    let body = std::thread::spawn(drip(body, b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\n", b"a"));
    let silent = std::thread::spawn(move || {
        let mut silent = silent;
        let _ = silent.read(&mut [0; 16]);
        start.elapsed()
    });
    let (took, answer) = head.join().unwrap();
    assert!(took < Duration::from_secs(14), "a slow head was held for {took:?}");
    assert!(answer.is_empty() || status(&answer) == "408", "{answer}");
    let (took, answer) = body.join().unwrap();
    assert!(took < Duration::from_secs(22), "a slow body was held for {took:?}");
    assert!(answer.is_empty() || ["408", "403", "503"].contains(&status(&answer)), "{answer}");
    let took = silent.join().unwrap();
    assert!(took < Duration::from_secs(14), "a silent connection was held for {took:?}");
}

#[test]
fn ten_thousand_idle_connections_do_not_keep_others_out() {
    let server = Server::new(&[]);
    let limit = rlimit::increase_nofile_limit(12_500).unwrap();
    assert!(limit >= 11_000, "this test needs 11,000 descriptors, and the system gives {limit}");
    let tls = config(&server);
    let held: Vec<Tls> = (0..10_000)
        .map(|n| {
            let from = format!("127.0.{}.{}", 1 + n / 200, 1 + n % 200);
            let mut conn = connect_from(&server, &tls, &from);
            while conn.conn.is_handshaking() {
                conn.conn.complete_io(&mut conn.sock).unwrap();
            }
            conn
        })
        .collect();
    let browser = server.browser();
    let mut times: Vec<Duration> = (0..100)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(browser.get("/sign-in").status, 200);
            start.elapsed()
        })
        .collect();
    times.sort();
    assert!(times[98] < Duration::from_secs(1), "{:?}", times[98]);
    drop(held);
}

#[test]
fn one_address_has_its_share_and_no_more() {
    let server = Server::new(&[]);
    let tls = config(&server);
    let mut held = Vec::new();
    for _ in 0..256 {
        let mut conn = connect_from(&server, &tls, "127.9.9.9");
        conn.conn.complete_io(&mut conn.sock).unwrap();
        held.push(conn);
    }
    let mut more = connect_from(&server, &tls, "127.9.9.9");
    assert!(more.conn.complete_io(&mut more.sock).is_err(), "the 257th from one address");
    let mut other = connect_from(&server, &tls, "127.9.9.8");
    assert!(other.conn.complete_io(&mut other.sock).is_ok(), "another address is let in");
}

#[test]
fn plain_http_is_led_to_https_and_takes_no_data() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::new(&["--http-port", &port.to_string()]);
    let client = reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let got = client.get(format!("http://localhost:{port}/cases?q=a")).send().unwrap();
    assert_eq!(got.status().as_u16(), 308);
    assert_eq!(got.headers()["location"], format!("https://localhost:{}/cases?q=a", server.port()));
    assert_eq!(client.post(format!("http://localhost:{port}/sign-in")).body("email=a").send().unwrap().status().as_u16(), 403);
    assert_eq!(client.get(format!("http://localhost:{port}/")).header("Host", "evil.example").send().unwrap().status().as_u16(), 421);
}

#[test]
fn the_handshake_is_hybrid_and_old_protocols_are_not_spoken() {
    let server = &world::shared().server;
    let mut tls = connect(server);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock).unwrap();
    }
    assert_eq!(tls.conn.negotiated_key_exchange_group().unwrap().name(), rustls::NamedGroup::X25519MLKEM768);
    assert_eq!(tls.conn.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    // A TLS 1.0 ClientHello is answered with an alert.
    let mut old = socket(server, "127.0.0.1");
    let hello = [&[22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1][..], &[7; 32], &[0, 0, 2, 0, 47, 1, 0]].concat();
    old.write_all(&hello).unwrap();
    let mut answer = [0; 7];
    let n = old.read(&mut answer).unwrap();
    assert!(n >= 1 && answer[0] == 21, "an alert: {answer:?}");
}

#[test]
fn a_certificate_is_exchanged_without_a_dropped_connection() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    let make = || {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(&chain, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        made.cert.der().to_vec()
    };
    let first = make();
    let data = dir.path().join("data");
    let server = Server::with_certificate(&data, &chain, &key);
    let connect = || {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&chain).unwrap()).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
        connect_from(&server, &Arc::new(config), "127.0.0.1")
    };
    let ask = |tls: &mut Tls| {
        tls.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut piece = [0; 2048];
        let n = tls.read(&mut piece).unwrap();
        assert!(piece[..n].starts_with(b"HTTP/1.1 200"));
    };
    let mut standing = connect();
    ask(&mut standing);
    assert_eq!(standing.conn.peer_certificates().unwrap()[0].as_ref(), first);
    let second = make();
    assert!(std::process::Command::new("kill").args(["-HUP", &server.pid().to_string()]).status().unwrap().success());
    std::thread::sleep(Duration::from_millis(500));
    ask(&mut standing);
    let mut fresh = connect();
    ask(&mut fresh);
    assert_eq!(fresh.conn.peer_certificates().unwrap()[0].as_ref(), second);
}
