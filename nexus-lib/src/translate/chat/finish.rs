use crate::translate::Finish;

/// Why an answer ended, from `finish_reason`, and whether tools were called in it: Gemini then says `stop`.
pub(super) fn read(finish_reason: &str, has_called: bool) -> Finish {
    match finish_reason {
        "stop" if has_called => Finish::ToolCalls,
        "stop" => Finish::Stop,
        "length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::ContentFilter,
        other => Finish::Other(other.to_owned()),
    }
}

/// The `finish_reason`.
pub(super) fn write(finish: &Finish) -> &str {
    match finish {
        Finish::Stop | Finish::StopSequence(_) => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
        Finish::ContentFilter => "content_filter",
        // Anthropic lets the client ask again with what it has; to chat the answer is over.
        Finish::Other(reason) if reason == "pause_turn" => "stop",
        Finish::Other(reason) => reason,
    }
}
