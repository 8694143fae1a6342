//! A bucket of an S3 server as a destination. Requests are signed by address, and sent over one connection that is kept.

mod line;
mod parts;
mod words;

use crate::{Listed, Pruner, Put, ShipError, Target, check_name};
use base64::{Engine, prelude::BASE64_STANDARD};
use hyper::{Method, header};
use jiff::Timestamp;
use line::{Answer, Ask, Line, Lost};
use md5::{Digest, Md5};
use rusty_s3::{
    Bucket, Credentials, S3Action,
    actions::{GetObject, ListObjectsV2},
};
use std::{
    fmt,
    io::{self, Read},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

/// As long does a signed address hold. It must do so only when a request begins.
const SIGNED: Duration = Duration::from_secs(3600);
/// After a failure that may pass, this long until the next try.
const WAITS: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2)];
/// A page of a list has up to a thousand names, each with its details.
const PAGE: u64 = 8 << 20;
/// Pages of one list: more objects than any site has.
const PAGES: usize = 10_000;

/// Which bucket, and how we get in.
#[derive(Clone)]
pub struct S3Config {
    /// Where the server is: `https://…`, or `http://…` if it is this machine.
    pub endpoint: String,
    /// Its region, as the provider writes it.
    pub region: String,
    /// The bucket, which must be there.
    pub bucket: String,
    /// A folder in the bucket, if it is not all ours.
    pub prefix: Option<String>,
    /// The public half of the credential.
    pub access_key: String,
    /// The secret half.
    pub secret_key: Zeroizing<String>,
    /// A certificate authority that is trusted beside those of this machine.
    pub ca_pem: Option<String>,
    /// The bucket stands before the host, not in the path.
    pub virtual_host: bool,
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.endpoint, self.bucket, self.prefix.as_deref().unwrap_or_default())
    }
}

/// A bucket, or a folder in it. Its calls block, so they must not be made in an asynchronous task.
///
/// When an answer was lost and the request sent again, an object that is ours is [`Put::Exists`].
pub struct S3 {
    bucket: Bucket,
    credentials: Credentials,
    /// Empty, or a folder with a slash behind it.
    folder: String,
    line: Mutex<(Line, Runtime)>,
}

impl S3 {
    /// Connects, and looks that the bucket is there and lets us list it.
    pub fn connect(config: &S3Config) -> Result<S3, ShipError> {
        let bucket = words::bucket(config)?;
        let folder = match config.prefix.as_deref().unwrap_or_default().trim_matches('/') {
            "" => String::new(),
            folder => check_name(folder).map(|()| format!("{folder}/"))?,
        };
        let url = bucket.base_url();
        let line = Line::new(url.host_str().unwrap_or_default(), url.port(), url.scheme() == "https", config.ca_pem.as_deref())?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let credentials = Credentials::new(&config.access_key, config.secret_key.as_str());
        let s3 = S3 { bucket, credentials, folder, line: Mutex::new((line, runtime)) };
        s3.page("", None, 1)?;
        Ok(s3)
    }

    fn key(&self, name: &str) -> Result<String, ShipError> {
        check_name(name)?;
        Ok(format!("{}{name}", self.folder))
    }

    /// Asks, and asks again after a failure that may pass. Whatever is asked may be asked twice.
    fn ask(&self, ask: &Ask) -> Result<Answer, ShipError> {
        let mut guard = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, runtime) = &mut *guard;
        let mut waits = WAITS.iter();
        loop {
            let answered = runtime.block_on(line.send(ask));
            let passing = match &answered {
                Ok(answer) => matches!(answer.status, 429 | 500 | 502 | 503 | 504),
                Err(lost) => matches!(lost, Lost::Passing(_)),
            };
            match (passing, waits.next()) {
                (true, Some(wait)) => runtime.block_on(async { tokio::time::sleep(*wait).await }),
                _ => return Ok(answered?),
            }
        }
    }

    /// Why the server did not do what it was asked.
    fn why(&self, answer: &Answer) -> ShipError {
        words::why(answer.status, &answer.text(), self.bucket.name())
    }

    /// Whether an object is there. None if we may not know: then the server says why when it is asked for more than a yes or no.
    fn is_there(&self, key: &str) -> Result<Option<bool>, ShipError> {
        let answer = self.ask(&Ask::new(self.bucket.head_object(Some(&self.credentials), key)))?;
        match answer.status {
            200 => Ok(Some(true)),
            404 => Ok(Some(false)),
            401 | 403 => Ok(None),
            _ => Err(self.why(&answer)),
        }
    }

    /// Puts what must not be there yet. A server that does not know that condition is asked without it, after another look.
    fn put_if_free(&self, key: &str, mut ask: Ask) -> Result<(Put, Answer), ShipError> {
        ask.headers.push((header::IF_NONE_MATCH, "*".into()));
        let mut answer = self.ask(&ask)?;
        if matches!(answer.status, 400 | 501) && self.is_there(key)? == Some(false) {
            ask.headers.retain(|(name, _)| name != header::IF_NONE_MATCH);
            answer = self.ask(&ask)?;
        }
        match answer.status {
            200 | 201 | 204 => Ok((Put::Created, answer)),
            412 => Ok((Put::Exists, answer)),
            // Somebody else is at the same name: it is theirs if they came first.
            409 if self.is_there(key)? == Some(true) => Ok((Put::Exists, answer)),
            _ => Err(self.why(&answer)),
        }
    }

    fn page(&self, prefix: &str, token: Option<String>, most: usize) -> Result<(Vec<Listed>, Option<String>), ShipError> {
        let mut action = self.bucket.list_objects_v2(Some(&self.credentials));
        action.with_prefix(format!("{}{prefix}", self.folder));
        action.with_max_keys(most);
        if let Some(token) = token {
            action.with_continuation_token(token);
        }
        let answer = self.ask(&Ask::new(action))?;
        if answer.status != 200 {
            return Err(self.why(&answer));
        }
        let page = ListObjectsV2::parse_response(&answer.text()).map_err(io::Error::other)?;
        let listed = page.contents.into_iter().filter_map(|object| {
            // What we did not put there may have any name, and is none of ours.
            let name = object.key.strip_prefix(&self.folder).filter(|name| check_name(name).is_ok())?;
            let arrived = object.last_modified.and_then(|text| text.parse::<Timestamp>().ok()).map(Timestamp::as_second);
            Some(Listed { name: name.into(), size: object.size.unwrap_or(0), arrived })
        });
        Ok((listed.collect(), page.next_continuation_token))
    }
}

