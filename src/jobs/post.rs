//! The post: takes letters out of the queue and hands them to the firm's mail server, one after the other.
//!
//! A letter is sent at least once: what became of it is on disk before the next is taken, and only a kill between the server's answer and
//! that write sends it again, under the same Message-ID. What is wrong with the server or its settings holds up the whole queue and is
//! held against no letter; only an answer to the recipient or the content, or the end of the link in it, can end one.

use super::render::{self, Rendered, one_line};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
        response::Response,
    },
};
use rules::{Moment, Refusal, letter::LetterKind, network::Reach, text, when};
use std::{
    error::Error as _,
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, UNIX_EPOCH},
};
use store::{
    Site,
    letter::{Due, Fate, Fields, Security, Smtp},
};
use tokio::{net::lookup_host, sync::watch, task::spawn_blocking, time};

/// The queue is looked at this often, besides whenever it is told of a letter.
const EVERY: Duration = Duration::from_secs(5);
/// The same after the store refused.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);
/// For name, connection, encryption and sign-in together.
const GREETING: Duration = Duration::from_secs(20);
/// For one address of the server, so that another still gets its turn.
const ONE_ADDRESS: Duration = Duration::from_secs(8);
/// For handing over one letter. Servers that look into it take their time, and giving up too early would send it twice.
const HANDING: Duration = Duration::from_secs(60);
/// For taking leave.
const PARTING: Duration = Duration::from_secs(2);
/// Minutes until a letter is tried again, after its first failure and the following.
const AGAIN: [i64; 5] = [1, 5, 15, 60, 240];
/// Minutes until a server that could not be reached is tried again: never much later than it is back.
const REST: [i64; 3] = [1, 5, 15];
/// A letter that is still refused so long after it was refused for the first time is given up, in milliseconds. It is not counted from when
/// it was put: letters are put long before they are due, and wait as long as the server is away.
const REFUSED_FOR: i64 = when::DAY;
/// Ways of signing in to the server; the connection is encrypted, or does not leave this machine.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// Sends what is due until `stopping` is true. `host` is the name of the site, for greeting the server and for the ids of letters.
pub(crate) async fn run(site: Site, host: watch::Receiver<String>, mut stopping: watch::Receiver<bool>) {
    let bell = site.post_bell();
    let mut post = Post { site, host, rest: None, unwritten: None };
    loop {
        let done = post.send_due(&stopping).await;
        if *stopping.borrow() {
            return;
        }
        if let Err(refusal) = &done {
            tracing::warn!("letters wait, because the store says: {refusal}");
        }
        let pause = if done.is_ok() { EVERY } else { AFTER_REFUSAL };
        tokio::select! {
            () = time::sleep(pause) => {}
            () = bell.notified(), if done.is_ok() => {}
            changed = stopping.changed() => if changed.is_err() { return },
        }
    }
}

/// Sends a test letter at once, beside the queue. Gives the server's answer word for word, or why it was not taken: the refusal word for
/// word, or a sentence that says what to check.
pub(crate) async fn test(site: &Site, host: &str, smtp: &Smtp, to: &str, fields: Fields) -> Result<String, String> {
    if let Some(problem) = smtp.problems().into_iter().next() {
        return Err(problem.text);
    }
    let letter = render::render(LetterKind::Test, &with_firm(site, fields))?;
    let id = keys::nonce::hex(&keys::nonce::random::<16>().map_err(|error| error.to_string())?);
    let sent = match compose(site, smtp, to, letter, &format!("<{id}@{host}>")) {
        Ok(message) => send(smtp, host, reach(site), &message).await,
        Err(trouble) => Err(trouble),
    };
    sent.map_err(|trouble| match trouble {
        Trouble::Server(why) | Trouble::Later(why) | Trouble::Never(why) => why,
    })
}

/// Why a letter was not taken, each with the server's words or a sentence of ours.
enum Trouble {
    /// The server cannot be reached, or does not take anything from us: no letter is to blame.
    Server(String),
    /// It does not take this letter now (4yz, RFC 5321 4.2.1).
    Later(String),
    /// It never will (5yz).
    Never(String),
}

