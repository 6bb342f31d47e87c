use crate::archive::Archive;
use crate::conversation::Conversations;
use crate::error::Result;
use crate::estimate::Estimator;
use crate::ledger::UsageLedger;
use crate::meter::Cutoff;
use crate::meter::cutoff::cut_off;
use crate::observe::Observers;
use crate::store::StoreWatch;

/// Where a meter records the calls that pass it.
#[derive(Clone)]
pub struct Books {
    /// Gets a row for each call.
    pub ledger: UsageLedger,
    /// Gets each reply, so that conversations are recognised.
    pub conversations: Conversations,
    /// Counts the tokens of calls whose upstream reported no usage.
    pub estimator: Estimator,
    /// Archives the messages, if enabled.
    pub archive: Option<Archive>,
    /// Knows whether the store answers.
    pub store: StoreWatch,
    /// Ends the calls in progress.
    pub cutoff: Cutoff,
    /// Receive how each call ended.
    pub observers: Observers,
}

opaque_debug!(Books);

impl Books {
    /// With only a ledger: its own conversations, and no archive.
    pub fn new(ledger: UsageLedger) -> Self {
        Self {
            ledger,
            conversations: Conversations::default(),
            estimator: Estimator::new(),
            archive: None,
            store: StoreWatch::default(),
            cutoff: Cutoff::default(),
            observers: Observers::default(),
        }
    }

    /// Whether calls are admitted, as far as is known: admission and readiness both use it, so that
    /// they never disagree. It accesses nothing, and waits for nothing.
    ///
    /// # Errors
    /// [`ErrorKind::LedgerUnavailable`](crate::ErrorKind::LedgerUnavailable) while the store does
    /// not answer, or the ledger or the archive cannot be written;
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
