use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http::response::Parts;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;
use crate::wire::Endpoint;

/// An upstream with a fixed output: in these pieces, then nothing, or its end.
struct Wire {
    answer: VecDeque<Vec<u8>>,
    closes: bool,
    heard: Vec<u8>,
    /// It accepts this many more bytes, this many at a time.
    room: usize,
    at_once: usize,
}

impl Wire {
    fn new(pieces: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        let answer = pieces.into_iter().map(Into::into);
        Self {
            answer: answer.filter(|piece: &Vec<u8>| !piece.is_empty()).collect(),
            closes: true,
            heard: Vec::new(),
            room: usize::MAX,
            at_once: usize::MAX,
        }
    }

    fn open(self) -> Self {
        Self {
            closes: false,
            ..self
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut piece) = self.answer.pop_front() else {
            return match self.closes {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            };
        };
        let rest = piece.split_off(piece.len().min(buffer.remaining()));
        buffer.put_slice(&piece);
        if !rest.is_empty() {
            self.answer.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = bytes.len().min(self.room).min(self.at_once);
        if count == 0 {
            return Poll::Pending;
        }
        self.room -= count;
        self.heard.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn endpoint() -> Endpoint {
    Endpoint::new("http://up.example:81/v1/x?y=z".parse().unwrap()).unwrap()
}

fn request() -> Request<Bytes> {
    let request = Request::post("/").header("accept", "*/*");
    request.body(Bytes::from_static(b"{\"a\":1}")).unwrap()
}

/// Sends the request and reads the answer: its head, its body, and whether another one may follow.
async fn exchange(http1: &mut Http1<Wire>) -> Result<(Parts, Vec<u8>, bool), Error> {
    let head = http1.send(&endpoint(), &request()).await?;
    let mut body = Vec::new();
    while let Some(data) = poll_fn(|cx| http1.poll_data(cx)).await? {
        assert!(!data.is_empty());
        body.extend_from_slice(&data);
    }
    assert!(http1.framing_is_over());
    Ok((head, body, http1.is_reusable()))
}

async fn answered(wire: Wire) -> Result<(Parts, Vec<u8>, bool), Error> {
    exchange(&mut Http1::new(wire)).await
}

impl Http1<Wire> {
    fn framing_is_over(&mut self) -> bool {
        self.is_over() && self.left() == Some(0)
    }
}

#[tokio::test]
async fn a_request_says_where_what_and_how_long() {
    for at_once in [usize::MAX, 1, 7] {
        let mut wire = Wire::new(["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]);
        wire.at_once = at_once;
        let mut http1 = Http1::new(wire);
        let mut request = request();
        for (name, value) in [("content-length", "9"), ("connection", "x"), ("host", "y")] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let sent = http1.send(&endpoint(), &request).await;
        assert_eq!(sent.unwrap().status, 200);
        let heard = String::from_utf8(http1.into_io().heard).unwrap();
        let expected = "POST /v1/x?y=z HTTP/1.1\r\nhost: up.example:81\r\naccept: */*\r\n\
             content-length: 7\r\n\r\n{\"a\":1}";
        assert_eq!(heard, expected);
    }
}

#[tokio::test]
async fn end_and_reuse_follow_from_the_head() {
    let ok = "HTTP/1.1 200 OK\r\n";
    let old = "HTTP/1.0 200 OK\r\n";
    for (head, rest, body, reusable) in [
        (ok, "content-length: 2\r\n\r\nhi", "hi", true),
        (
            ok,
            "content-length: 2, 2\r\ncontent-length: 2\r\n\r\nhi",
            "hi",
            true,
        ),
        (
            ok,
            "connection: x, Close\r\ncontent-length: 2\r\n\r\nhi",
            "hi",
            false,
        ),
        (ok, "content-length: 2\r\n\r\nhi there", "hi", false),
        (ok, "\r\nhi", "hi", false),
        (
            ok,
            "transfer-encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            "hi",
            true,
        ),
        (
            ok,
            "transfer-encoding: chunked\r\n\r\n2 ;a=\"b\"\r\nhi\r\n000\r\nx: y\r\n\r\n",
            "hi",
            true,
        ),
        (
            ok,
            "transfer-encoding: chunked\r\ncontent-length: 9\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            "hi",
            false,
        ),
        (
            ok,
            "transfer-encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            "hi",
            true,
        ),
        (
            ok,
            "transfer-encoding: gzip\r\ncontent-length: 1\r\n\r\nhi",
            "hi",
            false,
        ),
        (old, "content-length: 2\r\n\r\nhi", "hi", false),
        (
            old,
            "connection: keep-alive\r\ncontent-length: 2\r\n\r\nhi",
            "hi",
            true,
        ),
        (
            "HTTP/1.1 204 No Content\r\n",
            "content-length: 9\r\n\r\n",
            "",
            true,
        ),
        (
            "HTTP/1.1 304 Not Modified\r\n",
            "transfer-encoding: chunked\r\n\r\n",
            "",
            true,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\na: b\r\n\r\n",
            "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nhi",
            "hi",
            true,
        ),
        ("HTTP/1.1 200 OK\n", "content-length: 2\n\nhi", "hi", true),
    ] {
        let answer = format!("{head}{rest}");
        let whole = answered(Wire::new([answer.as_str()])).await;
        let (_, found, is_reusable) = whole.unwrap_or_else(|error| panic!("{answer}: {error}"));
        assert_eq!(
            (found.as_slice(), is_reusable),
            (body.as_bytes(), reusable),
            "{answer}"
        );
        let bytes = answer.bytes().map(|byte| vec![byte]);
        let (_, found, is_reusable) = answered(Wire::new(bytes)).await.unwrap();
        assert_eq!(found, body.as_bytes(), "{answer}");
        // Excess bytes are noticed when they arrive, or when the connection is taken again.
        assert!(
            is_reusable == reusable || rest.ends_with("there"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn what_is_no_answer_is_an_error() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(70_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(200));
    let extended = format!("2;{}\r\nhi\r\n0\r\n\r\n", "x".repeat(5_000));
    let trailed = format!("0\r\n{}\r\n", "x: yz\r\n".repeat(5_000));
    for (answer, expected) in [
        ("", "before the answer started"),
        ("HTTP/1.1 200 OK\r\n", "before the answer started"),
        ("SSH-2.0-x\r\n\r\n", "malformed HTTP/1"),
        ("HTTP/2.0 200 OK\r\n\r\n", "malformed HTTP/1"),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "malformed HTTP/1"),
        ("HTTP/1.1 200 OK\r\na : b\r\n\r\n", "malformed HTTP/1"),
        (
            "HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n",
            "malformed HTTP/1",
        ),
        ("HTTP/1.1 101 Switching\r\n\r\n", "protocol"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "not a number",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n",
            "not a number",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
            "not a number",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nhi",
            "two lengths differ",
        ),
        (
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "no transfer codings",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi",
            "before the answer ended",
        ),
        (&long, "longer than"),
        (&many, "malformed HTTP/1"),
    ] {
        let error = answered(Wire::new([answer])).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{answer}: {error}");
    }
    for (chunks, expected) in [
        ("", "before the answer ended"),
        ("2\r\nhi\r\n", "before the answer ended"),
        ("2\r\nhi\r\n0\r\n", "before the answer ended"),
        ("2\r\nhi", "before the answer ended"),
        ("2\nhi\r\n0\r\n\r\n", "chunk"),
        ("\r\nhi", "chunk"),
        ("x\r\nhi", "chunk"),
        ("+2\r\nhi", "chunk"),
        (" 2\r\nhi", "chunk"),
        ("-1\r\nhi", "chunk"),
        ("10000000000000000\r\nhi", "chunk"),
        ("2\r\nhi!\r\n0\r\n\r\n", "chunk"),
        ("2\r\nhi\n0\r\n\r\n", "chunk"),
        ("2\r\r\nhi\r\n0\r\n\r\n", "chunk"),
        ("2;a\rb\r\nhi\r\n0\r\n\r\n", "chunk"),
        ("2\r\nhi\r\n0\r\nx: \ry\r\n\r\n", "chunk"),
        (&extended, "chunk"),
        (&trailed, "chunk"),
    ] {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let error = answered(Wire::new([head, chunks])).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{chunks}: {error}");
        let together = format!("{head}{chunks}");
        let again = answered(Wire::new([together])).await.unwrap_err();
        assert_eq!(again.to_string(), error.to_string(), "{chunks}");
    }
}

#[tokio::test]
async fn an_answer_before_the_request_is_sent_is_heard_and_ends_the_connection() {
    let mut wire = Wire::new(["HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno"]).open();
    wire.room = 20;
    let (head, body, is_reusable) = answered(wire).await.unwrap();
    assert_eq!(
        (head.status.as_u16(), body.as_slice(), is_reusable),
        (413, &b"no"[..], false)
    );
}

#[tokio::test]
async fn an_idle_connection_that_sends_bytes_or_ends_is_closed() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
    let wires = [
        (Wire::new([answer]).open(), false),
        (Wire::new([answer]), true),
        (Wire::new([answer, "HTTP/1.1 408 x\r\n\r\n"]).open(), true),
    ];
    for (wire, is_closed) in wires {
        let mut http1 = Http1::new(wire);
        assert!(exchange(&mut http1).await.unwrap().2);
        assert_eq!(http1.is_closed(), is_closed);
    }
}

/// Splits `bytes` at `cuts`.
fn pieces(bytes: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    (cuts.windows(2))
        .map(|pair| bytes[pair[0]..pair[1]].to_vec())
        .collect()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

proptest! {
    /// However two answers on one connection are split, both are read as they were sent.
    #[test]
    fn answers_come_whole_under_every_cut(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9_000), 0..5),
        is_chunked: bool,
        cuts in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let body = chunks.concat();
        let mut answer = b"HTTP/1.1 200 OK\r\nx-a: b\r\n".to_vec();
        if is_chunked {
            answer.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for chunk in &chunks {
                answer.extend_from_slice(format!("{:X};x\r\n", chunk.len()).as_bytes());
                answer.extend_from_slice(chunk);
                answer.extend_from_slice(b"\r\n");
            }
            answer.extend_from_slice(b"0\r\nx: y\r\n\r\n");
        } else {
            let length = format!("content-length: {}\r\n\r\n", body.len());
            answer.extend_from_slice(length.as_bytes());
            answer.extend_from_slice(&body);
        }
        let mut both = pieces(&answer, &cuts);
        both.extend(pieces(&answer, &cuts));
        run(async {
            let mut http1 = Http1::new(Wire::new(both));
            for _ in 0..2 {
                let (head, found, is_reusable) = exchange(&mut http1).await.unwrap();
                assert_eq!(head.headers["x-a"], "b");
                assert!(found == body && is_reusable);
            }
        });
    }

    /// Any bytes of an upstream are an answer or an error.
    #[test]
    fn nothing_makes_it_panic_or_hang(
        at in any::<prop::sample::Index>(),
        byte: u8,
        length in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let mut answer = b"HTTP/1.1 100 x\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\
            content-length: 5\r\n\r\n3;a=b\r\nabc\r\n5\r\n12345\r\n0\r\na: b\r\n\r\n".to_vec();
        let at = at.index(answer.len());
        answer[at] = byte;
        answer.truncate(length.index(answer.len() * 4).max(1));
        let _ = run(answered(Wire::new(pieces(&answer, &cuts))));
    }
}
