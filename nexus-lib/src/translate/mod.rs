//! Translation from one protocol to another, without I/O.
//!
//! A request, a whole answer and a stream are each read into the neutral form ([`Request`], [`Answered`], [`Event`]), and
//! written from it. So each protocol is implemented in one folder, by two pairs of functions, and
//! every combination of protocols follows:
//!
//! | | request | answer | stream |
//! |---|---|---|---|
//! | the client's side | `request::read` | `reply::write` | `stream::Writer` |
//! | the provider's side | `request::write` | `reply::read` | `stream::Reader` |
//!
//! If client and provider speak the same protocol none of this is used: bytes pass through.
//!
//! ```
//! use nexus_lib::translate::{ClientProtocol, Losses, ProviderProtocol};
//!
//! # fn main() -> nexus_lib::Result<()> {
//! let body = br#"{"model": "claude", "max_tokens": 9, "top_k": 5,
//!     "messages": [{"role": "user", "content": "Hello!"}]}"#;
//! let request = ClientProtocol::Messages.read_request(body)?;
//! let mut losses = Losses::new(false);
//! let written = ProviderProtocol::Chat.write_request(&request, "gpt-5", &mut losses)?;
//! let written: serde_json::Value = serde_json::from_slice(&written).unwrap();
//! assert_eq!(written["model"], "gpt-5");
//! assert_eq!(written["messages"][0]["content"], "Hello!");
//!
//! let answer = br#"{"id": "c", "model": "gpt-5", "choices": [{"index": 0, "finish_reason": "stop",
//!     "message": {"role": "assistant", "content": "Good day."}}]}"#;
//! let answered = ProviderProtocol::Chat.read_reply(answer)?;
//! let reply = ClientProtocol::Messages.write_reply(&answered, "claude");
//! let reply: serde_json::Value = serde_json::from_slice(&reply).unwrap();
//! assert_eq!(reply["content"][0]["text"], "Good day.");
//! # Ok(())
//! # }
//! ```

mod allowed;
mod arguments;
pub(crate) mod chat;
#[cfg(feature = "gateway")]
mod client_tools;
mod data_url;
mod draft;
mod effort;
#[cfg(feature = "gateway")]
pub(crate) mod embeddings;
pub(crate) mod exchange;
mod extra_content;
mod fault;
#[cfg(feature = "gateway")]
pub(crate) mod fit;
pub(crate) mod gemini;
#[cfg(feature = "gateway")]
mod implied_status;
mod json;
mod losses;
mod mended;
pub(crate) mod messages;
pub(crate) mod ollama;
#[cfg(feature = "gateway")]
pub(crate) mod passing;
mod plain_error;
mod protocol;
mod reader;
mod reading;
pub(crate) mod responses;
#[cfg(feature = "gateway")]
pub(crate) mod texts;
mod unplaced;

#[cfg(feature = "gateway")]
pub(crate) use client_tools::ClientTools;
pub(crate) use draft::Draft;
pub use exchange::{
    Answered, BlockKind, BuiltInTool, ClientTool, Delta, Event, File, Finish, Format, Gathered,
    Image, Output, Part, Picture, Reasoning, Request, Sampling, Source, Text, Thought, TokenCounts,
    Tool, ToolCall, ToolChoice, ToolKind, ToolResult, Turn,
};
#[cfg(feature = "gateway")]
pub(crate) use implied_status::implied_status;
pub use json::Json;
pub use losses::Losses;
#[cfg(feature = "gateway")]
pub(crate) use mended::without_mark;
pub(crate) use plain_error::plain_error;
pub use protocol::{ClientProtocol, Fault, ProviderProtocol, Writer};
pub use reader::Reader;

#[cfg(test)]
mod tests;
