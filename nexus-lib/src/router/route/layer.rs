use tower::Layer;

use crate::router::{Route, Router};

/// Gives every call its candidates.
#[derive(Debug, Clone)]
pub struct RouteLayer {
    router: Router,
}

impl RouteLayer {
    /// By this router.
    pub fn new(router: Router) -> Self {
        Self { router }
    }
}

impl<S> Layer<S> for RouteLayer {
    type Service = Route<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Route::new(self.router.clone(), inner)
    }
}
