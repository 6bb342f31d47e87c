use http::StatusCode;

/// The status implied by a provider's error type or code: inside an answer that has started there
/// is no other.
pub(crate) fn implied_status(kind: Option<&str>, code: Option<&str>) -> Option<StatusCode> {
    let status = [code, kind].into_iter().flatten().find_map(of_word)?;
    StatusCode::from_u16(status).ok()
}

fn of_word(word: &str) -> Option<u16> {
    Some(match word {
        "invalid_request_error" | "INVALID_ARGUMENT" | "FAILED_PRECONDITION" => 400,
        "authentication_error" | "invalid_api_key" | "UNAUTHENTICATED" => 401,
        "billing_error" => 402,
        "permission_error" | "PERMISSION_DENIED" => 403,
        "not_found_error" | "model_not_found" | "NOT_FOUND" => 404,
        "request_too_large" => 413,
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "insufficient_quota"
        | "RESOURCE_EXHAUSTED" => 429,
        "api_error" | "server_error" | "INTERNAL" => 500,
        "UNAVAILABLE" | "server_overloaded" | "overloaded" => 503,
        "timeout_error" | "DEADLINE_EXCEEDED" => 504,
        "overloaded_error" => 529,
        // OpenRouter's codes are HTTP statuses.
        number => number
            .parse()
            .ok()
            .filter(|status| (400..600).contains(status))?,
    })
}
