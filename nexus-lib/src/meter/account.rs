use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use memchr::memmem;
use tokio::sync::oneshot;

use crate::archive::ArchiveRecord;
use crate::call::{Observed, ProviderProfile, Routed, Target, Try};
use crate::error::{Error, ErrorKind, Origin, Result};
use crate::estimate::EstimateJob;
use crate::ledger::{Entry, Settled};
use crate::meter::Books;
use crate::meter::cutoff::cut_off;
use crate::meter::ended::{Ended, EndedCall};
use crate::observe::Rest;
use crate::store::{OpenRow, RequestState, Settlement};
use crate::transcript::{Answer, InChat};
use crate::wire::{ConversationId, Operation, RequestId, ThreadMark, Usage, UsageSource};

/// The longest error text that is kept in a row, in bytes.
const MAX_ERROR_BYTES: usize = 500;

/// One call's row while the call lasts. Settled once: by [`settle`](Self::settle), or by being dropped,
/// which is what the client's leaving comes to.
pub(super) struct Account {
    /// Taken by the one who settles.
    entry: Option<Entry>,
    books: Arc<Books>,
    routed: Routed,
    observed: Observed,
    /// What the client was sent.
    answer: Answer,
    /// Tells what the client was sent as a chat completion, where it is none.
    in_chat: Option<Box<InChat>>,
    status: Option<StatusCode>,
    /// What the provider said.
    upstream_status: Option<StatusCode>,
    first_byte: Option<Instant>,
    /// A stream goes out.
    is_streaming: bool,
}

/// An ending on its way to the ledger.
enum Closing {
    Queued(Settled),
    /// Its tokens are being counted.
    Counting(oneshot::Receiver<Settled>),
}

