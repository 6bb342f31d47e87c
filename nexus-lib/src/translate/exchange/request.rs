use std::sync::Arc;

use crate::translate::{ClientTool, Json};

/// A client's request in neutral form.
///
/// It contains all that two of the protocols have in common, and everything else in
/// [`extra`](Self::extra). So a request can be translated to another protocol, and what cannot be
/// translated is known by name.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The client's name of the model.
    pub model: String,
    /// Whether to stream the answer.
    pub stream: bool,
    /// The messages so far, in order, including instructions.
    pub turns: Vec<Turn>,
    /// The tools that the model may call.
    pub tools: Vec<Tool>,
    /// Whether it may or must call one.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// The format of the answer.
    pub format: Option<Format>,
    /// Stop sequences.
    pub stop: Vec<String>,
    /// The maximum length of the answer, including reasoning.
    pub max_tokens: Option<u64>,
    /// Sampling parameters.
    pub sampling: Sampling,
    /// How much to reason.
    pub reasoning: Option<Reasoning>,
    /// The client's id of its user.
    pub user: Option<String>,
    /// Fields of the client's protocol without a place above, by name, as they were sent.
    pub extra: Vec<(String, Json)>,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Turn {
    /// Instructions: a `system` or `developer` message, or a separate system text.
    System(Vec<Part>),
    /// The user.
    User(Vec<Part>),
    /// The model.
    Assistant(Vec<Output>),
    /// A tool result.
    Tool(ToolResult),
}

/// A part of the model's input.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// Text.
    Text(Text),
    /// An image.
    Image(Image),
    /// Audio in base64, and its format (`wav`, `mp3`).
    Audio {
        /// Base64.
        data: String,
        /// OpenAI's name of the format.
        format: String,
    },
    /// A document.
    File(File),
}

/// A text, and whether the provider should cache everything up to and including it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Text {
    /// The text.
    pub text: String,
    /// Anthropic's `cache_control`, as it was sent.
    pub cache: Option<Json>,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its source.
    pub source: Source,
    /// OpenAI's `detail`: `low`, `high`, `auto`.
    pub detail: Option<String>,
    /// Anthropic's `cache_control`, as it was sent.
    pub cache: Option<Json>,
}

/// The source of an image or document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A URL.
    Url(String),
    /// Inline data.
    Data {
        /// Such as `image/png`.
        media_type: String,
        /// Base64.
        data: String,
    },
    /// A file at the provider, by id.
    Id(String),
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its source.
    pub source: Source,
    /// Its name.
    pub name: Option<String>,
    /// Anthropic's `cache_control`, as it was sent.
    pub cache: Option<Json>,
}

/// A part of the model's output.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Text.
    Text(String),
    /// A refusal, with its text.
    Refusal(String),
    /// Reasoning.
    Reasoning(Thought),
    /// A generated image.
    Picture(Picture),
    /// A call of a tool.
    ToolCall(ToolCall),
}

/// A generated image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its source, usually inline.
    pub source: Source,
    /// Gemini's thought signature, which must be sent back with the image.
    pub signature: Option<String>,
}

/// Reasoning. If it is signed, it must be sent back to its provider unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thought {
    /// The text, or a summary of it; empty if it is hidden.
    pub text: String,
    /// The provider's signature of the text.
    pub signature: Option<String>,
    /// The encrypted reasoning: Anthropic's `redacted_thinking`, OpenAI's `encrypted_content`.
    pub sealed: Option<String>,
    /// The provider's id of it.
    pub id: Option<String>,
}

/// A call of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolCall {
    /// The call's id, to which its result refers.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON text, as the model wrote it: normally an object.
    pub arguments: String,
    /// Gemini's thought signature, which must be sent back with the call.
    pub signature: Option<String>,
    /// The tool as the client declared it, if it is not a function of this name.
    pub client: Option<Arc<ClientTool>>,
}

/// A tool result.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ToolResult {
    /// The call that it answers.
    pub call_id: String,
    /// Its content.
    pub parts: Vec<Part>,
    /// Whether the tool failed.
    pub is_error: bool,
    /// Anthropic's `cache_control`, as it was sent.
    pub cache: Option<Json>,
}

/// A function that the model may call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// JSON Schema of its arguments; `None` for none.
    pub parameters: Option<Json>,
    /// Whether arguments must follow the schema exactly.
    pub strict: Option<bool>,
    /// Anthropic's `cache_control`, as it was sent.
    pub cache: Option<Json>,
    /// The tool as the client declared it, if it is not a function of this name.
    pub client: Option<Arc<ClientTool>>,
}

/// Whether tools are called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// The format of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Free text.
    Text,
    /// Some JSON object.
    Json,
    /// JSON with a schema.
    Schema {
        /// The schema's name.
        name: String,
        /// Its purpose.
        description: Option<String>,
        /// JSON Schema.
        schema: Json,
        /// Whether it must be followed exactly.
        strict: Option<bool>,
    },
}

/// Sampling parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Sampling {
    /// 0 to 2 for OpenAI and Gemini, 0 to 1 for Anthropic.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// From how many of the most likely tokens.
    pub top_k: Option<u64>,
    /// -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// -2 to 2.
    pub presence_penalty: Option<f64>,
    /// For reproducible answers.
    pub seed: Option<i64>,
}

/// How much to reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reasoning {
    /// OpenAI's `none`, `minimal`, `low`, `medium`, `high`, `xhigh`.
    pub effort: Option<String>,
    /// In tokens: Anthropic's `budget_tokens`, Gemini's `thinkingBudget`.
    pub budget_tokens: Option<u64>,
    /// Whether the reasoning, or a summary, is returned.
    pub is_shown: Option<bool>,
}
