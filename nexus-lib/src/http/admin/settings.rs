use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::router::RetryPolicy;

/// The effective settings without secrets: the response of `GET /settings`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct SettingsView {
    pub(crate) version: &'static str,
    /// The provider kinds that can be registered.
    pub(crate) kinds: Vec<&'static str>,
    /// Whether the admin port requires a token.
    pub(crate) admin_token: bool,
    pub(crate) max_body_bytes: usize,
    /// The memory limit of all bodies together.
    pub(crate) max_body_memory_bytes: usize,
    /// Whether messages are archived.
    pub(crate) archive: bool,
    pub(crate) retries: RetriesView,
    /// The application's own settings.
    pub(crate) application: Value,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct RetriesView {
    most: u32,
    first_wait_ms: u128,
    longest_wait_ms: u128,
}

impl From<RetryPolicy> for RetriesView {
    fn from(policy: RetryPolicy) -> Self {
        Self {
            most: policy.most,
            first_wait_ms: policy.first_wait.as_millis(),
            longest_wait_ms: policy.longest_wait.as_millis(),
        }
    }
}
