use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;

use crate::call::Observed;
use crate::transcript::{Delivered, InChat};
use crate::wire::Operation;

/// What was seen of one call's answer, on its way to the client.
#[derive(Default)]
pub(super) struct Seen {
    /// What the dialects saw in it.
    pub(super) observed: Observed,
    /// What the client was sent.
    pub(super) answer: Delivered,
    /// The layer that answered or refused, where no provider did.
    pub(super) answered_by: Option<Arc<str>>,
    /// The status that the client got.
    pub(super) status: Option<StatusCode>,
    /// The status that the provider gave.
    pub(super) upstream_status: Option<StatusCode>,
    /// When the first event of a stream went out.
    pub(super) first_event: Option<Instant>,
    /// A stream goes out.
    pub(super) is_streaming: bool,
    /// Writes what the client was sent as a chat completion, where it is none.
    in_chat: Option<Box<InChat>>,
}

impl Seen {
    /// A stream of answers to `operation` is about to go out.
    pub(super) fn stream_begins(&mut self, operation: Operation) {
        self.is_streaming = true;
        self.in_chat = InChat::of(operation).map(Box::new);
    }

    /// A whole answer is about to go out.
    pub(super) fn answer_is(&mut self, operation: Operation, body: &Bytes) {
        if operation.is_chat() {
            self.answer = Delivered::Whole(InChat::whole(operation, body));
        }
    }

    /// A piece of a streamed answer is about to go out.
    pub(super) fn events(&mut self, operation: Operation, events: &[u8]) {
        self.first_event.get_or_insert_with(Instant::now);
        if operation.is_chat() {
            match &mut self.in_chat {
                None => self.answer.push(events),
                Some(in_chat) => self.answer.push(&in_chat.push(events)),
            }
        }
    }

    /// Whether the provider finished its answer.
    pub(super) fn is_over(&self) -> bool {
        self.observed.finished || self.observed.terminal
    }

    /// The provider's status: as it was read from its answer, else that of the reply.
    pub(super) fn provider_status(&self) -> Option<StatusCode> {
        self.observed.status.or(self.upstream_status)
    }
}
