//! OpenAI's chat completions.
//!
//! Features of other protocols are translated to chat as follows. Chat's own fields without a place
//! in the neutral form (`n`, `logprobs`, `logit_bias`, `store`, `metadata`, `stream_options`, …)
//! pass through unchanged.
//!
//! | request | translated to |
//! |---|---|
//! | instructions | `system` messages in place, consecutive ones joined; `developer` is the same |
//! | no tools | no `tool_choice` or `parallel_tool_calls` |
//! | `temperature`, `top_p`, penalties, `stop` | dropped for OpenAI's reasoning models |
//! | more than four `stop`, for OpenAI, Groq and Cerebras | the first four, reported as dropped |
//! | members unknown to Groq, Cerebras, Mistral | dropped; Mistral's `seed` is `random_seed` |
//! | invalid ids and names of tools | replaced, and restored in the answer |
//! | `max_tokens` | `max_completion_tokens` for OpenAI's own models, else `max_tokens` |
//! | `reasoning_effort` | unchanged, except `max` as `xhigh` |
//! | a reasoning budget | the smallest sufficient effort, see [`messages`](super::messages) |
//! | reasoning | the fields below; left out where it is not accepted (OpenAI, Groq, …) |
//! | several texts of one message | a list for OpenAI's own models, joined for others |
//! | images in tool results | a `user` message after the results: `tool` messages are text only |
//! | plain text documents | text |
//! | `top_k`, `is_error` of a result, `cache_control`, visibility of reasoning | dropped |
//! | `service_tier` of `standard_only` | `default` |
//! | Anthropic's `container`, `mcp_servers`, and tools that are not functions | rejected |
//! | documents by URL; generated images, for OpenAI's own models | rejected |
//! | anything unknown | dropped |
//!
//! # An extension: reasoning and images
//!
//! An assistant message, or a delta of one, may have these fields in addition to OpenAI's:
//!
//! - `reasoning_content`: the text of its reasoning, as in DeepSeek's API and others.
//! - `reasoning_details`: a list of `{"type": "reasoning", "text", "signature", "data", "id"}`,
//!   where all members except `type` are optional: reasoning with its provider's signature, or
//!   encrypted (`data`). In deltas each has an `index`, and texts with the same index are
//!   concatenated. It contains all of `reasoning_content`, and takes precedence.
//! - `extra_content.google.thought_signature` on a tool call, as in Gemini's compatible endpoint;
//!   also on an image.
//! - `images`: generated images in OpenRouter's format: a list of
//!   `{"type": "image_url", "image_url": {"url": "data:…"}}`, each complete, in deltas with its
//!   `index`.
//!
//! A client that sends assistant messages back unchanged loses nothing. OpenRouter's `reasoning`
//! and its types of `reasoning_details` are read too. Parts and tools may have Anthropic's
//! `cache_control`.
//!
//! Source: OpenAI's API reference (Chat, Errors).

mod assistant;
pub(crate) mod error;
mod finish;
mod image;
mod model;
mod odd;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod stream;
mod usage;

pub(crate) use model::is_openais;
pub(crate) use odd::normalise;
