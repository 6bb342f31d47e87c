use std::time::Duration;

use rusqlite::Connection;

use super::conversation;
use super::error::Failure;
use crate::wire::{ConversationId, ConversationMark, RequestId, Timestamp};

/// From the end, so that the newest are read if there are too many.
const NEWEST: &str = "
    SELECT seq, tail, conversation_id, thread, started_at + 1000 * duration_ms FROM ledger
    WHERE seq >= ?1 AND thread IS NOT NULL ORDER BY seq DESC LIMIT ?2";

/// The marks of calls that ended within `memory` before `now`, oldest first.
pub(super) fn read(
    view: &Connection,
    now: Timestamp,
    memory: Duration,
    most: usize,
) -> Result<Vec<(ConversationMark, ConversationId, Timestamp)>, Failure> {
    // Twice as far back, for calls that took that long.
    let began = now.saturating_sub(memory * 2);
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let mut newest = view.prepare_cached(NEWEST)?;
    let mut rows = newest.query((RequestId::floor(began).seq(), limit))?;
    let mut recalled = Vec::new();
    while let Some(row) = rows.next()? {
        let ended = Timestamp::from_micros(row.get(4)?);
        if now.saturating_since(ended) > memory {
            continue;
        }
        let request = RequestId::from_parts(row.get(0)?, row.get(1)?);
        let conversation =
            conversation::read(row.get_ref(2)?, request).map_err(rusqlite::Error::from)?;
        // Stored values were validated before; a manually edited row is skipped.
        let Ok(conversation) = conversation.parse() else {
            continue;
        };
        let mark = ConversationMark::from_bits(u128::from_le_bytes(row.get(3)?));
        recalled.push((mark, conversation, ended));
    }
    recalled.reverse();
    Ok(recalled)
}
