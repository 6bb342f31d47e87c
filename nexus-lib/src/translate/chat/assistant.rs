//! Assistant messages, in requests and in answers.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::image::{self, Image};
use crate::error::Result;
use crate::translate::exchange::free_text;
use crate::translate::extra_content::{ExtraContent, signature};
use crate::translate::reading::{Content, Object, Path};
use crate::translate::{ClientTool, Output, Thought, ToolCall, ToolKind};

/// The content of a message, reasoning first and calls last.
pub(super) fn read(message: &Object<'_>, at: &Path<'_>) -> Result<Vec<Output>> {
    let mut output: Vec<Output> = thoughts(message)
        .into_iter()
        .map(Output::Reasoning)
        .collect();
    match message.content("content", at)? {
        None => {}
        Some(Content::Text(text)) => {
            output.extend((!text.is_empty()).then_some(Output::Text(text)))
        }
        Some(Content::Parts(parts)) => output.extend(self::parts(parts, at)?),
    }
    let refusal: Option<String> = message.get("refusal", at)?;
    output.extend(refusal.filter(|text| !text.is_empty()).map(Output::Refusal));
    output.extend(image::read(message, at)?.into_iter().map(Output::Picture));
    let calls = at.key("tool_calls");
    for (index, call) in message.list("tool_calls", at)?.into_iter().enumerate() {
        let at = calls.index(index);
        output.push(Output::ToolCall(tool_call(&Object::of(call, &at)?, &at)?));
    }
    if let Some(call) = message.object("function_call", at)? {
        let at = at.key("function_call");
        output.push(Output::ToolCall(ToolCall {
            name: call.need("name", &at)?,
            arguments: call.get("arguments", &at)?.unwrap_or_default(),
            ..ToolCall::default()
        }));
    }
    Ok(output)
}

/// The content of the parts of the message at `at`.
pub(super) fn parts(parts: Vec<&RawValue>, at: &Path<'_>) -> Result<Vec<Output>> {
    let content = at.key("content");
    let mut output = Vec::with_capacity(parts.len());
    for (index, part) in parts.into_iter().enumerate() {
        let at = content.index(index);
        output.extend(self::part(&Object::of(part, &at)?, &at)?);
    }
    Ok(output)
}

fn part(part: &Object<'_>, at: &Path<'_>) -> Result<Option<Output>> {
    let kind: String = part.need("type", at)?;
    Ok(match kind.as_str() {
        "text" | "output_text" => Some(Output::Text(part.need("text", at)?)),
        "refusal" => Some(Output::Refusal(part.need("refusal", at)?)),
        // Mistral's: a list of text parts.
        "thinking" => {
            let mut text = String::new();
            let parts = part.lenient::<Vec<Object<'_>>>("thinking");
            for part in parts.iter().flatten() {
                text += &part.lenient::<String>("text").unwrap_or_default();
            }
            (!text.is_empty()).then(|| {
                Output::Reasoning(Thought {
                    text,
                    ..Thought::default()
                })
            })
        }
        _ => None,
    })
}

fn tool_call(call: &Object<'_>, at: &Path<'_>) -> Result<ToolCall> {
    if let Some(custom) = call.object("custom", at)? {
        let at_custom = at.key("custom");
        let name: String = custom.need("name", &at_custom)?;
        return Ok(ToolCall {
            id: call.get("id", at)?.unwrap_or_default(),
            arguments: free_text::wrap(&custom.lenient::<String>("input").unwrap_or_default()),
            signature: signature(call),
            client: Some(Arc::new(ClientTool {
                kind: ToolKind::Custom { format: None },
                name: name.clone(),
                namespace: None,
            })),
            name,
        });
    }
    let function = call.need_object("function", at)?;
    let function_at = at.key("function");
    Ok(ToolCall {
        id: call.get("id", at)?.unwrap_or_default(),
        name: function.need("name", &function_at)?,
        arguments: arguments(&function, &function_at)?,
        signature: signature(call),
        client: None,
    })
}

/// Arguments are JSON in a string; some servers send the object itself.
pub(super) fn arguments(function: &Object<'_>, at: &Path<'_>) -> Result<String> {
    match function.raw("arguments") {
        Some(json) if json.get().starts_with('{') => Ok(json.get().to_owned()),
        _ => Ok(function.get("arguments", at)?.unwrap_or_default()),
    }
}

/// The reasoning of a message or a delta. Details take precedence over the plain text.
pub(super) fn thoughts(message: &Object<'_>) -> Vec<Thought> {
    let details: Vec<Object<'_>> = message.lenient("reasoning_details").unwrap_or_default();
    let thoughts: Vec<Thought> = details.iter().filter_map(detail).collect();
    if !thoughts.is_empty() {
        return thoughts;
    }
    let text: String = ["reasoning_content", "reasoning"]
        .into_iter()
        .find_map(|name| message.lenient(name))
        .unwrap_or_default();
    let thought = (!text.is_empty()).then(|| Thought {
        text,
        ..Thought::default()
    });
    thought.into_iter().collect()
}

/// One of our own reasoning details, or one of OpenRouter's types `reasoning.text`,
/// `reasoning.summary`, `reasoning.encrypted`.
pub(super) fn detail(detail: &Object<'_>) -> Option<Thought> {
    let text = |name| {
        detail
            .lenient::<String>(name)
            .filter(|text| !text.is_empty())
    };
    let thought = Thought {
        text: text("text").or_else(|| text("summary")).unwrap_or_default(),
        signature: text("signature"),
        sealed: text("data"),
        id: text("id"),
    };
    (thought != Thought::default()).then_some(thought)
}

/// An assistant message in its JSON form.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Field::is_absent")]
    refusal: Field<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Detail<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Image<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

