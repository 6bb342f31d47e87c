use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use super::{Dialect, openai_endpoint, show_key};
use crate::call::{ProviderProfile, Target};
use crate::error::Result;
use crate::wire::{Endpoint, Operation, Protocols};

/// The API version of requests, unless the client sent another.
const VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// Anthropic, and compatible servers.
///
/// Source: <https://docs.claude.com/en/api/overview>.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Anthropic;

impl Dialect for Anthropic {
    fn kind(&self) -> &'static str {
        "anthropic"
    }

    fn protocols(&self, _profile: &ProviderProfile) -> Protocols {
        Protocols::MESSAGES
    }

    fn takes(&self, _operation: Operation) -> bool {
        false
    }

    fn endpoint(
        &self,
        target: &Target,
        operation: Operation,
        _is_stream: bool,
    ) -> Result<Arc<Endpoint>> {
        openai_endpoint(target, operation)
    }

    fn authorize(&self, profile: &ProviderProfile, headers: &mut HeaderMap) {
        headers.entry("anthropic-version").or_insert(VERSION);
        show_key(profile, headers, "x-api-key");
    }
}
