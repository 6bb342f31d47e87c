use super::ProviderProtocol;
use super::reading::Object;

/// Members in which some clouds put an error message instead of an answer.
const WORDS: [&str; 5] = ["message", "detail", "msg", "error_msg", "base_resp"];

/// Whether `body`, which came with a success status, is an error instead of an answer.
///
/// | body | |
/// |---|---|
/// | `{"error": …}` with any value except null, false and empty | an error |
/// | `{"type": "error"}`, `{"object": "error"}` | an error |
/// | `[{"error": …}]`, Gemini's format | an error |
/// | a response that `failed`; a choice that finished with an `error` | an error |
/// | a `message`, `detail`, `msg` or the like, and nothing of an answer | an error |
pub(super) fn is_fault(protocol: ProviderProtocol, body: &[u8]) -> bool {
    let list: Option<Vec<Object<'_>>> = serde_json::from_slice(body).ok();
    let object = match list {
        Some(list) => list.into_iter().next(),
        None => serde_json::from_slice(body).ok(),
    };
    object.is_some_and(|object| is_error(&object) || lacks_answer(protocol, &object))
}

fn is_error(object: &Object<'_>) -> bool {
    let choices: Vec<Object<'_>> = object.lenient("choices").unwrap_or_default();
    is_error_object(object) || choices.first().is_some_and(is_failed_choice)
}

/// Whether an object, an answer or a part of one, reports an error.
pub(super) fn is_error_object(object: &Object<'_>) -> bool {
    let is = |name, word| object.lenient::<String>(name).as_deref() == Some(word);
    has_error(object)
        || is("type", "error")
        || is("object", "error")
        || is("object", "response") && is("status", "failed")
}

/// Whether a choice ended with an error.
pub(super) fn is_failed_choice(choice: &Object<'_>) -> bool {
    has_error(choice) || choice.lenient::<String>("finish_reason").as_deref() == Some("error")
}

fn has_error(object: &Object<'_>) -> bool {
    let error = object.raw("error");
    error.is_some_and(|json| is_error_value(json.get()))
}

/// Whether the value of an `error` member is an actual error.
pub(crate) fn is_error_value(json: &str) -> bool {
    !matches!(json, "null" | "false" | "0" | "{}" | "[]" | "\"\"")
}

/// Whether an object has an error message and nothing of an answer.
pub(super) fn lacks_answer(protocol: ProviderProtocol, object: &Object<'_>) -> bool {
    let answer = match protocol {
        ProviderProtocol::Chat => "choices",
        ProviderProtocol::Messages => "content",
        ProviderProtocol::Responses => "output",
        ProviderProtocol::Gemini => "candidates",
        // Its answers are in `message`.
        ProviderProtocol::Ollama => return false,
    };
    let is_there = |name| object.raw(name).is_some_and(|json| json.get() != "[]");
    !is_there(answer) && WORDS.into_iter().any(is_there)
}
