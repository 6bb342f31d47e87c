use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::{Extensions, HeaderMap, StatusCode};

use crate::call::rewritten::Rewritten;
use crate::call::spent::Spent;
use crate::call::tried::Tried;
use crate::call::{Principal, Prompt, RequestBody, Target, Tries, Try};
use crate::wire::{ConversationId, Operation, ProviderId, RequestId, Timestamp};

/// An authenticated request, read as far as routing needs.
#[derive(Debug)]
pub struct Call {
    /// Names it; also the ledger's key.
    pub id: RequestId,
    /// Who asks.
    pub principal: Principal,
    /// What it belongs to.
    pub conversation: ConversationId,
    /// What is asked.
    pub operation: Operation,
    /// The body as the client sent it, with the few fields that routing reads.
    pub body: RequestBody,
    /// Those of the client's headers that may go upstream.
    pub headers: HeaderMap,
    /// What the server, or an application's middleware, has added to the request.
    pub extensions: Extensions,
    /// When it began, by the wall clock.
    pub started_at: Timestamp,
    /// When it began, by the steady clock.
    pub started: Instant,
    /// The only provider that may answer, where one was asked for by its id.
    pub only: Option<ProviderId>,
    /// When its client stops waiting, if the client says so.
    pub deadline: Option<Instant>,
}

impl Call {
    /// A call that begins now, and a conversation with it.
    pub fn new(
        id: RequestId,
        principal: Principal,
        operation: Operation,
        body: RequestBody,
    ) -> Self {
        let conversation = ConversationId::begun_by(id).within(principal.identity().scope());
        Self {
            id,
            principal,
            conversation,
            operation,
            body,
            headers: HeaderMap::new(),
            extensions: Extensions::new(),
            started_at: Timestamp::now(),
            started: Instant::now(),
            only: None,
            deadline: None,
        }
    }
}

/// A call with the targets that may answer it, first choice first. Never without one.
///
/// A clone is the same call.
#[derive(Debug, Clone)]
pub struct Routed(Arc<Inner>, Option<Arc<RequestBody>>);

#[derive(Debug)]
struct Inner {
    call: Call,
    candidates: Arc<[Target]>,
    /// How many upstream requests were begun. Read by whoever settles the call, however it ends.
    attempts: AtomicU32,
    /// The candidate that was asked last.
    current: AtomicUsize,
    /// The candidate that has this call among its open requests, counted from 1; 0 for none.
    open_at: AtomicUsize,
    /// When the last attempt began, in microseconds from the start of the call.
    begun_us: AtomicU64,
    /// The attempts that failed.
    tried: Tried,
    /// What layers made of the body.
    rewritten: Rewritten,
    /// What answers that layers looked at have cost.
    spent: Spent,
}

impl Drop for Inner {
    /// Nobody has the call any more: neither the client its answer, nor a provider its request.
    fn drop(&mut self) {
        self.leave();
    }
}

impl Inner {
    fn leave(&self) {
        let open_at = self.open_at.swap(0, Ordering::Relaxed);
        if let Some(target) = open_at
            .checked_sub(1)
            .and_then(|at| self.candidates.get(at))
        {
            target.provider.vitals.load.leave();
        }
    }
}

impl Routed {
    /// `None` when there is no candidate.
    pub(crate) fn new(call: Call, candidates: Arc<[Target]>) -> Option<Self> {
        let [_, ..] = *candidates else { return None };
        let inner = Inner {
            call,
            candidates,
            attempts: AtomicU32::new(0),
            current: AtomicUsize::new(0),
            open_at: AtomicUsize::new(0),
            begun_us: AtomicU64::new(0),
            tried: Tried::default(),
            rewritten: Rewritten::default(),
            spent: Spent::default(),
        };
        Some(Self(Arc::new(inner), None))
    }

    /// The call.
    pub fn call(&self) -> &Call {
        &self.0.call
    }

    /// What is asked: the client's own body, unless a layer has [rewritten](Self::rewritten) it.
    pub fn body(&self) -> &RequestBody {
        self.1.as_deref().unwrap_or(&self.0.call.body)
    }

    /// The same call with `body` in place of the client's: what providers are asked, within the
    /// same row.
    pub(super) fn with_body(&self, body: RequestBody) -> Self {
        let body = Arc::new(body);
        self.0.rewritten.keep(&body);
        Self(Arc::clone(&self.0), Some(body))
    }

