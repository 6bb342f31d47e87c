//! One chat: from its frame to a call, and from the metered reply to frames.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tower::{Service, ServiceExt};

use super::frame::{ChatFrame, Data, ServerFrame, error as error_frame};
use super::label::Label;
use super::socket::Face;
use crate::call::{Call, Metered, MeteredBody, MeteredStream, Operation, Principal, RequestBody};
use crate::error::{Error, ErrorKind, Result};
use crate::http::open_requests::OpenRequest;
use crate::sse;
use crate::thread::Threads;
use crate::wire::{ConversationId, RequestId};

/// A frame for the client.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) json: String,
    /// Nothing comes after it.
    pub(super) is_last: bool,
}

/// What a chat says, the last thing last. Dropping it ends the chat, upstream too, and settles it.
pub(super) type Chat = BoxStream<'static, Said>;

/// A call that is about to go out.
pub(super) struct Prepared {
    label: Label,
    call: Call,
    /// Whether the client itself asked for usage.
    wants_usage: bool,
    is_resumable: bool,
    /// It counts as open until this is dropped.
    open: OpenRequest,
}

/// Begins a chat: the call goes out with the first poll.
pub(super) fn chat<S>(face: Arc<Face<S>>, prepared: Prepared) -> Chat
where
    S: Service<Call, Response = Metered, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let label = prepared.label.clone();
    let first = match prepared.is_resumable {
        true => State::Named(Box::new(prepared)),
        false => State::Ready(Box::new(prepared)),
    };
    let frames = unfold(Some(first), move |state| {
        let (face, label) = (Arc::clone(&face), label.clone());
        async move { Some(state?.step(&face, &label).await) }
    });
    frames.boxed()
}

enum State {
    /// The request's names are to be told first.
    Named(Box<Prepared>),
    /// The call is to go out.
    Ready(Box<Prepared>),
    Streaming(Box<Streaming>),
    /// Only this is left to be said.
    Ending(String),
}

type Step = (Said, Option<State>);

fn more(json: String, next: State) -> Step {
    let is_last = false;
    (Said { json, is_last }, Some(next))
}

fn last(json: String) -> Step {
    let is_last = true;
    (Said { json, is_last }, None)
}

impl State {
    async fn step<S>(self, face: &Face<S>, label: &Label) -> Step
    where
        S: Service<Call, Response = Metered, Error = Error> + Clone + Send + Sync,
        S::Future: Send,
    {
        let failed = |error: &Error| last(error_frame(label.name(), error));
        let prepared = match self {
            Self::Named(prepared) => {
                let accepted = ServerFrame::Accepted {
                    id: label.name().unwrap_or_default(),
                    request_id: prepared.call.id,
                    conversation_id: &prepared.call.conversation,
                };
                return more(accepted.to_json(), Self::Ready(prepared));
            }
            Self::Ready(prepared) => prepared,
            Self::Streaming(streaming) => return streaming.step(label).await,
            Self::Ending(json) => return last(json),
        };
        let Prepared {
            call,
            wants_usage,
            open,
            ..
        } = *prepared;
        let mut stack = face.stack.clone();
        let answer = match stack.ready().await {
            Ok(stack) => stack.call(call).await,
            Err(error) => Err(error),
        };
        match answer {
            Err(error) => failed(&error),
            Ok(Metered {
                body: MeteredBody::Stream(events),
                request_id,
                conversation_id,
                ..
            }) => {
                let streaming = Streaming {
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
                };
                Box::new(streaming).step(label).await
            }
            Ok(Metered {
                body: MeteredBody::Full(bytes),
                status,
                request_id,
                conversation_id,
                ..
            }) => match status.is_success() {
                true => completed(label, &bytes, request_id, &conversation_id),
                false => last(refusal(label, &bytes)),
            },
        }
    }
}

impl Prepared {
    /// # Errors
    /// Those of reading the request.
    pub(super) fn of(
        frame: ChatFrame,
        principal: Principal,
        open: OpenRequest,
        threads: &Threads,
    ) -> Result<Self> {
        let body = RequestBody::scan(with_stream(frame.request).into())?;
        let wants_usage = body.fields().include_usage;
        // The last frame tells the usage, whether or not the chunks do.
        let body = match body.is_stream() && !wants_usage {
            true => RequestBody::scan(body.spliced(None, true))?,
            false => body,
        };
        let mut call = Call::new(RequestId::new(), principal, Operation::ChatCompletion, body);
        call.only = frame.only;
        threads.place(&mut call, frame.conversation);
        Ok(Self {
            label: frame.label,
            call,
            wants_usage,
            is_resumable: frame.is_resumable,
            open,
        })
    }

