use tokio::sync::oneshot;

use crate::archive::ArchiveRecord;
use crate::call::{ClosedCall, Routed};
use crate::error::{Error, ErrorKind, Result};
use crate::estimate::EstimateJob;
use crate::ledger::{Entry, Settled};
use crate::meter::{Books, figures};
use crate::observe::Observers;
use crate::transcript::Delivered;
use crate::wire::Usage;

/// A call that is over, with what is needed to close the books on it.
pub(super) struct Closing<'a> {
    /// Its row.
    pub(super) entry: Entry,
    pub(super) call: ClosedCall,
    /// The call on its way: it knows what was asked.
    pub(super) routed: &'a Routed,
    /// What was delivered.
    pub(super) answer: Delivered,
    /// Whether its tokens are to be counted here.
    pub(super) lacks_figures: bool,
    /// What the provider reported of the prompt's tokens before there was an answer.
    pub(super) prompt: Option<Usage>,
}

/// An ending on its way to the ledger.
pub(super) enum Underway {
    Queued(Settled),
    /// Its tokens are being counted.
    Counting(oneshot::Receiver<Settled>),
}

impl Closing<'_> {
    /// Hands the call to all who take it: conversation memory and the archive now; observers and
    /// the ledger now or, where tokens must be counted, on a thread of the estimator's. Waits for
    /// nothing.
    pub(super) fn hand_over(self, books: &Books) -> Underway {
        books.conversations.remember(&self.call);
        let archive = books.archive.as_ref();
        let archive = archive.filter(|_| self.call.operation.is_chat());
        if !self.lacks_figures {
            if let Some(archive) = archive {
                let record = ArchiveRecord::of(&self.call, self.routed.said(), self.answer);
                archive.push(record);
            }
            return Underway::Queued(settle(&books.observers, self.call, self.entry));
        }
        let asked = self.routed.said();
        if let Some(archive) = archive {
            let (asked, answer) = (asked.clone(), self.answer.clone());
            archive.push(ArchiveRecord::of(&self.call, asked, answer));
        }
        let job = EstimateJob::of(&self.call, asked, self.answer);
        let (queued, settled) = oneshot::channel();
        let (observers, call, entry, prompt) =
            (books.observers.clone(), self.call, self.entry, self.prompt);
        let settle = move |usage| {
            let call = call.counted(figures::with_prompt(usage, prompt));
            // Nobody waits any more: the row is settled all the same.
            let _ = queued.send(settle(&observers, call, entry));
        };
        match books.cutoff.has_fallen() {
            true => books.estimator.submit_in_haste(job, settle),
            false => books.estimator.submit(job, settle),
        }
        Underway::Counting(settled)
    }
}

/// For observers and the ledger, which need the figures.
fn settle(observers: &Observers, call: ClosedCall, entry: Entry) -> Settled {
    observers.tell(|observer| observer.call_settled(&call));
    entry.settle(call.into())
}

impl Underway {
    /// Resolves once the ending is durable.
    pub(super) async fn durable(self) -> Result<()> {
        let settled = match self {
            Self::Queued(settled) => settled,
            Self::Counting(settled) => settled.await.map_err(|_| {
                Error::new(
                    ErrorKind::Internal,
                    "the tokens of this call could not be counted; see the gateway's log",
                )
            })?,
        };
        settled.durable().await
    }
}
