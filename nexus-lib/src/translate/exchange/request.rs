use std::sync::Arc;

use crate::translate::{ClientTool, Json};

/// What a client asks for, in no protocol's words.
///
/// It holds all that two of the protocols have in common, and whatever one of them says besides in
/// [`extra`](Self::extra): so a request can be told again in another protocol, and what cannot be told
/// there is known by its name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The model's name, as the client says it.
    pub model: String,
    /// Whether the answer is to come event by event.
    pub stream: bool,
    /// What was said so far, in order, instructions included.
    pub turns: Vec<Turn>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it may, or must.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// What shape the answer has to have.
    pub format: Option<Format>,
    /// Texts at which the answer ends.
    pub stop: Vec<String>,
    /// How long the answer may be, reasoning included.
    pub max_tokens: Option<u64>,
    /// How it is drawn.
    pub sampling: Sampling,
    /// How much it is thought about.
    pub reasoning: Option<Reasoning>,
    /// Who asks, as the client's own users are called.
    pub user: Option<String>,
    /// Fields of the client's protocol that have no place above, by name, as they were sent.
    pub extra: Vec<(String, Json)>,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// Instructions: a `system` or a `developer` message, or a system text that stands apart.
    System(Vec<Part>),
    /// The person.
    User(Vec<Part>),
    /// The model.
    Assistant(Vec<Said>),
    /// What a tool returned.
    Tool(ToolResult),
}

/// A piece of what is given to the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(Text),
    /// A picture.
    Image(Image),
    /// Sound, in base64, and its format (`wav`, `mp3`).
    Audio {
        /// Base64.
        data: String,
        /// As OpenAI calls it.
        format: String,
    },
    /// A document.
    File(File),
}

/// A text, and whether what was said up to and with it is to be cached by the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Anthropic's `cache_control`, as it was sent.
    pub cache: Option<Json>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Where it is.
    pub source: Source,
    /// OpenAI's `detail`: `low`, `high`, `auto`.
    pub detail: Option<String>,
    /// Anthropic's `cache_control`, as it was sent.
    pub cache: Option<Json>,
}

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// At this address.
    Url(String),
    /// Here.
    Data {
        /// Such as `image/png`.
        media_type: String,
        /// Base64.
        data: String,
    },
    /// At the provider, under this id.
    Id(String),
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub source: Source,
    /// What it is called.
    pub name: Option<String>,
    /// Anthropic's `cache_control`, as it was sent.
    pub cache: Option<Json>,
}

/// A piece of what the model said.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// Text.
    Text(String),
    /// That it will not answer, and why.
    Refusal(String),
    /// What it thought before.
    Reasoning(Thought),
    /// A picture that it made.
    Picture(Picture),
    /// A call of a tool.
    ToolCall(ToolCall),
}

/// A picture that a model made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Where it is: mostly here.
    pub source: Source,
    /// Gemini's thought signature, which must come back with the picture.
    pub signature: Option<String>,
}

/// What the model thought. What is signed must come back to its provider unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thought {
    /// The text, or its summary; empty when it is hidden.
    pub text: String,
    /// The provider's proof that the text is its own.
    pub signature: Option<String>,
    /// The thought itself, sealed by the provider: Anthropic's `redacted_thinking`, OpenAI's
    /// `encrypted_content`.
    pub sealed: Option<String>,
    /// The provider's id for it.
    pub id: Option<String>,
}

/// A call of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// Names the call, so that its result can be told apart.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON text, as the model wrote it: an object, when it wrote well.
    pub arguments: String,
    /// Gemini's thought signature, which must come back with the call.
    pub signature: Option<String>,
    /// The tool in the client's words, where it is no function of this name.
    pub client: Option<Arc<ClientTool>>,
}

/// What a tool returned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolResult {
    /// The call that it answers.
    pub call_id: String,
    /// What it returned.
    pub parts: Vec<Part>,
    /// Whether the tool failed.
    pub is_error: bool,
    /// Anthropic's `cache_control`, as it was sent.
    pub cache: Option<Json>,
}

/// A function that the model may call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// JSON Schema of its arguments; `None` for none.
    pub parameters: Option<Json>,
    /// Whether arguments must follow the schema to the letter.
    pub strict: Option<bool>,
    /// Anthropic's `cache_control`, as it was sent.
    pub cache: Option<Json>,
    /// The tool in the client's words, where it is no function of this name.
    pub client: Option<Arc<ClientTool>>,
}

/// Whether tools are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// As the model likes.
    Auto,
    /// Not at all.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// The shape of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Any.
    Text,
    /// Some JSON object.
    Json,
    /// JSON by a schema.
    Schema {
        /// What the schema is called.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// JSON Schema.
        schema: Json,
        /// Whether it is followed to the letter.
        strict: Option<bool>,
    },
}

/// How an answer is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 2 for OpenAI and Gemini, 0 to 1 for Anthropic.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// From how many of the likeliest.
    pub top_k: Option<u64>,
    /// -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// -2 to 2.
    pub presence_penalty: Option<f64>,
    /// For the same answer again.
    pub seed: Option<i64>,
}

/// How much is thought about an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// OpenAI's `none`, `minimal`, `low`, `medium`, `high`, `xhigh`.
    pub effort: Option<String>,
    /// In tokens: Anthropic's `budget_tokens`, Gemini's `thinkingBudget`.
    pub budget_tokens: Option<u64>,
    /// Whether the thoughts, or a summary, are to be shown.
    pub is_shown: Option<bool>,
}
