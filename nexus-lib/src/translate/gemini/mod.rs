//! Gemini's `generateContent`, as a provider speaks it; no client of ours does.
//!
//! What a request says besides that Gemini can say is told as follows; what is left in
//! [`Request::extra`](super::Request::extra) is left out as a hint, but for what changes the meaning (`n`,
//! `logprobs`, `audio`, …), which is refused.
//!
//! | of the request | here |
//! |---|---|
//! | instructions, wherever they stand | `systemInstruction`, in order; what the user says, where nobody says anything else |
//! | messages of one role in a row | one content |
//! | what a tool returned | `functionResponse`: an object as it is, any other text as `output`, of a tool that failed as `error` |
//! | pictures and files that a tool returned | parts of their own, behind the results |
//! | what a tool returned that has a `$ref` somewhere | `output`: Gemini would look for what it names |
//! | a schema of the answer beside tools, before Gemini 3 | a tool of that schema, and one must be called: a call of it is the text |
//! | more than five `stop` | the first five, and named as left out |
//! | pictures | `inlineData`: PNG, JPEG, WebP, HEIC and HEIF, else 400; `fileData` for an address |
//! | `modalities` of text and pictures; `image_config` of OpenRouter's | `responseModalities`; `imageConfig` |
//! | pictures that the model made | `inlineData` with its signature; drafts, which Gemini counts as thoughts, are left out |
//! | sound; documents | `inlineData`; documents of plain text are text |
//! | files and pictures by id | refused |
//! | schemas, of tools and of answers | as they are: `parametersJsonSchema`, `responseJsonSchema` |
//! | `temperature`, `top_p`, `top_k`, penalties | hints from Gemini 3.5, which takes none |
//! | a `seed` of more than 32 bits | a hint |
//! | `reasoning_effort` or a budget, Gemini 3 and later | `thinkingLevel`: `minimal`, `low`, `medium`, `high`, or the nearest that the model knows |
//! | the same, Gemini 2.5 | `thinkingBudget`: 0, 1024 (`minimal`, `low`), 8192 (`medium`), 24576; a budget as it is |
//! | the same, others | a hint |
//! | `none`, where a model always thinks | the least, and named as left out |
//! | `parallel_tool_calls: false`, `strict`, `detail`, `cache_control`, `user` | hints |
//!
//! # Signatures
//!
//! Gemini signs a call, a picture or a text with what it thought before, and wants it back where it was. The
//! signature of a call or a picture is a field of the neutral form. That of a text is a thought without text, marked as Gemini's
//! by `gemini:` in front, since no provider takes another's; it comes back behind the text. Calls and pictures that
//! Gemini 3 did not make itself, as after a failover, have the word in place of a signature that Google
//! documents for them.
//!
//! Sources: Google's Gemini API reference (`generateContent`, Content), and its guides to function calling,
//! thinking, thought signatures, structured outputs and what is new in each Gemini 3.

pub mod error;
mod generation;
mod part;
pub mod reply;
pub mod request;
mod signature;
pub mod stream;
mod usage;

pub(crate) use generation::is_before_3;
pub(crate) use signature::is_marked;
