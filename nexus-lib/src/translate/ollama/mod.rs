//! Ollama's own `/api/chat`, as a provider speaks it; no client of ours does.
//!
//! Its compatible endpoint cannot be told how long a context to load, which is short by default and is cut
//! without a word. What a request says besides is told as follows; what is left in
//! [`Request::extra`](super::Request::extra) is left out as a hint, but for what changes the meaning (`n`,
//! `logprobs`, `audio`, …), which is refused.
//!
//! | of the request | here |
//! |---|---|
//! | `num_ctx` (an extension: tokens of context), `keep_alive` | `options.num_ctx`, `keep_alive` |
//! | `max_tokens`, sampling, `stop` | `options` |
//! | `response_format` | `format`: `json`, or the schema |
//! | `reasoning_effort` or a budget | `think`: `none` as false, others as true; `low`, `medium`, `high` for gpt-oss |
//! | thoughts that are not to be shown | a hint |
//! | several texts of one message | one, a line each |
//! | pictures, those that a model made too | `images`, in base64 alone: an address is refused |
//! | `tool_choice` of `none` | no tools |
//! | `tool_choice` that demands a call | no tools, but `format`: the tool's schema, or a `name` and `arguments` where there are several. The text is the call |
//! | sound, documents | refused; documents of plain text are text |
//! | `parallel_tool_calls: false`, `strict`, `is_error`, `detail`, `cache_control`, `user` | hints |
//!
//! Ollama gives no ids to answers, and to calls only lately: those of calls are made here, those of answers
//! where they are written.
//!
//! Source: Ollama's API reference (`docs/api.md`) and its guides to tools, thinking and structured outputs.

pub mod error;
mod message;
pub mod reply;
pub mod request;
pub mod stream;
