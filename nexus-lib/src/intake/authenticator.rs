use async_trait::async_trait;
use http::{Extensions, HeaderMap};

use super::credentials::presented_key;
use crate::call::Principal;
use crate::error::{Error, ErrorKind, Result};
use crate::observe::Edge;
use crate::registry::Registry;

/// What a client shows of itself.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Credentials<'a> {
    /// The key, wherever the client's protocol has it: in `Authorization: Bearer`, `x-api-key` or
    /// `api-key`, among a WebSocket's subprotocols or in its first frame, or in a
    /// [`ChatRequest`](crate::ChatRequest).
    pub key: Option<&'a [u8]>,
    /// The headers of its request; of a WebSocket, those of the handshake. None in process.
    pub headers: &'a HeaderMap,
    /// What the server has added to its request, such as a certificate's name. None in process but
    /// what the [`ChatRequest`](crate::ChatRequest) has.
    pub extensions: &'a Extensions,
    /// Where it came in.
    pub edge: Edge,
}

impl<'a> Credentials<'a> {
    /// Those in the head of a request.
    pub fn of(headers: &'a HeaderMap, extensions: &'a Extensions, edge: Edge) -> Self {
        Self {
            key: presented_key(headers),
            headers,
            extensions,
            edge,
        }
    }

    /// The same with another key.
    #[must_use]
    pub fn with_key(mut self, key: &'a [u8]) -> Self {
        self.key = Some(key);
        self
    }
}

/// Finds out who a client is. [`ByKey`] does, unless the application has
/// [its own](crate::GatewayBuilder::authenticator).
///
/// # Contract
/// It is asked once for each request over HTTP and in process, and once for each WebSocket. It must
/// not log what it is shown. An answer that takes longer than ten seconds comes too late; a panic
/// is an error of this request.
///
/// ```
/// use async_trait::async_trait;
/// use nexus_lib::call::{Principal, Scope};
/// use nexus_lib::intake::{Authenticator, ByKey, Credentials};
/// use nexus_lib::registry::Registry;
/// use nexus_lib::Result;
///
/// /// Trusts the proxy in front, and takes keys from everybody else.
/// struct ByProxy;
///
/// #[async_trait]
/// impl Authenticator for ByProxy {
///     async fn authenticate(&self, shown: &Credentials<'_>, registry: &Registry) -> Result<Principal> {
///         let user = shown.headers.get("x-user").and_then(|name| name.to_str().ok());
///         match user {
///             Some(user) => Ok(Principal::new(user, registry.grant(&Scope::everything()))),
///             None => ByKey.authenticate(shown, registry).await,
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Finds the client of these credentials. The registry says what it may call.
    ///
    /// # Errors
    /// What the client is answered: [`ErrorKind::InvalidApiKey`] for credentials that are not
    /// known.
    ///
    /// # Cancel safety
    /// It may be dropped whenever its client leaves.
    async fn authenticate(&self, shown: &Credentials<'_>, registry: &Registry)
    -> Result<Principal>;
}

/// Finds clients by the keys of the registry.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByKey;

#[async_trait]
impl Authenticator for ByKey {
    async fn authenticate(
        &self,
        shown: &Credentials<'_>,
        registry: &Registry,
    ) -> Result<Principal> {
        by_key(shown, registry)
    }
}

pub(super) fn by_key(shown: &Credentials<'_>, registry: &Registry) -> Result<Principal> {
    let key = shown.key.ok_or_else(|| {
        let message = "no API key was given; send it as `Authorization: Bearer KEY`";
        Error::new(ErrorKind::InvalidApiKey, message)
    })?;
    registry.authenticate(key)
}
