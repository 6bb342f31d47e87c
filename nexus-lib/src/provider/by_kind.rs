use std::sync::Arc;

use crate::call::Upstream;
use crate::error::Result;
use crate::provider::{Provider, redact};

/// The implementations that a gateway has. A clone shares them.
#[derive(Clone)]
pub(crate) struct ByKind(
    /// A handful: looking at each is quicker than hashing.
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

/// The names of the models that `upstream`, which `provider` speaks to, says it has; see
/// [`Provider::upstream_models`]. Nothing of them repeats the upstream's key.
pub(crate) async fn models_of(
    provider: &Arc<dyn Provider>,
    upstream: &Upstream,
) -> Result<Vec<String>> {
    match provider.upstream_models(upstream).await {
        Ok(names) => Ok(redact::names(names, &upstream.provider)),
        Err(error) => Err(redact::error(error, &upstream.provider)),
    }
}
