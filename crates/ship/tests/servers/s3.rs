//! What an S3 server may do to us.

use crate::{
    body::{Eventful, MIB, free_port, noise},
    front::Front,
    s3s::{S3s, SECRET},
};
use std::{
    cell::RefCell,
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
};
use strongroom_ship::{
    Pruner, Put, ShipError, Target,
    s3::{S3, S3Config},
};

fn refusal(config: &S3Config) -> String {
    match S3::connect(config) {
        Err(ShipError::Refused(why)) => why,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("let in"),
    }
}

#[test]
fn a_wrong_key_and_a_wrong_bucket_are_refused_in_words() {
    let server = S3s::start();
    let wrong = S3Config { secret_key: String::from("another").into(), ..server.config() };
    let why = refusal(&wrong);
    assert!(why.contains("secret key is not the one") && !why.contains("another"), "{why}");
    let unknown = S3Config { access_key: "AKNOBODY".into(), ..server.config() };
    let why = refusal(&unknown);
    assert!(!why.contains("AKNOBODY"), "{why}");
    let missing = S3Config { bucket: "drip".into(), ..server.config() };
    assert_eq!(refusal(&missing), "there is no bucket \"drip\"");
    let shown = format!("{:?}", server.config());
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn a_bucket_that_goes_away_is_no_empty_one() {
    let server = S3s::start();
    let target = server.connect();
    fs::remove_dir_all(server.folder()).unwrap();
    assert!(matches!(target.list(""), Err(ShipError::Refused(_))));
    assert!(matches!(target.locks(), Err(ShipError::Refused(_)) | Ok(None)));
}

#[test]
fn a_server_that_is_not_there_is_said() {
    let server = S3s::start();
    let config = S3Config { endpoint: format!("http://127.0.0.1:{}", free_port()), ..server.config() };
    assert!(matches!(S3::connect(&config), Err(ShipError::Io(_))));
}

#[test]
fn a_folder_of_the_bucket_keeps_to_itself() {
    let server = S3s::start();
    let one = server.connect();
    let all = S3::connect(&S3Config { prefix: None, ..server.config() }).unwrap();
    one.put_new("a", 1, &mut &b"a"[..]).unwrap();
    all.put_new("site/other", 1, &mut &b"b"[..]).unwrap();
    assert_eq!(one.list("").unwrap().len(), 1);
    assert_eq!(all.get("site/one/a", 0, 1).unwrap(), b"a");
    let names: Vec<_> = all.list("site/").unwrap().into_iter().map(|object| object.name).collect();
    assert_eq!(names, ["site/one/a", "site/other"]);
}

#[test]
fn a_long_list_is_read_to_its_end() {
    let server = S3s::start();
    let target = server.connect();
    fs::create_dir_all(server.folder().join("site/one/log")).unwrap();
    for number in 0..2500 {
        fs::write(server.folder().join(format!("site/one/log/{number:05}")), "x").unwrap();
    }
    fs::write(server.folder().join("site/one/log/with space"), "x").unwrap();
    let listed = target.list("log/").unwrap();
    assert!(listed.len() == 2500 && listed[2499].name == "log/02499");
}

#[test]
fn a_server_that_dies_during_a_put_leaves_nothing_that_is_listed() {
    let server = RefCell::new(S3s::start());
    let target = server.borrow().connect();
    let bytes = noise(40 * MIB, 5);
    let mut body = Eventful::new(&bytes, 20 * MIB, || server.borrow_mut().kill());
    let error = target.put_new("log/one", bytes.len() as u64, &mut body).unwrap_err();
    assert!(matches!(error, ShipError::Io(_)), "{error:?}");
    server.borrow_mut().resume();
    assert!(target.list("").unwrap().is_empty());
    assert_eq!(target.put_new("log/one", bytes.len() as u64, &mut &bytes[..]).unwrap(), Put::Created);
    assert!(target.get("log/one", 0, bytes.len() as u64).unwrap() == bytes);
}

#[test]
fn after_a_restart_every_call_connects_again() {
    let mut server = S3s::start();
    let target = server.connect();
    target.put_new("a", 1, &mut &b"a"[..]).unwrap();
    let mut after_restart = |call: &dyn Fn() -> bool| {
        server.kill();
        server.resume();
        assert!(call());
    };
    after_restart(&|| target.get("a", 0, 1).unwrap() == b"a");
    after_restart(&|| target.list("").unwrap().len() == 1);
    after_restart(&|| target.put_new("b", 1, &mut &b"b"[..]).unwrap() == Put::Created);
    after_restart(&|| target.put_new("b", 1, &mut &b"c"[..]).unwrap() == Put::Exists);
    after_restart(&|| target.remove("b").is_ok() && target.list("").unwrap().len() == 1);
}

#[test]
fn who_comes_first_while_a_large_object_is_on_its_way_stays() {
    let server = S3s::start();
    let target = server.connect();
    let other = server.connect();
    let bytes = noise(40 * MIB, 6);
    let mut body = Eventful::new(&bytes, 20 * MIB, || assert_eq!(other.put_new("x", 5, &mut &b"other"[..]).unwrap(), Put::Created));
    assert_eq!(target.put_new("x", bytes.len() as u64, &mut body).unwrap(), Put::Exists);
    assert_eq!(target.get("x", 0, 10).unwrap(), b"other");
}

#[test]
fn over_tls_only_a_trusted_server_is_spoken_to() {
    let server = S3s::start();
    let front = Front::start(server.port);
    let config = S3Config { endpoint: format!("https://127.0.0.1:{}", front.port), ..server.config() };
    let why = refusal(&config);
    assert!(why.contains("cannot be trusted"), "{why}");
    let trusting = S3Config { ca_pem: Some(front.certificate.clone()), ..config.clone() };
    let target = S3::connect(&trusting).unwrap();
    let bytes = noise(20 * MIB, 8);
    assert_eq!(target.put_new("a", bytes.len() as u64, &mut &bytes[..]).unwrap(), Put::Created);
    assert!(target.get("a", 0, bytes.len() as u64).unwrap() == bytes);
    let nonsense = S3Config { ca_pem: Some("no certificate".into()), ..config };
    assert!(refusal(&nonsense).contains("PEM"));
}

#[test]
fn what_breaks_off_in_the_middle_is_sent_again() {
    let server = S3s::start();
    let front = Front::breaking(server.port, 3 * MIB as u64);
    let target = S3::connect(&S3Config { endpoint: format!("http://127.0.0.1:{}", front.port), ..server.config() }).unwrap();
    let bytes = noise(12 * MIB, 9);
    assert_eq!(target.put_new("a", bytes.len() as u64, &mut &bytes[..]).unwrap(), Put::Created);
    assert!(front.broke(), "this is about a connection that breaks");
    assert!(target.get("a", 0, bytes.len() as u64).unwrap() == bytes);
}

/// A server with one bucket, which is empty and says this of its lock.
fn locked(says: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(20) {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let ask = lines.next().unwrap().unwrap();
            (&mut lines).map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            let body = match ask.contains("object-lock") {
                true => says,
                false => "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>drop</Name><Prefix></Prefix><KeyCount>0</KeyCount><MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>",
            };
            let status = if says.contains("AccessDenied") && ask.contains("object-lock") { "403 Forbidden" } else { "200 OK" };
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    port
}

#[test]
fn a_bucket_that_keeps_what_is_removed_says_for_how_long() {
    let at = |says| {
        let config = S3Config { endpoint: format!("http://127.0.0.1:{}", locked(says)), region: "eu".into(), bucket: "drop".into(), prefix: None, access_key: "A".into(), secret_key: String::from("s").into(), ca_pem: None, virtual_host: false };
        S3::connect(&config).unwrap().locks().unwrap()
    };
    let rule = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>35</Days></DefaultRetention></Rule></ObjectLockConfiguration>";
    assert_eq!(at(rule).as_deref(), Some("COMPLIANCE 35 days"));
    assert_eq!(at("<Error><Code>AccessDenied</Code></Error>"), None);
}
