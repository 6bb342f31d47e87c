//! Requests, answers and streams in no protocol's words: what one protocol is read into, and another is
//! written from.

mod event;
mod reply;
mod request;

pub use event::{BlockKind, Delta, Event};
pub use reply::{Answered, Finish, TokenCounts};
pub use request::{
    File, Format, Image, Part, Picture, Reasoning, Request, Said, Sampling, Source, Text, Thought,
    Tool, ToolCall, ToolChoice, ToolResult, Turn,
};