/// What became of a letter, until it is written down.
enum Outcome {
    Sent { id: i64, reply: String },
    Failed { id: i64, reply: String, fate: Fate },
}

/// After trouble with the server nothing is sent until then, unless the settings change.
struct Rest {
    until: Moment,
    failures: usize,
    settings: [u8; 32],
}

struct Post {
    site: Site,
    host: watch::Receiver<String>,
    rest: Option<Rest>,
    unwritten: Option<Outcome>,
}

impl Post {
    async fn send_due(&mut self, stopping: &watch::Receiver<bool>) -> Result<(), Refusal> {
        let site = self.site.clone();
        loop {
            self.write_down().await?;
            let settings = site.settings();
            let Some(smtp) = settings.smtp.as_ref() else { return Ok(()) };
            if *stopping.borrow() || self.rests(smtp) {
                return Ok(());
            }
            let Some(due) = site.next_letter()? else { return Ok(()) };
            self.unwritten = Some(self.try_one(smtp, due).await);
        }
    }

    /// Puts on disk what became of the last letter. Nothing else is sent before: a letter whose sending is not recorded would be sent
    /// again and again.
    async fn write_down(&mut self) -> Result<(), Refusal> {
        match &self.unwritten {
            None => return Ok(()),
            Some(Outcome::Sent { id, reply }) => self.site.letter_sent(*id, reply.clone()).await?,
            Some(Outcome::Failed { id, reply, fate }) => self.site.letter_failed(*id, reply.clone(), *fate).await?,
        }
        self.unwritten = None;
        Ok(())
    }

    fn rests(&self, smtp: &Smtp) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.settings == smtp.fingerprint() && self.site.now() < rest.until)
    }

    async fn try_one(&mut self, smtp: &Smtp, due: Due) -> Outcome {
        let (id, refused, tries) = (due.id, due.refused, due.tries);
        let sent = self.hand_in(smtp, due).await;
        let now = self.site.now();
        let (reply, fate) = match sent {
            Err(Trouble::Server(reply)) => {
                let fate = Fate::Held(self.begin_rest(smtp, now));
                return Outcome::Failed { id, reply, fate };
            }
            Ok(reply) => {
                self.rest = None;
                return Outcome::Sent { id, reply };
            }
            Err(Trouble::Later(reply)) if refused.is_some_and(|first| now.0 - first.0 >= REFUSED_FOR) => (reply, Fate::GivenUp),
            Err(Trouble::Later(reply)) => (reply, Fate::Again(now.plus(step(&AGAIN, tries) * when::MINUTE))),
            Err(Trouble::Never(reply)) => (reply, Fate::GivenUp),
        };
        self.rest = None;
        Outcome::Failed { id, reply, fate }
    }

    /// Longer from failure to failure, as long as the settings stay the same. Gives its end.
    fn begin_rest(&mut self, smtp: &Smtp, now: Moment) -> Moment {
        let settings = smtp.fingerprint();
        let failures = self.rest.as_ref().filter(|rest| rest.settings == settings).map_or(0, |rest| rest.failures);
        let until = now.plus(step(&REST, i64::try_from(failures).unwrap_or(i64::MAX)) * when::MINUTE);
        self.rest = Some(Rest { until, failures: failures + 1, settings });
        until
    }

    async fn hand_in(&self, smtp: &Smtp, due: Due) -> Result<String, Trouble> {
        let written = due.letter.map_err(|why| Trouble::Never(why.into()))?;
        let letter = render::render(written.kind, &with_firm(&self.site, written.fields)).map_err(Trouble::Never)?;
        // Keyed, so that it tells neither how many letters there were nor when; the same at every try, so that a second copy is known as one.
        let id = self.site.keys().fields.index("letter", &format!("{} {}", due.id, due.made.0));
        let id = keys::nonce::hex(id.get(..16).unwrap_or_default());
        let host = self.host.borrow().clone();
        let message = compose(&self.site, smtp, written.address.expose(), letter, &format!("<{id}@{host}>"))?;
        send(smtp, &host, reach(&self.site), &message).await
    }
}

