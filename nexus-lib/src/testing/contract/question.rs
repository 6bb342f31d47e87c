use serde_json::{Value, json};

use crate::call::Operation;

/// A client's request, in the protocol of a chat.
pub(super) fn question(operation: Operation, model: &str, is_stream: bool) -> Value {
    let said = json!([{"role": "user", "content": "Say hello to me, please."}]);
    let mut body = json!({"model": model, "stream": is_stream});
    match operation {
        Operation::Response => body["input"] = said,
        Operation::Message => {
            body["messages"] = said;
            body["max_tokens"] = json!(64);
        }
        _ => {
            body["messages"] = said;
            if is_stream {
                body["stream_options"] = json!({"include_usage": true});
            }
        }
    }
    body
}

/// A request that names a model, and is otherwise malformed.
pub(super) fn unreadable(operation: Operation, model: &str) -> Value {
    let mut body = question(operation, model, false);
    let list = match operation {
        Operation::Response => "input",
        _ => "messages",
    };
    body[list] = json!([7]);
    body
}
