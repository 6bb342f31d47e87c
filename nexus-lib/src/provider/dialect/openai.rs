use std::sync::Arc;

use super::{Dialect, openai_endpoint};
use crate::call::{ProviderProfile, Target};
use crate::error::Result;
use crate::wire::{Endpoint, Operation, Protocols};

/// OpenAI, and all compatible servers.
///
/// Source: <https://platform.openai.com/docs/api-reference>.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OpenAi;

impl Dialect for OpenAi {
    fn kind(&self) -> &'static str {
        "openai"
    }

    /// Few other servers that are called compatible have more than chat completions.
    fn protocols(&self, profile: &ProviderProfile) -> Protocols {
        match profile.base_url.host() {
            "api.openai.com" => Protocols::OPENAI,
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

    /// Mistral rejects `stream_options` with a 422, and always sends usage
    /// (<https://docs.mistral.ai/api/>).
    fn accepts_stream_options(&self, profile: &ProviderProfile) -> bool {
        !profile.base_url.host().ends_with("mistral.ai")
    }
}
