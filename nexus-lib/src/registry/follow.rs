//! Changes that other gateways make on the same store.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::{BoxFuture, select};
use tokio::sync::watch;

use super::live::{Inner, Registry};
use crate::error::ErrorKind;
use crate::lasting::Lasting;

/// The wait after a change that could not be read.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps a registry up to date with its store until its last clone is dropped. It keeps neither of
/// them alive.
pub(super) struct Following {
    pub(super) registry: Weak<Inner>,
    /// Closed when the registry is dropped.
    pub(super) end: watch::Receiver<()>,
}

impl Following {
    fn registry(&self) -> Option<Registry> {
        self.registry.upgrade().map(Registry::from)
    }

    async fn follow(&self) {
        while let Some(registry) = self.registry() {
            let before = registry.snapshot().revision();
            let change = registry.changed(before);
            // Nothing holds it while nothing changes.
            drop(registry);
            let changed = change.await;
            let Some(registry) = self.registry() else {
                return;
            };
            let refreshed = match changed {
                // A write by this registry has refreshed it already.
                Ok(revision) if revision <= registry.snapshot().revision() => Ok(()),
                Ok(_) => registry.refresh().await,
                Err(error) if error.kind() == ErrorKind::Closed => return,
                Err(error) => Err(error),
            };
            let is_stuck = registry.snapshot().revision() == before;
            drop(registry);
            if let Err(error) = refreshed {
                let error = error.report();
                tracing::warn!(error, "the registry could not be refreshed; trying again");
            }
            // Also of a store that went back, or says that there is something new where it is not:
            // it would be asked without end.
            if is_stuck {
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

impl Lasting for Following {
    const THREAD: &'static str = "nexus-registry";

    fn run(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut end = self.end.clone();
            let end = pin!(end.changed());
            let follow = pin!(self.follow());
            // Whichever comes first.
            select(end, follow).await;
        })
    }

    fn is_needed(&self) -> bool {
        self.registry.strong_count() > 0
    }

    fn died(&self) {
        tracing::error!("the registry no longer follows its store");
    }
}
