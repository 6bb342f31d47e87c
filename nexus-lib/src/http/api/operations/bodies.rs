use serde_json::{Value, json};

use crate::call::Operation;

/// The fields of a JSON body that are read here; an upstream may need more.
pub(super) fn json(operation: Operation) -> Value {
    let mut schema = json!({
        "type": "object",
        "properties": {
            "model": model(),
            "stream": {
                "type": ["boolean", "null"],
                "description": "Whether to stream the answer as server-sent events.",
            },
        },
        "required": ["model"],
        "additionalProperties": true,
    });
    if operation.has_stream_options() {
        schema["properties"]["stream_options"] = json!({
            "type": ["object", "null"],
            "properties": {"include_usage": {"type": ["boolean", "null"]}},
            "description": "Usage is always requested upstream, and sent to clients that ask for \
             it.",
        });
    }
    let (field, shape) = match operation {
        Operation::ChatCompletion | Operation::Message | Operation::TokenCount => {
            ("messages", messages())
        }
        Operation::Completion | Operation::ImageGeneration => ("prompt", json!({})),
        Operation::Response | Operation::Embedding | Operation::Speech | Operation::Moderation => {
            ("input", json!({}))
        }
        Operation::Rerank => ("documents", json!({})),
        Operation::Transcription => return form(),
    };
    schema["properties"][field] = shape;
    if field == "messages"
        && let Some(required) = schema["required"].as_array_mut()
    {
        required.push(field.into());
    }
    schema
}

/// The fields of a form that are read here.
pub(super) fn form() -> Value {
    json!({
        "type": "object",
        "properties": {
            "model": model(),
            "file": {"type": "string", "contentMediaType": "application/octet-stream"},
            "stream": {"type": "boolean"},
        },
        "required": ["model", "file"],
        "additionalProperties": true,
    })
}

fn model() -> Value {
    json!({
        "type": "string", "minLength": 1,
        "description": "A model listed by `GET /v1/models`.",
    })
}

fn messages() -> Value {
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "role": {"type": "string"},
                "content": {"type": ["string", "array", "null"]},
            },
            "required": ["role"],
            "additionalProperties": true,
        },
    })
}
