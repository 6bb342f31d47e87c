use tower::Layer;

use crate::observe::Observers;
use crate::router::{Failover, RetryPolicy};

/// Tries the next candidate after one has failed.
#[derive(Debug, Clone, Default)]
pub struct FailoverLayer {
    retries: RetryPolicy,
    observers: Observers,
}

impl FailoverLayer {
    /// The layer, with the policy for retries after all candidates have failed.
    pub fn new(retries: RetryPolicy) -> Self {
        Self {
            retries,
            observers: Observers::default(),
        }
    }

    /// Reports failed attempts and cooldowns to `observers`.
    #[must_use]
    pub fn observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }
}

impl<S> Layer<S> for FailoverLayer {
    type Service = Failover<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Failover::new(inner, self.retries, self.observers.clone())
    }
}
