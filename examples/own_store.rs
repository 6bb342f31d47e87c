//! A registry store of one's own, shared by two gateways: what is registered at one of them is in
//! force at the other.
//!
//! This one keeps everything in memory; a real one would keep it in the application's database.
//! It needs no cryptography: providers' keys reach it sealed, and clients' keys as their hashes.
//! The ledger stays in SQLite here, as the parts of a store can come from different places.
//!
//! ```sh
//! cargo run -p nexus-examples --example own_store -- --once
//! ```

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nexus_lib::error::ErrorKind;
use nexus_lib::secret::MasterKey;
use nexus_lib::store::{
    ModelRecord, ProviderWrite, RegistryRecords, RegistryStore, RevisionChange, SealedProvider,
    Version,
};
use nexus_lib::wire::{KeyId, ModelId, ProviderId, Timestamp};
use nexus_lib::{ChatRequest, Gateway, NewModel, ProviderSpec, Result, SqliteStore};
use tokio::sync::watch;

const KEY: &str = "client-key";
const MODEL: &str = "nexus-echo";

struct InMemory {
    records: Mutex<RegistryRecords>,
    revision: watch::Sender<u64>,
}

impl InMemory {
    fn new() -> Self {
        Self {
            records: Mutex::default(),
            revision: watch::Sender::new(0),
        }
    }

    fn records(&self) -> MutexGuard<'_, RegistryRecords> {
        // A change that panicked was not applied.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a change as a whole or not at all, and announces it.
    fn change<T>(&self, change: impl FnOnce(&mut RegistryRecords) -> Result<T>) -> Result<T> {
        let mut records = self.records();
        let mut changed = records.clone();
        let done = change(&mut changed)?;
        changed.revision += 1;
        self.revision.send_replace(changed.revision);
        *records = changed;
        Ok(done)
    }
}

fn not_found(what: &str) -> nexus_lib::Error {
    nexus_lib::Error::new(ErrorKind::NotFound, format!("there is no such {what}"))
}

#[async_trait]
impl RegistryStore for InMemory {
    async fn load(&self) -> Result<RegistryRecords> {
        Ok(self.records().clone())
    }

    fn watch(&self, revision: u64) -> RevisionChange {
        // The future has a receiver, and not the store.
        let mut revisions = self.revision.subscribe();
        Box::pin(async move {
            let changed = revisions.wait_for(|present| *present != revision).await;
            changed
                .map(|present| *present)
                .map_err(|_| nexus_lib::Error::new(ErrorKind::Closed, "the store is gone"))
        })
    }

    async fn insert_provider(&self, write: ProviderWrite) -> Result<SealedProvider> {
        self.change(|records| {
            // It rises with every change, so it is new.
            let id = records.revision.cast_signed() + 1;
            // A provider's clients send its `personalized_key`. This store gives each provider a
            // key id of its own; one that has keys would look the hash up.
            let (id, key_id) = (ProviderId(id), KeyId(id));
            let provider = SealedProvider::new(id, key_id, &write, Timestamp::now())?;
            records.providers.push(provider.clone());
            Ok(provider)
        })
    }

    async fn update_provider(
        &self,
        id: ProviderId,
        write: ProviderWrite,
        expected: Option<Version>,
    ) -> Result<SealedProvider> {
        self.change(|records| {
            let mut providers = records.providers.iter_mut();
            let present = providers.find(|present| present.id == id);
            let present = present.ok_or_else(|| not_found("provider"))?;
            present.version().check(expected)?;
            let sealed = write.seal(id)?;
            present.fields = write.fields;
            present.proxy_url = sealed.proxy_url;
            present.server_key = sealed.server_key.unwrap_or(present.server_key.clone());
            present.client_key = write.client_key.unwrap_or(present.client_key.clone());
            present.updated_at = Timestamp::now();
            Ok(present.clone())
        })
    }

    async fn delete_provider(&self, id: ProviderId, expected: Option<Version>) -> Result<()> {
        self.change(|records| {
            let mut providers = records.providers.iter();
            let at = providers.position(|present| present.id == id);
            let at = at.ok_or_else(|| not_found("provider"))?;
            records.providers[at].version().check(expected)?;
            records.providers.remove(at);
            records.models.retain(|model| model.provider_id != id);
            Ok(())
        })
    }

    async fn insert_model(&self, new: NewModel) -> Result<ModelRecord> {
        self.change(|records| {
            let id = ModelId(records.revision.cast_signed() + 1);
            let model = ModelRecord::new(id, new, Timestamp::now());
            records.models.push(model.clone());
            Ok(model)
        })
    }

    async fn update_model(
        &self,
        id: ModelId,
        new: NewModel,
        expected: Option<Version>,
    ) -> Result<ModelRecord> {
        self.change(|records| {
            let mut models = records.models.iter_mut();
            let present = models.find(|present| present.id == id);
            let present = present.ok_or_else(|| not_found("model"))?;
            present.version().check(expected)?;
            let created_at = present.created_at;
            *present = ModelRecord::new(id, new, Timestamp::now());
            present.created_at = created_at;
            Ok(present.clone())
        })
    }

    async fn delete_model(&self, id: ModelId, expected: Option<Version>) -> Result<()> {
        self.change(|records| {
            let mut models = records.models.iter();
            let at = models.position(|present| present.id == id);
            let at = at.ok_or_else(|| not_found("model"))?;
            records.models[at].version().check(expected)?;
            records.models.remove(at);
            Ok(())
        })
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let registry = Arc::new(InMemory::new());
    // All gateways of one store have one master key; a real program keeps it.
    let key = MasterKey::generate()?;
    let ledger = SqliteStore::in_memory().await?;
    let gateway = || {
        Gateway::builder_with(registry.clone(), ledger.clone(), ledger.clone())
            .master_key(key.clone())
            .build()
    };
    let (one, other) = (gateway().await?, gateway().await?);

    let spec = ProviderSpec::new("Demo", "http://demo.invalid", "", KEY).kind("demo");
    let demo = one.registry().add_provider(spec).await?;
    one.registry()
        .add_model(NewModel::new(demo.id, MODEL))
        .await?;

    // The other one learns of it by itself.
    let reply = loop {
        let question = ChatRequest::new(MODEL).user("Hello there!").key(KEY);
        match other.chat(question).await {
            Ok(reply) => break reply,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    println!("{}", reply.completion.text());
    one.close().await?;
    Ok(other.close().await?)
}
