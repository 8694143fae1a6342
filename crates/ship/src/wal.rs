//! The write-ahead log of SQLite, read without a key: what stands in its pages is ciphertext here, and stays it.
//!
//! Format: <https://www.sqlite.org/fileformat2.html#walformat>. A header of 32 bytes, then frames: 24 bytes and a page each. Every frame
//! carries the salts of the header and a checksum that runs on from frame to frame, so that what was left over from before, and what a
//! power cut spoiled, is told apart from what was committed.

use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
};

/// Bytes of the header.
pub const HEADER: usize = 32;
/// Bytes before the page in a frame.
pub const FRAME: usize = 24;
/// The magic number; its last bit says that checksums are of big-endian words.
const MAGIC: u32 = 0x377f_0682;
/// The version of the format, unchanged since 2010.
const VERSION: u32 = 3_007_000;

/// The running checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum(pub u32, pub u32);

impl Sum {
    /// The checksum after more bytes; their number is a multiple of eight.
    #[must_use]
    pub fn over(self, big_endian: bool, bytes: &[u8]) -> Sum {
        let word = |bytes: &[u8]| {
            let four = bytes.try_into().unwrap_or_default();
            if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
        };
        bytes.as_chunks::<8>().0.iter().fold(self, |Sum(one, two), pair| {
            let (left, right) = pair.split_at(4);
            let one = one.wrapping_add(word(left)).wrapping_add(two);
            Sum(one, two.wrapping_add(word(right)).wrapping_add(one))
        })
    }
}

/// A big-endian word at this place; what is not there counts as zero.
pub(crate) fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// Whether SQLite has pages of this size, in bytes.
pub(crate) const fn is_page_size(size: u32) -> bool {
    size.is_power_of_two() && size >= 512 && size <= 65536
}

/// The header of a log, which begins anew after each checkpoint that emptied it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Checksums are of big-endian words.
    pub big_endian: bool,
    /// Bytes of a page.
    pub page_size: u32,
    /// Counts the checkpoints since the log was made; zero after a start with an empty log.
    pub checkpoints: u32,
    /// The first salt grows by one with each checkpoint; the second is random. Both are random when `checkpoints` is zero.
    pub salts: (u32, u32),
    /// The checksum with which that of the frames begins.
    pub sum: Sum,
}

impl Header {
    /// The header in the first [`HEADER`] bytes of a log; the error says what is wrong with it.
    pub fn parse(bytes: &[u8; HEADER]) -> Result<Header, &'static str> {
        let (magic, page_size) = (word(bytes, 0), word(bytes, 8));
        let big_endian = magic & 1 == 1;
        let sum = Sum::default().over(big_endian, bytes.get(..24).unwrap_or_default());
        match () {
            () if magic & !1 != MAGIC || word(bytes, 4) != VERSION => Err("it is of another format"),
            () if !is_page_size(page_size) => Err("no page is of that size"),
            () if sum != Sum(word(bytes, 24), word(bytes, 28)) => Err("its checksum is wrong"),
            () => Ok(Header { big_endian, page_size, checkpoints: word(bytes, 12), salts: (word(bytes, 16), word(bytes, 20)), sum }),
        }
    }

    /// The header of a log on disk; `None` for one that is empty, not written far enough, or none.
    pub fn of(log: &File) -> io::Result<Option<Header>> {
        let mut bytes = [0; HEADER];
        match log.read_exact_at(&mut bytes, 0) {
            Ok(()) => Ok(Header::parse(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Bytes of a frame with its page.
    pub const fn frame_size(&self) -> usize {
        FRAME + self.page_size as usize
    }

    /// The beginning of this log.
    pub const fn start(&self) -> At {
        At { salts: self.salts, checkpoints: self.checkpoints, frame: 0, sum: self.sum }
    }

    /// The frame in these bytes, if it belongs to this log and follows the checksum `before`; with it the checksum after it.
    pub fn frame<'b>(&self, bytes: &'b [u8], before: Sum) -> Option<(Frame<'b>, Sum)> {
        let (head, image) = bytes.get(..self.frame_size())?.split_at_checked(FRAME)?;
        let sum = before.over(self.big_endian, head.get(..8)?).over(self.big_endian, image);
        let frame = Frame { page: word(head, 0), pages: word(head, 4), image };
        let genuine = (word(head, 8), word(head, 12)) == self.salts && sum == Sum(word(head, 16), word(head, 20));
        (genuine && frame.page > 0).then_some((frame, sum))
    }
}

/// A page as it is after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'b> {
    /// Its number, from 1.
    pub page: u32,
    /// For the last frame of a transaction, the pages of the database after it; else zero.
    pub pages: u32,
    /// The page.
    pub image: &'b [u8],
}

/// How far a log was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// Which log.
    pub salts: (u32, u32),
    /// The checkpoints before it.
    pub checkpoints: u32,
    /// Frames read.
    pub frame: u32,
    /// The checksum after the last of them; that of the header when there is none.
    pub sum: Sum,
}

impl At {
    /// Whether a log with this header can follow one that was read to its end and emptied. Each time a log is emptied, SQLite counts its first
    /// salt up, and the number of checkpoints of the connection that does it (`walRestartHdr`). That connection has the number of the header
    /// when it was the one to recover the log after a start, and zero when another was before it. Opened anew with an empty log, it begins
    /// at zero with random salts.
    pub const fn is_followed_by(&self, next: &Header) -> bool {
        let emptied = next.salts.0.wrapping_sub(self.salts.0);
        let counted_on = emptied > 0 && next.checkpoints.wrapping_sub(self.checkpoints) == emptied;
        let counted_from_start = emptied > 0 && next.checkpoints == emptied;
        next.checkpoints == 0 || counted_on || counted_from_start
    }

