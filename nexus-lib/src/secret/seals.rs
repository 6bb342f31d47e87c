use super::{MasterKey, Sealer};

/// What seals the secrets of providers, each for its purpose: one never opens as the other.
#[derive(Debug, Clone)]
pub(crate) struct Seals {
    pub(crate) server_key: Sealer,
    /// Proxies may have passwords.
    pub(crate) proxy_url: Sealer,
}

impl Seals {
    pub(crate) fn new(key: &MasterKey) -> Self {
        Self {
            server_key: Sealer::new(key, "provider.server_key"),
            proxy_url: Sealer::new(key, "provider.proxy_url"),
        }
    }
}
