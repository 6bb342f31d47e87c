//! Replies made by hand: of chat completions, whatever protocol the client speaks.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::call::{Attempt, Observed, Piece, Reply, ReplyBody, RequestBody, Routed};
use crate::error::{Error, ErrorKind, Result};
use crate::sse;
use crate::translate::{
    Answered, ClientProtocol, Event, Gathered, ProviderProtocol, Reader, Writer,
};
use crate::wire::{ChatChunk, Operation, RequestId, Timestamp};

/// What a reply answers: an [`Attempt`] of a provider's, or a [`Routed`] call of a layer's.
pub trait Asked: sealed::Sealed {
    /// What is to be done.
    fn operation(&self) -> Operation;

    /// What is asked.
    fn body(&self) -> &RequestBody;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Attempt {}
    impl Sealed for super::Routed {}
}

impl Asked for Attempt {
    fn operation(&self) -> Operation {
        self.operation()
    }

    fn body(&self) -> &RequestBody {
        self.body()
    }
}

impl Asked for Routed {
    fn operation(&self) -> Operation {
        self.call().operation
    }

    fn body(&self) -> &RequestBody {
        self.body()
    }
}

impl Reply {
    /// The reply that says `completion`: a [`ChatCompletion`](crate::wire::ChatCompletion), or JSON
    /// in that form. It goes out in the protocol that was asked in, as a stream where one was asked
    /// for; its usage and its end are observed.
    ///
    /// Translated or streamed, only its first choice is kept.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamInvalid`] when it is no completion, and [`ErrorKind::InvalidRequest`]
    /// when no chat was asked for.
    pub fn completion(asked: &impl Asked, completion: impl Serialize) -> Result<Self> {
        let protocol = protocol(asked)?;
        let written = serde_json::to_vec(&completion).map_err(|cause| {
            let message = "the answer cannot be written as JSON";
            Error::new(ErrorKind::UpstreamInvalid, message).with_source(cause)
        })?;
        let answered = ProviderProtocol::Chat.read_reply(&written)?;
        let observed = seen(&answered);
        if asked.body().is_stream() {
            return events(protocol, asked.body(), answered, observed);
        }
        let bytes = match protocol {
            ClientProtocol::Chat => written,
            other => other.write_reply(&answered, asked.body().model()),
        };
        Ok(whole(bytes, observed))
    }

    /// The reply that says `chunks`, each as soon as it is there. It goes out in the protocol that
    /// was asked in, and whole where no stream was asked for; usage and the end are observed, and
    /// `[DONE]` is added. Of `id`, `object`, `created` and `model`, what is missing is filled in.
    ///
    /// Resolves with the first chunk, so that an error in its place lets another provider answer.
    ///
    /// # Errors
    /// That of the first item; [`ErrorKind::UpstreamInvalid`] when there is none;
    /// [`ErrorKind::InvalidRequest`] when no chat was asked for. A stream that ends without a
    /// `finish_reason` counts as cut: its reply ends with an error.
    ///
    /// # Cancel safety
    /// Dropped, it drops `chunks`.
    pub async fn chunks(
        asked: &impl Asked,
        chunks: impl Stream<Item = Result<ChatChunk>> + Send + 'static,
    ) -> Result<Self> {
        let protocol = protocol(asked)?;
        let writer = writer(protocol, asked.body())?;
        let mut telling = Telling {
            chunks: chunks.boxed(),
            first: None,
            frame: Frame::of(asked.body().model()),
            reader: ProviderProtocol::Chat.reader(),
            writer: Some(writer).filter(|_| protocol != ClientProtocol::Chat),
            shows_usage: asked.body().fields().include_usage,
            state: State::Open,
        };
        if !asked.body().is_stream() {
            let answered = telling.gathered().await?;
            let observed = seen(&answered);
            let bytes = protocol.write_reply(&answered, asked.body().model());
            return Ok(whole(bytes, observed));
        }
        telling.first = Some(telling.chunks.next().await.ok_or_else(nothing)??);
        let body = ReplyBody::Stream(Box::pin(telling));
        Ok(Self::new(
            StatusCode::OK,
            content_type("text/event-stream"),
            body,
        ))
    }
}

fn protocol(asked: &impl Asked) -> Result<ClientProtocol> {
    let operation = asked.operation();
    ClientProtocol::of(operation).ok_or_else(|| {
        let message = format!("{} is not answered by a chat", operation.path());
        Error::new(ErrorKind::InvalidRequest, message)
    })
}

fn writer(protocol: ClientProtocol, body: &RequestBody) -> Result<Writer> {
    Ok(protocol.writer(&*body.prompt().request()?))
}

fn seen(answered: &Answered) -> Observed {
    Observed {
        usage: answered.usage.map(|counts| counts.usage),
        finished: true,
        ..Observed::default()
    }
}

fn whole(bytes: Vec<u8>, observed: Observed) -> Reply {
    let bytes = bytes.into();
    let body = ReplyBody::Full { bytes, observed };
    Reply::new(StatusCode::OK, content_type("application/json"), body)
}

