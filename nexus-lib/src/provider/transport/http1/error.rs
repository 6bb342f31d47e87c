use std::io;

/// Why there is no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub(in crate::provider::transport) enum Error {
    /// Nothing of the request was sent: it can be sent on another connection.
    #[error("the connection was closed before anything was sent")]
    Unsent(#[source] io::Error),
    #[error("the connection broke")]
    Broken(#[from] io::Error),
    #[error("the connection was closed before the answer started")]
    NoAnswer,
    #[error("the connection was closed before the answer ended")]
    Cut,
    #[error("the head of the answer is malformed HTTP/1")]
    Head(#[from] httparse::Error),
    #[error("a header of the answer has an invalid value")]
    HeaderValue,
    #[error("the head of the answer is longer than 64 KiB")]
    HeadTooLong,
    #[error("the answer switches to a protocol that was not requested")]
    Switching,
    #[error("the answer's length is invalid: {0}")]
    Length(&'static str),
    #[error("a chunk of the answer is malformed")]
    Chunk,
}
