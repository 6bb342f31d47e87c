use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// Counts the requests that are open, and admits no more than so many. A clone counts the same
/// ones.
///
/// There is no queue: a request over the limit is refused at once, while the others are served.
#[derive(Clone)]
pub(crate) struct OpenRequests(Arc<Count>);

struct Count {
    open: AtomicUsize,
    most: usize,
}

/// A request that was admitted: open until this is dropped.
pub(crate) struct OpenRequest(Arc<Count>);

impl OpenRequests {
    pub(crate) fn at_most(most: usize) -> Self {
        let open = AtomicUsize::new(0);
        Self(Arc::new(Count { open, most }))
    }

    /// Lets one more in.
    ///
    /// # Errors
    /// [`ErrorKind::Overloaded`].
    pub(crate) fn admit(&self) -> Result<OpenRequest> {
        let count = &*self.0;
        // The number guards no memory: relaxed is enough.
        let one_more = |open: usize| (open < count.most).then(|| open + 1);
        let admitted = count
            .open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        match admitted {
            Ok(_) => Ok(OpenRequest(Arc::clone(&self.0))),
            Err(_) => Err(Error::new(
                ErrorKind::Overloaded,
                "the gateway has as many requests open as it takes; try again in a moment",
            )
            .with_retry_after(Duration::from_secs(1))),
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
