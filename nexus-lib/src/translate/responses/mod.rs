//! OpenAI's Responses without state: requests that store or fetch something at the provider are
//! rejected.
//!
//! | request | read as |
//! |---|---|
//! | `instructions` | instructions, before everything else |
//! | `input` | a text is a `user` message; items are turns, in order |
//! | `reasoning.effort`, `reasoning.summary` | how much to reason, and whether to return it |
//! | `text.format`, `text.verbosity` | the answer's format; `verbosity` as in chat |
//! | `store`, `truncation: auto`, `include`, `stream_options`, `max_tool_calls` | dropped |
//! | tools that the provider runs, such as `web_search` | dropped; rejected if forced |
//! | other client tools (`custom`, `local_shell`, …) | functions; their calls are converted back |
//! | `conversation`, `background`, `prompt`, `top_logprobs` over 0 | rejected |
//! | `previous_response_id`, `item_reference` | resolved beforehand; rejected if unknown |
//!
//! Reasoning that OpenAI did not encrypt is left out: it only accepts its own.
//!
//! Each part of the model's output is an item of its own. The text of reasoning is its summary.
//! What must be sent back with it unchanged is in `encrypted_content`: the encrypted reasoning
//! itself, or `nexus.signature:` and the provider's signature. An image is an
//! `image_generation_call`. Images and calls may have `extra_content`, as in chat.
//!
//! Source: OpenAI's API reference (Responses, Streaming events).

mod call;
pub(crate) mod error;
mod item;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod stream;
mod tool;
mod usage;

pub(in crate::translate) use tool::Tools;
pub(crate) use tool::has_client_tools;

/// Prefix of a signature in a field that is meant for encrypted reasoning.
const SIGNATURE: &str = "nexus.signature:";

/// How OpenAI's encrypted reasoning begins (Fernet: version and time). It accepts no other.
const OPENAIS_SEAL: &str = "gAAA";

/// Whether OpenAI encrypted the reasoning.
pub(crate) fn is_openais_seal(sealed: &str) -> bool {
    sealed.starts_with(OPENAIS_SEAL)
}
