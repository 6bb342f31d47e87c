//! OpenAI's Responses, without state: whatever is asked to be kept, or fetched, at the provider is refused.
//!
//! | of the request | here |
//! |---|---|
//! | `instructions` | instructions, before all else |
//! | `input` | a text is a `user` message; items are messages, calls, results and thoughts, in order |
//! | `reasoning.effort`, `reasoning.summary` | how much is thought, and whether it is shown |
//! | `text.format`, `text.verbosity` | the shape of the answer; `verbosity` as chat has it |
//! | `store`, `truncation` of `auto`, `include`, `stream_options`, `max_tool_calls` | hints |
//! | tools that the provider runs, such as `web_search`, and items of these | left out, and named; refused where one is forced |
//! | `custom`, `namespace`, `local_shell` and other tools of the client's own; the item `additional_tools` | functions; their calls go back in the client's words |
//! | `conversation`, `background`, `prompt`, `top_logprobs` over 0 | refused |
//! | `previous_response_id`, `item_reference` | what they stand for is put in their place before the request is read, where it is known; else refused |
//!
//! Thoughts that were not sealed by OpenAI are left out: it takes back only its own.
//!
//! Each thing that the model says is an item of its own. A thought's text is its summary. What must come back
//! with it unchanged stands in `encrypted_content`: the seal itself, or `nexus.signature:` and the provider's
//! signature. A picture is an `image_generation_call`. It, and a call, may have `extra_content`, as in chat.
//!
//! Source: OpenAI's API reference (Responses, Streaming events).

mod call;
pub mod error;
mod item;
pub mod reply;
pub mod request;
pub(crate) use tool::has_client_tools;
pub mod stream;
mod tool;
mod usage;

/// Before a signature that stands where only a seal has a place.
const SIGNATURE: &str = "nexus.signature:";

/// How what OpenAI seals begins (Fernet: version and time). It takes back no other's.
const OPENAIS_SEAL: &str = "gAAA";

/// Whether OpenAI sealed a thought.
pub(crate) fn is_openais_seal(sealed: &str) -> bool {
    sealed.starts_with(OPENAIS_SEAL)
}
