use rusqlite::Connection;
use rusqlite::types::Value;

use super::super::conversation::key;
use super::super::error::Failure;
use super::conditions::Conditions;
use super::totals::Sums;
use crate::store::ConversationTotals;
use crate::wire::ConversationId;

pub(in super::super) fn conversation(
    view: &Connection,
    id: &ConversationId,
) -> Result<Option<ConversationTotals>, Failure> {
    let mut conditions = Conditions::default();
    let began = id.request().and_then(|id| Some((id.seq(), id.tail()?)));
    match began {
        Some((seq, tail)) => {
            // Rows that name it, and the one that began it.
            let condition =
                "(conversation_id = ? OR seq = ? AND tail = ? AND conversation_id IS NULL)";
            conditions.and_all(condition, [key(id), Value::from(seq), Value::from(tail)]);
        }
        None => conditions.and("conversation_id = ?", key(id)),
    }
    let mut sums = Sums::default();
    sums.add_rows(view, &conditions)?;
    let totals = sums.totals();
    if totals.requests == 0 {
        return Ok(None);
    }
    Ok(Some(ConversationTotals {
        conversation_id: id.to_string(),
        rounds: totals.total_rounds,
        prompt_tokens: totals.prompt_tokens,
        completion_tokens: totals.completion_tokens,
        total_tokens: totals.total_tokens,
        by_provider: totals.by_provider,
        by_model: totals.by_model,
        requests: conditions.rows(view, "ORDER BY seq")?,
    }))
}
