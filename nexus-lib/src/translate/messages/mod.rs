//! Anthropic's Messages, as version `2023-06-01` of the API has them. Version `2026-10-21` differs in that it takes
//! no `temperature`, `top_p` and `top_k`.
//!
//! What a request says besides that Messages can say is told as follows; all else in
//! [`Request::extra`](super::Request::extra) is left out as a hint.
//!
//! | of the request | here |
//! |---|---|
//! | instructions, wherever they stand | `system`, in order: not every model takes them in between |
//! | no `max_tokens` | 32000; 8192 for Claude 3.5 and models that are not Claude; 4096 for older ones |
//! | `reasoning_effort` | by model, see below |
//! | `response_format` of a schema | `output_config.format`; refused for models before Claude 4.1 |
//! | `response_format` of any JSON | an instruction: there is no such mode |
//! | schemas of answers and of strict arguments | every object is closed; what cannot be enforced is part of a description, as Anthropic's own SDKs do it |
//! | `max_tokens` over what the model can do | what it can do, and named as left out |
//! | `stop` of blanks alone | left out by name |
//! | `user` of more than 256 characters | its hash |
//! | calls, but no tools any more | the tools that were called, and `tool_choice` of `none` |
//! | `temperature` over 1 | 1, and named as left out |
//! | `temperature`, `top_p`, `top_k` | hints, where the model takes none: from Claude 4.7, or beside a budget to think |
//! | `top_p` beside `temperature` | a hint from Claude 4.1: only one of them is taken |
//! | `seed`, `frequency_penalty`, `presence_penalty`, `detail` of a picture | hints |
//! | `user`, `safety_identifier` | `metadata.user_id` |
//! | `parallel_tool_calls` | `tool_choice.disable_parallel_tool_use`, the other way round |
//! | `service_tier` | `auto` as it is, `default` as `standard_only`, others are hints |
//! | `store`, `metadata`, `verbosity`, `prediction`, `prompt_cache_key` and whatever is unknown | hints |
//! | `n` over 1, `logprobs`, `top_logprobs`, `logit_bias`, `audio`, `modalities` other than text, `functions`, `function_call`, `web_search_options`, tools that are no functions | refused |
//! | sound; pictures that a model made; files and pictures by id; pictures other than JPEG, PNG, GIF, WebP | refused |
//! | a call whose arguments are no JSON object; a call without a result; odd or repeated ids | repaired, as before every provider: a call that was cut off has a result that says so |
//! | texts of blanks alone; blanks at the end of a last message of the model's | left out |
//! | thoughts without a signature, or another provider's | left out: Anthropic takes back only its own |
//!
//! How much is thought, by model:
//!
//! | `reasoning_effort` | to Claude 4.5, and not Claude: `thinking.budget_tokens` | from Claude 4.6: `output_config.effort` |
//! |---|---|---|
//! | `none` | `disabled` | `disabled`; `low`, and named as left out, where a model always thinks |
//! | `minimal` | 1024 | `low` |
//! | `low` | 2048 | `low` |
//! | `medium` | 8192 | `medium` |
//! | `high` | 16384 | `high` |
//! | `xhigh` | 24576 | `xhigh`; `high` for Claude 4.6 |
//! | `max` | 30720 | `max` |
//!
//! A budget leaves 1024 of `max_tokens` to the answer. There is no thinking, and `reasoning_effort` is named as left out,
//! where `max_tokens` is under 2048, where a tool must be called, where a model cannot think (before
//! Claude 3.7), and where, with a budget, the last call of a tool came without its signed thought.
//!
//! In answers, `tool_use` blocks carry another provider's signature as `extra_content`, as in chat.
//! Pictures that a model made have no place there, and are left out.
//! Arguments that are no JSON object are told as `{"INVALID_JSON": text}`.
//!
//! Sources: Anthropic's API reference (Messages, Streaming, Errors), its guides to thinking, effort and structured outputs.

mod block;
pub mod error;
mod finish;
mod generation;
pub mod reply;
pub mod request;
pub mod stream;
mod usage;

pub(crate) use request::effort_of;
