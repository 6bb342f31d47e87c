use std::sync::Arc;

use super::snapshot::Rules;
use super::{Registered, Snapshot};
use crate::call::Upstream;
use crate::error::Result;
use crate::wire::{ProviderId, ProxyList};

/// Access to the providers of some records, without a registry.
pub(crate) struct Upstreams {
    snapshot: Snapshot,
    rules: Rules,
}

impl Upstreams {
    /// For a gateway that supports these kinds.
    pub(crate) fn new(
        registered: Registered,
        kinds: impl IntoIterator<Item = &'static str>,
        grok_proxies: Option<Arc<ProxyList>>,
    ) -> Self {
        let rules = Rules {
            spoken: kinds.into_iter().collect(),
            grok_proxies,
        };
        Self {
            snapshot: Snapshot::new(registered, &rules, &Snapshot::default()),
            rules,
        }
    }

    /// See [`Registry::upstream`](super::Registry::upstream).
    pub(crate) fn upstream(&self, id: ProviderId) -> Result<Upstream> {
        self.snapshot.upstream(id, &self.rules)
    }
}
