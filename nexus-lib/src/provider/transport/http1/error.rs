use std::io;

/// Why there is no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub(in crate::provider::transport) enum Error {
    /// Nothing of the request was sent: it can be sent on another connection.
    #[error("the connection was closed before anything was sent")]
    Unsent(#[source] io::Error),
    #[error("the connection broke")]
    Broken(#[from] io::Error),
    #[error("the connection was closed before the answer began")]
    NoAnswer,
    #[error("the connection was closed before the answer ended")]
    Cut,
    #[error("the head of the answer is no HTTP/1")]
    Head(#[from] httparse::Error),
    #[error("a header of the answer has a value that none may have")]
    HeaderValue,
    #[error("the head of the answer is longer than 64 KiB")]
    HeadTooLong,
    #[error("the answer changes to a protocol that nobody asked for")]
    Switching,
    #[error("the answer's length cannot be told: {0}")]
    Length(&'static str),
    #[error("a chunk of the answer does not begin or end as it must")]
    Chunk,
}
