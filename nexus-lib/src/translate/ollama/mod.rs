//! Ollama's own `/api/chat`, for providers; clients do not use it here.
//!
//! In its compatible endpoint the context length cannot be set; the default is short, and longer
//! prompts are truncated silently. Features of other protocols are translated as follows. What is
//! left in [`Request::extra`](super::Request::extra) is dropped as optional, except for fields that
//! change the meaning (`n`, `logprobs`, `audio`, …), which cause a rejection.
//!
//! | request | translated to |
//! |---|---|
//! | `num_ctx` (an extension: context length), `keep_alive` | `options.num_ctx`, `keep_alive` |
//! | `max_tokens`, sampling, `stop` | `options` |
//! | `response_format` | `format`: `json`, or the schema |
//! | `reasoning_effort` or a budget | `think`: `none` is false, others true; levels for gpt-oss |
//! | reasoning that is not returned | dropped |
//! | several texts of one message | one text, one line each |
//! | images, generated ones too | `images`, in base64 only: a URL is rejected |
//! | `tool_choice` of `none` | no tools |
//! | a forced `tool_choice` | no tools; `format` is the call's schema, the text is the call |
//! | audio, documents | rejected; plain text documents are text |
//! | `parallel_tool_calls: false`, `strict`, `is_error`, `cache_control`, … | dropped |
//!
//! Ollama's answers have no ids, and its calls only in recent versions: call ids are generated
//! here, answer ids where answers are written.
//!
//! Source: Ollama's API reference (`docs/api.md`) and its guides to tools, thinking and structured
//! outputs.

pub(crate) mod error;
mod message;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod stream;
