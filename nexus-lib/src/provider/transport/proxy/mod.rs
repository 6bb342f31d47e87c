//! Connections to an upstream through outbound proxies.
//!
//! The proxies of a list are tried in turn, those that are up first, until one provides a tunnel;
//! TLS goes through it to the upstream itself. A proxy that fails is down until a check in the
//! background, or a request that has no better one, finds it up again. A provider with proxies is
//! never connected to directly: there is no code here that would.
//!
//! Why not hyper-util's own connectors: their errors do not distinguish a failing proxy from an
//! upstream that the proxy cannot reach, and their SOCKS resolves names with a blocking call.

mod dialer;
mod http_connect;
mod socks5;
mod standing;
mod through;
mod watch;

pub(super) use watch::Proxies;

use http::Uri;
use http::uri::Scheme;

use crate::error::BoxError;

/// The destination of a tunnel.
struct Destination {
    /// A name, or an address without brackets.
    host: String,
    port: u16,
    /// Both, as in a URL.
    authority: String,
}

impl Destination {
    fn of(uri: &Uri) -> Option<Self> {
        let host = uri.host()?;
        let port = uri.port_u16().unwrap_or(match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => 443,
            _ => 80,
        });
        Some(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: format!("{host}:{port}"),
        })
    }
}

/// Why no proxy of a list provided a tunnel: the failure of the last one.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoTunnel {
    #[error("the proxy failed")]
    Proxy(#[source] BoxError),
    #[error("the proxy cannot reach the provider")]
    Beyond(#[source] BoxError),
}

/// Why a proxy provided no tunnel.
#[derive(Debug)]
enum DialError {
    /// It cannot be reached, rejects us, or does not speak its protocol.
    Proxy(BoxError),
    /// It works, but cannot reach the upstream.
    Beyond(BoxError),
}

impl DialError {
    fn proxy(cause: impl Into<BoxError>) -> Self {
        Self::Proxy(cause.into())
    }

    fn beyond(cause: impl Into<BoxError>) -> Self {
        Self::Beyond(cause.into())
    }
}

/// Asks for a tunnel to `name` over `stream`, a connection to `proxy`.
#[cfg(feature = "fuzzing")]
pub(super) async fn socks5_tunnel(
    stream: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin),
    proxy: &crate::wire::ProxyUrl,
    name: &str,
    port: u16,
) -> bool {
    let address = match name.parse() {
        Ok(ip) => socks5::Address::Ip(ip),
        Err(_) => socks5::Address::Name(name),
    };
    socks5::greet(stream, proxy).await.is_ok()
        && socks5::connect(stream, &address, port).await.is_ok()
}