/// The step after so many failures; the last is for all that follow.
fn step(steps: &[i64], failures: i64) -> i64 {
    let at = usize::try_from(failures).unwrap_or(0).min(steps.len().saturating_sub(1));
    steps.get(at).copied().unwrap_or(1)
}

/// The fields of a letter, and what every letter says of the firm.
fn with_firm(site: &Site, fields: Fields) -> Fields {
    let firm = site.firm();
    fields.or("firm", &firm.name).or("help", firm.phone.as_deref().unwrap_or(""))
}

fn compose(site: &Site, smtp: &Smtp, to: &str, letter: Rendered, id: &str) -> Result<Message, Trouble> {
    let address = |typed: &str| text::email(typed).and_then(|address| address.parse::<Address>().ok());
    let from = address(&smtp.from).ok_or_else(|| Trouble::Server("The sender in the settings is no e-mail address. Correct it.".into()))?;
    let to = address(to).ok_or_else(|| Trouble::Never("The address of this letter is no e-mail address.".into()))?;
    let millis = u64::try_from(site.now().0).unwrap_or(0);
    // No out-of-office note comes back to a letter that a program sent (RFC 3834 5.2).
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into());
    Message::builder()
        .from(Mailbox::new(Some(one_line(&site.firm().name)), from))
        .to(Mailbox::new(None, to))
        .subject(letter.subject)
        .message_id(Some(id.to_owned()))
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))
        .map_err(|error| Trouble::Never(format!("The letter cannot be put together: {error}.")))
}

/// How near the mail server of a site may be. This machine and its network belong to those who look after the installation: the others
/// would learn from the answers what runs there.
fn reach(site: &Site) -> Reach {
    match site.settings().keeps_keyring {
        true => Reach::Near,
        false => Reach::Far,
    }
}

/// Hands a letter over and gives the server's answer.
async fn send(smtp: &Smtp, host: &str, reach: Reach, message: &Message) -> Result<String, Trouble> {
    let greeted = time::timeout(GREETING, greet(smtp, host, reach)).await;
    let mut line = greeted.unwrap_or_else(|_| Err(Trouble::Server(silent(smtp))))?;
    let handed = time::timeout(HANDING, hand_over(smtp, &mut line, message)).await;
    let handed = handed.unwrap_or_else(|_| Err(Trouble::Server(format!("{} took the connection but did not answer in time.", smtp.host))));
    // What was answered stands, however the server takes our leave.
    let _ = time::timeout(PARTING, line.abort()).await;
    handed
}

/// A connection that is encrypted and signed in as the settings say.
async fn greet(smtp: &Smtp, host: &str, reach: Reach) -> Result<AsyncSmtpConnection, Trouble> {
    let trouble = |error: Error| Trouble::Server(sentence(smtp, &error));
    let unknown = |_: io::Error| Trouble::Server(format!("The name {} was not found. Check the name of the mail server, and that this machine can look up names.", smtp.host));
    let found: Vec<SocketAddr> = lookup_host((smtp.host.as_str(), smtp.port)).await.map_err(unknown)?.collect();
    let found = within(smtp, found, reach)?;
    let name = client_id(smtp.helo.as_deref().unwrap_or(host));
    let wrapped = match smtp.security {
        Security::Tls => Some(tls(smtp).await?),
        Security::StartTls | Security::None => None,
    };
    let mut line = AsyncSmtpConnection::connect_tokio1(found.as_slice(), Some(ONE_ADDRESS), &name, wrapped, None).await.map_err(trouble)?;
    if smtp.security == Security::StartTls {
        if !line.can_starttls() {
            return Err(Trouble::Server(format!("{} does not offer STARTTLS on port {}. Check the port, or choose TLS with port 465.", smtp.host, smtp.port)));
        }
        line.starttls(tls(smtp).await?, &name).await.map_err(trouble)?;
    }
    if let (Some(user), Some(password)) = (&smtp.user, &smtp.password) {
        if line.server_info().get_auth_mechanism(&MECHANISMS).is_none() {
            return Err(Trouble::Server(format!("{} does not let anybody sign in with a password on port {}. Check the port, or remove user name and password.", smtp.host, smtp.port)));
        }
        let credentials = Credentials::new(user.clone(), password.expose().clone());
        line.auth(&MECHANISMS, &credentials).await.map_err(trouble)?;
    }
    Ok(line)
}