impl Target for S3 {
    fn put_new(&self, name: &str, size: u64, bytes: &mut dyn Read) -> Result<Put, ShipError> {
        let key = self.key(name)?;
        // Before a body is sent for nothing.
        if self.is_there(&key)? == Some(true) {
            return Ok(Put::Exists);
        }
        if size > parts::PART {
            return self.put_in_parts(&key, size, bytes);
        }
        let body = parts::read(bytes, size)?;
        parts::at_end(bytes)?;
        let mut ask = Ask::new(self.bucket.put_object(Some(&self.credentials), &key));
        ask.carry(body);
        Ok(self.put_if_free(&key, ask)?.0)
    }

    fn get(&self, name: &str, start: u64, length: u64) -> Result<Vec<u8>, ShipError> {
        let key = self.key(name)?;
        // A range has at least one byte, and servers count with signed numbers.
        let last = start.saturating_add(length.max(1) - 1).min(i64::MAX.unsigned_abs());
        let mut ask = Ask::new(self.bucket.get_object(Some(&self.credentials), &key));
        ask.headers.push((header::RANGE, format!("bytes={start}-{last}")));
        ask.most = length.saturating_add(PAGE);
        let answer = self.ask(&ask)?;
        let skipped = match answer.status {
            206 => 0,
            // All of it, by a server that does not do ranges.
            200 => start,
            416 => return Ok(Vec::new()),
            404 if words::code(&answer.text()) != "NoSuchBucket" => return Err(ShipError::Missing(name.into())),
            _ => return Err(self.why(&answer)),
        };
        let mut out = answer.body;
        out.drain(..usize::try_from(skipped).unwrap_or(usize::MAX).min(out.len()));
        out.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(out)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, ShipError> {
        let mut found = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let (listed, next) = self.page(prefix, token, 1000)?;
            found.extend(listed);
            if next.is_none() {
                found.sort_by(|one, other| one.name.cmp(&other.name));
                return Ok(found);
            }
            token = next;
        }
        Err(ShipError::Io(io::Error::other("the list of objects has no end")))
    }

    fn free_space(&self) -> Result<Option<u64>, ShipError> {
        Ok(None)
    }
}

impl Pruner for S3 {
    fn remove(&self, name: &str) -> Result<(), ShipError> {
        let key = self.key(name)?;
        let answer = self.ask(&Ask::new(self.bucket.delete_object(Some(&self.credentials), &key)))?;
        match answer.status {
            200 | 202 | 204 => Ok(()),
            404 if words::code(&answer.text()) != "NoSuchBucket" => Ok(()),
            _ => Err(self.why(&answer)),
        }
    }

    /// What a bucket with object lock does by default. Such a bucket keeps versions: what is removed is hidden and not gone.
    fn locks(&self) -> Result<Option<String>, ShipError> {
        // An object without a name is the bucket.
        let mut action = GetObject::new(&self.bucket, Some(&self.credentials), "");
        action.query_mut().insert("object-lock", "");
        let answer = self.ask(&Ask::new(action))?;
        match answer.status {
            200 => Ok(words::retention(&answer.text())),
            // No lock, a server that knows of none, or a credential that may not ask.
            400..=405 | 501 if words::code(&answer.text()) != "NoSuchBucket" => Ok(None),
            _ => Err(self.why(&answer)),
        }
    }
}

impl Ask {
    fn new<'a, A: S3Action<'a>>(action: A) -> Ask {
        let url = action.sign(SIGNED);
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().into(),
        };
        let method = Method::from_bytes(A::METHOD.to_str().as_bytes()).unwrap_or(Method::GET);
        Ask { method, target, headers: Vec::new(), body: Default::default(), most: PAGE }
    }

    /// Buckets that keep objects from being removed ask for a digest, and MD5 is the one that all servers know. It is against accidents.
    fn carry(&mut self, body: Vec<u8>) {
        self.headers.push((header::CONTENT_TYPE, "application/octet-stream".into()));
        self.headers.push((header::HeaderName::from_static("content-md5"), BASE64_STANDARD.encode(Md5::digest(&body))));
        self.body = body.into();
    }
}
