use serde::Serialize;
use serde_json::value::RawValue;

use super::ArchiveRecord;
use crate::transcript::AssistantMessage;
use crate::wire::{ConversationId, RequestId, RequestState, Timestamp};

/// The start of each line, before its request's id; readers recognise a line by it.
pub(super) const HEAD: &[u8; 15] = br#"{"request_id":""#;

/// The fields of a line, in order.
#[derive(Serialize)]
struct Line<'a> {
    request_id: RequestId,
    conversation_id: &'a ConversationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_scope: Option<String>,
    provider: &'a str,
    model: &'a str,
    state: RequestState,
    started_at: Timestamp,
    ended_at: Timestamp,
    messages: &'a RawValue,
    reply: Vec<AssistantMessage>,
}

/// Appends the record's line, with its line end, to `lines`.
pub(super) fn write(record: &ArchiveRecord, lines: &mut Vec<u8>) -> serde_json::Result<()> {
    let start = lines.len();
    // As they are in the body, where that is a chat completion.
    let messages = record.asked.messages();
    let messages = messages.as_deref().unwrap_or(b"[]");
    let line = Line {
        request_id: record.request_id,
        conversation_id: &record.conversation_id,
        conversation_scope: (record.conversation_id.scope()).map(|scope| scope.to_string()),
        provider: &record.provider,
        model: &record.model,
        state: record.state,
        started_at: record.started_at,
        ended_at: record.ended_at,
        messages: serde_json::from_slice(messages)?,
        reply: record.answer.messages(),
    };
    if let Err(error) = serde_json::to_writer(&mut *lines, &line) {
        lines.truncate(start);
        return Err(error);
    }
    // Only between values: inside strings line ends are escaped.
    for byte in lines.iter_mut().skip(start) {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    lines.push(b'\n');
    Ok(())
}
