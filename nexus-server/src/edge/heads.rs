use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use memchr::memchr;

/// Heads beyond this are not read: hyper has rejected them before.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// What the heads of a connection reveal about the ends of their messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Finding(Arc<AtomicU8>);

/// Two readers could see the end of the message in different places.
const AMBIGUOUS: u8 = 1;
/// The end of the message is not known from its head: no other request may follow it.
const LAST: u8 = 2;

impl Finding {
    /// Whether there is nothing to report, as for almost every request.
    pub(super) fn is_plain(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    pub(super) fn is_ambiguous(&self) -> bool {
        self.0.load(Ordering::Relaxed) & AMBIGUOUS != 0
    }

    fn add(&self, flag: u8) {
        self.0.fetch_or(flag, Ordering::Relaxed);
    }
}

/// Reads the heads of passing requests for what hyper hides from services.
///
/// If a message has two lengths, or a length and a transfer coding, hyper uses one and drops the
/// other, as RFC 9112 allows (sections 6.1 and 6.3); it also accepts a bare LF as a line end (2.2).
/// A proxy in front of this server may choose differently, and then one request for it is two for
/// us. So these are detected here and rejected.
///
/// It reads no more than necessary: where a head ends, and the length of its body. After a transfer
/// coding it stops. After an upgrade there are no heads, and anything found there goes to a service
/// that is no longer called.
#[derive(Debug)]
pub(super) struct Heads {
    at: At,
    /// The start of a line that did not arrive in one piece.
    line: Vec<u8>,
    head: Head,
    finding: Finding,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Head,
    /// This many bytes of a body are left.
    Body(u64),
    Nowhere,
}

/// The content of a head so far.
#[derive(Debug, Default)]
struct Head {
    has_begun: bool,
    length: Option<u64>,
    is_coded: bool,
}

impl Heads {
    pub(super) fn new(finding: Finding) -> Self {
        Self {
            at: At::Head,
            line: Vec::new(),
            head: Head::default(),
            finding,
        }
    }

    /// Reads the next bytes of the connection.
    pub(super) fn look(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.at {
                At::Nowhere => return,
                At::Body(left) => {
                    let here =
                        usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    bytes = &bytes[here..];
                    let left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
                    self.at = if left == 0 { At::Head } else { At::Body(left) };
                }
                At::Head => {
                    let Some(end) = memchr(b'\n', bytes) else {
                        return self.keep(bytes);
                    };
                    let (line, rest) = bytes.split_at(end);
                    bytes = &rest[1..];
                    if self.line.is_empty() {
                        self.end_line(line);
                    } else {
                        self.line.extend_from_slice(line);
                        let line = std::mem::take(&mut self.line);
                        self.end_line(&line);
                    }
                }
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.line.extend_from_slice(bytes);
        if self.line.len() > MAX_LINE_BYTES {
            self.stop();
        }
    }

    fn stop(&mut self) {
        self.at = At::Nowhere;
        self.line = Vec::new();
    }

    /// Handles a line without its LF.
    fn end_line(&mut self, line: &[u8]) {
        let Some(line) = line.strip_suffix(b"\r") else {
            return self.refuse();
        };
        let Some(first) = line.first() else {
            // Empty lines before a request are skipped, since some old clients send one after a
            // body.
            if self.head.has_begun {
                self.end_head();
            }
            return;
        };
        if !self.head.has_begun {
            self.head.has_begun = true;
            return;
        }
        match first.to_ascii_lowercase() {
            b'c' => {
                if let Some(value) = value_of(line, b"content-length") {
                    // Hyper rejects an invalid number, and closes the connection.
                    let Some(length) = number(value) else {
                        return self.stop();
                    };
                    if self.head.length.replace(length).is_some() {
                        self.refuse();
                    }
                }
            }
            b't' => self.head.is_coded |= value_of(line, b"transfer-encoding").is_some(),
            _ => {}
        }
    }

    fn end_head(&mut self) {
        let head = std::mem::take(&mut self.head);
        if head.is_coded && head.length.is_some() {
            self.refuse();
        } else if head.is_coded {
            self.finding.add(LAST);
            self.stop();
        } else if let Some(length @ 1..) = head.length {
            self.at = At::Body(length);
        }
    }

    fn refuse(&mut self) {
        self.finding.add(AMBIGUOUS);
        self.stop();
    }
}

/// The value of a header line with the lower-case name `name`.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn number(digits: &[u8]) -> Option<u64> {
    // `parse` would accept a sign.
    let is_number = digits.iter().all(u8::is_ascii_digit);
    is_number
        .then(|| std::str::from_utf8(digits).ok()?.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The finding when `bytes` arrive in pieces of `size`.
    fn found(bytes: &str, size: usize) -> u8 {
        let finding = Finding::default();
        let mut heads = Heads::new(finding.clone());
        for piece in bytes.as_bytes().chunks(size) {
            heads.look(piece);
        }
        finding.0.load(Ordering::Relaxed)
    }

    #[track_caller]
    fn assert_found(bytes: &str, expected: u8) {
        for size in 1..=bytes.len() {
            assert_eq!(
                found(bytes, size),
                expected,
                "{size} bytes at a time: {bytes:?}"
            );
        }
    }

    #[test]
    fn plain_requests_pass_one_after_the_other() {
        assert_found(
            "\r\nPOST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\nb\nc\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n\
             POST / HTTP/1.1\r\ncontent-length:0\r\n\r\nGET / HTTP/1.1\r\ntE: x\r\nupgrade: h2c\r\n\r\n\
             GET / HTTP/1.1\r\ncontent: y\r\n\r\n",
            0,
        );
    }

    #[test]
    fn second_length_and_length_beside_a_coding_are_found() {
        for headers in [
            "content-length: 5\r\nCONTENT-LENGTH: 5\r\n",
            "content-length: 5\r\nTransfer-Encoding: chunked\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        ] {
            assert_found(&format!("POST / HTTP/1.1\r\n{headers}\r\n"), AMBIGUOUS);
            let behind = "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcPOST / HTTP/1.1\r\n";
            assert_found(&format!("{behind}{headers}\r\n"), AMBIGUOUS);
        }
    }

    #[test]
    fn bare_line_feed_is_found() {
        for head in [
            "GET / HTTP/1.1\nhost: h\r\n\r\n",
            "GET / HTTP/1.1\r\nx: y\nhost: h\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: h\r\n\n",
            "\nGET / HTTP/1.1\r\nhost: h\r\n\r\n",
        ] {
            assert_found(head, AMBIGUOUS);
        }
    }

    #[test]
    fn nothing_is_looked_at_behind_a_coding_or_what_is_no_length() {
        let evil = "content-length: 1\r\ncontent-length: 1\n\r\n\r\n";
        let coded = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_found(&format!("{coded}{evil}"), LAST);
        for length in ["+5", "-5", "5, 5", "", "x", "99999999999999999999"] {
            let head = format!("POST / HTTP/1.1\r\ncontent-length: {length}\r\n\r\n{evil}");
            assert_found(&head, 0);
        }
    }
}
