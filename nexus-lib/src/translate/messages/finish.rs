use crate::translate::Finish;

/// Why an answer ended, from `stop_reason` and `stop_sequence`.
pub(super) fn read(stop_reason: &str, stop_sequence: Option<String>) -> Finish {
    match stop_reason {
        "end_turn" => Finish::Stop,
        "stop_sequence" => Finish::StopSequence(stop_sequence),
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::ContentFilter,
        other => Finish::Other(other.to_owned()),
    }
}

/// The `stop_reason` and the `stop_sequence`. Whoever refused in words has refused.
pub(super) fn write(finish: &Finish, has_refused: bool) -> (&str, Option<&str>) {
    match finish {
        Finish::Stop if has_refused => ("refusal", None),
        Finish::Stop => ("end_turn", None),
        Finish::StopSequence(Some(text)) => ("stop_sequence", Some(text)),
        // OpenAI does not tell which text it was, or whether it was one at all.
        Finish::StopSequence(None) => ("end_turn", None),
        Finish::Length => ("max_tokens", None),
        Finish::ToolCalls => ("tool_use", None),
        Finish::ContentFilter => ("refusal", None),
        Finish::Other(reason) => (reason, None),
    }
}
