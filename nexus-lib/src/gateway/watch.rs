use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::lasting::{self, Lasting};
use crate::store::{LedgerStore, StoreWatch};

/// How often the store is asked. What it no longer keeps is noticed after as long.
const INTERVAL: Duration = Duration::from_secs(1);

/// Asks the store once a second, off the way of requests, until the last clone is dropped.
#[derive(Clone)]
pub(super) struct Watch(Arc<Owner>);

struct Owner {
    store: Arc<dyn LedgerStore>,
    known: StoreWatch,
    is_over: AtomicBool,
}

impl Watch {
    /// Must be called on a tokio runtime.
    pub(super) fn start(store: Arc<dyn LedgerStore>, known: StoreWatch) -> Self {
        let owner = Arc::new(Owner {
            store,
            known,
            is_over: AtomicBool::new(false),
        });
        lasting::start(Arc::new(Watching(Arc::downgrade(&owner))));
        Self(owner)
    }

    /// Asks no more.
    pub(super) fn end(&self) {
        self.0.is_over.store(true, Ordering::Release);
    }
}

/// The work: it keeps no store open.
struct Watching(Weak<Owner>);

impl Watching {
    fn owner(&self) -> Option<Arc<Owner>> {
        let owner = self.0.upgrade();
        owner.filter(|owner| !owner.is_over.load(Ordering::Acquire))
    }
}

impl Lasting for Watching {
    const THREAD: &'static str = "nexus-watch";

    fn run(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                let Some(owner) = self.owner() else { return };
                // What it found is in the log, and where admission looks.
                let _ = owner.known.ask(&*owner.store).await;
            }
        })
    }

    fn is_needed(&self) -> bool {
        self.owner().is_some()
    }

    fn died(&self) {
        tracing::error!("the store is not watched any more");
    }
}
