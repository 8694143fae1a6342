//! The socket in the data directory: on one side a running server, on the other a command. One line asks, one line answers; before the answer
//! to what takes long come lines that say how far it is.

use super::order::{Answer, Doer, Failure, Order};
use rules::Secret;
use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    os::{
        fd::AsRawFd,
        unix::{fs::PermissionsExt, net::UnixStream as Caller},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::error::OpenError;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::timeout,
};

const NAME: &str = "control.sock";
/// Bytes of `sun_path` with the zero at its end (unix(7)).
const SUN_PATH: usize = 108;
/// Longest order, in bytes.
const ORDER_MAX: usize = 64 * 1024;
/// Longest answer, in bytes: that of a list of some ten thousand accounts.
const ANSWER_MAX: u64 = 16 * 1024 * 1024;
/// Orders that are taken at the same time.
const AT_ONCE: u32 = 8;
/// How long an order may take to come, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a command waits for its answer: changing the root key behind a slow disk is the longest.
const WORK: Duration = Duration::from_secs(120);
/// How often whoever waits is told that it goes on.
const BEAT: Duration = Duration::from_secs(1);
/// What stands before how far it is.
const STILL: &str = "still: ";

/// A path to the socket that fits. A directory whose path is too long is gone through by its descriptor, which must stay open meanwhile.
struct Reach {
    path: PathBuf,
    _through: Option<File>,
}

fn reach(dir: &Path) -> io::Result<Reach> {
    let path = dir.join(NAME);
    if path.as_os_str().len() < SUN_PATH {
        return Ok(Reach { path, _through: None });
    }
    let through = File::open(dir)?;
    let path = Path::new("/proc/self/fd").join(through.as_raw_fd().to_string()).join(NAME);
    Ok(Reach { path, _through: Some(through) })
}

/// Takes orders at the socket of `dir` from now on, until `stopping` becomes true and the last answer was given. Must be called in a
/// runtime. Fails with 75 when another server takes orders there.
pub(crate) fn serve(dir: &Path, doer: Arc<dyn Doer>, stopping: watch::Receiver<bool>) -> Result<JoinHandle<()>, OpenError> {
    let listener = bind(dir)?;
    Ok(tokio::spawn(take_orders(listener, dir.join(NAME), doer, stopping)))
}

fn bind(dir: &Path) -> Result<UnixListener, OpenError> {
    let file = dir.join(NAME);
    let fail = |error: io::Error| OpenError::file(&file, &error);
    let reach = reach(dir).map_err(fail)?;
    match Caller::connect(&reach.path) {
        Ok(_) => return Err(OpenError { exit: 75, text: format!("{} is in use by another Strongroom. Stop that one, or give another --data.", dir.display()) }),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        // Nobody listens: it was left by a server that was killed.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(&file).map_err(fail)?,
        Err(error) => return Err(fail(error)),
    }
    let listener = UnixListener::bind(&reach.path).map_err(fail)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).map_err(fail)?;
    Ok(listener)
}

