use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;

use crate::call::{Observed, ProviderProfile, Routed, Target};
use crate::error::{Error, ErrorKind, Origin, Result};
use crate::ledger::Entry;
use crate::meter::Books;
use crate::meter::closed::closed;
use crate::meter::closing::{Closing, Underway};
use crate::meter::cutoff::cut_off;
use crate::meter::figures;
use crate::meter::seen::Seen;
use crate::meter::verdict::Ending;
use crate::observe::CooldownStarted;
use crate::store::OpenRow;
use crate::wire::{ConversationId, RequestId};

/// One call's row while the call lasts, and what is seen of its answer. Settled once: by
/// [`settle`](Self::settle), or on drop (the client disconnected).
pub(super) struct Account {
    /// Taken by the one who settles.
    entry: Option<Entry>,
    books: Arc<Books>,
    routed: Routed,
    seen: Seen,
}

impl Account {
    /// For a call that goes out now.
    pub(super) async fn open(books: &Arc<Books>, routed: Routed) -> Result<Self> {
        books.check_admission()?;
        if let Some(archive) = &books.archive {
            archive.admit().await?;
        }
        let (call, target) = (routed.call(), routed.current());
        let entry = books
            .ledger
            .open(OpenRow {
                request_id: call.id,
                owner: books.ledger.owner(),
                conversation_id: call.conversation.clone(),
                provider_id: target.provider.id,
                provider: target.provider.name.clone(),
                model: target.model.clone(),
                upstream_model: target.upstream_model.clone(),
                operation: call.operation.as_str(),
                stream: call.body.is_stream(),
                started_at: call.started_at,
                key_id: call.principal.key_id(),
                key: call.principal.shared_name(),
                project_id: call.principal.project_id(),
            })
            .await?;
        Ok(Self {
            entry: Some(entry),
            books: Arc::clone(books),
            routed,
            seen: Seen::default(),
        })
    }

    /// Whether the call must end although nobody has ended it.
    pub(super) fn is_cut_off(&self) -> bool {
        self.entry.is_some() && self.books.cutoff.has_fallen()
    }

    /// What the reply's head needs.
    pub(super) fn names(&self) -> (RequestId, ConversationId, Target) {
        let call = self.routed.call();
        (
            call.id,
            call.conversation.clone(),
            self.routed.current().clone(),
        )
    }

    /// Queues the row, so that it is there before the answer is.
    pub(super) fn begin(&mut self) {
        if let Some(entry) = &mut self.entry {
            entry.begin();
        }
    }

    /// Resolves once the row is durable.
    pub(super) async fn opened(&mut self) -> Result<()> {
        match &mut self.entry {
            Some(entry) => entry.opened().await,
            None => Ok(()),
        }
    }

    /// Notes the layer that answered or refused, if one did.
    pub(super) fn answered_by(&mut self, name: Option<&Arc<str>>) {
        self.seen.answered_by = name.cloned();
    }

    /// The name of whatever answers without a provider having been asked.
    pub(super) fn unasked(&self) -> Option<Arc<str>> {
        (self.routed.attempts() == 0).then(|| "layer".into())
    }

    /// Notes the status that the client is about to get, and the one that the provider gave.
    pub(super) fn status_sent(&mut self, status: StatusCode, upstream: Option<StatusCode>) {
        self.seen.status = Some(status);
        self.seen.upstream_status = upstream;
    }

    /// Notes that a stream is about to go out.
    pub(super) fn stream_begins(&mut self) {
        self.routed.release();
        self.seen.stream_begins(self.routed.call().operation);
        self.books
            .observers
            .tell(|observer| observer.stream_began());
    }

    /// Notes the whole answer, which is about to go out.
    pub(super) fn answer_is(&mut self, body: &Bytes) {
        let (call, target) = (self.routed.call(), self.routed.current());
        self.books.conversations.note_answer(call, target, body);
        self.seen.answer_is(call.operation, body);
    }

    /// Notes a piece of a streamed answer, which is about to go out.
    pub(super) fn events(&mut self, events: &[u8]) {
        let (call, target) = (self.routed.call(), self.routed.current());
        self.books.conversations.note_events(call, target, events);
        self.seen.events(call.operation, events);
    }

    /// The provider whose answer goes out.
    pub(super) fn provider(&self) -> &ProviderProfile {
        &self.routed.current().provider
    }

    /// Adds what was seen in bytes that passed.
    pub(super) fn observe(&mut self, observed: Observed) {
        self.seen.observed.merge(observed);
    }

    /// Notes that the provider broke off.
    pub(super) fn broke(&self, error: &Error) {
        if error.origin() == Origin::Upstream && error.kind() != ErrorKind::DeadlineExceeded {
            let target = self.routed.current();
            if let Some(duration) = target.provider.vitals.health.failed(None) {
                let cooldown = CooldownStarted { target, duration };
                self.books
                    .observers
                    .tell(|observer| observer.cooldown_started(&cooldown));
            }
        }
    }

    /// When the client stops waiting.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.routed.call().deadline
    }

    /// Settles the row. The ending is on its way before this returns; the future only waits until
    /// it is durable. A second call does nothing.
    pub(super) fn settle(
        &mut self,
        ending: Ending<'_>,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let entry = self.entry.take();
        let underway = entry.map(|entry| self.close(entry, ending));
        async move {
            match underway {
                Some(underway) => underway.durable().await,
                None => Ok(()),
            }
        }
    }

    fn close(&mut self, entry: Entry, ending: Ending<'_>) -> Underway {
        // What layers made of answers does not change what these have cost.
        self.routed.spent().correct(&mut self.seen.observed);
        let closing = Closing {
            entry,
            call: closed(&self.routed, &self.seen, ending),
            routed: &self.routed,
            lacks_figures: figures::are_missing(&self.routed, &self.seen),
            prompt: self.seen.observed.prompt,
            answer: std::mem::take(&mut self.seen.answer),
        };
        closing.hand_over(&self.books)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // Queued without waiting: the client has left.
        if self.is_cut_off() && !self.seen.is_over() {
            drop(self.settle(Ending::Failed(&cut_off())));
        } else {
            drop(self.settle(Ending::ClientLeft));
        }
    }
}
