use tower::Layer;

use crate::ledger::UsageLedger;
use crate::meter::Meter;

/// Puts a service's calls on a ledger.
#[derive(Clone)]
pub struct MeterLayer {
    ledger: UsageLedger,
}

impl MeterLayer {
    /// For this ledger.
    pub fn new(ledger: UsageLedger) -> Self {
        Self { ledger }
    }
}

impl<S> Layer<S> for MeterLayer {
    type Service = Meter<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Meter::new(self.ledger.clone(), inner)
    }
}