    /// An error about this call without what it quotes of what was asked, by the client or by
    /// layers.
    pub(crate) fn unquoted<'e>(&self, error: &'e str) -> Cow<'e, str> {
        let error = self.0.call.body.unquoted(error);
        match self.0.rewritten.last() {
            None => error,
            Some(body) => Cow::Owned(body.unquoted(&error).into_owned()),
        }
    }

    /// What the model was asked last: the client's words, or what layers made of them. Where none
    /// was asked, what it would have been.
    pub(crate) fn said(&self) -> Prompt {
        let rewritten = match self.attempts() {
            0 => self.0.rewritten.last(),
            _ => self.0.rewritten.asked(),
        };
        match rewritten {
            Some(body) => body.said(),
            None => self.0.call.body.said(),
        }
    }

    /// Forgets what is not needed any more when an answer begins: nobody else is asked.
    pub(crate) fn release(&self) {
        self.0.call.body.release();
        if let Some(body) = self.0.rewritten.asked() {
            body.release();
        }
    }

    /// What answers that layers looked at have cost.
    pub(crate) fn spent(&self) -> &Spent {
        &self.0.spent
    }

    /// The targets, first choice first.
    pub fn candidates(&self) -> &[Target] {
        &self.0.candidates
    }

    /// The target that answered, or was asked last; the first candidate before any was asked.
    pub fn current(&self) -> &Target {
        let index = self.0.current.load(Ordering::Relaxed);
        &self.0.candidates[index]
    }

    /// How many upstream requests were begun.
    pub fn attempts(&self) -> u32 {
        self.0.attempts.load(Ordering::Relaxed)
    }

    /// Notes that the last attempt, on candidate `index`, has failed.
    pub(crate) fn failed(&self, index: usize, status: Option<StatusCode>, error: String) {
        if let Some(target) = self.0.candidates.get(index) {
            let duration = self.0.call.started.elapsed();
            // What was asked is not kept with what went wrong.
            let error = Some(self.unquoted(&error).into_owned());
            self.0
                .tried
                .push(self.tried(target, status, error, duration));
        }
    }

    /// The attempts that were noted as failed; none are left here.
    pub(crate) fn take_tries(&self) -> Tries {
        self.0.tried.take()
    }

    /// The last attempt as a try that was over `ended` after the start of the call.
    pub(crate) fn last_try(
        &self,
        status: Option<StatusCode>,
        error: Option<String>,
        ended: Duration,
    ) -> Try {
        self.tried(self.current(), status, error, ended)
    }

    fn tried(
        &self,
        target: &Target,
        status: Option<StatusCode>,
        error: Option<String>,
        ended: Duration,
    ) -> Try {
        let begun = Duration::from_micros(self.0.begun_us.load(Ordering::Relaxed));
        let duration = ended.saturating_sub(begun);
        Try {
            provider_id: target.provider.id,
            provider: target.provider.name.to_string(),
            status: status.map(|status| status.as_u16()),
            error,
            started_at: self.0.call.started_at.saturating_add(begun),
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Goes back to candidate `index`, which has answered, without asking it again.
    pub(crate) fn answered_by(&self, index: usize) {
        if index < self.0.candidates.len() {
            self.0.current.store(index, Ordering::Relaxed);
        }
    }

    /// Begins an attempt on candidate `index`, and counts it: among its provider's open requests
    /// until the next attempt begins, or nobody has the call any more. `None` when the provider
    /// takes no more.
    pub(crate) fn attempt(&self, index: usize) -> Option<Attempt> {
        let target = self.0.candidates.get(index)?;
        self.0.leave();
        let provider = &target.provider;
        let most = provider.limits.max_concurrency;
        if !provider.vitals.load.enter(most) {
            return None;
        }
        self.0.open_at.store(index + 1, Ordering::Relaxed);
        self.0.current.store(index, Ordering::Relaxed);
        let before = self.0.attempts.fetch_add(1, Ordering::Relaxed);
        // Most calls ask once, and what the client asks.
        if before > 0 || self.1.is_some() {
            self.0.rewritten.ask(self.1.as_ref());
        }
        // The first one begins with the call: no clock is read for it.
        if before > 0 {
            let begun = self.0.call.started.elapsed();
            let begun = u64::try_from(begun.as_micros()).unwrap_or(u64::MAX);
            self.0.begun_us.store(begun, Ordering::Relaxed);
        }
        Some(Attempt {
            routed: self.clone(),
            index,
            told: None,
        })
    }
}

/// A call on its way to one target: what a [`Provider`](crate::provider::Provider) is given.
#[derive(Debug, Clone)]
pub struct Attempt {
    routed: Routed,
    /// Which of the candidates it goes to.
    index: usize,
    /// What the provider is asked, where it is not what the client asked.
    told: Option<Arc<RequestBody>>,
}

impl Attempt {
    /// The call.
    pub fn call(&self) -> &Call {
        self.routed.call()
    }

    /// What the provider is asked to do: the client's own operation, or a chat completion that
    /// tells the same, where it answers no other.
    pub fn operation(&self) -> Operation {
        match &self.told {
            Some(told) => told.operation(),
            None => self.call().operation,
        }
    }

    /// What the provider is asked, in the protocol of [`operation`](Self::operation).
    pub fn body(&self) -> &RequestBody {
        match &self.told {
            Some(told) => told,
            None => self.routed.body(),
        }
    }

    /// Notes that a layer made the body: for what errors quote of it, and for the archive.
    pub(super) fn note(&self) {
        if let Some(body) = &self.told {
            self.routed.0.rewritten.keep(body);
            self.routed.0.rewritten.ask(Some(body));
        }
    }

    /// The same attempt with another body, perhaps in another protocol.
    pub(crate) fn sent_as(mut self, body: RequestBody) -> Self {
        self.told = Some(Arc::new(body));
        self
    }

    /// Where this attempt goes.
    pub fn target(&self) -> &Target {
        // In bounds: only `Routed::attempt` makes an attempt, of a candidate that is there.
        &self.routed.0.candidates[self.index]
    }
}
