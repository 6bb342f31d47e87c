//! Errors: `{"error":{"message","type","param","code"}}`.
//!
//! | status | `type` | `code`, if the provider sends none |
//! |---|---|---|
//! | 401 | `authentication_error` | `invalid_api_key` |
//! | 403 | `permission_error` | the provider's, or none |
//! | 404 | `invalid_request_error` | `not_found` |
//! | 429 | `rate_limit_error` | `rate_limit_exceeded` |
//! | 503, 529 | `server_error` | `overloaded` |
//! | others | `invalid_request_error` below 500, else `server_error` | the provider's `type` |

use http::StatusCode;
use serde::Serialize;

use crate::translate::reading::{Object, Path};

/// Reads an error of a chat provider: its message, type and code. A body in any other format is the
/// message.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> (String, Option<String>, Option<String>) {
    // Gemini's compatible endpoint puts its error into a list.
    let list: Option<Vec<Object<'_>>> = serde_json::from_slice(body).ok();
    let object = match list.and_then(|list| list.into_iter().next()) {
        Some(first) => Some(first),
        None => Object::parse(body, &Path::Answer).ok(),
    };
    let Some(object) = object else {
        return (crate::translate::plain_error(status, body), None, None);
    };
    // OpenRouter and others put it into the choice that failed.
    let of_choice = || {
        let choices: Vec<Object<'_>> = object.lenient("choices")?;
        choices.into_iter().next()?.lenient::<Object<'_>>("error")
    };
    // Ollama and others send only a text, some without an envelope.
    let bare: Option<String> = object.lenient("error");
    let error = object.lenient::<Object<'_>>("error").or_else(of_choice);
    // MiniMax uses its own member.
    let error = error
        .or_else(|| object.lenient("base_resp"))
        .unwrap_or(object);
    let text = |name| {
        let text: Option<String> = error.lenient(name);
        // OpenRouter's codes are numbers.
        text.or_else(|| error.lenient::<i64>(name).map(|number| number.to_string()))
    };
    let message = bare
        .or_else(|| text("message"))
        .or_else(|| {
            ["detail", "msg", "error_msg", "status_msg"]
                .into_iter()
                .find_map(text)
        })
        .filter(|message| !message.is_empty())
        .unwrap_or_else(|| crate::translate::plain_error(status, body));
    (
        message,
        text("type"),
        text("code")
            .or_else(|| text("status"))
            .or_else(|| text("status_code")),
    )
}

#[derive(Serialize)]
struct Body<'a> {
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<()>,
    code: Option<&'a str>,
}

/// Writes an error in OpenAI's format.
pub(crate) fn write(
    status: StatusCode,
    message: &str,
    kind: Option<&str>,
    code: Option<&str>,
) -> Vec<u8> {
    let status = kind.and_then(implied).unwrap_or(status.as_u16());
    let (r#type, by_status) = match status {
        401 => ("authentication_error", Some("invalid_api_key")),
        403 => ("permission_error", None),
        404 => ("invalid_request_error", Some("not_found")),
        429 => ("rate_limit_error", Some("rate_limit_exceeded")),
        503 | 529 => ("server_error", Some("overloaded")),
        400..500 => ("invalid_request_error", None),
        _ => ("server_error", None),
    };
    let others = kind.filter(|&kind| kind != r#type);
    let body = Body {
        error: Detail {
            message,
            r#type,
            param: None,
            code: code.or(by_status).or(others),
        },
    };
    // Writing strings into a growing buffer cannot fail.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The status that belongs to Anthropic's error type: inside a stream there is no other.
fn implied(kind: &str) -> Option<u16> {
    Some(match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "permission_error" => 403,
        "not_found_error" => 404,
        "rate_limit_error" => 429,
        "overloaded_error" => 529,
        _ => return None,
    })
}

/// The status that an OpenAI client expects for a provider's: 503 for Anthropic's 529.
pub(crate) fn status(status: StatusCode) -> StatusCode {
    match status.as_u16() {
        529 => StatusCode::SERVICE_UNAVAILABLE,
        _ => status,
    }
}