async fn take_orders(listener: UnixListener, file: PathBuf, doer: Arc<dyn Doer>, mut stopping: watch::Receiver<bool>) {
    let turns = Arc::new(Semaphore::new(AT_ONCE as usize));
    loop {
        let next = async {
            let turn = Arc::clone(&turns).acquire_owned().await;
            (turn, listener.accept().await)
        };
        let (turn, accepted) = tokio::select! {
            next = next => next,
            () = stop(&mut stopping) => break,
        };
        match (turn, accepted) {
            (Ok(turn), Ok((stream, _))) => {
                tokio::spawn(converse(stream, turn, Arc::clone(&doer), stopping.clone()));
            }
            // Out of descriptors, most likely: they come back.
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    // The file first: a server that starts now must not find one at which nobody listens, and then lose its own to us.
    let _ = fs::remove_file(&file);
    drop(listener);
    let _ = turns.acquire_many(AT_ONCE).await;
}

async fn stop(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// One order and its answer. The turn is given back at the end.
async fn converse(mut stream: UnixStream, turn: OwnedSemaphorePermit, doer: Arc<dyn Doer>, mut stopping: watch::Receiver<bool>) {
    let heard = tokio::select! {
        heard = timeout(PATIENCE, hear(&mut stream)) => heard,
        () = stop(&mut stopping) => return,
    };
    let answer = match heard {
        Ok(Ok(Some(order))) => perform(&mut stream, doer.as_ref(), order).await,
        Ok(Err(failure)) => Err(failure),
        Ok(Ok(None)) | Err(_) => return,
    };
    if let Ok(line) = serde_json::to_string(&answer).map(Secret::new) {
        let _ = timeout(PATIENCE, say(&mut stream, line.expose())).await;
    }
    drop(turn);
}

/// Has an order carried out; while that takes long, says how far it is, so that whoever waits knows that somebody is at it. An order goes
/// on when nobody listens any more.
async fn perform(stream: &mut UnixStream, doer: &dyn Doer, order: Order) -> Answer {
    let mut work = doer.perform(order);
    loop {
        match timeout(BEAT, &mut work).await {
            Ok(answer) => return answer,
            Err(_) => {
                let words = doer.progress().unwrap_or_default();
                let line = format!("{STILL}{words}\n");
                let _ = timeout(PATIENCE, stream.write_all(line.as_bytes())).await;
            }
        }
    }
}

async fn say(stream: &mut UnixStream, line: &str) -> io::Result<()> {
    stream.write_all(line.as_bytes()).await?;
    stream.write_all(b"\n").await?;
    stream.shutdown().await
}

/// The order, once it came whole from somebody who may give one; `None` when nobody asked anything.
async fn hear(stream: &mut UnixStream) -> Result<Option<Order>, Failure> {
    // As much room as it may need, so that no copy of a passphrase is left behind by growing.
    let mut line = Vec::with_capacity(ORDER_MAX);
    while line.last() != Some(&b'\n') && line.len() < ORDER_MAX {
        match stream.read_buf(&mut line).await {
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(Failure::new(1, format!("The order cannot be read: {error}."))),
        }
    }
    let line = Secret::new(line);
    let peer = stream.peer_cred().map_err(|error| Failure::new(1, format!("Who asks cannot be found out: {error}.")))?;
    if ![0, rustix::process::geteuid().as_raw()].contains(&peer.uid()) {
        tracing::warn!(uid = peer.uid(), "an order from another user was refused");
        return Err(Failure::new(77, "Only the user who runs the server, or root, gives it orders."));
    }
    let text = line.expose().strip_suffix(b"\n").ok_or_else(|| Failure::new(2, "The order was cut off, or is too long."))?;
    // The parser's own words may repeat what was sent.
    let order = serde_json::from_slice(text).map_err(|_| Failure::new(2, "The server does not know this order. It may be of another version than the command: run `strongroom version` and restart the server."));
    order.map(Some)
}

/// Asks the server that runs on `dir`. `None` when none does. `tell` hears how far it is, now and then.
pub(crate) fn ask(dir: &Path, order: &Order, tell: &mut dyn FnMut(&str)) -> Result<Option<Answer>, Failure> {
    let Some(mut stream) = connect(dir)? else { return Ok(None) };
    let line = serde_json::to_string(order).map(Secret::new).map_err(|error| Failure::new(1, error.to_string()))?;
    let limits = stream.set_read_timeout(Some(WORK)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
    let sent = limits.and_then(|()| stream.write_all(line.expose().as_bytes())).and_then(|()| stream.write_all(b"\n"));
    let mut text = String::new();
    let heard = sent.and_then(|()| listen(&stream, &mut text, tell));
    heard.map_err(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Failure::new(75, "The server takes too long to answer. Look into its log before you try again."),
        _ => Failure::new(1, format!("The server ended before it answered: {error}. Look into its log.")),
    })?;
    let text = Secret::new(text);
    let answer = serde_json::from_str(text.expose()).map_err(|_| Failure::new(1, "The server gave no whole answer. Look into its log before you try again."));
    answer.map(Some)
}

/// Reads lines until one is the answer, which is what is left in `text`.
fn listen(stream: &Caller, text: &mut String, tell: &mut dyn FnMut(&str)) -> io::Result<()> {
    let mut lines = BufReader::new(stream.take(ANSWER_MAX));
    loop {
        text.clear();
        lines.read_line(text)?;
        match text.strip_prefix(STILL) {
            Some(words) => tell(words.trim_end()),
            None => return Ok(()),
        }
    }
}

/// Whether a server takes orders at `dir`.
pub(crate) fn is_served(dir: &Path) -> Result<bool, Failure> {
    Ok(connect(dir)?.is_some())
}

fn connect(dir: &Path) -> Result<Option<Caller>, Failure> {
    match reach(dir).and_then(|reach| Caller::connect(&reach.path)) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(store::appliance::barred(&dir.join(NAME), &error).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::order::Confided;
    use std::pin::Pin;

    /// Answers with the name of the order.
    struct Parrot;

    impl Doer for Parrot {
        fn perform(&self, order: Order) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
            Box::pin(async move {
                match order {
                    Order::SiteList => Ok(serde_json::json!({ "sites": [] })),
                    Order::Unlock { passphrase } => Ok(serde_json::json!({ "length": passphrase.0.expose().len() })),
                    _ => Err(Failure::locked()),
                }
            })
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    }

    fn raw(dir: &Path, sent: &[u8]) -> String {
        let mut stream = connect(dir).unwrap().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = stream.write_all(sent).and_then(|()| stream.shutdown(std::net::Shutdown::Write));
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    }

    #[test]
    fn orders_are_answered_until_it_is_told_to_stop() {
        let (dir, runtime) = (tempfile::tempdir().unwrap(), runtime());
        let dir = dir.path();
        assert!(ask(dir, &Order::SiteList, &mut |_| {}).unwrap().is_none());
        let (stop, stopping) = watch::channel(false);
        let served = runtime.block_on(async { serve(dir, Arc::new(Parrot), stopping.clone()) }).unwrap();
        assert_eq!(fs::metadata(dir.join(NAME)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(ask(dir, &Order::SiteList, &mut |_| {}).unwrap().unwrap().unwrap()["sites"], serde_json::json!([]));
        let long = "x".repeat(4096);
        let order = Order::Unlock { passphrase: Confided(Secret::new(long)) };
        assert_eq!(ask(dir, &order, &mut |_| {}).unwrap().unwrap().unwrap()["length"], 4096);
        assert_eq!(ask(dir, &Order::KeyKit, &mut |_| {}).unwrap().unwrap().unwrap_err().code, 75);
        let second = runtime.block_on(async { serve(dir, Arc::new(Parrot), stopping) }).map(drop).unwrap_err();
        assert!(second.exit == 75 && second.text.contains("in use"), "{second}");
        assert!(is_served(dir).unwrap());
        stop.send(true).unwrap();
        runtime.block_on(served).unwrap();
        assert!(!dir.join(NAME).exists() && !is_served(dir).unwrap());
    }

    #[test]
    fn what_is_no_order_is_refused_and_nobody_is_held_up() {
        let (dir, runtime) = (tempfile::tempdir().unwrap(), runtime());
        let dir = dir.path();
        let (_stop, stopping) = watch::channel(false);
        runtime.block_on(async { serve(dir, Arc::new(Parrot), stopping) }).unwrap();
        let silent: Vec<Caller> = (1..AT_ONCE).map(|_| connect(dir).unwrap().unwrap()).collect();
        assert_eq!(raw(dir, b""), "");
        for wrong in [&b"{}\n"[..], b"\"erase\"\n", b"\xff\n", b"\n"] {
            assert!(raw(dir, wrong).starts_with(r#"{"Err":{"code":2,"#), "{wrong:?}");
        }
        assert!(raw(dir, br#""site-list""#).contains("cut off"));
        let sent = [vec![b'x'; ORDER_MAX], b"\n".to_vec()].concat();
        let said = raw(dir, &sent);
        assert!(said.is_empty() || said.contains("too long"), "{said}");
        assert!(ask(dir, &Order::SiteList, &mut |_| {}).unwrap().unwrap().is_ok());
        drop(silent);
    }

    #[test]
    fn what_a_killed_server_left_is_replaced_however_long_the_path() {
        let (temporary, runtime) = (tempfile::tempdir().unwrap(), runtime());
        let dir = temporary.path().join("a".repeat(90)).join("b".repeat(90));
        fs::create_dir_all(&dir).unwrap();
        let reach = reach(&dir).unwrap();
        drop(std::os::unix::net::UnixListener::bind(&reach.path).unwrap());
        assert!(dir.join(NAME).exists() && !is_served(&dir).unwrap());
        let (_stop, stopping) = watch::channel(false);
        runtime.block_on(async { serve(&dir, Arc::new(Parrot), stopping) }).unwrap();
        assert!(ask(&dir, &Order::SiteList, &mut |_| {}).unwrap().unwrap().is_ok());
    }
}
