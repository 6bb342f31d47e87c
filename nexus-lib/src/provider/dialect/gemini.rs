use std::fmt::Write as _;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::{Dialect, show_key};
use crate::call::{ProviderProfile, Target};
use crate::error::Result;
use crate::translate::{ProviderProtocol, embeddings, gemini};
use crate::wire::{Endpoint, Operation};

/// Google's Gemini through its own API.
///
/// Source: <https://ai.google.dev/api/generate-content>.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gemini;

#[derive(Deserialize)]
struct List {
    models: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
}

impl Dialect for Gemini {
    fn kind(&self) -> &'static str {
        "gemini"
    }

    fn own_protocol(&self) -> Option<ProviderProtocol> {
        Some(ProviderProtocol::Gemini)
    }

    fn takes(&self, _operation: Operation) -> bool {
        false
    }

    fn endpoint(
        &self,
        target: &Target,
        _operation: Operation,
        is_stream: bool,
    ) -> Result<Arc<Endpoint>> {
        let method = match is_stream {
            true => "streamGenerateContent?alt=sse",
            false => "generateContent",
        };
        of_model(target, method)
    }

    fn embeds(&self) -> Option<embeddings::Protocol> {
        Some(embeddings::Protocol::Gemini)
    }

    fn embedding_endpoint(&self, target: &Target, count: usize) -> Result<Arc<Endpoint>> {
        of_model(
            target,
            match count {
                1 => "embedContent",
                _ => "batchEmbedContents",
            },
        )
    }

    fn list_endpoint(&self, profile: &ProviderProfile) -> Result<Endpoint> {
        let url = profile.base_url.join("/v1beta", "/models?pageSize=1000")?;
        Endpoint::new(url)
    }

    fn names(&self, list: &[u8]) -> serde_json::Result<Vec<String>> {
        let list: List = serde_json::from_slice(list)?;
        let names = list.models.iter();
        Ok(names.map(|entry| plain(&entry.name).to_owned()).collect())
    }

    fn authorize(&self, profile: &ProviderProfile, headers: &mut HeaderMap) {
        show_key(profile, headers, "x-goog-api-key");
    }

    fn is_refused_key(&self, status: StatusCode, body: &[u8]) -> bool {
        matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            || gemini::error::is_of_key(status, body)
    }
}

/// The URL of `method` for a model.
fn of_model(target: &Target, method: &str) -> Result<Arc<Endpoint>> {
    let model = escaped(plain(target.model_sent()));
    let tail = format!("/models/{model}:{method}");
    let url = target.provider.base_url.join("/v1beta", &tail)?;
    Endpoint::new(url).map(Arc::new)
}

/// Lists contain `models/gemini-…`, and people write it too.
fn plain(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// A model's name as one segment of a path (RFC 3986, section 3.3).
pub(super) fn escaped(segment: &str) -> String {
    let mut escaped = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}
