//! Anthropic's Messages, in version `2023-06-01` of the API. Version `2026-10-21` differs in that
//! it does not accept `temperature`, `top_p` and `top_k`.
//!
//! Features of other protocols are translated to Messages as follows; everything else in
//! [`Request::extra`](super::Request::extra) is dropped as optional.
//!
//! | request | translated to |
//! |---|---|
//! | instructions, in any place | `system`, in order: few models accept them in between |
//! | no `max_tokens` | 32000; 8192 for Claude 3.5 and unknown models; 4096 for older ones |
//! | `reasoning_effort` | by model, see below |
//! | `response_format` with a schema | `output_config.format`; rejected before Claude 4.1 |
//! | `response_format` for any JSON | an instruction: there is no such mode |
//! | schemas of answers and strict arguments | objects closed; the rest as a description |
//! | `max_tokens` above the model's maximum | the maximum, and reported as dropped |
//! | blank `stop` | dropped |
//! | `user` of more than 256 characters | its hash |
//! | calls, but no tools any more | the called tools, and `tool_choice` of `none` |
//! | `temperature` above 1 | 1, and reported as dropped |
//! | `temperature`, `top_p`, `top_k` | dropped from Claude 4.7, or with a budget |
//! | `top_p` with `temperature` | dropped from Claude 4.1: only one is accepted |
//! | `seed`, `frequency_penalty`, `presence_penalty`, `detail` of an image | dropped |
//! | `user`, `safety_identifier` | `metadata.user_id` |
//! | `parallel_tool_calls` | `tool_choice.disable_parallel_tool_use`, inverted |
//! | `service_tier` | `auto` unchanged, `default` as `standard_only`, others dropped |
//! | `store`, `metadata`, `verbosity`, `prompt_cache_key`, anything unknown | dropped |
//! | `n` over 1, `logprobs`, `logit_bias`, `audio`, tools that are not functions, … | rejected |
//! | audio; generated images; files by id; images not JPEG, PNG, GIF or WebP | rejected |
//! | malformed arguments; missing results; bad or repeated ids | repaired, see `fit` |
//! | blank texts; trailing whitespace in a final assistant message | left out |
//! | reasoning without a signature, or another provider's | left out: it would be rejected |
//!
//! Reasoning by model:
//!
//! | `reasoning_effort` | up to Claude 4.5, and others: a budget | from Claude 4.6: the effort |
//! |---|---|---|
//! | `none` | `disabled` | `disabled`; `low`, reported as dropped, if it always reasons |
//! | `minimal` | 1024 | `low` |
//! | `low` | 2048 | `low` |
//! | `medium` | 8192 | `medium` |
//! | `high` | 16384 | `high` |
//! | `xhigh` | 24576 | `xhigh`; `high` for Claude 4.6 |
//! | `max` | 30720 | `max` |
//!
//! A budget leaves 1024 of `max_tokens` to the answer. Reasoning is disabled, and
//! `reasoning_effort` is reported as dropped, if `max_tokens` is below 2048, if a tool must be
//! called, if a model cannot reason (before Claude 3.7), and if, with a budget, the last tool call
//! came without its signed reasoning.
//!
//! In answers, `tool_use` blocks carry another provider's signature as `extra_content`, as in chat.
//! Generated images have no place there, and are left out. Arguments that are not a JSON object are
//! wrapped as `{"INVALID_JSON": text}`.
//!
//! Sources: Anthropic's API reference (Messages, Streaming, Errors), its guides to thinking, effort
//! and structured outputs.

mod block;
pub(crate) mod error;
mod finish;
mod generation;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod stream;
mod usage;

pub(crate) use request::effort_of;
