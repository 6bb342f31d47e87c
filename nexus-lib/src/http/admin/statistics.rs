use std::str::FromStr;
use std::time::Duration;

use crate::archive::Archive;
use crate::error::{Error, ErrorKind, Result};
use crate::http::admin::query::Query;
use crate::http::admin::views::{
    ConversationView, RequestPage, RequestView, SeriesView, SummaryView, TotalsView,
};
use crate::store::{Bucket, LedgerQueries, LedgerRow, RequestFilter, RowPage};
use crate::wire::{ConversationId, ProviderId, RequestId, TimeRange, Timestamp};

/// How many rows a page has when the client does not say.
const DEFAULT_PAGE: u32 = 50;
/// How many rows a page has at most.
const LARGEST_PAGE: u32 = 1000;

/// How many of a conversation's calls are shown with their messages: the newest.
const MAX_MESSAGES: usize = 200;

pub(super) async fn totals<S>(store: &S, query: &Query) -> Result<TotalsView>
where
    S: LedgerQueries + ?Sized,
{
    let (now, range) = (Timestamp::now(), query.range()?);
    let totals = store.totals(range).await?;
    Ok(TotalsView { totals, now })
}

/// Totals and series of one range, and where the ledger ends: all that an overview shows.
pub(super) async fn summary<S>(store: &S, query: &Query) -> Result<SummaryView>
where
    S: LedgerQueries + ?Sized,
{
    let (now, bucket) = (Timestamp::now(), bucket(query)?);
    let (range, zone) = (query.range()?, query.time_zone()?);
    let buckets = store.series(bucket, range, &zone).await?;
    // A series without a beginning has one of its own: both are of the same time.
    let from = range.from.or(buckets.first().map(|first| first.start));
    let totals = store.totals(TimeRange { from, ..range }).await?;
    let latest = store.requests(RequestFilter::default(), None, 1).await?;
    Ok(SummaryView {
        now,
        latest_request_id: latest.first().map(|row| row.request_id),
        totals,
        buckets,
    })
}

fn bucket(query: &Query) -> Result<Bucket> {
    let bucket = query.value("bucket", BUCKET)?;
    bucket.ok_or_else(|| {
        let message = format!("`bucket` is missing; it is {BUCKET}");
        Error::new(ErrorKind::Unprocessable, message).with_param("bucket")
    })
}

pub(super) async fn series<S>(store: &S, query: &Query) -> Result<SeriesView>
where
    S: LedgerQueries + ?Sized,
{
    let (now, bucket) = (Timestamp::now(), bucket(query)?);
    let (range, zone) = (query.range()?, query.time_zone()?);
    let buckets = store.series(bucket, range, &zone).await?;
    Ok(SeriesView { now, buckets })
}

/// What a query's `scope` is.
const SCOPE: &str = "16 hexadecimal digits, as rows have them in `conversation_scope`";

pub(super) async fn conversation<S>(
    store: &S,
    archive: Option<&Archive>,
    id: &ConversationId,
    query: &Query,
) -> Result<ConversationView>
where
    S: LedgerQueries + ?Sized,
{
    let now = Timestamp::now();
    let page = RowPage {
        after: query.value("after", REQUEST_ID)?,
        before: query.value("before", REQUEST_ID)?,
        limit: limit(query)?,
    };
    let most = match query.value("messages", MESSAGES)? {
        None | Some(Messages::All) => MAX_MESSAGES,
        Some(Messages::Last) => 1,
        Some(Messages::None) => 0,
    };
    let id = match query.value("scope", SCOPE)? {
        Some(scope) => id.clone().within(scope),
        None => id.clone(),
    };
    let totals = store.conversation(&id, page).await?.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            "no request on the ledger carries this conversation id",
        )
    })?;
    let messages = match archive {
        Some(archive) if most > 0 => archive.read(newest(&totals.requests, most)).await?,
        _ => Vec::new(),
    };
    Ok(ConversationView {
        totals,
        messages,
        now,
    })
}

/// Which messages of a conversation are wanted: those of each call on the page, of the newest of
/// them, which has what was said before, or none.
enum Messages {
    All,
    Last,
    None,
}

impl FromStr for Messages {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "all" => Ok(Self::All),
            "last" => Ok(Self::Last),
            "none" => Ok(Self::None),
            _ => Err(()),
        }
    }
}

/// The newest of a conversation's settled calls, oldest first, and when they ended.
fn newest(rows: &[LedgerRow], most: usize) -> Vec<(RequestId, Timestamp)> {
    let settled = rows.iter().filter_map(|row| {
        let duration = Duration::from_millis(row.duration_ms?);
        Some((row.request_id, row.started_at.saturating_add(duration)))
    });
    let mut newest: Vec<_> = settled.rev().take(most).collect();
    newest.reverse();
    newest
}

pub(super) async fn request<S>(
    store: &S,
    archive: Option<&Archive>,
    id: Option<RequestId>,
) -> Result<RequestView>
where
    S: LedgerQueries + ?Sized,
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
            let row = std::slice::from_ref(&record.row);
            archive.read(newest(row, 1)).await?
        }
        None => Vec::new(),
    };
    Ok(RequestView {
        record,
        messages,
        now: Timestamp::now(),
    })
}

pub(super) async fn requests<S>(store: &S, query: &Query) -> Result<RequestPage>
where
    S: LedgerQueries + ?Sized,
{
    let limit = page_size(query)?;
    let now = Timestamp::now();
    let before = query.value("before", REQUEST_ID)?;
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
        now,
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

const MESSAGES: &str = "one of all, last, none";
const REQUEST_ID: &str = "a request id, as `next` has it";
const BUCKET: &str = "one of minute, hour, day";
const LIMIT: &str = "a whole number from 1 to 1000";
