use std::time::Duration;

use crate::archive::Archive;
use crate::error::{Error, ErrorKind, Result};
use crate::http::admin::query::Query;
use crate::http::admin::views::{ConversationView, RequestPage, RequestView, SeriesView};
use crate::store::{Bucket, LedgerRow, LedgerStore, RequestFilter, Totals};
use crate::wire::{ConversationId, ProviderId, RequestId, Timestamp};

/// How many rows a page has when the client does not say.
const DEFAULT_PAGE: u32 = 50;
/// How many rows a page has at most.
const LARGEST_PAGE: u32 = 1000;

/// How many of a conversation's calls are shown with their messages: the newest.
const MOST_MESSAGES: usize = 200;

pub(super) async fn totals<S>(store: &S, query: &Query) -> Result<Totals>
where
    S: LedgerStore + ?Sized,
{
    store.totals(query.range()?).await
}

pub(super) async fn series<S>(store: &S, query: &Query) -> Result<SeriesView>
where
    S: LedgerStore + ?Sized,
{
    let bucket: Option<Bucket> = query.value("bucket", BUCKET)?;
    let bucket = bucket.ok_or_else(|| {
        let message = format!("`bucket` is missing; it is {BUCKET}");
        Error::new(ErrorKind::Unprocessable, message).with_param("bucket")
    })?;
    let buckets = store.series(bucket, query.range()?).await?;
    Ok(SeriesView { buckets })
}

pub(super) async fn conversation<S>(
    store: &S,
    archive: Option<&Archive>,
    id: &ConversationId,
) -> Result<ConversationView>
where
    S: LedgerStore + ?Sized,
{
    let totals = store.conversation(id).await?.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            "no request on the ledger carries this conversation id",
        )
    })?;
    let messages = match archive {
        Some(archive) => archive.read(newest(&totals.requests)).await?,
        None => Vec::new(),
    };
    Ok(ConversationView { totals, messages })
}

/// The newest of a conversation's settled calls, oldest first, and when they ended.
fn newest(rows: &[LedgerRow]) -> Vec<(RequestId, Timestamp)> {
    let settled = rows.iter().filter_map(|row| {
        let duration = Duration::from_millis(row.duration_ms?);
        Some((row.request_id, row.started_at.saturating_add(duration)))
    });
    let mut newest: Vec<_> = settled.rev().take(MOST_MESSAGES).collect();
    newest.reverse();
    newest
}

pub(super) async fn request<S>(
    store: &S,
    archive: Option<&Archive>,
    id: Option<RequestId>,
) -> Result<RequestView>
where
    S: LedgerStore + ?Sized,
{
    let record = match id {
        Some(id) => store.request(id).await?,
        None => None,
    };
    let record = record.ok_or_else(|| {
        let message = "no request on the ledger has this id; `GET /stats/requests` lists them";
        Error::new(ErrorKind::NotFound, message)
    })?;
    let messages = match archive {
        Some(archive) => {
            archive
                .read(newest(std::slice::from_ref(&record.row)))
                .await?
        }
        None => Vec::new(),
    };
    Ok(RequestView { record, messages })
}

pub(super) async fn requests<S>(store: &S, query: &Query) -> Result<RequestPage>
where
    S: LedgerStore + ?Sized,
{
    let limit = page_size(query)?;
    let before = query.value("before", "a request id, as `next` has it")?;
    let filter = RequestFilter {
        model: query.text("model")?.map(str::to_owned),
        provider_id: query
            .value("provider_id", "a provider's id, a whole number")?
            .map(ProviderId),
        state: query.value(
            "state",
            "one of open, completed, failed, cancelled, interrupted",
        )?,
        range: query.range()?,
    };
    // One row more tells whether there is another page.
    let mut requests = store.requests(filter, before, limit + 1).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = requests.len() > wanted;
    requests.truncate(wanted);
    let last = requests.last().map(|row| row.request_id);
    Ok(RequestPage {
        requests,
        next: last.filter(|_| more),
    })
}

/// How many entries a page is to have.
pub(super) fn page_size(query: &Query) -> Result<u32> {
    Ok(limit(query)?.unwrap_or(DEFAULT_PAGE))
}

/// How many entries are wanted, where that is said.
pub(super) fn limit(query: &Query) -> Result<Option<u32>> {
    match query.value("limit", LIMIT)? {
        None => Ok(None),
        Some(limit @ 1..=LARGEST_PAGE) => Ok(Some(limit)),
        Some(_) => {
            let message = format!("`limit` must be {LIMIT}");
            Err(Error::new(ErrorKind::Unprocessable, message).with_param("limit"))
        }
    }
}

const BUCKET: &str = "one of minute, hour, day";
const LIMIT: &str = "a whole number from 1 to 1000";
