use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Result;
use crate::http::admin::query::Query;
use crate::http::admin::statistics::page_size;
use crate::store::{LedgerQueries, RequestFilter, RowPage};
use crate::wire::{ConversationId, ConversationScope, RequestId, Timestamp};

/// How many rows are read at a time, and at most, to find the conversations of one page.
const ROWS: u32 = 500;
const MAX_ROWS: usize = 20_000;

/// A page of conversations, those with the newest request first.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConversationPage {
    conversations: Vec<Summary>,
    /// What to ask for as `before` to get the next page; `None` on the last.
    next: Option<RequestId>,
}

/// One conversation's totals.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConversationSummary")]
struct Summary {
    conversation_id: String,
    /// Whose name that is, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_scope: Option<String>,
    requests: u64,
    rounds: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    models: Vec<String>,
    began_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
}

/// Goes back through the rows from `before`, and takes each conversation at its newest one. A page
/// can be short, where rows are many and conversations few: `next` goes on all the same.
pub(super) async fn page<S>(store: &S, query: &Query) -> Result<ConversationPage>
where
    S: LedgerQueries + ?Sized,
{
    let limit = usize::try_from(page_size(query)?).unwrap_or(usize::MAX);
    let first: Option<RequestId> = query.value("before", "a request id, as `next` has it")?;
    let (mut seen, mut conversations) = (HashSet::new(), Vec::new());
    let (mut before, mut read) = (first, 0);
    while read < MAX_ROWS {
        let rows = store.requests(RequestFilter::default(), before, ROWS);
        let rows = rows.await?;
        if rows.is_empty() {
            before = None;
            break;
        }
        read += rows.len();
        for row in rows {
            let id = (row.conversation_id, row.scope);
            if !seen.contains(&id) {
                if conversations.len() == limit {
                    let next = before;
                    return Ok(ConversationPage {
                        conversations,
                        next,
                    });
                }
                conversations.extend(summary(store, &id, first).await?);
                seen.insert(id);
            }
            before = Some(row.request_id);
        }
    }
    Ok(ConversationPage {
        conversations,
        next: before,
    })
}

/// `None` for a conversation that an earlier page has: one with a request that is not before
/// `first`.
async fn summary<S>(
    store: &S,
    (id, scope): &(String, Option<ConversationScope>),
    first: Option<RequestId>,
) -> Result<Option<Summary>>
where
    S: LedgerQueries + ?Sized,
{
    let id: ConversationId = id.parse()?;
    let id = match scope {
        Some(scope) => id.within(*scope),
        None => id,
    };
    // Its sums, and none of its rows.
    let page = RowPage {
        limit: Some(0),
        ..RowPage::default()
    };
    let Some(totals) = store.conversation(&id, page).await? else {
        return Ok(None);
    };
    let newest = totals.last_request_id;
    if newest.is_some_and(|newest| first.is_some_and(|first| newest >= first)) {
        return Ok(None);
    }
    Ok(Some(Summary {
        began_at: totals.began_at,
        last_at: totals.last_at,
        requests: totals.total_requests,
        conversation_id: totals.conversation_id,
        conversation_scope: totals.conversation_scope,
        rounds: totals.rounds,
        prompt_tokens: totals.prompt_tokens,
        completion_tokens: totals.completion_tokens,
        total_tokens: totals.total_tokens,
        models: totals.by_model.into_iter().map(|one| one.model).collect(),
    }))
}