impl Closing {
    async fn durable(self) -> Result<()> {
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

/// How a call ended.
pub(super) enum Ending<'a> {
    /// The answer is whole. What it says, and with which status, tells whether it is a good one.
    Whole,
    /// There was no answer, or only a part of one.
    Failed(&'a Error),
    /// The client went away.
    ClientLeft,
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
                conversation_id: call.conversation.clone(),
                provider_id: target.provider.id,
                provider: target.provider.name.clone(),
                model: target.model.clone(),
                upstream_model: target.upstream_model.clone(),
                operation: call.operation.as_str(),
                stream: call.body.is_stream(),
                started_at: call.started_at,
            })
            .await?;
        Ok(Self {
            entry: Some(entry),
            books: Arc::clone(books),
            routed,
            observed: Observed::default(),
            answer: Answer::Nothing,
            in_chat: None,
            status: None,
            upstream_status: None,
            first_byte: None,
            is_streaming: false,
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

    /// Notes the status that the client is about to get, and the one that the provider gave.
    pub(super) fn status_sent(&mut self, status: StatusCode, upstream: Option<StatusCode>) {
        self.status = Some(status);
        self.upstream_status = upstream;
    }

    /// Notes that a stream is about to go out.
    pub(super) fn stream_begins(&mut self) {
        self.is_streaming = true;
        self.in_chat = InChat::of(self.routed.call().operation).map(Box::new);
        self.books
            .observers
            .tell(|observer| observer.stream_began());
    }

    /// Whether the model that answers may sign its calls.
    fn is_geminis(&self) -> bool {
        self.routed.current().model_sent().contains("gemini")
    }

    /// Notes the whole answer, which is about to go out.
    pub(super) fn answer_is(&mut self, body: &Bytes) {
        let operation = self.routed.call().operation;
        if operation == Operation::Response {
            self.books.threads.name(self.routed.call(), body);
        }
        if operation == Operation::ChatCompletion && self.is_geminis() {
            self.books.threads.note_signatures(self.routed.call(), body);
        }
        if operation.is_chat() {
            self.answer = Answer::Whole(InChat::whole(operation, body));
        }
    }

    /// Notes a piece of a streamed answer, which is about to go out.
    pub(super) fn events(&mut self, events: &[u8]) {
        self.first_byte.get_or_insert_with(Instant::now);
        let operation = self.routed.call().operation;
        if operation == Operation::Response && ends_response(events) {
            self.books.threads.name(self.routed.call(), events);
        }
        if operation == Operation::ChatCompletion && self.is_geminis() {
            self.books
                .threads
                .note_signatures(self.routed.call(), events);
        }
        if operation.is_chat() {
            match &mut self.in_chat {
                None => self.answer.push(events),
                Some(in_chat) => self.answer.push(&in_chat.push(events)),
            }
        }
    }

    /// Whose answer goes out.
    pub(super) fn provider(&self) -> &ProviderProfile {
        &self.routed.current().provider
    }

    /// Adds what was seen in bytes that passed.
    pub(super) fn observe(&mut self, observed: Observed) {
        self.observed.merge(observed);
    }

    /// Notes that the provider broke off.
    pub(super) fn broke(&self, error: &Error) {
        if error.origin() == Origin::Upstream && error.kind() != ErrorKind::DeadlineExceeded {
            let target = self.routed.current();
            if let Some(duration) = target.provider.vitals.health.failed(None) {
                let rest = Rest { target, duration };
                self.books
                    .observers
                    .tell(|observer| observer.rest_began(&rest));
            }
        }
    }

    /// When the client stops waiting.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.routed.call().deadline
    }

    /// Settles the row. The ending is on its way before this returns; the future only waits until it is
    /// durable. A second call does nothing.
    pub(super) fn settle(
        &mut self,
        ending: Ending<'_>,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let entry = self.entry.take();
        let closing = entry.map(|entry| self.close(entry, ending));
        async move {
            match closing {
                Some(closing) => closing.durable().await,
                None => Ok(()),
            }
        }
    }

    fn close(&mut self, entry: Entry, ending: Ending<'_>) -> Closing {
        let call = self.routed.call();
        let duration = call.started.elapsed();
        let now = call.started_at.saturating_add(duration);
        // Half a reply too: people stop a model, and go on with what they have.
        let thread = self.books.threads.remember(call, &self.answer, now);
        let failure = match &ending {
            Ending::Failed(error) => error.kind(),
            _ => ErrorKind::UpstreamRefused,
        };
        let settlement = self.settlement(ending, duration, thread);
        let observed = self.ended(duration, failure);
        let is_counted = self.lacks_figures();
        let archive = self.books.archive.as_ref();
        if let Some(archive) = archive.filter(|_| call.operation.is_chat()) {
            let target = self.routed.current();
            archive.push(ArchiveRecord {
                request_id: call.id,
                conversation_id: call.conversation.clone(),
                provider: target.provider.name.clone(),
                model: target.model.clone(),
                state: settlement.state,
                started_at: call.started_at,
                ended_at: now,
                operation: call.operation,
                body: call.body.bytes().clone(),
                answer: self.answer.clone(),
            });
        }
        if !is_counted {
            observed.tell(&settlement);
            return Closing::Queued(entry.settle(settlement));
        }
        let job = EstimateJob {
            operation: call.operation,
            body: call.body.bytes().clone(),
            model: self.routed.current().model_sent().into(),
            answer: std::mem::take(&mut self.answer),
        };
        let told = self.observed.prompt;
        let (queued, settled) = oneshot::channel();
        let settle = move |usage| {
            let settlement = Settlement {
                usage: with_prompt(usage, told),
                usage_source: UsageSource::Estimated,
                ..settlement
            };
            observed.tell(&settlement);
            // Nobody waits any more: the row is settled all the same.
            let _ = queued.send(entry.settle(settlement));
        };
        let estimator = &self.books.estimator;
        match self.books.cutoff.has_fallen() {
            true => estimator.submit_in_haste(job, settle),
            false => estimator.submit(job, settle),
        }
        Closing::Counting(settled)
    }

    /// What observers are to be told, once the tokens are known.
    fn ended(&self, duration: Duration, failure: ErrorKind) -> Ended {
        let call = self.routed.call();
        Ended::new(&self.books.observers, || EndedCall {
            request_id: call.id,
            conversation_id: call.conversation.clone(),
            operation: call.operation,
            target: self.routed.current().clone(),
            traceparent: call.headers.get("traceparent").cloned(),
            stream: call.body.is_stream(),
            is_streaming: self.is_streaming,
            started_at: call.started_at,
            duration,
            first_event: (self.first_byte)
                .map(|first| first.saturating_duration_since(call.started)),
            failure,
        })
    }

    /// Whether tokens were spent of which the upstream told no figures.
    fn lacks_figures(&self) -> bool {
        let is_told = self.observed.usage.is_some();
        let is_error = self.observed.error.is_some() && matches!(self.answer, Answer::Whole(_));
        let is_spent = match self.status {
            Some(status) => status.is_success() && !is_error,
            // The client left before there was an answer: the prompt was sent all the same.
            None => self.routed.attempts() > 0,
        };
        is_spent && !is_told && self.routed.call().operation.is_chat()
    }

    fn settlement(
        &self,
        ending: Ending<'_>,
        duration: Duration,
        thread: Option<ThreadMark>,
    ) -> Settlement {
        let (call, target) = (self.routed.call(), self.routed.current());
        let (state, error) = self.verdict(&ending);
        let upstream_status = self.observed.status.or(self.upstream_status);
        let tries = self.tries(&ending, upstream_status, error.as_deref(), duration);
        Settlement {
            state,
            provider_id: target.provider.id,
            provider: target.provider.name.clone(),
            upstream_model: target.upstream_model.clone(),
            usage_source: match self.observed.usage {
                Some(_) if self.observed.is_estimated => UsageSource::Estimated,
                Some(_) => UsageSource::Reported,
                None => UsageSource::None,
            },
            usage: self.observed.usage.unwrap_or_default(),
            status: self.status.map(|status| status.as_u16()),
            upstream_status: upstream_status.map(|status| status.as_u16()),
            attempts: self.routed.attempts(),
            tries,
            first_token_ms: match (&self.answer, self.first_byte) {
                // It goes out when this is written.
                (Answer::Whole(_), _) => Some(millis(duration)),
                (_, Some(at)) => Some(millis(at.saturating_duration_since(call.started))),
                (_, None) => None,
            },
            duration_ms: millis(duration),
            thread,
            error,
        }
    }

    /// Whether the last word has been said.
    fn is_over(&self) -> bool {
        self.observed.finished || self.observed.terminal
    }

    /// What came of each request to a provider. `None` where it was one, and the rest of the row tells what
    /// came of it: so the row of a plain call has nothing more to write.
    fn tries(
        &self,
        ending: &Ending<'_>,
        upstream_status: Option<StatusCode>,
        error: Option<&str>,
        duration: Duration,
    ) -> Option<Vec<Try>> {
        let mut tries = self.routed.take_tries();
        let is_told = tries.count == 0 && self.status == upstream_status;
        if is_told && !matches!(ending, Ending::Failed(_)) {
            return None;
        }
        if tries.count < self.routed.attempts() {
            let error = error.map(str::to_owned);
            tries.push(self.routed.last_try(upstream_status, error, duration));
        }
        Some(tries.kept)
    }

    /// What a row keeps of an error: not what was asked, and not more than fits.
    fn kept(&self, error: &str) -> String {
        let error = self.routed.call().body.unquoted(error);
        shortened(&error).to_owned()
    }

    fn verdict(&self, ending: &Ending<'_>) -> (RequestState, Option<Cow<'static, str>>) {
        match ending {
            Ending::Failed(error) => {
                let text = self.kept(&error.for_ledger());
                (RequestState::Failed, Some(text.into()))
            }
            _ if self.observed.error.is_some() => {
                let text = self.observed.error.as_deref().unwrap_or_default();
                (RequestState::Failed, Some(self.kept(text).into()))
            }
            Ending::Whole => match self.status {
                Some(status) if !status.is_success() => {
                    let text = format!("the provider answered {}", status.as_u16());
                    (RequestState::Failed, Some(text.into()))
                }
                _ => (RequestState::Completed, None),
            },
            // Who closes after the last word has not cancelled.
            Ending::ClientLeft if self.is_over() => (RequestState::Completed, None),
            Ending::ClientLeft => (RequestState::Cancelled, None),
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // Queued without waiting: there is nobody left to tell.
        if self.is_cut_off() && !self.is_over() {
            drop(self.settle(Ending::Failed(&cut_off())));
        } else {
            drop(self.settle(Ending::ClientLeft));
        }
    }
}

/// An estimate, with the figures of the prompt where the provider has told these.
fn with_prompt(estimated: Usage, told: Option<Usage>) -> Usage {
    match told {
        None => estimated,
        Some(told) => Usage {
            total_tokens: told
                .prompt_tokens
                .saturating_add(estimated.completion_tokens),
            completion_tokens: estimated.completion_tokens,
            ..told
        },
    }
}

/// Whether a stream of Responses ends with these events.
fn ends_response(events: &[u8]) -> bool {
    let endings = [&b"response.completed"[..], b"response.incomplete"];
    endings
        .iter()
        .any(|ending| memmem::find(events, ending).is_some())
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(MAX_ERROR_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
