//! The LLM port: OpenAI's API and Anthropic's Messages, for any client of them.
//!
//! ```text
//! request ─▶ route ─▶ intake: Principal, body, Call ─▶ the stack ─▶ Metered ─▶ response
//! ```
//!
//! The key is looked at before the body is read, and the path is parsed once, for both routing and
//! authentication. Every response bears `x-request-id` and `x-conversation-id`.

pub(in crate::http) mod answer;
mod error_events;
pub(in crate::http) mod error_form;
mod models;
pub(in crate::http) mod operations;
mod route;
mod service;

pub(crate) use service::ApiParts;
pub use service::ApiService;
