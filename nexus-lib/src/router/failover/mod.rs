//! Asks one candidate after the other, as long as nothing of an answer has reached the client.
//!
//! Candidates that rest come last, the one whose rest ends first before the others; one whose rest is over
//! is probed by one request at a time. When all have failed, the last one that was asked is asked again, a
//! little later, if its trouble may pass and its [budget](crate::health::RetryBudget) allows for it.

mod layer;
mod pick;
mod retry;
mod service;
mod verdict;

pub use layer::FailoverLayer;
pub use retry::RetryPolicy;
pub use service::Failover;
