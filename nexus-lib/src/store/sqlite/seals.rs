use crate::secret::{MasterKey, Sealer};

/// What seals the secrets of the registry, each for its purpose: one never opens as another.
#[derive(Clone)]
pub(super) struct Seals {
    pub(super) server_key: Sealer,
    /// Proxies may have passwords.
    pub(super) proxy_url: Sealer,
}

impl Seals {
    pub(super) fn new(key: &MasterKey) -> Self {
        Self {
            server_key: Sealer::new(key, "provider.server_key"),
            proxy_url: Sealer::new(key, "provider.proxy_url"),
        }
    }
}
