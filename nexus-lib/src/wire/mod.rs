//! Value types: ids, times, usage, and OpenAI's JSON.
//!
//! Nothing here does I/O. What is read on every request is read in place ([`RequestScan`],
//! [`UsageReport::read`]). The typed structures ([`ChatRequest`], [`ChatCompletion`], …) are for
//! callers in Rust and for the built-in demo provider.

#[cfg(feature = "gateway")]
mod base_url;
#[cfg(feature = "gateway")]
mod chat;
#[cfg(feature = "gateway")]
mod chat_text;
#[cfg(feature = "gateway")]
mod endpoint;
#[cfg(feature = "gateway")]
mod error_body;
#[cfg(feature = "gateway")]
mod gateway_id;
#[cfg(feature = "gateway")]
mod hop;
#[cfg(feature = "gateway")]
mod id;
pub mod json;
#[cfg(feature = "gateway")]
mod limits;
#[cfg(feature = "gateway")]
mod mask;
#[cfg(feature = "gateway")]
mod model_list;
mod model_name;
mod operation;
#[cfg(feature = "gateway")]
pub(crate) mod prefix;
#[cfg(feature = "gateway")]
mod protocols;
#[cfg(feature = "gateway")]
mod proxy_url;
pub(crate) mod reads;
#[cfg(feature = "gateway")]
mod request_state;
#[cfg(feature = "gateway")]
mod retry_after;
#[cfg(feature = "gateway")]
mod scan;
mod time;
#[cfg(feature = "gateway")]
mod time_text;
#[cfg(feature = "gateway")]
mod time_zone;
#[cfg(feature = "gateway")]
mod unquoted;
mod usage;
mod usage_report;

#[cfg(feature = "gateway")]
pub use base_url::BaseUrl;
#[cfg(feature = "gateway")]
pub use chat::{ChatChunk, ChatCompletion, ChatRequest, Choice, ChunkChoice, Delta, Message, Role};
#[cfg(feature = "gateway")]
pub use endpoint::{Endpoint, Origin};
#[cfg(feature = "gateway")]
pub use error_body::{ErrorBody, ErrorDetail};
#[cfg(feature = "gateway")]
pub use gateway_id::GatewayId;
#[cfg(feature = "gateway")]
pub use hop::Hop;
#[cfg(feature = "gateway")]
pub use id::{ConversationId, ConversationScope, KeyId, ModelId, ProjectId, ProviderId, RequestId};
#[cfg(feature = "gateway")]
pub(crate) use limits::millis;
#[cfg(feature = "gateway")]
pub use limits::{ProviderLimits, TimerSettings};
#[cfg(feature = "gateway")]
pub use mask::mask;
#[cfg(feature = "gateway")]
pub use model_list::{AnthropicModel, AnthropicModelList, ModelEntry, ModelList};
pub(crate) use model_name::{is_grok, may_think};
pub use operation::Operation;
#[cfg(feature = "gateway")]
pub use prefix::{ConversationMark, ConversationMarks, Prefix, Prefixes};
#[cfg(feature = "gateway")]
pub use protocols::{NoProtocol, Protocols};
#[cfg(feature = "gateway")]
pub(crate) use proxy_url::percent_decoded;
#[cfg(feature = "gateway")]
pub use proxy_url::{ProxyList, ProxyScheme, ProxyUrl};
#[cfg(feature = "gateway")]
pub use request_state::RequestState;
#[cfg(feature = "gateway")]
pub(crate) use retry_after::retry_after;
#[cfg(feature = "gateway")]
pub use scan::RequestScan;
pub use time::{TimeRange, Timestamp};
#[cfg(feature = "gateway")]
pub(crate) use time_zone::Rules as ZoneRules;
#[cfg(feature = "gateway")]
pub use time_zone::TimeZone;
#[cfg(feature = "gateway")]
pub(crate) use unquoted::unquoted;
pub use usage::{Usage, UsageSource};
pub use usage_report::UsageReport;
