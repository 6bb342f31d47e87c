use crate::translate::Finish;

/// Why an answer ended, from `stop_reason` and `stop_sequence`.
pub(super) fn read(stop_reason: &str, stop_sequence: Option<String>) -> Option<Finish> {
    match stop_reason {
        "stop_sequence" => Some(Finish::StopSequence(stop_sequence)),
        word => Finish::of_word(word),
    }
}

/// The `stop_reason` and the `stop_sequence`. An answer with refusal text is a refusal.
pub(super) fn write(finish: &Finish, has_refused: bool) -> (&str, Option<&str>) {
    match finish {
        Finish::Stop if has_refused => ("refusal", None),
        Finish::Stop => ("end_turn", None),
        Finish::StopSequence(Some(text)) => ("stop_sequence", Some(text)),
        // OpenAI does not report which sequence it was, or whether there was one.
        Finish::StopSequence(None) => ("end_turn", None),
        Finish::Length => ("max_tokens", None),
        Finish::ToolCalls => ("tool_use", None),
        Finish::ContentFilter => ("refusal", None),
        // The client sends what it has and continues.
        Finish::Other(reason) if reason == "pause_turn" => ("pause_turn", None),
        Finish::Other(_) if has_refused => ("refusal", None),
        // Clients know no other values.
        Finish::Other(_) => ("end_turn", None),
    }
}
