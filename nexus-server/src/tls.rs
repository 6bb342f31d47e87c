use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;

/// TLS for the connections to upstreams, which trusts whom the operating system trusts.
///
/// `None` where the system has no certificates, as in a bare container: the library's own list of
/// authorities is used then.
pub(crate) fn client_config() -> Option<ClientConfig> {
    // Named here and not installed for the process, for that is not a library's to do, nor needed.
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
