use tower::Layer;

use crate::observe::Observers;
use crate::router::{Failover, RetryPolicy};

/// Lets the next candidate try where one failed.
#[derive(Debug, Clone, Default)]
pub struct FailoverLayer {
    retries: RetryPolicy,
    observers: Observers,
}

impl FailoverLayer {
    /// The layer, with what is retried when all have failed.
    pub fn new(retries: RetryPolicy) -> Self {
        Self {
            retries,
            observers: Observers::default(),
        }
    }

    /// Tells `observers` of attempts that fail and of rests that begin.
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
