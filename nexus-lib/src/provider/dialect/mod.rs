//! The specifics of each kind of provider: its URLs, how its key is sent, and its protocol. No I/O.
//!
//! | kind | passed through | all other chats are sent as |
//! |---|---|---|
//! | `openai` | chat, all but chats; Responses at `api.openai.com` | chat completions |
//! | `azure` | chat, Responses, all but chats | chat completions |
//! | `xai` | chat, all but chats; Responses at `api.x.ai`, see below | chat completions |
//! | `anthropic` | Messages, and their token counting | Messages |
//! | `gemini` | | `generateContent`; embeddings as `embedContent` |
//! | `ollama` | completions | Ollama's own chat; embeddings as `/api/embed` |
//!
//! Responses requests with tools that only OpenAI supports are translated for `xai`. An operator
//! may override the protocols of a provider: see [`Protocols`].

mod anthropic;
mod azure;
mod gemini;
mod ollama;
mod openai;
mod xai;

pub(crate) use anthropic::Anthropic;
pub(crate) use azure::Azure;
pub(crate) use gemini::Gemini;
pub(crate) use ollama::Ollama;
pub(crate) use openai::OpenAi;
pub(crate) use xai::Xai;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::call::{ProviderProfile, RequestBody, Target};
use crate::error::Result;
use crate::translate::{ProviderProtocol, embeddings};
use crate::wire::{Endpoint, Operation, Protocols};

/// One kind of provider.
pub(crate) trait Dialect: Send + Sync + 'static {
    /// The `kind` of registered providers.
    fn kind(&self) -> &'static str;

    /// The client protocols in which this provider accepts chats without translation, unless its
    /// operator sets others. None if it has a protocol of its own.
    fn protocols(&self, _profile: &ProviderProfile) -> Protocols {
        Protocols::CHAT
    }

    /// Its own protocol, if it has one: then nothing else is used.
    fn own_protocol(&self) -> Option<ProviderProtocol> {
        None
    }

    /// Its own API for embeddings, if it has one.
    fn embeds(&self) -> Option<embeddings::Protocol> {
        None
    }

    /// The URL for embedding `count` texts with that API.
    ///
    /// # Errors
    /// As [`endpoint`](Self::endpoint).
    fn embedding_endpoint(&self, target: &Target, _count: usize) -> Result<Arc<Endpoint>> {
        self.endpoint(target, Operation::Embedding, false)
    }

    /// Whether it accepts requests for `operation`, which is not a chat, without translation.
    fn takes(&self, operation: Operation) -> bool;

    /// Whether it supports everything in a chat in one of its own protocols. What it would reject
    /// is translated.
    fn knows_all(&self, _body: &RequestBody) -> bool {
        true
    }

    /// The URL of requests for `operation`.
    ///
    /// # Errors
    /// `Internal` if the base and the model do not make a URL.
    fn endpoint(
        &self,
        target: &Target,
        operation: Operation,
        is_stream: bool,
    ) -> Result<Arc<Endpoint>>;

    /// The URL of its list of models.
    ///
    /// # Errors
    /// As [`endpoint`](Self::endpoint).
    fn list_endpoint(&self, profile: &ProviderProfile) -> Result<Endpoint> {
        Endpoint::new(profile.base_url.join("/v1", "/models")?)
    }

    /// The names in its list of models, in order.
    ///
    /// # Errors
    /// An error in the JSON.
    fn names(&self, list: &[u8]) -> serde_json::Result<Vec<String>> {
        let list: OpenAiList = serde_json::from_slice(list)?;
        Ok(list.data.into_iter().map(|entry| entry.id).collect())
    }

    /// Adds the provider's key, if it has one.
    fn authorize(&self, profile: &ProviderProfile, headers: &mut HeaderMap) {
        if let Some(bearer) = &profile.bearer {
            headers.insert(header::AUTHORIZATION, bearer.clone());
        }
    }

    /// Whether an answer means that the key was rejected.
    fn is_refused_key(&self, status: StatusCode, _body: &[u8]) -> bool {
        matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    /// Whether `stream_options` may be added to a stream without them.
    fn accepts_stream_options(&self, _profile: &ProviderProfile) -> bool {
        true
    }

    /// Converts pass-through answers, and the events of streamed ones, to the protocol's format.
    fn normalise(&self) -> Option<Normalise> {
        None
    }
}

/// Converts an answer's JSON; `None` if it already has the right format.
pub(crate) type Normalise = fn(&[u8]) -> Option<Bytes>;

/// `GET /models` of OpenAI and Anthropic.
///
/// Source: <https://platform.openai.com/docs/api-reference/models/list>.
#[derive(Deserialize)]
struct OpenAiList {
    data: Vec<OpenAiEntry>,
}

#[derive(Deserialize)]
struct OpenAiEntry {
    id: String,
}

/// The URL of `operation` below the provider's base, with OpenAI's paths; built once.
fn openai_endpoint(target: &Target, operation: Operation) -> Result<Arc<Endpoint>> {
    let join = |base: &crate::wire::BaseUrl| base.join("/v1", operation.path());
    target.provider.endpoint(operation, join).cloned()
}

/// Adds the provider's key in a header of its own.
fn show_key(profile: &ProviderProfile, headers: &mut HeaderMap, name: &'static str) {
    let key = profile.expose_key();
    if let (false, Ok(mut value)) = (key.is_empty(), HeaderValue::from_str(key)) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}
