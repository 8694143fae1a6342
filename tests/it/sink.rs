//! A mail server for tests, on loopback: it speaks SMTP as real ones do, keeps what it is given, and refuses when told to.

use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Longest line that is read, in bytes.
const LINE_MAX: u64 = 64 * 1024;
/// How long a silent client is waited for.
const SILENCE: Duration = Duration::from_secs(30);

/// What the connections share.
#[derive(Default)]
struct State {
    letters: Mutex<Vec<Letter>>,
    refusal: Mutex<Option<String>>,
    account: Mutex<Option<(String, String)>>,
    over: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running mail server. Ends when dropped.
pub(crate) struct Sink {
    port: u16,
    state: Arc<State>,
}

impl Sink {
    /// On a free port of 127.0.0.1; takes everything from everybody.
    pub(crate) fn start() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.over.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), state) = (stream, Arc::clone(&shared)) else { continue };
                thread::spawn(move || drop(Talk::with(stream, &state)));
            }
        });
        Sink { port, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on every recipient is answered with this, such as `550 5.1.1 No such user`.
    pub(crate) fn refuse_with(&self, answer: &str) {
        *locked(&self.state.refusal) = Some(answer.to_owned());
    }

    /// From now on every recipient is taken.
    pub(crate) fn accept(&self) {
        *locked(&self.state.refusal) = None;
    }

    /// From now on nothing is taken from those who have not signed in as `user`.
    pub(crate) fn demand(&self, user: &str, password: &str) {
        *locked(&self.state.account) = Some((user.to_owned(), password.to_owned()));
    }

    /// The letters to this address, oldest first, once there are `n`; when the time is over, those there are.
    pub(crate) fn wait_for(&self, to: &str, n: usize, timeout: Duration) -> Vec<Letter> {
        let end = Instant::now() + timeout;
        loop {
            let found: Vec<Letter> = locked(&self.state.letters).iter().filter(|letter| letter.to.iter().any(|one| one == to)).cloned().collect();
            if found.len() >= n || Instant::now() >= end {
                return found;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is over.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

/// One client.
struct Talk<'s> {
    state: &'s State,
    input: BufReader<TcpStream>,
    output: TcpStream,
    signed_in: bool,
    letter: Option<Letter>,
}

impl<'s> Talk<'s> {
    /// Talks to a client until it leaves or breaks off.
    fn with(stream: TcpStream, state: &'s State) -> std::io::Result<()> {
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        let mut talk = Talk { state, input: BufReader::new(stream.try_clone()?), output: stream, signed_in: false, letter: None };
        talk.say("220 sink.example ESMTP")?;
        while let Some(line) = talk.line()? {
            let (verb, rest) = line.split_once(' ').unwrap_or((line.as_str(), ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => talk.say("250-sink.example\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN")?,
                "HELO" | "NOOP" => talk.say("250 ok")?,
                "AUTH" => talk.sign_in(rest)?,
                "MAIL" => talk.begin(rest)?,
                "RCPT" => talk.recipient(rest)?,
                "DATA" => talk.take()?,
                "RSET" => {
                    talk.letter = None;
                    talk.say("250 ok")?;
                }
                "QUIT" => return talk.say("221 bye"),
                _ => talk.say("502 5.5.1 Not known here")?,
            }
        }
        Ok(())
    }

    fn say(&mut self, answer: &str) -> std::io::Result<()> {
        self.output.write_all(format!("{answer}\r\n").as_bytes())
    }

    /// The next line without its end, as bytes; `None` when the client is gone.
    fn bytes(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        (&mut self.input).take(LINE_MAX).read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Ok(None);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }

    fn line(&mut self) -> std::io::Result<Option<String>> {
        Ok(self.bytes()?.map(|line| String::from_utf8_lossy(&line).into_owned()))
    }

    /// Asks for something in base64 and gives it decoded.
    fn ask(&mut self, question: &str) -> std::io::Result<String> {
        self.say(&format!("334 {}", STANDARD.encode(question)))?;
        Ok(unbase64(&self.line()?.unwrap_or_default()))
    }

    /// AUTH PLAIN (RFC 4616) and LOGIN.
    fn sign_in(&mut self, rest: &str) -> std::io::Result<()> {
        let (mechanism, first) = rest.split_once(' ').unwrap_or((rest, ""));
        let given = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let all = if first.is_empty() { self.ask("")? } else { unbase64(first) };
                let mut parts = all.splitn(3, '\0').skip(1).map(ToOwned::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            "LOGIN" => (self.ask("Username:")?, self.ask("Password:")?),
            _ => return self.say("504 5.5.4 Not known here"),
        };
        self.signed_in = locked(&self.state.account).as_ref().is_none_or(|account| *account == given);
        match self.signed_in {
            true => self.say("235 2.7.0 Welcome"),
            false => self.say("535 5.7.8 User name or password is wrong"),
        }
    }

    fn begin(&mut self, rest: &str) -> std::io::Result<()> {
        if locked(&self.state.account).is_some() && !self.signed_in {
            return self.say("530 5.7.0 Sign in first");
        }
        self.letter = Some(Letter { from: address(rest), to: Vec::new(), data: Vec::new() });
        self.say("250 2.1.0 ok")
    }

    fn recipient(&mut self, rest: &str) -> std::io::Result<()> {
        let refusal = locked(&self.state.refusal).clone();
        if let Some(answer) = refusal {
            return self.say(&answer);
        }
        match &mut self.letter {
            Some(letter) => letter.to.push(address(rest)),
            None => return self.say("503 5.5.1 MAIL first"),
        }
        self.say("250 2.1.5 ok")
    }

    /// DATA: lines until one that is a dot; a dot that was put before a line is taken away (RFC 5321 4.5.2).
    fn take(&mut self) -> std::io::Result<()> {
        let Some(mut letter) = self.letter.take().filter(|letter| !letter.to.is_empty()) else { return self.say("503 5.5.1 RCPT first") };
        self.say("354 Go on")?;
        while let Some(line) = self.bytes()? {
            if line == b"." {
                locked(&self.state.letters).push(letter);
                return self.say("250 2.0.0 Taken");
            }
            letter.data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            letter.data.extend_from_slice(b"\r\n");
        }
        Ok(())
    }
}

/// `FROM:<ann@firm.example> SIZE=1` as `ann@firm.example`.
fn address(rest: &str) -> String {
    let inner = rest.split_once('<').map_or(rest, |(_, inner)| inner);
    inner.split('>').next().unwrap_or_default().to_owned()
}

fn unbase64(text: &str) -> String {
    STANDARD.decode(text.trim()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A letter that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// As it came, without the dots of SMTP.
    pub(crate) data: Vec<u8>,
}

impl Letter {
    /// The value of a field of the head, unfolded and not decoded.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        Part::of(&String::from_utf8_lossy(&self.data)).field(name)
    }

    pub(crate) fn subject(&self) -> String {
        unword(&self.field("Subject").unwrap_or_default())
    }

    /// The plain text, lines ending with `\n`.
    pub(crate) fn text(&self) -> String {
        self.part("text/plain")
    }

    pub(crate) fn html(&self) -> String {
        self.part("text/html")
    }

    /// The first address in the text that begins like one and contains `head`.
    pub(crate) fn link(&self, head: &str) -> Option<String> {
        self.text().split_whitespace().find(|word| word.starts_with("http") && word.contains(head)).map(ToOwned::to_owned)
    }

    fn part(&self, kind: &str) -> String {
        let data = String::from_utf8_lossy(&self.data).into_owned();
        Part::of(&data).find(kind).unwrap_or_default().replace("\r\n", "\n")
    }
}

/// A head and a body, of a letter or of one of its parts.
struct Part {
    head: Vec<(String, String)>,
    body: String,
}

impl Part {
    fn of(data: &str) -> Part {
        let (head, body) = data.split_once("\r\n\r\n").unwrap_or((data, ""));
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let head = unfolded.split("\r\n").filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Part { head: head.collect(), body: body.to_owned() }
    }

    fn field(&self, name: &str) -> Option<String> {
        self.head.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    }

    /// The decoded content of the first part of this type, in this or below it.
    fn find(&self, kind: &str) -> Option<String> {
        let own = self.field("Content-Type").unwrap_or_else(|| "text/plain".into());
        if own.to_ascii_lowercase().starts_with(kind) {
            return Some(self.decoded());
        }
        let boundary = own.split("boundary=").nth(1)?.split(';').next()?.trim().trim_matches('"').to_owned();
        let body = format!("\r\n{}", self.body);
        let mark = format!("\r\n--{boundary}");
        let parts = body.split(mark.as_str()).skip(1).take_while(|part| !part.starts_with("--"));
        parts.filter_map(|part| part.split_once("\r\n")).find_map(|(_, part)| Part::of(part).find(kind))
    }

    fn decoded(&self) -> String {
        match self.field("Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase().as_str() {
            "quoted-printable" => unquote(&self.body, false),
            "base64" => unbase64(&self.body.split_whitespace().collect::<String>()),
            _ => self.body.clone(),
        }
    }
}

/// Quoted-printable (RFC 2045 6.7); in words of a head an underscore is a space (RFC 2047 4.2).
fn unquote(text: &str, word: bool) -> String {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'=', [b'\r', b'\n', tail @ ..] | [b'\n', tail @ ..]) => tail,
            (b'=', [high, low, tail @ ..]) => {
                let digits = String::from_utf8_lossy(&[*high, *low]).into_owned();
                match u8::from_str_radix(&digits, 16) {
                    Ok(byte) => out.push(byte),
                    Err(_) => out.extend_from_slice(&[b'=', *high, *low]),
                }
                tail
            }
            (first, after) => {
                out.push(if word && *first == b'_' { b' ' } else { *first });
                after
            }
        };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `=?utf-8?b?…?=` and `=?utf-8?q?…?=` as they read (RFC 2047); the space between two of them is not one.
fn unword(value: &str) -> String {
    let (mut out, mut after_word) = (String::new(), false);
    for (n, piece) in value.split(' ').enumerate() {
        let word = piece.strip_prefix("=?").and_then(|inner| inner.strip_suffix("?="));
        let parts: Vec<&str> = word.map(|inner| inner.splitn(3, '?').collect()).unwrap_or_default();
        let decoded = match parts.as_slice() {
            [_, "b" | "B", coded] => Some(unbase64(coded)),
            [_, "q" | "Q", coded] => Some(unquote(coded, true)),
            _ => None,
        };
        if n > 0 && !(after_word && decoded.is_some()) {
            out.push(' ');
        }
        after_word = decoded.is_some();
        out.push_str(decoded.as_deref().unwrap_or(piece));
    }
    out
}

#[test]
fn what_came_reads_as_it_was_meant() {
    let data = "From: Firm <s@firm.example>\r\nSubject: =?utf-8?b?UGVsbCDigJk=?=\r\n =?utf-8?q?_Harrow?= and\r\n more\r\nContent-Type: multipart/alternative;\r\n boundary=\"b-1\"\r\n\r\n\
        --b-1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGo=E2=80=99s to\r\nhttps://x.example/a=\r\n?b=3Dc\r\n\r\n\
        --b-1\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+aGk8\r\nL3A+\r\n\r\n--b-1--\r\n";
    let letter = Letter { from: String::new(), to: Vec::new(), data: data.into() };
    assert_eq!(letter.subject(), "Pell ’ Harrow and more");
    assert_eq!(letter.text().trim_end(), "Go’s to\nhttps://x.example/a?b=c");
    assert_eq!(letter.html().trim_end(), "<p>hi</p>");
    assert_eq!(letter.link("/a").as_deref(), Some("https://x.example/a?b=c"));
    assert_eq!(letter.link("/none"), None);
}

#[test]
fn the_sink_speaks_smtp_and_refuses_when_told() {
    let sink = Sink::start();
    let stream = TcpStream::connect(("127.0.0.1", sink.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (mut input, mut output) = (BufReader::new(stream.try_clone().unwrap()), stream);
    let mut say = |line: &str| {
        output.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        while answer.lines().last().is_none_or(|last| last.as_bytes().get(3) == Some(&b'-')) {
            assert!(input.read_line(&mut answer).unwrap() > 0, "the sink hung up");
        }
        answer.lines().last().unwrap().chars().take(3).collect::<String>()
    };
    sink.refuse_with("550 5.1.1 No such user");
    sink.demand("user", "word");
    // The first line that is read is the greeting; every answer is that to the line before.
    let said = ["NOOP", "EHLO me", "MAIL FROM:<a@x.example>", "AUTH PLAIN AHVzZXIAd3Jvbmc=", "AUTH PLAIN AHVzZXIAd29yZA==", "MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>", "NOOP"];
    assert_eq!(said.map(&mut say), ["220", "250", "250", "530", "535", "235", "250", "550"]);
    sink.accept();
    assert_eq!(["RCPT TO:<b@x.example>", "DATA", "Subject: hi\r\n\r\n..dot\r\n.", "QUIT"].map(&mut say), ["250", "250", "354", "250"]);
    let found = sink.wait_for("b@x.example", 1, Duration::from_secs(10));
    assert_eq!((found.len(), found[0].from.as_str(), found[0].text().as_str()), (1, "a@x.example", ".dot\n"));
    assert!(sink.wait_for("c@x.example", 1, Duration::from_millis(50)).is_empty());
}
