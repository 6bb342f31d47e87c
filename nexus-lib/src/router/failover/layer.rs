use tower::Layer;

use crate::router::{Failover, RetryPolicy};

/// Lets the next candidate try where one failed.
#[derive(Debug, Clone, Copy, Default)]
pub struct FailoverLayer {
    retries: RetryPolicy,
}

impl FailoverLayer {
    /// The layer, with what is retried when all have failed.
    pub fn new(retries: RetryPolicy) -> Self {
        Self { retries }
    }
}

impl<S> Layer<S> for FailoverLayer {
    type Service = Failover<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Failover::new(inner, self.retries)
    }
}
