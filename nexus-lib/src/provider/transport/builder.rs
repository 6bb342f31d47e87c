use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, ErrorKind, Result};
use crate::provider::transport::pool::{Connector, Pool};
use crate::provider::transport::proxy::Proxies;
use crate::provider::transport::resolver::{Resolver, Tcp};
use crate::provider::{Timeouts, Transport};

/// The default interval for checking proxies that are down.
const PROXY_CHECK_INTERVAL: Duration = Duration::from_secs(15);

/// Settings of a [`Transport`].
#[derive(Debug, Default)]
pub struct TransportBuilder {
    timeouts: Timeouts,
    tls: Option<ClientConfig>,
    proxy_check_interval: Option<Duration>,
}

impl TransportBuilder {
    /// Replaces the timeouts.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Replaces the TLS settings. By default Mozilla's root certificates are compiled in; an
    /// application may prefer those of its system. The HTTP versions offered (ALPN) are set here.
    #[must_use]
    pub fn tls_config(mut self, config: ClientConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// How often outbound proxies that are down are checked; those that are up are checked every
    /// fourth time. Default: 15 s.
    #[must_use]
    pub fn proxy_check_interval(mut self, interval: Duration) -> Self {
        self.proxy_check_interval = Some(interval);
        self
    }

    /// Builds the transport. Opens nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when TLS cannot be set up.
    pub fn build(self) -> Result<Transport> {
        let mut tcp = Tcp::new_with_resolver(Resolver::new());
        tcp.enforce_http(false);
        // Without it a write of a stream can wait 40 ms for an acknowledgement.
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(60)));

        let mut tls = self.tls.map_or_else(compiled_in_roots, Ok)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let interval = self.proxy_check_interval.unwrap_or(PROXY_CHECK_INTERVAL);
        let proxies = Proxies::new(tcp.clone(), interval, self.timeouts.connect);
        Ok(Transport {
            pool: Pool::new(Connector::new(tcp, Arc::new(tls), proxies)),
            timeouts: self.timeouts,
            memory: Arc::default(),
            manner: Arc::default(),
        })
    }
}

fn compiled_in_roots() -> Result<ClientConfig> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    // Named explicitly instead of taken from the process: a library installs no default for others.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| {
            Error::new(ErrorKind::InvalidConfig, "TLS cannot be set up").with_source(cause)
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
