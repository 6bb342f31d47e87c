//! Providers over HTTP: one implementation for every [dialect](super::dialect).
//!
//! If client and provider speak the same protocol, bytes pass through: the request with at most two
//! edits, the answer unchanged. The answer is only *observed*, in place, for usage and endings.
//! Otherwise both are [translated](super::translated).

mod answer;
mod embedding;
mod list;
mod media;
mod request;
mod shape;
mod sound;
mod stream;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::time::Instant;

use crate::call::{Attempt, ProviderProfile, Reply, RequestBody, Upstream};
use crate::error::{Error, ErrorKind, Result};
use crate::memory;
use crate::offload;
use crate::provider::Manner;
use crate::provider::dialect::Dialect;
use crate::provider::faults::{loop_detected, odd_status, refused_credentials};
use crate::provider::translated::{self, Notes, Translation};
use crate::provider::{Provider, Transport, headers};
use crate::translate::fit::{Destination, Vendor};
use crate::translate::passing::{self, Repair};
use crate::translate::{ClientProtocol, ProviderProtocol};
use crate::wire::{Operation, Protocols};
use answer::Incoming;

/// The implementation for the providers of one kind.
pub(crate) struct HttpProvider<D> {
    dialect: D,
    transport: Transport,
    /// `None` uses that of the transport's gateway.
    manner: Option<Manner>,
}

/// An outgoing request, and how its answer has to be read.
struct Outgoing {
    /// The operation at the provider.
    operation: Operation,
    is_stream: bool,
    request: Request<Bytes>,
    /// `None` if client and provider speak the same protocol.
    translation: Option<Box<Translation>>,
}

impl<D: Dialect> HttpProvider<D> {
    /// With `transport`, translating like the transport's gateway.
    pub(crate) fn new(dialect: D, transport: Transport) -> Self {
        Self {
            dialect,
            transport,
            manner: None,
        }
    }

    /// Sets how it translates.
    pub(crate) fn translating(mut self, manner: Manner) -> Self {
        self.manner = Some(manner);
        self
    }

    fn manner(&self) -> &Manner {
        match &self.manner {
            Some(manner) => manner,
            None => self.transport.manner(),
        }
    }

    fn protocols(&self, profile: &ProviderProfile) -> Protocols {
        match self.dialect.own_protocol() {
            Some(_) => Protocols::default(),
            None => profile
                .protocols
                .unwrap_or_else(|| self.dialect.protocols(profile)),
        }
    }

    /// The protocol and operation for chats that do not pass through.
    fn spoken(&self, profile: &ProviderProfile) -> (ProviderProtocol, Operation) {
        if let Some(own) = self.dialect.own_protocol() {
            return (own, Operation::ChatCompletion);
        }
        let protocols = self.protocols(profile);
        if protocols.chat {
            (ProviderProtocol::Chat, Operation::ChatCompletion)
        } else if protocols.messages {
            (ProviderProtocol::Messages, Operation::Message)
        } else {
            (ProviderProtocol::Responses, Operation::Response)
        }
    }

    /// Whether client and provider speak the same protocol, and the provider accepts the request
    /// without translation.
    fn passes(&self, attempt: &Attempt) -> bool {
        let operation = attempt.operation();
        let is_chat = operation.is_chat() || operation == Operation::TokenCount;
        match is_chat {
            true => {
                let protocols = self.protocols(&attempt.target().provider);
                protocols.have(operation)
                    && (self.dialect.knows_all(attempt.body()) || !protocols.chat)
            }
            false => self.dialect.takes(operation),
        }
    }

    /// The outgoing request if client and provider speak the same protocol; otherwise `None`.
    fn passing(&self, attempt: &Attempt) -> Option<Outgoing> {
        let operation = attempt.operation();
        self.passes(attempt).then(|| Outgoing {
            operation,
            is_stream: attempt.body().is_stream(),
            request: request::passing(&self.dialect, attempt),
            translation: None,
        })
    }

    /// References in a Responses request are resolved, unless the provider keeps the items itself.
    async fn resolved(&self, attempt: Attempt) -> Result<Attempt> {
        let is_kept_there = self.passes(&attempt);
        translated::resolved(attempt, &self.manner().recent, is_kept_there).await
    }

    /// Restores the signatures that a client left out of its calls in pass-through requests.
    fn signed(&self, attempt: Attempt) -> Result<Attempt> {
        let operation = attempt.operation();
        if !self.passes(&attempt) {
            return Ok(attempt);
        }
        let client = attempt.call().principal.identity();
        let body =
            memory::signatures::restore(&self.manner().recent, client, attempt.body().bytes());
        Ok(match body {
            Some(body) => attempt.sent_as(RequestBody::read(operation, body)?),
            None => attempt,
        })
    }

