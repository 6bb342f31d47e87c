use tower::Layer;

use crate::router::Failover;

/// Lets the next candidate try where one failed.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct FailoverLayer;

impl FailoverLayer {
    /// The layer.
    pub fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for FailoverLayer {
    type Service = Failover<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Failover::new(inner)
    }
}
