//! Chats without HTTP: the same stack, typed on both sides.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use sync_wrapper::SyncWrapper;

use crate::call::{Metered, MeteredBody, MeteredStream, Principal, RequestBody};
use crate::error::{Error, ErrorKind, Result, UpstreamError};
use crate::gateway::Gateway;
use crate::intake::{Arrival, Credentials, OpenRequest, Passport};
use crate::observe::Edge;
use crate::sse;
use crate::wire::{ChatChunk, ChatCompletion, ChatRequest, ConversationId, RequestId, retry_after};

/// A whole answer, and where it is to be found on the ledger.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChatReply {
    /// The answer.
    pub completion: ChatCompletion,
    /// The ledger's key.
    pub request_id: RequestId,
    /// What it belongs to; name it in the next request to go on.
    pub conversation_id: ConversationId,
    /// The name of the provider that answered, or of the layer that did.
    pub provider: String,
}

impl Gateway {
    /// Chats, and awaits the whole answer. The request is on the ledger when this resolves.
    ///
    /// # Errors
    /// `InvalidApiKey`, `ModelNotFound`, those of the upstream (`UpstreamRefused` with its message
    /// when it answered with an error; [`Error::upstream`] has its status and code),
    /// `LedgerUnavailable`.
    ///
    /// # Cancel safety
    /// Dropped, it drops the upstream's request and settles the call as cancelled.
    pub async fn chat(&self, request: ChatRequest) -> Result<ChatReply> {
        self.chat_of(None, request).await
    }

    /// The same for a client that the application has recognised itself, whatever key the request
    /// has.
    ///
    /// # Errors
    /// As [`chat`](Self::chat).
    ///
    /// # Cancel safety
    /// As [`chat`](Self::chat).
    pub async fn chat_as(&self, principal: &Principal, request: ChatRequest) -> Result<ChatReply> {
        self.chat_of(Some(principal), request).await
    }

    async fn chat_of(
        &self,
        principal: Option<&Principal>,
        request: ChatRequest,
    ) -> Result<ChatReply> {
        let request = ChatRequest {
            stream: false,
            ..request
        };
        // It counts as open until all of it is here.
        let (metered, _open) = self.send(principal, request).await?;
        let MeteredBody::Full(bytes) = metered.body else {
            return Err(unreadable(
                "the provider streamed an answer that was asked for whole",
            ));
        };
        if !metered.status.is_success() {
            return Err(refused(metered.status, &metered.headers, &bytes));
        }
        let completion = serde_json::from_slice(&bytes).map_err(|cause| {
            unreadable("the provider's answer is no completion").with_source(cause)
        })?;
        Ok(ChatReply {
            completion,
            request_id: metered.request_id,
            conversation_id: metered.conversation_id,
            provider: match metered.answered_by {
                Some(layer) => layer.to_string(),
                None => metered.target.provider.name.to_string(),
            },
        })
    }

    /// Chats, and yields the answer's chunks as they come.
    ///
    /// # Errors
    /// As [`chat`](Self::chat); the stream's own last item is an error when it breaks.
    ///
    /// # Cancel safety
    /// As [`chat`](Self::chat), and so does dropping the stream before its end.
    pub async fn chat_stream(&self, request: ChatRequest) -> Result<ChatStream> {
        self.chat_stream_of(None, request).await
    }

    /// The same for a client that the application has recognised itself, whatever key the request
    /// has.
    ///
    /// # Errors
    /// As [`chat_stream`](Self::chat_stream).
    ///
    /// # Cancel safety
    /// As [`chat_stream`](Self::chat_stream).
    pub async fn chat_stream_as(
        &self,
        principal: &Principal,
        request: ChatRequest,
    ) -> Result<ChatStream> {
        self.chat_stream_of(Some(principal), request).await
    }

    async fn chat_stream_of(
        &self,
        principal: Option<&Principal>,
        request: ChatRequest,
    ) -> Result<ChatStream> {
        let request = ChatRequest {
            stream: true,
            ..request
        };
        let (metered, open) = self.send(principal, request).await?;
        match metered.body {
            MeteredBody::Stream(events) => Ok(ChatStream {
                request_id: metered.request_id,
                conversation_id: metered.conversation_id,
                events: SyncWrapper::new(events),
                ready: VecDeque::new(),
                open: Some(open),
            }),
            MeteredBody::Full(bytes) if !metered.status.is_success() => {
                Err(refused(metered.status, &metered.headers, &bytes))
            }
            MeteredBody::Full(_) => Err(unreadable(
                "the provider sent whole an answer that was asked for as a stream",
            )),
        }
    }

