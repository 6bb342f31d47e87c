use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use nexus_lib::secret::MasterKey;
use nexus_lib::store::{
    Bucket, ConversationTotals, LedgerQueries, LedgerRow, LedgerStore, LedgerWrite, ModelRecord,
    NewModel, Owners, ProviderWrite, RecalledConversation, RegistryRecords, RegistryStore,
    RequestFilter, RequestRecord, RowPage, SealedProvider, SeriesBucket, Totals, Version,
};
use nexus_lib::testing::Gate;
use nexus_lib::wire::{
    ConversationId, ModelId, ProviderId, RequestId, TimeRange, TimeZone, Timestamp,
};
use nexus_lib::{Error, ErrorKind, Result, SqliteStore};

/// What happens to a batch of rows.
#[derive(Clone)]
pub(crate) enum Append {
    /// It is written once the gate is open.
    Behind(Gate),
    /// It is not written.
    Fails,
    /// The store panics.
    Panics,
}

/// A store whose ledger treats its first batches as specified, and writes all others at once.
pub(crate) struct GatedStore {
    pub(crate) inner: SqliteStore,
    pub(crate) appends: tokio::sync::Mutex<Vec<Append>>,
}

#[async_trait]
impl LedgerStore for GatedStore {
    async fn append(&self, batch: Arc<Vec<LedgerWrite>>) -> Result<()> {
        let mut appends = self.appends.lock().await;
        let append = (!appends.is_empty()).then(|| appends.remove(0));
        drop(appends);
        match append {
            Some(Append::Behind(gate)) => gate.pass().await,
            Some(Append::Fails) => {
                return Err(Error::new(ErrorKind::StoreInvalid, "the disk is gone"));
            }
            Some(Append::Panics) => panic!("a store of the test panics"),
            None => {}
        }
        self.inner.append(batch).await
    }

    async fn recover(&self, owners: Owners) -> Result<u64> {
        self.inner.recover(owners).await
    }

    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

#[async_trait]
impl LedgerQueries for GatedStore {
    async fn totals(&self, range: TimeRange) -> Result<Totals> {
        self.inner.totals(range).await
    }

    async fn series(
        &self,
        bucket: Bucket,
        range: TimeRange,
        zone: &TimeZone,
    ) -> Result<Vec<SeriesBucket>> {
        self.inner.series(bucket, range, zone).await
    }

    async fn recall_conversations(
        &self,
        now: Timestamp,
        memory: Duration,
        most: usize,
    ) -> Result<Vec<RecalledConversation>> {
        self.inner.recall_conversations(now, memory, most).await
    }

    async fn conversation(
        &self,
        id: &ConversationId,
        page: RowPage,
    ) -> Result<Option<ConversationTotals>> {
        self.inner.conversation(id, page).await
    }

    async fn request(&self, id: RequestId) -> Result<Option<RequestRecord>> {
        self.inner.request(id).await
    }
    async fn requests(
        &self,
        filter: RequestFilter,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>> {
        self.inner.requests(filter, before, limit).await
    }
}

#[async_trait]
impl RegistryStore for GatedStore {
    async fn load(&self) -> Result<RegistryRecords> {
        self.inner.load().await
    }

    async fn master_key(&self) -> Result<Option<MasterKey>> {
        self.inner.master_key().await
    }

    async fn insert_provider(&self, write: ProviderWrite) -> Result<SealedProvider> {
        self.inner.insert_provider(write).await
    }

    async fn update_provider(
        &self,
        id: ProviderId,
        write: ProviderWrite,
        expected: Option<Version>,
    ) -> Result<SealedProvider> {
        self.inner.update_provider(id, write, expected).await
    }

    async fn delete_provider(&self, id: ProviderId, expected: Option<Version>) -> Result<()> {
        self.inner.delete_provider(id, expected).await
    }

    async fn insert_model(&self, new: NewModel) -> Result<ModelRecord> {
        self.inner.insert_model(new).await
    }

    async fn update_model(
        &self,
        id: ModelId,
        new: NewModel,
        expected: Option<Version>,
    ) -> Result<ModelRecord> {
        self.inner.update_model(id, new, expected).await
    }

    async fn delete_model(&self, id: ModelId, expected: Option<Version>) -> Result<()> {
        self.inner.delete_model(id, expected).await
    }
}
