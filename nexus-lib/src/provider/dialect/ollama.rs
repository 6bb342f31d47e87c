use std::sync::Arc;

use serde::Deserialize;

use super::{Dialect, openai_endpoint};
use crate::call::{ProviderProfile, Target};
use crate::error::Result;
use crate::translate::{ProviderProtocol, embeddings};
use crate::wire::{BaseUrl, Endpoint, Operation};

/// Ollama through its own API, the only one in which the context length can be set.
///
/// Its base is that of the server, with or without the `/v1` of its OpenAI-compatible API.
///
/// Source: <https://github.com/ollama/ollama/blob/main/docs/api.md>.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ollama;

#[derive(Deserialize)]
struct List {
    models: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
}

impl Dialect for Ollama {
    fn kind(&self) -> &'static str {
        "ollama"
    }

    fn own_protocol(&self) -> Option<ProviderProtocol> {
        Some(ProviderProtocol::Ollama)
    }

    fn embeds(&self) -> Option<embeddings::Protocol> {
        Some(embeddings::Protocol::Ollama)
    }

    /// Through its OpenAI-compatible API.
    fn takes(&self, operation: Operation) -> bool {
        operation == Operation::Completion
    }

    fn endpoint(
        &self,
        target: &Target,
        operation: Operation,
        _is_stream: bool,
    ) -> Result<Arc<Endpoint>> {
        if self.takes(operation) {
            return openai_endpoint(target, operation);
        }
        let path = match operation {
            Operation::Embedding => "/embed",
            _ => "/chat",
        };
        let join = |base: &BaseUrl| own(base)?.join("/api", path);
        target.provider.endpoint(operation, join).cloned()
    }

    fn list_endpoint(&self, profile: &ProviderProfile) -> Result<Endpoint> {
        Endpoint::new(own(&profile.base_url)?.join("/api", "/tags")?)
    }

    fn names(&self, list: &[u8]) -> serde_json::Result<Vec<String>> {
        let list: List = serde_json::from_slice(list)?;
        Ok(list.models.into_iter().map(|entry| entry.name).collect())
    }
}

/// The base of its own API.
fn own(base: &BaseUrl) -> Result<BaseUrl> {
    let plain = base.as_str().trim_end_matches('/');
    BaseUrl::parse(plain.strip_suffix("/v1").unwrap_or(plain))
}
