//! Calls whose client and provider speak different protocols: what is sent, and what becomes of the answer.
//!
//! All that is said of a protocol is in [`translate`](crate::translate); here it is put to one call. No I/O.

mod count;
mod frames;
mod stream;
mod through_chat;

pub(crate) use count::count;
pub(crate) use stream::StreamTranslator;
pub(crate) use through_chat::through_chat;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::call::{Observed, RequestBody};
use crate::error::Result;
use crate::offload;
use crate::translate::{ClientProtocol, ClientTools, Losses, ProviderProtocol, Request};

/// Names what of a request its provider was not told.
const DROPPED: HeaderName = HeaderName::from_static("x-nexus-dropped");

/// One request, in two protocols.
pub(crate) struct Translation {
    client: ClientProtocol,
    provider: ProviderProtocol,
    request: Request,
    tools: Arc<ClientTools>,
    dropped: Vec<String>,
}

impl Translation {
    /// Reads `body` and writes it for a provider that calls the model `model`. A `strict` one leaves nothing
    /// out.
    ///
    /// # Errors
    /// `InvalidRequest` naming what is wrong, or cannot be told.
    ///
    /// # Cancel safety
    /// Dropped, it leaves at most some work behind, whose result nobody sees.
    pub(crate) async fn of(
        client: ClientProtocol,
        provider: ProviderProtocol,
        body: &RequestBody,
        model: &str,
        is_strict: bool,
    ) -> Result<(Self, Bytes)> {
        let (body, model) = (body.bytes().clone(), model.to_owned());
        let len = body.len();
        let translate = move || {
            let request = client.read_request(&body)?;
            let mut losses = Losses::new(is_strict);
            let written = provider.write_request(&request, &model, &mut losses)?;
            let translation = Self {
                client,
                provider,
                tools: Arc::new(ClientTools::of(&request)),
                request,
                dropped: losses.dropped().to_vec(),
            };
            Ok((translation, written.into()))
        };
        offload::by_length(len, translate).await
    }

    /// Whether the answer is to come event by event.
    pub(crate) fn is_stream(&self) -> bool {
        self.request.stream
    }

    /// What tells the provider's stream to the client.
    pub(crate) fn stream(&self) -> StreamTranslator {
        StreamTranslator::new(
            self.client,
            self.provider,
            &self.request,
            Arc::clone(&self.tools),
        )
    }

    /// The provider's whole answer, as the client is told, and what was seen in it.
    ///
    /// # Errors
    /// `UpstreamInvalid` when it is no answer.
    ///
    /// # Cancel safety
    /// Dropped, it leaves at most some work behind, whose result nobody sees.
    pub(crate) async fn answer(&self, body: Bytes) -> Result<(Bytes, Observed)> {
        let (client, provider) = (self.client, self.provider);
        let (model, tools) = (self.request.model.clone(), Arc::clone(&self.tools));
        let len = body.len();
        let translate = move || {
            let mut answered = provider.read_reply(&body)?;
            tools.restore(&mut answered);
            let observed = Observed {
                usage: answered.usage.map(|counts| counts.usage),
                finished: true,
                ..Observed::default()
            };
            Ok((client.write_reply(&answered, &model).into(), observed))
        };
        offload::by_length(len, translate).await
    }

    /// The provider's error, as the client is told.
    pub(crate) fn error(&self, status: StatusCode, body: &[u8]) -> (StatusCode, Bytes, Observed) {
        let (message, kind, code) = self.provider.read_error(status, body);
        let answered = status;
        let status = self.client.status(status);
        let told = (self.client).write_error(status, &message, kind.as_deref(), code.as_deref());
        let observed = Observed {
            error: Some(message.chars().take(500).collect()),
            status: (answered != status).then_some(answered),
            ..Observed::default()
        };
        (status, told.into(), observed)
    }

    /// The head that goes with what the client is told.
    pub(crate) fn head(&self, headers: &mut HeaderMap, is_stream: bool) {
        headers.remove(header::CONTENT_LENGTH);
        let media = match is_stream {
            true => "text/event-stream",
            false => "application/json",
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        if let (false, Ok(names)) = (
            self.dropped.is_empty(),
            HeaderValue::from_str(&self.dropped.join(",")),
        ) {
            headers.insert(DROPPED, names);
        }
    }
}
