use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::gateway::built_in::built_in;
use crate::provider::{ByKind, Manner, Provider, Transport, models_of};
use crate::registry::{ProviderRecord, Registered, Upstreams};
use crate::wire::ProxyList;

/// Asks providers what they have, without a gateway: for a check before anything is served.
pub struct Probe {
    upstreams: Upstreams,
    providers: ByKind,
}

opaque_debug!(Probe);

impl Probe {
    /// Over the registered providers, with the built-in implementations. As for
    /// [`GatewayBuilder::grok_proxies`](super::GatewayBuilder::grok_proxies), these are the way to
    /// providers of kind `xai` that name none.
    pub fn new(
        registered: Registered,
        transport: Transport,
        grok_proxies: Option<ProxyList>,
    ) -> Self {
        let providers: Vec<(_, Arc<dyn Provider>)> = built_in(&transport, &Manner::default())
            .into_iter()
            .map(|provider| (provider.kind(), provider))
            .collect();
        let kinds = providers.iter().map(|(kind, _)| *kind);
        Self {
            upstreams: Upstreams::new(registered, kinds, grok_proxies.map(Arc::new)),
            providers: ByKind::new(providers),
        }
    }

    /// The names of the models that the provider's upstream says it has. That it answers tells that
    /// its URL is right, that it can be reached, and that it takes the key.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where there is no such list, [`ErrorKind::StoreInvalid`] for a
    /// provider that cannot be used, else those of a call. [`Error::report`] names the address.
    ///
    /// # Cancel safety
    /// Dropped, it drops the request.
    pub async fn models(&self, record: &ProviderRecord) -> Result<Vec<String>> {
        let upstream = self.upstreams.upstream(record.id)?;
        let provider = self.providers.get(&record.fields.kind).ok_or_else(|| {
            let message = "this gateway was built without the provider's kind";
            Error::new(ErrorKind::StoreInvalid, message)
        })?;
        models_of(provider, &upstream).await
    }
}