/// The addresses that may be connected to. The name is not looked up again: what was checked is what is reached.
fn within(smtp: &Smtp, found: Vec<SocketAddr>, reach: Reach) -> Result<Vec<SocketAddr>, Trouble> {
    let of = |address: &SocketAddr| Reach::of(address.ip());
    let why = match found.iter().map(of).min() {
        Some(nearest) if nearest <= reach => return Ok(found.into_iter().filter(|address| of(address) <= reach).collect()),
        Some(Reach::Near) => "stands in the network of this server, which only its first site may use. Choose a mail server on the internet.",
        _ => "has no address at which a mail server can be. Check the name of the mail server.",
    };
    Err(Trouble::Server(format!("{} {why}", smtp.host)))
}

/// What is needed to check the server's certificate. The machine's roots are read from its disk.
async fn tls(smtp: &Smtp) -> Result<TlsParameters, Trouble> {
    let host = smtp.host.clone();
    let made = spawn_blocking(move || TlsParameters::new(host)).await;
    let why = |error: &dyn std::fmt::Display| Trouble::Server(format!("Encryption cannot be set up: {error}."));
    made.map_err(|panic| why(&panic))?.map_err(|error| why(&error))
}

fn client_id(name: &str) -> ClientId {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(four)) => ClientId::Ipv4(four),
        Ok(IpAddr::V6(six)) => ClientId::Ipv6(six),
        Err(_) => ClientId::Domain(name.to_owned()),
    }
}

/// Sender, recipient, content. A refusal of the sender concerns the settings; what comes after it concerns this letter.
async fn hand_over(smtp: &Smtp, line: &mut AsyncSmtpConnection, message: &Message) -> Result<String, Trouble> {
    let of_letter = |error: Error| match answer(&error) {
        Some(words) if error.is_permanent() => Trouble::Never(words),
        Some(words) => Trouble::Later(words),
        None => Trouble::Server(sentence(smtp, &error)),
    };
    let envelope = message.envelope();
    line.command(Mail::new(envelope.from().cloned(), Vec::new())).await.map_err(|error| Trouble::Server(sentence(smtp, &error)))?;
    for to in envelope.to() {
        line.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(of_letter)?;
    }
    line.command(Data).await.map_err(of_letter)?;
    line.message(&message.formatted()).await.map(|response| words(&response)).map_err(of_letter)
}

fn words(response: &Response) -> String {
    let lines: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), lines.join(" "))
}

/// The server's own words, if it was the server that refused.
fn answer(error: &Error) -> Option<String> {
    let code = error.status()?;
    Some(error.source().map_or_else(|| code.to_string(), |words| format!("{code} {words}")))
}

fn silent(smtp: &Smtp) -> String {
    format!(
        "{} did not answer on port {} within {} seconds. Check name, port and kind of encryption, and that no firewall is in the way.",
        smtp.host,
        smtp.port,
        GREETING.as_secs()
    )
}

/// The server's own words, or what to check.
fn sentence(smtp: &Smtp, error: &Error) -> String {
    if let Some(words) = answer(error) {
        return words;
    }
    let (host, port) = (&smtp.host, smtp.port);
    let Some(cause) = io_cause(error) else {
        return match error.is_response() {
            true => format!("What answers on port {port} of {host} does not speak SMTP. Check name and port."),
            false => format!("The connection to {host} failed: {error}. Check name, port and kind of encryption."),
        };
    };
    if let Some(why) = cause.get_ref().filter(|inner| inner.is::<rustls::Error>()) {
        return format!(
            "The connection to {host} cannot be encrypted: {why}. Check that port {port} is the one for this kind of encryption, and that the server’s certificate is valid for this name."
        );
    }
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => format!("{host} takes no connection on port {port}. Check name and port, and that the mail server runs."),
        io::ErrorKind::TimedOut => silent(smtp),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => format!("There is no way to {host} from this machine. Check its network."),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            format!("{host} closed the connection on port {port}. Check that the port is the one for this kind of encryption.")
        }
        _ => format!("The connection to {host} failed: {cause}. Check name, port and kind of encryption."),
    }
}

