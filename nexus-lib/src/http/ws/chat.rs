//! One chat: from its frame to a call, and from the metered reply to frames.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tower::Service;

use super::frame::{ChatFrame, Data, ServerFrame, error as error_frame, refusal};
use super::label::Label;
use super::look::Look;
use super::streaming::Streaming;
use crate::body_memory::Holder;
use crate::call::{Call, Metered, MeteredBody, RequestBody};
use crate::error::{Error, Result};
use crate::intake::{Arrival, Intake, OpenRequest};
use crate::observe::Edge;
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
pub(super) fn chat<S>(intake: Arc<Intake<S>>, prepared: Prepared) -> Chat
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
        let (intake, label) = (Arc::clone(&intake), label.clone());
        async move { Some(state?.step(&intake, &label).await) }
    });
    frames.boxed()
}

enum State {
    /// The request's names are sent first.
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

async fn stream(mut streaming: Box<Streaming>, label: &Label) -> Step {
    let said = streaming.next(label).await;
    let next = (!said.is_last).then_some(State::Streaming(streaming));
    (said, next)
}

impl State {
    async fn step<S>(self, intake: &Intake<S>, label: &Label) -> Step
    where
        S: Service<Call, Response = Metered, Error = Error> + Clone + Send + Sync + 'static,
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
            Self::Streaming(streaming) => return stream(streaming, label).await,
            Self::Ending(json) => return last(json),
        };
        let Prepared {
            call,
            wants_usage,
            open,
            ..
        } = *prepared;
        let request_id = call.id;
        match intake.send(call).await {
            Err(error) => {
                (intake.refusals()).report(Edge::Socket, request_id, &error, None);
                failed(&error)
            }
            Ok(Metered {
                body: MeteredBody::Stream(events),
                request_id,
                conversation_id,
                ..
            }) => {
                let streaming =
                    Streaming::new(events, request_id, conversation_id, wants_usage, open);
                stream(Box::new(streaming), label).await
            }
            Ok(Metered {
                body: MeteredBody::Full(bytes),
                status,
                request_id,
                conversation_id,
                ..
            }) => match status.is_success() {
                true => completed(label, &bytes, request_id, &conversation_id),
                false => last(refusal(label.name(), &bytes)),
            },
        }
    }
}

impl Prepared {
    /// # Errors
    /// Those of reading the request.
    pub(super) fn of<S>(
        frame: ChatFrame,
        mut arrival: Arrival,
        open: OpenRequest,
        intake: &Intake<S>,
    ) -> Result<Self> {
        let memory = intake.memory();
        let holder = Holder::Client(arrival.principal.identity().short());
        let body = memory.counted(with_stream(frame.request).into(), holder)?;
        let body = RequestBody::scan(body)?;
        let wants_usage = body.fields().include_usage;
        // The last frame tells the usage, whether or not the chunks do.
        let body = match body.is_stream() && !wants_usage {
            true => {
                let spliced = body.spliced(None, true);
                // Before the copy is counted as well.
                drop(body);
                RequestBody::scan(memory.counted(spliced, holder)?)?
            }
            false => body,
        };
        let body = body.counted_in(memory, holder);
        arrival.only = frame.only;
        arrival.conversation = frame.conversation;
        Ok(Self {
            label: frame.label,
            call: intake.call(arrival, body),
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
    // Whoever reads all of it reports what is wrong with it.
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
