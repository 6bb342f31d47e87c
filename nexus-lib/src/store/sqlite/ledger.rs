use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;

use super::error::Failure;
use super::{SqliteStore, append, recalled, recover, statistics};
use crate::error::{ErrorKind, Result};
use crate::store::{
    Bucket, ConversationTotals, LedgerOutbox, LedgerQueries, LedgerRow, LedgerStore, LedgerWrite,
    Owners, RecalledConversation, RequestFilter, RequestRecord, RowPage, SeriesBucket, Totals,
};
use crate::wire::{ConversationId, RequestId, TimeRange, TimeZone, Timestamp};

#[async_trait]
impl LedgerStore for SqliteStore {
    async fn append(&self, batch: Arc<Vec<LedgerWrite>>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        if let Some(disk) = &self.inner.disk {
            // Nobody knows whether the files come back: those who wait for the row get an error at
            // once.
            disk.files.check(ErrorKind::StoreInvalid)?;
        }
        let is_kept = self.is_kept();
        self.write(move |transaction| append::write_batch(transaction, &batch, is_kept))
            .await
    }

    async fn recover(&self, owners: Owners) -> Result<u64> {
        let is_kept = self.is_kept();
        let owners = match owners {
            Owners::Gateway(id) => vec![Some(*id.as_bytes())],
            Owners::Gone => self.inner.gone.clone(),
        };
        self.write(move |transaction| recover::interrupt_open(transaction, &owners, is_kept))
            .await
    }

    fn outbox(&self) -> Option<&dyn LedgerOutbox> {
        Some(self)
    }

    async fn ping(&self) -> Result<()> {
        self.check().await
    }

    /// # Cancel safety
    /// A dropped future may leave the store half closed; calling again finishes it.
    async fn close(&self) -> Result<()> {
        self.end().await
    }
}

#[async_trait]
impl LedgerQueries for SqliteStore {
    async fn totals(&self, range: TimeRange) -> Result<Totals> {
        self.read(move |view| statistics::totals(view, range)).await
    }

    async fn series(
        &self,
        bucket: Bucket,
        range: TimeRange,
        zone: &TimeZone,
    ) -> Result<Vec<SeriesBucket>> {
        let zone = zone.clone();
        self.read(move |view| statistics::series(view, bucket, range, &zone))
            .await
    }

    async fn recall_conversations(
        &self,
        now: Timestamp,
        memory: Duration,
        most: usize,
    ) -> Result<Vec<RecalledConversation>> {
        self.read(move |view| recalled::read(view, now, memory, most))
            .await
    }

    async fn conversation(
        &self,
        id: &ConversationId,
        page: RowPage,
    ) -> Result<Option<ConversationTotals>> {
        let id = id.clone();
        self.read(move |view| statistics::conversation(view, &id, page))
            .await
    }

    async fn request(&self, id: RequestId) -> Result<Option<RequestRecord>> {
        self.read(move |view| statistics::request(view, id)).await
    }

    async fn requests(
        &self,
        filter: RequestFilter,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>> {
        self.read(move |view| statistics::requests(view, &filter, before, limit))
            .await
    }
}

/// Makes ids sort behind those that are stored, so that no key is used twice where the clock was
/// set back.
pub(super) fn raise_ids(connection: &Connection) -> Result<(), Failure> {
    let newest: Option<i64> =
        connection.query_row("SELECT MAX(seq) FROM ledger", [], |row| row.get(0))?;
    if let Some(newest) = newest {
        RequestId::from_parts(newest, 0).rise_above();
    }
    Ok(())
}
