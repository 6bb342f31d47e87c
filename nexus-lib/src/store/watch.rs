use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::LedgerStore;
use crate::error::{Error, ErrorKind, Result};
use crate::isolate;

/// What is known of a store: whether it answered when it was last asked. A clone knows the same.
///
/// Admission and readiness both look here, so that neither can say yes where the other says no.
#[derive(Debug, Clone, Default)]
pub struct StoreWatch {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_out: AtomicBool,
}

impl StoreWatch {
    /// Asks the store, and keeps the answer for [`check`](Self::check). A change is logged.
    ///
    /// # Errors
    /// [`ErrorKind::LedgerUnavailable`] when it does not answer.
    ///
    /// # Cancel safety
    /// Dropped, it has learned nothing.
    pub async fn ask(&self, store: &dyn LedgerStore) -> Result<()> {
        let answer = isolate::wait(async { store.ping().await }).await;
        let answer = answer.unwrap_or_else(|panicked| {
            Err(Error::new(ErrorKind::Internal, "the store cannot be asked").with_source(panicked))
        });
        let was_out = self.state.is_out.swap(answer.is_err(), Ordering::AcqRel);
        match answer {
            Ok(()) if was_out => {
                tracing::info!("the store answers again: requests are admitted");
                Ok(())
            }
            Ok(()) => Ok(()),
            Err(error) => {
                // One that was closed on purpose is no fault.
                if !was_out && error.kind() != ErrorKind::Closed {
                    let error = error.report();
                    tracing::error!(error, "no request is admitted: the store does not answer");
                }
                Err(store_is_out().with_source(error))
            }
        }
    }

    /// Whether the store answered the last time. Costs no more than a load.
    ///
    /// # Errors
    /// [`ErrorKind::LedgerUnavailable`] when it did not.
    pub fn check(&self) -> Result<()> {
        match self.state.is_out.load(Ordering::Acquire) {
            true => Err(store_is_out()),
            false => Ok(()),
        }
    }
}

fn store_is_out() -> Error {
    Error::new(
        ErrorKind::LedgerUnavailable,
        "the gateway's store does not answer just now, so nothing is served; its log says why",
    )
    .with_retry_after(Duration::from_secs(1))
}
