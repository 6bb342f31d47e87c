use crate::archive::Archive;
use crate::estimate::Estimator;
use crate::ledger::UsageLedger;
use crate::meter::Cutoff;
use crate::observe::Observers;
use crate::thread::Threads;

/// Where a meter notes the calls that pass it.
#[derive(Clone)]
pub struct Books {
    /// Gets a row for each call.
    pub ledger: UsageLedger,
    /// Gets to know each reply, so that conversations are known again.
    pub threads: Threads,
    /// Counts the tokens of calls for which the upstream gave no figures.
    pub estimator: Estimator,
    /// Keeps the messages, if they are to be kept.
    pub archive: Option<Archive>,
    /// Ends the calls that are under way.
    pub cutoff: Cutoff,
    /// Are told how each call ended.
    pub observers: Observers,
}

impl Books {
    /// With a ledger alone: threads of its own, and no archive.
    pub fn new(ledger: UsageLedger) -> Self {
        Self {
            ledger,
            threads: Threads::default(),
            estimator: Estimator::new(),
            archive: None,
            cutoff: Cutoff::default(),
            observers: Observers::default(),
        }
    }
}
