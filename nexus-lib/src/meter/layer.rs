use std::sync::Arc;

use tower::Layer;

use crate::meter::grace::Grace;
use crate::meter::{Books, Meter};

/// Records a service's calls on a ledger.
#[derive(Clone)]
pub struct MeterLayer {
    books: Arc<Books>,
    grace: Grace,
}

opaque_debug!(MeterLayer);

impl MeterLayer {
    /// A layer that records calls in `books`. Must be called on a tokio runtime.
    pub fn new(books: Books) -> Self {
        Self {
            books: Arc::new(books),
            grace: Grace::new(),
        }
    }
}

impl<S> Layer<S> for MeterLayer {
    type Service = Meter<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Meter::new(Arc::clone(&self.books), self.grace.clone(), inner)
    }
}
