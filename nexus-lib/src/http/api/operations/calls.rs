use serde_json::{Value, json};

use crate::call::Operation as Call;
use crate::error::ErrorKind as K;
use crate::http::api::error_form::ErrorForm;
use crate::http::api::operations::bodies;
use crate::http::openapi::{Operation, Parameter, PathItem, Schemas};
use crate::wire::{ChatCompletion, ErrorBody};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

pub(super) fn call(call: Call, schemas: &mut Schemas) -> PathItem {
    let (tag, summary) = match call {
        Call::ChatCompletion => ("Chat", "Chat, by OpenAI's API"),
        Call::Message => ("Chat", "Chat, by Anthropic's API"),
        Call::TokenCount => ("Chat", "Count a chat's tokens, by Anthropic's API"),
        Call::Response => ("Chat", "Chat, by OpenAI's Responses API"),
        Call::Completion => ("Chat", "Continue a text"),
        Call::Embedding => ("Others", "Embed texts"),
        Call::ImageGeneration => ("Others", "Draw a picture"),
        Call::Speech => ("Others", "Say a text"),
        Call::Transcription => ("Others", "Transcribe audio"),
        Call::Moderation => ("Others", "Judge texts"),
        Call::Rerank => ("Others", "Rerank documents for a query"),
    };
    let operation = Operation::new(tag, summary).parameter(timeout());
    let operation = match call {
        Call::Transcription => operation.takes("multipart/form-data", &bodies::form(), true),
        _ => operation.takes_json(&bodies::json(call)),
    };
    let operation = match call {
        Call::ChatCompletion => return PathItem::new().post(chat_answers(operation, schemas)),
        Call::Message | Call::Response | Call::Completion | Call::ImageGeneration => operation
            .answers_json(&object())
            .answers(200, EVENTS, &event()),
        Call::Speech => {
            operation
                .answers(200, "audio/*", &json!({}))
                .answers(200, EVENTS, &event())
        }
        Call::Transcription => operation
            .answers_json(&object())
            .answers(200, EVENTS, &event())
            .answers(200, "text/plain", &text()),
        Call::TokenCount | Call::Embedding | Call::Moderation | Call::Rerank => {
            operation.answers_json(&object())
        }
    };
    let error = match ErrorForm::of(call) {
        ErrorForm::Anthropic => anthropic_error(),
        ErrorForm::OpenAi | ErrorForm::Responses => schemas.answer::<ErrorBody<'static>>(),
    };
    PathItem::new().post(passed_on(operation, &error))
}

/// The fields of a chat that are read here.
pub(in crate::http) fn chat_body() -> Value {
    bodies::json(Call::ChatCompletion)
}

/// Adds the answers of a chat.
pub(in crate::http) fn chat_answers(operation: Operation, schemas: &mut Schemas) -> Operation {
    let completion = schemas.body::<ChatCompletion>();
    let error = schemas.answer::<ErrorBody<'static>>();
    let operation = operation
        .answers(200, JSON, &completion)
        .answers(200, EVENTS, &event());
    passed_on(operation, &error)
}

/// Adds the errors of a call.
fn passed_on(operation: Operation, error: &Value) -> Operation {
    operation
        .header(
            "x-nexus-provider",
            &text(),
            "The provider that was asked, if any.",
        )
        .passes_errors_on(error)
        .fails(&[
            K::InvalidRequest,
            K::NotFound,
            K::ModelNotFound,
            K::RequestTimeout,
            K::TooLarge,
            K::UnsupportedMediaType,
            K::ProviderBusy,
            K::UpstreamUnreachable,
            K::UpstreamAuth,
            K::UpstreamInvalid,
            K::UpstreamRedirect,
            K::UpstreamTimeout,
            K::DeadlineExceeded,
            K::LedgerUnavailable,
            K::StoreUnavailable,
            K::Overloaded,
            K::LoopDetected,
            K::Closed,
            K::Internal,
        ])
}

/// The gateway's own error in Anthropic's format.
pub(super) fn anthropic_error() -> Value {
    json!({
        "type": "object",
        "properties": {
            "type": {"const": "error"},
            "error": {
                "type": "object",
                "properties": {"type": text(), "message": text(), "code": text()},
                "required": ["type", "message"],
                "additionalProperties": false,
            },
        },
        "required": ["type", "error"],
        "additionalProperties": false,
    })
}

fn timeout() -> Parameter {
    let schema = json!({"type": "integer", "minimum": 1, "maximum": 86_400_000});
    let about = "The client's deadline, in milliseconds.";
    Parameter::header("x-request-timeout-ms", schema, about)
}

/// One event of a stream. OpenAPI 3.1 cannot describe streams; by convention the schema is that of
/// each event.
fn event() -> Value {
    json!({
        "type": "object",
        "description": "Each event of the stream.",
        "properties": {
            "event": {"type": "string"},
            "data": {"type": "string", "description": "JSON, or `[DONE]`."},
            "id": {"type": "string"},
            "retry": {"type": "integer"},
        },
        "required": ["data"],
    })
}

fn object() -> Value {
    json!({"type": "object"})
}

fn text() -> Value {
    json!({"type": "string"})
}
