//! HTTP/1.1 (RFC 9112) for the upstream side of a gateway: one request after the other, each with
//! its body in memory, and answers that are read on demand.
//!
//! ```text
//! send ─▶ head ─▶ written to its end ─▶ connection ─▶ read ─▶ head ─▶ framing ─▶ data, end
//! ```
//!
//! Why not a client library: libraries drive a connection on a task of its own, since they cannot
//! know who reads. Here the task that awaits an answer drives the connection: a request wakes no
//! second task, passes through no channel and is written without a copy. That halves the cost of a
//! request to an upstream.

mod connection;
mod error;
mod framing;
mod head;
#[cfg(test)]
mod tests;

pub(super) use connection::Http1;
pub(super) use error::Error;
