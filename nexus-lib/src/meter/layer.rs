use tower::Layer;

use crate::ledger::UsageLedger;
use crate::meter::Meter;
use crate::meter::grace::Grace;

/// Puts a service's calls on a ledger.
#[derive(Clone)]
pub struct MeterLayer {
    ledger: UsageLedger,
    grace: Grace,
}

impl MeterLayer {
    /// For this ledger. Must be called on a tokio runtime.
    pub fn new(ledger: UsageLedger) -> Self {
        let grace = Grace::new();
        Self { ledger, grace }
    }
}

impl<S> Layer<S> for MeterLayer {
    type Service = Meter<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Meter::new(self.ledger.clone(), self.grace.clone(), inner)
    }
}