/// A whole answer as a stream, a piece for each event; the last one is observed as the end.
fn events(
    protocol: ClientProtocol,
    body: &RequestBody,
    answered: Answered,
    observed: Observed,
) -> Result<Reply> {
    let mut writer = writer(protocol, body)?;
    let written = answered.into_events().into_iter();
    let written = written.map(|event| writer.push(event));
    let mut pieces: Vec<Piece> = written
        .filter(|bytes| !bytes.is_empty())
        .map(|bytes| Piece {
            bytes,
            observed: Observed::default(),
        })
        .collect();
    if let Some(last) = pieces.last_mut() {
        last.observed = Observed {
            terminal: true,
            ..observed
        };
    }
    let pieces = pieces.into_iter().map(Ok);
    let body = ReplyBody::Stream(futures_util::stream::iter(pieces).boxed());
    Ok(Reply::new(
        StatusCode::OK,
        content_type("text/event-stream"),
        body,
    ))
}

fn content_type(kind: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))])
}

fn nothing() -> Error {
    Error::new(
        ErrorKind::UpstreamInvalid,
        "the provider sent an empty stream; try again",
    )
}

fn cut() -> Error {
    let message = "the provider's answer ended without a reason to finish";
    Error::new(ErrorKind::StreamInterrupted, message)
}

/// Chunks on their way to the client.
struct Telling {
    chunks: BoxStream<'static, Result<ChatChunk>>,
    /// The chunk that was awaited before the reply's head.
    first: Option<ChatChunk>,
    frame: Frame,
    reader: Reader,
    /// `None` where the client speaks chat completions.
    writer: Option<Writer>,
    shows_usage: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// A reason to finish has come.
    Finished,
    Over,
}

/// What all chunks of an answer have in common.
struct Frame {
    id: String,
    model: String,
    created: i64,
}

impl Frame {
    fn of(model: &str) -> Self {
        Self {
            id: format!("chatcmpl-{}", RequestId::new()),
            model: model.to_owned(),
            created: Timestamp::now().as_seconds(),
        }
    }

    fn fill(&self, chunk: &mut ChatChunk) {
        if chunk.object.is_empty() {
            chunk.object = "chat.completion.chunk".to_owned();
        }
        if chunk.id.is_empty() {
            chunk.id.clone_from(&self.id);
        }
        if chunk.model.is_empty() {
            chunk.model.clone_from(&self.model);
        }
        if chunk.created == 0 {
            chunk.created = self.created;
        }
    }
}

impl Telling {
    /// A chunk as an event, and what it says of itself.
    fn event(&mut self, mut chunk: ChatChunk) -> Result<(Bytes, Observed)> {
        self.frame.fill(&mut chunk);
        let is_finished = (chunk.choices.iter()).any(|choice| choice.finish_reason.is_some());
        if is_finished {
            self.state = State::Finished;
        }
        let observed = Observed {
            usage: chunk.usage.as_ref().map(|report| report.usage()),
            finished: is_finished,
            ..Observed::default()
        };
        let json = serde_json::to_vec(&chunk).map_err(|cause| {
            let message = "the answer cannot be written as JSON";
            Error::new(ErrorKind::StreamInterrupted, message).with_source(cause)
        })?;
        Ok((sse::encode_data(&json), observed))
    }

    fn piece(&mut self, chunk: ChatChunk) -> Result<Piece> {
        let is_usage_only = chunk.usage.is_some() && chunk.choices.is_empty();
        let (event, observed) = self.event(chunk)?;
        let bytes = match &mut self.writer {
            None if is_usage_only && !self.shows_usage => Bytes::new(),
            None => event,
            Some(writer) => write(writer, self.reader.push(&event)),
        };
        Ok(Piece { bytes, observed })
    }

    fn last(&mut self) -> Result<Piece> {
        let is_finished = self.state == State::Finished;
        self.state = State::Over;
        if !is_finished {
            return Err(cut());
        }
        let done = sse::encode_data(b"[DONE]");
        let bytes = match &mut self.writer {
            None => done,
            Some(writer) => {
                let mut events = self.reader.push(&done);
                events.extend(self.reader.end(&[]));
                write(writer, events)
            }
        };
        let observed = Observed {
            terminal: true,
            ..Observed::default()
        };
        Ok(Piece { bytes, observed })
    }

    /// All of it.
    async fn gathered(&mut self) -> Result<Answered> {
        let mut gathered = Gathered::default();
        while let Some(chunk) = self.chunks.next().await {
            let (event, _) = self.event(chunk?)?;
            for event in self.reader.push(&event) {
                gathered.push(event);
            }
        }
        if self.state != State::Finished {
            return Err(cut());
        }
        let mut events = self.reader.push(&sse::encode_data(b"[DONE]"));
        events.extend(self.reader.end(&[]));
        for event in events {
            gathered.push(event);
        }
        match gathered.into_answer() {
            Some(Ok(answered)) => Ok(answered),
            Some(Err((message, ..))) => Err(Error::new(ErrorKind::UpstreamInvalid, message)),
            None => Err(cut()),
        }
    }
}

fn write(writer: &mut Writer, events: Vec<Event>) -> Bytes {
    let mut bytes = Vec::new();
    for event in events {
        bytes.extend_from_slice(&writer.push(event));
    }
    bytes.into()
}

impl Stream for Telling {
    type Item = Result<Piece>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.state == State::Over {
            return Poll::Ready(None);
        }
        let item = match self.first.take() {
            Some(first) => Some(Ok(first)),
            None => ready!(self.chunks.as_mut().poll_next(cx)),
        };
        let piece = match item {
            Some(Ok(chunk)) => self.piece(chunk),
            Some(Err(error)) => Err(error),
            None => self.last(),
        };
        if piece.is_err() {
            self.state = State::Over;
        }
        Poll::Ready(Some(piece))
    }
}
