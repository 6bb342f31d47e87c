use std::sync::Arc;

use crate::call::Upstream;
use crate::error::Result;
use crate::provider::{Provider, redact};

/// A gateway's provider implementations. A clone shares them.
#[derive(Clone)]
pub(crate) struct ByKind(
    /// Only a few: comparing each is faster than hashing.
    Arc<[(&'static str, Arc<dyn Provider>)]>,
);

impl ByKind {
    pub(crate) fn new(providers: Vec<(&'static str, Arc<dyn Provider>)>) -> Self {
        Self(providers.into())
    }

    /// The implementation for providers of this `kind`.
    pub(crate) fn get(&self, kind: &str) -> Option<&Arc<dyn Provider>> {
        let mut providers = self.0.iter();
        let found = providers.find(|(known, _)| *known == kind);
        found.map(|(_, provider)| provider)
    }
}

/// The model names that `upstream`, a provider for which `provider` is the implementation, reports;
/// see [`Provider::upstream_models`]. None of them contains the upstream's key.
pub(crate) async fn models_of(
    provider: &Arc<dyn Provider>,
    upstream: &Upstream,
) -> Result<Vec<String>> {
    match provider.upstream_models(upstream).await {
        Ok(names) => Ok(redact::names(names, &upstream.provider)),
        Err(error) => Err(redact::error(error, &upstream.provider)),
    }
}
