use std::time::Duration;

use http::HeaderValue;

use crate::call::{Operation, Target};
use crate::error::ErrorKind;
use crate::observe::{CallSettled, Observers};
use crate::store::{RequestState, Settlement};
use crate::wire::{ConversationId, RequestId, Timestamp};

/// What observers will be told of a call that is over, kept while its tokens are counted: without the
/// call itself, which would stay among its provider's open requests for as long.
pub(super) struct Ended(Option<Told>);

struct Told {
    observers: Observers,
    call: EndedCall,
}

/// A call that is over, but for its tokens.
pub(super) struct EndedCall {
    pub(super) request_id: RequestId,
    pub(super) conversation_id: ConversationId,
    pub(super) operation: Operation,
    pub(super) target: Target,
    pub(super) traceparent: Option<HeaderValue>,
    pub(super) stream: bool,
    pub(super) is_streaming: bool,
    pub(super) started_at: Timestamp,
    pub(super) duration: Duration,
    pub(super) first_event: Option<Duration>,
    /// What it would be, if it is one.
    pub(super) failure: ErrorKind,
}

impl Ended {
    /// Where nobody listens, `call` is not made.
    pub(super) fn new(observers: &Observers, call: impl FnOnce() -> EndedCall) -> Self {
        Self((!observers.is_empty()).then(|| Told {
            observers: observers.clone(),
            call: call(),
        }))
    }

    /// Tells them.
    pub(super) fn tell(&self, settlement: &Settlement) {
        let Some(Told { observers, call }) = &self.0 else {
            return;
        };
        let is_failed = settlement.state == RequestState::Failed;
        let settled = CallSettled {
            request_id: call.request_id,
            conversation_id: &call.conversation_id,
            operation: call.operation,
            target: &call.target,
            traceparent: (call.traceparent.as_ref()).and_then(|value| value.to_str().ok()),
            stream: call.stream,
            is_streaming: call.is_streaming,
            started_at: call.started_at,
            duration: call.duration,
            first_event: call.first_event,
            settlement,
            error_code: is_failed.then(|| call.failure.code()),
        };
        observers.tell(|observer| observer.call_settled(&settled));
    }
}
