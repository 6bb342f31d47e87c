//! Requests and responses of the LLM port's paths, for its OpenAPI document.
//!
//! Most bodies pass through: only the fields that the gateway reads are described, and everything
//! else is allowed.

mod bodies;
mod calls;

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::error::ErrorKind as K;
use crate::http::api::route::Route;
use crate::http::openapi::{Document, Operation, Parameter, PathItem, Schemas};
use crate::wire::{AnthropicModel, AnthropicModelList, ConversationId, ModelEntry, ModelList};

pub(in crate::http) use calls::{chat_answers, chat_body};

/// The whole document, as JSON.
pub(super) fn whole() -> Bytes {
    static WHOLE: LazyLock<Bytes> = LazyLock::new(|| {
        let mut document = Document::new(
            "NexusAI: models",
            "The APIs of OpenAI and others, answered by whichever provider has the model. \
             Undocumented fields and answers pass through unchanged, and so do an upstream's own \
             errors, with any status. Every `GET` except the WebSocket accepts `HEAD` too.",
            json!({
                "bearer": {"type": "http", "scheme": "bearer", "description": "A client's key."},
                "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "api-key": {"type": "apiKey", "in": "header", "name": "api-key"},
            }),
            json!([{"bearer": []}, {"x-api-key": []}, {"api-key": []}]),
        );
        for (path, route, alias) in Route::all() {
            let item = describe(route, &mut document.schemas).each(named);
            document.path(&path, item);
            if let Some(alias) = alias {
                document.alias(alias, &path);
            }
        }
        document.into_json()
    });
    WHOLE.clone()
}

fn describe(route: Route, schemas: &mut Schemas) -> PathItem {
    const TAG: &str = "The port";
    match route {
        Route::Call(operation) => calls::call(operation, schemas),
        Route::Models => {
            let about =
                "Clients that send `anthropic-version` get Anthropic's format, with paging.";
            let limit = json!({"type": "integer", "minimum": 1, "maximum": 1000});
            let list = Operation::new("Models", "The models available to this key, by name")
                .about(about)
                .parameter(anthropic_version())
                .parameter(Parameter::query(
                    "limit",
                    limit,
                    "The page size, for Anthropic clients.",
                ))
                .parameter(Parameter::query(
                    "after_id",
                    text(),
                    "Those after this one.",
                ))
                .parameter(Parameter::query(
                    "before_id",
                    text(),
                    "Those before this one.",
                ))
                .answers_json(&json!({"oneOf": [
                    schemas.answer::<ModelList>(), schemas.answer::<AnthropicModelList>(),
                ]}))
                .tells_errors_as(&calls::anthropic_error());
            PathItem::new().get(list)
        }
        Route::Model => {
            let about = "Its name may contain slashes.";
            let model = Operation::new("Models", "One of the models available to this key")
                .parameter(Parameter::path("id", text(), about))
                .parameter(anthropic_version())
                .answers_json(&json!({"oneOf": [
                    schemas.answer::<ModelEntry>(), schemas.answer::<AnthropicModel>(),
                ]}))
                .tells_errors_as(&calls::anthropic_error())
                .fails(&[K::ModelNotFound]);
            PathItem::new().get(model)
        }
        Route::Socket => {
            let socket = Operation::new(TAG, "Chat over a WebSocket")
                .about(
                    "The key can be sent in a header, as a subprotocol (`nexus.key.` and the \
                        key as base64url), or in the first frame.",
                )
                .answers_nothing(101)
                .fails(&[K::InvalidApiKey, K::LoopDetected])
                .open();
            PathItem::new().get(socket)
        }
        Route::Health => {
            let schema = json!({
                "type": "object", "properties": {"status": {"const": "ok"}},
                "required": ["status"], "additionalProperties": false,
            });
            let health = Operation::new(TAG, "Whether the gateway is up").answers_json(&schema);
            PathItem::new().get(health.open())
        }
        Route::OpenApi => {
            let schema = json!({"type": "object"});
            let document = Operation::new(TAG, "This document").answers_json(&schema);
            PathItem::new().get(document.open())
        }
    }
}

fn text() -> Value {
    json!({"type": "string"})
}

fn anthropic_version() -> Parameter {
    let about = "Sent by Anthropic clients: answers and errors then have Anthropic's format.";
    Parameter::header("anthropic-version", text(), about)
}

/// Headers of every request and every answer.
fn named(operation: Operation) -> Operation {
    let open = operation.is_open();
    let id = json!({"type": "string"});
    let operation = operation
        .parameter(conversation())
        .header("x-request-id", &id, "The request's id on the ledger.")
        .header("x-conversation-id", &id, "Its conversation.")
        .fails(&[K::InvalidRequest])
        .fails_with(431, K::TooLarge);
    match open {
        true => operation,
        false => operation.fails(&[K::InvalidApiKey]),
    }
}

/// The header by which a client names a conversation.
pub(in crate::http) fn conversation() -> Parameter {
    let about = "The request's conversation. Without it: `x-session-id`, `session-id`, \
                 `session_id`, `thread-id`, `x-claude-code-session-id`, the body's \
                 `prompt_cache_key`, or the previous messages.";
    Parameter::header(
        "x-conversation-id",
        visible(ConversationId::MAX_CHARS),
        about,
    )
}

fn visible(longest: usize) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": longest, "pattern": "^[!-~]+$"})
}
