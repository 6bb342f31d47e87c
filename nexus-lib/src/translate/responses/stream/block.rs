use serde_json::{Value, json};

use crate::translate::exchange::free_text::{self, Unwrapping};
use crate::translate::responses::{SIGNATURE, call, item};
use crate::translate::{BlockKind, Delta, ToolCall, ToolKind};

/// An item that is being written.
#[derive(Debug)]
pub(super) struct Block {
    /// Its number in the neutral form.
    pub(super) number: usize,
    index: usize,
    id: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Text(String),
    Refusal(String),
    Reasoning {
        text: String,
        encrypted: Option<String>,
        signature: String,
    },
    Call(ToolCall),
    /// A call with free text as input.
    Custom(ToolCall, Unwrapping),
}

/// Receives an event's type and its other fields.
pub(super) type Emit<'a> = dyn FnMut(&str, Value) + 'a;

impl Block {
    pub(super) fn begin(number: usize, index: usize, kind: BlockKind, emit: &mut Emit<'_>) -> Self {
        let (prefix, content) = match kind {
            BlockKind::Text => ("msg", Content::Text(String::new())),
            BlockKind::Refusal => ("msg", Content::Refusal(String::new())),
            BlockKind::Reasoning { sealed } => (
                "rs",
                Content::Reasoning {
                    text: String::new(),
                    encrypted: sealed,
                    signature: String::new(),
                },
            ),
            BlockKind::ToolCall {
                id,
                name,
                signature,
                client,
            } => {
                let prefix = call::prefix(client.as_deref());
                let is_custom = client.as_ref().is_some_and(|client| client.is_custom());
                let call = ToolCall {
                    id: match id.is_empty() {
                        true => item::new_id("call"),
                        false => id,
                    },
                    name,
                    arguments: String::new(),
                    signature,
                    client,
                };
                let content = match is_custom {
                    true => Content::Custom(call, Unwrapping::default()),
                    false => Content::Call(call),
                };
                (prefix, content)
            }
        };
        let block = Self {
            number,
            index,
            id: item::new_id(prefix),
            content,
        };
        let item = match &block.content {
            Content::Text(_) | Content::Refusal(_) => item::message(&block.id, "in_progress", None),
            Content::Reasoning { encrypted, .. } => {
                item::reasoning(&block.id, "", encrypted.as_deref())
            }
            Content::Call(call) | Content::Custom(call, _) => {
                call::write(&block.id, "in_progress", call)
            }
        };
        emit(
            "response.output_item.added",
            json!({"output_index": index, "item": item}),
        );
        if let Some(part) = block.part() {
            block.emit_part("response.content_part.added", part, emit);
        }
        block
    }

    /// Its position among the response's items.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// The part of a message.
    fn part(&self) -> Option<Value> {
        match &self.content {
            Content::Text(text) => Some(item::text_part(text)),
            Content::Refusal(refusal) => Some(item::refusal_part(refusal)),
            _ => None,
        }
    }

    fn emit_part(&self, kind: &str, part: Value, emit: &mut Emit<'_>) {
        let fields = json!({
            "item_id": self.id, "output_index": self.index, "content_index": 0, "part": part,
        });
        emit(kind, fields);
    }

    /// The fields by which an event refers to this block and a place in it, with `more`.
    fn place(&self, inside: Option<&str>, more: (&str, &str)) -> Value {
        let mut fields = json!({"item_id": self.id, "output_index": self.index});
        if let Some(inside) = inside {
            fields[inside] = 0.into();
        }
        fields[more.0] = more.1.into();
        fields
    }

