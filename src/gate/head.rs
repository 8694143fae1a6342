//! Looks at the head of each HTTP/1 request before the parser does, and is stricter than it: what two parsers could read in two ways
//! is refused (request smuggling, RFC 9112 section 11.2).

use super::limits;

/// What is wrong with a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A line ends with LF alone, or holds CR or NUL.
    BareLine,
    /// More bytes or fields than allowed.
    TooLarge,
    /// Two lengths, or a length and a transfer encoding, or one that is no number.
    Length,
}

/// Where in the stream we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before or inside a head.
    Head,
    /// So many bytes of a body follow.
    Body(u64),
    /// A chunked body: what follows is not looked at, and the connection closes after the response.
    Blind,
}

/// Follows one connection.
pub(crate) struct HeadScan {
    state: State,
    line: Vec<u8>,
    lines: usize,
    size: usize,
    length: Option<u64>,
    chunked: bool,
}

impl HeadScan {
    pub(crate) fn new() -> HeadScan {
        HeadScan { state: State::Head, line: Vec::new(), lines: 0, size: 0, length: None, chunked: false }
    }

    /// Whether part of a head has come and its end has not.
    pub(crate) fn in_head(&self) -> bool {
        self.state == State::Head && self.size > 0
    }

    /// Takes the bytes that came, in order.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Flaw> {
        while !bytes.is_empty() {
            match self.state {
                State::Blind => return Ok(()),
                State::Body(left) => {
                    let now = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    bytes = bytes.get(now..).unwrap_or_default();
                    let left = left - now as u64;
                    self.state = if left == 0 { State::Head } else { State::Body(left) };
                }
                State::Head => {
                    let end = bytes.iter().position(|b| *b == b'\n').map(|at| at + 1);
                    let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
                    bytes = rest;
                    self.size += part.len();
                    if self.size > limits::HEAD_BYTES {
                        return Err(Flaw::TooLarge);
                    }
                    self.line.extend_from_slice(part);
                    if end.is_some() {
                        self.end_line()?;
                    }
                }
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Flaw> {
        let line = std::mem::take(&mut self.line);
        let Some(line) = line.strip_suffix(b"\r\n") else { return Err(Flaw::BareLine) };
        if line.iter().any(|b| matches!(b, b'\r' | 0)) {
            return Err(Flaw::BareLine);
        }
        match (line.is_empty(), self.lines) {
            // Empty lines before a request are allowed (RFC 9112, 2.2) but count towards its size.
            (true, 0) => {}
            (true, _) => self.end_head(),
            (false, 0) => self.lines = 1,
            (false, _) => {
                self.lines += 1;
                if self.lines > limits::FIELDS + 1 {
                    return Err(Flaw::TooLarge);
                }
                self.field(line)?;
            }
        }
        Ok(())
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Flaw> {
        let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = value.strip_prefix(b":").unwrap_or_default().trim_ascii();
            let length = std::str::from_utf8(digits).ok().filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit())).and_then(|d| d.parse().ok());
            if length.is_none() || self.length.is_some() || self.chunked {
                return Err(Flaw::Length);
            }
            self.length = length;
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.length.is_some() || self.chunked || !value.trim_ascii_end().to_ascii_lowercase().ends_with(b"chunked") {
                return Err(Flaw::Length);
            }
            self.chunked = true;
        }
        Ok(())
    }

    fn end_head(&mut self) {
        self.state = match (self.chunked, self.length) {
            (true, _) => State::Blind,
            (false, Some(length)) if length > 0 => State::Body(length),
            (false, _) => State::Head,
        };
        (self.lines, self.size, self.length, self.chunked) = (0, 0, None, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(bytes: &[u8], piece: usize) -> Result<bool, Flaw> {
        let mut scan = HeadScan::new();
        bytes.chunks(piece).try_for_each(|part| scan.feed(part))?;
        Ok(scan.in_head())
    }

    #[test]
    fn good_requests_pass_however_they_are_cut() {
        let stream = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\na\nb\nGET / HTTP/1.1\r\n\r\n";
        for piece in 1..stream.len() {
            assert_eq!(scan(stream, piece), Ok(false), "{piece}");
        }
        assert_eq!(scan(b"GET / HTTP/1.1\r\nHo", 3), Ok(true));
        assert_eq!(scan(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\ncd\r\n0\r\n\r\n", 7), Ok(false));
    }

    #[test]
    fn what_could_be_read_two_ways_is_refused() {
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(limits::FIELDS + 1));
        let large = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(limits::HEAD_BYTES));
        let rows: [(&[u8], Flaw); 11] = [
            (b"GET / HTTP/1.1\nHost: a\n\n", Flaw::BareLine),
            (b"GET / HTTP/1.1\r\nHost: a\n\r\n", Flaw::BareLine),
            (b"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", Flaw::BareLine),
            (b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", Flaw::BareLine),
            (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Flaw::Length),
            (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Flaw::Length),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", Flaw::Length),
            (b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", Flaw::Length),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked, identity\r\n\r\n", Flaw::Length),
            (many.as_bytes(), Flaw::TooLarge),
            (large.as_bytes(), Flaw::TooLarge),
        ];
        for (stream, flaw) in rows {
            assert_eq!(scan(stream, 5), Err(flaw), "{}", String::from_utf8_lossy(stream));
        }
    }
}
