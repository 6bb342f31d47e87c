use crate::archive::Archive;
use crate::error::Result;
use crate::estimate::Estimator;
use crate::ledger::UsageLedger;
use crate::meter::Cutoff;
use crate::meter::cutoff::cut_off;
use crate::observe::Observers;
use crate::store::StoreWatch;
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
    /// Knows whether the store answers.
    pub store: StoreWatch,
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
            store: StoreWatch::default(),
            cutoff: Cutoff::default(),
            observers: Observers::default(),
        }
    }

    /// Whether calls are admitted, as far as is known: the one place that both admission and readiness ask,
    /// so that what makes a gateway not ready stops its calls, and the other way round. Nothing is tried
    /// for it, and nothing is waited for.
    ///
    /// # Errors
    /// [`ErrorKind::LedgerUnavailable`](crate::ErrorKind::LedgerUnavailable) while the store does not
    /// answer, or the ledger or the archive cannot be written;
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) when the gateway shuts down.
    pub fn check_admission(&self) -> Result<()> {
        if self.cutoff.has_fallen() {
            return Err(cut_off());
        }
        self.store.check()?;
        self.ledger.check_writes()?;
        match &self.archive {
            Some(archive) => archive.check_writes(),
            None => Ok(()),
        }
    }
}