    async fn translated(&self, attempt: &Attempt) -> Result<Outgoing> {
        let (operation, target) = (attempt.operation(), attempt.target());
        let Some(client) = ClientProtocol::of(operation) else {
            return Err(not_answered(operation));
        };
        let (spoken, operation) = self.spoken(&target.provider);
        let (model, body) = (target.model_sent(), attempt.body());
        let asks_usage = self.dialect.own_protocol().is_none()
            && self.dialect.accepts_stream_options(&target.provider);
        let to = Destination {
            protocol: spoken,
            vendor: Vendor::at(target.provider.base_url.host()),
            model,
        };
        let notes = Notes::of(&self.manner().recent, attempt, client);
        let translated =
            Translation::of(client, to, body, self.manner().is_strict, asks_usage, notes);
        let (translation, body) = translated.await?;
        let is_stream = translation.is_stream();
        Ok(Outgoing {
            operation,
            is_stream,
            request: request::translated(&self.dialect, attempt, is_stream, body),
            translation: Some(Box::new(translation)),
        })
    }
}

#[async_trait]
impl<D: Dialect> Provider for HttpProvider<D> {
    fn kind(&self) -> &'static str {
        self.dialect.kind()
    }

    fn speaks(&self, operation: Operation) -> bool {
        let embeds = operation == Operation::Embedding && self.dialect.embeds().is_some();
        operation.is_chat()
            || operation == Operation::TokenCount
            || embeds
            || self.dialect.takes(operation)
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply> {
        let attempt = match attempt.operation() {
            Operation::Response => Box::pin(self.resolved(attempt)).await?,
            Operation::ChatCompletion if attempt.target().model_sent().contains("gemini") => {
                self.signed(attempt)?
            }
            _ => attempt,
        };
        let target = attempt.target();
        let counts = || self.protocols(&target.provider).messages;
        // Boxed, like everything unusual, so that the usual case does not reserve space for it.
        if attempt.operation() == Operation::TokenCount && !counts() {
            return Box::pin(translated::count(&attempt)).await;
        }
        if attempt.operation() == Operation::Embedding
            && let Some(protocol) = self.dialect.embeds()
        {
            return Box::pin(self.embed(&attempt, protocol)).await;
        }
        let outgoing = match self.passing(&attempt) {
            Some(outgoing) => match repair(&attempt, &outgoing) {
                None => outgoing,
                Some(repair) => Box::pin(repaired(outgoing, repair)).await?,
            },
            None => Box::pin(self.translated(&attempt)).await?,
        };
        let Outgoing {
            operation,
            is_stream,
            request,
            translation,
        } = outgoing;
        let timeouts = self.transport.timeouts_for(target);
        let deadline = Instant::now() + timeouts.first_event;
        let endpoint = self.dialect.endpoint(target, operation, is_stream)?;
        let proxies = target.proxies.as_ref();
        let sent = self
            .transport
            .send(&endpoint, proxies, request, &timeouts, deadline);
        let (mut parts, body) = sent.await?.into_parts();
        if let Some(error) = odd_status(parts.status) {
            return Err(error);
        }
        if self.dialect.is_refused_key(parts.status, &[]) {
            return Err(refused_credentials(parts.status));
        }
        if parts.status == StatusCode::LOOP_DETECTED {
            return Err(loop_detected());
        }
        headers::sanitize(&mut parts.headers);
        let answer = Incoming {
            dialect: &self.dialect,
            attempt: &attempt,
            deadline,
        };
        let status = parts.status;
        let reply = match translation {
            None => answer.passing(operation, parts, body).await,
            Some(translation) => Box::pin(answer.translated(&translation, parts, body)).await,
        };
        reply.map_err(|error| error.with_upstream_status(status))
    }

    async fn upstream_models(&self, upstream: &Upstream) -> Result<Vec<String>> {
        list::list(&self.dialect, &self.transport, upstream).await
    }
}

/// What has to be removed from a pass-through request; usually nothing.
fn repair(attempt: &Attempt, outgoing: &Outgoing) -> Option<Repair> {
    let (target, body) = (attempt.target(), outgoing.request.body());
    match outgoing.operation {
        Operation::Message | Operation::TokenCount => {
            let repair = passing::of_messages(body, target.model_sent())?;
            // Where its conversation was recognised, the history is read already.
            let thoughts = attempt.body().prompt();
            let thoughts = thoughts.has_thoughts(passing::is_foreign_thought);
            (thoughts != Some(false)).then_some(repair)
        }
        Operation::ChatCompletion => {
            passing::of_chat(body, Vendor::at(target.provider.base_url.host()))
        }
        _ => None,
    }
}

/// `outgoing` without what its provider would reject.
///
/// # Errors
/// `Internal` when the work panicked.
async fn repaired(mut outgoing: Outgoing, repair: Repair) -> Result<Outgoing> {
    let body = outgoing.request.body().clone();
    let work = move || Ok(repair(&body));
    if let Some(left) = offload::by_length(outgoing.request.body().len(), work).await? {
        *outgoing.request.body_mut() = left;
    }
    Ok(outgoing)
}

fn not_answered(operation: Operation) -> Error {
    let path = operation.path();
    Error::new(
        ErrorKind::NotFound,
        format!("the provider of this model does not support {path}; use another model"),
    )
}
