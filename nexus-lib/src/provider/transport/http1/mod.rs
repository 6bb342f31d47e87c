//! HTTP/1.1 (RFC 9112) as a gateway's upstream side needs it: one request after the other, each with its
//! body in memory, and answers that are read when somebody asks for more.
//!
//! ```text
//! send ─▶ head ─▶ written to its end ─▶ connection ─▶ read ─▶ head ─▶ framing ─▶ data, end
//! ```
//!
//! Why not a client library: theirs drive a connection on a task of its own, since they cannot know who
//! reads. Here whoever awaits an answer drives the connection: a request wakes no second task, passes
//! through no channel and is written from where it lies. That halves what asking an upstream costs.

mod connection;
mod error;
mod framing;
mod head;
#[cfg(test)]
mod tests;

pub(super) use connection::Http1;
pub(super) use error::Error;
