//! What is particular to each kind of provider: where its requests go, how its key is shown, in which
//! protocol it is spoken to. No I/O.
//!
//! | kind | passes as it comes | all other chats are told as |
//! |---|---|---|
//! | `openai` | chat completions; Responses at `api.openai.com`; whatever is no chat | chat completions |
//! | `azure` | chat completions, Responses; whatever is no chat | chat completions |
//! | `xai` | chat completions; Responses at `api.x.ai`, but for those with tools that only OpenAI knows; whatever is no chat | chat completions |
//! | `anthropic` | Messages, and the counting of their tokens | Messages |
//! | `gemini` | | `generateContent`; embeddings as `embedContent` |
//! | `ollama` | completions | Ollama's own chat; embeddings as `/api/embed` |
//!
//! An operator may say otherwise of one provider: see [`Protocols`].

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

use crate::call::{ProviderProfile, Target};
use crate::error::Result;
use crate::translate::{ProviderProtocol, embeddings};
use crate::wire::{Endpoint, Operation, Protocols};

/// One kind of provider.
pub(crate) trait Dialect: Send + Sync + 'static {
    /// What a registered provider's `kind` says.
    fn kind(&self) -> &'static str;

    /// In which of the clients' protocols this provider takes chats as they come, unless its operator says
    /// otherwise. None of them where it has one of its own.
    fn protocols(&self, _profile: &ProviderProfile) -> Protocols {
        Protocols::CHAT
    }

    /// The protocol of its own, if it has one: then nothing else is spoken.
    fn own_protocol(&self) -> Option<ProviderProtocol> {
        None
    }

    /// Its own way to embed texts, if it has one.
    fn embeds(&self) -> Option<embeddings::Protocol> {
        None
    }

    /// Where `count` texts are embedded in that way.
    ///
    /// # Errors
    /// As [`endpoint`](Self::endpoint).
    fn embedding_endpoint(&self, target: &Target, _count: usize) -> Result<Arc<Endpoint>> {
        self.endpoint(target, Operation::Embedding, false)
    }

    /// Whether it takes requests for `operation`, which is no chat, as they come.
    fn takes(&self, operation: Operation) -> bool;

    /// Whether it knows all that a chat in a protocol of its own asks for. What it would refuse is translated.
    fn knows_all(&self, _operation: Operation, _body: &[u8]) -> bool {
        true
    }

    /// Where requests for `operation` go.
    ///
    /// # Errors
    /// `Internal` where the base and the model make no URL.
    fn endpoint(
        &self,
        target: &Target,
        operation: Operation,
        is_stream: bool,
    ) -> Result<Arc<Endpoint>>;

    /// Where it lists its models.
    ///
    /// # Errors
    /// As [`endpoint`](Self::endpoint).
    fn list_endpoint(&self, profile: &ProviderProfile) -> Result<Endpoint> {
        Endpoint::new(profile.base_url.join("/v1", "/models")?)
    }

    /// The names in its list of models, in its order.
    ///
    /// # Errors
    /// That of the JSON.
    fn names(&self, list: &[u8]) -> serde_json::Result<Vec<String>> {
        let list: OpenAiList = serde_json::from_slice(list)?;
        Ok(list.data.into_iter().map(|entry| entry.id).collect())
    }

    /// Shows the provider's key, where it has one.
    fn authorize(&self, profile: &ProviderProfile, headers: &mut HeaderMap) {
        if let Some(bearer) = &profile.bearer {
            headers.insert(header::AUTHORIZATION, bearer.clone());
        }
    }

    /// Whether an answer says that the key was refused.
    fn is_refused_key(&self, status: StatusCode, _body: &[u8]) -> bool {
        matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    /// Whether `stream_options` may be added to a stream that does not have it.
    fn accepts_stream_options(&self, _profile: &ProviderProfile) -> bool {
        true
    }

    /// What brings answers that pass, and the pieces of streamed ones, into the shape that their protocol has.
    fn normalise(&self) -> Option<Normalise> {
        None
    }
}

/// Gives an answer's JSON in another shape; `None` when it has the right one.
pub(crate) type Normalise = fn(&[u8]) -> Option<Bytes>;

/// `GET /models` of OpenAI and of Anthropic.
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

/// The place of `operation` below the provider's base, as OpenAI has them, made once.
fn openai_endpoint(target: &Target, operation: Operation) -> Result<Arc<Endpoint>> {
    let join = |base: &crate::wire::BaseUrl| base.join("/v1", operation.path());
    target.provider.endpoint(operation, join).cloned()
}

/// Shows the provider's key in a header of its own.
fn show_key(profile: &ProviderProfile, headers: &mut HeaderMap, name: &'static str) {
    let key = profile.expose_key();
    if let (false, Ok(mut value)) = (key.is_empty(), HeaderValue::from_str(key)) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}