fn io_cause(error: &Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(found) = inner.downcast_ref::<io::Error>() {
            return Some(found);
        }
        cause = inner.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::{Actor, Role, Secret, Verb};
    use std::{
        io::{Read, Write},
        path::Path,
        sync::atomic::{AtomicI64, Ordering},
    };
    use store::{Firm, person, settings};

    #[test]
    fn steps_grow_and_the_last_stays() {
        let steps: Vec<i64> = (0..7).map(|failures| step(&AGAIN, failures)).collect();
        assert_eq!(steps, [1, 5, 15, 60, 240, 240, 240]);
        assert_eq!((step(&REST, i64::MAX), step(&[], 3)), (15, 1));
    }

    fn smtp(host: &str, port: u16, security: Security) -> Smtp {
        Smtp { host: host.into(), port, security, user: None, password: None, from: "strongroom@firm.example".into(), helo: None }
    }

    fn message() -> Message {
        let letter = MultiPart::alternative_plain_html(String::from("a’b"), String::from("<p>a’b</p>"));
        Message::builder().from("strongroom@firm.example".parse().unwrap()).to("ann@firm.example".parse().unwrap()).subject("x").multipart(letter).unwrap()
    }

    /// A server that answers each line it gets with the next of its own, whatever was said.
    fn server(lines: &'static [&'static str]) -> u16 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            for line in lines {
                let _ = stream.write_all(line.as_bytes());
                let _ = stream.read(&mut [0; 65_536]);
            }
        });
        port
    }

    async fn told(lines: &'static [&'static str], security: Security) -> Result<String, Trouble> {
        send(&smtp("127.0.0.1", server(lines), security), "cases.firm.example", Reach::Near, &message()).await
    }

    /// The post of a site where one letter waits, an invitation for 72 hours.
    async fn post(dir: &Path, now: store::Clock, port: u16) -> Post {
        let keys = || keys::SiteKeys::new(&Secret::new([1; 32]), [2; 16]).unwrap();
        let firm = Firm { name: "Firm".into(), kind: String::new(), prefix: "F".into(), zone_name: "UTC".into(), zone: jiff::tz::TimeZone::UTC, phone: None };
        Site::create(dir, &keys(), &firm, true).unwrap();
        let site = Site::open(dir, keys(), now).unwrap();
        let mail = smtp("127.0.0.1", port, Security::None);
        let ann = person::New { role: Role::Staff, name: "Ann".into(), words: String::new(), email: "ann@firm.example".into(), contact: None };
        site.write(Actor::console(), move |tx| settings::set_mail(&tx.administer(Verb::SettingsChange)?, Some(&mail))).await.unwrap();
        site.write(Actor::console(), move |tx| person::invite(&tx.charge(Verb::PersonInvite)?, &ann, "https://x.example").map(drop)).await.unwrap();
        let (_, host) = watch::channel("cases.firm.example".to_owned());
        Post { site, host, rest: None, unwritten: None }
    }

    #[tokio::test]
    async fn a_server_that_is_away_for_days_costs_no_letter_before_its_link_runs_out() {
        static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000);
        let dir = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut post = post(dir.path(), || Moment(NOW.load(Ordering::Relaxed)), free).await;
        let (_stop, stopping) = watch::channel(false);
        for day in 0..3 {
            post.send_due(&stopping).await.unwrap();
            let state = post.site.post_state().unwrap();
            assert_eq!((state.waiting, state.failing, state.given_up), (1, 1, 0), "day {day}");
            NOW.fetch_add(when::DAY, Ordering::Relaxed);
        }
        assert_eq!(post.site.next_letter().unwrap().unwrap().tries, 0);
        post.send_due(&stopping).await.unwrap();
        let state = post.site.post_state().unwrap();
        assert_eq!((state.waiting, state.given_up), (0, 1));
        assert!(state.last_reply.is_some_and(|reply| reply.contains("ran out")));
    }

    #[tokio::test]
    async fn a_letter_is_given_up_a_day_after_it_was_first_refused_however_long_it_had_waited() {
        static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000);
        let dir = tempfile::tempdir().unwrap();
        let mut post = post(dir.path(), || Moment(NOW.load(Ordering::Relaxed)), 25).await;
        for (hours, waits) in [(24, 1), (23, 1), (1, 0)] {
            NOW.fetch_add(hours * when::HOUR, Ordering::Relaxed);
            let grey = smtp("127.0.0.1", server(&["220 hi\r\n", "250 me\r\n", "250 ok\r\n", "451 4.7.1 Greylisted\r\n", "221 bye\r\n"]), Security::None);
            let due = post.site.next_letter().unwrap().unwrap();
            post.unwritten = Some(post.try_one(&grey, due).await);
            post.write_down().await.unwrap();
            assert_eq!(post.site.post_state().unwrap().waiting, waits, "after {hours} hours");
        }
        assert_eq!(post.site.post_state().unwrap().last_reply.as_deref(), Some("451 4.7.1 Greylisted"));
    }

    #[tokio::test]
    async fn the_words_of_the_server_are_kept_and_say_whose_trouble_it_is() {
        let none = Security::None;
        let taken = told(&["220 hi\r\n", "250 me\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 2.0.0 queued as 1\r\n", "221 bye\r\n"], none).await;
        assert_eq!(taken.ok().as_deref(), Some("250 2.0.0 queued as 1"));
        let unknown = told(&["220 hi\r\n", "250 me\r\n", "250 ok\r\n", "550 5.1.1 No such user\r\n", "221 bye\r\n"], none).await;
        assert!(matches!(unknown, Err(Trouble::Never(words)) if words == "550 5.1.1 No such user"));
        let grey = told(&["220 hi\r\n", "250 me\r\n", "250 ok\r\n", "450 4.2.0 Greylisted\r\n", "221 bye\r\n"], none).await;
        assert!(matches!(grey, Err(Trouble::Later(words)) if words == "450 4.2.0 Greylisted"));
        let sender = told(&["220 hi\r\n", "250 me\r\n", "553 5.7.1 Sender not allowed\r\n", "221 bye\r\n"], none).await;
        assert!(matches!(sender, Err(Trouble::Server(words)) if words == "553 5.7.1 Sender not allowed"));
        let closed = told(&["554 no service\r\n"], none).await;
        assert!(matches!(closed, Err(Trouble::Server(words)) if words == "554 no service"));
    }

    #[tokio::test]
    async fn what_is_wrong_on_the_way_is_told_with_what_to_check() {
        let why = |sent: Result<String, Trouble>| match sent {
            Err(Trouble::Server(why)) => why,
            _ => String::new(),
        };
        assert!(why(told(&["220 hi\r\n", "250 me\r\n"], Security::StartTls).await).contains("does not offer STARTTLS"));
        assert!(why(told(&["220 hi\r\n"], Security::Tls).await).contains("cannot be encrypted"));
        assert!(why(told(&["SSH-2.0-OpenSSH\r\n"], Security::None).await).contains("does not speak SMTP"));
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let away = |host: &str, port: u16, reach: Reach| {
            let smtp = smtp(host, port, Security::None);
            async move { why(send(&smtp, "x.example", reach, &message()).await) }
        };
        assert!(away("127.0.0.1", free, Reach::Near).await.contains("takes no connection"));
        assert!(away("no such name", 25, Reach::Near).await.contains("was not found"));
        assert!(away("169.254.169.254", 25, Reach::Near).await.contains("no address at which"));
        for host in ["127.0.0.1", "localhost", "::1", "10.0.0.5"] {
            assert!(away(host, free, Reach::Far).await.contains("only its first site"), "{host}");
        }
    }
}
