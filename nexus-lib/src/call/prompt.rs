use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;

use super::fingerprint::fingerprints;
use crate::body_memory::Held;
use crate::error::{Error, ErrorKind, Result};
use crate::translate::{
    ClientProtocol, Draft, Losses, Output, Request, Thought, Turn, chat, responses,
};
use crate::wire::json::members;
use crate::wire::{ChatRequest, Operation, Prefixes};

/// What a chat asks: the body of a request, and its neutral form, which is read when it is first
/// needed, and once. A clone is the same.
///
/// Translation, conversations, the archive, the count of tokens and layers that
/// [read texts](crate::call::Routed::as_chat) share it, so that none of them parses the body again.
/// A body that passes through is not parsed unless one of them asks.
#[derive(Clone)]
pub struct Prompt(Arc<Inner>);

struct Inner {
    operation: Operation,
    body: Bytes,
    reading: Mutex<Reading>,
    /// Whether it has tools that only OpenAI's own Responses support.
    has_client_tools: OnceLock<bool>,
}

#[derive(Default)]
struct Reading {
    state: State,
    /// Counts the neutral form among the bodies in memory, where these are counted.
    held: Option<Held>,
}

#[derive(Default)]
enum State {
    #[default]
    Unread,
    /// The messages are read.
    Begun(Box<Draft>),
    Read(Arc<Request>),
    Refused(Error),
}

impl Prompt {
    /// Of `body`, a request for `operation`. Reads nothing yet.
    pub fn new(operation: Operation, body: Bytes) -> Self {
        Self(Arc::new(Inner {
            operation,
            body,
            reading: Mutex::default(),
            has_client_tools: OnceLock::new(),
        }))
    }

    /// Counts the neutral form, for as long as there is one.
    pub(super) fn count_in(&self, held: Held) {
        let mut reading = self.reading();
        reading.held = Some(held);
        reading.count(self.0.body.len());
    }

    /// The neutral form.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`], the same each time, when it cannot be read, and for what is
    /// no chat; [`ErrorKind::Cancelled`] when nobody [waits](crate::offload) for it any more.
    pub(crate) fn request(&self) -> Result<Arc<Request>> {
        let protocol = self.protocol()?;
        let mut reading = self.reading();
        let read = match std::mem::take(&mut reading.state) {
            State::Read(request) => Ok(request),
            State::Refused(error) => Err(error),
            State::Begun(draft) => protocol.finish_request(*draft, &self.0.body).map(Arc::new),
            State::Unread => protocol.read_request(&self.0.body).map(Arc::new),
        };
        reading.state = match &read {
            Ok(request) => State::Read(Arc::clone(request)),
            // Others may still need it.
            Err(error) if error.kind() == ErrorKind::Cancelled => State::Unread,
            Err(error) => State::Refused(error.repeated()),
        };
        reading.count(self.0.body.len());
        read
    }

    /// The fingerprints of the messages, for chats other than chat completions: the scan has these.
    pub(super) fn prefixes(&self) -> Prefixes {
        let Some(protocol) = ClientProtocol::of(self.0.operation) else {
            return Prefixes::default();
        };
        let mut reading = self.reading();
        if let State::Unread = reading.state {
            reading.state = match protocol.begin_request(&self.0.body) {
                Ok(Some(draft)) => State::Begun(Box::new(draft)),
                Ok(None) => State::Unread,
                Err(error) => State::Refused(error),
            };
            reading.count(self.0.body.len());
        }
        match &reading.state {
            State::Begun(draft) => fingerprints(&draft.turns),
            State::Read(request) => fingerprints(&request.turns),
            State::Unread | State::Refused(_) => Prefixes::default(),
        }
    }

    /// Forgets the neutral form of a chat completion: from here on its body is enough.
    pub(super) fn release(&self) {
        if !self.is_foreign() {
            let mut reading = self.reading();
            reading.state = State::Unread;
            reading.count(self.0.body.len());
        }
    }

    /// Whether the history has reasoning of this sort. `None` if nobody has read it yet, or not
    /// all of it could be read.
    pub(crate) fn has_thoughts(&self, are_meant: fn(&Thought) -> bool) -> Option<bool> {
        let reading = self.reading();
        let turns = match &reading.state {
            State::Begun(draft) if draft.is_faultless() => &draft.turns,
            State::Read(request) => &request.turns,
            State::Begun(_) | State::Unread | State::Refused(_) => return None,
        };
        let said = turns.iter().filter_map(|turn| match turn {
            Turn::Assistant(said) => Some(said),
            Turn::System(_) | Turn::User(_) | Turn::Tool(_) => None,
        });
        Some(said.flatten().any(|said| match said {
            Output::Reasoning(thought) => are_meant(thought),
            _ => false,
        }))
    }

    /// Whether it is a Responses request with tools, or items of tools, that only OpenAI's own
    /// Responses support. Looks into the body itself, once.
    pub(crate) fn has_client_tools(&self) -> bool {
        let has = || responses::has_client_tools(&self.0.body);
        *self.0.has_client_tools.get_or_init(has)
    }

    /// As a body for chat completions, whatever the protocol. Empty if it cannot be translated;
    /// anything that is not a chat is left unchanged.
    pub(crate) fn in_chat(&self) -> Bytes {
        if !self.is_foreign() {
            return self.0.body.clone();
        }
        let written = self.request().and_then(|request| {
            // Not the name of a model that is translated specially.
            chat::request::write(&request, "any", &mut Losses::new(false))
        });
        written.map(Bytes::from).unwrap_or_default()
    }