    pub(super) fn request_id(&self) -> RequestId {
        self.call.id
    }
}

/// A chat's body, which is streamed unless it says otherwise.
fn with_stream(body: String) -> String {
    #[derive(Deserialize)]
    struct Look<'a> {
        #[serde(borrow, default, deserialize_with = "present")]
        stream: Option<&'a RawValue>,
    }
    fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
        <&RawValue>::deserialize(from).map(Some)
    }
    // What is wrong with it is told by those who read all of it.
    let Ok(look) = serde_json::from_str::<Look<'_>>(&body) else {
        return body;
    };
    let (at, text) = match look.stream.map(RawValue::get) {
        None => match body.trim_end().strip_suffix('}').map(str::trim_end) {
            Some(rest) if rest.ends_with('{') => return body,
            _ => (1..1, "\"stream\":true,"),
        },
        Some(null @ "null") => {
            let start = null.as_ptr().addr() - body.as_ptr().addr();
            (start..start + null.len(), "true")
        }
        Some(_) => return body,
    };
    let mut body = body;
    body.replace_range(at, text);
    body
}

/// A whole answer, and what is said behind it.
fn completed(
    label: &Label,
    body: &Bytes,
    request_id: RequestId,
    conversation_id: &ConversationId,
) -> Step {
    let look = Look::of(body);
    let done = ServerFrame::Done {
        id: label.name(),
        conversation_id,
        request_id,
        finish_reason: look.finish_reason(),
        usage: look.usage,
    };
    let done = done.to_json();
    let answer = match label {
        Label::Named(id) => ServerFrame::Completion {
            id,
            data: Data::of(body),
        }
        .to_json(),
        Label::Short => ServerFrame::Message {
            content: look.text(),
        }
        .to_json(),
    };
    more(answer, State::Ending(done))
}

/// An upstream's own error.
fn refusal(label: &Label, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        error: &'a RawValue,
    }
    let id = label.name();
    match serde_json::from_slice::<Body<'_>>(body) {
        Ok(Body { error }) if error.get().starts_with('{') => {
            let error = Data::Json(error);
            ServerFrame::Error { id, error }.to_json()
        }
        _ => {
            let message = "the provider refused the request without a word that can be passed on";
            error_frame(id, &Error::new(ErrorKind::UpstreamRefused, message))
        }
    }
}

/// A stream on its way.
struct Streaming {
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
    async fn step(mut self: Box<Self>, label: &Label) -> Step {
        loop {
            if let Some(json) = self.frames.pop_front() {
                return more(json, State::Streaming(self));
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
                return Some(refusal(label, &data));
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

/// What of an answer, or of a chunk, is told again in other frames.
#[derive(Deserialize, Default)]
struct Look<'a> {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default, alias = "message")]
    delta: Option<Words>,
}

#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    content: Option<String>,
}

impl<'a> Look<'a> {
    /// Nothing, of what is not of that shape: it passes all the same.
    fn of(json: &'a [u8]) -> Self {
        serde_json::from_slice(json).unwrap_or_default()
    }

    fn finish_reason(&self) -> Option<&str> {
        self.choices.first()?.finish_reason.as_deref()
    }

    fn text(&self) -> &str {
        let first = self
            .choices
            .first()
            .and_then(|choice| choice.delta.as_ref());
        first
            .and_then(|words| words.content.as_deref())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_is_streamed_unless_it_says_otherwise() {
        for (body, expected) in [
            (r#"{"model":"m"}"#, r#"{"stream":true,"model":"m"}"#),
            (
                r#"{"stream":null,"model":"m"}"#,
                r#"{"stream":true,"model":"m"}"#,
            ),
            (
                r#"{"model":"m","stream":false}"#,
                r#"{"model":"m","stream":false}"#,
            ),
            (
                r#"{"model":"m","stream":true}"#,
                r#"{"model":"m","stream":true}"#,
            ),
            ("{ }", "{ }"),
            ("{", "{"),
        ] {
            assert_eq!(with_stream(body.to_owned()), expected);
        }
    }
}
