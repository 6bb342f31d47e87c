//! Asks one candidate after the other, until a part of an answer has reached the client.
//!
//! Candidates in cooldown are tried last, the soonest to recover first. After a cooldown one
//! request at a time probes a candidate. When all have failed, the last one is retried after a
//! short wait, if the failure may be temporary and its [budget](crate::health::RetryBudget) allows
//! it.

mod layer;
mod pick;
mod retry;
mod service;
mod verdict;

pub use layer::FailoverLayer;
pub use retry::RetryPolicy;
pub use service::Failover;
