//! How a provider is doing: what its calls leave behind for the next.
//!
//! One [`Vitals`] for each provider, shared by all calls and by every snapshot of the registry that has
//! it: how many requests are [open](Load), whether it [rests](Health) after failures, and how many
//! [retries](RetryBudget) it can bear. Values and counters alone: nothing here waits or does I/O.

mod budget;
mod load;
mod recent;
mod rest;

pub use budget::RetryBudget;
pub use load::Load;
pub use rest::{Cooldown, Health, HealthReport, Probe, Standing};

use std::sync::Arc;

/// One provider's live state.
#[derive(Debug, Default)]
pub struct Vitals {
    /// How many requests are open.
    pub load: Arc<Load>,
    /// Whether it rests.
    pub health: Health,
    /// What retries it can bear.
    pub retries: RetryBudget,
}

impl Vitals {
    /// Those of a provider that was changed: what failed before may work now, but its open requests are
    /// still open.
    pub fn after_change(&self) -> Self {
        Self {
            load: Arc::clone(&self.load),
            ..Self::default()
        }
    }
}
