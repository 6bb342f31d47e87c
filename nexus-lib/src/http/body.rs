use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use sync_wrapper::SyncWrapper;

use crate::call::MeteredStream;
use crate::error::Error;
use crate::intake::OpenRequest;

/// The body of every response that this crate makes.
///
/// It is `Send` and `Sync`, as some web frameworks ask for, and holds no more than one piece of a
/// stream at a time: a client that reads slowly slows the upstream.
///
/// # Errors
/// A stream that broke ends with the error: a server that sends the body then cuts the connection,
/// so that no cut answer looks whole. An edge whose protocol can say so puts an error event before
/// the end instead.
#[derive(Default)]
pub struct Body {
    content: Content,
    /// The request counts as open until the last of the answer has been taken.
    open: Option<OpenRequest>,
}

#[derive(Default)]
enum Content {
    #[default]
    Empty,
    Full(Bytes),
    /// Wrapped, so that the body is `Sync` too: nobody polls through a shared reference.
    Stream(SyncWrapper<MeteredStream>),
}

impl Body {
    /// A body of these bytes, without a copy.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::of(if bytes.is_empty() {
            Content::Empty
        } else {
            Content::Full(bytes)
        })
    }

    /// No body.
    pub const fn empty() -> Self {
        Self::of(Content::Empty)
    }

    /// A body that hands on each item of `stream` as one frame, when it is there.
    pub fn stream(stream: MeteredStream) -> Self {
        Self::of(Content::Stream(SyncWrapper::new(stream)))
    }

    const fn of(content: Content) -> Self {
        let open = None;
        Self { content, open }
    }

    /// This body, whose request is open until it has ended or is dropped.
    pub(crate) fn of_request(mut self, open: OpenRequest) -> Self {
        self.open = Some(open);
        self
    }

    /// Lets go of what stood behind the content: not only when the connection lets go of us.
    fn end(&mut self) {
        self.content = Content::Empty;
        self.open = None;
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.content {
            Content::Empty => Poll::Ready(None),
            Content::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.end();
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Content::Stream(stream) => loop {
                match std::task::ready!(stream.get_mut().as_mut().poll_next(cx)) {
                    // Some writers take an empty chunk for the end of the body.
                    Some(Ok(bytes)) if bytes.is_empty() => {}
                    Some(Ok(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                    last => {
                        self.end();
                        return Poll::Ready(last.map(|item| item.map(Frame::data)));
                    }
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            // A length in memory fits into 64 bits.
            Content::Full(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Content::Stream(_) => SizeHint::default(),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

impl fmt::Debug for Body {
    /// Shows no content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Empty => f.write_str("Body::empty()"),
            Content::Full(bytes) => write!(f, "Body::full({} bytes)", bytes.len()),
            Content::Stream(_) => f.write_str("Body::stream(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body::Body as _;
    use http_body_util::BodyExt;

    use super::*;
    use crate::error::ErrorKind;

    #[tokio::test]
    async fn full_body_is_one_frame_of_known_length() {
        let mut body = Body::full("hello");
        assert_eq!(body.size_hint().exact(), Some(5));
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "hello");
        assert!(body.is_end_stream());
        assert!(body.frame().await.is_none());
        assert_eq!(Body::full("").size_hint().exact(), Some(0));
        assert!(Body::default().is_end_stream());
    }

    #[tokio::test]
    async fn stream_is_passed_piece_by_piece_and_dropped_at_its_end() {
        let pieces = ["data: 1\n\n", "", "data: 2\n\n"].map(|text| Ok(Bytes::from(text)));
        let mut body = Body::stream(Box::pin(stream::iter(pieces)));
        assert_eq!(body.size_hint().exact(), None);
        assert!(!body.is_end_stream());
        for expected in ["data: 1\n\n", "data: 2\n\n"] {
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), expected);
        }
        assert!(body.frame().await.is_none());
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn broken_stream_ends_with_its_error() {
        let pieces = [
            Ok(Bytes::from("data: 1\n\n")),
            Err(Error::new(ErrorKind::StreamInterrupted, "cut")),
            Ok(Bytes::from("never")),
        ];
        let mut body = Body::stream(Box::pin(stream::iter(pieces)));
        body.frame().await.unwrap().unwrap();
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StreamInterrupted);
        assert!(body.frame().await.is_none());
    }
}