    /// Whether the last frame read is still the one that stands there. Always so when none was read.
    pub fn still_stands(&self, log: &File, header: &Header) -> io::Result<bool> {
        if self.frame == 0 {
            return Ok(true);
        }
        let mut sum = [0; 8];
        let place = HEADER as u64 + u64::from(self.frame - 1) * header.frame_size() as u64 + 16;
        match log.read_exact_at(&mut sum, place) {
            Ok(()) => Ok(Sum(word(&sum, 0), word(&sum, 4)) == self.sum),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Walks the frames of a log in order, as far as they are genuine.
pub struct Frames<'f> {
    header: Header,
    log: BufReader<&'f File>,
    at: At,
    bytes: Vec<u8>,
}

impl<'f> Frames<'f> {
    /// Frames after `at`, which is in the log of this header.
    pub fn after(log: &'f File, header: Header, at: At) -> io::Result<Frames<'f>> {
        let mut reader = BufReader::with_capacity(1 << 18, log);
        reader.seek(SeekFrom::Start(HEADER as u64 + u64::from(at.frame) * header.frame_size() as u64))?;
        Ok(Frames { header, log: reader, at, bytes: vec![0; header.frame_size()] })
    }

    /// How far it was read.
    pub const fn at(&self) -> At {
        self.at
    }

    /// The next genuine frame; `None` at the end of what is genuine.
    pub fn read_next(&mut self) -> io::Result<Option<Frame<'_>>> {
        match self.log.read_exact(&mut self.bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let Some((frame, sum)) = self.header.frame(&self.bytes, self.at.sum) else { return Ok(None) };
        self.at = At { frame: self.at.frame + 1, sum, ..self.at };
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn header(checkpoints: u32, salts: (u32, u32)) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        for (at, value) in [MAGIC | 1, VERSION, 512, checkpoints, salts.0, salts.1].into_iter().enumerate() {
            bytes[at * 4..at * 4 + 4].copy_from_slice(&value.to_be_bytes());
        }
        let sum = Sum::default().over(true, &bytes[..24]);
        bytes[24..28].copy_from_slice(&sum.0.to_be_bytes());
        bytes[28..].copy_from_slice(&sum.1.to_be_bytes());
        bytes
    }

    fn frame(header: &Header, page: u32, pages: u32, fill: u8, before: Sum) -> (Vec<u8>, Sum) {
        let mut bytes = Vec::new();
        for value in [page, pages, header.salts.0, header.salts.1] {
            bytes.extend(value.to_be_bytes());
        }
        let image = vec![fill; header.page_size as usize];
        let sum = before.over(true, &bytes[..8]).over(true, &image);
        bytes.extend(sum.0.to_be_bytes());
        bytes.extend(sum.1.to_be_bytes());
        bytes.extend(image);
        (bytes, sum)
    }

    #[test]
    fn a_log_is_walked_to_the_end_of_what_is_genuine() {
        let head = header(0, (5, 6));
        let parsed = Header::parse(&head).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&head).unwrap();
        let (one, sum) = frame(&parsed, 1, 0, 1, parsed.sum);
        let (two, sum) = frame(&parsed, 2, 2, 2, sum);
        let (mut spoiled, _) = frame(&parsed, 3, 3, 3, sum);
        spoiled[100] ^= 1;
        [one, two, spoiled].iter().for_each(|bytes| file.write_all(bytes).unwrap());
        let mut frames = Frames::after(&file, parsed, parsed.start()).unwrap();
        assert_eq!(frames.read_next().unwrap().map(|frame| (frame.page, frame.pages)), Some((1, 0)));
        assert_eq!(frames.read_next().unwrap().map(|frame| (frame.page, frame.pages)), Some((2, 2)));
        assert_eq!(frames.read_next().unwrap(), None);
        let at = frames.at();
        assert!(at.frame == 2 && at.still_stands(&file, &parsed).unwrap());
        assert!(!At { sum: Sum(1, 2), ..at }.still_stands(&file, &parsed).unwrap());
        assert!(!At { frame: 9, ..at }.still_stands(&file, &parsed).unwrap());
    }

    #[test]
    fn only_the_next_log_follows() {
        let at = Header::parse(&header(4, (9, 1))).unwrap().start();
        let follows = |checkpoints, salts| at.is_followed_by(&Header::parse(&header(checkpoints, salts)).unwrap());
        assert!(follows(5, (10, 77)) && follows(7, (12, 77)) && follows(0, (1234, 5)));
        assert!(follows(1, (10, 77)) && follows(3, (12, 77)));
        assert!(!follows(6, (10, 77)) && !follows(5, (9, 77)) && !follows(4, (9, 77)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(0u8.., 0..2000), magic: bool) {
            let mut file = tempfile::tempfile().unwrap();
            let head = if magic { header(0, (1, 2)).to_vec() } else { Vec::new() };
            file.write_all(&[head, bytes].concat()).unwrap();
            if let Some(header) = Header::of(&file).unwrap() {
                let mut frames = Frames::after(&file, header, header.start()).unwrap();
                while frames.read_next().unwrap().is_some() {}
            }
        }
    }
}
