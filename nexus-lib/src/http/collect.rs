use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body::Body;

use crate::error::{BoxError, Error, ErrorKind, Result};
use crate::http::pace::{BodyTimeouts, Pace};

/// All of `body`, at most `limit` bytes.
///
/// A body that arrives in one frame is not copied; others are copied once.
///
/// # Errors
/// [`ErrorKind::TooLarge`] as soon as it is certain: for a body that says its length, before any of it
/// is read. [`ErrorKind::RequestTimeout`] when it comes too slowly. [`ErrorKind::InvalidRequest`] when it
/// breaks off.
pub(crate) async fn collect<B>(body: B, limit: usize, timeouts: BodyTimeouts) -> Result<Bytes>
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    let announced = body.size_hint().lower();
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(too_large(limit));
    }
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut pace = Pace::new(timeouts);
    loop {
        let received = first.len().max(rest.len());
        let frame = poll_fn(|cx| match body.as_mut().poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(Ok(frame)),
            Poll::Pending => pace.poll_too_slow(cx, received).map(Err),
        });
        let Some(frame) = frame.await? else { break };
        pace.piece();
        let Ok(mut data) = frame.map_err(broken_off)?.into_data() else {
            continue; // trailers
        };
        let len = data.remaining();
        if len > limit - received {
            return Err(too_large(limit));
        }
        if first.is_empty() && rest.is_empty() {
            // Where the data is `Bytes` already, this shares it.
            first = data.copy_to_bytes(len);
        } else {
            if rest.is_empty() {
                rest.reserve(announced.max(first.len() + len));
                rest.put(std::mem::take(&mut first));
            }
            rest.put(data);
        }
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("the body is over the limit of {limit} bytes; send a smaller one"),
    )
}

fn broken_off(error: impl Into<BoxError>) -> Error {
    // A body that was wrapped in a layer of this crate may bring a verdict of its own.
    match error.into().downcast::<Error>() {
        Ok(own) => *own,
        Err(cause) => Error::new(
            ErrorKind::InvalidRequest,
            "the body broke off before its end; send the request again",
        )
        .with_source(cause),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io;

    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    async fn collect_all<B>(body: B, limit: usize) -> Result<Bytes>
    where
        B: Body<Data: Buf, Error: Into<BoxError>>,
    {
        collect(body, limit, BodyTimeouts::default()).await
    }

    fn frames(parts: &[&'static str]) -> impl Body<Data = Bytes, Error = io::Error> {
        let parts: Vec<_> = parts
            .iter()
            .map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes()))))
            .collect();
        StreamBody::new(stream::iter(parts))
    }

    #[tokio::test]
    async fn single_frame_is_shared_not_copied() {
        let bytes = Bytes::from(vec![7; 4096]);
        let collected = collect_all(Full::new(bytes.clone()), 4096).await.unwrap();
        assert_eq!(collected.as_ptr(), bytes.as_ptr());
        assert_eq!(collected.len(), 4096);
    }

    #[tokio::test]
    async fn frames_are_joined_in_order() {
        let body = frames(&["one ", "", "two ", "three"]);
        assert_eq!(collect_all(body, 13).await.unwrap(), "one two three");
        assert_eq!(collect_all(frames(&[]), 0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn any_buffer_will_do() {
        let data = VecDeque::from(b"deque".to_vec());
        assert_eq!(collect_all(Full::new(data), 5).await.unwrap(), "deque");
    }

    #[tokio::test]
    async fn body_over_the_limit_is_refused_and_the_limit_named() {
        for body in [
            frames(&["12345"]),
            frames(&["12", "345"]),
            frames(&["1", "2", "3", "45"]),
        ] {
            let error = collect_all(body, 4).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            assert!(error.to_string().contains("4 bytes"), "{error}");
        }
    }

    #[tokio::test]
    async fn announced_length_is_refused_before_anything_is_read() {
        struct Announced;
        impl Body for Announced {
            type Data = Bytes;
            type Error = io::Error;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<io::Result<Frame<Bytes>>>> {
                panic!("nothing should be read")
            }
            fn size_hint(&self) -> http_body::SizeHint {
                http_body::SizeHint::with_exact(5)
            }
        }
        let error = collect_all(Announced, 4).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }

    #[tokio::test]
    async fn broken_body_is_the_clients_fault() {
        let parts = [
            Ok(Frame::data(Bytes::from_static(b"{"))),
            Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        ];
        let error = collect_all(StreamBody::new(stream::iter(parts)), 9)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(std::error::Error::source(&error).is_some());
    }
}
