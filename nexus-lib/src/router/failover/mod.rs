//! Asks one candidate after the other, as long as nothing of an answer has reached the client.

mod layer;
mod service;

pub use layer::FailoverLayer;
pub use service::Failover;
