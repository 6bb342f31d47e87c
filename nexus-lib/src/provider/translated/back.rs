use std::borrow::Cow;

use bytes::Bytes;
use memchr::memmem;

use crate::call::Attempt;
use crate::memory::{Keeper, Kind, Recent};
use crate::secret::KeyHash;
use crate::sse;
use crate::translate::fit::Restore;
use crate::translate::{
    Answered, BlockKind, ClientProtocol, ClientTools, Event, Output, ProviderProtocol, Request,
    Turn,
};

/// What is remembered of an answer for the client.
#[derive(Clone)]
pub(crate) struct Notes {
    recent: Recent,
    client: KeyHash,
    /// Only for Responses clients that do not keep the answers themselves.
    keeper: Option<Keeper>,
}

impl Notes {
    /// For `attempt` of a client that speaks `protocol`.
    pub(crate) fn of(recent: &Recent, attempt: &Attempt, protocol: ClientProtocol) -> Self {
        let client = attempt.call().principal.identity();
        let request = attempt.call().body.bytes();
        let keeper = match protocol {
            ClientProtocol::Responses => Keeper::of(recent, client, request),
            ClientProtocol::Chat | ClientProtocol::Messages => None,
        };
        Self {
            recent: recent.clone(),
            client,
            keeper,
        }
    }

    /// Restores the signatures that Gemini requires for calls in the history, where the client left
    /// them out.
    pub(super) fn sign(&self, request: &mut Request, provider: ProviderProtocol, model: &str) {
        let is_geminis = match provider {
            ProviderProtocol::Gemini => true,
            // Its compatible endpoint, and other servers in front of it.
            ProviderProtocol::Chat => model.contains("gemini"),
            _ => false,
        };
        for turn in request.turns.iter_mut().filter(|_| is_geminis) {
            let Turn::Assistant(output) = turn else {
                continue;
            };
            for output in output {
                if let Output::ToolCall(call) = output
                    && call.signature.is_none()
                {
                    let signature = self.recent.get(self.client, Kind::Signature, &call.id);
                    call.signature = signature.and_then(|signature| {
                        let signature = String::from_utf8_lossy(&signature);
                        (!signature.is_empty()).then(|| Cow::into_owned(signature))
                    });
                }
            }
        }
    }

    fn call(&self, id: &str, signature: Option<&String>) {
        if let Some(signature) = signature.filter(|_| !id.is_empty()) {
            let signature = Bytes::copy_from_slice(signature.as_bytes());
            self.recent.put(self.client, Kind::Signature, id, signature);
        }
    }
}

/// Processing of an answer on its way back, in addition to its translation.
#[derive(Default)]
pub(super) struct Back {
    tools: ClientTools,
    notes: Option<Notes>,
    /// Undoes the changes for the provider; it comes first.
    pub(super) restore: Restore,
}

impl Back {
    pub(super) fn of(request: &Request, notes: Notes) -> Self {
        Self {
            tools: ClientTools::of(request),
            notes: Some(notes),
            restore: Restore::default(),
        }
    }

    /// Processes a whole answer before it is written.
    pub(super) fn answered(&self, answered: &mut Answered) {
        self.restore.answered(answered);
        self.tools.restore(answered);
        let Some(notes) = &self.notes else {
            return;
        };
        for output in &answered.output {
            if let Output::ToolCall(call) = output {
                notes.call(&call.id, call.signature.as_ref());
            }
        }
    }

    /// Processes an event of a streamed answer before it is written.
    pub(super) fn event(&self, event: &mut Event) {
        self.tools.restore_event(event);
        if let (
            Some(notes),
            Event::Begin {
                kind: BlockKind::ToolCall { id, signature, .. },
                ..
            },
        ) = (&self.notes, event)
        {
            notes.call(id, signature.as_ref());
        }
    }

    /// Processes a whole answer after it was written.
    pub(super) fn whole(&self, answer: &[u8]) {
        let keeper = self.notes.as_ref().and_then(|notes| notes.keeper.as_ref());
        if let Some(keeper) = keeper {
            keeper.keep(answer);
        }
    }

    /// Processes events after they were written, including the last ones of an answer.
    pub(super) fn last_events(&self, events: &[u8]) {
        let keeper = self.notes.as_ref().and_then(|notes| notes.keeper.as_ref());
        let Some(keeper) = keeper else {
            return;
        };
        for event in sse::events(events) {
            let data = event.data();
            let is_last = event
                .name()
                .is_some_and(|name| matches!(name, b"response.completed" | b"response.incomplete"));
            if is_last && let Some(response) = response(&data) {
                keeper.keep(response);
            }
        }
    }
}

/// The response in its final event.
fn response(event: &[u8]) -> Option<&[u8]> {
    memmem::find(event, b"\"response\"")?;
    let mut found = None;
    crate::wire::json::members(event, |name, value| {
        if name == "response" {
            found = event.get(value);
        }
    })
    .ok()?;
    found
}
