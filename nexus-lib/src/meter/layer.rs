use tower::Layer;

use crate::ledger::UsageLedger;
use crate::meter::Meter;
use crate::meter::account::Books;
use crate::meter::grace::Grace;
use crate::thread::Threads;

/// Puts a service's calls on a ledger.
#[derive(Clone)]
pub struct MeterLayer {
    books: Books,
    grace: Grace,
}

impl MeterLayer {
    /// For this ledger, and these threads, to which answered calls are added. Must be called on a tokio
    /// runtime.
    pub fn new(ledger: UsageLedger, threads: Threads) -> Self {
        Self {
            books: Books::new(ledger, threads),
            grace: Grace::new(),
        }
    }
}

impl<S> Layer<S> for MeterLayer {
    type Service = Meter<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Meter::new(self.books.clone(), self.grace.clone(), inner)
    }
}