    async fn send(
        &self,
        principal: Option<&Principal>,
        request: ChatRequest,
    ) -> Result<(Metered, OpenRequest)> {
        let id = RequestId::new();
        let sent = self.send_as(id, principal, request).await;
        if let Err(error) = &sent {
            let refusals = self.intake.refusals();
            refusals.report(Edge::InProcess, id, error, None);
        }
        sent
    }

    async fn send_as(
        &self,
        id: RequestId,
        principal: Option<&Principal>,
        request: ChatRequest,
    ) -> Result<(Metered, OpenRequest)> {
        let headers = &request.headers;
        let passed = self.intake.hop().arrives(headers)?;
        let passport = Passport {
            timeout: request.timeout,
            ..Passport::read(headers, passed)?
        };
        let shown = Credentials::of(headers, &request.extensions, Edge::InProcess);
        let shown = shown.with_key(request.key.as_bytes());
        let known = match principal {
            Some(principal) => Some(self.intake.renew(principal)),
            None => self.intake.recognise(&shown),
        };
        let (principal, open) = match known {
            Some(principal) => (principal?, self.intake.admit()?),
            None => {
                let open = self.intake.admit()?;
                (self.intake.ask(&shown).await?, open)
            }
        };
        let passport = passport.with(request.extensions.clone());
        let mut arrival = Arrival::chat(id, principal, passport);
        arrival.conversation = request
            .conversation
            .as_deref()
            .map(str::parse)
            .transpose()?;
        let body = serde_json::to_vec(&request).map_err(|cause| {
            Error::new(
                ErrorKind::InvalidRequest,
                "the request cannot be written as JSON",
            )
            .with_source(cause)
        })?;
        let body = RequestBody::scan(body.into())?;
        let answered = self.intake.send(self.intake.call(arrival, body)).await;
        let answered = answered.map(|metered| (metered, open));
        // Those that the gateway made of a provider's answer keep its status too.
        answered.map_err(|error| match (error.upstream(), error.upstream_status()) {
            (None, Some(status)) => error.with_upstream(UpstreamError::new(status)),
            _ => error,
        })
    }
}

/// The chunks of an answer, as they come. Dropping it before its end cancels the chat. It is `Send`
/// and `Sync`.
pub struct ChatStream {
    /// The ledger's key.
    pub request_id: RequestId,
    /// What it belongs to; name it in the next request to go on.
    pub conversation_id: ConversationId,
    /// Wrapped, so that the whole is `Sync` too: nobody polls through a shared reference.
    events: SyncWrapper<MeteredStream>,
    /// Chunks that came in one piece with the last one that was yielded.
    ready: VecDeque<Result<ChatChunk>>,
    /// It counts as open until its end.
    open: Option<OpenRequest>,
}

opaque_debug!(ChatStream);

impl Stream for ChatStream {
    type Item = Result<ChatChunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Poll::Ready(Some(chunk));
            }
            match ready!(self.events.get_mut().as_mut().poll_next(cx)) {
                Some(Ok(piece)) => self.ready.extend(chunks(&piece)),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    self.open = None;
                    return Poll::Ready(None);
                }
            }
        }
    }
}

fn chunks(piece: &Bytes) -> Vec<Result<ChatChunk>> {
    sse::events(piece)
        .map(|event| event.data().into_owned())
        .filter(|data| data.as_slice() != b"[DONE]")
        .map(|data| {
            serde_json::from_slice(&data)
                .map_err(|cause| unreadable("the provider sent no chunk").with_source(cause))
        })
        .collect()
}

fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let said = serde_json::from_slice::<Refusal>(body)
        .unwrap_or_default()
        .error;
    let message = said.message.as_deref().unwrap_or("no reason was given");
    let message = format!("the provider answered {}: {message}", status.as_u16());
    let mut refusal = UpstreamError::new(status);
    refusal.code = said.code.as_ref().and_then(text);
    refusal.param = said.param.as_ref().and_then(text);
    refusal.retry_after = retry_after(headers);
    Error::new(ErrorKind::UpstreamRefused, message).with_upstream(refusal)
}

/// An error as servers send it: with what is there, in whatever form.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: RefusalDetail,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RefusalDetail {
    message: Option<String>,
    code: Option<Value>,
    param: Option<Value>,
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn unreadable(message: &'static str) -> Error {
    Error::new(ErrorKind::UpstreamInvalid, message)
}
