use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};

use crate::pace::Slot;

macro_rules! event {
    ($choices:literal, $rest:literal) => {
        concat!(
            r#"data: {"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk","#,
            r#""created":1741570283,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","#,
            r#""system_fingerprint":"fp_44added55e","choices":["#,
            $choices,
            "]",
            $rest,
            "}\n\n"
        )
    };
}

macro_rules! both {
    ($choices:literal) => {
        [event!($choices, ""), event!($choices, r#","usage":null"#)]
    };
}

/// Each without and with the `usage` that every chunk has if usage was requested.
const CONTENT: [&str; 2] =
    both!(r#"{"index":0,"delta":{"content":" assist"},"logprobs":null,"finish_reason":null}"#);
const FINISH: [&str; 2] = both!(r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}"#);
const USAGE: &str = event!(
    "",
    r#","usage":{"prompt_tokens":319,"completion_tokens":100,"total_tokens":419,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#
);
const DONE: &str = "data: [DONE]\n\n";

/// A streamed completion, one event per chunk.
pub(super) struct Events {
    sent: u32,
    count: u32,
    usage: bool,
    slot: Option<Arc<Slot>>,
    tail: Tail,
    flush: bool,
}

#[derive(Clone, Copy)]
enum Tail {
    Finish,
    Usage,
    Done,
    End,
}

impl Events {
    pub(super) fn new(count: u32, usage: bool, slot: Option<Arc<Slot>>) -> Self {
        Self {
            sent: 0,
            count,
            usage,
            slot,
            tail: Tail::Finish,
            flush: false,
        }
    }

    fn next_tail(&mut self) -> Option<&'static str> {
        let (text, next) = match self.tail {
            Tail::Finish if self.usage => (FINISH[1], Tail::Usage),
            Tail::Finish => (FINISH[0], Tail::Done),
            Tail::Usage => (USAGE, Tail::Done),
            Tail::Done => (DONE, Tail::End),
            Tail::End => return None,
        };
        self.tail = next;
        Some(text)
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // hyper writes what it has when the body is pending: so each event is sent separately.
        if mem::take(&mut self.flush) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let waits = self.slot.as_ref().filter(|_| self.sent < self.count);
        if waits.is_some_and(|slot| slot.poll_seen(self.sent, cx).is_pending()) {
            return Poll::Pending;
        }
        let text = if self.sent < self.count {
            self.sent += 1;
            Some(CONTENT[usize::from(self.usage)])
        } else {
            self.next_tail()
        };
        self.flush = text.is_some();
        Poll::Ready(text.map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
    }
}
