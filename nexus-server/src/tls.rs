use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;

/// TLS for connections to upstreams, with the operating system's trusted certificates.
///
/// `None` if the system has none, as in a minimal container: then the library's own list of
/// authorities is used.
pub(crate) fn client_config() -> Option<ClientConfig> {
    // Named here instead of installed for the process, which is not needed.
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier);
    match config {
        Ok(builder) => Some(builder.with_no_client_auth()),
        Err(error) => {
            tracing::warn!(%error, "the system's certificates cannot be used; using built-in ones");
            None
        }
    }
}
