//! The router: which targets may answer a call, and which one does.
//!
//! Two tower layers, with the meter between them. [`RouteLayer`] turns a
//! [`Call`](crate::call::Call) into a [`Routed`](crate::call::Routed) one, by the key's grant only:
//! nothing that a client sends chooses a provider. [`FailoverLayer`] asks the candidates in order
//! until one answers.

mod failover;
mod route;

pub use failover::{Failover, FailoverLayer, RetryPolicy};
pub use route::{Route, RouteLayer, Router};
