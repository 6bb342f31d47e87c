use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, ErrorKind, Result};
use crate::provider::transport::pool::{Connector, Pool};
use crate::provider::{Timeouts, Transport};

/// Settings of a [`Transport`].
#[derive(Debug, Default)]
pub struct TransportBuilder {
    timeouts: Timeouts,
    tls: Option<ClientConfig>,
}

impl TransportBuilder {
    /// Replaces the timers.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Replaces the TLS settings. By default Mozilla's root certificates are compiled in; a program
    /// may rather want those of its system.
    #[must_use]
    pub fn tls_config(mut self, config: ClientConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// The transport. Opens nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when TLS cannot be set up.
    pub fn build(self) -> Result<Transport> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // Without it a turn of a stream can wait 40 ms for an acknowledgement.
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(60)));

        let tls = self.tls.map_or_else(compiled_in_roots, Ok)?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        Ok(Transport {
            pool: Pool::new(Connector::new(connector)),
            timeouts: self.timeouts,
        })
    }
}

fn compiled_in_roots() -> Result<ClientConfig> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    // Named, not taken from the process: a library installs no default for others.
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
