//! Translation from one protocol to another, without I/O.
//!
//! A request, a whole answer and a stream are each read into the neutral form of [`exchange`], and
//! written from it. So each protocol is implemented in one folder, by two pairs of functions, and
//! every combination of protocols follows:
//!
//! | | request | answer | stream |
//! |---|---|---|---|
//! | the client's side | `request::read` | `reply::write` | `stream::Writer` |
//! | the provider's side | `request::write` | `reply::read` | `stream::Reader` |
//!
//! If client and provider speak the same protocol none of this is used: bytes pass through.

mod allowed;
mod arguments;
pub mod chat;
#[cfg(feature = "gateway")]
mod client_tools;
mod data_url;
mod draft;
mod effort;
#[cfg(feature = "gateway")]
pub(crate) mod embeddings;
pub mod exchange;
mod extra_content;
mod fault;
#[cfg(feature = "gateway")]
pub(crate) mod fit;
pub mod gemini;
#[cfg(feature = "gateway")]
mod implied_status;
mod json;
mod losses;
mod mended;
pub mod messages;
pub mod ollama;
#[cfg(feature = "gateway")]
pub(crate) mod passing;
mod plain_error;
mod protocol;
mod reader;
mod reading;
pub mod responses;
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
