use tower::Layer;

use crate::router::{Route, Router};
use crate::wire::Hop;

/// Gives every call its candidates.
#[derive(Debug, Clone)]
pub struct RouteLayer {
    router: Router,
    hop: Hop,
}

impl RouteLayer {
    /// A layer with this router.
    pub fn new(router: Router) -> Self {
        let hop = Hop::new();
        Self { router, hop }
    }

    /// Marks outgoing calls with `hop`, so that the port with the same `hop` recognises those that
    /// come back.
    #[must_use]
    pub fn hop(mut self, hop: Hop) -> Self {
        self.hop = hop;
        self
    }
}

impl<S> Layer<S> for RouteLayer {
    type Service = Route<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Route::new(self.router.clone(), self.hop.clone(), inner)
    }
}
