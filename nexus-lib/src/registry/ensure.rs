use super::{ProviderRecord, ProviderSpec, Registry, model};
use crate::error::Result;
use crate::store::{ModelRecord, NewModel, ProviderWrite};
use crate::wire::ProviderId;

/// A model as code sets it up: made of its name, where that is all there is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelSpec {
    /// The name that clients use.
    pub model_name: String,
    /// The name that the upstream uses, when it differs.
    pub upstream_model: Option<String>,
    /// Free text.
    pub description: String,
}

impl ModelSpec {
    /// A model that clients and the upstream call by the same name.
    pub fn new(model_name: impl Into<String>) -> Self {
        Self {
            model_name: model_name.into(),
            upstream_model: None,
            description: String::new(),
        }
    }

    /// Says by which name the upstream knows it.
    #[must_use]
    pub fn upstream_model(mut self, name: impl Into<String>) -> Self {
        self.upstream_model = Some(name.into());
        self
    }

    /// Describes it.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    fn of(self, provider_id: ProviderId) -> NewModel {
        NewModel {
            provider_id,
            model_name: self.model_name,
            upstream_model: self.upstream_model,
            description: self.description,
        }
    }
}

impl From<&str> for ModelSpec {
    fn from(model_name: &str) -> Self {
        Self::new(model_name)
    }
}

impl From<String> for ModelSpec {
    fn from(model_name: String) -> Self {
        Self::new(model_name)
    }
}

impl Registry {
    /// Sets up a provider and its models, for code that runs at each start: adds what is missing,
    /// changes what differs, and writes nothing where all is as it should be. The provider is known
    /// again by its name, a model by its own under this provider.
    ///
    /// Models that the provider has besides stay. Of several providers of one name, the oldest is
    /// meant.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use nexus_lib::registry::{ProviderSpec, Registry};
    /// # use nexus_lib::store::SqliteStore;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> nexus_lib::Result<()> {
    /// # let store = SqliteStore::in_memory().await?;
    /// # let registry = Registry::open(Arc::new(store), ["openai"]).await?;
    /// for _start in 0..2 {
    ///     let spec = ProviderSpec::new("Local", "http://127.0.0.1:11434", "", "team-key");
    ///     registry.ensure(spec, ["qwen3", "llama4"]).await?;
    /// }
    /// assert_eq!(registry.snapshot().providers().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`add_provider`](Self::add_provider) and [`add_model`](Self::add_model). What was
    /// done before one stays.
    ///
    /// # Cancel safety
    /// Dropped, it has done some of its steps; calling it again does the others.
    pub async fn ensure<M: Into<ModelSpec>>(
        &self,
        provider: ProviderSpec,
        models: impl IntoIterator<Item = M>,
    ) -> Result<ProviderRecord> {
        let models: Vec<ModelSpec> = models.into_iter().map(Into::into).collect();
        // Of two that set up the same at once, the second finds what the first has added.
        let _alone = self.one_at_a_time().await;
        // Another gateway on the same store may have been here.
        self.refresh().await?;
        let record = self.ensure_provider(provider).await?;
        for model in models {
            self.ensure_model(model.of(record.id)).await?;
        }
        Ok(record)
    }

    async fn ensure_provider(&self, spec: ProviderSpec) -> Result<ProviderRecord> {
        let snapshot = self.snapshot();
        let mut providers = snapshot.providers().iter();
        let Some(present) = providers.find(|provider| provider.fields.name == spec.name) else {
            return self.add_provider(spec).await;
        };
        let update = spec
            .clone()
            .into_update(present, self.spoken(), self.seals())?;
        if is_met(present, &update) {
            return Ok(present.clone());
        }
        self.update_provider(present.id, spec).await
    }

    async fn ensure_model(&self, new: NewModel) -> Result<ModelRecord> {
        let new = model::checked(new)?;
        let snapshot = self.snapshot();
        let mut models = snapshot.models_of(new.provider_id);
        let Some(present) = models.find(|model| model.model_name == new.model_name) else {
            return self.add_model(new).await;
        };
        let is_met =
            present.upstream_model == new.upstream_model && present.description == new.description;
        if is_met {
            return Ok(present.clone());
        }
        self.update_model(present.id, new).await
    }
}

/// Whether the update would change nothing.
fn is_met(present: &ProviderRecord, update: &ProviderWrite) -> bool {
    let client_key = update.client_key.as_ref();
    update.fields == present.fields
        && client_key.is_none_or(|key| key.hash == present.client_key.hash)
        && update.keeps(&present.server_key, present.proxy_url.as_ref())
}
