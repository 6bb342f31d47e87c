//! What a gateway promises at its edges, over real sockets: raw clients on one side, misbehaving
//! upstreams on the other, and the ledger read through the admin port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests report by panicking"
)]

mod archive;
mod auth;
mod body_memory;
mod bounds;
mod coded_requests;
mod connections;
mod conversations;
mod deadlines;
mod durability;
mod embedding;
mod embeddings;
mod endings;
mod errors;
mod estimates;
mod headers;
mod health;
mod layers;
mod ledger;
mod limits;
#[cfg(feature = "metrics")]
mod metrics;
mod models;
mod names;
mod openapi;
mod operations;
mod operator;
mod overload;
mod passthrough;
mod pools;
mod protocols;
mod proxies;
mod readers;
mod registry;
mod retries;
mod secrets;
mod slow_clients;
mod sse;
mod streaming;
mod support;
mod timeouts;
mod tries;
