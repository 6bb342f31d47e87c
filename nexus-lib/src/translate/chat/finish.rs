use crate::translate::Finish;

/// The `finish_reason`.
pub(super) fn write(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::StopSequence(_) => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
        Finish::ContentFilter => "content_filter",
        // Clients know no other values; the provider's own ones mean that the answer is complete.
        Finish::Other(_) => "stop",
    }
}
