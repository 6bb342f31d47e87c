//! Errors: `{"type":"error","error":{"type","message"}}`.
//!
//! | status | `type` |
//! |---|---|
//! | 400, 422 | `invalid_request_error` |
//! | 401 | `authentication_error` |
//! | 402 | `billing_error` |
//! | 403 | `permission_error` |
//! | 404 | `not_found_error` |
//! | 413 | `request_too_large` |
//! | 429 | `rate_limit_error` |
//! | 408, 504 | `timeout_error` |
//! | 503, 529 | `overloaded_error` |
//! | others | `invalid_request_error` below 500, else `api_error` |

use http::StatusCode;
use serde::Serialize;

use crate::translate::reading::{Object, Path};

/// Anthropic's error types.
const KINDS: [&str; 11] = [
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "conflict_error",
    "request_too_large",
    "rate_limit_error",
    "timeout_error",
    "api_error",
    "overloaded_error",
];

/// Reads an error of a Messages provider: its message, type and code. A body in any other format is
/// the message.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> (String, Option<String>, Option<String>) {
    let object = Object::parse(body, &Path::Answer).ok();
    let error = object
        .as_ref()
        .and_then(|object| object.lenient::<Object<'_>>("error"));
    let Some(error) = error else {
        // From a proxy, in another format.
        return crate::translate::chat::error::read(status, body);
    };
    let text = |name| error.lenient::<String>(name);
    let message = text("message").unwrap_or_else(|| crate::translate::plain_error(status, body));
    (message, text("type"), text("code"))
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    r#type: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

/// Writes an error in Anthropic's format. Its `type` is `kind` if that is one of Anthropic's, and
/// otherwise derived from `code` and `status`. The code is added, although Anthropic has none.
pub(crate) fn write(
    status: StatusCode,
    message: &str,
    kind: Option<&str>,
    code: Option<&str>,
) -> Vec<u8> {
    let known = |text: Option<&str>| KINDS.into_iter().find(|known| Some(*known) == text);
    let status_of_word = [code, kind].into_iter().flatten().find_map(implied);
    let by_status = match status_of_word.unwrap_or(status.as_u16()) {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        408 | 504 => "timeout_error",
        503 | 529 => "overloaded_error",
        400..500 => "invalid_request_error",
        _ => "api_error",
    };
    // OpenAI uses `invalid_request_error` for several types of Anthropic's.
    let by_kind = known(kind).filter(|kind| *kind != "invalid_request_error");
    let body = Body {
        r#type: "error",
        error: Detail {
            r#type: by_kind.or(known(code)).unwrap_or(by_status),
            message,
            code: code.filter(|code| !KINDS.contains(code)),
        },
    };
    // Writing strings into a growing buffer cannot fail.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The status that belongs to another provider's error type: inside a stream there is no other.
fn implied(word: &str) -> Option<u16> {
    Some(match word {
        "invalid_api_key" => 401,
        "insufficient_quota" | "rate_limit_exceeded" | "RESOURCE_EXHAUSTED" => 429,
        "UNAVAILABLE" | "server_overloaded" | "overloaded" => 503,
        // OpenRouter's codes are HTTP statuses.
        number => {
            return number
                .parse()
                .ok()
                .filter(|status| (400..600).contains(status));
        }
    })
}

/// The status that an Anthropic client expects for a provider's: 529 for 503.
pub(crate) fn status(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
        }
        status => status,
    }
}
