//! A provider's health: what its calls leave behind for later calls.
//!
//! One [`Vitals`] for each provider, shared by all calls and by every snapshot of the registry that
//! contains it: its [open requests](Load), its [circuit breaker](Health), and its [retry
//! budget](RetryBudget). Only values and counters: nothing here waits or does I/O.
//!
//! ```
//! use nexus_lib::health::{Standing, Vitals};
//!
//! let vitals = Vitals::default();
//! assert_eq!(vitals.health.standing(), Standing::Ok);
//! assert_eq!(vitals.load.open(), 0);
//! ```

mod budget;
mod cooldown;
mod load;
mod recent;

pub use budget::RetryBudget;
pub use cooldown::{Cooldown, Health, HealthReport, Standing, Trial};
pub use load::Load;

use std::sync::Arc;

/// One provider's live state.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Vitals {
    /// Its open requests.
    pub load: Arc<Load>,
    /// Its circuit breaker.
    pub health: Health,
    /// Its retry budget.
    pub retries: RetryBudget,
}

impl Vitals {
    /// The state of a provider after it was edited: earlier failures are forgotten, since they may
    /// be fixed now, but its open requests are still open.
    pub fn after_change(&self) -> Self {
        Self {
            load: Arc::clone(&self.load),
            ..Self::default()
        }
    }
}
