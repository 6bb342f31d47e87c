//! OpenAI's chat completions.
//!
//! What a request says besides that chat can say is told as follows. Fields of chat's own that have no place in the
//! neutral form (`n`, `logprobs`, `logit_bias`, `store`, `metadata`, `stream_options`, …) pass as they are.
//!
//! | of the request | here |
//! |---|---|
//! | instructions | a `system` message, where they stood; `developer` is read as the same; several in a row are one |
//! | no tools | no `tool_choice` and `parallel_tool_calls` |
//! | `temperature`, `top_p`, penalties, `stop` | hints for OpenAI's models that think |
//! | more than four `stop`, for OpenAI, Groq and Cerebras | the first four, and named as left out |
//! | members that Groq, Cerebras and Mistral do not know | hints; `seed` is `random_seed` for Mistral |
//! | ids and names of tools that are too long or have other letters | others, and back in the answer |
//! | `max_tokens` | `max_completion_tokens` for OpenAI's own models, by their names; `max_tokens` for others, which often know no other |
//! | `reasoning_effort` | as it is, `max` as `xhigh` |
//! | a budget to think | the smallest effort whose budget holds it, by the table of [`messages`](super::messages) |
//! | thoughts | `reasoning_content` and `reasoning_details`, see below; left out for OpenAI's own models, Groq, Cerebras and Mistral, which take none back |
//! | several texts of one message | a list for OpenAI's own models; one text for others, which often take no list |
//! | pictures that a tool returned | a `user` message behind the results: `tool` messages have text alone |
//! | documents of plain text | text |
//! | `top_k`, a tool result's `is_error`, `cache_control`, whether thoughts are shown | hints |
//! | `service_tier` of `standard_only` | `default` |
//! | Anthropic's `container`, `mcp_servers`, and tools that are no functions | refused |
//! | documents by URL; pictures that the model made, for OpenAI's own models | refused |
//! | whatever is unknown | a hint |
//!
//! # An extension: thoughts and pictures
//!
//! A message of the model's, and a delta of one, may have these besides OpenAI's own fields:
//!
//! - `reasoning_content`: the text of its thoughts, as DeepSeek and others have it.
//! - `reasoning_details`: a list of `{"type": "reasoning", "text", "signature", "data", "id"}`, each but `type` where
//!   there is one: a thought with its provider's proof, or (`data`) sealed. In deltas each has an `index`, and
//!   texts of the same index are put together. It says all that `reasoning_content` says, and wins.
//! - `extra_content.google.thought_signature` on a tool call, as Gemini's compatible endpoint has it; on a picture, too.
//! - `images`: pictures that the model made, as OpenRouter has them: a list of
//!   `{"type": "image_url", "image_url": {"url": "data:…"}}`, each whole, in deltas with its `index`.
//!
//! A client that sends its model's messages back as they came loses nothing. OpenRouter's `reasoning` and its kinds of
//! `reasoning_details` are read, too. Parts and tools may have Anthropic's `cache_control`.
//!
//! Source: OpenAI's API reference (Chat, Errors).

pub mod error;
mod finish;
mod image;
mod model;
mod odd;
pub mod reply;
pub mod request;
mod said;
pub mod stream;
mod usage;

pub(crate) use model::is_openais;
pub(crate) use odd::normalise;