    pub(super) fn push(&mut self, delta: &Delta, emit: &mut Emit<'_>) {
        let mut begins_summary = false;
        match (&mut self.content, delta) {
            (Content::Text(text) | Content::Refusal(text), Delta::Text(more)) => {
                text.push_str(more);
            }
            (Content::Reasoning { text, .. }, Delta::Text(more)) => {
                begins_summary = text.is_empty() && !more.is_empty();
                text.push_str(more);
            }
            (Content::Reasoning { signature, .. }, Delta::Signature(more)) => {
                signature.push_str(more);
                return;
            }
            (Content::Call(call), Delta::Arguments(more)) => {
                call.arguments.push_str(more);
                if is_built_in(call) {
                    return;
                }
            }
            (Content::Custom(_, input), Delta::Arguments(more)) => {
                let text = input.push(more);
                return self.emit_input(&text, emit);
            }
            _ => return,
        }
        let (Delta::Text(more) | Delta::Arguments(more)) = delta else {
            return;
        };
        match &self.content {
            Content::Text(_) => {
                let mut fields = self.place(Some("content_index"), ("delta", more));
                fields["logprobs"] = json!([]);
                emit("response.output_text.delta", fields);
            }
            Content::Refusal(_) => emit(
                "response.refusal.delta",
                self.place(Some("content_index"), ("delta", more)),
            ),
            Content::Reasoning { .. } => {
                if begins_summary {
                    self.emit_summary("response.reasoning_summary_part.added", "", emit);
                }
                emit(
                    "response.reasoning_summary_text.delta",
                    self.place(Some("summary_index"), ("delta", more)),
                );
            }
            Content::Call(_) | Content::Custom(..) => emit(
                "response.function_call_arguments.delta",
                self.place(None, ("delta", more)),
            ),
        }
    }

    fn emit_input(&self, text: &str, emit: &mut Emit<'_>) {
        if !text.is_empty() {
            let fields = self.place(None, ("delta", text));
            emit("response.custom_tool_call_input.delta", fields);
        }
    }

    fn emit_summary(&self, kind: &str, text: &str, emit: &mut Emit<'_>) {
        let fields = json!({
            "item_id": self.id, "output_index": self.index, "summary_index": 0,
            "part": {"type": "summary_text", "text": text},
        });
        emit(kind, fields);
    }

    /// The item so far.
    pub(super) fn item(&self, status: &str) -> Value {
        match &self.content {
            Content::Text(_) | Content::Refusal(_) => item::message(&self.id, status, self.part()),
            Content::Reasoning {
                text,
                encrypted,
                signature,
            } => {
                let signed = match signature.as_str() {
                    "" => None,
                    signature => Some([SIGNATURE, signature].concat()),
                };
                let encrypted = encrypted.as_ref().or(signed.as_ref());
                item::reasoning(&self.id, text, encrypted.map(String::as_str))
            }
            Content::Call(call) => call::write(&self.id, status, call),
            Content::Custom(call, input) => {
                let arguments = free_text::wrap(&input.text());
                let call = ToolCall {
                    arguments,
                    ..call.clone()
                };
                call::write(&self.id, status, &call)
            }
        }
    }

    /// Ends the block with its `status`, and returns its item.
    pub(super) fn end(self, status: &str, emit: &mut Emit<'_>) -> Value {
        match &self.content {
            Content::Text(text) => {
                let mut fields = self.place(Some("content_index"), ("text", text));
                fields["logprobs"] = json!([]);
                emit("response.output_text.done", fields);
            }
            Content::Refusal(refusal) => emit(
                "response.refusal.done",
                self.place(Some("content_index"), ("refusal", refusal)),
            ),
            Content::Reasoning { text, .. } if !text.is_empty() => {
                emit(
                    "response.reasoning_summary_text.done",
                    self.place(Some("summary_index"), ("text", text)),
                );
                self.emit_summary("response.reasoning_summary_part.done", text, emit);
            }
            Content::Reasoning { .. } => {}
            Content::Call(call) if is_built_in(call) => {}
            Content::Call(call) => {
                let mut fields = self.place(None, ("arguments", &call.arguments));
                let client = call.client.as_deref();
                let name = client.map_or(&call.name, |client| &client.name);
                fields["name"] = name.as_str().into();
                emit("response.function_call_arguments.done", fields);
            }
            Content::Custom(_, input) => {
                let (whole, missing) = input.end();
                self.emit_input(&missing, emit);
                let fields = self.place(None, ("input", &whole));
                emit("response.custom_tool_call_input.done", fields);
            }
        }
        if let Some(part) = self.part() {
            self.emit_part("response.content_part.done", part, emit);
        }
        let item = self.item(status);
        emit(
            "response.output_item.done",
            json!({"output_index": self.index, "item": item}),
        );
        item
    }
}

/// Whether the call has no events of its own.
fn is_built_in(call: &ToolCall) -> bool {
    let client = call.client.as_deref();
    client.is_some_and(|client| matches!(client.kind, ToolKind::BuiltIn(_)))
}
