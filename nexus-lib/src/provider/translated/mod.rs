//! Calls whose client and provider speak different protocols: the translated request, and the
//! translation of the answer.
//!
//! Everything about protocols is in [`translate`](crate::translate); here it is applied to one
//! call. No I/O.

mod asked;
mod back;
mod count;
mod frames;
mod gathering;
mod resolved;
mod stream;
mod through_chat;

use asked::{answered_to, ask_usage};
use back::Back;
pub(crate) use back::Notes;
pub(crate) use count::count;
pub(crate) use gathering::Gathering;
pub(crate) use resolved::resolved;
pub(crate) use stream::StreamTranslator;
pub(crate) use through_chat::through_chat;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use memchr::memmem;

use crate::call::{Observed, Piece, ReplyBody, RequestBody};
use crate::error::Result;
use crate::offload;
use crate::provider::{faults, headers};
use crate::translate::fit::{self, Destination};
use crate::translate::{
    Answered, ClientProtocol, Fault, Json, Losses, ProviderProtocol, Request, Writer,
};

/// Lists the parameters of a request that were dropped.
pub(crate) const DROPPED: HeaderName = HeaderName::from_static("x-nexus-dropped");

/// The maximum length of a body that may be an error, in bytes.
const LONGEST_FAULT: usize = 1 << 20;

/// A complete answer for the client: a whole answer, a whole stream or an error.
pub(crate) struct ClientAnswer {
    pub(crate) status: StatusCode,
    /// Whether it is a stream of events.
    pub(crate) is_stream: bool,
    pub(crate) bytes: Bytes,
    pub(crate) observed: Observed,
}

impl ClientAnswer {
    /// As the body of a reply.
    pub(crate) fn into_body(self) -> ReplyBody {
        let (bytes, observed) = (self.bytes, self.observed);
        match self.is_stream {
            false => ReplyBody::Full { bytes, observed },
            true => {
                let piece = Piece { bytes, observed };
                ReplyBody::Stream(Box::pin(futures_util::stream::iter([Ok(piece)])))
            }
        }
    }
}

/// Reads `body`, which came with a success status.
fn read(provider: ProviderProtocol, body: &[u8]) -> Result<Result<Answered, Fault>> {
    // Images take megabytes, errors do not.
    let may_fail = body.len() <= LONGEST_FAULT
        && ["error", "failed"]
            .iter()
            .any(|word| memmem::find(body, word.as_bytes()).is_some());
    if let Some(fault) = may_fail.then(|| provider.read_fault(body)).flatten() {
        return Ok(Err(fault));
    }
    match provider.read_reply(body) {
        Ok(answered) => Ok(Ok(answered)),
        Err(error) => match provider.read_fault(body) {
            Some(fault) => Ok(Err(fault)),
            // A stream after all, of lines or in a list.
            None => Gathering::of_whole(provider, body).ok_or(error),
        },
    }
}

fn client_answer(
    client: ClientProtocol,
    mut answered: Answered,
    back: &Back,
    model: &str,
    writer: Option<Writer>,
) -> ClientAnswer {
    back.answered(&mut answered);
    let mut observed = Observed {
        usage: answered.usage.map(|counts| counts.usage),
        finished: true,
        ..Observed::default()
    };
    let bytes: Bytes = match writer {
        None => {
            let bytes = client.write_reply(&answered, model);
            back.whole(&bytes);
            bytes.into()
        }
        Some(mut writer) => {
            observed.terminal = true;
            let mut bytes = Vec::new();
            for event in answered.into_events() {
                bytes.extend_from_slice(&writer.push(event));
            }
            back.last_events(&bytes);
            bytes.into()
        }
    };
    ClientAnswer {
        status: StatusCode::OK,
        is_stream: observed.terminal,
        bytes,
        observed,
    }
}

fn refused(client: ClientProtocol, fault: &Fault) -> Result<ClientAnswer> {
    let (status, body, observed) = faults::client_error(client, fault)?;
    Ok(ClientAnswer {
        status,
        is_stream: false,
        bytes: body.into(),
        observed,
    })
}

/// One request in two protocols.
pub(crate) struct Translation {
    client: ClientProtocol,
    provider: ProviderProtocol,
    /// What of the request its answer depends on.
    request: Request,
    back: Arc<Back>,
    /// The dropped parameters, as the client is informed.
    dropped: Option<HeaderValue>,
}

