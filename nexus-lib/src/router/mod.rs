//! The router: which targets may answer a call, and which one does.
//!
//! Two tower layers, with the meter between them. [`RouteLayer`] turns a
//! [`Call`](crate::call::Call) into a [`Routed`](crate::call::Routed) one, by the key's grant only:
//! nothing that a client sends chooses a provider. [`FailoverLayer`] asks the candidates in order
//! until one answers.
//!
//! ```
//! use std::time::Duration;
//!
//! use nexus_lib::router::RetryPolicy;
//!
//! // Where all candidates have failed, the last one is asked once more, after a second.
//! let policy = RetryPolicy::default().most(1).first_wait(Duration::from_secs(1));
//! assert_eq!(policy.longest_wait, Duration::from_secs(2));
//! // Gateway::builder(store).retries(policy)
//! ```

mod failover;
mod route;

pub use failover::{Failover, FailoverLayer, RetryPolicy};
pub use route::{Route, RouteLayer, Router};
