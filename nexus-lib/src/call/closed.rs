use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

use crate::call::{Principal, Target, Try};
use crate::wire::{
    ConversationId, ConversationMarks, Operation, RequestId, RequestState, Timestamp, Usage,
    UsageSource,
};

/// A call that is over. The meter makes it once, however the call ended; the ledger, the archive,
/// observers and conversation memory each take it.
///
/// It has no prompt and no answer. It does not count among its provider's open requests.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClosedCall {
    /// Who asked.
    pub principal: Principal,
    /// The client's `traceparent` header, which names the trace that the call belongs to; see
    /// [`traceparent`](Self::traceparent).
    pub(crate) trace: Option<HeaderValue>,

    /// The ledger's key.
    pub request_id: RequestId,
    /// What it belongs to.
    pub conversation_id: ConversationId,
    /// What was asked.
    pub operation: Operation,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// Whether a stream was on its way to the client.
    pub is_streaming: bool,

    /// The provider that answered, or was asked last, and its model.
    pub target: Target,
    /// The layer that answered or refused, where no provider did.
    pub answered_by: Option<Arc<str>>,
    /// How many upstream requests were made.
    pub attempts: u32,
    /// The outcome of each of them. `None` where the other fields say it all: a single request that
    /// was answered with `status`.
    pub tries: Option<Vec<Try>>,

    /// The tokens.
    pub usage: Usage,
    /// Where the figures come from.
    pub usage_source: UsageSource,

    /// When it began.
    pub started_at: Timestamp,
    /// From the start to the end.
    pub duration: Duration,
    /// From the start to the first byte of the answer; `None` where none was sent.
    pub first_byte: Option<Duration>,

    /// How it ended.
    pub state: RequestState,
    /// The HTTP status that the client got; `None` when it left before one.
    pub status: Option<StatusCode>,
    /// The HTTP status of the provider whose answer the client got.
    pub upstream_status: Option<StatusCode>,
    /// What went wrong: a code and a message without keys or addresses. It may be in the provider's
    /// own words, which may repeat the prompt: not for logs.
    pub error: Option<Cow<'static, str>>,
    /// The kind of failure, where the call failed: one of the words that errors have as `code`.
    pub error_code: Option<&'static str>,

    /// What a request that continues the conversation is recognized by.
    pub marks: ConversationMarks,
}

impl ClosedCall {
    /// When it ended.
    pub fn ended_at(&self) -> Timestamp {
        self.started_at.saturating_add(self.duration)
    }

    /// From the start to the first event of a stream; `None` where none was sent.
    pub fn first_event(&self) -> Option<Duration> {
        self.first_byte.filter(|_| self.is_streaming)
    }

    /// The client's `traceparent` header, which names the trace that the call belongs to:
    /// <https://www.w3.org/TR/trace-context/>.
    pub fn traceparent(&self) -> Option<&str> {
        self.trace.as_ref().and_then(|value| value.to_str().ok())
    }

    /// The same call with its tokens counted here.
    pub(crate) fn counted(self, usage: Usage) -> Self {
        Self {
            usage,
            usage_source: UsageSource::Estimated,
            ..self
        }
    }
}