impl Translation {
    /// Writes `body` for its provider. With `asks_usage`, a stream of chat completion chunks is
    /// to report its usage.
    ///
    /// # Errors
    /// `InvalidRequest` naming the parameter that is wrong or cannot be translated.
    ///
    /// # Cancel safety
    /// If dropped, the work ends.
    pub(crate) async fn of(
        client: ClientProtocol,
        to: Destination<'_>,
        body: &RequestBody,
        is_strict: bool,
        asks_usage: bool,
        notes: Notes,
    ) -> Result<(Self, Bytes)> {
        let (len, prompt, model) = (
            body.bytes().len(),
            body.prompt().clone(),
            to.model.to_owned(),
        );
        let (provider, vendor) = (to.protocol, to.vendor);
        let translate = move || {
            // A copy: others need what the client said, and the next attempt may be another's.
            let mut request = Request::clone(&*prompt.request()?);
            notes.sign(&mut request, provider, &model);
            let mut losses = Losses::new(is_strict);
            let to = Destination {
                protocol: provider,
                vendor,
                model: &model,
            };
            // The client's names of tools, before any is changed.
            let mut back = Back::of(&request, notes);
            back.restore = fit::fit(&mut request, to, &mut losses)?;
            let answered = answered_to(&request);
            if asks_usage && request.stream && provider == ProviderProtocol::Chat {
                ask_usage(&mut request)?;
            }
            let written = provider.write_request(&request, &model, &mut losses)?;
            let translation = Self {
                client,
                provider,
                back: Arc::new(back),
                request: answered,
                dropped: losses.header().and_then(|names| names.try_into().ok()),
            };
            Ok((translation, written.into()))
        };
        offload::by_length(len, translate).await
    }

    /// Whether the answer is streamed.
    pub(crate) fn is_stream(&self) -> bool {
        self.request.stream
    }

    /// The translator of the provider's stream.
    pub(crate) fn stream(&self) -> StreamTranslator {
        StreamTranslator::new(
            self.client,
            self.provider,
            &self.request,
            Arc::clone(&self.back),
        )
    }

    /// For a call whose client and provider speak the same protocol, and whose answer has another
    /// format than requested. With `include_usage` a stream contains its usage.
    pub(crate) fn within(client: ClientProtocol, is_stream: bool, include_usage: bool) -> Self {
        let options = Json::parse(format!(r#"{{"include_usage":{include_usage}}}"#));
        let options = options.map(|options| ("stream_options".to_owned(), options));
        Self {
            client,
            provider: client.into(),
            request: Request {
                stream: is_stream,
                extra: options.into_iter().collect(),
                ..Request::default()
            },
            dropped: None,
            back: Arc::default(),
        }
    }

    /// Whether the provider's streams are lines of JSON instead of events.
    pub(crate) fn has_lines(&self) -> bool {
        self.provider == ProviderProtocol::Ollama
    }

    /// Translates the provider's whole answer, or an error that was sent as one.
    ///
    /// # Errors
    /// `UpstreamInvalid` when it is neither, `UpstreamAuth` when the gateway's credentials were
    /// rejected.
    ///
    /// # Cancel safety
    /// If dropped, the work ends.
    pub(crate) async fn answer(&self, body: Bytes) -> Result<ClientAnswer> {
        let (client, provider) = (self.client, self.provider);
        let (model, back) = (self.request.model.clone(), Arc::clone(&self.back));
        let writer = (self.request.stream).then(|| client.writer(&self.request));
        let len = body.len();
        let translate = move || match read(provider, &body)? {
            Ok(answered) => Ok(client_answer(client, answered, &back, &model, writer)),
            Err(fault) => refused(client, &fault),
        };
        offload::by_length(len, translate).await
    }

    /// Assembles a provider's stream, if its client requested a whole answer.
    pub(crate) fn gathering(&self) -> Gathering {
        Gathering::new(self.provider)
    }

    /// Translates the assembled answer or error.
    ///
    /// # Errors
    /// As for [`answer`](Self::answer); also when the stream was cut off.
    pub(crate) fn gathered(&self, gathering: Gathering) -> Result<ClientAnswer> {
        match gathering.finish()? {
            Ok(answered) => {
                let model = &self.request.model;
                Ok(client_answer(
                    self.client,
                    answered,
                    &self.back,
                    model,
                    None,
                ))
            }
            Err(fault) => refused(self.client, &fault),
        }
    }

    /// Translates the provider's error.
    pub(crate) fn error(&self, status: StatusCode, body: &[u8]) -> (StatusCode, Bytes, Observed) {
        let (message, kind, code) = self.provider.read_error(status, body);
        let answered = status;
        let status = self.client.status(status);
        let client_answer =
            (self.client).write_error(status, &message, kind.as_deref(), code.as_deref());
        let observed = Observed {
            status: (answered != status).then_some(answered),
            ..faults::observed(&message)
        };
        (status, client_answer.into(), observed)
    }

    /// Sets the headers of the translated answer.
    pub(crate) fn head(&self, headers: &mut HeaderMap, is_stream: bool) {
        headers::forget_body(headers);
        let media = match is_stream {
            true => "text/event-stream",
            false => "application/json",
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        if let Some(names) = &self.dropped {
            headers.insert(DROPPED, names.clone());
        }
    }
}