/// A field that is absent, null, or present.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Field<T> {
    Absent,
    Null,
    Value(T),
}

impl<T> Field<T> {
    fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// A text, or several as parts.
#[derive(Debug)]
enum Text<'a> {
    Whole(Cow<'a, str>),
    Parts(Vec<&'a Output>),
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        enum Part<'a> {
            Text { text: &'a str },
            Refusal { refusal: &'a str },
        }
        match self {
            Self::Whole(text) => serializer.serialize_str(text),
            Self::Parts(parts) => {
                serializer.collect_seq(parts.iter().filter_map(|output| match output {
                    Output::Text(text) => Some(Part::Text { text }),
                    Output::Refusal(refusal) => Some(Part::Refusal { refusal }),
                    Output::Reasoning(_) | Output::Picture(_) | Output::ToolCall(_) => None,
                }))
            }
        }
    }
}

/// Reasoning in its JSON form; see the extension in [`chat`](super).
#[derive(Debug, Default, Serialize)]
pub(super) struct Detail<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<usize>,
    pub(super) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
}

impl<'a> From<&'a Thought> for Detail<'a> {
    fn from(thought: &'a Thought) -> Self {
        Self {
            index: None,
            r#type: "reasoning",
            text: (!thought.text.is_empty()).then_some(&thought.text),
            signature: thought.signature.as_deref(),
            data: thought.sealed.as_deref(),
            id: thought.id.as_deref(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    #[serde(flatten)]
    called: Called<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Called<'a> {
    Function(Function<'a>),
    Custom { name: &'a str, input: String },
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> Message<'a> {
    /// As a message of an answer: all text is joined, and `refusal` is always present, if only as
    /// null.
    pub(super) fn of_answer(output: &'a [Output]) -> Self {
        let text = joined(output, |output| match output {
            Output::Text(text) => Some(text),
            _ => None,
        });
        let refusal = joined(output, |output| match output {
            Output::Refusal(text) => Some(text),
            _ => None,
        });
        let mut message = Self::of(output, true, Call::of_answer);
        message.content = text.map(Text::Whole);
        message.refusal = refusal.map_or(Field::Null, Field::Value);
        message
    }

    /// As a message of a request. OpenAI's own models accept several texts and no reasoning; other
    /// servers the opposite.
    pub(super) fn of_request(output: &'a [Output], is_openais: bool) -> Self {
        let mut message = Self::of(output, !is_openais, Call::of_request);
        let texts: Vec<&Output> = output
            .iter()
            .filter(|output| matches!(output, Output::Text(_) | Output::Refusal(_)))
            .collect();
        message.content = match *texts {
            // Content may only be absent if there are calls.
            [] if message.tool_calls.is_empty() && message.images.is_empty() => {
                Some(Text::Whole("".into()))
            }
            [] => None,
            [Output::Text(text)] => Some(Text::Whole(text.into())),
            _ if !is_openais => joined(output, |output| match output {
                Output::Text(text) | Output::Refusal(text) => Some(text),
                _ => None,
            })
            .map(Text::Whole),
            _ => Some(Text::Parts(texts)),
        };
        message
    }

    fn of(output: &'a [Output], with_thoughts: bool, call: fn(&'a ToolCall) -> Call<'a>) -> Self {
        let thoughts = output.iter().filter(|_| with_thoughts);
        let thoughts = thoughts.filter_map(|output| match output {
            Output::Reasoning(thought) => Some(thought),
            _ => None,
        });
        Self {
            role: "assistant",
            content: None,
            refusal: Field::Absent,
            reasoning_details: thoughts.map(Detail::from).collect(),
            reasoning_content: joined(output, |output| match output {
                Output::Reasoning(thought) if with_thoughts && !thought.text.is_empty() => {
                    Some(&thought.text)
                }
                _ => None,
            }),
            images: output
                .iter()
                .filter_map(|output| match output {
                    Output::Picture(picture) => Image::of(picture, None),
                    _ => None,
                })
                .collect(),
            tool_calls: output
                .iter()
                .filter_map(|output| match output {
                    Output::ToolCall(called) => Some(call(called)),
                    _ => None,
                })
                .collect(),
        }
    }
}

impl<'a> Call<'a> {
    /// For the provider, where every tool is a function.
    fn of_request(call: &'a ToolCall) -> Self {
        Self {
            id: call_id(&call.id),
            r#type: "function",
            called: Called::Function(Function {
                name: &call.name,
                arguments: match call.arguments.as_str() {
                    "" => "{}",
                    arguments => arguments,
                },
            }),
            extra_content: call.signature.as_deref().map(ExtraContent::of),
        }
    }

    /// As the client declared the tool.
    fn of_answer(call: &'a ToolCall) -> Self {
        let custom = call.client.as_ref().filter(|client| client.is_custom());
        let Some(client) = custom else {
            return Self::of_request(call);
        };
        Self {
            r#type: "custom",
            called: Called::Custom {
                name: &client.name,
                input: free_text::unwrap(&call.arguments),
            },
            ..Self::of_request(call)
        }
    }
}

/// A call's id, or a generated one if there is none.
pub(super) fn call_id(id: &str) -> Cow<'_, str> {
    match id {
        "" => Cow::Owned(format!("call_{}", uuid::Uuid::new_v4().simple())),
        id => Cow::Borrowed(id),
    }
}

/// All texts that `text` finds, joined; `None` if it finds none.
fn joined<'a>(
    output: &'a [Output],
    text: impl Fn(&'a Output) -> Option<&'a String>,
) -> Option<Cow<'a, str>> {
    let mut texts = output.iter().filter_map(text);
    let mut all = Cow::Borrowed(texts.next()?.as_str());
    for text in texts {
        all.to_mut().push_str(text);
    }
    Some(all)
}