    /// The messages, as a JSON array of those of a chat completion. `None` if there are none that
    /// could be read.
    pub(crate) fn messages(&self) -> Option<Bytes> {
        if self.is_foreign() {
            let messages = chat::request::write_messages(&self.request().ok()?.turns);
            return messages.map(Bytes::from).ok();
        }
        let mut found = None;
        let read = members(&self.0.body, |key, value| {
            if key == "messages" {
                found = Some(value);
            }
        });
        let messages = found.filter(|_| read.is_ok())?;
        (messages.end <= self.0.body.len()).then(|| self.0.body.slice(messages))
    }

    /// # Errors
    /// [`ErrorKind::InvalidRequest`] when it cannot be read, and for what is no chat.
    pub(super) fn as_chat(&self) -> Result<ChatRequest> {
        self.protocol()?;
        serde_json::from_slice(&self.in_chat()).map_err(|cause| {
            let message = "the request cannot be read as a chat";
            Error::new(ErrorKind::InvalidRequest, message).with_source(cause)
        })
    }

    /// About how many bytes it holds in memory, once it is read.
    pub(crate) fn held_bytes(&self) -> u64 {
        let body = u64::try_from(self.0.body.len()).unwrap_or(u64::MAX);
        match self.is_foreign() {
            // The neutral form is about as large.
            true => body.saturating_mul(2),
            false => body,
        }
    }

    /// Whether it is a chat in another protocol than chat completions, whose messages are only
    /// known from the neutral form.
    pub(super) fn is_foreign(&self) -> bool {
        let protocol = ClientProtocol::of(self.0.operation);
        protocol.is_some_and(|protocol| protocol != ClientProtocol::Chat)
    }

    fn protocol(&self) -> Result<ClientProtocol> {
        let operation = self.0.operation;
        ClientProtocol::of(operation).ok_or_else(|| {
            let message = format!("a request for {} is no chat", operation.path());
            Error::new(ErrorKind::InvalidRequest, message)
        })
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        // Whoever panics while reading has left nothing behind.
        (self.0.reading.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    /// Counts the neutral form of a body of `len` bytes, which is about as large, if there is one.
    fn count(&mut self, len: usize) {
        let Some(held) = &mut self.held else { return };
        match self.state {
            State::Unread | State::Refused(_) => held.let_go(),
            State::Begun(_) | State::Read(_) if held.bytes() == 0 => held.note(len),
            State::Begun(_) | State::Read(_) => {}
        }
    }
}

impl fmt::Debug for Prompt {
    /// Omits the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("operation", &self.0.operation)
            .field("len", &self.0.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body_memory::{BodyMemory, Holder};
    use crate::wire::reads::BodyReads;

    #[test]
    fn all_who_ask_share_one_reading_and_get_the_same_error() {
        let good =
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"one reading"}]}"#;
        let reads = BodyReads::of("one reading");
        let prompt = Prompt::new(Operation::Message, good.into());
        assert_ne!(prompt.prefixes(), Prefixes::default());
        let request = prompt.request().unwrap();
        assert!(Arc::ptr_eq(&request, &prompt.clone().request().unwrap()));
        assert_eq!(prompt.as_chat().unwrap().messages[0].text(), "one reading");
        let messages = prompt.messages().unwrap();
        assert_eq!(messages, r#"[{"role":"user","content":"one reading"}]"#);
        assert_eq!((reads.scans(), reads.parses()), (0, 1));

        for (operation, bad) in [
            (Operation::Message, good.replace("user", "one bad reading")),
            (
                Operation::Message,
                good.replace(r#""max_tokens":9,"#, "")
                    .replace("one", "one bad"),
            ),
            (
                Operation::Response,
                r#"{"model":"m","input":[{"role":"one bad reading"}]}"#.into(),
            ),
            (
                Operation::ChatCompletion,
                good.replace("user", "one bad reading"),
            ),
        ] {
            let reads = BodyReads::of("one bad reading");
            let protocol = ClientProtocol::of(operation).unwrap();
            let first = protocol.read_request(bad.as_bytes()).unwrap_err();
            let prompt = Prompt::new(operation, bad.into());
            prompt.prefixes();
            for _ in 0..2 {
                let error = prompt.request().unwrap_err();
                assert_eq!(error.to_string(), first.to_string());
                assert_eq!((error.kind(), error.param()), (first.kind(), first.param()));
                assert!(prompt.as_chat().is_err() || operation == Operation::ChatCompletion);
            }
            assert_eq!(reads.parses(), 2, "by hand, and once");
        }
    }

    #[test]
    fn the_neutral_form_is_counted_for_as_long_as_it_is_held() {
        let memory = BodyMemory::at_most(1 << 20);
        let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
        for operation in [Operation::ChatCompletion, Operation::Message] {
            let prompt = Prompt::new(operation, body.into());
            prompt.count_in(memory.hold(Holder::Client(1)));
            assert_eq!(memory.held(), 0);
            let begun = prompt.prefixes();
            let is_foreign = operation == Operation::Message;
            assert_eq!(memory.held() > 0, is_foreign);
            // Whether or not it is a request: `max_tokens` is missing in one.
            assert_eq!(prompt.request().is_err(), is_foreign);
            assert_eq!(memory.held() > 0, !is_foreign);
            prompt.release();
            assert_eq!(
                (memory.held(), begun == Prefixes::default()),
                (0, !is_foreign)
            );
        }
    }
}
