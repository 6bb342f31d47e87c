use std::sync::Arc;

use crate::provider::Provider;

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
