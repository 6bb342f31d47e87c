use std::sync::Arc;

use super::{Dialect, Normalise, openai_endpoint};
use crate::call::{ProviderProfile, Target};
use crate::error::Result;
use crate::translate::chat;
use crate::wire::{Endpoint, Operation, Protocols};

/// Grok, whose API is OpenAI's but for some older shapes.
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
