//! Large objects, which go in parts: each is held in memory, so that it can be sent again.

use super::{Ask, S3, words};
use crate::{Put, ShipError};
use rusty_s3::actions::{CompleteMultipartUploadResponse, CreateMultipartUpload};
use std::io::{self, Read};

/// What is longer goes in parts of this size.
pub(super) const PART: u64 = 16 << 20;
/// So many parts may an object have.
const PARTS: u64 = 10_000;

impl S3 {
    pub(super) fn put_in_parts(&self, key: &str, size: u64, bytes: &mut dyn Read) -> Result<Put, ShipError> {
        let begun = self.ask(&Ask::new(self.bucket.create_multipart_upload(Some(&self.credentials), key)))?;
        if begun.status != 200 {
            return Err(self.why(&begun));
        }
        let begun = CreateMultipartUpload::parse_response(&begun.text()).map_err(io::Error::other)?;
        let upload = begun.upload_id();
        let put = self.send_parts(key, upload, size, bytes).and_then(|tags| self.complete(key, upload, &tags));
        if !matches!(put, Ok(Put::Created)) {
            // Parts that nobody completes would be kept, and paid for.
            let _ = self.ask(&Ask::new(self.bucket.abort_multipart_upload(Some(&self.credentials), key, upload)));
        }
        put
    }

    fn send_parts(&self, key: &str, upload: &str, size: u64, bytes: &mut dyn Read) -> Result<Vec<String>, ShipError> {
        let part = PART.max(size.div_ceil(PARTS));
        let mut tags = Vec::new();
        let mut left = size;
        while left > 0 {
            let body = read(bytes, left.min(part))?;
            left -= body.len() as u64;
            let number = u16::try_from(tags.len() + 1).map_err(io::Error::other)?;
            let mut ask = Ask::new(self.bucket.upload_part(Some(&self.credentials), key, number, upload));
            ask.carry(body);
            let answer = self.ask(&ask)?;
            match answer.tag {
                Some(tag) if answer.status == 200 => tags.push(tag),
                _ => return Err(self.why(&answer)),
            }
        }
        at_end(bytes)?;
        Ok(tags)
    }

    fn complete(&self, key: &str, upload: &str, tags: &[String]) -> Result<Put, ShipError> {
        let action = || self.bucket.complete_multipart_upload(Some(&self.credentials), key, upload, tags.iter().map(String::as_str));
        let mut ask = Ask::new(action());
        ask.body = action().body().into();
        match self.put_if_free(key, ask) {
            // The upload is gone if it was completed and the answer was lost.
            Err(error) => match self.is_there(key)? {
                Some(true) => Ok(Put::Exists),
                _ => Err(error),
            },
            Ok((Put::Exists, _)) => Ok(Put::Exists),
            // This answer begins before the server knows whether it can.
            Ok((_, answer)) => match CompleteMultipartUploadResponse::parse(&answer.text()) {
                Ok(_) => Ok(Put::Created),
                Err(_) if words::code(&answer.text()) == "PreconditionFailed" => Ok(Put::Exists),
                Err(_) => Err(self.why(&answer)),
            },
        }
    }
}

/// Exactly so many bytes.
pub(super) fn read(bytes: &mut dyn Read, size: u64) -> Result<Vec<u8>, ShipError> {
    let mut body = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    match bytes.take(size).read_to_end(&mut body)? as u64 == size {
        true => Ok(body),
        false => Err(wrong_length()),
    }
}

/// That no more follows than was said.
pub(super) fn at_end(bytes: &mut dyn Read) -> Result<(), ShipError> {
    match bytes.take(1).read_to_end(&mut Vec::new())? {
        0 => Ok(()),
        _ => Err(wrong_length()),
    }
}

fn wrong_length() -> ShipError {
    ShipError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, "the object has another length than was said"))
}
