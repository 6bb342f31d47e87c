//! Gemini's `generateContent`, for providers; clients do not use it here.
//!
//! Features of other protocols are translated to Gemini as follows. What is left in
//! [`Request::extra`](super::Request::extra) is dropped as optional, except for fields that change
//! the meaning (`n`, `logprobs`, `audio`, …), which cause a rejection.
//!
//! | request | translated to |
//! |---|---|
//! | instructions, in any place | `systemInstruction`, in order; a user turn if there is no other |
//! | consecutive messages of one role | one content |
//! | tool results | `functionResponse`: an object, text as `output`, a failure as `error` |
//! | images and files in tool results | separate parts, after the results |
//! | a tool result with a `$ref` | `output`: Gemini would try to resolve it |
//! | a schema with tools, before Gemini 3 | a forced tool with it: its call is the text |
//! | more than five `stop` | the first five, and reported as dropped |
//! | images | `inlineData`: PNG, JPEG, WebP, HEIC, HEIF, else 400; a URL as `fileData` |
//! | `modalities`; OpenRouter's `image_config` | `responseModalities`; `imageConfig` |
//! | generated images | `inlineData` with the signature; draft images are left out |
//! | audio; documents | `inlineData`; plain text documents are text |
//! | files and images by id | rejected |
//! | schemas of tools and answers | unchanged: `parametersJsonSchema`, `responseJsonSchema` |
//! | `temperature`, `top_p`, `top_k`, penalties | dropped from Gemini 3.5 |
//! | a `seed` of more than 32 bits | dropped |
//! | `reasoning_effort` or a budget, from Gemini 3 | `thinkingLevel`, the nearest supported |
//! | the same, Gemini 2.5 | `thinkingBudget`: 0, 1024, 8192 or 24576; or the budget |
//! | the same, others | dropped |
//! | `none`, if a model always reasons | the minimum, and reported as dropped |
//! | `parallel_tool_calls: false`, `strict`, `detail`, `cache_control`, `user` | dropped |
//!
//! # Signatures
//!
//! Gemini signs a call, an image or a text with its preceding reasoning, and requires the signature
//! back in the same place. The signature of a call or an image is a field of the neutral form. That
//! of a text is reasoning without text, prefixed with `gemini:` to mark it as Gemini's, since no
//! provider accepts another's; it is sent back after the text. Calls and images that Gemini 3 did
//! not create itself, as after a failover, get the placeholder that Google documents for them.
//!
//! Sources: Google's Gemini API reference (`generateContent`, Content), and its guides to function
//! calling, thinking, thought signatures, structured outputs and the changes in each Gemini 3
//! release.

pub(crate) mod error;
mod generation;
mod part;
pub(crate) mod reply;
pub(crate) mod request;
mod signature;
pub(crate) mod stream;
mod usage;

pub(crate) use generation::is_before_3;
pub(crate) use signature::is_marked;
