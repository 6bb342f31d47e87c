//! Requests, answers and streams in a neutral form, into which each protocol is read and from which
//! each is written.

mod client_tool;
mod custom_tool;
mod event;
pub(crate) mod free_text;
mod gathered;
mod reply;
mod request;
mod steady;

pub(crate) use client_tool::flat_name;
pub use client_tool::{BuiltInTool, ClientTool, ToolKind};
pub(crate) use custom_tool::{custom_tool, flat_format};
pub use event::{BlockKind, Delta, Event};
pub use gathered::Gathered;
pub use reply::{Answered, Finish, TokenCounts};
pub use request::{
    File, Format, Image, Output, Part, Picture, Reasoning, Request, Sampling, Source, Text,
    Thought, Tool, ToolCall, ToolChoice, ToolResult, Turn,
};
pub(crate) use steady::{MAX_BLOCKS, Steady, steady};
