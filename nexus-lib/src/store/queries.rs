use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::Result;
use crate::store::{
    Bucket, ConversationTotals, LedgerRow, RequestFilter, RequestRecord, RowPage, SeriesBucket,
    Totals,
};
use crate::wire::{ConversationId, ConversationMark, RequestId, TimeRange, TimeZone, Timestamp};

/// A reply that the ledger remembers: its mark, its conversation, and when its call ended.
pub type RecalledConversation = (ConversationMark, ConversationId, Timestamp);

/// Answers questions about the ledger: about everything that was appended before.
///
/// # Errors
/// `StoreUnavailable` when the store cannot be reached just now.
#[async_trait]
pub trait LedgerQueries: Send + Sync + 'static {
    /// Sums over requests that started in `range`.
    async fn totals(&self, range: TimeRange) -> Result<Totals>;

    /// Sums by minute, hour or day of a time zone, of every bucket that has a moment of `range`;
    /// the first and the last have only what lies in it, so that the sums are those of
    /// [`totals`](Self::totals). Those without requests are there with zeros. A range without an
    /// end ends now, and one without a beginning has the last 60 minutes, 48 hours or 30 days.
    /// `Unprocessable` for more than [`Bucket::MAX`] buckets, and for a time zone that is not
    /// known.
    async fn series(
        &self,
        bucket: Bucket,
        range: TimeRange,
        zone: &TimeZone,
    ) -> Result<Vec<SeriesBucket>>;

    /// The thread marks of calls that ended within `memory` before `now`, with their conversations
    /// and when they ended, oldest first; of more than `most`, the newest.
    async fn recall_conversations(
        &self,
        now: Timestamp,
        memory: Duration,
        most: usize,
    ) -> Result<Vec<RecalledConversation>>;

    /// One conversation's sums, and a page of its rows, oldest first; `None` when no request
    /// carries that id.
    async fn conversation(
        &self,
        id: &ConversationId,
        page: RowPage,
    ) -> Result<Option<ConversationTotals>>;

    /// One row, with the outcome of each request to a provider; `None` when there is none.
    async fn request(&self, id: RequestId) -> Result<Option<RequestRecord>>;

    /// A page of at most `limit` rows that match `filter`, newest first, older than `before`.
    async fn requests(
        &self,
        filter: RequestFilter,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>>;
}

#[async_trait]
impl<T: LedgerQueries + ?Sized> LedgerQueries for Arc<T> {
    async fn totals(&self, range: TimeRange) -> Result<Totals> {
        (**self).totals(range).await
    }

    async fn series(
        &self,
        bucket: Bucket,
        range: TimeRange,
        zone: &TimeZone,
    ) -> Result<Vec<SeriesBucket>> {
        (**self).series(bucket, range, zone).await
    }

    async fn recall_conversations(
        &self,
        now: Timestamp,
        memory: Duration,
        most: usize,
    ) -> Result<Vec<RecalledConversation>> {
        (**self).recall_conversations(now, memory, most).await
    }

    async fn conversation(
        &self,
        id: &ConversationId,
        page: RowPage,
    ) -> Result<Option<ConversationTotals>> {
        (**self).conversation(id, page).await
    }

    async fn request(&self, id: RequestId) -> Result<Option<RequestRecord>> {
        (**self).request(id).await
    }

    async fn requests(
        &self,
        filter: RequestFilter,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>> {
        (**self).requests(filter, before, limit).await
    }
}
