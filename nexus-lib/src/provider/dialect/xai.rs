use std::sync::Arc;

use super::{Dialect, Normalise, openai_endpoint};
use crate::call::{ProviderProfile, RequestBody, Target};
use crate::error::Result;
use crate::translate::chat;
use crate::wire::{Endpoint, Operation, Protocols};

/// Grok, whose API is OpenAI's except for some older formats.
///
/// Source: <https://docs.x.ai/docs/api-reference>.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Xai;

impl Dialect for Xai {
    fn kind(&self) -> &'static str {
        "xai"
    }

    fn protocols(&self, profile: &ProviderProfile) -> Protocols {
        match profile.base_url.host() {
            "api.x.ai" => Protocols::OPENAI,
            _ => Protocols::CHAT,
        }
    }

    /// Its Responses API rejects Codex's tools and their items
    /// (<https://github.com/maximhq/bifrost/issues/5428>).
    fn knows_all(&self, body: &RequestBody) -> bool {
        body.operation() != Operation::Response || !body.prompt().has_client_tools()
    }

    fn takes(&self, _operation: Operation) -> bool {
        true
    }

    fn endpoint(
        &self,
        target: &Target,
        operation: Operation,
        _is_stream: bool,
    ) -> Result<Arc<Endpoint>> {
        openai_endpoint(target, operation)
    }

    fn normalise(&self) -> Option<Normalise> {
        Some(chat::normalise)
    }
}
