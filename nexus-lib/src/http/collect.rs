use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::{Buf, Bytes};
use http_body::Body;

use crate::body_memory::{BodyMemory, Gather, GatherError, Holder};
use crate::error::{BoxError, Error, ErrorKind, Result};
use crate::http::pace::{BodyTimeouts, Pace};

/// The maximum size, the minimum speed and the memory of a body.
#[derive(Clone, Copy)]
pub(crate) struct BodyLimits<'a> {
    pub(crate) bytes: usize,
    pub(crate) timeouts: BodyTimeouts,
    pub(crate) memory: &'a BodyMemory,
    pub(crate) holder: Holder,
}

impl BodyLimits<'_> {
    /// The longest body that can ever fit: a longer one is too large, and a retry is useless.
    pub(super) fn longest(&self) -> usize {
        self.bytes.min(self.memory.longest())
    }
}

/// All of `body`, within `limits`.
///
/// A body of one frame is not copied.
///
/// # Errors
/// [`ErrorKind::TooLarge`] as soon as it is certain: with a declared length, before anything is
/// read. [`ErrorKind::Overloaded`] when there is no memory for it. [`ErrorKind::RequestTimeout`]
/// when it arrives too slowly. [`ErrorKind::InvalidRequest`] when it is interrupted.
pub(crate) async fn collect<B>(body: B, limits: BodyLimits<'_>) -> Result<Bytes>
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    let limit = limits.longest();
    let announced = body.size_hint().lower();
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(too_large(limit));
    }
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut rest: Option<Gather> = None;
    let mut pace = Pace::new(limits.timeouts);
    loop {
        let received = rest.as_ref().map_or(first.len(), Gather::len);
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
        if first.is_empty() && rest.is_none() {
            // If the data is `Bytes` already, this shares it.
            first = data.copy_to_bytes(len);
            continue;
        }
        let gather = match &mut rest {
            Some(gather) => gather,
            None => {
                let mut gather = Gather::new(limits.memory, limits.holder, limit, announced);
                let begun = gather.push(std::mem::take(&mut first));
                begun.map_err(|error| refused(error, limit))?;
                rest.insert(gather)
            }
        };
        (gather.push(data)).map_err(|error| refused(error, limit))?;
    }
    Ok(rest.map_or(first, Gather::finish))
}

pub(super) fn refused(error: GatherError, limit: usize) -> Error {
    match error {
        GatherError::TooLong => too_large(limit),
        GatherError::NoRoom(error) => error,
    }
}

fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("the body exceeds the limit of {limit} bytes; send a smaller one"),
    )
}

fn broken_off(error: impl Into<BoxError>) -> Error {
    // A body that was wrapped by a layer of this crate may return an error of its own.
    match error.into().downcast::<Error>() {
        Ok(own) => *own,
        Err(cause) => Error::new(
            ErrorKind::InvalidRequest,
            "the body ended early; send the request again",
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
        let memory = BodyMemory::at_most(1 << 20);
        let limits = BodyLimits {
            bytes: limit,
            timeouts: BodyTimeouts::default(),
            memory: &memory,
            holder: Holder::Client(1),
        };
        collect(body, limits).await
    }

    fn frames(parts: &[&'static str]) -> impl Body<Data = Bytes, Error = io::Error> + use<> {
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
    async fn body_that_memory_has_no_room_for_is_refused_and_may_come_again() {
        let memory = BodyMemory::at_most(200_000);
        let limits = BodyLimits {
            bytes: 1 << 20,
            timeouts: BodyTimeouts::default(),
            memory: &memory,
            holder: Holder::Client(1),
        };
        let piece: &'static str = "x".repeat(10_000).leak();
        let first = collect(frames(&[piece; 10]), limits).await.unwrap();
        let error = collect(frames(&[piece; 10]), limits).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        assert!(error.retry_after().is_some());
        drop(first);
        assert_eq!(memory.held(), 0);
        // A body that can never fit need not be sent again.
        let error = collect(frames(&[piece; 17]), limits).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        let fits = collect(frames(&[piece; 10]), limits).await.unwrap();
        assert_eq!(fits.len(), 100_000);
        assert!(memory.held() >= 100_000);
        drop(fits);
        assert_eq!(memory.held(), 0);
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
