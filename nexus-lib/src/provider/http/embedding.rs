use bytes::Bytes;
use http::response::Parts;
use http::{HeaderValue, header};
use tokio::time::Instant;

use super::answer::MAX_ANSWER_BYTES;
use super::{HttpProvider, media, request};
use crate::call::{Attempt, Observed, Reply, ReplyBody};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::dialect::Dialect;
use crate::provider::faults::{self, odd_status, refused_credentials, unknown_coding};
use crate::provider::headers;
use crate::provider::translated::DROPPED;
use crate::translate::embeddings::{self, Embedded, Protocol, Request};
use crate::translate::{ClientProtocol, Fault, Losses, ProviderProtocol};
use crate::wire::Usage;
use crate::{estimate, offload};

impl<D: Dialect> HttpProvider<D> {
    /// Embeds texts at a provider with its own API for that.
    ///
    /// # Errors
    /// Those of the transport; `InvalidRequest` for what cannot be translated; `UpstreamInvalid`
    /// for an invalid answer.
    ///
    /// # Cancel safety
    /// If dropped, the current request is dropped too.
    pub(super) async fn embed(&self, attempt: &Attempt, protocol: Protocol) -> Result<Reply> {
        let body = attempt.body().bytes().clone();
        let is_strict = self.manner().is_strict;
        let read = move || {
            let mut losses = Losses::new(is_strict);
            let request = embeddings::read(&body, protocol, &mut losses)?;
            Ok((request, losses.header()))
        };
        let (request, dropped) = offload::by_length(attempt.body().bytes().len(), read).await?;
        let mut embedded = Embedded {
            prompt_tokens: Some(0),
            ..Embedded::default()
        };
        let mut head = None;
        for inputs in protocol.portions(&request.inputs) {
            let (parts, bytes) = self.ask(attempt, protocol, &request, inputs).await?;
            if !parts.status.is_success() {
                return Ok(failed(protocol, parts, &bytes));
            }
            let (len, count) = (bytes.len(), inputs.len());
            let read = move || match protocol.read(&bytes, count) {
                Ok(portion) => Ok(Ok(portion)),
                Err(error) => spoken(protocol).read_fault(&bytes).map(Err).ok_or(error),
            };
            let portion = match offload::by_length(len, read).await {
                Ok(Ok(portion)) => portion,
                Ok(Err(fault)) => return refused(parts, &fault),
                Err(error) => return Err(error.with_upstream_status(parts.status)),
            };
            embedded.vectors.extend(portion.vectors);
            embedded.prompt_tokens = (embedded.prompt_tokens.zip(portion.prompt_tokens))
                .map(|(before, more)| before.saturating_add(more));
            head.get_or_insert(parts);
        }
        let Some(mut parts) = head else {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "`input` must not be empty",
            ));
        };
        let is_estimated = embedded.prompt_tokens.is_none();
        let model = attempt.target().model_sent().to_owned();
        let prompt_tokens = embedded.prompt_tokens;
        let write = move || {
            let tokens =
                prompt_tokens.unwrap_or_else(|| estimate::of_texts(&request.inputs, &model));
            Ok((
                Bytes::from(embeddings::write(&request, &embedded, tokens)),
                tokens,
            ))
        };
        // Vectors are long, and counting takes milliseconds.
        let (bytes, tokens) = offload::elsewhere(write).await?;
        describe(&mut parts);
        if let Some(Ok(names)) = dropped.map(HeaderValue::try_from) {
            parts.headers.insert(DROPPED, names);
        }
        let observed = Observed {
            usage: Some(Usage {
                prompt_tokens: tokens,
                total_tokens: tokens,
                ..Usage::default()
            }),
            is_estimated,
            finished: true,
            ..Observed::default()
        };
        Ok(Reply::new(
            parts.status,
            parts.headers,
            ReplyBody::Full { bytes, observed },
        ))
    }

    /// The answer for some of the texts.
    async fn ask(
        &self,
        attempt: &Attempt,
        protocol: Protocol,
        asked: &Request,
        inputs: &[String],
    ) -> Result<(Parts, Bytes)> {
        let target = attempt.target();
        let body = protocol.write(asked, inputs, target.model_sent())?;
        let endpoint = self.dialect.embedding_endpoint(target, inputs.len())?;
        let request = request::built(&self.dialect, attempt, body, None, media::JSON);
        let timeouts = self.transport.timeouts_for(target);
        let deadline = Instant::now() + timeouts.first_event;
        let proxies = target.proxies.as_ref();
        let sent = self
            .transport
            .send(&endpoint, proxies, request, &timeouts, deadline);
        let (mut parts, body) = sent.await?.into_parts();
        if let Some(error) = odd_status(parts.status) {
            return Err(error);
        }
        headers::sanitize(&mut parts.headers);
        let body = body
            .decoded(&mut parts.headers)
            .map_err(|_| unknown_coding())?;
        let bytes = body.collect(MAX_ANSWER_BYTES).await?;
        if self.dialect.is_refused_key(parts.status, &bytes) {
            return Err(refused_credentials(parts.status));
        }
        Ok((parts, bytes))
    }
}

/// All clients use OpenAI's API for embeddings, and get its errors.
const CLIENT: ClientProtocol = ClientProtocol::Chat;

/// The protocol of errors.
fn spoken(protocol: Protocol) -> ProviderProtocol {
    match protocol {
        Protocol::Gemini => ProviderProtocol::Gemini,
        Protocol::Ollama => ProviderProtocol::Ollama,
    }
}

/// The provider's error in OpenAI's format.
fn failed(protocol: Protocol, mut parts: Parts, bytes: &[u8]) -> Reply {
    let (message, kind, code) = spoken(protocol).read_error(parts.status, bytes);
    let status = CLIENT.status(parts.status);
    let body = CLIENT.write_error(status, &message, kind.as_deref(), code.as_deref());
    describe(&mut parts);
    Reply::new(
        status,
        parts.headers,
        ReplyBody::Full {
            bytes: body.into(),
            observed: Observed {
                status: (parts.status != status).then_some(parts.status),
                ..faults::observed(&message)
            },
        },
    )
}

/// An error that came with a success status.
///
/// # Errors
/// `UpstreamAuth` if the gateway's credentials were rejected.
fn refused(mut parts: Parts, fault: &Fault) -> Result<Reply> {
    let (status, body, observed) = faults::client_error(CLIENT, fault)?;
    describe(&mut parts);
    Ok(Reply::new(
        status,
        parts.headers,
        ReplyBody::Full {
            bytes: body.into(),
            observed,
        },
    ))
}

/// Sets the headers for a body that was written here.
fn describe(parts: &mut Parts) {
    headers::forget_body(&mut parts.headers);
    parts.headers.insert(header::CONTENT_TYPE, media::JSON);
}
