use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::Value;

use crate::call::{Attempt, Operation, RequestBody, Routed};
use crate::conversation::Conversations;
use crate::error::{Error, ErrorKind, Result};
use crate::intake::{Arrival, Passport};
use crate::registry::{ProviderSpec, Registry};
use crate::secret::MasterKey;
use crate::store::{
    ModelRecord, NewModel, ProviderWrite, RegistryRecords, RegistryStore, SealedProvider, Version,
};
use crate::wire::{KeyId, ModelId, ProviderId, RequestId, Timestamp};

const CLIENT_KEY: &str = "the-key-of-a-client";

/// A registry with one provider of one model.
pub(super) struct Registered {
    registry: Registry,
    model: String,
}

impl Registered {
    pub(super) async fn new(
        kind: &'static str,
        server_url: &str,
        server_key: &str,
        model: &str,
    ) -> Self {
        let store = Arc::new(InMemory::default());
        let key = MasterKey::generate().expect("random bytes");
        let registry = Registry::open_with_key(store, [kind], key).await;
        let registry = registry.expect("an empty registry");
        let spec = ProviderSpec::new("Contract", server_url, server_key, CLIENT_KEY).kind(kind);
        let provider = registry.add_provider(spec).await;
        let provider = provider.unwrap_or_else(|error| {
            panic!("{kind}: a provider of this kind can be registered; instead: {error}")
        });
        let added = registry.add_model(NewModel::new(provider.id, model)).await;
        added.unwrap_or_else(|error| panic!("{kind}: the model {model:?}: {error}"));
        Self {
            registry,
            model: model.to_owned(),
        }
    }

    /// The attempt that the gateway would pass to the provider.
    pub(super) fn attempt(&self, operation: Operation, body: &Value) -> Attempt {
        let principal = self.registry.authenticate(CLIENT_KEY.as_bytes());
        let principal = principal.expect("the key that was registered");
        let targets = principal.grant().targets(&self.model);
        let targets = Arc::clone(targets.expect("the model that was registered"));
        let body = RequestBody::scan_for(operation, body.to_string().into(), None);
        let body = body.expect("a JSON object that names a model");
        let arrival = Arrival {
            operation,
            ..Arrival::chat(RequestId::new(), principal, Passport::default())
        };
        let call = arrival.into_call(&Conversations::default(), body);
        let routed = Routed::new(call, targets).expect("a target");
        routed
            .attempt(0)
            .expect("a provider that may have one more request")
    }
}

/// Keeps what is added.
#[derive(Default)]
struct InMemory(Mutex<RegistryRecords>);

impl InMemory {
    fn change<T>(&self, change: impl FnOnce(&mut RegistryRecords) -> T) -> T {
        let mut records = self.0.lock().expect("nobody panics under this lock");
        records.revision += 1;
        change(&mut records)
    }
}

fn unasked<T>() -> Result<T> {
    let message = "this registry only grows";
    Err(Error::new(ErrorKind::Internal, message))
}

#[async_trait]
impl RegistryStore for InMemory {
    async fn load(&self) -> Result<RegistryRecords> {
        Ok(self.0.lock().expect("as above").clone())
    }

    async fn insert_provider(&self, write: ProviderWrite) -> Result<SealedProvider> {
        let record = SealedProvider::new(ProviderId(1), KeyId(1), &write, Timestamp::now())?;
        self.change(|records| records.providers.push(record.clone()));
        Ok(record)
    }

    async fn update_provider(
        &self,
        _: ProviderId,
        _: ProviderWrite,
        _: Option<Version>,
    ) -> Result<SealedProvider> {
        unasked()
    }

    async fn delete_provider(&self, _: ProviderId, _: Option<Version>) -> Result<()> {
        unasked()
    }

    async fn insert_model(&self, new: NewModel) -> Result<ModelRecord> {
        let record = ModelRecord::new(ModelId(1), new, Timestamp::now());
        self.change(|records| records.models.push(record.clone()));
        Ok(record)
    }

    async fn update_model(
        &self,
        _: ModelId,
        _: NewModel,
        _: Option<Version>,
    ) -> Result<ModelRecord> {
        unasked()
    }

    async fn delete_model(&self, _: ModelId, _: Option<Version>) -> Result<()> {
        unasked()
    }
}
