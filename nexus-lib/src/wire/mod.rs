//! Value types: ids, times, usage, and OpenAI's JSON.
//!
//! Nothing here does I/O. What is read on every request is read in place ([`RequestScan`],
//! [`UsageReport::read`]). The typed structures ([`ChatRequest`], [`ChatCompletion`], …) are for
//! callers in Rust and for the built-in demo provider.

mod base_url;
mod chat;
mod chat_text;
mod endpoint;
mod error_body;
mod gateway_id;
mod hop;
mod id;
pub mod json;
mod limits;
mod mask;
mod model_list;
mod model_name;
mod operation;
pub(crate) mod prefix;
mod protocols;
mod proxy_url;
mod request_state;
mod retry_after;
mod scan;
mod time;
mod time_zone;
mod unquoted;
mod usage;
mod usage_report;

pub use base_url::BaseUrl;
pub use chat::{ChatChunk, ChatCompletion, ChatRequest, Choice, ChunkChoice, Delta, Message, Role};
pub use endpoint::{Endpoint, Origin};
pub use error_body::{ErrorBody, ErrorDetail};
pub use gateway_id::GatewayId;
pub use hop::Hop;
pub use id::{ConversationId, ConversationScope, KeyId, ModelId, ProjectId, ProviderId, RequestId};
pub(crate) use limits::millis;
pub use limits::{ProviderLimits, TimerSettings};
pub use mask::mask;
pub use model_list::{AnthropicModel, AnthropicModelList, ModelEntry, ModelList};
pub(crate) use model_name::{is_grok, may_think};
pub use operation::Operation;
pub use prefix::{Prefix, Prefixes, ThreadMark, ThreadMarks};
pub use protocols::{NoProtocol, Protocols};
pub(crate) use proxy_url::percent_decoded;
pub use proxy_url::{ProxyList, ProxyScheme, ProxyUrl};
pub use request_state::RequestState;
pub(crate) use retry_after::retry_after;
pub use scan::RequestScan;
pub use time::{TimeRange, Timestamp};
pub(crate) use time_zone::Rules as ZoneRules;
pub use time_zone::TimeZone;
pub(crate) use unquoted::unquoted;
pub use usage::{Usage, UsageSource};
pub use usage_report::UsageReport;
