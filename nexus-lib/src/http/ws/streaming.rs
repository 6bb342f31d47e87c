//! A stream on its way: from the metered reply's pieces to frames.

use std::collections::VecDeque;

use futures_util::stream::StreamExt;
use serde_json::value::RawValue;

use super::chat::Said;
use super::frame::{Data, ServerFrame, error as error_frame, refusal};
use super::label::Label;
use super::look::Look;
use crate::call::MeteredStream;
use crate::intake::OpenRequest;
use crate::sse;
use crate::wire::{ConversationId, RequestId};

/// An answer that is streamed.
pub(super) struct Streaming {
    events: MeteredStream,
    request_id: RequestId,
    conversation_id: ConversationId,
    wants_usage: bool,
    /// Made of the last piece, and not said yet.
    frames: VecDeque<String>,
    seq: u64,
    /// The whole text so far, for the short form.
    text: String,
    finish_reason: Option<String>,
    usage: Option<Box<RawValue>>,
    /// Held to the end of the answer.
    _open: OpenRequest,
}

impl Streaming {
    pub(super) fn new(
        events: MeteredStream,
        request_id: RequestId,
        conversation_id: ConversationId,
        wants_usage: bool,
        open: OpenRequest,
    ) -> Self {
        Self {
            events,
            request_id,
            conversation_id,
            wants_usage,
            frames: VecDeque::new(),
            seq: 0,
            text: String::new(),
            finish_reason: None,
            usage: None,
            _open: open,
        }
    }

    /// What is to be said next.
    ///
    /// # Cancel safety
    /// Dropped before it resolves, it loses nothing: what it took is said next time.
    pub(super) async fn next(&mut self, label: &Label) -> Said {
        let last = |json| Said {
            json,
            is_last: true,
        };
        loop {
            if let Some(json) = self.frames.pop_front() {
                let is_last = false;
                return Said { json, is_last };
            }
            match self.events.next().await {
                Some(Ok(piece)) => {
                    if let Some(error) = self.read(&piece, label) {
                        return last(error);
                    }
                }
                Some(Err(error)) => return last(error_frame(label.name(), &error)),
                None => return last(self.done(label)),
            }
        }
    }

    /// Makes frames of a piece's events; an error among them is the last frame.
    fn read(&mut self, piece: &[u8], label: &Label) -> Option<String> {
        for event in sse::events(piece) {
            let data = event.data();
            if data.trim_ascii().is_empty() || *data == *b"[DONE]" {
                continue;
            }
            let look = Look::of(&data);
            if look.error.is_some() {
                return Some(refusal(label.name(), &data));
            }
            if let Some(reason) = look.finish_reason() {
                self.finish_reason = Some(reason.to_owned());
            }
            if let Some(usage) = look.usage {
                self.usage = Some(usage.to_owned());
                // It was asked for by us.
                if look.choices.is_empty() && !self.wants_usage {
                    continue;
                }
            }
            match label {
                Label::Named(id) => {
                    self.seq += 1;
                    let chunk = ServerFrame::Chunk {
                        id,
                        seq: self.seq,
                        data: Data::of(&data),
                    };
                    self.frames.push_back(chunk.to_json());
                }
                Label::Short if !look.text().is_empty() => {
                    self.text.push_str(look.text());
                    let content = &self.text;
                    self.frames
                        .push_back(ServerFrame::Message { content }.to_json());
                }
                Label::Short => {}
            }
        }
        None
    }

    fn done(&self, label: &Label) -> String {
        let done = ServerFrame::Done {
            id: label.name(),
            conversation_id: &self.conversation_id,
            request_id: self.request_id,
            finish_reason: self.finish_reason.as_deref(),
            usage: self.usage.as_deref(),
        };
        done.to_json()
    }
}
