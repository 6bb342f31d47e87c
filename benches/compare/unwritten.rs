//! A store that discards the ledger: the cost of a gateway without one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use nexus_lib::secret::MasterKey;
use nexus_lib::store::{
    Bucket, ConversationTotals, LedgerQueries, LedgerRow, LedgerStore, LedgerWrite, ModelRecord,
    NewModel, Owners, ProviderWrite, RecalledConversation, RegistryRecords, RegistryStore,
    RequestFilter, RequestRecord, RowPage, SealedProvider, SeriesBucket, Totals, Version,
};
use nexus_lib::wire::{
    ConversationId, ModelId, ProviderId, RequestId, TimeRange, TimeZone, Timestamp,
};
use nexus_lib::{Result, SqliteStore};

/// Keeps the registry, but no rows.
pub(crate) struct Unwritten(pub(crate) SqliteStore);

#[async_trait]
impl LedgerStore for Unwritten {
    async fn append(&self, _: Arc<Vec<LedgerWrite>>) -> Result<()> {
        Ok(())
    }

    async fn recover(&self, _: Owners) -> Result<u64> {
        Ok(0)
    }

    async fn ping(&self) -> Result<()> {
        self.0.ping().await
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}

#[async_trait]
impl LedgerQueries for Unwritten {
    async fn totals(&self, range: TimeRange) -> Result<Totals> {
        self.0.totals(range).await
    }

    async fn series(
        &self,
        bucket: Bucket,
        range: TimeRange,
        zone: &TimeZone,
    ) -> Result<Vec<SeriesBucket>> {
        self.0.series(bucket, range, zone).await
    }

    async fn recall_conversations(
        &self,
        now: Timestamp,
        memory: Duration,
        most: usize,
    ) -> Result<Vec<RecalledConversation>> {
        self.0.recall_conversations(now, memory, most).await
    }

    async fn conversation(
        &self,
        id: &ConversationId,
        page: RowPage,
    ) -> Result<Option<ConversationTotals>> {
        self.0.conversation(id, page).await
    }

    async fn request(&self, id: RequestId) -> Result<Option<RequestRecord>> {
        self.0.request(id).await
    }
    async fn requests(
        &self,
        filter: RequestFilter,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>> {
        self.0.requests(filter, before, limit).await
    }
}

#[async_trait]
impl RegistryStore for Unwritten {
    async fn load(&self) -> Result<RegistryRecords> {
        self.0.load().await
    }

    async fn master_key(&self) -> Result<Option<MasterKey>> {
        self.0.master_key().await
    }

    async fn insert_provider(&self, write: ProviderWrite) -> Result<SealedProvider> {
        self.0.insert_provider(write).await
    }

    async fn update_provider(
        &self,
        id: ProviderId,
        write: ProviderWrite,
        expected: Option<Version>,
    ) -> Result<SealedProvider> {
        self.0.update_provider(id, write, expected).await
    }

    async fn delete_provider(&self, id: ProviderId, expected: Option<Version>) -> Result<()> {
        self.0.delete_provider(id, expected).await
    }

    async fn insert_model(&self, new: NewModel) -> Result<ModelRecord> {
        self.0.insert_model(new).await
    }

    async fn update_model(
        &self,
        id: ModelId,
        new: NewModel,
        expected: Option<Version>,
    ) -> Result<ModelRecord> {
        self.0.update_model(id, new, expected).await
    }

    async fn delete_model(&self, id: ModelId, expected: Option<Version>) -> Result<()> {
        self.0.delete_model(id, expected).await
    }
}
